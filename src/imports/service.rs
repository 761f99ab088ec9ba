//! What can be done with imports. Every function takes a scope.

use kluis_core::access::{Rel, Scope, ScopedPermission};
use kluis_core::kernel::id::{Job, Tenant};
use kluis_core::kernel::{CountryCode, Faults, Id, Phrase, Problem, ProblemKind};
use kluis_core::privacy::{Compartment, CompartmentSet, Context, Sealed};
use kluis_core::store::{Tx, Unaudited};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use zeroize::Zeroizing;

use super::access::{Cancel, Create, Read, Undo};
use super::encoding::Sniffer;
use super::mapping::{Field, Mapping};
use super::merge::Terms;
use super::model::{DRAFT_LIFE, Draft, Import, ImportRow, Opened, UNDO_WINDOW};
use super::reader::FileReader;
use super::rows::ListFilter;
use super::source::{Format, SAMPLE_BYTES};
use super::suggest::{CustomField, suggest};
use super::{rows, run, undo};
use crate::app::App;
use crate::customers::upsert::{self, Upserts};
use crate::jobs::files::{self, FileSize, FileWriter, JobFile};
use crate::jobs::{self, NewJob, Principal, Workshop};
use crate::web::{ETag, Failure};

/// The largest file that is taken, in bytes: a million customers and more.
pub const MAX_FILE: u64 = 512 << 20;
/// Lines that the proposals are made from.
const SAMPLE: usize = 100;
/// Lines that are shown before anything is decided.
const SHOWN: usize = 5;
/// Bytes that are read at once.
const BUFFER: usize = 64 * 1024;

const NOT_TEXT: Phrase = Phrase {
    en: "This isn't a text file. Save the table as CSV.",
    nl: "Dit is geen tekstbestand. Sla de tabel op als CSV.",
};
const NO_TABLE: Phrase = Phrase {
    en: "The first line has to name the columns, and lines have to follow.",
    nl: "De eerste regel moet de kolommen benoemen, en er moeten regels volgen.",
};
const NOT_READY: Phrase = Phrase {
    en: "First say what the columns mean, the legal basis and the source.",
    nl: "Geef eerst op wat de kolommen betekenen, en ook de rechtsgrond en de bron.",
};
const RUN_ALREADY: Phrase = Phrase { en: "This import has been run already.", nl: "Deze import is al uitgevoerd." };
const FILE_GONE: Phrase = Phrase {
    en: "The file was kept for a week and is gone. Hand it in again.",
    nl: "Het bestand is een week bewaard en weg. Lever het opnieuw in.",
};
const NOT_RUN: Phrase = Phrase { en: "There is nothing to undo.", nl: "Er is niets om ongedaan te maken." };
const TOO_LATE: Phrase = Phrase {
    en: "The time in which this import could be undone is over.",
    nl: "De termijn waarin deze import ongedaan kon worden gemaakt, is voorbij.",
};
const STILL_RUNNING: Phrase =
    Phrase { en: "A job of this import is still running.", nl: "Er loopt nog een taak van deze import." };

/// Takes a file in, and proposes what its columns mean.
pub async fn upload(
    app: &App,
    scope: &Scope<Create>,
    content: &mut (dyn AsyncRead + Send + Unpin),
) -> Result<Opened, Problem> {
    scope.require_any()?;
    let workshop = Workshop::of(app);
    let tenant = scope.tenant();
    let stored = store(&workshop, tenant, content).await?;
    match describe(app, &workshop, tenant, &stored).await {
        Ok(draft) => record(app, scope, stored.file, draft).await,
        Err(problem) => {
            let mut tx = app.db.begin().await?;
            files::remove(&mut tx, tenant, stored.file.uuid()).await?;
            tx.commit_without_event("an upload that was refused; nothing of it is kept").await?;
            Err(problem)
        }
    }
}

struct Stored {
    file: Id<JobFile>,
    size: FileSize,
    sniffer: Sniffer,
    start: Zeroizing<Vec<u8>>,
}

