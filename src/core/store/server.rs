//! Connections to PostgreSQL, each lent to one statement or one transaction. The driver's own pool sends a ping after every
//! use and waits for its answer, which doubles the round trips of a service whose statements are short.
//!
//! Must never: lend a connection that is in the middle of a statement or a transaction.

use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection, Executor};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::sql::Ready;
use super::{Args, Row, StoreError};

/// Statements that a connection keeps prepared.
const STATEMENTS: usize = 512;
/// How long one waits for a connection.
const WAIT: Duration = Duration::from_secs(10);
/// A connection isn't used for longer than this: what the server keeps for it grows, and its address may have moved.
const LIFE: Duration = Duration::from_mins(30);

/// The connections to one database; cheap to clone.
#[derive(Clone)]
pub struct Connections {
    free: Arc<Semaphore>,
    idle: Idle,
    options: Arc<PgConnectOptions>,
    count: u32,
}

type Idle = Arc<Mutex<Vec<Held>>>;

struct Held {
    connection: PgConnection,
    since: Instant,
}

impl Connections {
    /// At most `count` connections, two at least. The first one is made at once: a wrong address is an error here.
    pub(super) async fn open(url: &str, count: u32) -> Result<Self, StoreError> {
        let count = count.max(2);
        let options = PgConnectOptions::from_str(url)?
            .application_name("kluis")
            .statement_cache_capacity(STATEMENTS)
            .options([("lock_timeout", "10s"), ("idle_in_transaction_session_timeout", "60s")]);
        let free = Arc::new(Semaphore::new(count as usize));
        let connections = Self { free, idle: Idle::default(), options: Arc::new(options), count };
        drop(connections.lend().await?);
        Ok(connections)
    }

    /// Rows of one statement, which must not write: it is asked again when an idle connection turns out to be dead.
    pub(super) async fn fetch_all(&self, sql: Ready, args: Args) -> Result<Vec<Row>, StoreError> {
        let mut lent = self.lend().await?;
        match lent.fetch_all(sql.clone(), args.clone()).await {
            Err(StoreError::Unavailable(_)) if lent.was_idle => {
                drop(lent);
                self.lend_new().await?.fetch_all(sql, args).await
            }
            done => done,
        }
    }

    /// The same for at most one row.
    pub(super) async fn fetch_optional(&self, sql: Ready, args: Args) -> Result<Option<Row>, StoreError> {
        let mut lent = self.lend().await?;
        match lent.fetch_optional(sql.clone(), args.clone()).await {
            Err(StoreError::Unavailable(_)) if lent.was_idle => {
                drop(lent);
                self.lend_new().await?.fetch_optional(sql, args).await
            }
            done => done,
        }
    }

    /// One statement that is a transaction of its own.
    pub(crate) async fn execute_alone(&self, sql: Ready, args: Args) -> Result<u64, StoreError> {
        self.lend().await?.execute(sql, args).await
    }

    pub(super) async fn prepare(&self, sql: Ready) -> Result<(), StoreError> {
        let mut lent = self.lend().await?;
        let done = lent.start()?.prepare(sql.into_driver()).await.map(drop);
        lent.end(done)
    }

    /// A connection in a transaction; dropped without [`Lent::commit`] it rolls back.
    pub(super) async fn begin(&self) -> Result<Lent, StoreError> {
        Ok(self.begin_by(&Ready::Static("BEGIN")).await?.0)
    }

    /// The same for a text that begins a transaction and goes on in it without arguments, all in one round trip; gives the
    /// rows as well.
    pub(super) async fn begin_by(&self, sql: &Ready) -> Result<(Lent, Vec<Row>), StoreError> {
        let mut lent = self.lend().await?;
        let rows = match lent.begin(sql).await {
            Err(StoreError::Unavailable(_)) if lent.was_idle => {
                drop(lent);
                lent = self.lend_new().await?;
                lent.begin(sql).await?
            }
            done => done?,
        };
        Ok((lent, rows))
    }

    pub(super) async fn lend(&self) -> Result<Lent, StoreError> {
        let permit = tokio::time::timeout(WAIT, Arc::clone(&self.free).acquire_owned()).await;
        let permit = permit.map_err(|_| unavailable("all connections are in use"))?.map_err(|_| closed())?;
        let idle = lock(&self.idle).pop();
        let was_idle = idle.is_some();
        let held = match idle {
            Some(held) => held,
            None => Held { connection: self.connect().await?, since: Instant::now() },
        };
        Ok(Lent {
            held: Some(held),
            was_idle,
            busy: false,
            in_transaction: false,
            home: Arc::clone(&self.idle),
            permit: Some(permit),
        })
    }

