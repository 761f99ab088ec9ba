//! What a kind of job has to say: how it is opened, and what one step does.
//!
//! A step takes a transaction from its context, does its work in it, and gives it back to be committed with its progress:
//! the fence stands at the beginning, so that the effects of a worker that has lost its lease can't be committed.

use std::borrow::Cow;

use async_trait::async_trait;
use chrono::TimeDelta;
use kluis_core::access::AccessError;
use kluis_core::audit::{Class, Event, Outcome};
use kluis_core::kernel::{Problem, ProblemKind};
use kluis_core::privacy::VaultError;
use kluis_core::store::{StoreError, Tx, Unaudited};

use super::Workshop;
use super::model::{JobRecord, Principal, RowResult};
use super::rows::{self, Lease};

/// A kind of job. One value serves all jobs of its kind.
#[async_trait]
pub trait JobKind: Send + Sync {
    /// As stored; must not change.
    fn name(&self) -> &'static str;

    /// Opens a new job, or one that a worker left behind: `job.position` says where the next step begins.
    async fn open(&self, opened: Opened) -> Result<Box<dyn Run>, JobFault>;
}

/// What a job is opened with.
pub struct Opened {
    pub job: JobRecord,
    pub principal: Principal,
    /// The request that asked for the job.
    pub request: String,
    /// What was handed to [`super::enqueue`].
    pub body: serde_json::Value,
}

/// An open job.
#[async_trait]
pub trait Run: Send {
    /// Does the next part. It begins at `context.job().position` and commits once, or says that nothing is left.
    async fn step(&mut self, context: &mut StepContext<'_>) -> Result<Step, JobFault>;
}

/// Whether a job goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    More,
    Done,
}

/// Why a step didn't end well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobFault {
    /// Another worker has the job.
    Lost,
    /// Somebody has asked to cancel it.
    Cancelled,
    /// Rights were changed: open the job again, which looks them up.
    Again,
    /// Nothing to do with the job: the vault is sealed. It waits for as long as that lasts.
    Wait,
    /// May work later; after some attempts without progress the job has failed with this code.
    Later(Cow<'static, str>),
    /// Will never work.
    Failed(Cow<'static, str>),
}

impl From<StoreError> for JobFault {
    fn from(error: StoreError) -> Self {
        tracing::warn!(error = %error, "a step of a job ran into the store");
        match error {
            StoreError::Contention | StoreError::Unavailable(_) => Self::Later("unavailable".into()),
            _ => Self::Later("internal".into()),
        }
    }
}

impl From<VaultError> for JobFault {
    fn from(error: VaultError) -> Self {
        Problem::from(error).into()
    }
}

impl From<AccessError> for JobFault {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Stale(_) => Self::Again,
            AccessError::Store(error) => error.into(),
        }
    }
}

impl From<Problem> for JobFault {
    fn from(problem: Problem) -> Self {
        let stale = problem.members.iter().any(|(name, value)| *name == "code" && value == "stale_decision");
        match problem.kind {
            ProblemKind::Sealed => Self::Wait,
            ProblemKind::Unavailable if stale => Self::Again,
            ProblemKind::Unavailable | ProblemKind::TooManyRequests | ProblemKind::Internal => {
                Self::Later(problem.kind.slug().into())
            }
            kind => Self::Failed(kind.slug().into()),
        }
    }
}

/// How far a step has got.
#[derive(Debug, Default)]
pub struct Progress {
    /// Where the next step begins.
    pub position: i64,
    /// For people: how much is done, of `total`.
    pub progress: i64,
    pub total: Option<i64>,
    /// Results of the rows that this step dealt with.
    pub rows: Vec<RowResult>,
}

/// A step's hold on its job.
pub struct StepContext<'a> {
    pub(super) workshop: &'a Workshop,
    pub(super) lease: Lease,
    pub(super) term: TimeDelta,
    pub(super) job: &'a mut JobRecord,
}

impl StepContext<'_> {
    pub const fn job(&self) -> &JobRecord {
        self.job
    }

    pub const fn workshop(&self) -> &Workshop {
        self.workshop
    }

    /// Begins the step's transaction. From here to its end nobody else can take, cancel or finish the job.
    pub async fn begin(&self) -> Result<Tx<Unaudited>, JobFault> {
        let mut tx = self.workshop.db.begin().await?;
        let until = self.workshop.clock.now() + self.term;
        match rows::extend(&mut tx, &self.lease, until).await? {
            None => Err(JobFault::Lost),
            Some(true) => Err(JobFault::Cancelled),
            Some(false) => Ok(tx),
        }
    }

    /// Those who guard the data hear of each record that isn't as it was written.
    fn alarms(&self, events: &[Event], rows: &[RowResult]) -> Vec<Event> {
        let Some(look) = events.first() else { return Vec::new() };
        let met = rows.iter().filter(|row| row.codes.iter().any(|code| code == ProblemKind::Integrity.slug()));
        let alarm = |row: &RowResult| Event {
            id: self.workshop.new_id(),
            owner: Some(self.job.tenant),
            class: Class::Security,
            action: "integrity.fault".into(),
            record: row.record,
            outcome: Outcome::Failed,
            ..look.clone()
        };
        met.map(alarm).collect()
    }

    /// Commits the step: its effects, its results and where the next one begins. Without an event only what changes
    /// nothing but the job itself: a dry run.
    pub async fn commit(
        &mut self,
        mut tx: Tx<Unaudited>,
        done: Progress,
        mut events: Vec<Event>,
    ) -> Result<(), JobFault> {
        events.extend(self.alarms(&events, &done.rows));
        let mut job = self.job.clone();
        for row in &done.rows {
            *job.counts.entry(row.outcome.as_str().to_owned()).or_default() += 1;
        }
        job.position = done.position;
        job.progress = done.progress;
        job.total = done.total.or(job.total);
        if !rows::advance(&mut tx, &self.lease, &job).await? {
            return Err(JobFault::Lost);
        }
        rows::add_rows(&mut tx, &self.lease, &done.rows).await?;
        if events.is_empty() {
            tx.commit_without_event("how far a job has got, and what its rows would become; no record is changed")
                .await?;
        } else {
            tx.record_all(events).await?.commit().await?;
        }
        job.attempts = 0;
        *self.job = job;
        Ok(())
    }
}
