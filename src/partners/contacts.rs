//! What can be done with contact people. They are seen with their partner; each has a key of their own, which goes with
//! them when they are removed.

use kluis_core::access::{Scope, ScopedPermission};
use kluis_core::audit::Event;
use kluis_core::kernel::id::Tenant;
use kluis_core::kernel::{CountryCode, Id, Phrase, Problem, ProblemKind};
use kluis_core::privacy::{Compartment, CompartmentSet, DataKey};

use super::access::{Archive, Read, Update};
use super::model::{ContactDraft, Partner, PartnerContact};
use super::rows_contacts::{self as rows, ContactRow};
use super::seal::{self, Place};
use super::service::{found, require_editable, require_visible};
use super::view::{self, ContactView};
use crate::app::App;
use crate::web::{ETag, Failure};

pub use super::rows_contacts::ContactFilter;

/// The most contact people of one partner.
const MOST: i64 = 200;

/// A page of contact people, and after whom the next one starts.
pub struct Found {
    pub views: Vec<ContactView>,
    pub next: Option<Id<PartnerContact>>,
    pub total: Option<u64>,
}

/// One page of a partner's contact people, in the order in which they were made; 404 when the caller may not read the
/// partner.
pub async fn list(
    app: &App,
    scope: &Scope<Read>,
    filter: &ContactFilter,
    after: Option<Id<PartnerContact>>,
    (size, count): (u32, bool),
) -> Result<Found, Problem> {
    let owner = found(app, scope, filter.partner).await?;
    let total = if count { Some(rows::count(&app.db, scope, filter).await?.unsigned_abs()) } else { None };
    let mut rows = rows::list(&app.db, scope, filter, after, i64::from(size) + 1).await?;
    let more = rows.len() > size as usize;
    rows.truncate(size as usize);
    let next = rows.last().filter(|_| more).map(|row| row.id);
    let views = disclose(app, scope, (filter.partner, owner.tenant), &rows).await?;
    Ok(Found { views, next, total })
}

/// Opens the contact people of one partner for the caller, with one look into the key store, and puts the look on record.
async fn disclose(
    app: &App,
    scope: &Scope<Read>,
    (partner, tenant): (Id<Partner>, Id<Tenant>),
    rows: &[ContactRow],
) -> Result<Vec<ContactView>, Problem> {
    app.keys.ensure_tenant(tenant.uuid()).await?;
    let ids: Vec<_> = rows.iter().map(|row| row.key).collect();
    let keys = app.keys.subject_keys(tenant.uuid(), &ids).await?;
    let mut views = Vec::with_capacity(rows.len());
    let (mut subjects, mut shown) = (Vec::with_capacity(rows.len()), CompartmentSet::EMPTY);
    for (row, key) in rows.iter().zip(keys) {
        views.push(view::contact(scope, &key?, row)?);
        subjects.push(app.keys.audit_hash(row.tenant.uuid(), row.id.uuid())?);
        shown = shown.union(scope.disclosure(row.rels).clear());
    }
    let event = app.event(scope).record(partner, tenant).subjects(subjects).count("contacts", rows.len());
    app.record_read(event.compartments(shown)).await?;
    Ok(views)
}

/// One contact person.
pub async fn show(
    app: &App,
    scope: &Scope<Read>,
    (partner, id): (Id<Partner>, Id<PartnerContact>),
) -> Result<ContactView, Problem> {
    let row = found_contact(app, scope, partner, id).await?;
    let view = view::contact(scope, &key(app, &row).await?, &row)?;
    app.record_read(about(app, scope, &row)?.compartments(scope.disclosure(row.rels).clear())).await?;
    Ok(view)
}

