//! What can be done with customers. Every function takes a scope; nothing is written before the decision.

use kluis_core::access::{Purpose, Rel, RelSet, Scope, ScopedPermission};
use kluis_core::kernel::{Id, Problem, ProblemKind, id::Customer, id::User};
use kluis_core::privacy::{Compartment, CompartmentSet, DataKey};
use kluis_core::store::{Tx, Unaudited};

use super::access::{Archive, Assign, Create, Read, Update};
use super::model::{self, CustomerDraft, Valid};
use super::rows::{self, After, CustomerRow, ListFilter, NewRow, Order, Plain};
use super::view::{self, CustomerView};
use super::{duplicates, index, rules, seal, text};
use crate::app::App;
use crate::web::{ETag, Failure, JsonText};

/// A page of customers, and where the next one starts.
pub struct Found {
    pub texts: Vec<JsonText<CustomerView>>,
    pub next: Option<After>,
    pub total: Option<u64>,
}

/// One page of what the scope holds.
pub async fn list(
    app: &App,
    scope: &Scope<Read>,
    filter: &ListFilter,
    order: Order,
    after: Option<After>,
    size: u32,
    count: bool,
) -> Result<Found, Problem> {
    scope.require_any()?;
    let total = if count { Some(rows::count(&app.db, scope, filter).await?.unsigned_abs()) } else { None };
    let mut rows = rows::list(&app.db, scope, filter, order, after, i64::from(size) + 1).await?;
    let more = rows.len() > size as usize;
    rows.truncate(size as usize);
    let next = rows.last().filter(|_| more).map(|row| After { id: row.id, updated_at: row.plain.updated_at });
    let texts = disclose(app, scope, rows).await?;
    Ok(Found { texts, next, total })
}

/// Opens rows for the caller and puts the look at them on record.
pub async fn disclose(
    app: &App,
    scope: &Scope<Read>,
    rows: Vec<CustomerRow>,
) -> Result<Vec<JsonText<CustomerView>>, Problem> {
    let (rows, keys) = view::present(app, rows, |row| row).await?;
    disclose_with(app, scope, &rows, &keys).await
}

/// The same for one who has the keys of the rows already.
pub async fn disclose_with(
    app: &App,
    scope: &Scope<Read>,
    rows: &[CustomerRow],
    keys: &[DataKey],
) -> Result<Vec<JsonText<CustomerView>>, Problem> {
    let texts = rows.iter().zip(keys).map(|(row, key)| text::open(scope, key, row)).collect::<Result<Vec<_>, _>>()?;
    record_look(app, scope, rows).await?;
    Ok(texts)
}

/// Puts on record that these rows were looked at; a look that can't be recorded fails.
pub async fn record_look(app: &App, scope: &Scope<Read>, rows: &[CustomerRow]) -> Result<(), Problem> {
    let mut event = app.event(scope).subjects(view::subject_hashes(app, rows)?).count("records", rows.len());
    if let [one] = rows {
        event = event.record(one.id, one.tenant);
    }
    let shown = rows.iter().fold(CompartmentSet::EMPTY, |set, row| set.union(scope.disclosure(row.rels).clear()));
    app.record_read(event.compartments(shown)).await
}

/// One customer and its revision; 404 when there is none that the caller may read.
pub async fn show(app: &App, scope: &Scope<Read>, id: Id<Customer>) -> Result<(JsonText<CustomerView>, i64), Problem> {
    let row = rows::get(&app.db, scope, id).await?.ok_or(Problem::not_found())?;
    let revision = row.plain.revision;
    let mut texts = disclose(app, scope, vec![row]).await?;
    Ok((texts.pop().ok_or(Problem::not_found())?, revision))
}

/// Makes a customer of the acting tenant; gives what the caller may see of it, and its id.
pub async fn create(
    app: &App,
    scope: &Scope<Create>,
    draft: CustomerDraft,
) -> Result<(JsonText<CustomerView>, Id<Customer>), Problem> {
    scope.require_any()?;
    let rules = rules::of_tenant(app, scope.tenant()).await?;
    let valid = Valid::parse(draft, &rules.rules(app).filling(writable(scope)))?;
    let mut tx = scope.begin(&app.db, scope.tenant()).await?;
    let made = create_in(app, scope, &mut tx, &valid).await?;
    let event = created_event(app, scope, &made)?;
    tx.record(event).await?.commit().await?;
    Ok((text::open(&scope.also::<Read>(), &made.key, &made.row)?, made.row.id))
}

