//! What can be done with partners. Every function takes a scope; nothing is written before the decision.

use kluis_core::access::{RelSet, Scope, ScopedPermission};
use kluis_core::audit::Event;
use kluis_core::kernel::id::Tenant;
use kluis_core::kernel::{Faults, Id, Phrase, Problem, ProblemKind};
use kluis_core::privacy::{Compartment, CompartmentSet, DataKey};

use super::access::{Archive, Create, Read, Update};
use super::model::{Partner, PartnerDraft, Touched};
use super::rows::{self, PartnerRow};
use super::seal::{self, Place};
use super::view::{self, PartnerView};
use crate::app::App;
use crate::tenants;
use crate::web::{ETag, Failure};

pub use super::rows::PartnerFilter;

/// A page of partners, and where the next one starts.
pub struct Found {
    pub views: Vec<PartnerView>,
    pub next: Option<Id<Partner>>,
    pub total: Option<u64>,
}

/// One page of what the scope holds, newest first.
pub async fn list(
    app: &App,
    scope: &Scope<Read>,
    filter: &PartnerFilter,
    after: Option<Id<Partner>>,
    (size, count): (u32, bool),
) -> Result<Found, Problem> {
    scope.require_any()?;
    let total = if count { Some(rows::count(&app.db, scope, filter).await?.unsigned_abs()) } else { None };
    let mut rows = rows::list(&app.db, scope, filter, after, i64::from(size) + 1).await?;
    let more = rows.len() > size as usize;
    rows.truncate(size as usize);
    let next = rows.last().filter(|_| more).map(|row| row.id);
    let views = disclose(app, scope, &rows).await?;
    Ok(Found { views, next, total })
}

/// Opens partners for the caller, with one look into the key store for each tenant, and puts the look on record.
async fn disclose(app: &App, scope: &Scope<Read>, rows: &[PartnerRow]) -> Result<Vec<PartnerView>, Problem> {
    let mut views = Vec::with_capacity(rows.len());
    let (mut subjects, mut shown) = (Vec::with_capacity(rows.len()), CompartmentSet::EMPTY);
    for run in rows.chunk_by(|a, b| a.tenant == b.tenant) {
        let tenant = run[0].tenant.uuid();
        app.keys.ensure_tenant(tenant).await?;
        let ids: Vec<_> = run.iter().map(|row| row.key).collect();
        for (row, key) in run.iter().zip(app.keys.subject_keys(tenant, &ids).await?) {
            views.push(view::partner(scope, &key?, row)?);
            subjects.push(app.keys.audit_hash(tenant, row.id.uuid())?);
            shown = shown.union(scope.disclosure(row.rels).clear());
        }
    }
    let mut event = app.event(scope).subjects(subjects).count("records", rows.len()).compartments(shown);
    if let [one] = rows {
        event = event.record(one.id, one.tenant);
    }
    app.record_read(event).await?;
    Ok(views)
}

/// One partner; 404 when there is none that the caller may read.
pub async fn show(app: &App, scope: &Scope<Read>, id: Id<Partner>) -> Result<PartnerView, Problem> {
    let row = found(app, scope, id).await?;
    let mut views = disclose(app, scope, std::slice::from_ref(&row)).await?;
    views.pop().ok_or_else(Problem::not_found)
}

/// Makes a partner of the acting tenant, or of one below it.
pub async fn create(app: &App, scope: &Scope<Create>, draft: PartnerDraft) -> Result<PartnerView, Problem> {
    scope.require_any()?;
    let tenant = draft.tenant_id.map_or_else(|| scope.tenant(), |id| id.0);
    let rels = relation_to(app, scope, tenant).await?;
    scope.require(rels)?;
    let touched = held(&draft);
    require_editable(scope, rels, touched)?;
    let draft = draft.normalised(all_of(touched))?;
    app.keys.ensure_tenant(tenant.uuid()).await?;
    let key = app.keys.new_subject_key(tenant.uuid()).await?;
    let (id, now) = (app.new_id::<Partner>(), app.clock.now());
    let place = Place::partner(tenant, id.uuid());
    let contact = draft.contact.as_ref();
    let financial = draft.financial.as_ref();
    let mut row = PartnerRow {
        tenant,
        id,
        status: draft.status,
        country: draft.country.clone(),
        contract_starts: draft.contract_starts,
        contract_ends: draft.contract_ends,
        key: key.id(),
        identity: place.seal(&key, Compartment::Identity, 1, &draft.identity)?,
        contact: contact.map(|value| place.seal(&key, Compartment::Contact, 1, value)).transpose()?,
        financial: financial.map(|value| place.seal(&key, Compartment::Financial, 1, value)).transpose()?,
        created_at: now,
        updated_at: now,
        archived_at: None,
        revision: 1,
        mac: Vec::new(),
        rels,
    };
    seal::sign_partner(&key, &mut row)?;
    let mut tx = app.db.begin().await?;
    scope.still_current_in(&mut tx).await?;
    rows::insert(&mut tx, &row).await?;
    tx.record(about(app, scope, &row)?.compartments(touched)).await?.commit().await?;
    view::partner(&scope.also::<Read>(), &key, &row)
}