/// Makes a contact person.
pub async fn create(
    app: &App,
    scope: &Scope<Update>,
    partner: Id<Partner>,
    draft: ContactDraft,
) -> Result<ContactView, Problem> {
    let owner = found(app, scope, partner).await?;
    scope.require(owner.rels)?;
    let touched = held(&draft);
    require_editable(scope, owner.rels, touched)?;
    let draft = draft.normalised(country(&owner.country), (true, true))?;
    let key = app.keys.new_subject_key(owner.tenant.uuid()).await?;
    let (id, now) = (app.new_id::<PartnerContact>(), app.clock.now());
    let place = Place::contact(owner.tenant, id.uuid());
    let contact = draft.contact.as_ref();
    let mut row = ContactRow {
        tenant: owner.tenant,
        id,
        partner,
        function: draft.function,
        language: draft.language.clone(),
        primary: draft.primary,
        key: key.id(),
        identity: place.seal(&key, Compartment::Identity, 1, &draft.identity)?,
        contact: contact.map(|value| place.seal(&key, Compartment::Contact, 1, value)).transpose()?,
        created_at: now,
        updated_at: now,
        archived_at: None,
        revision: 1,
        mac: Vec::new(),
        rels: owner.rels,
    };
    seal::sign_contact(&key, &mut row)?;
    let mut tx = app.db.begin().await?;
    scope.still_current_in(&mut tx).await?;
    if rows::all_of(&mut tx, (owner.tenant, partner)).await? >= MOST {
        return Err(Problem::new(ProblemKind::Conflict).detail(TOO_MANY));
    }
    rows::insert(&mut tx, &row).await?;
    tx.record(about(app, scope, &row)?.compartments(touched).code("contact", "created")).await?.commit().await?;
    view::contact(&scope.also::<Read>(), &key, &row)
}

/// Changes a contact person.
pub async fn update(
    app: &App,
    scope: &Scope<Update>,
    (partner, id): (Id<Partner>, Id<PartnerContact>),
    fits: impl FnOnce(ETag) -> Result<(), Failure>,
    change: impl FnOnce(&ContactDraft) -> Result<ContactDraft, Problem>,
) -> Result<ContactView, Failure> {
    let owner = found(app, scope, partner).await?;
    let mut row = found_contact(app, scope, partner, id).await?;
    scope.require(row.rels)?;
    fits(ETag::of(row.revision))?;
    let key = key(app, &row).await?;
    let read = scope.also::<Read>();
    let before = ContactDraft::from(&view::contact(&read, &key, &row)?);
    let wanted = change(&before)?;
    let (changed, names) = (changed(&before, &wanted), changed_names(&before, &wanted));
    let parts = (changed.contains(Compartment::Identity), changed.contains(Compartment::Contact));
    let wanted = wanted.normalised(country(&owner.country), parts)?;
    require_editable(scope, row.rels, changed)?;
    require_visible(&read, row.rels, changed)?;
    let (expected, place) = (row.revision, Place::of_contact(&row));
    row.revision += 1;
    row.updated_at = app.clock.now();
    (row.function, row.primary) = (wanted.function, wanted.primary);
    row.language.clone_from(&wanted.language);
    write_parts(&key, place, &mut row, &wanted, parts)?;
    let event = about(app, scope, &row)?.compartments(changed).code("contact", "updated").names("fields", names);
    write(app, scope, &row, expected, event).await?;
    Ok(view::contact(&read, &key, &row)?)
}

/// Puts a contact person away, or takes them back: they leave the list, and nothing is lost.
pub async fn set_archived(
    app: &App,
    scope: &Scope<Archive>,
    (partner, id): (Id<Partner>, Id<PartnerContact>),
    fits: impl FnOnce(ETag) -> Result<(), Failure>,
    archived: bool,
) -> Result<ContactView, Failure> {
    let mut row = found_contact(app, scope, partner, id).await?;
    scope.require(row.rels)?;
    fits(ETag::of(row.revision))?;
    let key = key(app, &row).await?;
    seal::verify_contact(&key, &row).map_err(Problem::from)?;
    let (expected, now) = (row.revision, app.clock.now());
    row.archived_at = archived.then(|| row.archived_at.unwrap_or(now));
    row.updated_at = now;
    row.revision += 1;
    seal::sign_contact(&key, &mut row).map_err(Problem::from)?;
    let event = about(app, scope, &row)?.code("contact", if archived { "archived" } else { "restored" });
    write(app, scope, &row, expected, event).await?;
    Ok(view::contact(&scope.also::<Read>(), &key, &row)?)
}

