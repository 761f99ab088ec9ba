//! The two databases and how they are opened.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

use super::reader::Readers;
use super::scribe::{Scribe, Turns};
use super::server::Connections;
use super::sql::Ready;
use super::{Args, Row, Sql, StoreError, Tx, Unaudited};

/// Which database runs below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// Where the database is.
#[derive(Debug, Clone)]
pub enum DbOptions {
    Sqlite { file: PathBuf, readers: u32 },
    Postgres { url: String, connections: u32 },
}

/// A database; cheap to clone.
#[derive(Clone)]
pub enum Db {
    Sqlite(SqliteDb),
    Postgres(Connections),
}

/// Writers that take turns, and some readers: nobody ever waits for SQLite's lock, which keeps the 99th percentile of
/// inserts five times lower.
#[derive(Clone)]
pub struct SqliteDb {
    pub(super) writer: SqlitePool,
    pub(super) turns: Turns,
    pub(super) scribe: Scribe,
    pub(super) readers: Readers,
}

const STATEMENTS_PER_CONNECTION: usize = 512;
/// Pages that change with every commit are folded into the file once in a while, not every 4 MB.
pub(super) const PAGES_BEFORE_CHECKPOINT: u32 = 4000;

impl Db {
    pub async fn open(options: &DbOptions) -> Result<Self, StoreError> {
        match options {
            DbOptions::Sqlite { file, readers } => open_sqlite(file, *readers).await.map(Self::Sqlite),
            DbOptions::Postgres { url, connections } => Connections::open(url, *connections).await.map(Self::Postgres),
        }
    }

    pub const fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// Where the database's groups of events are written without a hop per statement, if it has such a place.
    pub(crate) fn scribe(&self) -> Option<Scribe> {
        match self {
            Self::Sqlite(db) => Some(db.scribe.clone()),
            Self::Postgres(_) => None,
        }
    }

    /// Where they are written in a single round trip.
    pub(crate) const fn server(&self) -> Option<&Connections> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(connections) => Some(connections),
        }
    }

    /// Opens a transaction that can only be committed after an event was recorded in it.
    /// On SQLite nobody else writes from here to its end: do nothing slow inside.
    pub async fn begin(&self) -> Result<Tx<Unaudited>, StoreError> {
        Tx::begin(self).await
    }

    /// A query that no scope restricts: for what happens before there is an actor (sign-in), for the system's own
    /// tables, for jobs that already hold a decision. Each use says why, and a test lists them all.
    pub async fn fetch_all_without_scope(
        &self,
        _because: &'static str,
        sql: impl Into<Sql>,
        args: Args,
    ) -> Result<Vec<Row>, StoreError> {
        self.fetch_all(Ready::Static(sql.into().text(self.engine())), args).await
    }

    /// The same for at most one row.
    pub async fn fetch_optional_without_scope(
        &self,
        _because: &'static str,
        sql: impl Into<Sql>,
        args: Args,
    ) -> Result<Option<Row>, StoreError> {
        self.fetch_optional(Ready::Static(sql.into().text(self.engine())), args).await
    }

    pub(crate) async fn fetch_all(&self, sql: Ready, args: Args) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Sqlite(db) => db.readers.fetch(sql, args, usize::MAX).await,
            Self::Postgres(connections) => connections.fetch_all(sql, args).await,
        }
    }

    pub(crate) async fn fetch_optional(&self, sql: Ready, args: Args) -> Result<Option<Row>, StoreError> {
        match self {
            Self::Sqlite(db) => Ok(db.readers.fetch(sql, args, 1).await?.pop()),
            Self::Postgres(connections) => connections.fetch_optional(sql, args).await,
        }
    }

    /// Prepares a statement without running it; the parity test asks this of every statement on both databases.
    pub async fn prepare(&self, sql: impl Into<Sql>) -> Result<(), StoreError> {
        self.prepare_ready(Ready::Static(sql.into().text(self.engine()))).await
    }

    pub(crate) async fn prepare_ready(&self, sql: Ready) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(db) => db.readers.prepare(sql).await,
            Self::Postgres(connections) => connections.prepare(sql).await,
        }
    }

    /// Folds SQLite's write-ahead log into the file and truncates it: it still holds pages as they were before something was
    /// removed from them. Waits for readers as long as the busy timeout; a log that couldn't be truncated is an error, and
    /// the caller tries again. PostgreSQL can't: its log and dead rows go by its own rules.
    pub async fn wipe_log(&self) -> Result<(), StoreError> {
        let Self::Sqlite(db) = self else { return Ok(()) };
        let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&db.writer).await?;
        let busy: i64 = row.try_get(0).map_err(|_| StoreError::Row(0))?;
        if busy == 0 { Ok(()) } else { Err(StoreError::Contention) }
    }

    /// Waits for running statements and closes every connection; SQLite's write-ahead log is folded into the file.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(db) => {
                db.readers.close().await;
                db.turns.close().await;
                db.scribe.close();
                db.writer.close().await;
            }
            Self::Postgres(connections) => connections.close().await,
        }
    }
}

async fn open_sqlite(file: &Path, readers: u32) -> Result<SqliteDb, StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        .pragma("secure_delete", "ON")
        // Temporary tables and sorts may hold plaintext columns: they stay in memory.
        .pragma("temp_store", "MEMORY")
        .pragma("cache_size", "-8192")
        .pragma("wal_autocheckpoint", PAGES_BEFORE_CHECKPOINT.to_string())
        .statement_cache_capacity(STATEMENTS_PER_CONNECTION);
    let pool = SqlitePoolOptions::new().test_before_acquire(false).max_lifetime(None).idle_timeout(None);
    let writer = pool.max_connections(1).connect_with(options).await?;
    let readers = Readers::open(file, readers)?;
    let turns = Turns::new();
    Ok(SqliteDb { writer, scribe: Scribe::new(file, turns.clone()), turns, readers })
}
