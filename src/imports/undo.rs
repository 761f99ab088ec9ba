//! The job that takes an import back, record by record.
//!
//! Must never: touch a record that somebody has worked on since; it is named as a conflict.

use std::sync::Arc;

use async_trait::async_trait;
use kluis_core::access::Scope;
use kluis_core::kernel::Id;
use serde::{Deserialize, Serialize};

use super::access::Undo;
use super::model::{Change, ChangeKind, Import};
use super::rows;
use crate::app::App;
use crate::customers::undo::{self, Keys, Undone};
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
        let mut results = Vec::with_capacity(changes.len());
        let mut traces = Vec::new();
        for change in &changes {
            let undone = take_back(&app, &self.scope, &mut tx, tenant, change).await?;
            let (outcome, trace) = match undone {
                Undone::Removed(trace) => (RowOutcome::Removed, Some(trace)),
                Undone::Restored(trace) => (RowOutcome::Restored, Some(trace)),
                Undone::Conflict | Undone::Taken(_) => (RowOutcome::Conflict, None),
            };
            let codes = if trace.is_some() { Vec::new() } else { vec!["changed_since".to_owned()] };
            let record = Some(change.record.uuid());
            results.push(RowResult { line: change.line, outcome, codes, record, of_line: None });
            traces.extend(trace.map(|trace| *trace));
        }
        let mut events = vec![app.event(&self.scope).record(self.import, tenant).count("records", changes.len())];
        events.extend(traces.iter().map(|trace| trace.event.clone()));
        let progress = context.job().progress + i64::try_from(changes.len()).unwrap_or(0);
        let done = Progress { position: last, progress, total: None, rows: results };
        context.commit(tx, done, events).await?;
        undo::committed(&app, tenant, traces).await?;
        Ok(Step::More)
    }
}

async fn take_back(
    app: &App,
    scope: &Scope<Undo>,
    tx: &mut kluis_core::store::Tx<kluis_core::store::Unaudited>,
    tenant: Id<kluis_core::kernel::id::Tenant>,
    change: &Change,
) -> Result<Undone, JobFault> {
    let place = (tenant, change.record);
    match (change.kind, &change.before) {
        (ChangeKind::Create, _) => Ok(undo::remove(app, scope, tx, place, change.revision).await?),
        (ChangeKind::Update, Some(before)) => {
            Ok(undo::restore(app, scope, tx, place, (change.revision, before), Keys::MayBeTaken).await?)
        }
        (ChangeKind::Update, None) => Ok(Undone::Conflict),
    }
}
