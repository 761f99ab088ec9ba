//! Events of reads, committed in groups: one commit serves all reads that wait for it, and no answer leaves before.

use std::time::Duration;
use std::{iter, thread};

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::record::End;
use super::{Event, behind, record};
use crate::kernel::{Problem, ProblemKind};
use crate::store::{Db, Scribe, StoreError};

/// At most this many events go into one commit.
const GROUP: usize = 256;
/// How long a small group waits for more, when the one before had company: a commit costs more than the wait.
const GATHER: Duration = Duration::from_micros(300);
const SMALL: usize = 16;
/// At most this many reads wait; further ones wait before they are let in.
const WAITING: usize = 4096;

type Done = oneshot::Sender<bool>;
type Entry = (Event, Done);

/// Hands events of reads to the one who writes them; cheap to clone.
#[derive(Clone)]
pub struct ReadLog(mpsc::Sender<Entry>);

impl ReadLog {
    /// Starts the writing task or thread; it ends when the last clone is dropped and everything was written.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(db: Db) -> Result<Self, StoreError> {
        let (sender, receiver) = mpsc::channel(WAITING);
        match db.scribe() {
            Some(scribe) => {
                let runtime = Handle::current();
                let work = move || write_on_thread(&scribe, &runtime, receiver);
                thread::Builder::new()
                    .name("audit".to_owned())
                    .spawn(work)
                    .map_err(|error| StoreError::Unavailable(error.into()))?;
            }
            None => {
                tokio::spawn(write_in_task(db, receiver));
            }
        }
        Ok(Self(sender))
    }

    /// Comes back once the event is on disk; otherwise the read has to fail.
    pub async fn record(&self, event: Event) -> Result<(), Problem> {
        let (done, wait) = oneshot::channel();
        let unavailable = || Problem::new(ProblemKind::Unavailable);
        self.0.send((event, done)).await.map_err(|_| unavailable())?;
        match wait.await {
            Ok(true) => Ok(()),
            _ => Err(unavailable()),
        }
    }
}

fn write_on_thread(scribe: &Scribe, runtime: &Handle, mut receiver: mpsc::Receiver<Entry>) {
    let mut group = Vec::with_capacity(GROUP);
    let mut is_busy = false;
    while receiver.blocking_recv_many(&mut group, GROUP) > 0 {
        if is_busy && group.len() < SMALL {
            thread::sleep(GATHER);
            group.extend(iter::from_fn(|| receiver.try_recv().ok()).take(GROUP - group.len()));
        }
        is_busy = group.len() > 1;
        let (events, waiting): (Vec<_>, Vec<_>) = group.drain(..).unzip();
        tell(waiting, &scribe.write(runtime, |group| record::record_in(group, &events)));
    }
}

async fn write_in_task(db: Db, mut receiver: mpsc::Receiver<Entry>) {
    let mut group = Vec::with_capacity(GROUP);
    let mut end = None;
    while receiver.recv_many(&mut group, GROUP).await > 0 {
        let (events, waiting): (Vec<_>, Vec<_>) = group.drain(..).unzip();
        let written = write(&db, end.take(), &events).await;
        tell(waiting, &written.map(|new| end = Some(new)));
    }
}

/// Where the chain ends afterwards. `end` is where it ended when one looked last.
async fn write(db: &Db, end: Option<End>, events: &[Event]) -> Result<End, StoreError> {
    if let (Some(server), Some(end)) = (db.server(), end)
        && let Some(new) = behind::record(server, end, events).await?
    {
        return Ok(new);
    }
    let (tx, end) = db.begin().await?.record_to_end(events).await?;
    tx.commit().await?;
    Ok(end)
}

fn tell(waiting: Vec<Done>, written: &Result<(), StoreError>) {
    if let Err(error) = written {
        tracing::error!(error = %error, "read events could not be written; the reads fail");
    }
    for done in waiting {
        // Nobody waits any more when the client has gone away.
        let _ = done.send(written.is_ok());
    }
}
