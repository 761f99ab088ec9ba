//! SQLite's readers. They go through rusqlite: the driver of the writer copies each column by itself and hands each row
//! over on its own, which costs as much as reading and decrypting the page.
//!
//! A short statement runs where it is asked for: to hand it to another thread costs more than to read a record. What
//! takes longer than [`QUICK`] is broken off and done again on a thread that may wait. A reader goes back into the pool
//! whatever happens.
//!
//! Must never write: its connections refuse to.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, Statement};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::sql::Ready;
use super::{Arg, Args, Row, StoreError};

/// Statements that a connection keeps prepared.
const STATEMENTS: usize = 512;
const WAIT: Duration = Duration::from_secs(10);
/// How long a statement may hold up the other tasks of its thread.
const QUICK: Duration = Duration::from_millis(1);
/// Instructions of SQLite's machine between two looks at the clock: some ten microseconds.
const BETWEEN_LOOKS: i32 = 1000;

/// The readers of one file; cheap to clone.
#[derive(Clone)]
pub struct Readers {
    free: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Reader>>>,
    sheets: Sheets,
    count: u32,
}

impl Readers {
    /// Opens `count` connections, at least one. The file must be there.
    pub(super) fn open(file: &Path, count: u32) -> Result<Self, StoreError> {
        let count = count.max(1);
        let readers = (0..count).map(|_| Reader::open(file)).collect::<Result<Vec<_>, _>>()?;
        let free = Arc::new(Semaphore::new(readers.len()));
        Ok(Self { free, idle: Arc::new(Mutex::new(readers)), sheets: Sheets::default(), count })
    }

    /// At most `most` rows of one statement.
    pub(super) async fn fetch(&self, sql: Ready, args: Args, most: usize) -> Result<Vec<Row>, StoreError> {
        let lent = self.lend().await?;
        if let Some(done) =
            lent.reader()?.quickly(|connection| read(connection, &sql, &args, most, Sheet::of(&self.sheets)))
        {
            return done;
        }
        let sheet = Sheet::of(&self.sheets);
        on_a_thread(lent, move |connection| Ok(read(connection, &sql, &args, most, sheet)?)).await
    }

    pub(super) async fn prepare(&self, sql: Ready) -> Result<(), StoreError> {
        on_a_thread(self.lend().await?, move |connection| Ok(connection.prepare(sql.text()).map(drop)?)).await
    }

    /// Waits for running statements, then closes the connections.
    pub(super) async fn close(&self) {
        // An error says that they are closed already.
        let all = self.free.acquire_many(self.count).await;
        self.free.close();
        drop(all);
        lock(&self.idle).clear();
    }

    async fn lend(&self) -> Result<Lent, StoreError> {
        let permit = Arc::clone(&self.free).acquire_owned().await.map_err(|_| closed())?;
        let taken = lock(&self.idle).pop().ok_or_else(closed)?;
        Ok(Lent { reader: Some(taken), home: Arc::clone(&self.idle), _permit: permit })
    }
}

async fn on_a_thread<T: Send + 'static>(
    lent: Lent,
    work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(move || work(&lent.reader()?.connection));
    done.await.unwrap_or_else(|_| Err(closed()))
}

/// A connection, and until when its statement may run; zero for as long as it takes.
struct Reader {
    connection: Connection,
    until: Arc<AtomicU64>,
}

impl Reader {
    fn open(file: &Path) -> Result<Self, StoreError> {
        let connection = connect(file)?;
        let until = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&until);
        let is_late = move || {
            let until = seen.load(Ordering::Relaxed);
            until != 0 && now() > until
        };
        connection.progress_handler(BETWEEN_LOOKS, Some(is_late))?;
        Ok(Self { connection, until })
    }

    /// `None` if it took too long.
    fn quickly<T>(&self, work: impl FnOnce(&Connection) -> Result<T, ReadError>) -> Option<Result<T, StoreError>> {
        self.until.store(now() + u64::try_from(QUICK.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        let done = match self.connection.busy_timeout(Duration::ZERO) {
            Ok(()) => work(&self.connection),
            Err(error) => Err(error.into()),
        };
        self.until.store(0, Ordering::Relaxed);
        if let Err(error) = self.connection.busy_timeout(WAIT) {
            return Some(Err(error.into()));
        }
        match done {
            Err(ReadError::Driver(error)) if takes_time(&error) => None,
            done => Some(done.map_err(Into::into)),
        }
    }
}

/// It was broken off, or somebody holds the file for a moment.
fn takes_time(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::OperationInterrupted | ErrorCode::DatabaseBusy))
}

/// Nanoseconds since the first look.
fn now() -> u64 {
    static FIRST: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(FIRST.elapsed().as_nanos()).unwrap_or(u64::MAX).max(1)
}

/// Why a reading ended early.
pub(super) enum ReadError {
    Driver(rusqlite::Error),
    Store(StoreError),
}

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Driver(error)
    }
}

impl From<StoreError> for ReadError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<ReadError> for StoreError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Driver(error) => error.into(),
            ReadError::Store(error) => error,
        }
    }
}

/// A reader in use: it goes home before its permit does, also when the one who asked has gone away.
struct Lent {
    reader: Option<Reader>,
    home: Arc<Mutex<Vec<Reader>>>,
    _permit: OwnedSemaphorePermit,
}

impl Lent {
    fn reader(&self) -> Result<&Reader, StoreError> {
        self.reader.as_ref().ok_or_else(closed)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(reader) = self.reader.take() {
            lock(&self.home).push(reader);
        }
    }
}

