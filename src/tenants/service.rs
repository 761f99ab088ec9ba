//! What can be done with tenants. Every function that answers somebody takes a scope.

use kluis_core::access::{Rel, RelSet, Scope};
use kluis_core::audit::{Class, Event, Outcome};
use kluis_core::kernel::id::Tenant;
use kluis_core::kernel::{Faults, Id, Phrase, Problem, ProblemKind};
use kluis_core::store::{Tx, Unaudited};

use super::access::{Close, Create, Read, Update};
use super::model::{TenantDraft, TenantKind, TenantRecord, TenantStatus, ValidTenant};
use super::rows::{self, Seen};
use crate::app::App;
use crate::web::{ETag, Failure};

pub use super::rows::TenantFilter;

/// A page of tenants, and where the next one starts.
pub struct Found {
    pub tenants: Vec<TenantRecord>,
    pub next: Option<Id<Tenant>>,
    pub total: Option<u64>,
}

/// One page of what the scope holds, in the order of creation. Tenants are no personal data: no event.
pub async fn list(
    app: &App,
    scope: &Scope<Read>,
    filter: &TenantFilter,
    after: Option<Id<Tenant>>,
    (size, count): (u32, bool),
) -> Result<Found, Problem> {
    scope.require_any()?;
    let total = if count { Some(rows::count(&app.db, scope, filter).await?.unsigned_abs()) } else { None };
    let mut seen = rows::list(&app.db, scope, filter, after, i64::from(size) + 1).await?;
    let more = seen.len() > size as usize;
    seen.truncate(size as usize);
    let next = seen.last().filter(|_| more).map(|seen| seen.record.id);
    Ok(Found { tenants: seen.into_iter().map(|seen| seen.record).collect(), next, total })
}

/// One tenant; 404 when there is none that the caller may read.
pub async fn show(app: &App, scope: &Scope<Read>, id: Id<Tenant>) -> Result<TenantRecord, Problem> {
    let seen = rows::get(&app.db, scope, id).await?.ok_or_else(Problem::not_found)?;
    Ok(seen.record)
}

/// Makes a tenant below one that the caller may put tenants below.
pub async fn create(app: &App, scope: &Scope<Create>, draft: &TenantDraft) -> Result<TenantRecord, Problem> {
    scope.require_any()?;
    let valid = draft.validate()?;
    let Some(parent) = valid.parent else { return Err(fault("/parentId", "required", NO_PARENT)) };
    // A new tenant always stands below the acting one, wherever its parent is.
    scope.require(RelSet::of(Rel::Sub).with(Rel::Net))?;
    let tenant = record(app, valid);
    app.keys.create_tenant(tenant.id.uuid()).await?;
    let mut tx = app.db.begin().await?;
    rows::lock_tree(&mut tx).await?;
    scope.still_current_in(&mut tx).await?;
    let above = rows::get_in(&mut tx, scope, parent).await?.ok_or_else(|| fault("/parentId", "unknown", UNKNOWN))?;
    if !above.rels.contains(Rel::Unit) && !above.rels.contains(Rel::Sub) {
        return Err(Problem::new(ProblemKind::Forbidden));
    }
    fits(tenant.valid.kind, Some(&above.record))?;
    rows::insert(&mut tx, &tenant).await?;
    tx.record(app.event(scope).record(tenant.id, tenant.id)).await?.commit().await?;
    Ok(tenant)
}

/// Makes the top of a tree, with its keys: for `kluis init` and the demonstration, which act before there is anybody.
pub async fn create_root(app: &App, draft: &TenantDraft) -> Result<TenantRecord, Problem> {
    let valid = draft.validate()?;
    if valid.parent.is_some() {
        return Err(fault("/parentId", "not_allowed", ROOT_ONLY));
    }
    let tenant = record(app, valid);
    fits(tenant.valid.kind, None)?;
    app.keys.create_tenant(tenant.id.uuid()).await?;
    let mut tx = app.db.begin().await?;
    rows::lock_tree(&mut tx).await?;
    rows::insert(&mut tx, &tenant).await?;
    tx.record(set_up_event(app, &tenant)).await?.commit().await?;
    Ok(tenant)
}

/// Makes a tenant below another one, without a scope: for the command line and the demonstration, whose operator holds
/// the keys anyway.
pub async fn create_below(app: &App, draft: &TenantDraft) -> Result<TenantRecord, Problem> {
    let valid = draft.validate()?;
    let Some(parent) = valid.parent else { return Err(fault("/parentId", "required", NO_PARENT)) };
    let tenant = record(app, valid);
    app.keys.create_tenant(tenant.id.uuid()).await?;
    let mut tx = app.db.begin().await?;
    rows::lock_tree(&mut tx).await?;
    let above = rows::by_id(&mut tx, parent).await?.ok_or_else(|| fault("/parentId", "unknown", UNKNOWN))?;
    fits(tenant.valid.kind, Some(&above))?;
    rows::insert(&mut tx, &tenant).await?;
    tx.record(set_up_event(app, &tenant)).await?.commit().await?;
    Ok(tenant)
}

