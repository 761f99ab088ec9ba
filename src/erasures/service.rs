//! What can be done with erasures. Every function that somebody asks for takes a scope.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use kluis_core::access::{Channel, Object, Scope};
use kluis_core::audit::{Class, Event, Outcome};
use kluis_core::kernel::{Id, Problem, ProblemKind, id::Customer, id::Tenant};
use kluis_core::privacy::ledger::Entry;
use kluis_core::privacy::{CompartmentSet, VaultError};
use kluis_core::store::{Tx, Unaudited};
use uuid::Uuid;

use super::access::Oversee;
use super::model::{Erasure, ErasureRecord, Ground, Removed, State};
use super::rows::{self, ListFilter};
use super::{certificate, ledger, rows_ledger};
use crate::app::App;
use crate::customers::erase::{self as customers, Hanging, Standing};
use crate::customers::{self as people};
use crate::web::{ETag, Failure};
use crate::{bulk, idempotency, imports};

/// Answers about uploads are kept for so long, and nobody can tell of whom they speak.
const ANSWERS: TimeDelta = TimeDelta::hours(24);

/// What an erasure would remove.
pub struct Preview {
    pub standing: Standing,
    pub hanging: Hanging,
}

/// A look ahead; nothing is removed.
pub async fn preview(app: &App, scope: &Scope<people::Erase>, id: Id<Customer>) -> Result<Preview, Problem> {
    let standing = customers::find(&app.db, scope, id).await?.ok_or(Problem::not_found())?;
    scope.require(standing.rels)?;
    let hanging = customers::hanging(&app.db, standing.tenant, id).await?;
    app.keys.ensure_tenant(standing.tenant.uuid()).await?;
    let hash = app.keys.audit_hash(standing.tenant.uuid(), id.uuid())?;
    let event = app.event(scope).class(Class::Read).record(id, standing.tenant).subjects([hash]);
    app.record_read(event.code("step", "preview")).await?;
    Ok(Preview { standing, hanging })
}

/// Erases a customer. What can't be brought to its end at once stays `fenced`, and goes on by itself.
pub async fn erase(
    app: &App,
    scope: &Scope<people::Erase>,
    id: Id<Customer>,
    fits: impl FnOnce(ETag) -> Result<(), Failure>,
    ground: Ground,
) -> Result<ErasureRecord, Failure> {
    let found = customers::find(&app.db, scope, id).await?.ok_or(Problem::not_found())?;
    scope.require(found.rels)?;
    fits(ETag::of(found.revision))?;
    let fenced = fence(app, scope, &found, ground).await?;
    match finish(app, &fenced).await {
        Ok(done) => Ok(done),
        Err(problem) => {
            tracing::error!(%problem, erasure = %fenced.id, "an erasure waits for its end");
            Ok(fenced)
        }
    }
}

async fn fence(
    app: &App,
    scope: &Scope<people::Erase>,
    found: &Standing,
    ground: Ground,
) -> Result<ErasureRecord, Failure> {
    app.keys.ensure_tenant(found.tenant.uuid()).await?;
    let hash = app.keys.audit_hash(found.tenant.uuid(), found.id.uuid())?;
    let mut tx = scope.begin(&app.db, found.tenant).await?;
    let Some(hanging) = customers::remove(&mut tx, scope, found).await? else {
        return Err(Failure::new(ProblemKind::PreconditionFailed));
    };
    let now = app.clock.now();
    let removed = remove_traces(&mut tx, (found.tenant, found.id), hanging, now).await?;
    let fenced = ErasureRecord {
        tenant: found.tenant,
        id: app.new_id(),
        customer: found.id,
        key: found.key,
        ground: Some(ground),
        state: State::Fenced,
        requested_by: scope.actor().user(),
        removed,
        created_at: now,
        updated_at: now,
        completed_at: None,
        certificate: None,
        revision: 1,
    };
    rows::insert(&mut tx, &fenced).await?;
    ledger::enter(app, &mut tx, (found.tenant, found.id, found.key), now).await?;
    let event = app.event(scope).record(found.id, found.tenant).subjects([hash]).compartments(CompartmentSet::ALL);
    let event = event.code("step", "fence").code("erasure", fenced.id.to_string()).code("ground", ground.code());
    tx.record(event).await?.commit().await?;
    app.directory.change(found.tenant.uuid(), found.id.uuid(), None);
    Ok(fenced)
}

/// What other rooms of the house keep of a customer.
async fn remove_traces(
    tx: &mut Tx<Unaudited>,
    (tenant, customer): (Id<Tenant>, Id<Customer>),
    hanging: Hanging,
    now: DateTime<Utc>,
) -> Result<Removed, Problem> {
    let imports = imports::erase::erase(tx, tenant, customer).await?;
    let bulk = bulk::service::erase(tx, tenant, customer).await?;
    let answers = idempotency::erase(tx, customer).await?;
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let of_uploads = imports.files_until.or((imports.files > 0).then_some(now));
    Ok(Removed {
        interactions: hanging.interactions,
        relations: hanging.relations,
        index: hanging.index,
        undo: count(imports.changes + bulk),
        files: count(imports.files),
        answers: count(answers),
        uploads_until: of_uploads.map(|until| until.max(now + ANSWERS)),
    })
}

