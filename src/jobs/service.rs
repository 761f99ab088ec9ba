//! What can be asked about jobs, and cancelling one. Every function takes a scope.

use kluis_core::access::Scope;
use kluis_core::kernel::id::Job;
use kluis_core::kernel::{Id, Phrase, Problem, ProblemKind};

use super::access::{Cancel, Read};
use super::model::{JobRecord, RowOutcome, RowResult};
use super::rows::{self, ListFilter};
use crate::app::App;

const OVER: Phrase = Phrase { en: "This job has ended already.", nl: "Deze taak is al afgelopen." };

/// A page of jobs, the newest first; and where the next one starts.
pub struct Found {
    pub jobs: Vec<JobRecord>,
    pub next: Option<Id<Job>>,
    pub total: Option<u64>,
}

pub async fn list(
    app: &App,
    scope: &Scope<Read>,
    filter: &ListFilter,
    after: Option<Id<Job>>,
    size: u32,
    count: bool,
) -> Result<Found, Problem> {
    scope.require_any()?;
    let total = if count { Some(rows::count(&app.db, scope, filter).await?.unsigned_abs()) } else { None };
    let mut jobs = rows::list(&app.db, scope, filter, after, i64::from(size) + 1).await?;
    let more = jobs.len() > size as usize;
    jobs.truncate(size as usize);
    let next = jobs.last().filter(|_| more).map(|job| job.id);
    Ok(Found { jobs, next, total })
}

/// One job; 404 when there is none that the caller may read.
pub async fn show(app: &App, scope: &Scope<Read>, id: Id<Job>) -> Result<JobRecord, Problem> {
    let found = rows::get(&app.db, scope, id).await?;
    found.map(|(job, _)| job).ok_or_else(Problem::not_found)
}

/// A page of the results of a job's rows, in the order of the lines; and after which line the next one starts.
pub struct Results {
    pub rows: Vec<RowResult>,
    pub next: Option<i64>,
    pub total: Option<u64>,
}

pub async fn results(
    app: &App,
    scope: &Scope<Read>,
    (id, outcome): (Id<Job>, Option<RowOutcome>),
    (after, size, count): (Option<i64>, u32, bool),
) -> Result<Results, Problem> {
    let job = show(app, scope, id).await?;
    let place = (job.tenant, id);
    let total = if count { Some(rows::count_results(&app.db, place, outcome).await?.unsigned_abs()) } else { None };
    let mut found = rows::results_of(&app.db, place, outcome, after.unwrap_or(-1), i64::from(size) + 1).await?;
    let more = found.len() > size as usize;
    found.truncate(size as usize);
    let next = found.last().filter(|_| more).map(|row| row.line);
    // They name records: who looked is on record.
    app.record_read(app.event(scope).record(id, job.tenant).count("rows", found.len())).await?;
    Ok(Results { rows: found, next, total })
}

/// Asks a job to stop. One that nobody has begun stops at once, one under way after its present step; what was
/// acknowledged stays. 409 when it has ended already.
pub async fn cancel(app: &App, scope: &Scope<Cancel>, id: Id<Job>) -> Result<JobRecord, Problem> {
    let (job, rels) = rows::get(&app.db, scope, id).await?.ok_or_else(Problem::not_found)?;
    scope.require(rels)?;
    let mut tx = app.db.begin().await?;
    let Some(cancelled) = rows::cancel(&mut tx, scope, (job.tenant, id), app.clock.now()).await? else {
        return Err(Problem::new(ProblemKind::Conflict).detail(OVER));
    };
    tx.record(app.event(scope).record(id, job.tenant)).await?.commit().await?;
    Ok(cancelled)
}