async fn store(
    workshop: &Workshop,
    tenant: Id<Tenant>,
    content: &mut (dyn AsyncRead + Send + Unpin),
) -> Result<Stored, Problem> {
    let mut writer = FileWriter::begin(workshop, tenant, workshop.clock.now() + DRAFT_LIFE).await?;
    let mut sniffer = Sniffer::new();
    let mut start = Zeroizing::new(Vec::with_capacity(SAMPLE_BYTES));
    let mut buffer = Zeroizing::new(vec![0; BUFFER]);
    let mut taken = 0_u64;
    loop {
        let length = content.read(&mut buffer).await.map_err(|_| Problem::new(ProblemKind::Malformed))?;
        let bytes = buffer.get(..length).unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
        taken += bytes.len() as u64;
        if taken > MAX_FILE {
            return Err(Problem::new(ProblemKind::TooLarge));
        }
        sniffer.push(bytes);
        let room = SAMPLE_BYTES - start.len();
        start.extend_from_slice(bytes.get(..room.min(length)).unwrap_or_default());
        writer.push(bytes).await?;
    }
    let (file, size) = writer.finish().await?;
    Ok(Stored { file, size, sniffer, start })
}

/// Reads the file once: how it is written, how many lines it has, what its columns may mean.
async fn describe(app: &App, workshop: &Workshop, tenant: Id<Tenant>, stored: &Stored) -> Result<Draft, Problem> {
    let encoding = stored.sniffer.verdict().map_err(|_| refused("encoding", NOT_TEXT))?;
    let format = Format::detect(encoding, &stored.start);
    let mut reader = FileReader::new(workshop.clone(), tenant, stored.file, stored.size, format);
    let mut sample = Vec::with_capacity(SAMPLE);
    let mut rows = 0_i64;
    while let Some(record) = reader.next().await? {
        rows += 1;
        if sample.len() < SAMPLE {
            sample.push(record);
        }
    }
    let headers = reader.headers().to_vec();
    if rows == 0 || headers.iter().all(String::is_empty) {
        return Err(refused("empty", NO_TABLE));
    }
    let (fields, country) = upsert::fields(app, tenant).await?;
    let in_use = fields.iter().filter(|field| !field.archived);
    let custom: Vec<_> =
        in_use.map(|field| CustomField { name: &field.key, labels: [&field.labels.nl, &field.labels.en] }).collect();
    let suggestions = suggest(&headers, &sample, &custom, country);
    Ok(Draft { format, size: stored.size, rows, headers, suggestions, mapping: None, terms: None })
}

fn refused(code: &'static str, detail: Phrase) -> Problem {
    let mut faults = Faults::new();
    faults.add("", code, detail);
    Problem::invalid(faults.into_vec())
}

async fn record(app: &App, scope: &Scope<Create>, file: Id<JobFile>, draft: Draft) -> Result<Opened, Problem> {
    let (tenant, id, now) = (scope.tenant(), app.new_id(), app.clock.now());
    let sealed = seal(app, tenant, id, 1, &draft).await?;
    let created_by = scope.actor().user();
    let new =
        rows::NewImport { tenant, id, created_by: created_by.map(Id::uuid), now, file: file.uuid(), draft: &sealed };
    let mut tx = app.db.begin().await?;
    scope.still_current_in(&mut tx).await?;
    rows::insert(&mut tx, &new).await?;
    let lines = usize::try_from(draft.rows).unwrap_or(usize::MAX);
    tx.record(app.event(scope).record(id, tenant).count("lines", lines)).await?.commit().await?;
    let row = ImportRow {
        tenant,
        id,
        created_by,
        created_at: now,
        updated_at: now,
        file: Some(file),
        draft: sealed,
        dry_job: None,
        run_job: None,
        undo_job: None,
        undo_until: None,
        revision: 1,
        rels: scope.relations_of_new(created_by.is_some()),
    };
    Ok(Opened { row, draft })
}

const fn place(tenant: Id<Tenant>, id: Id<Import>, revision: i64) -> Context {
    Context {
        tenant: tenant.uuid(),
        table: "imports",
        part: "draft",
        row: id.uuid(),
        subject: tenant.uuid(),
        revision,
        schema: 1,
    }
}

async fn seal(
    app: &App,
    tenant: Id<Tenant>,
    id: Id<Import>,
    revision: i64,
    draft: &Draft,
) -> Result<Sealed<Draft>, Problem> {
    let key = app.keys.tenant_key(tenant.uuid()).await?;
    Ok(Sealed::seal(&key, &place(tenant, id, revision), draft)?)
}

