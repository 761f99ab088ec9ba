//! The job that takes a bulk change back, record by record, to the byte.
//!
//! Must never: touch a record that somebody has worked on since, or one that whoever asks couldn't change like this.

use std::sync::Arc;

use async_trait::async_trait;
use kluis_core::kernel::id::Job;
use kluis_core::kernel::{Id, ProblemKind};
use kluis_core::privacy::CompartmentSet;
use kluis_core::store::{Tx, Unaudited};
use serde::{Deserialize, Serialize};

use super::model::{MOST, RunRow};
use super::rows::{self, Done};
use super::run::decide;
use crate::app::App;
use crate::customers::changes::{Changes, Needed};
use crate::customers::undo::{self, Keys, Trace, Undone};
use crate::jobs::{Behalf, JobFault, JobKind, Opened, Progress, RowOutcome, RowResult, Run, Step, StepContext};

/// As stored.
pub const KIND: &str = "customer_bulk_undo";
const CHUNK: i64 = 100;
/// More lines than this no bulk change has.
const LINES: i64 = 10_000;
const _: () = assert!(MOST == 10_000, "the lines of a bulk change");

/// What the job is asked to do.
#[derive(Debug, Serialize, Deserialize)]
pub struct Order {
    /// The bulk change.
    pub job: Id<Job>,
}

/// The kind of job.
pub struct BulkUndoKind(pub Arc<App>);

#[async_trait]
impl JobKind for BulkUndoKind {
    fn name(&self) -> &'static str {
        KIND
    }

    async fn open(&self, opened: Opened) -> Result<Box<dyn Run>, JobFault> {
        let app = Arc::clone(&self.0);
        let order: Order = serde_json::from_value(opened.body).map_err(|_| JobFault::Failed("order".into()))?;
        let behalf = Behalf::new(opened.principal, opened.request);
        let changes = decide(&app, &behalf).await?;
        let run = rows::get(&app.db, (opened.job.tenant, order.job)).await?.ok_or(JobFault::Failed("gone".into()))?;
        Ok(Box::new(UndoRun { app, run, behalf, changes }))
    }
}

struct UndoRun {
    app: Arc<App>,
    run: RunRow,
    behalf: Behalf,
    changes: Changes,
}

#[async_trait]
impl Run for UndoRun {
    async fn step(&mut self, context: &mut StepContext<'_>) -> Result<Step, JobFault> {
        let app = Arc::clone(&self.app);
        let RunRow { tenant, job, .. } = &self.run;
        // From the last change to the first: a later one may have what an earlier one gave up. The position is how many
        // lines there can be, less those that are left, so that it begins at 0 and grows.
        let done = rows::below(&app.db, (*tenant, *job), LINES - context.job().position, CHUNK).await?;
        let Some(last) = done.last().map(|one| one.line) else { return Ok(Step::Done) };
        if self.behalf.is_stale(&app).await? {
            self.changes = decide(&app, &self.behalf).await?;
        }
        let mut tx = context.begin().await?;
        self.changes.scope().enter(&mut tx, *tenant).await?;
        let (mut results, mut traces, mut restored) = (Vec::with_capacity(done.len()), Vec::new(), Vec::new());
        for one in &done {
            let (outcome, codes) = match self.one(&mut tx, one).await? {
                Ok(trace) => {
                    traces.push(*trace);
                    restored.push(one.line);
                    let outcome = if one.before.is_empty() { RowOutcome::Removed } else { RowOutcome::Restored };
                    (outcome, Vec::new())
                }
                Err(refused) => refused,
            };
            let codes = codes.into_iter().map(str::to_owned).collect();
            results.push(RowResult { line: one.line, outcome, codes, record: Some(one.record.uuid()), of_line: None });
        }
        rows::drop_changes(&mut tx, (*tenant, *job), &restored).await?;
        let label = context.job().id.to_string();
        let look = app.event(self.changes.scope()).code("undoes", job.to_string()).count("records", done.len());
        let mut events = vec![look.code("job", label.clone())];
        events.extend(traces.iter().map(|trace| trace.event.clone().code("job", label.clone())));
        let progress = context.job().progress + i64::try_from(done.len()).unwrap_or(0);
        context.commit(tx, Progress { position: LINES - last, progress, total: None, rows: results }, events).await?;
        undo::committed(&app, *tenant, traces).await?;
        Ok(Step::More)
    }
}

type Refused = (RowOutcome, Vec<&'static str>);

impl UndoRun {
    /// Takes one change back, or says why it stays.
    async fn one(&self, tx: &mut Tx<Unaudited>, done: &Done) -> Result<Result<Box<Trace>, Refused>, JobFault> {
        let error = |kind: ProblemKind| Ok(Err((RowOutcome::Error, vec![kind.slug()])));
        let made = done.before.is_empty();
        // What is gone shows nothing of itself any more.
        let compartments = if made { CompartmentSet::EMPTY } else { self.run.needed.compartments };
        let needed = Needed { compartments, ..self.run.needed };
        if let Some(kind) = self.changes.keeps_from_taking_back(tx, done.record, needed).await? {
            return error(kind);
        }
        let (scope, place) = (self.changes.scope(), (self.run.tenant, done.record));
        let undone = if made {
            undo::remove(&self.app, scope, tx, place, done.revision).await
        } else {
            undo::restore(&self.app, scope, tx, place, (done.revision, &done.before), Keys::Free).await
        };
        match undone {
            Ok(Undone::Restored(trace) | Undone::Removed(trace)) => Ok(Ok(trace)),
            Ok(Undone::Conflict) => Ok(Err((RowOutcome::Conflict, vec!["changed_since"]))),
            Ok(Undone::Taken(field)) => {
                Ok(Err((RowOutcome::Conflict, vec![ProblemKind::Duplicate.slug(), field.name()])))
            }
            // Somebody meddled with this one record; that is no reason to leave the others.
            Err(problem) if problem.kind == ProblemKind::Integrity => error(problem.kind),
            Err(problem) => Err(problem.into()),
        }
    }
}
