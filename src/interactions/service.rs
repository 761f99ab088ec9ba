//! What can be done with interactions. Every function takes a scope, and reaches the customer under the customer's own.

use kluis_core::access::{Scope, ScopedPermission};
use kluis_core::audit::Event;
use kluis_core::kernel::{Faults, Id, Phrase, Problem, ProblemKind, id::Customer, id::Interaction};
use kluis_core::privacy::{Compartment, CompartmentSet, DataKey, VaultError};
use kluis_core::store::{Tx, Unaudited};

use super::access::{Archive, Create, Read, Update};
use super::model::{self, InteractionDraft, Valid};
use super::rows::{self, After, InteractionRow, ListFilter, Plain};
use super::seal;
use super::view::{self, InteractionView};
use super::walk::{self, Walk};
use crate::app::App;
use crate::customers::reach::{self, Reached};
use crate::web::{ETag, Failure};

/// A page of interactions, and where the next one starts.
pub struct Found {
    pub views: Vec<InteractionView>,
    pub next: Option<After>,
}

/// One page of what the scope holds, as far as the customers may be read too.
pub async fn list(
    app: &App,
    scope: &Scope<Read>,
    filter: &ListFilter,
    after: Option<After>,
    size: u32,
) -> Result<Found, Problem> {
    scope.require_any()?;
    let size = size as usize;
    let (shown, next) = match filter.customer {
        None => Walk::new(app, scope, filter).page(after, size).await?,
        Some(customer) => match reach::one(app, &scope.also(), customer).await? {
            Some(reached) => walk::along(app, scope, reached, filter, after, size).await?,
            None => (Vec::new(), None),
        },
    };
    Ok(Found { views: disclose(app, scope, &shown).await?, next })
}

/// One page of a customer's timeline, the latest first; 404 when there is no such customer that the caller may read.
pub async fn timeline(
    app: &App,
    scope: &Scope<Read>,
    customer: Id<Customer>,
    filter: &ListFilter,
    after: Option<After>,
    size: u32,
) -> Result<Found, Problem> {
    let reached = reach::one(app, &scope.also(), customer).await?.ok_or(Problem::not_found())?;
    scope.require_any()?;
    let (shown, next) = walk::along(app, scope, reached, filter, after, size as usize).await?;
    Ok(Found { views: disclose(app, scope, &shown).await?, next })
}

/// Opens rows for the caller and puts the look at them on record.
async fn disclose(
    app: &App,
    scope: &Scope<Read>,
    rows: &[(InteractionRow, Reached)],
) -> Result<Vec<InteractionView>, Problem> {
    let mut views = Vec::with_capacity(rows.len());
    let mut subjects = Vec::with_capacity(rows.len());
    let mut shown = CompartmentSet::EMPTY;
    for run in rows.chunk_by(|a, b| a.1.tenant == b.1.tenant) {
        let tenant = run[0].1.tenant.uuid();
        app.keys.ensure_tenant(tenant).await?;
        let ids: Vec<_> = run.iter().map(|(_, customer)| customer.key).collect();
        for ((row, customer), key) in run.iter().zip(app.keys.subject_keys(tenant, &ids).await?) {
            let key = match key {
                Ok(key) => key,
                // Older data brought back whom somebody has erased: it is nobody's, and stands in the way of no other.
                Err(VaultError::Erased) => continue,
                Err(error) => return Err(error.into()),
            };
            views.push(view::open(scope, &key, row)?);
            subjects.push(app.keys.audit_hash(tenant, customer.id.uuid())?);
            let content = CompartmentSet::of(&[seal::compartment(&row.plain)?]);
            shown = shown.union(scope.disclosure(row.rels).clear().intersection(content));
        }
    }
    subjects.sort_unstable();
    subjects.dedup();
    let mut event = app.event(scope).subjects(subjects).compartments(shown).count("records", rows.len());
    if let [(one, _)] = rows {
        event = event.record(one.id, one.tenant);
    }
    app.record_read(event).await?;
    Ok(views)
}