/// Opens the draft of an import that the caller holds.
pub(super) async fn open_draft(app: &App, row: &ImportRow) -> Result<Draft, Problem> {
    let key = app.keys.tenant_key(row.tenant.uuid()).await?;
    Ok(row.draft.open(&key, &place(row.tenant, row.id, 0).of("draft", &row.draft))?)
}

/// One page of imports, the newest first; where the next one starts; and, if asked for, how many there are.
pub async fn list(
    app: &App,
    scope: &Scope<Read>,
    filter: &ListFilter,
    (after, size, count): (Option<Id<Import>>, u32, bool),
) -> Result<(Vec<Opened>, Option<Id<Import>>, Option<u64>), Problem> {
    scope.require_any()?;
    let total = if count { Some(rows::count(&app.db, scope, filter).await?.unsigned_abs()) } else { None };
    let mut found = rows::list(&app.db, scope, filter, after, i64::from(size) + 1).await?;
    let more = found.len() > size as usize;
    found.truncate(size as usize);
    let next = found.last().filter(|_| more).map(|row| row.id);
    let mut opened = Vec::with_capacity(found.len());
    for row in found {
        opened.push(Opened { draft: open_draft(app, &row).await?, row });
    }
    app.record_read(app.event(scope).count("records", opened.len())).await?;
    Ok((opened, next, total))
}

/// One import; 404 when there is none that the caller may read.
pub async fn show(app: &App, scope: &Scope<Read>, id: Id<Import>) -> Result<Opened, Problem> {
    let opened = find(app, scope, id).await?;
    app.record_read(app.event(scope).record(id, opened.row.tenant)).await?;
    Ok(opened)
}

async fn find<P: ScopedPermission>(app: &App, scope: &Scope<P>, id: Id<Import>) -> Result<Opened, Problem> {
    let row = rows::get(&app.db, scope, id).await?.ok_or_else(Problem::not_found)?;
    scope.require(row.rels)?;
    Ok(Opened { draft: open_draft(app, &row).await?, row })
}

/// The first lines as they stand, for whoever handed the file in; others get none, since what they may see of a customer
/// is decided per compartment.
pub async fn sample(app: &App, opened: &Opened) -> Result<Vec<Vec<String>>, Problem> {
    let (Some(file), true) = (opened.row.file, opened.row.rels.contains(Rel::Own)) else { return Ok(Vec::new()) };
    let Draft { size, format, .. } = &opened.draft;
    let mut reader = FileReader::new(Workshop::of(app), opened.row.tenant, file, *size, *format);
    let mut lines = Vec::with_capacity(SHOWN);
    while lines.len() < SHOWN {
        match reader.next().await? {
            Some(record) => lines.push(record.fields),
            None => break,
        }
    }
    Ok(lines)
}

/// What a person decides about a file.
pub struct Decision {
    pub columns: Vec<Field>,
    pub country: CountryCode,
    pub terms: Terms,
}

/// Writes down what the columns mean, on which legal basis and from which source the data is taken.
pub async fn decide(
    app: &App,
    scope: &Scope<Create>,
    id: Id<Import>,
    fits: impl FnOnce(ETag) -> Result<(), Failure>,
    decision: impl FnOnce(&Draft) -> Result<Decision, Problem>,
) -> Result<Opened, Failure> {
    let Opened { row, mut draft } = find(app, scope, id).await?;
    fits(ETag::of(row.revision))?;
    if row.run_job.is_some() {
        return Err(Problem::new(ProblemKind::Conflict).detail(RUN_ALREADY).into());
    }
    let Decision { columns, country, terms } = decision(&draft)?;
    let mapping = Mapping { columns, country };
    let mut faults = Faults::new();
    mapping.check(draft.headers.len(), &mut faults);
    let upserts = upserts(app, scope).await?;
    require_fields(&mapping, &upserts, &mut faults);
    faults.into_result()?;
    require_writable(&mapping, &upserts)?;
    let now = app.clock.now();
    let (legal_basis, source) = (terms.legal_basis.code(), terms.source.clone());
    draft.mapping = Some(mapping);
    draft.terms = Some(terms);
    let sealed = seal(app, row.tenant, id, row.revision + 1, &draft).await?;
    let mut tx = app.db.begin().await?;
    let saved = rows::Saved { draft: &sealed, now, legal_basis: Some(legal_basis), source: Some(&source) };
    if !rows::save(&mut tx, scope, &row, &saved).await? {
        return Err(Failure::new(ProblemKind::PreconditionFailed));
    }
    let event = app.event(scope).record(id, row.tenant).code("legal_basis", legal_basis);
    tx.record(event).await?.commit().await?;
    let row = ImportRow { draft: sealed, updated_at: now, revision: row.revision + 1, ..row };
    Ok(Opened { row, draft })
}

