//! What can be done with relations. Every function reaches both customers under the caller's scope of customers.

use kluis_core::access::{Object, Scope, ScopedPermission};
use kluis_core::audit::Event;
use kluis_core::kernel::{Faults, Id, Phrase, Problem, ProblemKind, id::Customer};
use kluis_core::privacy::VaultError;
use kluis_core::store::{Tx, Unaudited};

use super::access::{Create, Delete, Read, Update};
use super::model::{Relation, RelationDraft, RelationKind, RelationRecord, RelationView};
use super::rows::{self, RelationRow};
use super::seal;
use crate::app::App;
use crate::customers::reach::{self, Reached};
use crate::web::{ETag, Failure};

/// A page of relations, and after which one the next page starts.
pub struct Found {
    pub views: Vec<RelationView>,
    pub next: Option<Id<Relation>>,
    pub total: Option<u64>,
}

/// At most this many relations of one customer are counted.
const COUNTED: usize = 10_000;
/// Relations that are read at once at the most.
const AT_ONCE: usize = 1_000;

/// The relations of a customer to others whom the caller may read as well.
pub async fn list(
    app: &App,
    scope: &Scope<Read>,
    customer: Id<Customer>,
    kind: Option<RelationKind>,
    after: Option<Id<Relation>>,
    size: u32,
    count: bool,
) -> Result<Found, Problem> {
    let reached = reach_one(app, scope, customer).await?;
    scope.require_any()?;
    let total =
        if count { Some(within_reach(app, scope, &reached, kind, None, COUNTED).await?.len() as u64) } else { None };
    let size = size as usize;
    // One more than the page takes: what is out of reach doesn't decide whether there is a next one.
    let mut rows = within_reach(app, scope, &reached, kind, after, size + 1).await?;
    let more = rows.len() > size;
    rows.truncate(size);
    let next = rows.last().filter(|_| more).map(|row| row.record.id);
    record_look(app, scope, &reached, &rows).await?;
    Ok(Found { views: rows.iter().map(|row| (&row.record).into()).collect(), next, total })
}

/// So many relations, or all that there are, of which the other ends may be read too. However many may not be: all are of
/// one customer.
async fn within_reach(
    app: &App,
    scope: &Scope<Read>,
    customer: &Reached,
    kind: Option<RelationKind>,
    mut after: Option<Id<Relation>>,
    wanted: usize,
) -> Result<Vec<RelationRow>, Problem> {
    let place = (customer.tenant, customer.id);
    let (mut found, mut limit) = (Vec::new(), wanted.min(AT_ONCE));
    loop {
        let rows = rows::list(&app.db, scope, place, kind, after, i64::try_from(limit).unwrap_or(i64::MAX)).await?;
        let is_last = rows.len() < limit;
        after = rows.last().map(|row| row.record.id);
        found.extend(readable(app, scope, customer.id, rows).await?);
        if is_last || found.len() >= wanted {
            found.truncate(wanted);
            return Ok(found);
        }
        limit = AT_ONCE;
    }
}

/// Those of which the other end may be read. Only they are looked at further: nobody hears that a hidden one was edited.
async fn readable<P: ScopedPermission>(
    app: &App,
    scope: &Scope<P>,
    customer: Id<Customer>,
    mut rows: Vec<RelationRow>,
) -> Result<Vec<RelationRow>, Problem> {
    let others: Vec<_> = rows.iter().map(|row| row.record.other(customer)).collect();
    let reached = reach::all(app, &scope.also(), &others).await?;
    rows.retain(|row| reached.contains_key(&row.record.other(customer)));
    require_genuine(app, &rows).await?;
    Ok(rows)
}

/// Refuses rows that were edited or put there behind our back.
async fn require_genuine(app: &App, rows: &[RelationRow]) -> Result<(), Problem> {
    // All of one customer, and so of one tenant.
    let Some(tenant) = rows.first().map(|row| row.record.tenant) else { return Ok(()) };
    let key = app.keys.tenant_key(tenant.uuid()).await?;
    let about = |error: VaultError, row: &RelationRow| {
        Problem::from(error).about(Object::Relation.as_str(), row.record.id, row.record.tenant)
    };
    rows.iter().try_for_each(|row| seal::verify(&key, row).map_err(|error| about(error, row)))
}