/// How many interactions fit, as far as the customers may be read too.
pub async fn count(app: &App, scope: &Scope<Read>, filter: &ListFilter) -> Result<u64, Problem> {
    let Some(customer) = filter.customer else { return Walk::new(app, scope, filter).count().await };
    if reach::one(app, &scope.also(), customer).await?.is_none() {
        return Ok(0);
    }
    Ok(rows::count(&app.db, scope, filter).await?.unsigned_abs())
}

/// One interaction; 404 when there is none that the caller may read, its customer included.
pub async fn show(app: &App, scope: &Scope<Read>, id: Id<Interaction>) -> Result<InteractionView, Problem> {
    let (row, customer) = reachable(app, scope, id).await?;
    let mut views = disclose(app, scope, &[(row, customer)]).await?;
    views.pop().ok_or(Problem::not_found())
}

async fn reachable<P: ScopedPermission>(
    app: &App,
    scope: &Scope<P>,
    id: Id<Interaction>,
) -> Result<(InteractionRow, Reached), Problem> {
    let row = rows::get(&app.db, scope, id).await?.ok_or(Problem::not_found())?;
    let customer = reach::one(app, &scope.also(), row.plain.customer).await?.ok_or(Problem::not_found())?;
    Ok((row, customer))
}

/// Writes down an interaction with a customer that the caller may read.
pub async fn create(app: &App, scope: &Scope<Create>, draft: InteractionDraft) -> Result<InteractionView, Problem> {
    scope.require_any()?;
    let valid = Valid::parse(draft, app.clock.now())?;
    let customer = require_customers(app, scope, valid.draft()).await?;
    let key = subject_key(app, &customer).await?;
    let mut tx = app.db.begin().await?;
    reach::hold(&mut tx, &customer).await?;
    let row = create_in(app, scope, &mut tx, &customer, &key, &valid).await?;
    tx.record(created_event(app, scope, &customer, &row)?).await?.commit().await?;
    view::open(&scope.also::<Read>(), &key, &row)
}

/// The event that belongs to an interaction made by [`create_in`].
pub fn created_event(
    app: &App,
    scope: &Scope<Create>,
    customer: &Reached,
    row: &InteractionRow,
) -> Result<Event, Problem> {
    Ok(event(app, scope, customer, row)?.compartments(content_of(&row.plain)?))
}

/// Writes an interaction inside a transaction that holds the customer, and that the caller records and commits.
pub async fn create_in(
    app: &App,
    scope: &Scope<Create>,
    tx: &mut Tx<Unaudited>,
    customer: &Reached,
    key: &DataKey,
    valid: &Valid,
) -> Result<InteractionRow, Problem> {
    let now = app.clock.now();
    let id = app.new_id();
    let draft = valid.draft();
    let plain = Plain {
        customer: customer.id,
        author: scope.actor().user(),
        channel: draft.channel.code().to_owned(),
        direction: draft.direction.code().to_owned(),
        sensitivity: draft.sensitivity.code().to_owned(),
        occurred_at: draft.occurred_at.0,
        created_at: now,
        updated_at: now,
        archived_at: None,
        revision: 1,
    };
    let content = seal::seal(key, customer.tenant, id, &plain, &valid.content())?;
    let mac = seal::mac(key, customer.tenant, id, &plain, &content)?;
    let mut row =
        InteractionRow { tenant: customer.tenant, id, plain, content, mac, rels: kluis_core::access::RelSet::EMPTY };
    scope.still_current_in(tx).await?;
    rows::insert(tx, &row).await?;
    row.rels = rows::held(tx, scope, row.tenant, id).await?.ok_or(Problem::new(ProblemKind::Forbidden))?;
    require_editable(scope, &row, seal::compartment(&row.plain)?)?;
    reach::follow_contacts(tx, customer).await?;
    Ok(row)
}