/// The compartments that this actor may write in a new customer.
pub(super) fn writable(scope: &Scope<Create>) -> CompartmentSet {
    scope.editable(scope.relations_of_new(false))
}

/// A customer that stands in an open transaction.
pub struct Made {
    pub row: CustomerRow,
    pub key: DataKey,
}

/// The event that belongs to a customer made by [`create_in`].
pub fn created_event(app: &App, scope: &Scope<Create>, made: &Made) -> Result<kluis_core::audit::Event, Problem> {
    let hash = app.keys.audit_hash(made.row.tenant.uuid(), made.row.id.uuid())?;
    Ok(app.event(scope).record(made.row.id, made.row.tenant).subjects([hash]))
}

/// Makes a customer inside a transaction that the caller has entered under this scope, records and commits: what single
/// creation, bulk and import share.
pub async fn create_in(
    app: &App,
    scope: &Scope<Create>,
    tx: &mut Tx<Unaudited>,
    valid: &Valid,
) -> Result<Made, Problem> {
    let draft = valid.draft();
    let tenant = scope.tenant();
    let owner = owner_of(draft);
    let rels = scope.relations_of_new(owner.is_some() && owner == scope.actor().user());
    scope.require(rels)?;
    require_editable(scope, rels, view::held(draft))?;
    let key = app.keys.new_subject_key(tenant.uuid()).await?;
    rules::require_member(tx, tenant, owner).await?;
    let mut keys = model::exact_keys(draft);
    duplicates::refuse(app, scope, tx, tenant, None, &keys).await?;
    keys.extend(model::search_keys(draft));
    let now = app.clock.now();
    let id = app.new_id();
    let plain = plain_of(draft, owner, None, now);
    let sealed = seal::seal(&key, tenant, id, &plain, draft, CompartmentSet::ALL, rows::SealedParts::default())?;
    let new = NewRow {
        tenant,
        id,
        plain: &plain,
        key: key.id(),
        sealed: &sealed.parts,
        fingerprints: &sealed.fingerprints,
        mac: &sealed.mac,
    };
    rows::insert(tx, &new).await?;
    index::write(app, tx, tenant, id, &keys).await?;
    let row = CustomerRow {
        tenant,
        id,
        plain,
        key: key.id(),
        sealed: sealed.parts,
        fingerprints: sealed.fingerprints,
        mac: sealed.mac,
        rels,
    };
    Ok(Made { row, key })
}