async fn record_look(app: &App, scope: &Scope<Read>, customer: &Reached, rows: &[RelationRow]) -> Result<(), Problem> {
    let others = rows.iter().map(|row| row.record.other(customer.id));
    let subjects = hashes(app, customer, others).await?;
    let mut event = app.event(scope).subjects(subjects).owner(customer.tenant).count("records", rows.len());
    if let [one] = rows {
        event = event.record(one.record.id, one.record.tenant);
    }
    app.record_read(event).await
}

async fn hashes(
    app: &App,
    customer: &Reached,
    others: impl Iterator<Item = Id<Customer>>,
) -> Result<Vec<[u8; 16]>, Problem> {
    let tenant = customer.tenant.uuid();
    app.keys.ensure_tenant(tenant).await?;
    std::iter::once(customer.id).chain(others).map(|id| Ok(app.keys.audit_hash(tenant, id.uuid())?)).collect()
}

/// One relation of a customer; 404 when the caller may not read it, or either end.
pub async fn show(
    app: &App,
    scope: &Scope<Read>,
    customer: Id<Customer>,
    id: Id<Relation>,
) -> Result<RelationView, Problem> {
    let (reached, row) = reachable(app, scope, customer, id).await?;
    record_look(app, scope, &reached, std::slice::from_ref(&row)).await?;
    Ok((&row.record).into())
}

async fn reach_one<P: ScopedPermission>(
    app: &App,
    scope: &Scope<P>,
    customer: Id<Customer>,
) -> Result<Reached, Problem> {
    reach::one(app, &scope.also(), customer).await?.ok_or(Problem::not_found())
}

async fn reachable<P: ScopedPermission>(
    app: &App,
    scope: &Scope<P>,
    customer: Id<Customer>,
    id: Id<Relation>,
) -> Result<(Reached, RelationRow), Problem> {
    let reached = reach_one(app, scope, customer).await?;
    let row = rows::get(&app.db, scope, (reached.tenant, customer), id).await?.ok_or(Problem::not_found())?;
    require_genuine(app, std::slice::from_ref(&row)).await?;
    reach_one(app, scope, row.record.other(customer)).await?;
    Ok((reached, row))
}

/// Makes a relation from a customer to another one of the same tenant.
pub async fn create(
    app: &App,
    scope: &Scope<Create>,
    customer: Id<Customer>,
    draft: &RelationDraft,
) -> Result<RelationView, Problem> {
    let from = reach_one(app, scope, customer).await?;
    scope.require_any()?;
    draft.check()?;
    let to = reach::one(app, &scope.also(), draft.to_id.0).await?;
    let to = require_fitting(draft.kind, &from, to)?;
    let record = new_record(app, &from, &to, draft);
    let event = created_event(app, scope, &from, &record).await?;
    let mut tx = app.db.begin().await?;
    scope.enter(&mut tx, record.tenant).await?;
    insert_in(app, &mut tx, scope, &record).await?;
    tx.record(event).await?.commit().await?;
    Ok((&record).into())
}

pub(super) fn new_record(app: &App, from: &Reached, to: &Reached, draft: &RelationDraft) -> RelationRecord {
    let now = app.clock.now();
    RelationRecord {
        tenant: from.tenant,
        id: app.new_id(),
        from: from.id,
        to: to.id,
        kind: draft.kind,
        starts_on: draft.starts_on,
        ends_on: draft.ends_on,
        created_at: now,
        updated_at: now,
        revision: 1,
    }
}

/// Writes a new relation, unless it is there already or lies outside of the scope. The tenant is serialised before.
pub(super) async fn insert_in(
    app: &App,
    tx: &mut Tx<Unaudited>,
    scope: &Scope<Create>,
    record: &RelationRecord,
) -> Result<(), Problem> {
    let mac = seal::sign(&app.keys.tenant_key(record.tenant.uuid()).await?, record)?;
    let twice = rows::is_there(tx, record.tenant, (record.from, record.to), record.kind).await?
        || (record.kind.is_mutual()
            && rows::is_there(tx, record.tenant, (record.to, record.from), record.kind).await?);
    if twice {
        return Err(Problem::new(ProblemKind::Duplicate));
    }
    rows::insert(tx, record, mac).await?;
    if !rows::is_held(tx, scope, record).await? {
        return Err(Problem::new(ProblemKind::Forbidden));
    }
    Ok(())
}

pub(super) async fn created_event(
    app: &App,
    scope: &Scope<Create>,
    from: &Reached,
    record: &RelationRecord,
) -> Result<Event, Problem> {
    event(app, scope, from, record).await
}