/// Changes an interaction. `change` gets the present writable form and gives the wanted one.
pub async fn update(
    app: &App,
    scope: &Scope<Update>,
    id: Id<Interaction>,
    fits: impl FnOnce(ETag) -> Result<(), Failure>,
    change: impl FnOnce(&InteractionDraft) -> Result<InteractionDraft, Problem>,
) -> Result<InteractionView, Failure> {
    let (mut row, customer) = reachable(app, scope, id).await?;
    scope.require(row.rels)?;
    fits(ETag::of(row.plain.revision))?;
    let key = subject_key(app, &customer).await?;
    let read = scope.also::<Read>();
    let seen = view::open(&read, &key, &row)?;
    let before = InteractionDraft::from(&seen);
    let valid = Valid::parse(change(&before)?, app.clock.now())?;
    let wanted = valid.draft();
    require_same_customer(&before, wanted)?;
    require_customers(app, scope, wanted).await?;
    let resealed = before.sensitivity != wanted.sensitivity || model::content(&before) != valid.content();
    if resealed {
        require_seen(&seen)?;
        require_editable(scope, &row, before.sensitivity.compartment())?;
        require_editable(scope, &row, wanted.sensitivity.compartment())?;
    }
    let expected = row.plain.revision;
    wanted.channel.code().clone_into(&mut row.plain.channel);
    wanted.direction.code().clone_into(&mut row.plain.direction);
    wanted.sensitivity.code().clone_into(&mut row.plain.sensitivity);
    row.plain.occurred_at = wanted.occurred_at.0;
    row.plain.updated_at = app.clock.now();
    row.plain.revision += 1;
    if resealed {
        row.content = seal::seal(&key, row.tenant, id, &row.plain, &valid.content())?;
    }
    row.mac = seal::mac(&key, row.tenant, id, &row.plain, &row.content)?;
    let changed = if resealed { content_of(&row.plain)? } else { CompartmentSet::EMPTY };
    let event = event(app, scope, &customer, &row)?.compartments(changed).names("fields", names(&before, wanted));
    write(app, scope, &customer, &row, expected, event).await?;
    Ok(view::open(&read, &key, &row)?)
}

/// Puts an interaction away, or takes it back: it leaves the timeline, and nothing is lost.
pub async fn set_archived(
    app: &App,
    scope: &Scope<Archive>,
    id: Id<Interaction>,
    fits: impl FnOnce(ETag) -> Result<(), Failure>,
    archived: bool,
) -> Result<InteractionView, Failure> {
    let (mut row, customer) = reachable(app, scope, id).await?;
    scope.require(row.rels)?;
    fits(ETag::of(row.plain.revision))?;
    let key = subject_key(app, &customer).await?;
    seal::verify(&key, &row).map_err(|error| view::about(error, &row))?;
    let expected = row.plain.revision;
    let now = app.clock.now();
    row.plain.archived_at = archived.then_some(row.plain.archived_at.unwrap_or(now));
    row.plain.updated_at = now;
    row.plain.revision += 1;
    row.mac = seal::mac(&key, row.tenant, id, &row.plain, &row.content)?;
    let event = event(app, scope, &customer, &row)?.code("archived", archived.to_string());
    write(app, scope, &customer, &row, expected, event).await?;
    Ok(view::open(&scope.also::<Read>(), &key, &row)?)
}

async fn write<P: ScopedPermission>(
    app: &App,
    scope: &Scope<P>,
    customer: &Reached,
    row: &InteractionRow,
    expected: i64,
    event: Event,
) -> Result<(), Failure> {
    let mut tx = app.db.begin().await?;
    reach::hold(&mut tx, customer).await?;
    if !rows::update(&mut tx, scope, row, expected).await? {
        return Err(Failure::new(ProblemKind::PreconditionFailed));
    }
    reach::follow_contacts(&mut tx, customer).await?;
    tx.record(event).await?.commit().await?;
    Ok(())
}

