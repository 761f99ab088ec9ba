//! The job that imports: line by line through the file, a chunk of lines in each transaction.
//!
//! Which lines are accepted depends on the lines before; a job that goes on after a break reads the file from its start
//! again and takes what became of the earlier lines from their results.
//!
//! Must never: hold the file, write without the importer's present rights, say something else in a dry run.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use kluis_core::kernel::Id;
use kluis_core::store::{Tx, Unaudited};
use serde::{Deserialize, Serialize};

use super::bring::{Bringing, Chunk, decide};
use super::draft::{Codes, ImportedCustomer, draft};
use super::merge::{Terms, fresh, merged};
use super::model::Import;
use super::reader::FileReader;
use super::rows;
use super::service;
use super::table::Record;
use crate::app::App;
use crate::customers::model::CustomerDraft;
use crate::jobs::{
    self, Behalf, JobFault, JobKind, Opened, Progress, RowOutcome, RowResult, Run, Step, StepContext, Workshop,
};

/// As stored.
pub const KIND: &str = "customer_import";
/// Lines in one transaction: enough to spread its cost, few enough to cancel soon and to hold the writer briefly.
const CHUNK: usize = 100;
/// Results that are read at once when a job goes on.
const PAGE: i64 = 1000;

/// What the job is asked to do.
#[derive(Debug, Serialize, Deserialize)]
pub struct Order {
    pub import: Id<Import>,
    /// Writes nothing, and says what a run would do.
    pub dry: bool,
}

/// The kind of job.
pub struct ImportKind(pub Arc<App>);

#[async_trait]
impl JobKind for ImportKind {
    fn name(&self) -> &'static str {
        KIND
    }

    async fn open(&self, opened: Opened) -> Result<Box<dyn Run>, JobFault> {
        let app = Arc::clone(&self.0);
        let order: Order = serde_json::from_value(opened.body).map_err(|_| JobFault::Failed("order".into()))?;
        let behalf = Behalf::new(opened.principal, opened.request);
        let bringing = Bringing::new(decide(&app, &behalf).await?, order.dry);
        let tenant = opened.job.tenant;
        let import = rows::of_job(&app.db, tenant, order.import).await?.ok_or(JobFault::Failed("gone".into()))?;
        let draft = service::open_draft(&app, &import).await?;
        let (Some(mapping), Some(terms)) = (draft.mapping, draft.terms) else {
            return Err(JobFault::Failed("mapping".into()));
        };
        let file = import.file.ok_or(JobFault::Failed("gone".into()))?;
        let reader = FileReader::new(Workshop::of(&app), tenant, file, draft.size, draft.format);
        let mut run = ImportRun {
            width: draft.headers.len(),
            today: app.clock.now().date_naive(),
            app,
            order,
            behalf,
            bringing,
            mapping,
            terms,
            reader,
        };
        run.catch_up(&opened.job).await?;
        Ok(Box::new(run))
    }
}

struct ImportRun {
    app: Arc<App>,
    order: Order,
    behalf: Behalf,
    bringing: Bringing,
    mapping: super::mapping::Mapping,
    terms: Terms,
    width: usize,
    today: chrono::NaiveDate,
    reader: FileReader,
}

impl ImportRun {
    /// Reads the lines that are done already, and takes what became of them from their results.
    async fn catch_up(&mut self, job: &jobs::JobRecord) -> Result<(), JobFault> {
        if job.position == 0 {
            return Ok(());
        }
        let workshop = Workshop::of(&self.app);
        let mut results = VecDeque::new();
        let mut after = -1;
        loop {
            if results.is_empty() {
                results.extend(jobs::results(&workshop, job.tenant, job.id, after, PAGE).await?);
            }
            let Some(result): Option<RowResult> = results.pop_front() else { return Ok(()) };
            after = result.line;
            let record = self.reader.next().await?.ok_or(JobFault::Failed("file".into()))?;
            if i64::try_from(record.line) != Ok(result.line) {
                return Err(JobFault::Failed("file".into()));
            }
            if let (true, Ok(line)) = (result.outcome != RowOutcome::Error, self.draft(&record)) {
                let new = fresh(&line, &self.terms, self.bringing.upserts().fields());
                self.bringing.recall(&self.app, &result, new)?;
            }
        }
    }

    fn draft(&self, record: &Record) -> Result<ImportedCustomer, Codes> {
        draft(&self.mapping, self.width, record, self.today)
    }

    async fn line(&mut self, tx: &mut Tx<Unaudited>, record: &Record, chunk: &mut Chunk) -> Result<(), JobFault> {
        let line = i64::try_from(record.line).unwrap_or(i64::MAX);
        let imported = match self.draft(record) {
            Ok(imported) => imported,
            Err(codes) => {
                chunk.refuse(line, &codes);
                return Ok(());
            }
        };
        let fields = Arc::clone(self.bringing.upserts().fields());
        let merge = |before: &CustomerDraft, _: &CustomerDraft| Ok(merged(before, &imported, &fields));
        let new = fresh(&imported, &self.terms, &fields);
        self.bringing.bring(&self.app, tx, line, (new, &merge), chunk).await
    }
}

#[async_trait]
impl Run for ImportRun {
    async fn step(&mut self, context: &mut StepContext<'_>) -> Result<Step, JobFault> {
        let mut records = Vec::with_capacity(CHUNK);
        while records.len() < CHUNK {
            match self.reader.next().await? {
                Some(record) => records.push(record),
                None => break,
            }
        }
        let Some(last) = records.last().map(|record| record.line) else { return Ok(Step::Done) };
        if self.behalf.is_stale(&self.app).await? {
            self.bringing.decide_anew(decide(&self.app, &self.behalf).await?);
        }
        let app = Arc::clone(&self.app);
        let mut tx = context.begin().await?;
        self.bringing.scope().enter(&mut tx, context.job().tenant).await?;
        let mut chunk = Chunk::default();
        for record in &records {
            self.line(&mut tx, record, &mut chunk).await?;
        }
        rows::add_changes(&mut tx, (context.job().tenant, self.order.import), &chunk.changes).await?;
        let look = app.event(self.bringing.scope()).count("lines", records.len()).code("run", self.bringing.run());
        let events = chunk.events(look);
        let done = Progress {
            position: i64::try_from(last).unwrap_or(i64::MAX),
            progress: context.job().progress + i64::try_from(records.len()).unwrap_or(0),
            total: None,
            rows: chunk.results,
        };
        context.commit(tx, done, events).await?;
        Ok(Step::More)
    }
}