async fn write<P: ScopedPermission>(
    app: &App,
    scope: &Scope<P>,
    row: &ContactRow,
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
    row: &mut ContactRow,
    wanted: &ContactDraft,
    (identity, contact): (bool, bool),
) -> Result<(), Problem> {
    let revision = row.revision;
    if identity {
        row.identity = place.seal(key, Compartment::Identity, revision, &wanted.identity)?;
    }
    if contact {
        let sealed = wanted.contact.as_ref().map(|value| place.seal(key, Compartment::Contact, revision, value));
        row.contact = sealed.transpose()?;
    }
    Ok(seal::sign_contact(key, row)?)
}

/// Removes a contact person who was put away before: the row goes, and then the key, so that no backup of the data can
/// bring them back.
pub async fn remove(
    app: &App,
    scope: &Scope<Archive>,
    (partner, id): (Id<Partner>, Id<PartnerContact>),
    fits: impl FnOnce(ETag) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let row = found_contact(app, scope, partner, id).await?;
    scope.require(row.rels)?;
    fits(ETag::of(row.revision))?;
    seal::verify_contact(&key(app, &row).await?, &row).map_err(Problem::from)?;
    if row.archived_at.is_none() {
        return Err(Problem::new(ProblemKind::Conflict).detail(STILL_THERE).into());
    }
    require_editable(scope, row.rels, CompartmentSet::of(&[Compartment::Identity, Compartment::Contact]))?;
    let mut tx = app.db.begin().await?;
    if !rows::delete(&mut tx, scope, &row).await? {
        return Err(Failure::new(ProblemKind::PreconditionFailed));
    }
    tx.record(about(app, scope, &row)?.code("contact", "removed")).await?.commit().await?;
    app.keys.destroy(row.tenant.uuid(), row.key).await?;
    Ok(())
}

async fn found_contact<P: ScopedPermission>(
    app: &App,
    scope: &Scope<P>,
    partner: Id<Partner>,
    id: Id<PartnerContact>,
) -> Result<ContactRow, Problem> {
    rows::get(&app.db, scope, partner, id).await?.ok_or_else(Problem::not_found)
}

async fn key(app: &App, row: &ContactRow) -> Result<DataKey, Problem> {
    app.keys.ensure_tenant(row.tenant.uuid()).await?;
    Ok(app.keys.subject_key(row.tenant.uuid(), row.key).await?)
}

fn about<P: ScopedPermission>(app: &App, scope: &Scope<P>, row: &ContactRow) -> Result<Event, Problem> {
    let hash = app.keys.audit_hash(row.tenant.uuid(), row.id.uuid())?;
    Ok(app.event(scope).record(row.partner, row.tenant).subjects([hash]))
}

fn country(code: &str) -> CountryCode {
    CountryCode::parse(code).unwrap_or(CountryCode::NL)
}

fn held(draft: &ContactDraft) -> CompartmentSet {
    let mut set = CompartmentSet::of(&[Compartment::Identity]);
    if draft.contact.is_some() {
        set.insert(Compartment::Contact);
    }
    set
}

fn changed(before: &ContactDraft, after: &ContactDraft) -> CompartmentSet {
    let mut set = CompartmentSet::EMPTY;
    if before.identity != after.identity {
        set.insert(Compartment::Identity);
    }
    if before.contact != after.contact {
        set.insert(Compartment::Contact);
    }
    set
}

/// Names of what changed, for the audit event; never a value.
fn changed_names(before: &ContactDraft, after: &ContactDraft) -> Vec<&'static str> {
    let all = [
        ("identity", before.identity != after.identity),
        ("contact", before.contact != after.contact),
        ("function", before.function != after.function),
        ("language", before.language != after.language),
        ("primary", before.primary != after.primary),
    ];
    all.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name).collect()
}

const STILL_THERE: Phrase = Phrase {
    en: "Put the contact person away first: removing can't be undone.",
    nl: "Archiveer de contactpersoon eerst: verwijderen kan niet ongedaan worden gemaakt.",
};
const TOO_MANY: Phrase =
    Phrase { en: "This partner has too many contact people.", nl: "Deze partner heeft te veel contactpersonen." };
