//! What can be done with custom fields. They say nothing about anybody, so that looking at them leaves no event.

use kluis_core::access::{Scope, ScopedPermission};
use kluis_core::audit::Event;
use kluis_core::kernel::{Id, Phrase, Problem, ProblemKind, id::Tenant};
use kluis_core::privacy::DataKey;

use super::access::{Archive, Create, Read, Update};
use super::model::{CustomField, CustomFieldView, FieldDraft, FieldRecord, FieldRule};
use super::rows::{self, FieldRow};
use super::seal;
use crate::app::App;
use crate::web::{ETag, Failure};

pub use super::rows::ListFilter;

/// The most fields of one tenant, those that are put away among them.
const MOST: usize = 300;

/// A page of fields, and after which one the next page starts.
pub struct Found {
    pub views: Vec<CustomFieldView>,
    pub next: Option<Id<CustomField>>,
    pub total: Option<u64>,
}

/// One page of what the scope holds.
pub async fn list(
    app: &App,
    scope: &Scope<Read>,
    filter: &ListFilter,
    after: Option<Id<CustomField>>,
    (size, count): (u32, bool),
) -> Result<Found, Problem> {
    scope.require_any()?;
    let total = if count { Some(rows::count(&app.db, scope, filter).await?.unsigned_abs()) } else { None };
    let mut rows = rows::list(&app.db, scope, filter, after, i64::from(size) + 1).await?;
    let more = rows.len() > size as usize;
    rows.truncate(size as usize);
    let next = rows.last().filter(|_| more).map(|row| row.id);
    let mut views = Vec::with_capacity(rows.len());
    for run in rows.chunk_by(|a, b| a.tenant == b.tenant) {
        let key = key(app, run[0].tenant).await?;
        for row in run {
            views.push((&seal::open(&key, row)?).into());
        }
    }
    Ok(Found { views, next, total })
}

/// One field; 404 when there is none that the caller may read.
pub async fn show(app: &App, scope: &Scope<Read>, id: Id<CustomField>) -> Result<CustomFieldView, Problem> {
    let row = found(app, scope, id).await?;
    Ok((&seal::open(&key(app, row.tenant).await?, &row)?).into())
}

async fn found<P: ScopedPermission>(app: &App, scope: &Scope<P>, id: Id<CustomField>) -> Result<FieldRow, Problem> {
    rows::get(&app.db, scope, id).await?.ok_or_else(Problem::not_found)
}

/// Adds a field to the acting tenant's customers.
pub async fn create(app: &App, scope: &Scope<Create>, draft: FieldDraft) -> Result<CustomFieldView, Problem> {
    scope.require_any()?;
    let draft = draft.checked()?;
    let (tenant, now) = (scope.tenant(), app.clock.now());
    let key = key(app, tenant).await?;
    let record = FieldRecord {
        tenant,
        id: app.new_id(),
        draft,
        created_at: now,
        updated_at: now,
        archived_at: None,
        revision: 1,
    };
    let row = seal::seal(&key, &record)?;
    let mut tx = app.db.begin().await?;
    // Keys are sealed, so that the database can't tell whether one is taken: fields of a tenant are made one by one.
    scope.enter(&mut tx, tenant).await?;
    require_free(&key, &rows::of_tenant_in(&mut tx, tenant).await?, &record.draft.key)?;
    rows::insert(&mut tx, &row).await?;
    if !rows::is_held(&mut tx, scope, &row).await? {
        return Err(Problem::new(ProblemKind::Forbidden));
    }
    tx.record(event(app, scope, &row)).await?.commit().await?;
    Ok((&record).into())
}

