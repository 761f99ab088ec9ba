//! The arm through rusqlite: a few connections, each used on a thread that may wait.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::arms::{ArmError, NewRow, Result};
use super::schema::{INSERT, INSERT_VALUE};
use super::view::Row;

const READERS: usize = 8;

/// Connections that lie ready, as many as there are permits.
pub struct Files {
    readers: Arc<Pool>,
    writer: Arc<Pool>,
}

struct Pool {
    idle: Mutex<Vec<Connection>>,
    free: Semaphore,
}

/// Values that a statement is given.
macro_rules! params {
    ($($value:expr),*) => { vec![$($crate::limit::sqlite::value($value)),*] };
}
pub(crate) use params;

/// What sqlx would have bound.
pub fn value(value: impl Into<Param>) -> Value {
    value.into().0
}

pub struct Param(Value);

impl From<Uuid> for Param {
    fn from(id: Uuid) -> Self {
        Self(Value::Blob(id.as_bytes().to_vec()))
    }
}
impl From<i64> for Param {
    fn from(number: i64) -> Self {
        Self(Value::Integer(number))
    }
}
impl From<String> for Param {
    fn from(text: String) -> Self {
        Self(Value::Text(text))
    }
}

impl Files {
    pub fn open(file: &Path) -> Result<Self> {
        let open = |count: usize| {
            let connections = (0..count).map(|_| connect(file)).collect::<Result<Vec<_>>>()?;
            Ok::<_, ArmError>(Arc::new(Pool { idle: Mutex::new(connections), free: Semaphore::new(count) }))
        };
        Ok(Self { readers: open(READERS)?, writer: open(1)? })
    }

    pub async fn read(&self, sql: &'static str, params: Vec<Value>) -> Result<Vec<Row>> {
        with(&self.readers, move |connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map(rusqlite::params_from_iter(params), row)?;
            Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?)
        })
        .await
    }

    pub async fn insert(&self, rows: &[NewRow]) -> Result<()> {
        let rows: Vec<_> = rows.iter().map(|(row, values)| (columns(row), values.clone())).collect();
        with(&self.writer, move |connection| {
            let tx = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            for (columns, values) in &rows {
                tx.prepare_cached(INSERT)?.execute(rusqlite::params_from_iter(columns))?;
                for (field, value) in values {
                    tx.prepare_cached(INSERT_VALUE)?
                        .execute(rusqlite::params![columns[0], field, value, columns[1]])?;
                }
            }
            Ok(tx.commit()?)
        })
        .await
    }
}

async fn with<T: Send + 'static>(
    pool: &Arc<Pool>,
    work: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
) -> Result<T> {
    // The semaphore is never closed.
    let permit = pool.free.acquire().await.ok();
    let pool = Arc::clone(pool);
    let done = tokio::task::spawn_blocking(move || {
        let taken = pool.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = taken.ok_or(rusqlite::Error::InvalidQuery)?;
        let done = work(&mut connection);
        pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        done
    })
    .await;
    drop(permit);
    done?
}

fn connect(file: &Path) -> Result<Connection> {
    let connection = Connection::open_with_flags(file, OpenFlags::default())?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.pragma_update(None, "cache_size", -8192)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    Ok(connection)
}

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        tenant_id: Uuid::from_bytes(row.get(0)?),
        id: Uuid::from_bytes(row.get(1)?),
        kind: row.get(2)?,
        status: row.get(3)?,
        owner_id: row.get::<_, Option<[u8; 16]>>(4)?.map(Uuid::from_bytes),
        created_at: row.get(5)?,
        updated_at: row.get(6)?,
        archived_at: row.get(7)?,
        preferred_channel: row.get(8)?,
        language: row.get(9)?,
        region: row.get(10)?,
        source: row.get(11)?,
        legal_basis: row.get(12)?,
        consented_purposes: row.get(13)?,
        last_contact_at: row.get(14)?,
        revision: row.get(15)?,
        parts: [row.get(16)?, row.get(17)?, row.get(18)?, row.get(19)?, row.get(20)?, row.get(21)?],
        withheld: row.get(22)?,
    })
}

fn columns(row: &Row) -> Vec<Value> {
    let text = |text: &Option<String>| text.clone().map_or(Value::Null, Value::Text);
    let int = |number: Option<i64>| number.map_or(Value::Null, Value::Integer);
    let plain = [
        value(row.tenant_id),
        value(row.id),
        value(row.kind.clone()),
        value(row.status.clone()),
        row.owner_id.map_or(Value::Null, value),
        value(row.created_at),
        value(row.updated_at),
        int(row.archived_at),
        text(&row.preferred_channel),
        value(row.language.clone()),
        text(&row.region),
        value(row.source.clone()),
        value(row.legal_basis.clone()),
        text(&row.consented_purposes),
        int(row.last_contact_at),
        value(row.revision),
    ];
    plain.into_iter().chain(row.parts.iter().map(text)).chain([text(&row.withheld)]).collect()
}
