//! Finding values where they must not be: in files and tables, in the clear or in a costume.

use std::collections::BTreeMap;
use std::path::Path;

use data_encoding::{BASE64, BASE64URL, HEXLOWER};
use sqlx::{Connection as _, PgConnection};

/// What must not be found, in all its costumes.
#[derive(Default)]
pub struct Needles(BTreeMap<String, String>);

impl Needles {
    /// Adds a text: raw, as hexadecimal digits, in UTF-16 of both orders, and in base64 at each of the three places in
    /// which a text can stand in a group of three bytes.
    pub fn add(&mut self, text: &str) {
        let lower = text.to_lowercase();
        let mut put = |costume: &str, bytes: &[u8]| {
            self.0.insert(latin(bytes), format!("{text} as {costume}"));
        };
        put("it is", lower.as_bytes());
        put("hexadecimal digits", HEXLOWER.encode(lower.as_bytes()).as_bytes());
        let units: Vec<u16> = lower.encode_utf16().collect();
        put("UTF-16LE", &units.iter().flat_map(|unit| unit.to_le_bytes()).collect::<Vec<_>>());
        put("UTF-16BE", &units.iter().flat_map(|unit| unit.to_be_bytes()).collect::<Vec<_>>());
        for before in 0..3 {
            let padded = [&b"___"[..before], text.as_bytes()].concat();
            for (name, encoded) in [("base64", BASE64.encode(&padded)), ("base64url", BASE64URL.encode(&padded))] {
                // Characters at both ends also depend on what stands beside the text.
                let start = (before * 8).div_ceil(6);
                let end = padded.len() * 8 / 6;
                self.0.insert(encoded[start..end].to_owned(), format!("{text} as {name}"));
            }
        }
    }

    /// What of it is in these bytes.
    pub fn found_in(&self, bytes: &[u8]) -> Vec<&str> {
        let (exact, lower) = (latin(bytes), latin(&bytes.to_ascii_lowercase()));
        let is_there = |needle: &str| exact.contains(needle) || lower.contains(needle);
        self.0.iter().filter(|(needle, _)| is_there(needle)).map(|(_, what)| what.as_str()).collect()
    }
}

/// One character for each byte: then the standard library's fast search can be used.
fn latin(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// Content of all files below a directory.
pub fn files_below(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).expect("the directory is there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push((path.display().to_string(), std::fs::read(&path).unwrap_or_default()));
        }
    }
    files
}

/// Content of the regular files that this process holds open, among them temporary ones that no directory lists.
pub fn open_files() -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten() {
        let is_file = std::fs::metadata(entry.path()).is_ok_and(|metadata| metadata.is_file());
        let target = std::fs::read_link(entry.path()).unwrap_or_default();
        // The test's own output, when it is sent to a file, tells what the test writes.
        let is_output = matches!(entry.file_name().to_str(), Some("0" | "1" | "2"));
        if is_file && !is_output {
            files.push((target.display().to_string(), std::fs::read(entry.path()).unwrap_or_default()));
        }
    }
    files
}

/// Content of the files in which PostgreSQL keeps a database, and of its log. Nothing where they can't be read, which is
/// said: a server that isn't the tests' own.
pub async fn postgres_files(url: &str) -> Vec<(String, Vec<u8>)> {
    let Ok((directory, database)) = where_postgres_is(url).await else {
        eprintln!("PostgreSQL doesn't tell where its files are: only its tables are looked at");
        return Vec::new();
    };
    let directory = Path::new(&directory);
    if std::fs::read_dir(directory).is_err() {
        eprintln!("{} can't be read: only the tables are looked at", directory.display());
        return Vec::new();
    }
    let mut files = files_below(&directory.join("base").join(database));
    assert!(!files.is_empty(), "the database has files");
    let log = directory.parent().map(|above| above.join("log")).filter(|log| log.is_file());
    files.extend(log.map(|log| (log.display().to_string(), std::fs::read(&log).unwrap_or_default())));
    files
}

/// The server's directory, and the name of the database's within it; everything is written to the files before.
async fn where_postgres_is(url: &str) -> Result<(String, String), sqlx::Error> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::query("CHECKPOINT").execute(&mut connection).await?;
    let directory: String = sqlx::query_scalar("SHOW data_directory").fetch_one(&mut connection).await?;
    let oid = "SELECT oid::text FROM pg_database WHERE datname = current_database()";
    Ok((directory, sqlx::query_scalar(oid).fetch_one(&mut connection).await?))
}