/// Brings an erasure to its end: copy of the ledger, key, log, certificate. May be repeated from any point.
async fn finish(app: &App, fenced: &ErasureRecord) -> Result<ErasureRecord, Problem> {
    ledger::copy(app).await?;
    match app.keys.destroy(fenced.tenant.uuid(), fenced.key).await {
        // A key store from before the key was made: there is nothing to destroy.
        Ok(()) | Err(VaultError::Integrity(_)) => {}
        Err(error) => return Err(error.into()),
    }
    app.db.wipe_log().await?;
    app.directory.change(fenced.tenant.uuid(), fenced.customer.uuid(), None);
    let now = app.clock.now();
    let mut done = fenced.clone();
    let mut tx = app.db.begin().await?;
    // An answer that was being kept while the record went.
    let late = idempotency::erase(&mut tx, fenced.customer).await?;
    done.removed.answers += i64::try_from(late).unwrap_or(i64::MAX);
    let number = rows_ledger::of_key(&app.db, fenced.key).await?.ok_or(Problem::new(ProblemKind::Integrity))?;
    done.certificate = Some(certificate::of(app, &done, now, number)?);
    (done.state, done.completed_at, done.updated_at, done.revision) =
        (State::Complete, Some(now), now, fenced.revision + 1);
    if !rows::complete(&mut tx, &done).await? {
        // Another process was faster; what it says holds.
        return rows::of_customer(&app.db, fenced.customer).await?.ok_or(Problem::not_found());
    }
    tx.record(event(app, &done, "complete")?).await?.commit().await?;
    Ok(done)
}

/// Brings all erasures to their end that something has interrupted. One that can't be stands in no other's way; its problem
/// is told at the end.
pub async fn go_on(app: &App) -> Result<(), Problem> {
    let (mut after, mut fault) = (Id::from_uuid(Uuid::nil()), None);
    loop {
        let open = rows::open(&app.db, after).await?;
        let Some(last) = open.last() else { return fault.map_or(Ok(()), Err) };
        after = last.id;
        for fenced in &open {
            if let Err(problem) = resume(app, fenced).await {
                tracing::warn!(%problem, erasure = %fenced.id, "an erasure waits for its end");
                fault = Some(problem);
            }
        }
    }
}

async fn resume(app: &App, fenced: &ErasureRecord) -> Result<(), Problem> {
    app.keys.ensure_tenant(fenced.tenant.uuid()).await?;
    finish(app, fenced).await.map(drop)
}

/// Removes once more whom older data has brought back, as the ledger's copy or the key store says. [`go_on`] brings it to
/// its end, once the copy of the ledger can take it.
pub(super) async fn again(app: &App, entry: &Entry) -> Result<(), Problem> {
    let (tenant, customer) = (Id::<Tenant>::from_uuid(entry.tenant), Id::<Customer>::from_uuid(entry.subject));
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let hanging = people::erase::remove_again(&mut tx, tenant, customer).await?.unwrap_or_default();
    let removed = remove_traces(&mut tx, (tenant, customer), hanging, now).await?;
    ledger::enter(app, &mut tx, (tenant, customer, entry.key), entry.at).await?;
    let record = ErasureRecord {
        tenant,
        id: app.new_id(),
        customer,
        key: entry.key,
        ground: None,
        state: State::Fenced,
        requested_by: None,
        removed,
        created_at: entry.at,
        updated_at: now,
        completed_at: None,
        certificate: None,
        revision: 1,
    };
    // Data from before the tenant was made knows neither it nor its customers; only the key is left to be destroyed.
    let is_known = rows::tenant_exists(&mut tx, tenant).await?;
    if is_known {
        app.keys.ensure_tenant(entry.tenant).await?;
        rows::insert(&mut tx, &record).await?;
        tx.record(event(app, &record, "again")?).await?.commit().await?;
        app.directory.change(entry.tenant, entry.subject, None);
        return Ok(());
    }
    tx.commit_without_event("an erasure of a tenant that this older data doesn't know; the ledger holds it").await?;
    match app.keys.destroy(entry.tenant, entry.key).await {
        Ok(()) | Err(VaultError::Integrity(_) | VaultError::UnknownTenant) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// What the program does by itself, on record.
fn event(app: &App, record: &ErasureRecord, step: &'static str) -> Result<Event, Problem> {
    let hash = app.keys.audit_hash(record.tenant.uuid(), record.customer.uuid())?;
    let event = Event {
        id: app.new_id(),
        at: app.clock.now(),
        tenant: record.tenant,
        owner: Some(record.tenant),
        actor: "system:erasure".into(),
        channel: Channel::Job.as_str().into(),
        request: "".into(),
        class: Class::Write,
        action: "customer.erase".into(),
        entity: Object::Customer.as_str().into(),
        record: Some(record.customer.uuid()),
        subjects: vec![hash],
        compartments: 0,
        purpose: "compliance".into(),
        outcome: Outcome::Allowed,
        detail: BTreeMap::new(),
    };
    Ok(event.compartments(CompartmentSet::ALL).code("step", step).code("erasure", record.id.to_string()))
}

/// A page of erasures, and after which one the next page starts.
pub struct Found {
    pub records: Vec<ErasureRecord>,
    pub next: Option<Id<Erasure>>,
    pub total: Option<u64>,
}

/// The newest first.
pub async fn list(
    app: &App,
    scope: &Scope<Oversee>,
    filter: &ListFilter,
    (after, size, count): (Option<Id<Erasure>>, u32, bool),
) -> Result<Found, Problem> {
    scope.require_any()?;
    let total = if count { Some(rows::count(&app.db, scope, filter).await?.unsigned_abs()) } else { None };
    let mut records = rows::list(&app.db, scope, filter, after, i64::from(size) + 1).await?;
    let more = records.len() > size as usize;
    records.truncate(size as usize);
    let next = records.last().filter(|_| more).map(|record| record.id);
    Ok(Found { records, next, total })
}

/// One erasure; 404 when there is none that the caller oversees.
pub async fn show(app: &App, scope: &Scope<Oversee>, id: Id<Erasure>) -> Result<ErasureRecord, Problem> {
    rows::get(&app.db, scope, id).await?.ok_or(Problem::not_found())
}
