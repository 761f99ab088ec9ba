//! Who else on this machine can read what should be ours alone.

use std::path::{Path, PathBuf};

use kluis_core::kernel::{Message, Phrase};

use super::report::Report;
use crate::command::terminal::p;
use crate::config::{Config, DatabaseConfig, Origin, Resolved, SETTINGS, UnsealSource};
use crate::server::stores::files;

const DIRECTORY: Phrase = p("data directory", "gegevensmap");
const KEY_FILE: Phrase = p("root key file", "bestand met de hoofdsleutel");
const DATABASES: Phrase = p("database files", "databasebestanden");
const SECRETS: Phrase = p("secrets in files", "geheimen in bestanden");

pub fn check(resolved: &Resolved, config: &Config, report: &mut Report) {
    match others(&config.data_directory) {
        Access::Private => report.ok(DIRECTORY, path(&config.data_directory)),
        Access::Missing => report.fail(DIRECTORY, missing(&config.data_directory)),
        Access::Open => report.fail(DIRECTORY, open(&config.data_directory, "700")),
    }
    if let UnsealSource::KeyFile(file) = &config.unseal {
        match others(file) {
            Access::Private => report.ok(KEY_FILE, path(file)),
            Access::Missing => report.fail(KEY_FILE, missing(file)),
            Access::Open => report.fail(KEY_FILE, open(file, "600")),
        }
    }
    databases(config, report);
    secrets(resolved, report);
}

/// The directory is closed already; the files are looked at one by one because they may be moved.
fn databases(config: &Config, report: &mut Report) {
    let DatabaseConfig::Sqlite { directory, .. } = &config.database else { return };
    let (data, keys) = files(directory);
    let beside = |file: PathBuf| ["", "-wal", "-shm"].map(|end| PathBuf::from(format!("{}{end}", file.display())));
    let open_ones: Vec<_> =
        [beside(data), beside(keys)].into_iter().flatten().filter(|file| others(file) == Access::Open).collect();
    match open_ones.first() {
        None => report.ok(DATABASES, p("closed to others", "gesloten voor anderen")),
        Some(file) => report.warn(DATABASES, open(file, "600")),
    }
}

/// Files that the configuration took a secret from.
fn secrets(resolved: &Resolved, report: &mut Report) {
    let mut holders: Vec<PathBuf> = Vec::new();
    for setting in SETTINGS.iter().filter(|setting| setting.secret) {
        let set = resolved.get(setting.key).is_some();
        if let Some(Origin::File(file)) = resolved.origin(setting.key)
            && set
            && !holders.contains(file)
        {
            holders.push(file.clone());
        }
    }
    for file in holders {
        match others(&file) {
            Access::Open => report.fail(SECRETS, open(&file, "600")),
            Access::Private | Access::Missing => report.ok(SECRETS, path(&file)),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Access {
    Private,
    /// The group or everybody may do something with it.
    Open,
    Missing,
}

#[cfg(unix)]
fn others(path: &Path) -> Access {
    use std::os::unix::fs::MetadataExt;
    match path.metadata() {
        Err(_) => Access::Missing,
        // The last six bits are those of the group and of everybody else.
        Ok(metadata) if metadata.mode().trailing_zeros() >= 6 => Access::Private,
        Ok(_) => Access::Open,
    }
}

#[cfg(not(unix))]
fn others(path: &Path) -> Access {
    if path.exists() { Access::Private } else { Access::Missing }
}

fn path(path: &Path) -> Message {
    Message::plain(path.display().to_string())
}

fn missing(path: &Path) -> Message {
    let path = path.display();
    Message::new(format!("{path} isn't there"), format!("{path} is er niet"))
}

fn open(path: &Path, mode: &str) -> Message {
    let path = path.display();
    Message::new(format!("others may read {path}: chmod {mode}"), format!("anderen mogen {path} lezen: chmod {mode}"))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn one_bit_for_the_group_is_too_many() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (mode, access) in
            [(0o600, Access::Private), (0o400, Access::Private), (0o640, Access::Open), (0o601, Access::Open)]
        {
            std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(others(file.path()), access, "{mode:o}");
        }
        assert_eq!(others(Path::new("/nowhere/at/all")), Access::Missing);
    }
}
