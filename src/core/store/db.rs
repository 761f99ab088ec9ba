//! The two databases and how they are opened.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

use super::reader::Readers;
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
    Postgres(PgPool),
}

/// One writer and some readers: with a single writer nobody ever waits for SQLite's lock, which keeps the 99th
/// percentile of inserts five times lower.
#[derive(Clone)]
pub struct SqliteDb {
    pub(super) writer: SqlitePool,
    pub(super) readers: Readers,
}

const STATEMENTS_PER_CONNECTION: usize = 512;

impl Db {
    pub async fn open(options: &DbOptions) -> Result<Self, StoreError> {
        match options {
            DbOptions::Sqlite { file, readers } => open_sqlite(file, *readers).await.map(Self::Sqlite),
            DbOptions::Postgres { url, connections } => open_postgres(url, *connections).await.map(Self::Postgres),
        }
    }

    pub const fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// Opens a transaction that can only be committed after an event was recorded in it.
    /// On SQLite it holds the one writer from here to its end: do nothing slow inside.
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
            Self::Postgres(pool) => {
                let query = sqlx::query_with(sql.into_driver(), args.postgres()?);
                let rows = query.fetch_all(pool).await?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    pub(crate) async fn fetch_optional(&self, sql: Ready, args: Args) -> Result<Option<Row>, StoreError> {
        match self {
            Self::Sqlite(db) => Ok(db.readers.fetch(sql, args, 1).await?.pop()),
            Self::Postgres(pool) => {
                let query = sqlx::query_with(sql.into_driver(), args.postgres()?);
                Ok(query.fetch_optional(pool).await?.map(Row::Postgres))
            }
        }
    }

    /// Prepares a statement without running it; the parity test asks this of every statement on both databases.
    pub async fn prepare(&self, sql: impl Into<Sql>) -> Result<(), StoreError> {
        self.prepare_ready(Ready::Static(sql.into().text(self.engine()))).await
    }

    pub(crate) async fn prepare_ready(&self, sql: Ready) -> Result<(), StoreError> {
        use sqlx::Executor as _;
        match self {
            Self::Sqlite(db) => db.readers.prepare(sql).await?,
            Self::Postgres(pool) => {
                pool.prepare(sql.into_driver()).await?;
            }
        }
        Ok(())
    }

    /// Waits for running statements and closes every connection; SQLite's write-ahead log is folded into the file.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(db) => {
                db.readers.close().await;
                db.writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
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
        // Pages that change with every commit are folded into the file once in a while, not every 4 MB.
        .pragma("wal_autocheckpoint", "4000")
        .statement_cache_capacity(STATEMENTS_PER_CONNECTION);
    let pool = SqlitePoolOptions::new().test_before_acquire(false).max_lifetime(None).idle_timeout(None);
    let writer = pool.max_connections(1).connect_with(options).await?;
    let readers = Readers::open(file, readers)?;
    Ok(SqliteDb { writer, readers })
}

async fn open_postgres(url: &str, connections: u32) -> Result<PgPool, StoreError> {
    let options = PgConnectOptions::from_str(url)?
        .application_name("kluis")
        .statement_cache_capacity(STATEMENTS_PER_CONNECTION)
        .options([("lock_timeout", "10s"), ("idle_in_transaction_session_timeout", "60s")]);
    let pool = PgPoolOptions::new()
        .max_connections(connections.max(2))
        .acquire_timeout(Duration::from_secs(10))
        .test_before_acquire(false)
        .connect_with(options)
        .await?;
    Ok(pool)
}
