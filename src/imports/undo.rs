//! The job that takes an import back, record by record.
//!
//! Must never: touch a record that somebody has worked on since; it is named as a conflict.

use std::sync::Arc;

use async_trait::async_trait;
use kluis_core::access::Scope;
use kluis_core::kernel::id::Tenant;
use kluis_core::kernel::{Id, ProblemKind};
use kluis_core::store::{Tx, Unaudited};
use serde::{Deserialize, Serialize};

use super::access::Undo;
use super::model::{Change, ChangeKind, Import};
use super::rows;
use crate::app::App;
use crate::customers::undo::{self, Keys, Trace, Undone};
use crate::jobs::{Behalf, JobFault, JobKind, Opened, Progress, RowOutcome, RowResult, Run, Step, StepContext};

/// As stored.
pub const KIND: &str = "customer_import_undo";
const CHUNK: i64 = 100;

/// What the job is asked to do.
#[derive(Debug, Serialize, Deserialize)]
pub struct Order {
    pub import: Id<Import>,
}

/// The kind of job.
pub struct UndoKind(pub Arc<App>);

#[async_trait]
impl JobKind for UndoKind {
    fn name(&self) -> &'static str {
        KIND
    }

    async fn open(&self, opened: Opened) -> Result<Box<dyn Run>, JobFault> {
        let order: Order = serde_json::from_value(opened.body).map_err(|_| JobFault::Failed("order".into()))?;
        let behalf = Behalf::new(opened.principal, opened.request);
        let scope = decide(&self.0, &behalf).await?;
        Ok(Box::new(UndoRun { app: Arc::clone(&self.0), import: order.import, behalf, scope }))
    }
}

async fn decide(app: &App, behalf: &Behalf) -> Result<Scope<Undo>, JobFault> {
    let actor = behalf.actor(app).await?;
    let scope = Scope::decide(&actor, behalf.purpose(), behalf.request());
    scope.require_any()?;
    Ok(scope)
}

struct UndoRun {
    app: Arc<App>,
    import: Id<Import>,
    behalf: Behalf,
    scope: Scope<Undo>,
}

#[async_trait]
impl Run for UndoRun {
    async fn step(&mut self, context: &mut StepContext<'_>) -> Result<Step, JobFault> {
        let app = Arc::clone(&self.app);
        let tenant = context.job().tenant;
        let after = context.job().position;
        let changes = rows::changes_after(&app.db, (tenant, self.import), after, CHUNK).await?;
        let Some(last) = changes.last().map(|change| change.line) else { return Ok(Step::Done) };
        if self.behalf.is_stale(&app).await? {
            self.scope = decide(&app, &self.behalf).await?;
        }
        // Whoever may undo must still be able to see this very import.
        if rows::get(&app.db, &self.scope, self.import).await?.is_none_or(|row| !self.scope.permits(row.rels)) {
            return Err(JobFault::Failed("forbidden".into()));
        }
        let mut tx = context.begin().await?;
        tx.serialise_tenant(tenant).await?;
        let (mut results, mut traces, mut undone) = (Vec::with_capacity(changes.len()), Vec::new(), Vec::new());
        for change in &changes {
            let (outcome, codes) = match take_back(&app, &self.scope, &mut tx, tenant, change).await? {
                Ok((outcome, trace)) => {
                    traces.push(*trace);
                    undone.push(change.line);
                    (outcome, Vec::new())
                }
                Err((outcome, code)) => (outcome, vec![code.to_owned()]),
            };
            let record = Some(change.record.uuid());
            results.push(RowResult { line: change.line, outcome, codes, record, of_line: None });
        }
        rows::drop_changes(&mut tx, (tenant, self.import), &undone).await?;
        let mut events = vec![app.event(&self.scope).record(self.import, tenant).count("records", changes.len())];
        events.extend(traces.iter().map(|trace| trace.event.clone()));
        let progress = context.job().progress + i64::try_from(changes.len()).unwrap_or(0);
        let done = Progress { position: last, progress, total: None, rows: results };
        context.commit(tx, done, events).await?;
        undo::committed(&app, tenant, traces).await?;
        Ok(Step::More)
    }
}

/// What became of a record, or why it stays as it is.
type Done = Result<(RowOutcome, Box<Trace>), (RowOutcome, &'static str)>;

async fn take_back(
    app: &App,
    scope: &Scope<Undo>,
    tx: &mut Tx<Unaudited>,
    tenant: Id<Tenant>,
    change: &Change,
) -> Result<Done, JobFault> {
    let place = (tenant, change.record);
    let undone = match (change.kind, &change.before) {
        (ChangeKind::Create, _) => undo::remove(app, scope, tx, place, change.revision).await,
        (ChangeKind::Update, Some(before)) => {
            undo::restore(app, scope, tx, place, (change.revision, before), Keys::MayBeTaken).await
        }
        (ChangeKind::Update, None) => Ok(Undone::Conflict),
    };
    match undone {
        Ok(Undone::Removed(trace)) => Ok(Ok((RowOutcome::Removed, trace))),
        Ok(Undone::Restored(trace)) => Ok(Ok((RowOutcome::Restored, trace))),
        Ok(Undone::Conflict | Undone::Taken(_)) => Ok(Err((RowOutcome::Conflict, "changed_since"))),
        // Somebody meddled with this one record; that is no reason to leave the others.
        Err(problem) if problem.kind == ProblemKind::Integrity => Ok(Err((RowOutcome::Error, problem.kind.slug()))),
        Err(problem) => Err(problem.into()),
    }
}