/// Changes a tenant. `change` gets the present writable form and gives the wanted one.
pub async fn update(
    app: &App,
    scope: &Scope<Update>,
    id: Id<Tenant>,
    fits: impl FnOnce(ETag) -> Result<(), Failure>,
    change: impl FnOnce(&TenantDraft) -> Result<TenantDraft, Problem>,
) -> Result<TenantRecord, Failure> {
    let seen = rows::get(&app.db, scope, id).await?.ok_or_else(Problem::not_found)?;
    scope.require(seen.rels)?;
    fits(ETag::of(seen.record.revision))?;
    let valid = change(&seen.record.draft())?.validate()?;
    let before = seen.record;
    if valid.kind != before.valid.kind {
        return Err(fault("/kind", "fixed", FIXED_KIND).into());
    }
    let names = changed_names(&before.valid, &valid);
    let moves = valid.parent != before.valid.parent;
    let after = TenantRecord { valid, updated_at: app.clock.now(), revision: before.revision + 1, ..before.clone() };
    let mut tx = app.db.begin().await?;
    rows::lock_tree(&mut tx).await?;
    // Before the row is written: the foreign key would tell which ids exist.
    let above = if moves { Some(place_below(&mut tx, scope, &after).await?) } else { None };
    if !rows::update(&mut tx, scope, &after, before.revision).await? {
        return Err(Problem::new(ProblemKind::PreconditionFailed).into());
    }
    if let Some(above) = above {
        rows::attach(&mut tx, id, Some(above)).await?;
        // Last: whoever decided before decides anew.
        rows::raise_epoch(&mut tx).await?;
    }
    tx.record(app.event(scope).record(id, id).names("fields", names)).await?.commit().await?;
    Ok(after)
}

/// Where a tenant moves with all below it: only within what the caller may change, and never below itself.
async fn place_below(
    tx: &mut Tx<Unaudited>,
    scope: &Scope<Update>,
    tenant: &TenantRecord,
) -> Result<Id<Tenant>, Problem> {
    let parent = tenant.valid.parent.ok_or_else(|| fault("/parentId", "required", NO_PARENT))?;
    let above = rows::get_in(tx, scope, parent).await?.ok_or_else(|| fault("/parentId", "unknown", UNKNOWN))?;
    scope.require(above.rels)?;
    fits(tenant.valid.kind, Some(&above.record))?;
    if rows::is_within(tx, tenant.id, parent).await? {
        return Err(fault("/parentId", "circle", CIRCLE));
    }
    Ok(parent)
}

/// Closes a tenant, or opens it again. Nobody acts for a closed one from the next request on.
pub async fn set_closed(
    app: &App,
    scope: &Scope<Close>,
    id: Id<Tenant>,
    fits: impl FnOnce(ETag) -> Result<(), Failure>,
    closed: bool,
) -> Result<TenantRecord, Failure> {
    let Seen { record: mut tenant, rels } = rows::get(&app.db, scope, id).await?.ok_or_else(Problem::not_found)?;
    scope.require(rels)?;
    fits(ETag::of(tenant.revision))?;
    if id == scope.tenant() {
        return Err(Problem::new(ProblemKind::Conflict).detail(OWN).into());
    }
    let before = tenant.revision;
    tenant.status = if closed { TenantStatus::Closed } else { TenantStatus::Active };
    tenant.updated_at = app.clock.now();
    tenant.revision += 1;
    let mut tx = app.db.begin().await?;
    rows::lock_tree(&mut tx).await?;
    if !rows::update(&mut tx, scope, &tenant, before).await? {
        return Err(Problem::new(ProblemKind::PreconditionFailed).into());
    }
    if closed && rows::open_children(&mut tx, id).await? > 0 {
        return Err(Problem::new(ProblemKind::Conflict).detail(OPEN_BELOW).into());
    }
    rows::raise_epoch(&mut tx).await?;
    tx.record(app.event(scope).record(id, id).code("closed", closed.to_string())).await?.commit().await?;
    Ok(tenant)
}

/// A tenant for a rule of another domain, whoever asks: never for an answer.
pub async fn find(app: &App, id: Id<Tenant>) -> Result<Option<TenantRecord>, Problem> {
    Ok(rows::find(&app.db, id).await?)
}

