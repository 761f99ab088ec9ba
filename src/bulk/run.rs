//! The job that changes many customers: a chunk of them in each transaction, each with the rights that whoever asked has
//! at that moment.
//!
//! Must never: write in a dry run, or go on past a record whose change could not be recorded.

use std::sync::Arc;

use async_trait::async_trait;
use kluis_core::kernel::id::Customer;
use kluis_core::kernel::{Id, ProblemKind};
use kluis_core::store::{Tx, Unaudited};

use super::model::Order;
use super::rows::{self, Done};
use crate::app::App;
use crate::customers::changes::{Changes, Plan, Taken, Wish, Written};
use crate::jobs::{
    self, Behalf, JobFault, JobKind, JobRecord, Opened, Progress, RowOutcome, RowResult, Run, Step, StepContext,
    Workshop,
};

/// As stored.
pub const KIND: &str = "customer_bulk";
/// Customers in one transaction: enough to spread its cost, few enough to cancel soon and to hold the writer briefly.
const CHUNK: usize = 100;
/// Results that are read at once when a preview goes on.
const PAGE: i64 = 1000;

/// The kind of job.
pub struct BulkKind(pub Arc<App>);

#[async_trait]
impl JobKind for BulkKind {
    fn name(&self) -> &'static str {
        KIND
    }

    async fn open(&self, opened: Opened) -> Result<Box<dyn Run>, JobFault> {
        let app = Arc::clone(&self.0);
        let order: Order = serde_json::from_value(opened.body).map_err(|_| JobFault::Failed("order".into()))?;
        let behalf = Behalf::new(opened.principal, opened.request);
        let changes = decide(&app, &behalf).await?;
        let mut run = BulkRun { app, order, behalf, changes, taken: Taken::default() };
        run.catch_up(&opened.job).await?;
        Ok(Box::new(run))
    }
}

/// What whoever asked may do, as of now.
pub(super) async fn decide(app: &App, behalf: &Behalf) -> Result<Changes, JobFault> {
    let actor = behalf.actor(app).await?;
    Ok(Changes::open(app, &actor, behalf.purpose(), behalf.request()).await?)
}

struct BulkRun {
    app: Arc<App>,
    order: Order,
    behalf: Behalf,
    changes: Changes,
    /// Of a preview: what the changes so far would have taken.
    taken: Taken,
}

/// What a chunk leaves to be committed.
#[derive(Default)]
struct Chunk {
    results: Vec<RowResult>,
    done: Vec<Done>,
    written: Vec<Written>,
    /// Records that were looked at.
    seen: Vec<[u8; 16]>,
}

impl BulkRun {
    async fn plan(&self, tx: &mut Tx<Unaudited>, id: Id<Customer>) -> Result<Plan, JobFault> {
        let form = |before: &_| self.order.change.form(before);
        let wish = Wish { form: &form, archived: self.order.change.archived };
        Ok(self.changes.plan(&self.app, tx, id, &wish, &self.taken).await?)
    }

    /// A preview that goes on after a break has to know what its changes so far would have taken: they are planned again.
    async fn catch_up(&mut self, job: &JobRecord) -> Result<(), JobFault> {
        if !self.order.dry || !self.order.change.takes_keys() {
            return Ok(());
        }
        let app = Arc::clone(&self.app);
        let mut after = -1;
        while after + 1 < job.position {
            let results = jobs::results(&Workshop::of(&app), job.tenant, job.id, after, PAGE).await?;
            let Some(last) = results.last() else { break };
            after = last.line;
            // Never committed.
            let mut tx = app.db.begin().await?;
            for row in results.iter().filter(|row| row.outcome == RowOutcome::Update) {
                let Some(id) = row.record.map(Id::from_uuid) else { continue };
                if let Plan::Write(change) = self.plan(&mut tx, id).await? {
                    self.taken.add(&change);
                }
            }
        }
        Ok(())
    }

    async fn one(
        &mut self,
        tx: &mut Tx<Unaudited>,
        line: i64,
        id: Id<Customer>,
        chunk: &mut Chunk,
    ) -> Result<(), JobFault> {
        let app = Arc::clone(&self.app);
        let plan = self.plan(tx, id).await?;
        if !matches!(plan, Plan::NotFound) {
            chunk.seen.push(app.keys.audit_hash(self.changes.scope().tenant().uuid(), id.uuid())?);
        }
        let (outcome, codes) = match plan {
            Plan::NotFound => (RowOutcome::Error, vec![ProblemKind::NotFound.slug()]),
            Plan::Refused { codes } => (RowOutcome::Error, codes),
            Plan::Unchanged => (RowOutcome::Unchanged, Vec::new()),
            Plan::Write(change) if self.order.dry => {
                self.taken.add(&change);
                (RowOutcome::Update, Vec::new())
            }
            Plan::Write(change) => {
                let mut written = self.changes.write(&app, tx, *change).await?;
                let before = written.before.take().unwrap_or_default();
                chunk.done.push(Done { line, record: id, revision: written.revision, before });
                chunk.written.push(written);
                (RowOutcome::Update, Vec::new())
            }
        };
        let codes = codes.into_iter().map(str::to_owned).collect();
        chunk.results.push(RowResult { line, outcome, codes, record: Some(id.uuid()), of_line: None });
        Ok(())
    }
}

#[async_trait]
impl Run for BulkRun {
    async fn step(&mut self, context: &mut StepContext<'_>) -> Result<Step, JobFault> {
        let start = usize::try_from(context.job().position).unwrap_or(usize::MAX);
        let ids: Vec<_> = self.order.records.iter().skip(start).take(CHUNK).copied().collect();
        if ids.is_empty() {
            return Ok(Step::Done);
        }
        let app = Arc::clone(&self.app);
        if self.behalf.is_stale(&app).await? {
            self.changes = decide(&app, &self.behalf).await?;
        }
        let tenant = context.job().tenant;
        let mut tx = context.begin().await?;
        self.changes.scope().enter(&mut tx, tenant).await?;
        let mut chunk = Chunk::default();
        let mut position = context.job().position;
        for id in &ids {
            self.one(&mut tx, position, *id, &mut chunk).await?;
            position += 1;
        }
        rows::add(&mut tx, (tenant, context.job().id), &chunk.done).await?;
        let job = context.job().id.to_string();
        let look = app.event(self.changes.scope()).subjects(chunk.seen).count("records", ids.len());
        let mut events = vec![look.code("job", job.clone()).code("run", if self.order.dry { "dry" } else { "real" })];
        events.extend(chunk.written.into_iter().map(|written| written.event.code("job", job.clone())));
        let done = Progress { position, progress: position, total: None, rows: chunk.results };
        context.commit(tx, done, events).await?;
        Ok(Step::More)
    }
}