/// The decisions under which the importer would write.
async fn upserts(app: &App, scope: &Scope<Create>) -> Result<Upserts, Problem> {
    let request = scope.request().to_owned().into();
    Upserts::open(app, scope.actor(), scope.purpose(), request).await
}

/// Notes columns for custom fields that aren't there, or were put away.
fn require_fields(mapping: &Mapping, upserts: &Upserts, faults: &mut Faults) {
    const UNKNOWN: Phrase = Phrase {
        en: "There is no such custom field in use.",
        nl: "Er is geen eigen veld in gebruik met deze sleutel.",
    };
    for (at, field) in mapping.columns.iter().enumerate() {
        let Field::Custom { name } = field else { continue };
        if !upserts.fields().iter().any(|rule| rule.key == *name && !rule.archived) {
            faults.add(format!("/columns/{at}"), "unknown_field", UNKNOWN);
        }
    }
}

/// 403 that names the compartments which the importer may not write.
fn require_writable(mapping: &Mapping, upserts: &Upserts) -> Result<(), Problem> {
    let mut touched = CompartmentSet::EMPTY;
    for field in &mapping.columns {
        if let Some(compartment) = compartment(field, upserts) {
            touched.insert(compartment);
        }
    }
    let forbidden = touched.difference(upserts.writable());
    if forbidden.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = forbidden.iter().map(Compartment::name).collect();
    Err(Problem::new(ProblemKind::FieldNotPermitted).member("compartments", names.join(" ")))
}

fn compartment(field: &Field, upserts: &Upserts) -> Option<Compartment> {
    match field {
        Field::Ignore | Field::Language | Field::Newsletter => None,
        Field::Email
        | Field::Phone
        | Field::Street
        | Field::HouseNumber
        | Field::HouseAddition
        | Field::StreetAndNumber
        | Field::Postcode
        | Field::City
        | Field::Country => Some(Compartment::Contact),
        Field::Iban | Field::AccountHolder => Some(Compartment::Financial),
        Field::Remarks => Some(Compartment::Notes),
        Field::Custom { name } => {
            let rule = upserts.fields().iter().find(|rule| rule.key == *name);
            Some(rule.map_or(Compartment::Profile, |rule| rule.compartment))
        }
        _ => Some(Compartment::Identity),
    }
}

/// Starts the import, or a dry run of it, as a job.
pub async fn start(app: &App, scope: &Scope<Create>, id: Id<Import>, dry: bool) -> Result<(Opened, Id<Job>), Problem> {
    let Opened { mut row, draft } = find(app, scope, id).await?;
    if draft.mapping.is_none() || draft.terms.is_none() {
        return Err(refused("mapping", NOT_READY));
    }
    if row.run_job.is_some() {
        return Err(Problem::new(ProblemKind::Conflict).detail(RUN_ALREADY));
    }
    if row.file.is_none() {
        return Err(Problem::new(ProblemKind::Conflict).detail(FILE_GONE));
    }
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    if let Some(dry) = row.dry_job {
        require_finished(&mut tx, row.tenant, dry).await?;
    }
    let order = run::Order { import: id, dry };
    let new = NewJob {
        kind: run::KIND,
        principal: Principal::of(scope),
        request: scope.request(),
        body: &order,
        total: Some(draft.rows),
    };
    let job = jobs::enqueue(&Workshop::of(app), &mut tx, new).await?;
    if dry {
        row.dry_job = Some(job);
    } else {
        row.run_job = Some(job);
        row.undo_until = Some(now + UNDO_WINDOW);
        rows::keep_file(&mut tx, &row, now + UNDO_WINDOW).await?;
    }
    let event = app.event(scope).record(id, row.tenant).code("run", if dry { "dry" } else { "real" });
    commit_jobs(app, scope, tx, &mut row, event).await?;
    Ok((Opened { row, draft }, job))
}