/// The tops of all trees, oldest first: for the command line, which has to begin somewhere.
pub async fn roots(app: &App) -> Result<Vec<TenantRecord>, Problem> {
    Ok(rows::roots(&app.db).await?)
}

/// The tenants with these ids, for those who have a role in each.
pub async fn named(app: &App, ids: &[Id<Tenant>]) -> Result<Vec<TenantRecord>, Problem> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.extend(rows::find(&app.db, *id).await?);
    }
    Ok(found)
}

/// Whether `id` stands somewhere below `ancestor`.
pub async fn is_below(app: &App, ancestor: Id<Tenant>, id: Id<Tenant>) -> Result<bool, Problem> {
    Ok(id != ancestor && rows::stands_below(&app.db, ancestor, id).await?)
}

/// How a tenant stands to another one: itself, or one below it; `None` for any other.
pub async fn relation_to(app: &App, acting: Id<Tenant>, tenant: Id<Tenant>) -> Result<Option<RelSet>, Problem> {
    if tenant == acting {
        return Ok(Some(RelSet::of(Rel::Unit).with(Rel::Net)));
    }
    let below = is_below(app, acting, tenant).await?;
    Ok(below.then(|| RelSet::of(Rel::Sub).with(Rel::Net)))
}

fn record(app: &App, valid: ValidTenant) -> TenantRecord {
    let now = app.clock.now();
    TenantRecord {
        id: app.new_id(),
        status: TenantStatus::Active,
        valid,
        created_at: now,
        updated_at: now,
        revision: 1,
    }
}

fn set_up_event(app: &App, tenant: &TenantRecord) -> Event {
    Event {
        id: app.new_id(),
        at: app.clock.now(),
        tenant: tenant.id,
        owner: None,
        actor: "system:operator".into(),
        channel: "command_line".into(),
        request: "".into(),
        class: Class::Write,
        action: "tenant.create".into(),
        entity: "tenant".into(),
        record: None,
        subjects: Vec::new(),
        compartments: 0,
        purpose: "administration".into(),
        outcome: Outcome::Allowed,
        detail: std::collections::BTreeMap::new(),
    }
    .record(tenant.id, tenant.id)
}

fn fits(kind: TenantKind, parent: Option<&TenantRecord>) -> Result<(), Problem> {
    if parent.is_some_and(|parent| parent.status == TenantStatus::Closed) {
        return Err(fault("/parentId", "closed", CLOSED_PARENT));
    }
    if kind.fits_below(parent.map(|parent| parent.valid.kind)) {
        return Ok(());
    }
    Err(fault("/parentId", "kind", WRONG_PARENT))
}

fn fault(pointer: &'static str, code: &'static str, detail: Phrase) -> Problem {
    let mut faults = Faults::new();
    faults.add(pointer, code, detail);
    Problem::invalid(faults.into_vec())
}

/// Names of what changed, for the audit event.
fn changed_names(before: &ValidTenant, after: &ValidTenant) -> Vec<&'static str> {
    let all = [
        ("parentId", before.parent != after.parent),
        ("name", before.name != after.name),
        ("country", before.country != after.country),
        ("kvkNumber", before.kvk_number != after.kvk_number),
        ("branchNumber", before.branch_number != after.branch_number),
        ("contractStarts", before.contract_starts != after.contract_starts),
        ("contractEnds", before.contract_ends != after.contract_ends),
        ("specialGround", before.special_ground != after.special_ground),
    ];
    all.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name).collect()
}

const NO_PARENT: Phrase = Phrase { en: "Name the tenant above it.", nl: "Noem de tenant erboven." };
const ROOT_ONLY: Phrase = Phrase { en: "The top has no tenant above it.", nl: "De top heeft geen tenant boven zich." };
const UNKNOWN: Phrase = Phrase { en: "There is no such tenant for you.", nl: "Deze tenant bestaat niet voor u." };
const CLOSED_PARENT: Phrase = Phrase { en: "That tenant is closed.", nl: "Die tenant is gesloten." };
const WRONG_PARENT: Phrase = Phrase {
    en: "A tenant of this kind can't stand below that one.",
    nl: "Een tenant van deze soort kan daar niet onder staan.",
};
const CIRCLE: Phrase =
    Phrase { en: "A tenant can't stand below itself.", nl: "Een tenant kan niet onder zichzelf staan." };
const FIXED_KIND: Phrase =
    Phrase { en: "The kind of a tenant can't be changed.", nl: "De soort van een tenant kan niet veranderen." };
const OWN: Phrase =
    Phrase { en: "Nobody closes the tenant they act for.", nl: "Niemand sluit de tenant waarvoor hij werkt." };
const OPEN_BELOW: Phrase = Phrase { en: "Close the tenants below it first.", nl: "Sluit eerst de tenants eronder." };
