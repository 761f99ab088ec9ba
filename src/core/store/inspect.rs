//! What an operator wants to know about a database: which one it is, its version, its clock, whether it is sound.
//!
//! Must never: read a record, or change anything.

use std::fmt;

use super::sql::Ready;
use super::{Args, Db, Engine, Sql, StoreError};

/// The database's own version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    pub engine: Engine,
    pub major: u32,
    /// As the database writes it.
    pub text: String,
}

impl Version {
    /// PostgreSQL 15: what the migrations were tested with. SQLite comes with the program.
    pub const fn is_supported(&self) -> bool {
        match self.engine {
            Engine::Sqlite => self.major >= 3,
            Engine::Postgres => self.major >= 15,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.engine {
            Engine::Sqlite => "SQLite",
            Engine::Postgres => "PostgreSQL",
        };
        write!(f, "{name} {}", self.text)
    }
}

const VERSION: Sql = Sql::both("SELECT sqlite_version()", "SELECT current_setting('server_version')");
const PLACE: Sql = Sql::both(
    "SELECT file FROM pragma_database_list WHERE name = 'main'",
    "SELECT pg_postmaster_start_time()::text || ' ' || (SELECT oid FROM pg_database WHERE datname = current_database())::text",
);
const NOW: Sql = Sql::both("SELECT 0 WHERE 1 = 0", "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint");
const ALIVE: Sql = Sql::both("SELECT 1", "SELECT 1::bigint");
// PostgreSQL checks its pages when it reads them (initdb --data-checksums) and its foreign keys always.
const INTEGRITY: Sql =
    Sql::both("SELECT integrity_check FROM pragma_integrity_check LIMIT 10", "SELECT 'ok' WHERE 1 = 0");
const ORPHANS: Sql = Sql::both(
    "SELECT COALESCE(\"table\", '?'), COUNT(*) FROM pragma_foreign_key_check GROUP BY 1",
    "SELECT '', 0::bigint WHERE 1 = 0",
);

/// Answers as soon as the database does.
pub async fn ping(db: &Db) -> Result<(), StoreError> {
    one(db, ALIVE).await.map(drop)
}

pub async fn version(db: &Db) -> Result<Version, StoreError> {
    let text = one(db, VERSION).await?.ok_or(StoreError::Row(0))?.text(0)?;
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    let major = digits.parse().map_err(|_| StoreError::Row(0))?;
    Ok(Version { engine: db.engine(), major, text })
}

/// Two connections that give the same text go to the same database.
pub async fn place(db: &Db) -> Result<String, StoreError> {
    one(db, PLACE).await?.ok_or(StoreError::Row(0))?.text(0)
}

/// The server's clock in microseconds since 1970; `None` for an embedded database, which has none of its own.
pub async fn clock(db: &Db) -> Result<Option<i64>, StoreError> {
    one(db, NOW).await?.map(|row| row.int(0)).transpose()
}

/// What is broken in the file: damaged pages, indexes that don't fit, rows whose parent is gone. Reads all of it.
/// Names tables, never values. Empty for a sound file, and for PostgreSQL.
pub async fn damage(db: &Db) -> Result<Vec<String>, StoreError> {
    let mut found = Vec::new();
    for row in db.fetch_all(text(db, INTEGRITY), Args::new()).await? {
        let line = row.text(0)?;
        if line != "ok" {
            found.push(line);
        }
    }
    for row in db.fetch_all(text(db, ORPHANS), Args::new()).await? {
        found.push(format!("{}: {} rows without a parent", row.text(0)?, row.int(1)?));
    }
    Ok(found)
}

fn text(db: &Db, sql: Sql) -> Ready {
    Ready::Static(sql.text(db.engine()))
}

async fn one(db: &Db, sql: Sql) -> Result<Option<super::Row>, StoreError> {
    db.fetch_optional(text(db, sql), Args::new()).await
}
