//! The job that brings in many customers which were sent in one request: makes those that are new, and changes those that
//! are there under one of their external ids.
//!
//! Must never: write in a dry run, or go on past a record whose change could not be recorded.

use std::sync::Arc;

use async_trait::async_trait;
use kluis_core::kernel::Problem;
use serde::{Deserialize, Serialize};

use super::rows::{self, Done};
use crate::app::App;
use crate::customers::model::CustomerDraft;
use crate::imports::bring::{Bringing, Chunk, decide};
use crate::jobs::{
    self, Behalf, JobFault, JobKind, JobRecord, Opened, Progress, RowOutcome, Run, Step, StepContext, Workshop,
};
use crate::web::merge_patch;

/// As stored.
pub const KIND: &str = "customer_upsert";
/// Rows in one transaction: enough to spread its cost, few enough to cancel soon and to hold the writer briefly.
const CHUNK: usize = 100;
/// Results that are read at once when a job goes on.
const PAGE: i64 = 1000;

/// What the job is asked to do; sealed with it.
#[derive(Serialize, Deserialize)]
pub struct Order {
    pub rows: Vec<CustomerDraft>,
    /// Writes nothing, and says what a run would do.
    pub dry: bool,
}

/// The kind of job.
pub struct BringKind(pub Arc<App>);

#[async_trait]
impl JobKind for BringKind {
    fn name(&self) -> &'static str {
        KIND
    }

    async fn open(&self, opened: Opened) -> Result<Box<dyn Run>, JobFault> {
        let app = Arc::clone(&self.0);
        let order: Order = serde_json::from_value(opened.body).map_err(|_| JobFault::Failed("order".into()))?;
        let behalf = Behalf::new(opened.principal, opened.request);
        let bringing = Bringing::new(decide(&app, &behalf).await?, order.dry);
        let mut run = BringRun { app, rows: order.rows, behalf, bringing };
        run.catch_up(&opened.job).await?;
        Ok(Box::new(run))
    }
}

struct BringRun {
    app: Arc<App>,
    rows: Vec<CustomerDraft>,
    behalf: Behalf,
    bringing: Bringing,
}

impl BringRun {
    /// A job that goes on after a break has to know what became of the rows before.
    async fn catch_up(&mut self, job: &JobRecord) -> Result<(), JobFault> {
        let app = Arc::clone(&self.app);
        let mut after = -1;
        while after + 1 < job.position {
            let results = jobs::results(&Workshop::of(&app), job.tenant, job.id, after, PAGE).await?;
            let Some(last) = results.last() else { break };
            after = last.line;
            // Never committed.
            let mut tx = app.db.begin().await?;
            for result in results.iter().filter(|result| result.outcome != RowOutcome::Error) {
                let Some(row) = self.row(result.line) else { continue };
                self.bringing.recall_change(&app, &mut tx, result, (row, &merged)).await?;
            }
        }
        Ok(())
    }

    fn row(&self, line: i64) -> Option<CustomerDraft> {
        self.rows.get(usize::try_from(line).ok()?).cloned()
    }
}

/// The customer with what the row names; what it leaves out stays, and so do the ids in other systems.
fn merged(before: &CustomerDraft, row: &CustomerDraft) -> Result<CustomerDraft, Problem> {
    let mut wanted = merge_patch::merged(before, row)?;
    let ids = &mut wanted.identity.external_ids;
    let others = before.identity.external_ids.iter().filter(|known| !row.identity.external_ids.contains(known));
    ids.extend(others.cloned());
    Ok(wanted)
}

#[async_trait]
impl Run for BringRun {
    async fn step(&mut self, context: &mut StepContext<'_>) -> Result<Step, JobFault> {
        let start = context.job().position;
        let left = self.rows.len().saturating_sub(usize::try_from(start).unwrap_or(usize::MAX));
        if left == 0 {
            return Ok(Step::Done);
        }
        let app = Arc::clone(&self.app);
        if self.behalf.is_stale(&app).await? {
            self.bringing.decide_anew(decide(&app, &self.behalf).await?);
        }
        let (tenant, job) = (context.job().tenant, context.job().id);
        let mut tx = context.begin().await?;
        self.bringing.scope().enter(&mut tx, tenant).await?;
        let mut chunk = Chunk::default();
        let mut position = start;
        for _ in 0..left.min(CHUNK) {
            let Some(row) = self.row(position) else { break };
            self.bringing.bring(&app, &mut tx, position, (row, &merged), &mut chunk).await?;
            position += 1;
        }
        let done: Vec<_> = std::mem::take(&mut chunk.changes).into_iter().map(Done::from).collect();
        rows::add(&mut tx, (tenant, job), &done).await?;
        let look = app.event(self.bringing.scope()).count("records", chunk.results.len());
        let look = look.code("job", job.to_string()).code("run", self.bringing.run());
        let events = chunk.events(look);
        let done = Progress { position, progress: position, total: None, rows: chunk.results };
        context.commit(tx, done, events).await?;
        Ok(Step::More)
    }
}
