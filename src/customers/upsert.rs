//! What an import does with customers: look whether somebody is there already, then make or change them.
//!
//! Planning and writing are two steps: a dry run plans only, and says the same as the run would.
//!
//! Must never: change what the importer may not see, or tell who the other one is to somebody who may not see them.

use std::sync::Arc;

use kluis_core::access::{Actor, Purpose, Scope};
use kluis_core::kernel::{CountryCode, Id, Problem, ProblemKind, id::Customer, id::Tenant, id::User};
use kluis_core::privacy::{Compartment, CompartmentSet, IndexField};
use kluis_core::store::{Tx, Unaudited};

use super::access::{Assign, Create, Import, Read, Update};
use super::model::{self, CustomerDraft, ExactKey, Valid};
use super::rows::{self, CustomerRow};
use super::rules::{self, TenantRules};
use super::{changes, duplicates, index, service, view};
use crate::app::App;
use crate::custom_fields::FieldRule;
pub use changes::{Change, Freed, Written};

/// The decisions under which an import writes.
pub struct Upserts {
    import: Scope<Import>,
    create: Scope<Create>,
    update: Scope<Update>,
    assign: Scope<Assign>,
    read: Scope<Read>,
    rules: TenantRules,
}

/// Makes the wanted form of a customer that is there, out of how it is and what was sent (checked, as a new one).
pub type Merge<'a> = &'a (dyn Fn(&CustomerDraft, &CustomerDraft) -> Result<CustomerDraft, Problem> + Sync);

/// What would become of one imported customer.
pub enum Plan {
    Create(Box<Valid>),
    Update(Box<Change>),
    Unchanged {
        id: Id<Customer>,
    },
    /// Another customer has the same address, number or id. Who, only if the importer may see that.
    Duplicate {
        id: Option<Id<Customer>>,
        codes: Vec<&'static str>,
    },
    Refused {
        codes: Vec<&'static str>,
    },
}

/// A plan, and the compartments that it leaves as they are because the importer can't see them.
pub struct Planned {
    pub plan: Plan,
    pub kept: CompartmentSet,
}

/// The tenant's custom fields, those that are put away among them, and its country.
pub async fn fields(app: &App, tenant: Id<Tenant>) -> Result<(Vec<FieldRule>, CountryCode), Problem> {
    let rules = rules::of_tenant(app, tenant).await?;
    Ok((rules.fields().to_vec(), rules.country()))
}

impl Upserts {
    /// Decides for this actor; 403 without the right to import customers.
    pub async fn open(
        app: &App,
        actor: &Arc<Actor>,
        purpose: Option<Purpose>,
        request: Arc<str>,
    ) -> Result<Self, Problem> {
        let import = Scope::<Import>::decide(actor, purpose, request);
        import.require_any()?;
        let rules = rules::of_tenant(app, import.tenant()).await?;
        app.keys.ensure_tenant(import.tenant().uuid()).await?;
        let update = import.also();
        let assign = import.also();
        let read = import.also::<Read>().beside(&update).beside(&assign);
        Ok(Self { create: import.also(), update, assign, read, import, rules })
    }

    pub const fn scope(&self) -> &Scope<Import> {
        &self.import
    }

    /// The tenant's custom fields, those that are put away among them.
    pub const fn fields(&self) -> &Arc<[FieldRule]> {
        self.rules.fields()
    }

    /// Compartments that the importer may write at all, in a new customer.
    pub fn writable(&self) -> CompartmentSet {
        service::writable(&self.create)
    }

