//! What can be done with contact people. They are seen with their partner; each has a key of their own, which goes with
//! them when they are removed.

use kluis_core::access::{Scope, ScopedPermission};
use kluis_core::audit::Event;
use kluis_core::kernel::{CountryCode, Id, Phrase, Problem, ProblemKind};
use kluis_core::privacy::{Compartment, CompartmentSet, DataKey};

use super::access::{Read, Update};
use super::model::{ContactDraft, Partner, PartnerContact};
use super::rows::{self, ContactRow};
use super::seal::{self, Place};
use super::service::{found, require_editable, require_visible};
use super::view::{self, ContactView};
use crate::app::App;
use crate::web::{ETag, Failure};

/// The most contact people of one partner.
const MOST: i64 = 200;

/// The contact people of a partner, in the order in which they were made.
pub async fn list(app: &App, scope: &Scope<Read>, partner: Id<Partner>) -> Result<Vec<ContactView>, Problem> {
    let owner = found(app, scope, partner).await?;
    let rows = rows::list_contacts(&app.db, scope, partner).await?;
    let mut views = Vec::with_capacity(rows.len());
    let (mut subjects, mut shown) = (Vec::with_capacity(rows.len()), CompartmentSet::EMPTY);
    for row in &rows {
        views.push(view::contact(scope, &key(app, row).await?, row)?);
        subjects.push(app.keys.audit_hash(row.tenant.uuid(), row.id.uuid())?);
        shown = shown.union(scope.disclosure(row.rels).clear());
    }
    let event = app.event(scope).record(partner, owner.tenant).subjects(subjects).count("contacts", rows.len());
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
        revision: 1,
        mac: Vec::new(),
        rels: owner.rels,
    };
    seal::sign_contact(&key, &mut row)?;
    let mut tx = app.db.begin().await?;
    scope.still_current_in(&mut tx).await?;
    if rows::count_contacts(&mut tx, (owner.tenant, partner)).await? >= MOST {
        return Err(Problem::new(ProblemKind::Conflict).detail(TOO_MANY));
    }
    rows::insert_contact(&mut tx, &row).await?;
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
    let changed = changed(&before, &wanted);
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
    let mut tx = app.db.begin().await?;
    scope.still_current_in(&mut tx).await?;
    if !rows::update_contact(&mut tx, &row, expected).await? {
        return Err(Problem::new(ProblemKind::PreconditionFailed).into());
    }
    tx.record(about(app, scope, &row)?.compartments(changed).code("contact", "updated")).await?.commit().await?;
    Ok(view::contact(&read, &key, &row)?)
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

/// Removes a contact person: the row goes, and then the key, so that no backup of the data can bring them back.
pub async fn remove(
    app: &App,
    scope: &Scope<Update>,
    (partner, id): (Id<Partner>, Id<PartnerContact>),
    fits: impl FnOnce(ETag) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let row = found_contact(app, scope, partner, id).await?;
    scope.require(row.rels)?;
    fits(ETag::of(row.revision))?;
    require_editable(scope, row.rels, CompartmentSet::of(&[Compartment::Identity, Compartment::Contact]))?;
    let mut tx = app.db.begin().await?;
    scope.still_current_in(&mut tx).await?;
    if !rows::delete_contact(&mut tx, &row).await? {
        return Err(Problem::new(ProblemKind::PreconditionFailed).into());
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
    rows::get_contact(&app.db, scope, partner, id).await?.ok_or_else(Problem::not_found)
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

const TOO_MANY: Phrase =
    Phrase { en: "This partner has too many contact people.", nl: "Deze partner heeft te veel contactpersonen." };
