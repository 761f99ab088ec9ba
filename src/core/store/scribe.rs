//! SQLite's second writer: short transactions of several statements, run where they are asked for. The driver of the
//! first one hands each statement to a thread and waits, which costs more than the statements of a group of events.
//!
//! Writers take turns, so that neither ever meets the other's lock.
//!
//! Must never: be used on a thread of the runtime; a commit waits for the disk.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::reader::{Sheet, Sheets, read};
use super::sql::Ready;
use super::{Args, Row, StoreError};

/// Statements that the connection keeps prepared.
const STATEMENTS: usize = 16;
/// How long a change waits for those before it.
const TURN: Duration = Duration::from_secs(30);
/// Whoever rolls back may hold the file for a moment after their turn.
const BUSY: Duration = Duration::from_secs(10);

/// The right to write, held by one at a time; cheap to clone.
#[derive(Clone)]
pub struct Turns(Arc<Semaphore>);

impl Turns {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }

    pub(super) async fn take(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        let turn = tokio::time::timeout(TURN, Arc::clone(&self.0).acquire_owned()).await;
        turn.map_err(|_| unavailable("other changes take too long"))?.map_err(|_| closed())
    }

    /// Nobody writes from now on.
    pub(super) async fn close(&self) {
        // An error says that it is closed already.
        let last = self.0.acquire().await;
        self.0.close();
        drop(last);
    }
}

/// Writes groups into one file; cheap to clone.
#[derive(Clone)]
pub struct Scribe {
    file: Arc<Path>,
    turns: Turns,
    /// Opened at the first group.
    connection: Arc<Mutex<Option<Connection>>>,
    sheets: Sheets,
}

impl Scribe {
    pub(super) fn new(file: &Path, turns: Turns) -> Self {
        Self { file: file.into(), turns, connection: Arc::default(), sheets: Sheets::default() }
    }

    /// Runs the statements of one transaction and commits it; rolls back when they fail. Blocks.
    pub(crate) fn write<T>(
        &self,
        runtime: &Handle,
        work: impl FnOnce(&Group<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let _turn = runtime.block_on(Arc::clone(&self.turns.0).acquire_owned()).map_err(|_| closed())?;
        let mut place = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let mut connection = match place.take() {
            Some(connection) => connection,
            None => connect(&self.file)?,
        };
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = work(&Group { connection: &transaction, sheets: &self.sheets })?;
        transaction.commit()?;
        // After an error the connection isn't kept: what state it is in would be a guess.
        *place = Some(connection);
        Ok(done)
    }

    /// After the last turn.
    pub(super) fn close(&self) {
        drop(self.connection.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// A transaction that is open.
pub(crate) struct Group<'a> {
    connection: &'a Connection,
    sheets: &'a Sheets,
}

impl Group<'_> {
    /// At most one row of the statement, which may write.
    pub(crate) fn fetch_optional(&self, sql: &Ready, args: &Args) -> Result<Option<Row>, StoreError> {
        Ok(read(self.connection, sql, args, usize::MAX, Sheet::of(self.sheets))?.pop())
    }

    pub(crate) fn execute(&self, sql: &Ready, args: &Args) -> Result<(), StoreError> {
        self.fetch_optional(sql, args).map(drop)
    }
}

/// As the first writer is opened.
fn connect(file: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.pragma_update(None, "secure_delete", "ON")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", -4096)?;
    connection.pragma_update(None, "wal_autocheckpoint", super::db::PAGES_BEFORE_CHECKPOINT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

fn closed() -> StoreError {
    unavailable("the database is closed")
}

fn unavailable(why: &'static str) -> StoreError {
    StoreError::Unavailable(why.into())
}
