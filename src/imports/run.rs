//! The job that imports: line by line through the file, a chunk of lines in each transaction.
//!
//! Which lines are accepted depends on the lines before; a job that goes on after a break reads the file from its start
//! again and takes what became of the earlier lines from their results.
//!
//! Must never: hold the file, write without the importer's present rights, say something else in a dry run.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use kluis_core::kernel::Id;
use kluis_core::kernel::id::Customer;
use kluis_core::privacy::CompartmentSet;
use kluis_core::store::{Tx, Unaudited};
use serde::{Deserialize, Serialize};

use super::draft::{Codes, ImportedCustomer, draft};
use super::merge::{Terms, fresh, merged};
use super::model::{ChangeKind, Import};
use super::reader::FileReader;
use super::rows::{self, Change};
use super::service;
use super::table::Record;
use super::twins::Twins;
use crate::app::App;
use crate::customers::upsert::{Plan, Planned, Upserts, Written};
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
        let upserts = upserts(&app, &behalf).await?;
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
            upserts,
            mapping,
            terms,
            reader,
            twins: Twins::new(),
            touched: HashMap::new(),
        };
        run.catch_up(&opened.job).await?;
        Ok(Box::new(run))
    }
}

/// The importer's decisions, as of now.
async fn upserts(app: &App, behalf: &Behalf) -> Result<Upserts, JobFault> {
    let actor = behalf.actor(app).await?;
    Ok(Upserts::open(app, &actor, behalf.purpose(), behalf.request()).await?)
}

struct ImportRun {
    app: Arc<App>,
    order: Order,
    behalf: Behalf,
    upserts: Upserts,
    mapping: super::mapping::Mapping,
    terms: Terms,
    width: usize,
    today: chrono::NaiveDate,
    reader: FileReader,
    twins: Twins,
    /// The line that each record was found or changed by: a record is written at most once in an import.
    touched: HashMap<Id<Customer>, u64>,
}

/// What a chunk leaves to be committed.
#[derive(Default)]
struct Chunk {
    results: Vec<RowResult>,
    changes: Vec<Change>,
    written: Vec<Written>,
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
            let accepted = matches!(result.outcome, RowOutcome::Create | RowOutcome::Update | RowOutcome::Unchanged);
            if let (true, Ok(draft)) = (accepted, self.draft(&record)) {
                self.accept(record.line, &draft, result.record.map(Id::from_uuid));
            }
        }
    }

    fn draft(&self, record: &Record) -> Result<ImportedCustomer, Codes> {
        draft(&self.mapping, self.width, record, self.today)
    }

    fn accept(&mut self, line: u64, draft: &ImportedCustomer, record: Option<Id<Customer>>) {
        self.twins.accept(line, draft);
        if let Some(record) = record {
            self.touched.entry(record).or_insert(line);
        }
    }

    async fn line(
        &mut self,
        tx: &mut Tx<Unaudited>,
        record: &Record,
        chunk: &mut Chunk,
    ) -> Result<RowResult, JobFault> {
        let line = i64::try_from(record.line).unwrap_or(i64::MAX);
        let result = |outcome, codes: Vec<String>| RowResult { line, outcome, codes, record: None, of_line: None };
        let draft = match self.draft(record) {
            Ok(draft) => draft,
            Err(codes) => return Ok(result(RowOutcome::Error, owned(&codes))),
        };
        if let Some(twin) = self.twins.find(&draft) {
            let of_line = i64::try_from(twin.line).ok();
            return Ok(RowResult { of_line, ..result(RowOutcome::Duplicate, owned(&twin.codes)) });
        }
        let fields = self.upserts.fields();
        let new = fresh(&draft, &self.terms, fields);
        let merge = |before: &crate::customers::model::CustomerDraft| merged(before, &draft, fields);
        let Planned { plan, kept } = self.upserts.plan(&self.app, tx, new, &merge).await?;
        let kept = kept_codes(kept);
        let target = match &plan {
            Plan::Update(change) => Some(change.id()),
            Plan::Unchanged { id } => Some(*id),
            _ => None,
        };
        if let Some(of_line) = target.and_then(|id| self.touched.get(&id)) {
            let of_line = i64::try_from(*of_line).ok();
            return Ok(RowResult { of_line, ..result(RowOutcome::Duplicate, vec!["external_id".to_owned()]) });
        }
        let done = match plan {
            Plan::Refused { codes } => result(RowOutcome::Error, owned(&codes)),
            Plan::Duplicate { id, codes } => {
                RowResult { record: id.map(Id::uuid), ..result(RowOutcome::Duplicate, owned(&codes)) }
            }
            Plan::Unchanged { id } => {
                self.accept(record.line, &draft, Some(id));
                RowResult { record: Some(id.uuid()), ..result(RowOutcome::Unchanged, kept) }
            }
            Plan::Create(_) if self.order.dry => {
                self.accept(record.line, &draft, None);
                result(RowOutcome::Create, kept)
            }
            Plan::Create(valid) => {
                let written = self.upserts.create(&self.app, tx, &valid).await?;
                self.accept(record.line, &draft, Some(written.id));
                let record = Some(written.id.uuid());
                chunk.add(line, ChangeKind::Create, written);
                RowResult { record, ..result(RowOutcome::Create, kept) }
            }
            Plan::Update(change) => {
                let id = change.id();
                self.accept(record.line, &draft, Some(id));
                if !self.order.dry {
                    let written = self.upserts.change(&self.app, tx, *change).await?;
                    chunk.add(line, ChangeKind::Update, written);
                }
                RowResult { record: Some(id.uuid()), ..result(RowOutcome::Update, kept) }
            }
        };
        Ok(done)
    }
}

impl Chunk {
    fn add(&mut self, line: i64, kind: ChangeKind, mut written: Written) {
        let before = written.before.take();
        self.changes.push(Change { line, record: written.id, kind, revision: written.revision, before });
        self.written.push(written);
    }
}

fn owned(codes: &[&'static str]) -> Vec<String> {
    codes.iter().map(|code| (*code).to_owned()).collect()
}

/// Compartments that were left as they are, because the importer can't see them: `kept_financial` …
fn kept_codes(kept: CompartmentSet) -> Vec<String> {
    kept.iter().map(|compartment| format!("kept_{}", compartment.name())).collect()
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
            self.upserts = upserts(&self.app, &self.behalf).await?;
        }
        let app = Arc::clone(&self.app);
        let mut tx = context.begin().await?;
        self.upserts.scope().enter(&mut tx, context.job().tenant).await?;
        let mut chunk = Chunk::default();
        for record in &records {
            let result = self.line(&mut tx, record, &mut chunk).await?;
            chunk.results.push(result);
        }
        rows::add_changes(&mut tx, (context.job().tenant, self.order.import), &chunk.changes).await?;
        let look = app.event(self.upserts.scope()).count("lines", records.len());
        let look = look.code("run", if self.order.dry { "dry" } else { "real" });
        let mut events = vec![look];
        events.extend(chunk.written.iter().map(|written| written.event.clone()));
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