/// Starts the job that takes an import back.
pub async fn start_undo(app: &App, scope: &Scope<Undo>, id: Id<Import>) -> Result<(Opened, Id<Job>), Problem> {
    let Opened { mut row, draft } = find(app, scope, id).await?;
    let now = app.clock.now();
    let conflict = |detail| Problem::new(ProblemKind::Conflict).detail(detail);
    let run = row.run_job.ok_or_else(|| conflict(NOT_RUN))?;
    if row.undo_until.is_none_or(|until| until < now) {
        return Err(conflict(TOO_LATE));
    }
    let mut tx = app.db.begin().await?;
    require_finished(&mut tx, row.tenant, run).await?;
    if let Some(earlier) = row.undo_job {
        // One that stopped half-way leaves the rest to the next.
        let state = jobs::state_in(&mut tx, row.tenant, earlier).await?;
        if !matches!(state, Some(jobs::State::Failed | jobs::State::Cancelled)) {
            return Err(conflict(NOT_RUN));
        }
    }
    let total = rows::count_changes(&mut tx, (row.tenant, id)).await?;
    let order = undo::Order { import: id };
    let new = NewJob {
        kind: undo::KIND,
        principal: Principal::of(scope),
        request: scope.request(),
        body: &order,
        total: Some(total),
    };
    let job = jobs::enqueue(&Workshop::of(app), &mut tx, new).await?;
    row.undo_job = Some(job);
    let event = app.event(scope).record(id, row.tenant);
    commit_jobs(app, scope, tx, &mut row, event).await?;
    Ok((Opened { row, draft }, job))
}

async fn commit_jobs<P: ScopedPermission>(
    app: &App,
    scope: &Scope<P>,
    mut tx: Tx<Unaudited>,
    row: &mut ImportRow,
    event: kluis_core::audit::Event,
) -> Result<(), Problem> {
    let now = app.clock.now();
    if !rows::set_jobs(&mut tx, scope, row, now).await? {
        return Err(Problem::new(ProblemKind::Conflict));
    }
    tx.record(event).await?.commit().await?;
    row.revision += 1;
    row.updated_at = now;
    Ok(())
}

async fn require_finished(tx: &mut Tx<Unaudited>, tenant: Id<Tenant>, job: Id<Job>) -> Result<(), Problem> {
    if jobs::state_in(tx, tenant, job).await?.is_some_and(jobs::State::is_final) {
        return Ok(());
    }
    Err(Problem::new(ProblemKind::Conflict).detail(STILL_RUNNING))
}

/// Drops an import that was never run, with its file.
pub async fn drop_draft(
    app: &App,
    scope: &Scope<Cancel>,
    id: Id<Import>,
    fits: impl FnOnce(ETag) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let Opened { row, .. } = find(app, scope, id).await?;
    fits(ETag::of(row.revision))?;
    let mut tx = app.db.begin().await?;
    if row.run_job.is_some() {
        return Err(Problem::new(ProblemKind::Conflict).detail(RUN_ALREADY).into());
    }
    if let Some(dry) = row.dry_job {
        require_finished(&mut tx, row.tenant, dry).await?;
    }
    if !rows::delete(&mut tx, scope, &row).await? {
        return Err(Failure::new(ProblemKind::PreconditionFailed));
    }
    if let Some(file) = row.file {
        files::remove(&mut tx, row.tenant, file.uuid()).await?;
    }
    tx.record(app.event(scope).record(id, row.tenant)).await?.commit().await?;
    Ok(())
}

/// Housekeeping: files and undo data whose time is over.
pub async fn sweep(app: &App) -> Result<(), Problem> {
    let mut tx = app.db.begin().await?;
    files::sweep(&mut tx, app.clock.now()).await?;
    rows::forget_files(&mut tx).await?;
    rows::forget_changes(&mut tx, app.clock.now()).await?;
    tx.commit_without_event(
        "files, and what it took to undo imports, whose time is over; that was said when they came",
    )
    .await?;
    Ok(())
}
