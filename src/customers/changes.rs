//! One change to one customer inside a transaction of somebody else's: what bulk changes and imports share.
//!
//! Planning and writing are two steps: a preview plans only, and says the same as the run would.
//!
//! Must never: change what the one who asked may not see, or write what was not planned in the same transaction.

use std::collections::HashSet;
use std::sync::Arc;

use kluis_core::access::{Actor, Purpose, RelSet, Scope, ScopedPermission};
use kluis_core::audit::Event;
use kluis_core::kernel::{Id, Problem, ProblemKind, id::Customer, id::User};
use kluis_core::privacy::{Compartment, CompartmentSet, DataKey};
use kluis_core::store::{Tx, Unaudited};

use super::access::{Archive, Assign, Bulk, Import, Read, Update};
use super::model::{self, CustomerDraft, ExactKey, KeyDigest, Valid};
use super::rows::{self, CustomerRow};
use super::rules::{self, TenantRules};
use super::undo::Before;
use super::{duplicates, index, seal, service, view};
use crate::app::App;

/// A change that is checked and only has to be written.
pub struct Change {
    pub(super) row: CustomerRow,
    pub(super) key: DataKey,
    pub(super) before: CustomerDraft,
    pub(super) wanted: Valid,
    pub(super) changed: CompartmentSet,
    pub(super) owner: Option<Id<User>>,
    /// Put away (true) or not, after the change.
    pub(super) archived: bool,
}

impl Change {
    pub const fn id(&self) -> Id<Customer> {
        self.row.id
    }

    fn is_archival(&self) -> bool {
        self.archived != self.row.plain.archived_at.is_some()
    }

    fn is_of_the_form(&self) -> bool {
        *self.wanted.draft() != self.before
    }

    /// What only one customer may have, in the compartments that change.
    fn keys(&self) -> Vec<ExactKey> {
        let mut keys = model::exact_keys(self.wanted.draft());
        keys.retain(|key| self.changed.contains(index::compartment(key.field)));
        keys
    }
}

/// What was written, for the transaction's events and for whoever wants to take it back.
pub struct Written {
    pub id: Id<Customer>,
    pub revision: i64,
    /// The record before the change, sealed under its own key.
    pub before: Option<Vec<u8>>,
    pub event: Event,
}

/// Writes a planned change; the caller records the event and commits.
pub(super) async fn write<P: ScopedPermission>(
    app: &App,
    tx: &mut Tx<Unaudited>,
    scope: &Scope<P>,
    change: Change,
) -> Result<Written, Problem> {
    let is_archival = change.is_archival();
    let Change { row, key, before, wanted, changed, owner, archived } = change;
    let wanted = wanted.draft();
    let now = app.clock.now();
    let mut plain = service::plain_of(wanted, owner, Some((&row.plain, changed)), now);
    plain.archived_at = archived.then_some(row.plain.archived_at.unwrap_or(now));
    let image = Before::of(&row).seal(&key, (row.tenant, row.id), plain.revision)?;
    let kept = rows::SealedParts { ..row.sealed };
    let sealed = seal::seal(&key, row.tenant, row.id, &plain, wanted, changed, kept)?;
    let new = rows::NewRow {
        tenant: row.tenant,
        id: row.id,
        plain: &plain,
        key: key.id(),
        sealed: &sealed.parts,
        fingerprints: &sealed.fingerprints,
        mac: &sealed.mac,
    };
    if !rows::update(tx, scope, &new, row.plain.revision).await? {
        // Planned and written in one transaction: somebody else was faster all the same.
        return Err(Problem::new(ProblemKind::Unavailable));
    }
    index::rewrite(app, tx, row.tenant, row.id, wanted, changed).await?;
    let mut event = app
        .event(scope)
        .record(row.id, row.tenant)
        .subjects([app.keys.audit_hash(row.tenant.uuid(), row.id.uuid())?])
        .compartments(changed)
        .names("fields", service::changed_names(&before, wanted, changed));
    if is_archival {
        event = event.code("archived", archived.to_string());
    }
    Ok(Written { id: row.id, revision: plain.revision, before: Some(image), event })
}

/// What is wanted of a customer. `form` gives the wanted form of the one that is there.
pub struct Wish<'a> {
    pub form: &'a (dyn Fn(&CustomerDraft) -> Result<CustomerDraft, Problem> + Sync),
    pub archived: Option<bool>,
}

/// What would become of one customer.
pub enum Plan {
    Write(Box<Change>),
    Unchanged,
    /// There is none that the one who asked may read.
    NotFound,
    Refused {
        codes: Vec<&'static str>,
    },
}

fn refuse(kind: ProblemKind) -> Plan {
    Plan::Refused { codes: vec![kind.slug()] }
}