/// Changes a partner. `change` gets the present writable form and gives the wanted one.
pub async fn update(
    app: &App,
    scope: &Scope<Update>,
    id: Id<Partner>,
    fits: impl FnOnce(ETag) -> Result<(), Failure>,
    change: impl FnOnce(&PartnerDraft) -> Result<PartnerDraft, Problem>,
) -> Result<PartnerView, Failure> {
    let mut row = found(app, scope, id).await?;
    scope.require(row.rels)?;
    fits(ETag::of(row.revision))?;
    let key = key(app, &row).await?;
    let read = scope.also::<Read>();
    let before = PartnerDraft::from(&view::partner(&read, &key, &row)?);
    let wanted = change(&before)?;
    let changed = changed(&before, &wanted);
    let wanted = wanted.normalised(all_of(changed))?;
    if wanted.tenant_id != before.tenant_id {
        return Err(fault("/tenantId", "fixed", FIXED).into());
    }
    require_editable(scope, row.rels, changed)?;
    require_visible(&read, row.rels, changed)?;
    let (expected, place) = (row.revision, Place::of_partner(&row));
    row.revision += 1;
    row.updated_at = app.clock.now();
    row.status = wanted.status;
    row.country.clone_from(&wanted.country);
    (row.contract_starts, row.contract_ends) = (wanted.contract_starts, wanted.contract_ends);
    write_parts(&key, place, &mut row, &wanted, changed)?;
    seal::sign_partner(&key, &mut row).map_err(Problem::from)?;
    let names = changed_names(&before, &wanted, changed);
    let event = about(app, scope, &row)?.compartments(changed).names("fields", names);
    write(app, scope, &row, expected, event).await?;
    Ok(view::partner(&read, &key, &row)?)
}

/// Puts a partner away, or takes it back: it leaves the lists, and nothing is lost.
pub async fn set_archived(
    app: &App,
    scope: &Scope<Archive>,
    id: Id<Partner>,
    fits: impl FnOnce(ETag) -> Result<(), Failure>,
    archived: bool,
) -> Result<PartnerView, Failure> {
    let mut row = found(app, scope, id).await?;
    scope.require(row.rels)?;
    fits(ETag::of(row.revision))?;
    let key = key(app, &row).await?;
    seal::verify_partner(&key, &row).map_err(Problem::from)?;
    let (expected, now) = (row.revision, app.clock.now());
    row.archived_at = archived.then(|| row.archived_at.unwrap_or(now));
    row.updated_at = now;
    row.revision += 1;
    seal::sign_partner(&key, &mut row).map_err(Problem::from)?;
    let event = about(app, scope, &row)?.code("archived", archived.to_string());
    write(app, scope, &row, expected, event).await?;
    Ok(view::partner(&scope.also::<Read>(), &key, &row)?)
}