    /// What is sent, checked as a new customer is; or the codes of what is wrong with it.
    pub fn check(&self, app: &App, fresh: CustomerDraft) -> Result<Result<Valid, Vec<&'static str>>, Problem> {
        match Valid::parse(fresh, &self.rules.rules(app)) {
            Ok(valid) => Ok(Ok(valid)),
            Err(problem) => changes::codes_of(problem).map(Err),
        }
    }

    /// Looks what would become of a customer: `fresh` if nobody is there under its external id, otherwise whatever
    /// `merge` makes of the one who is. `freed` is what earlier ones would have given up, in a preview.
    pub async fn plan(
        &self,
        app: &App,
        tx: &mut Tx<Unaudited>,
        fresh: Valid,
        merge: Merge<'_>,
        freed: &Freed,
    ) -> Result<Planned, Problem> {
        let keys = model::exact_keys(fresh.draft());
        let (external, others): (Vec<_>, Vec<_>) = keys.into_iter().partition(|k| k.field == IndexField::ExternalId);
        if let Some(there) = duplicates::find(app, tx, self.import.tenant(), None, &external).await? {
            return self.plan_change(app, tx, there.id, (&fresh, merge), freed).await;
        }
        if let Some(plan) = self.collision(app, tx, None, &others, freed).await? {
            return Ok(plan.into());
        }
        Ok(self.plan_new(app, tx, fresh).await?.into())
    }

    async fn plan_new(&self, app: &App, tx: &mut Tx<Unaudited>, fresh: Valid) -> Result<Plan, Problem> {
        // Only now it is known to be a new one.
        if let Err(problem) = fresh.require_filled(&self.rules.rules(app).filling(self.writable())) {
            return refused(problem);
        }
        let owner = service::owner_of(fresh.draft());
        if let Err(problem) = rules::require_member(tx, self.import.tenant(), owner).await {
            return refused(problem);
        }
        let rels = self.create.relations_of_new(self.is_me(owner));
        if !self.create.permits(rels) {
            return Ok(refuse(ProblemKind::Forbidden));
        }
        if !view::held(fresh.draft()).difference(self.create.editable(rels)).is_empty() {
            return Ok(refuse(ProblemKind::FieldNotPermitted));
        }
        Ok(Plan::Create(Box::new(fresh)))
    }

    fn is_me(&self, owner: Option<Id<User>>) -> bool {
        owner.is_some() && owner == self.import.actor().user()
    }

    async fn plan_change(
        &self,
        app: &App,
        tx: &mut Tx<Unaudited>,
        id: Id<Customer>,
        sent: (&Valid, Merge<'_>),
        freed: &Freed,
    ) -> Result<Planned, Problem> {
        let Some(row) = rows::get_in(tx, &self.read, id).await? else {
            return Ok(Plan::Duplicate { id: None, codes: vec![IndexField::ExternalId.name()] }.into());
        };
        if !self.update.permits(row.rels) {
            return Ok(refuse(ProblemKind::Forbidden).into());
        }
        let (change, kept) = match self.change_of(app, row, sent).await {
            Ok(planned) => planned,
            Err(problem) => return Ok(refused(problem)?.into()),
        };
        if *change.wanted.draft() == change.before {
            return Ok(Planned { plan: Plan::Unchanged { id }, kept });
        }
        if let Some(plan) = self.forbids(&change) {
            return Ok(plan.into());
        }
        let new_owner = change.owner.filter(|owner| Some(*owner) != change.row.plain.owner);
        if let Err(problem) = rules::require_member(tx, change.row.tenant, new_owner).await {
            return Ok(refused(problem)?.into());
        }
        let keys = model::exact_keys(change.wanted.draft());
        if let Some(plan) = self.collision(app, tx, Some(id), &keys, freed).await? {
            return Ok(plan.into());
        }
        Ok(Planned { plan: Plan::Update(Box::new(change)), kept })
    }

    /// The change that `merge` makes of a row, and the compartments that it leaves because they can't be seen.
    async fn change_of(
        &self,
        app: &App,
        row: CustomerRow,
        (fresh, merge): (&Valid, Merge<'_>),
    ) -> Result<(Change, CompartmentSet), Problem> {
        let key = service::subject_key(app, &row).await?;
        let mut before = CustomerDraft::from(&view::open(&self.read, &key, &row)?);
        let mut wanted = merge(&before, fresh.draft())?;
        let clear = self.read.disclosure(row.rels).clear();
        let kept = keep_unseen(&before, &mut wanted, clear);
        if !clear.contains(Compartment::Identity) {
            // A name that can't be seen stays; without one no record is valid.
            before.identity = service::unseen_identity(&key, &row)?;
            wanted.identity.clone_from(&before.identity);
        }
        let wanted = Valid::parse(wanted, &self.rules.rules(app).over(&before))?;
        let changed = view::changed(&before, wanted.draft());
        let owner = service::owner_of(wanted.draft());
        let archived = row.plain.archived_at.is_some();
        Ok((Change { row, key, before, wanted, changed, owner, archived }, kept))
    }

    /// Rights on this very record, as it is and as it would be.
    fn forbids(&self, change: &Change) -> Option<Plan> {
        let rels = change.row.rels;
        if !change.changed.difference(self.update.editable(rels)).is_empty() {
            return Some(refuse(ProblemKind::FieldNotPermitted));
        }
        if change.owner == change.row.plain.owner {
            return None;
        }
        let after = service::with_owner(rels, self.is_me(change.owner));
        let may = |rels| self.update.permits(rels) && self.assign.permits(rels);
        (!may(rels) || !may(after)).then(|| refuse(ProblemKind::Forbidden))
    }

    /// Somebody else who has one of these keys, with all the fields that the two share.
    async fn collision(
        &self,
        app: &App,
        tx: &mut Tx<Unaudited>,
        except: Option<Id<Customer>>,
        keys: &[ExactKey],
        freed: &Freed,
    ) -> Result<Option<Plan>, Problem> {
        let mut found: Option<(Id<Customer>, Vec<&'static str>)> = None;
        for key in keys.iter().filter(|key| !freed.has(key)) {
            let one = std::slice::from_ref(key);
            let Some(there) = duplicates::find(app, tx, self.import.tenant(), except, one).await? else { continue };
            let (id, codes) = found.get_or_insert_with(|| (there.id, Vec::new()));
            let code = there.field.name();
            if *id == there.id && !codes.contains(&code) {
                codes.push(code);
            }
        }
        let Some((id, codes)) = found else { return Ok(None) };
        let row = rows::get_in(tx, &self.read, id).await?;
        let seen = row.is_some_and(|row| {
            let clear = self.read.disclosure(row.rels).clear();
            let fields = codes.iter().filter_map(|code| IndexField::from_name(code));
            fields.map(index::compartment).all(|compartment| clear.contains(compartment))
        });
        Ok(Some(Plan::Duplicate { id: seen.then_some(id), codes }))
    }

    /// Makes a planned customer; the caller records the event and commits.
    pub async fn create(&self, app: &App, tx: &mut Tx<Unaudited>, valid: &Valid) -> Result<Written, Problem> {
        let made = service::create_in(app, &self.create, tx, valid).await?;
        let event = service::created_event(app, &self.create, &made)?;
        Ok(Written { id: made.row.id, revision: made.row.plain.revision, before: None, event })
    }

    /// Writes a planned change; the caller records the event and commits.
    pub async fn change(&self, app: &App, tx: &mut Tx<Unaudited>, change: Change) -> Result<Written, Problem> {
        changes::write(app, tx, &self.update, change).await
    }
}

impl From<Plan> for Planned {
    fn from(plan: Plan) -> Self {
        Self { plan, kept: CompartmentSet::EMPTY }
    }
}

fn refuse(kind: ProblemKind) -> Plan {
    Plan::Refused { codes: vec![kind.slug()] }
}

/// A draft with faults is refused with their codes, another problem with its own; what isn't the record's goes on.
fn refused(problem: Problem) -> Result<Plan, Problem> {
    Ok(Plan::Refused { codes: changes::codes_of(problem)? })
}

/// Takes back what would change a compartment that can't be seen; gives which ones those are.
fn keep_unseen(before: &CustomerDraft, wanted: &mut CustomerDraft, clear: CompartmentSet) -> CompartmentSet {
    let unseen = view::changed(before, wanted).difference(clear);
    for compartment in unseen.iter() {
        match compartment {
            Compartment::Identity => wanted.identity = before.identity.clone(),
            Compartment::Contact => wanted.contact.clone_from(&before.contact),
            Compartment::Financial => wanted.financial.clone_from(&before.financial),
            Compartment::Profile => wanted.profile.clone_from(&before.profile),
            Compartment::Notes => wanted.notes.clone_from(&before.notes),
            Compartment::Special => wanted.special.clone_from(&before.special),
        }
    }
    unseen
}