/// What only one customer may have and what changes that were planned, but not written, would take: a preview finds here
/// what the run finds in the database. Hashes only.
#[derive(Default)]
pub struct Taken(HashSet<KeyDigest>);

impl Taken {
    /// Counts a planned change among those that later ones are compared with.
    pub fn add(&mut self, change: &Change) {
        self.0.extend(change.keys().iter().map(ExactKey::digest));
    }

    fn has(&self, key: &ExactKey) -> bool {
        !self.0.is_empty() && self.0.contains(&key.digest())
    }
}

/// What only one customer may have and changes that were planned, but not written, would give up: a preview doesn't find
/// it taken, nor does the run. Hashes only.
#[derive(Default)]
pub struct Freed(HashSet<KeyDigest>);

impl Freed {
    /// Counts a planned change.
    pub fn add(&mut self, change: &Change) {
        let kept: HashSet<_> = model::exact_keys(change.wanted.draft()).iter().map(ExactKey::digest).collect();
        let had = model::exact_keys(&change.before);
        self.0.extend(had.iter().map(ExactKey::digest).filter(|key| !kept.contains(key)));
    }

    pub(super) fn has(&self, key: &ExactKey) -> bool {
        !self.0.is_empty() && self.0.contains(&key.digest())
    }
}

/// The decisions under which somebody changes customers of their tenant in bulk.
pub struct Changes {
    bulk: Scope<Bulk>,
    import: Scope<Import>,
    update: Scope<Update>,
    archive: Scope<Archive>,
    assign: Scope<Assign>,
    read: Scope<Read>,
    rules: TenantRules,
}

impl Changes {
    /// Decides for this actor; 403 without the right to change customers in bulk.
    pub async fn open(
        app: &App,
        actor: &Arc<Actor>,
        purpose: Option<Purpose>,
        request: Arc<str>,
    ) -> Result<Self, Problem> {
        let bulk = Scope::<Bulk>::decide(actor, purpose, request);
        bulk.require_any()?;
        let rules = rules::of_tenant(app, bulk.tenant()).await?;
        app.keys.ensure_tenant(bulk.tenant().uuid()).await?;
        let (import, update, archive, assign) = (bulk.also(), bulk.also(), bulk.also(), bulk.also());
        // One look at a record for all the decisions about it.
        let read = bulk.also::<Read>().beside(&bulk).beside(&import).beside(&update).beside(&archive).beside(&assign);
        Ok(Self { bulk, import, update, archive, assign, read, rules })
    }

    pub const fn scope(&self) -> &Scope<Bulk> {
        &self.bulk
    }

    /// Looks what would become of a customer. What stands in the way of this one is its result; only what isn't its own
    /// (a stale decision, a sealed vault) is a problem of the caller's.
    pub async fn plan(
        &self,
        app: &App,
        tx: &mut Tx<Unaudited>,
        id: Id<Customer>,
        wish: &Wish<'_>,
        taken: &Taken,
    ) -> Result<Plan, Problem> {
        let Some(row) = rows::get_in(tx, &self.read, id).await? else { return Ok(Plan::NotFound) };
        // Customers of organisations below are changed by acting for those.
        if row.tenant != self.bulk.tenant() || !self.bulk.permits(row.rels) {
            return Ok(refuse(ProblemKind::Forbidden));
        }
        let change = match self.change(app, row, wish).await {
            Ok(change) => change,
            Err(problem) => return refused(problem),
        };
        if !change.is_of_the_form() && !change.is_archival() {
            return Ok(Plan::Unchanged);
        }
        if let Some(kind) = self.forbids(&change) {
            return Ok(refuse(kind));
        }
        let new_owner = change.owner.filter(|owner| Some(*owner) != change.row.plain.owner);
        if let Err(problem) = rules::require_member(tx, change.row.tenant, new_owner).await {
            return refused(problem);
        }
        for key in change.keys() {
            let of_others = duplicates::find(app, tx, change.row.tenant, Some(id), std::slice::from_ref(&key)).await?;
            if of_others.is_some() || taken.has(&key) {
                return Ok(Plan::Refused { codes: vec![ProblemKind::Duplicate.slug(), key.field.name()] });
            }
        }
        Ok(Plan::Write(Box::new(change)))
    }