fn connect(file: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(WAIT)?;
    // Sorts may hold plaintext columns: they stay in memory.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", -4096)?;
    connection.pragma_update(None, "query_only", "ON")?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// SQLite takes `$7` for a name and counts names by their first use; the number in it is the argument's.
fn bind(statement: &mut Statement<'_>, args: &Args) -> Result<(), ReadError> {
    for position in 1..=statement.parameter_count() {
        let name = statement.parameter_name(position).and_then(|name| name.strip_prefix('$'));
        let number = name.and_then(|number| number.parse::<usize>().ok()).unwrap_or(position);
        let arg = args.get(number).ok_or(StoreError::Row(number))?;
        match arg {
            Arg::Uuid(value) => {
                statement.raw_bind_parameter(position, value.as_ref().map(|uuid| uuid.as_bytes().as_slice()))
            }
            Arg::Text(value) => statement.raw_bind_parameter(position, value.as_deref()),
            Arg::Int(value) => statement.raw_bind_parameter(position, value),
            Arg::Bool(value) => statement.raw_bind_parameter(position, value),
            Arg::Blob(value) => statement.raw_bind_parameter(position, value.as_deref()),
        }?;
    }
    Ok(())
}

pub(super) fn read(
    connection: &Connection,
    sql: &Ready,
    args: &Args,
    most: usize,
    mut sheet: Sheet,
) -> Result<Vec<Row>, ReadError> {
    let mut statement = connection.prepare_cached(sql.text())?;
    bind(&mut statement, args)?;
    let columns = statement.column_count();
    let mut count = 0;
    let mut rows = statement.raw_query();
    while count < most {
        let Some(row) = rows.next()? else { break };
        for column in 0..columns {
            sheet.put(row.get_ref(column)?)?;
        }
        count += 1;
    }
    drop(rows);
    let sheet = Arc::new(sheet);
    Ok((0..count).map(|row| Row::File(Line { sheet: Arc::clone(&sheet), first: row * columns, columns })).collect())
}

/// What sheets are written on, again and again: memory that is taken on one thread and given back on another would pile
/// up in the allocator.
pub(super) type Sheets = Arc<Mutex<Vec<Paper>>>;

#[derive(Default)]
pub(super) struct Paper {
    cells: Vec<Cell>,
    bytes: Vec<u8>,
}

/// So many are kept, none of them larger than this.
const PAPERS: usize = 16;
const LARGEST_PAPER: usize = 1 << 18;

/// All values of an answer.
pub(super) struct Sheet {
    paper: Paper,
    home: Sheets,
}

impl Drop for Sheet {
    fn drop(&mut self) {
        let mut paper = std::mem::take(&mut self.paper);
        let mut home = lock(&self.home);
        if home.len() < PAPERS && paper.bytes.capacity() <= LARGEST_PAPER {
            paper.cells.clear();
            paper.bytes.clear();
            home.push(paper);
        }
    }
}

#[derive(Clone, Copy)]
enum Cell {
    Null,
    Int(i64),
    /// Text, which SQLite promises to be UTF-8, from and to a place in the bytes.
    Text(usize, usize),
    Blob(usize, usize),
}

impl Sheet {
    pub(super) fn of(home: &Sheets) -> Self {
        let paper = lock(home).pop().unwrap_or_default();
        Self { paper, home: Arc::clone(home) }
    }

    fn put(&mut self, value: ValueRef<'_>) -> Result<(), StoreError> {
        let cell = match value {
            ValueRef::Null => Cell::Null,
            ValueRef::Integer(number) => Cell::Int(number),
            ValueRef::Text(text) => {
                let (from, to) = self.keep(text);
                Cell::Text(from, to)
            }
            ValueRef::Blob(blob) => {
                let (from, to) = self.keep(blob);
                Cell::Blob(from, to)
            }
            // No column of ours holds one.
            ValueRef::Real(_) => return Err(StoreError::Row(self.paper.cells.len())),
        };
        self.paper.cells.push(cell);
        Ok(())
    }

    fn keep(&mut self, bytes: &[u8]) -> (usize, usize) {
        let from = self.paper.bytes.len();
        self.paper.bytes.extend_from_slice(bytes);
        (from, self.paper.bytes.len())
    }
}

/// One row of a sheet.
pub struct Line {
    sheet: Arc<Sheet>,
    first: usize,
    columns: usize,
}

impl Line {
    fn cell(&self, column: usize) -> Result<Cell, StoreError> {
        let inside = (column < self.columns).then_some(self.first + column);
        inside.and_then(|at| self.sheet.paper.cells.get(at)).copied().ok_or(StoreError::Row(column))
    }

    pub(super) fn int(&self, column: usize) -> Result<Option<i64>, StoreError> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Int(number) => Ok(Some(number)),
            _ => Err(StoreError::Row(column)),
        }
    }

    pub(super) fn text(&self, column: usize) -> Result<Option<&str>, StoreError> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Text(from, to) => {
                let text = std::str::from_utf8(&self.sheet.paper.bytes[from..to]);
                text.map(Some).map_err(|_| StoreError::Row(column))
            }
            _ => Err(StoreError::Row(column)),
        }
    }

    pub(super) fn blob(&self, column: usize) -> Result<Option<&[u8]>, StoreError> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Blob(from, to) => Ok(Some(&self.sheet.paper.bytes[from..to])),
            _ => Err(StoreError::Row(column)),
        }
    }
}

/// Nothing behind the lock can be half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn closed() -> StoreError {
    StoreError::Unavailable("the readers are closed".into())
}