    async fn connect(&self) -> Result<PgConnection, StoreError> {
        let made = tokio::time::timeout(WAIT, self.options.connect()).await;
        Ok(made.map_err(|_| unavailable("the server doesn't answer"))??)
    }

    /// A fresh connection: when one is dead, those that have waited beside it are as well.
    async fn lend_new(&self) -> Result<Lent, StoreError> {
        drop(std::mem::take(&mut *lock(&self.idle)));
        self.lend().await
    }

    /// Waits for running statements, then closes the connections.
    pub(super) async fn close(&self) {
        // An error says that they are closed already.
        let all = self.free.acquire_many(self.count).await;
        self.free.close();
        drop(all);
        let idle = std::mem::take(&mut *lock(&self.idle));
        for held in idle {
            // Whoever doesn't hear it finds out by the end of the line.
            let _ = held.connection.close().await;
        }
    }
}

/// A connection in use. It goes home when it is dropped, unless something is still under way on it.
pub(super) struct Lent {
    held: Option<Held>,
    was_idle: bool,
    /// A statement has begun and its end wasn't seen.
    busy: bool,
    in_transaction: bool,
    home: Idle,
    permit: Option<OwnedSemaphorePermit>,
}

impl Lent {
    pub(super) async fn fetch_all(&mut self, sql: Ready, args: Args) -> Result<Vec<Row>, StoreError> {
        let query = sqlx::query_with(sql.into_driver(), args.postgres()?);
        let done = query.fetch_all(self.start()?).await;
        Ok(self.end(done)?.into_iter().map(Row::Postgres).collect())
    }

    async fn fetch_optional(&mut self, sql: Ready, args: Args) -> Result<Option<Row>, StoreError> {
        let query = sqlx::query_with(sql.into_driver(), args.postgres()?);
        let done = query.fetch_optional(self.start()?).await;
        Ok(self.end(done)?.map(Row::Postgres))
    }

    pub(super) async fn execute(&mut self, sql: Ready, args: Args) -> Result<u64, StoreError> {
        let query = sqlx::query_with(sql.into_driver(), args.postgres()?);
        let done = query.execute(self.start()?).await;
        Ok(self.end(done)?.rows_affected())
    }

    async fn begin(&mut self, sql: &Ready) -> Result<Vec<Row>, StoreError> {
        self.in_transaction = true;
        let done = sqlx::raw_sql(sql.clone().into_driver()).fetch_all(self.start()?).await;
        Ok(self.end(done)?.into_iter().map(Row::Postgres).collect())
    }

    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        let done = self.start()?.execute("COMMIT").await.map(drop);
        self.end(done)?;
        self.in_transaction = false;
        Ok(())
    }

    /// For whoever needs the driver's connection itself, to its end.
    pub(super) fn start(&mut self) -> Result<&mut PgConnection, StoreError> {
        self.busy = true;
        self.held.as_mut().map(|held| &mut held.connection).ok_or_else(closed)
    }

    /// The server has answered, be it with an error: the connection can be used again.
    fn end<T>(&mut self, done: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        self.busy = done.as_ref().is_err_and(|error| error.as_database_error().is_none());
        Ok(done?)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(mut held) = self.held.take() else { return };
        // One that was broken off is closed by going out of scope; the server then rolls back.
        if self.busy || held.since.elapsed() > LIFE {
            return;
        }
        let home = Arc::clone(&self.home);
        if !self.in_transaction {
            lock(&home).push(held);
            return;
        }
        let permit = self.permit.take();
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(async move {
            if matches!(tokio::time::timeout(WAIT, held.connection.execute("ROLLBACK")).await, Ok(Ok(_))) {
                lock(&home).push(held);
            }
            drop(permit);
        });
    }
}

/// Nothing behind the lock can be half done.
fn lock(idle: &Idle) -> MutexGuard<'_, Vec<Held>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

fn closed() -> StoreError {
    unavailable("the connections are closed")
}

fn unavailable(why: &'static str) -> StoreError {
    StoreError::Unavailable(why.into())
}