    /// The change that is wanted of a row, checked as a single one is.
    async fn change(&self, app: &App, row: CustomerRow, wish: &Wish<'_>) -> Result<Change, Problem> {
        let key = service::subject_key(app, &row).await?;
        let mut before = CustomerDraft::from(&view::open(&self.read, &key, &row)?);
        let mut asked = (wish.form)(&before)?;
        if asked.identity == before.identity && !self.clear(row.rels).contains(Compartment::Identity) {
            // A name that the caller can't see, and leaves alone, stays; without one no record is valid.
            before.identity = service::unseen_identity(&key, &row)?;
            asked.identity.clone_from(&before.identity);
        }
        let wanted = Valid::parse(asked, &self.rules.rules(app).over(&before))?;
        let changed = view::changed(&before, wanted.draft());
        let owner = service::owner_of(wanted.draft());
        let archived = wish.archived.unwrap_or(row.plain.archived_at.is_some());
        Ok(Change { row, key, before, wanted, changed, owner, archived })
    }

    fn clear(&self, rels: RelSet) -> CompartmentSet {
        self.read.disclosure(rels).clear()
    }

    /// Rights on this very record, as it is and as it would be.
    fn forbids(&self, change: &Change) -> Option<ProblemKind> {
        let rels = change.row.rels;
        if !change.changed.difference(self.clear(rels)).is_empty() {
            return Some(ProblemKind::FieldNotPermitted);
        }
        let is_own = change.owner.is_some() && change.owner == self.bulk.actor().user();
        let needed = Needed {
            import: false,
            update: change.is_of_the_form(),
            archive: change.is_archival(),
            assign: change.owner != change.row.plain.owner,
            compartments: change.changed,
        };
        self.lacks(rels, needed).or_else(|| self.lacks(service::with_owner(rels, is_own), needed))
    }

    fn lacks(&self, rels: RelSet, needed: Needed) -> Option<ProblemKind> {
        if !needed.compartments.difference(self.update.editable(rels)).is_empty() {
            return Some(ProblemKind::FieldNotPermitted);
        }
        let may = self.bulk.permits(rels)
            && (!needed.import || self.import.permits(rels))
            && (!needed.update || self.update.permits(rels))
            && (!needed.archive || self.archive.permits(rels))
            && (!needed.assign || self.assign.permits(rels));
        (!may).then_some(ProblemKind::Forbidden)
    }

    /// Writes a planned change; the caller records the event and commits.
    pub async fn write(&self, app: &App, tx: &mut Tx<Unaudited>, change: Change) -> Result<Written, Problem> {
        if change.is_of_the_form() {
            return write(app, tx, &self.update, change).await;
        }
        write(app, tx, &self.archive, change).await
    }

    /// Why whoever asks may not take back a change that needed these rights; `None` when they may.
    pub async fn keeps_from_taking_back(
        &self,
        tx: &mut Tx<Unaudited>,
        id: Id<Customer>,
        needed: Needed,
    ) -> Result<Option<ProblemKind>, Problem> {
        let Some(row) = rows::get_in(tx, &self.read, id).await? else { return Ok(Some(ProblemKind::NotFound)) };
        if row.tenant != self.bulk.tenant() {
            return Ok(Some(ProblemKind::Forbidden));
        }
        if !needed.compartments.difference(self.clear(row.rels)).is_empty() {
            return Ok(Some(ProblemKind::FieldNotPermitted));
        }
        Ok(self.lacks(row.rels, needed))
    }

    /// 403 when whoever asks has one of these rights on no record at all.
    pub fn require(&self, needed: Needed) -> Result<(), Problem> {
        if needed.import {
            self.import.require_any()?;
        }
        if needed.update {
            self.update.require_any()?;
        }
        if needed.archive {
            self.archive.require_any()?;
        }
        if needed.assign {
            self.assign.require_any()?;
        }
        needed.compartments.iter().try_for_each(|compartment| self.read.require_visible(compartment))
    }
}

/// The rights that a change asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a right of its own, and all sixteen combinations occur")]
pub struct Needed {
    /// Bringing in: making some, changing others.
    pub import: bool,
    pub update: bool,
    pub archive: bool,
    pub assign: bool,
    pub compartments: CompartmentSet,
}

impl Needed {
    pub const NOTHING: Self =
        Self { import: false, update: false, archive: false, assign: false, compartments: CompartmentSet::EMPTY };
}

/// A form with faults is refused with their codes, another problem with its own; what isn't the record's goes on.
fn refused(problem: Problem) -> Result<Plan, Problem> {
    Ok(Plan::Refused { codes: codes_of(problem)? })
}

/// The same, as codes.
pub(super) fn codes_of(problem: Problem) -> Result<Vec<&'static str>, Problem> {
    use ProblemKind::{Internal, Sealed, TooManyRequests, Unavailable};
    if matches!(problem.kind, Unavailable | Internal | Sealed | TooManyRequests) {
        return Err(problem);
    }
    if problem.faults.is_empty() {
        return Ok(vec![problem.kind.slug()]);
    }
    let mut codes: Vec<&'static str> = problem.faults.iter().map(|fault| fault.code).collect();
    codes.sort_unstable();
    codes.dedup();
    Ok(codes)
}
