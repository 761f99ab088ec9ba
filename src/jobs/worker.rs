//! Takes jobs that are due, works on them step by step, and gives them back when it can't.
//!
//! Any number of workers in any number of processes may serve one database. A worker that dies leaves a lease that runs
//! out; the next one goes on where the last commit was.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use kluis_core::audit::{Class, Event, Outcome};
use kluis_core::privacy::Sealed;
use kluis_core::store::StoreError;
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::model::{JobRecord, Params, State};
use super::rows::{self, Lease};
use super::run::{JobFault, JobKind, Opened, Step, StepContext};
use super::{Workshop, queue};

/// The kinds of jobs that a worker can do.
#[derive(Default, Clone)]
pub struct Registry(HashMap<&'static str, Arc<dyn JobKind>>);

impl Registry {
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn with(mut self, kind: Arc<dyn JobKind>) -> Self {
        self.0.insert(kind.name(), kind);
        self
    }
}

/// How patient a worker is.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// How long a job is held without a sign of life; signs come three times as often.
    pub lease: Duration,
    /// Between two looks into an empty queue.
    pub pause: Duration,
    /// After the first failed attempt; doubled with each further one, up to an hour.
    pub back_off: Duration,
    /// Attempts without any progress, after which a job has failed.
    pub attempts: i64,
    /// Jobs at once.
    pub at_once: usize,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(30),
            pause: Duration::from_secs(1),
            back_off: Duration::from_secs(5),
            attempts: 5,
            at_once: 2,
        }
    }
}

/// Jobs that are looked at when one is wanted: others may be faster with the first.
const CANDIDATES: i64 = 16;
/// A kind that this program doesn't know is left for one that does.
const UNKNOWN_KIND: TimeDelta = TimeDelta::minutes(1);
const WHILE_SEALED: TimeDelta = TimeDelta::seconds(15);
const LONGEST_BACK_OFF: TimeDelta = TimeDelta::hours(1);
/// Times that a job is opened anew because of changed rights before it makes room for others.
const REOPENED: u32 = 20;

/// One worker of this process.
#[derive(Clone)]
pub struct Worker {
    workshop: Workshop,
    kinds: Registry,
    timing: Timing,
    name: Uuid,
}

/// A job in hand.
struct Held {
    lease: Lease,
    job: JobRecord,
    params: Sealed<Params>,
}

impl Worker {
    pub fn new(workshop: Workshop, kinds: Registry, timing: Timing) -> Self {
        let name = workshop.new_id::<kluis_core::kernel::id::Job>().uuid();
        Self { workshop, kinds, timing, name }
    }

    /// Works until `stop` becomes true; steps under way are brought to their end first.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut jobs = JoinSet::new();
        while !*stop.borrow() {
            while jobs.try_join_next().is_some() {}
            let taken = if jobs.len() < self.timing.at_once { self.take().await } else { Ok(None) };
            match taken {
                Ok(Some(held)) => {
                    let (worker, stop) = (self.clone(), stop.clone());
                    jobs.spawn(async move { worker.work(held, &stop).await });
                    continue;
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(error = %error, "the queue can't be read"),
            }
            // An error says that the other end is gone, which is a stop as well.
            if matches!(tokio::time::timeout(self.timing.pause, stop.changed()).await, Ok(Err(_))) {
                break;
            }
        }
        while jobs.join_next().await.is_some() {}
    }

    /// Takes one job that is due and works on it as far as it goes; false if there was none.
    pub async fn run_one(&self) -> Result<bool, StoreError> {
        let (_on, stop) = watch::channel(false);
        let Some(held) = self.take().await? else { return Ok(false) };
        self.work(held, &stop).await;
        Ok(true)
    }

    async fn take(&self) -> Result<Option<Held>, StoreError> {
        let now = self.workshop.clock.now();
        for due in rows::due(&self.workshop.db, now, CANDIDATES).await? {
            let mut tx = self.workshop.db.begin().await?;
            if let Some((lease, job, params)) = rows::take(&mut tx, &due, self.name, (now, now + self.term())).await? {
                tx.commit_without_event(LEASE).await?;
                return Ok(Some(Held { lease, job, params }));
            }
        }
        Ok(None)
    }

    fn term(&self) -> TimeDelta {
        TimeDelta::from_std(self.timing.lease).unwrap_or(TimeDelta::MAX)
    }

    async fn work(&self, mut held: Held, stop: &watch::Receiver<bool>) {
        let job = held.job.id;
        // Ends with this function, however that ends: a job whose step panics must not be held for ever.
        let mut beat = JoinSet::new();
        beat.spawn(self.clone().keep(held.lease));
        let end = self.go_on(&mut held, stop).await;
        beat.shutdown().await;
        if let Err(error) = self.end(&held, end).await {
            // The lease runs out, and somebody takes it from there.
            tracing::warn!(job = %job, error = %error, "the end of a job's run can't be written");
        }
    }