fn require_free(key: &DataKey, rows: &[FieldRow], wanted: &str) -> Result<(), Problem> {
    const TOO_MANY: Phrase = Phrase { en: "There are too many custom fields.", nl: "Er zijn te veel eigen velden." };
    if rows.len() >= MOST {
        return Err(Problem::new(ProblemKind::Conflict).detail(TOO_MANY));
    }
    for row in rows {
        // Without regard to case: nobody tells `shoeSize` from `shoesize`.
        if seal::open(key, row)?.draft.key.eq_ignore_ascii_case(wanted) {
            return Err(Problem::new(ProblemKind::Duplicate).member("pointer", "/key"));
        }
    }
    Ok(())
}

/// Changes a field, as far as values that are there already allow it.
pub async fn update(
    app: &App,
    scope: &Scope<Update>,
    id: Id<CustomField>,
    fits: impl FnOnce(ETag) -> Result<(), Failure>,
    change: impl FnOnce(&FieldDraft) -> Result<FieldDraft, Problem>,
) -> Result<CustomFieldView, Failure> {
    let row = found(app, scope, id).await?;
    scope.require(row.rels)?;
    fits(ETag::of(row.revision))?;
    let key = key(app, row.tenant).await?;
    let before = seal::open(&key, &row)?;
    let wanted = change(&before.draft)?.checked()?;
    wanted.check_change(&before.draft)?;
    let names = wanted.changed_names(&before.draft);
    let record = FieldRecord { draft: wanted, ..next(app, &before) };
    let row = seal::seal(&key, &record)?;
    write(app, scope, &row, before.revision, event(app, scope, &row).names("fields", names)).await?;
    Ok((&record).into())
}

/// Puts a field away, or takes it back: what was recorded under it stays.
pub async fn set_archived(
    app: &App,
    scope: &Scope<Archive>,
    id: Id<CustomField>,
    fits: impl FnOnce(ETag) -> Result<(), Failure>,
    archived: bool,
) -> Result<CustomFieldView, Failure> {
    let row = found(app, scope, id).await?;
    scope.require(row.rels)?;
    fits(ETag::of(row.revision))?;
    let key = key(app, row.tenant).await?;
    let before = seal::open(&key, &row)?;
    let at = archived.then(|| before.archived_at.unwrap_or_else(|| app.clock.now()));
    let record = FieldRecord { archived_at: at, ..next(app, &before) };
    let row = seal::seal(&key, &record)?;
    write(app, scope, &row, before.revision, event(app, scope, &row).code("archived", archived.to_string())).await?;
    Ok((&record).into())
}

fn next(app: &App, record: &FieldRecord) -> FieldRecord {
    FieldRecord { updated_at: app.clock.now(), revision: record.revision + 1, ..record.clone() }
}

async fn write<P: ScopedPermission>(
    app: &App,
    scope: &Scope<P>,
    row: &FieldRow,
    expected: i64,
    event: Event,
) -> Result<(), Failure> {
    let mut tx = app.db.begin().await?;
    if !rows::update(&mut tx, scope, row, expected).await? {
        return Err(Failure::new(ProblemKind::PreconditionFailed));
    }
    tx.record(event).await?.commit().await?;
    Ok(())
}

fn event<P: ScopedPermission>(app: &App, scope: &Scope<P>, row: &FieldRow) -> Event {
    app.event(scope).record(row.id, row.tenant)
}

/// What a tenant's customers are checked against, whoever asks: never for an answer. Fields that are put away are in it.
pub async fn rules(app: &App, tenant: Id<Tenant>) -> Result<Vec<FieldRule>, Problem> {
    let rows = rows::of_tenant(&app.db, tenant).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let key = key(app, tenant).await?;
    rows.iter().map(|row| Ok((&seal::open(&key, row)?).into())).collect()
}

async fn key(app: &App, tenant: Id<Tenant>) -> Result<DataKey, Problem> {
    app.keys.ensure_tenant(tenant.uuid()).await?;
    Ok(app.keys.tenant_key(tenant.uuid()).await?)
}

/// Where a field is.
pub fn location(id: Id<CustomField>) -> String {
    format!("/v1/custom-fields/{id}")
}