/// Changes a customer. `change` gets the present writable form and gives the wanted one.
pub async fn update(
    app: &App,
    scope: &Scope<Update>,
    id: Id<Customer>,
    fits: impl FnOnce(ETag) -> Result<(), Failure>,
    change: impl FnOnce(&CustomerDraft) -> Result<CustomerDraft, Problem>,
) -> Result<CustomerView, Failure> {
    let row = rows::get(&app.db, scope, id).await?.ok_or(Problem::not_found())?;
    scope.require(row.rels)?;
    fits(ETag::of(row.plain.revision))?;
    let key = subject_key(app, &row).await?;
    let read = scope.also::<Read>();
    let mut before = CustomerDraft::from(&view::open(&read, &key, &row)?);
    let mut asked = change(&before)?;
    if asked.identity == before.identity && !read.disclosure(row.rels).clear().contains(Compartment::Identity) {
        // A name that the caller can't see, and leaves alone, stays; without one no record is valid.
        before.identity = unseen_identity(&key, &row)?;
        asked.identity.clone_from(&before.identity);
    }
    let rules = rules::of_tenant(app, row.tenant).await?;
    let after = Valid::parse(asked, &rules.rules(app).over(&before))?;
    let wanted = after.draft();
    let changed = view::changed(&before, wanted);
    require_editable(scope, row.rels, changed)?;
    require_visible(&read, row.rels, changed)?;
    let owner = owner_of(wanted);
    let after_rels = with_owner(row.rels, owner.is_some() && owner == scope.actor().user());
    scope.require(after_rels)?;
    if owner != row.plain.owner {
        let assign = scope.also::<Assign>();
        assign.require(row.rels)?;
        assign.require(after_rels)?;
    }
    let mut tx = app.db.begin().await?;
    tx.serialise_tenant(row.tenant).await?;
    rules::require_member(&mut tx, row.tenant, owner.filter(|_| owner != row.plain.owner)).await?;
    duplicates::refuse(app, scope, &mut tx, row.tenant, Some(id), &model::exact_keys(wanted)).await?;
    let now = app.clock.now();
    let plain = plain_of(wanted, owner, Some((&row.plain, changed)), now);
    let changed_names = changed_names(&before, wanted, changed);
    let kept = rows::SealedParts { ..row.sealed };
    let sealed = seal::seal(&key, row.tenant, id, &plain, wanted, changed, kept)?;
    let new = NewRow {
        tenant: row.tenant,
        id,
        plain: &plain,
        key: key.id(),
        sealed: &sealed.parts,
        fingerprints: &sealed.fingerprints,
        mac: &sealed.mac,
    };
    if !rows::update(&mut tx, scope, &new, row.plain.revision).await? {
        return Err(Failure::new(ProblemKind::PreconditionFailed));
    }
    index::rewrite(app, &mut tx, row.tenant, id, wanted, changed).await?;
    let event = app
        .event(scope)
        .record(id, row.tenant)
        .subjects([app.keys.audit_hash(row.tenant.uuid(), id.uuid())?])
        .compartments(changed)
        .names("fields", changed_names);
    tx.record(event).await?.commit().await?;
    let row = CustomerRow {
        tenant: row.tenant,
        id,
        plain,
        key: row.key,
        sealed: sealed.parts,
        fingerprints: sealed.fingerprints,
        mac: sealed.mac,
        rels: after_rels,
    };
    Ok(view::open(&read, &key, &row)?)
}

/// Puts a customer away, or takes it back: it leaves the lists, and nothing is lost.
pub async fn set_archived(
    app: &App,
    scope: &Scope<Archive>,
    id: Id<Customer>,
    fits: impl FnOnce(ETag) -> Result<(), Failure>,
    archived: bool,
) -> Result<CustomerView, Failure> {
    let mut row = rows::get(&app.db, scope, id).await?.ok_or(Problem::not_found())?;
    scope.require(row.rels)?;
    fits(ETag::of(row.plain.revision))?;
    let key = subject_key(app, &row).await?;
    seal::verify(&key, &row).map_err(|error| view::about(error, &row))?;
    let before = row.plain.revision;
    let now = app.clock.now();
    row.plain.archived_at = archived.then_some(row.plain.archived_at.unwrap_or(now));
    row.plain.updated_at = now;
    row.plain.revision += 1;
    let kept = rows::SealedParts { ..row.sealed };
    let sealed = seal::reseal_plain(&key, row.tenant, id, &row.plain, kept)?;
    (row.sealed, row.fingerprints, row.mac) = (sealed.parts, sealed.fingerprints, sealed.mac);
    let new = NewRow {
        tenant: row.tenant,
        id,
        plain: &row.plain,
        key: row.key,
        sealed: &row.sealed,
        fingerprints: &row.fingerprints,
        mac: &row.mac,
    };
    let mut tx = app.db.begin().await?;
    if !rows::update(&mut tx, scope, &new, before).await? {
        return Err(Failure::new(ProblemKind::PreconditionFailed));
    }
    let hash = app.keys.audit_hash(row.tenant.uuid(), id.uuid())?;
    let event = app.event(scope).record(id, row.tenant).subjects([hash]).code("archived", archived.to_string());
    tx.record(event).await?.commit().await?;
    Ok(view::open(&scope.also::<Read>(), &key, &row)?)
}

pub(super) async fn subject_key(app: &App, row: &CustomerRow) -> Result<DataKey, Problem> {
    app.keys.ensure_tenant(row.tenant.uuid()).await?;
    app.keys.subject_key(row.tenant.uuid(), row.key).await.map_err(|error| view::about(error, row))
}

/// 403 that names the compartments which this action may not touch.
fn require_editable<P: ScopedPermission>(
    scope: &Scope<P>,
    rels: RelSet,
    touched: CompartmentSet,
) -> Result<(), Problem> {
    let forbidden = touched.difference(scope.editable(rels));
    if forbidden.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = forbidden.iter().map(Compartment::name).collect();
    Err(Problem::new(ProblemKind::FieldNotPermitted).member("compartments", names.join(" ")))
}

