//! Background work of one process: jobs of all kinds, and the sweeping of what has had its time.
//!
//! Must never hold a rule of a domain: it only wires.

use std::sync::Arc;
use std::time::Duration;

use kluis_core::kernel::Problem;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::App;
use crate::audit_events::keeper::Keeper;
use crate::bulk::bring::BringKind;
use crate::bulk::run::BulkKind;
use crate::bulk::undo::BulkUndoKind;
use crate::imports::run::ImportKind;
use crate::imports::undo::UndoKind;
use crate::jobs::{Registry, Timing, Worker, Workshop};
use crate::{bulk, customers, erasures, idempotency, imports, sessions};

/// Between two rounds of housekeeping.
const ROUND: Duration = Duration::from_secs(30);
/// Rounds between two looks at what has had its time: ten minutes.
const SWEEP: u64 = 20;
/// Between two looks at what other nodes have written.
const FOLLOW: Duration = Duration::from_secs(1);

/// All kinds of jobs; one line each.
pub fn registry(app: &Arc<App>) -> Registry {
    Registry::new()
        .with(Arc::new(ImportKind(Arc::clone(app))))
        .with(Arc::new(UndoKind(Arc::clone(app))))
        .with(Arc::new(BulkKind(Arc::clone(app))))
        .with(Arc::new(BringKind(Arc::clone(app))))
        .with(Arc::new(BulkUndoKind(Arc::clone(app))))
}

/// Background work that was started.
pub struct Background {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// Starts to work beside whatever else the process does.
pub fn start(app: &Arc<App>) -> Background {
    let (stop, stopped) = watch::channel(false);
    Background { stop, task: tokio::spawn(run(Arc::clone(app), stopped)) }
}

impl Background {
    /// Brings steps under way to their end; what is left over waits in the queue.
    pub async fn stop(self) {
        // Nobody listens only when the work has ended already; a panic in it was logged when it happened.
        let _ = self.stop.send(true);
        let _ = self.task.await;
    }
}

/// Works until `stop` becomes true, or its other end is gone; steps under way are brought to their end.
pub async fn run(app: Arc<App>, stop: watch::Receiver<bool>) {
    let worker = Worker::new(Workshop::of(&app), registry(&app), Timing::default());
    let keeping = keep_log(&app, stop.clone());
    tokio::join!(worker.run(stop.clone()), keep_house(&app, stop.clone()), keeping, follow(&app, stop));
}

async fn keep_house(app: &App, mut stop: watch::Receiver<bool>) {
    for round in 0_u64.. {
        if !app.keys.is_sealed() {
            report("uses of sessions", sessions::flush_uses(app).await);
            report("erasures", erasures::service::go_on(app).await);
            if round.is_multiple_of(SWEEP) {
                report("files and undo data", imports::service::sweep(app).await);
                report("undo data of bulk changes", bulk::service::sweep(app).await);
                report("kept answers", idempotency::sweep(app).await);
            }
        }
        if *stop.borrow() || matches!(tokio::time::timeout(ROUND, stop.changed()).await, Ok(Err(_))) {
            return;
        }
    }
}

/// Events are signed while they are fresh, and once more when everything else has stopped.
async fn keep_log(app: &App, mut stop: watch::Receiver<bool>) {
    let between = Duration::from_secs(u64::from(app.config.audit.checkpoint_seconds));
    let mut keeper = Keeper::default();
    loop {
        report("checkpoints of the audit log", keeper.round(app).await);
        if *stop.borrow() || matches!(tokio::time::timeout(between, stop.changed()).await, Ok(Err(_))) {
            return;
        }
    }
}

/// Names and keys in memory follow what other nodes write also while nobody asks for them: then whoever does needn't wait
/// for long, and what is gone doesn't stay.
async fn follow(app: &App, mut stop: watch::Receiver<bool>) {
    let mut erased = 0;
    while !*stop.borrow() {
        match erasures::ledger::follow(app, erased).await {
            Ok(seen) => erased = seen,
            Err(problem) => report("erasures of other nodes", Err(problem)),
        }
        if customers::follow::is_needed(app) {
            report("names", customers::follow::catch_up(app).await);
        }
        if matches!(tokio::time::timeout(FOLLOW, stop.changed()).await, Ok(Err(_))) {
            return;
        }
    }
}

/// Housekeeping that fails is tried again in a later round.
fn report(what: &'static str, done: Result<(), Problem>) {
    if let Err(problem) = done {
        tracing::warn!(what, problem = %problem, "housekeeping");
    }
}
