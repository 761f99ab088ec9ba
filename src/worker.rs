//! Background work of this process: jobs out of the queue, and housekeeping.
//!
//! Must never: act with rights of its own on a record; a job works with those of whoever asked for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::app::App;
use crate::imports;
use crate::jobs::{Registry, Timing, Worker, Workshop};
use crate::sessions;

/// Between two rounds of housekeeping.
const ROUND: Duration = Duration::from_secs(30);
/// What is only worth a look now and then is done in every 120th round: once an hour.
const SELDOM: u64 = 120;

/// The kinds of jobs that this program can do.
pub fn kinds(app: &Arc<App>) -> Registry {
    Registry::new()
        .with(Arc::new(imports::run::ImportKind(Arc::clone(app))))
        .with(Arc::new(imports::undo::UndoKind(Arc::clone(app))))
}

/// Work that goes on beside the server.
pub struct Background {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

/// Starts to work.
pub fn start(app: &Arc<App>) -> Background {
    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    let worker = Worker::new(Workshop::of(app), kinds(app), Timing::default());
    tasks.spawn(worker.run(stopped.clone()));
    tasks.spawn(keep_house(Arc::clone(app), stopped));
    Background { stop, tasks }
}

impl Background {
    /// Brings steps under way to their end; what is left over waits in the queue.
    pub async fn stop(mut self) {
        // Nobody listens any more only when both tasks have ended already.
        let _ = self.stop.send(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

async fn keep_house(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    for round in 0_u64.. {
        if tokio::time::timeout(ROUND, stop.changed()).await.is_ok() {
            break;
        }
        if app.keys.is_sealed() {
            continue;
        }
        report("uses of sessions", sessions::flush_uses(&app).await);
        if round.is_multiple_of(SELDOM) {
            report("expired imports", imports::service::sweep(&app).await);
        }
    }
    if !app.keys.is_sealed() {
        report("uses of sessions", sessions::flush_uses(&app).await);
    }
}

/// Housekeeping that fails is tried again in the next round.
fn report(what: &'static str, done: Result<(), kluis_core::kernel::Problem>) {
    if let Err(problem) = done {
        tracing::warn!(what, problem = problem.kind.slug(), "housekeeping");
    }
}