/// What is withheld can't be changed: nobody overwrites what they haven't seen.
fn require_visible(scope: &Scope<Read>, rels: RelSet, changed: CompartmentSet) -> Result<(), Problem> {
    let unseen = changed.difference(scope.disclosure(rels).clear());
    match unseen.iter().next() {
        None => Ok(()),
        Some(first) => Err(Problem::new(ProblemKind::FieldNotPermitted).member("compartments", first.name())),
    }
}

pub(super) fn with_owner(mut rels: RelSet, own: bool) -> RelSet {
    if own {
        rels = rels.with(Rel::Own);
    } else {
        rels = rels.without(RelSet::of(Rel::Own));
    }
    rels
}

/// Who looks after them. The draft is one that was checked.
pub(super) fn owner_of(draft: &CustomerDraft) -> Option<Id<User>> {
    draft.owner_id.as_deref().and_then(Id::parse)
}

/// It is the system that looks here; nothing of it leaves.
pub(super) fn unseen_identity(key: &DataKey, row: &CustomerRow) -> Result<model::Identity, Problem> {
    let Some(sealed) = &row.sealed.identity else { return Ok(model::Identity::default()) };
    let name = Compartment::Identity.name();
    Ok(sealed.open(key, &seal::place(row.tenant, row.id, name, 0).of(name, sealed))?)
}

/// The plain columns of a draft: new ones, or those before with what changed.
pub(super) fn plain_of(
    draft: &CustomerDraft,
    owner: Option<Id<User>>,
    before: Option<(&Plain, CompartmentSet)>,
    now: chrono::DateTime<chrono::Utc>,
) -> Plain {
    let region = match before {
        // An address that the caller can't see isn't in the draft; where it is stays known all the same.
        Some((plain, changed)) if !changed.contains(Compartment::Contact) => plain.region.clone(),
        _ => region(draft),
    };
    let before = before.map(|(plain, _)| plain);
    Plain {
        kind: draft.kind.code().to_owned(),
        status: draft.status.code().to_owned(),
        owner,
        created_at: before.map_or(now, |plain| plain.created_at),
        updated_at: now,
        archived_at: before.and_then(|plain| plain.archived_at),
        preferred_channel: draft.preferred_channel.map(|channel| channel.code().to_owned()),
        language: draft.language.clone(),
        region,
        source: draft.source.clone(),
        legal_basis: draft.legal_basis.code().to_owned(),
        consents: consent_bits(&draft.consented_purposes),
        last_contact_at: before.and_then(|plain| plain.last_contact_at),
        revision: before.map_or(1, |plain| plain.revision + 1),
    }
}

/// As stored: a bit for each purpose. The draft is one that was checked.
fn consent_bits(purposes: &[String]) -> i64 {
    purposes.iter().filter_map(|name| Purpose::parse(name)).fold(0, |bits, purpose| bits | (1 << purpose.index()))
}

/// Two digits of the primary address's Dutch postcode: enough for a map, too little for a person.
fn region(draft: &CustomerDraft) -> Option<String> {
    let addresses = draft.contact.iter().flat_map(|contact| &contact.addresses);
    let primary = addresses.into_iter().find(|address| address.primary && address.country == "NL")?;
    primary.postcode.as_ref()?.get(..2).map(str::to_owned)
}

/// Names of what changed, for the audit event; never a value.
pub(super) fn changed_names(
    before: &CustomerDraft,
    after: &CustomerDraft,
    changed: CompartmentSet,
) -> Vec<&'static str> {
    let mut names: Vec<_> = changed.iter().map(Compartment::name).collect();
    let plain = [
        ("status", before.status != after.status),
        ("ownerId", before.owner_id != after.owner_id),
        ("language", before.language != after.language),
        ("preferredChannel", before.preferred_channel != after.preferred_channel),
        ("source", before.source != after.source),
        ("legalBasis", before.legal_basis != after.legal_basis),
        ("consentedPurposes", before.consented_purposes != after.consented_purposes),
    ];
    names.extend(plain.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name));
    names
}
