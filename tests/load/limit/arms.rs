//! The arms: sqlx on either database, and rusqlite.

use std::path::Path;
use std::time::Duration;

use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ColumnIndex, Database, Decode, Type};
use uuid::Uuid;

use super::schema::{BY_EMAIL, GET, INSERT, INSERT_VALUE, LIST};
use super::sqlite::{self, Files};
use super::view::Row;

/// A row, and what it is found by: field and value.
pub type NewRow = (Row, Vec<(&'static str, String)>);

#[derive(Debug, thiserror::Error)]
pub enum ArmError {
    #[error(transparent)]
    Sqlx(#[from] sqlx::Error),
    #[error(transparent)]
    Rusqlite(#[from] rusqlite::Error),
    #[error("the thread of a query has died")]
    Thread(#[from] tokio::task::JoinError),
    #[error("no database was named")]
    NoDatabase,
}

pub type Result<T> = std::result::Result<T, ArmError>;

pub enum Arm {
    /// Readers and the one writer.
    Sqlite(SqlitePool, SqlitePool),
    Rusqlite(Files),
    Postgres(PgPool),
}

/// As many connections as Kluis has.
const CONNECTIONS: u32 = 8;

macro_rules! ask {
    ($arm:expr, $sql:expr, $($bind:expr),+) => {
        match $arm {
            Arm::Sqlite(readers, _) => {
                let rows = sqlx::query($sql)$(.bind($bind))+.fetch_all(readers).await?;
                rows.iter().map(read).collect()
            }
            Arm::Postgres(pool) => {
                let rows = sqlx::query($sql)$(.bind($bind))+.fetch_all(pool).await?;
                rows.iter().map(read).collect()
            }
            Arm::Rusqlite(files) => files.read($sql, sqlite::params![$($bind),+]).await,
        }
    };
}

macro_rules! write_rows {
    ($pool:expr, $rows:expr) => {{
        let mut tx = $pool.begin().await?;
        for (row, values) in $rows {
            let mut query = sqlx::query(INSERT)
                .bind(row.tenant_id)
                .bind(row.id)
                .bind(&row.kind)
                .bind(&row.status)
                .bind(row.owner_id)
                .bind(row.created_at)
                .bind(row.updated_at)
                .bind(row.archived_at)
                .bind(&row.preferred_channel)
                .bind(&row.language)
                .bind(&row.region)
                .bind(&row.source)
                .bind(&row.legal_basis)
                .bind(&row.consented_purposes)
                .bind(row.last_contact_at)
                .bind(row.revision);
            for part in &row.parts {
                query = query.bind(part);
            }
            query.bind(&row.withheld).execute(&mut *tx).await?;
            for (field, value) in values {
                let query = sqlx::query(INSERT_VALUE).bind(row.tenant_id).bind(*field).bind(value).bind(row.id);
                query.execute(&mut *tx).await?;
            }
        }
        tx.commit().await?;
    }};
}

impl Arm {
    pub async fn open(sqlite: Option<&Path>, postgres: Option<&str>, rusqlite: bool) -> Result<Self> {
        match (sqlite, postgres) {
            (Some(file), _) if rusqlite => Ok(Self::Rusqlite(Files::open(file)?)),
            (Some(file), _) => {
                let options = SqliteConnectOptions::new()
                    .filename(file)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full)
                    .foreign_keys(true)
                    .busy_timeout(Duration::from_secs(10))
                    .pragma("cache_size", "-8192");
                let pool = || SqlitePoolOptions::new().test_before_acquire(false).max_lifetime(None).idle_timeout(None);
                let writer = pool().max_connections(1).connect_with(options.clone()).await?;
                let readers = pool().max_connections(CONNECTIONS).connect_with(options).await?;
                Ok(Self::Sqlite(readers, writer))
            }
            (None, Some(url)) => {
                let pool = PgPoolOptions::new().max_connections(CONNECTIONS).test_before_acquire(false);
                Ok(Self::Postgres(pool.connect(url).await?))
            }
            (None, None) => Err(ArmError::NoDatabase),
        }
    }

    pub async fn list(&self, tenant: Uuid, limit: i64) -> Result<Vec<Row>> {
        ask!(self, LIST, tenant, limit)
    }

    pub async fn get(&self, tenant: Uuid, id: Uuid) -> Result<Option<Row>> {
        let rows: Result<Vec<Row>> = ask!(self, GET, tenant, id);
        Ok(rows?.pop())
    }

    pub async fn by_email(&self, tenant: Uuid, email: &str) -> Result<Vec<Row>> {
        let email = email.to_lowercase();
        ask!(self, BY_EMAIL, tenant, email.clone())
    }

    /// All of them in one transaction.
    pub async fn insert(&self, rows: &[NewRow]) -> Result<()> {
        match self {
            Self::Sqlite(_, writer) => write_rows!(writer, rows),
            Self::Postgres(pool) => write_rows!(pool, rows),
            Self::Rusqlite(files) => files.insert(rows).await?,
        }
        Ok(())
    }
}

fn read<'r, R>(row: &'r R) -> Result<Row>
where
    R: sqlx::Row,
    usize: ColumnIndex<R>,
    Uuid: Decode<'r, R::Database> + Type<R::Database>,
    String: Decode<'r, R::Database> + Type<R::Database>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
    R::Database: Database,
{
    Ok(Row {
        tenant_id: row.try_get(0)?,
        id: row.try_get(1)?,
        kind: row.try_get(2)?,
        status: row.try_get(3)?,
        owner_id: row.try_get(4)?,
        created_at: row.try_get(5)?,
        updated_at: row.try_get(6)?,
        archived_at: row.try_get(7)?,
        preferred_channel: row.try_get(8)?,
        language: row.try_get(9)?,
        region: row.try_get(10)?,
        source: row.try_get(11)?,
        legal_basis: row.try_get(12)?,
        consented_purposes: row.try_get(13)?,
        last_contact_at: row.try_get(14)?,
        revision: row.try_get(15)?,
        parts: [
            row.try_get(16)?,
            row.try_get(17)?,
            row.try_get(18)?,
            row.try_get(19)?,
            row.try_get(20)?,
            row.try_get(21)?,
        ],
        withheld: row.try_get(22)?,
    })
}
