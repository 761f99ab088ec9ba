//! Background work of one process: jobs of all kinds, and the sweeping of what has had its time.
//!
//! Must never hold a rule of a domain: it only wires.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::app::App;
use crate::imports::run::ImportKind;
use crate::imports::undo::UndoKind;
use crate::jobs::{Registry, Timing, Worker, Workshop};

/// Between two sweeps.
const SWEEP: Duration = Duration::from_mins(10);

/// All kinds of jobs; one line each.
pub fn registry(app: &Arc<App>) -> Registry {
    Registry::new().with(Arc::new(ImportKind(Arc::clone(app)))).with(Arc::new(UndoKind(Arc::clone(app))))
}

/// Works until `stop` becomes true, or its other end is gone; steps under way are brought to their end.
pub async fn run(app: Arc<App>, stop: watch::Receiver<bool>) {
    let worker = Worker::new(Workshop::of(&app), registry(&app), Timing::default());
    tokio::join!(worker.run(stop.clone()), sweep(&app, stop.clone()), note_uses(&app, stop));
}

/// Between two writings of when sessions were last used.
const USES: Duration = Duration::from_secs(30);

async fn note_uses(app: &App, mut stop: watch::Receiver<bool>) {
    loop {
        let stopped = match tokio::time::timeout(USES, stop.changed()).await {
            Ok(Err(_)) => true,
            _ => *stop.borrow(),
        };
        if let Err(problem) = crate::sessions::flush_uses(app).await {
            tracing::warn!(problem = %problem, "the last uses of sessions can't be written");
        }
        if stopped {
            return;
        }
    }
}

async fn sweep(app: &App, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        if let Err(problem) = crate::imports::service::sweep(app).await {
            tracing::warn!(problem = %problem, "what has had its time can't be swept");
        }
        if let Err(problem) = crate::idempotency::sweep(app).await {
            tracing::warn!(problem = %problem, "kept answers can't be swept");
        }
        if matches!(tokio::time::timeout(SWEEP, stop.changed()).await, Ok(Err(_))) {
            return;
        }
    }
}