pub(super) fn require_fitting(kind: RelationKind, from: &Reached, to: Option<Reached>) -> Result<Reached, Problem> {
    const UNKNOWN: Phrase = Phrase { en: "There is no such customer.", nl: "Deze klant bestaat niet." };
    const ITSELF: Phrase =
        Phrase { en: "A customer has no relation to itself.", nl: "Een klant heeft geen relatie met zichzelf." };
    const KINDS: Phrase = Phrase {
        en: "Customers of these kinds can't stand in this relation.",
        nl: "Klanten van deze soorten kunnen niet in deze relatie staan.",
    };
    let mut faults = Faults::new();
    match &to {
        Some(to) if to.id == from.id => faults.add("/toId", "itself", ITSELF),
        Some(to) if to.tenant == from.tenant && !kind.fits(from.kind, to.kind) => {
            faults.add("/kind", "kind_mismatch", KINDS);
        }
        Some(to) if to.tenant == from.tenant => {}
        _ => faults.add("/toId", "unknown", UNKNOWN),
    }
    faults.into_result()?;
    to.ok_or(Problem::not_found())
}

/// Changes the dates of a relation; ending it is giving it a last day.
pub async fn update(
    app: &App,
    scope: &Scope<Update>,
    customer: Id<Customer>,
    id: Id<Relation>,
    fits: impl FnOnce(ETag) -> Result<(), Failure>,
    change: impl FnOnce(&RelationDraft) -> Result<RelationDraft, Problem>,
) -> Result<RelationView, Failure> {
    let (reached, row) = reachable(app, scope, customer, id).await?;
    scope.require(row.rels)?;
    fits(ETag::of(row.record.revision))?;
    let before = row.record.draft();
    let wanted = change(&before)?;
    require_same_ends(&before, &wanted)?;
    wanted.check()?;
    let record = RelationRecord {
        starts_on: wanted.starts_on,
        ends_on: wanted.ends_on,
        updated_at: app.clock.now(),
        revision: row.record.revision + 1,
        ..row.record
    };
    let event = event(app, scope, &reached, &record).await?;
    let mac = seal::sign(&app.keys.tenant_key(record.tenant.uuid()).await?, &record).map_err(Problem::from)?;
    let mut tx = app.db.begin().await?;
    if !rows::update(&mut tx, scope, (&record, mac), row.record.revision).await? {
        return Err(Failure::new(ProblemKind::PreconditionFailed));
    }
    tx.record(event).await?.commit().await?;
    Ok((&record).into())
}

fn require_same_ends(before: &RelationDraft, after: &RelationDraft) -> Result<(), Problem> {
    const FIXED: Phrase = Phrase {
        en: "This can't be changed; end the relation and make another one.",
        nl: "Dit kan niet veranderen; beëindig de relatie en maak een andere.",
    };
    let mut faults = Faults::new();
    if before.kind != after.kind {
        faults.add("/kind", "fixed", FIXED);
    }
    if before.to_id != after.to_id {
        faults.add("/toId", "fixed", FIXED);
    }
    faults.into_result()
}

/// Removes a relation for good, as one that never was.
pub async fn delete(
    app: &App,
    scope: &Scope<Delete>,
    customer: Id<Customer>,
    id: Id<Relation>,
    fits: impl FnOnce(ETag) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (reached, row) = reachable(app, scope, customer, id).await?;
    scope.require(row.rels)?;
    fits(ETag::of(row.record.revision))?;
    let event = event(app, scope, &reached, &row.record).await?;
    let mut tx = app.db.begin().await?;
    if !rows::delete(&mut tx, scope, &row.record).await? {
        return Err(Failure::new(ProblemKind::PreconditionFailed));
    }
    tx.record(event).await?.commit().await?;
    Ok(())
}

async fn event<P: ScopedPermission>(
    app: &App,
    scope: &Scope<P>,
    customer: &Reached,
    record: &RelationRecord,
) -> Result<Event, Problem> {
    let subjects = hashes(app, customer, std::iter::once(record.other(customer.id))).await?;
    let event = app.event(scope).record(record.id, record.tenant).subjects(subjects);
    Ok(event.code("kind", record.kind.code()))
}

/// Where a relation is.
pub fn location(view: &RelationView) -> String {
    format!("/v1/customers/{}/relations/{}", view.from_id, view.id)
}
