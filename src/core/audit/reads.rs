//! Events of reads, committed in groups: one commit serves all reads that wait for it, and no answer leaves before.

use tokio::sync::{mpsc, oneshot};

use super::Event;
use crate::kernel::{Problem, ProblemKind};
use crate::store::Db;

/// At most this many events go into one commit.
const GROUP: usize = 256;
/// At most this many reads wait; further ones wait before they are let in.
const WAITING: usize = 4096;

type Entry = (Event, oneshot::Sender<bool>);

/// Hands events of reads to the one task that writes them; cheap to clone.
#[derive(Clone)]
pub struct ReadLog(mpsc::Sender<Entry>);

impl ReadLog {
    /// Starts the writing task; it ends when the last clone is dropped and everything was written.
    pub fn start(db: Db) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::spawn(write_groups(db, receiver));
        Self(sender)
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

async fn write_groups(db: Db, mut receiver: mpsc::Receiver<Entry>) {
    let mut group = Vec::with_capacity(GROUP);
    while receiver.recv_many(&mut group, GROUP).await > 0 {
        let (events, waiting): (Vec<_>, Vec<_>) = group.drain(..).unzip();
        let written = write(&db, events).await;
        if let Err(error) = &written {
            tracing::error!(error = %error, "read events could not be written; the reads fail");
        }
        for done in waiting {
            // Nobody waits any more when the client has gone away.
            let _ = done.send(written.is_ok());
        }
    }
}

async fn write(db: &Db, events: Vec<Event>) -> Result<(), crate::store::StoreError> {
    db.begin().await?.record_all(events).await?.commit().await
}