    /// Gives signs of life until it is stopped, or the lease is lost.
    async fn keep(self, lease: Lease) {
        loop {
            tokio::time::sleep(self.timing.lease / 3).await;
            match self.extend(&lease).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => tracing::debug!(job = %lease.job, error = %error, "no sign of life"),
            }
        }
    }

    async fn extend(&self, lease: &Lease) -> Result<bool, StoreError> {
        let mut tx = self.workshop.db.begin().await?;
        let held = rows::extend(&mut tx, lease, self.workshop.clock.now() + self.term()).await?;
        tx.commit_without_event(LEASE).await?;
        Ok(held.is_some())
    }

    /// `Ok(false)`: stopped between two steps.
    async fn go_on(&self, held: &mut Held, stop: &watch::Receiver<bool>) -> Result<bool, JobFault> {
        if held.job.cancel_asked {
            return Err(JobFault::Cancelled);
        }
        if held.job.attempts > self.timing.attempts {
            return Err(JobFault::Failed("attempts".into()));
        }
        let Some(kind) = self.kinds.0.get(held.job.kind.as_str()) else { return Ok(false) };
        let key = self.workshop.keys.tenant_key(held.lease.tenant.uuid()).await?;
        let mut reopened = 0;
        loop {
            let params: Params = held.params.open(&key, &queue::place(held.lease.tenant, held.lease.job))?;
            let Params { principal, request, body } = params;
            let mut run = kind.open(Opened { job: held.job.clone(), principal, request, body }).await?;
            loop {
                if *stop.borrow() {
                    return Ok(false);
                }
                let mut context =
                    StepContext { workshop: &self.workshop, lease: held.lease, term: self.term(), job: &mut held.job };
                match run.step(&mut context).await {
                    Ok(Step::More) => {}
                    Ok(Step::Done) => return Ok(true),
                    Err(JobFault::Again) if reopened < REOPENED => break,
                    Err(fault) => return Err(fault),
                }
            }
            reopened += 1;
        }
    }

    async fn end(&self, held: &Held, end: Result<bool, JobFault>) -> Result<(), StoreError> {
        let attempts = held.job.attempts;
        let without = (attempts - 1).max(0);
        match end {
            Ok(true) => self.finish(held, State::Succeeded, None).await,
            Ok(false) if self.kinds.0.contains_key(held.job.kind.as_str()) => {
                self.release(held, TimeDelta::zero(), without).await
            }
            Ok(false) => self.release(held, UNKNOWN_KIND, without).await,
            Err(JobFault::Lost) => Ok(()),
            Err(JobFault::Cancelled) => self.finish(held, State::Cancelled, None).await,
            Err(JobFault::Again) => self.release(held, TimeDelta::zero(), without).await,
            Err(JobFault::Wait) => self.release(held, WHILE_SEALED, without).await,
            Err(JobFault::Later(code)) if attempts >= self.timing.attempts => {
                self.finish(held, State::Failed, Some(&code)).await
            }
            Err(JobFault::Later(_)) => self.release(held, self.back_off(attempts), attempts).await,
            Err(JobFault::Failed(code)) => self.finish(held, State::Failed, Some(&code)).await,
        }
    }

    fn back_off(&self, attempts: i64) -> TimeDelta {
        let doubled = 2_u32.saturating_pow(u32::try_from(attempts - 1).unwrap_or(0));
        let pause = self.timing.back_off.saturating_mul(doubled);
        TimeDelta::from_std(pause).map_or(LONGEST_BACK_OFF, |pause| pause.min(LONGEST_BACK_OFF))
    }

    async fn finish(&self, held: &Held, state: State, failure: Option<&str>) -> Result<(), StoreError> {
        let mut tx = self.workshop.db.begin().await?;
        let now = self.workshop.clock.now();
        if !rows::finish(&mut tx, &held.lease, state, now, failure).await? {
            return Ok(());
        }
        tx.record(self.event(held, state, failure)).await?.commit().await
    }

    async fn release(&self, held: &Held, pause: TimeDelta, attempts: i64) -> Result<(), StoreError> {
        let mut tx = self.workshop.db.begin().await?;
        rows::release(&mut tx, &held.lease, self.workshop.clock.now() + pause, attempts).await?;
        tx.commit_without_event(LEASE).await
    }

    /// How a job ended.
    fn event(&self, held: &Held, state: State, failure: Option<&str>) -> Event {
        let event = Event {
            id: self.workshop.new_id(),
            at: self.workshop.clock.now(),
            tenant: held.lease.tenant,
            owner: None,
            actor: held.lease.job.to_string().into(),
            channel: "job".into(),
            request: held.lease.job.to_string().into(),
            class: Class::Write,
            action: "job.finish".into(),
            entity: "job".into(),
            record: None,
            subjects: Vec::new(),
            compartments: 0,
            purpose: "".into(),
            outcome: if state == State::Failed { Outcome::Failed } else { Outcome::Allowed },
            detail: std::collections::BTreeMap::new(),
        };
        let event = event.record(held.lease.job, held.lease.tenant).code("state", state.as_str());
        let event = event.code("kind", held.job.kind.clone());
        match failure {
            Some(code) => event.code("failure", code.to_owned()),
            None => event,
        }
    }
}

const LEASE: &str = "who works on a job and until when; nothing about people";
