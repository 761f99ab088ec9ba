//! Long work: a durable queue in the database, served by any number of workers in any number of processes.
//!
//! A job goes on in steps. Each step commits its effects, its rows' results and the position of the next step in one
//! transaction, under a lease that is checked in that same transaction: whatever dies wherever, no acknowledged row is
//! lost and none is applied twice. Cancelling takes effect between two steps.
//!
//! - what a kind of job has to say: [`JobKind`], [`Run`], [`Step`]
//! - asking for a job: [`enqueue`]; working: [`Worker`]
//! - uploaded content: [`files`]
//!
//! Must never: put personal data into a plain column, act with rights that its creator no longer has.

mod access;
pub mod api;
mod behalf;
mod events;
pub mod model;
mod queue;
mod rows;
pub mod rows_files;
mod run;
pub mod service;
pub mod view;
mod worker;

/// Uploaded content in sealed pieces.
pub use rows_files as files;

use std::sync::Arc;

use kluis_core::kernel::{Clock, Entropy, Id, Kind};
use kluis_core::privacy::Keyring;
use kluis_core::store::Db;

use crate::app::App;

pub use access::{Cancel, Jobs, Read};
pub use behalf::Behalf;
pub use model::{Counts, JobRecord, Principal, RowOutcome, RowResult, State};
pub use queue::{NewJob, enqueue, results, state_in};
pub use run::{JobFault, JobKind, Opened, Progress, Run, Step, StepContext};
pub use worker::{Registry, Timing, Worker};

/// What jobs are made with: the part of the program that they need. Cheap to clone.
#[derive(Clone)]
pub struct Workshop {
    pub db: Db,
    pub keys: Keyring,
    pub clock: Clock,
    pub entropy: Arc<dyn Entropy>,
}

impl Workshop {
    /// The part of this program that jobs need.
    pub fn of(app: &App) -> Self {
        Self { db: app.db.clone(), keys: app.keys.clone(), clock: app.clock.clone(), entropy: Arc::clone(&app.entropy) }
    }

    pub fn new_id<K: Kind>(&self) -> Id<K> {
        Id::new(self.clock.now(), &*self.entropy)
    }
}