fn event<P: ScopedPermission>(
    app: &App,
    scope: &Scope<P>,
    customer: &Reached,
    row: &InteractionRow,
) -> Result<Event, Problem> {
    let hash = app.keys.audit_hash(customer.tenant.uuid(), customer.id.uuid())?;
    Ok(app.event(scope).record(row.id, row.tenant).subjects([hash]))
}

fn content_of(plain: &Plain) -> Result<CompartmentSet, Problem> {
    Ok(CompartmentSet::of(&[seal::compartment(plain)?]))
}

/// The key under which everything about a customer is sealed.
pub async fn subject_key(app: &App, customer: &Reached) -> Result<DataKey, Problem> {
    app.keys.ensure_tenant(customer.tenant.uuid()).await?;
    Ok(app.keys.subject_key(customer.tenant.uuid(), customer.key).await?)
}

/// The customer and every participant must be ones that the caller may read, of one tenant.
async fn require_customers<P: ScopedPermission>(
    app: &App,
    scope: &Scope<P>,
    draft: &InteractionDraft,
) -> Result<Reached, Problem> {
    const UNKNOWN: Phrase = Phrase { en: "There is no such customer.", nl: "Deze klant bestaat niet." };
    let participants = draft.participants.iter().map(|participant| participant.customer_id);
    let mut ids: Vec<_> = participants.flatten().map(|id| id.0).collect();
    ids.push(draft.customer_id.0);
    let reached = reach::all(app, &scope.also(), &ids).await?;
    let customer = reached.get(&draft.customer_id.0);
    let mut faults = Faults::new();
    if customer.is_none() {
        faults.add("/customerId", "unknown", UNKNOWN);
    }
    for (at, participant) in draft.participants.iter().enumerate() {
        let fits = |id: Id<Customer>| reached.get(&id).is_some_and(|p| customer.is_none_or(|c| c.tenant == p.tenant));
        if participant.customer_id.is_some_and(|id| !fits(id.0)) {
            faults.add(format!("/participants/{at}/customerId"), "unknown", UNKNOWN);
        }
    }
    faults.into_result()?;
    customer.copied().ok_or(Problem::not_found())
}

fn require_same_customer(before: &InteractionDraft, after: &InteractionDraft) -> Result<(), Problem> {
    const FIXED: Phrase =
        Phrase { en: "An interaction stays with its customer.", nl: "Een contactmoment blijft bij zijn klant." };
    let mut faults = Faults::new();
    if before.customer_id != after.customer_id {
        faults.add("/customerId", "fixed", FIXED);
    }
    faults.into_result()
}

/// What is withheld can't be changed: nobody overwrites what they haven't seen.
fn require_seen(view: &InteractionView) -> Result<(), Problem> {
    match view.withheld.first() {
        None => Ok(()),
        Some(name) => Err(Problem::new(ProblemKind::FieldNotPermitted).member("compartments", name.clone())),
    }
}

/// 403 that names the compartment which this action may not touch.
fn require_editable<P: ScopedPermission>(
    scope: &Scope<P>,
    row: &InteractionRow,
    compartment: Compartment,
) -> Result<(), Problem> {
    if scope.editable(row.rels).contains(compartment) {
        return Ok(());
    }
    Err(Problem::new(ProblemKind::FieldNotPermitted).member("compartments", compartment.name()))
}

/// Names of what changed, for the audit event; never a value.
fn names(before: &InteractionDraft, after: &InteractionDraft) -> Vec<&'static str> {
    let differs = [
        ("channel", before.channel != after.channel),
        ("direction", before.direction != after.direction),
        ("occurredAt", before.occurred_at != after.occurred_at),
        ("sensitivity", before.sensitivity != after.sensitivity),
        ("subject", before.subject != after.subject),
        ("body", before.body != after.body),
        ("participants", before.participants != after.participants),
    ];
    differs.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name).collect()
}