async fn write<P: ScopedPermission>(
    app: &App,
    scope: &Scope<P>,
    row: &PartnerRow,
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

fn write_parts(
    key: &DataKey,
    place: Place,
    row: &mut PartnerRow,
    wanted: &PartnerDraft,
    changed: CompartmentSet,
) -> Result<(), Problem> {
    let revision = row.revision;
    if changed.contains(Compartment::Identity) {
        row.identity = place.seal(key, Compartment::Identity, revision, &wanted.identity)?;
    }
    if changed.contains(Compartment::Contact) {
        let sealed = wanted.contact.as_ref().map(|value| place.seal(key, Compartment::Contact, revision, value));
        row.contact = sealed.transpose()?;
    }
    if changed.contains(Compartment::Financial) {
        let sealed = wanted.financial.as_ref().map(|value| place.seal(key, Compartment::Financial, revision, value));
        row.financial = sealed.transpose()?;
    }
    Ok(())
}

/// A partner whom the caller may read; 404 otherwise.
pub(super) async fn found<P: ScopedPermission>(
    app: &App,
    scope: &Scope<P>,
    id: Id<Partner>,
) -> Result<PartnerRow, Problem> {
    rows::get(&app.db, scope, id).await?.ok_or_else(Problem::not_found)
}

async fn key(app: &App, row: &PartnerRow) -> Result<DataKey, Problem> {
    app.keys.ensure_tenant(row.tenant.uuid()).await?;
    Ok(app.keys.subject_key(row.tenant.uuid(), row.key).await?)
}

/// How the acting tenant stands to the one that a new partner is to run.
async fn relation_to(app: &App, scope: &Scope<Create>, tenant: Id<Tenant>) -> Result<RelSet, Problem> {
    let rels = tenants::service::relation_to(app, scope.tenant(), tenant).await?;
    rels.ok_or_else(|| fault("/tenantId", "unknown", NO_TENANT))
}

fn about<P: ScopedPermission>(app: &App, scope: &Scope<P>, row: &PartnerRow) -> Result<Event, Problem> {
    let hash = app.keys.audit_hash(row.tenant.uuid(), row.id.uuid())?;
    Ok(app.event(scope).record(row.id, row.tenant).subjects([hash]))
}

/// Which compartments hold something.
fn held(draft: &PartnerDraft) -> CompartmentSet {
    let mut set = CompartmentSet::of(&[Compartment::Identity]);
    if draft.contact.is_some() {
        set.insert(Compartment::Contact);
    }
    if draft.financial.is_some() {
        set.insert(Compartment::Financial);
    }
    set
}

fn changed(before: &PartnerDraft, after: &PartnerDraft) -> CompartmentSet {
    let mut set = CompartmentSet::EMPTY;
    let parts = [
        (Compartment::Identity, before.identity != after.identity),
        (Compartment::Contact, before.contact != after.contact),
        (Compartment::Financial, before.financial != after.financial),
    ];
    parts.iter().filter(|(_, differs)| *differs).for_each(|(compartment, _)| set.insert(*compartment));
    set
}

fn all_of(set: CompartmentSet) -> Touched {
    Touched {
        identity: set.contains(Compartment::Identity),
        contact: set.contains(Compartment::Contact),
        financial: set.contains(Compartment::Financial),
    }
}

/// 403 that names a compartment which this action may not touch.
pub(super) fn require_editable<P: ScopedPermission>(
    scope: &Scope<P>,
    rels: RelSet,
    touched: CompartmentSet,
) -> Result<(), Problem> {
    refuse(touched.difference(scope.editable(rels)))
}

/// What is withheld can't be changed: nobody overwrites what they haven't seen.
pub(super) fn require_visible(scope: &Scope<Read>, rels: RelSet, changed: CompartmentSet) -> Result<(), Problem> {
    refuse(changed.difference(scope.disclosure(rels).clear()))
}

fn refuse(forbidden: CompartmentSet) -> Result<(), Problem> {
    let names: Vec<_> = forbidden.iter().map(Compartment::name).collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(Problem::new(ProblemKind::FieldNotPermitted).member("compartments", names.join(" ")))
}

/// Names of what changed, for the audit event; never a value.
fn changed_names(before: &PartnerDraft, after: &PartnerDraft, changed: CompartmentSet) -> Vec<&'static str> {
    let plain = [
        ("status", before.status != after.status),
        ("country", before.country != after.country),
        ("contractStarts", before.contract_starts != after.contract_starts),
        ("contractEnds", before.contract_ends != after.contract_ends),
    ];
    let plain = plain.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name);
    changed.iter().map(Compartment::name).chain(plain).collect()
}

fn fault(pointer: &'static str, code: &'static str, detail: Phrase) -> Problem {
    let mut faults = Faults::new();
    faults.add(pointer, code, detail);
    Problem::invalid(faults.into_vec())
}

const FIXED: Phrase =
    Phrase { en: "The tenant of a partner can't be changed.", nl: "De tenant van een partner kan niet veranderen." };
const NO_TENANT: Phrase = Phrase { en: "There is no such tenant for you.", nl: "Deze tenant bestaat niet voor u." };
