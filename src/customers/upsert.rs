//! What an import does with customers: look whether somebody is there already, then make or change them.
//!
//! Planning and writing are two steps: a dry run plans only, and says the same as the run would.
//!
//! Must never: change what the importer may not see, or tell who the other one is to somebody who may not see them.

use std::sync::Arc;

use kluis_core::access::{Actor, Purpose, Scope};
use kluis_core::kernel::{CountryCode, Id, Problem, ProblemKind, id::Customer, id::Tenant};
use kluis_core::privacy::{Compartment, CompartmentSet, IndexField};
use kluis_core::store::{Tx, Unaudited};

use super::access::{Create, Import, Read, Update};
use super::model::{self, CustomerDraft, ExactKey, Valid};
use super::rows;
use super::rules::{self, TenantRules};
use super::{changes, duplicates, index, service, view};
use crate::app::App;
use crate::custom_fields::FieldRule;
pub use changes::{Change, Written};

/// The decisions under which an import writes.
pub struct Upserts {
    import: Scope<Import>,
    create: Scope<Create>,
    update: Scope<Update>,
    read: Scope<Read>,
    rules: TenantRules,
}

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
        let read = import.also::<Read>().beside(&update);
        Ok(Self { create: import.also(), update, read, import, rules })
    }

    pub const fn scope(&self) -> &Scope<Import> {
        &self.import
    }

    /// The tenant's custom fields, those that are put away among them.
    pub fn fields(&self) -> &[FieldRule] {
        self.rules.fields()
    }

    /// Compartments that the importer may write at all, in a new customer.
    pub fn writable(&self) -> CompartmentSet {
        service::writable(&self.create)
    }

    /// Looks what would become of a customer: `fresh` if nobody is there under its external id, otherwise whatever
    /// `merge` makes of the one who is.
    pub async fn plan(
        &self,
        app: &App,
        tx: &mut Tx<Unaudited>,
        fresh: CustomerDraft,
        merge: &(dyn Fn(&CustomerDraft) -> CustomerDraft + Sync),
    ) -> Result<Planned, Problem> {
        let valid = match Valid::parse(fresh, &self.rules.rules(app)) {
            Ok(valid) => valid,
            Err(problem) => return refused(problem),
        };
        let keys = model::exact_keys(valid.draft());
        let (external, others): (Vec<_>, Vec<_>) = keys.into_iter().partition(|k| k.field == IndexField::ExternalId);
        if let Some(there) = duplicates::find(app, tx, self.import.tenant(), None, &external).await? {
            return self.plan_change(app, tx, there.id, merge).await;
        }
        // Only now it is known to be a new one.
        if let Err(problem) = valid.require_filled(&self.rules.rules(app).filling(self.writable())) {
            return refused(problem);
        }
        if let Some(plan) = self.collision(app, tx, None, &others).await? {
            return Ok(plan.into());
        }
        self.create.require(self.create.relations_of_new(false))?;
        let forbidden = view::held(valid.draft()).difference(self.writable());
        if !forbidden.is_empty() {
            return Ok(Plan::Refused { codes: vec![ProblemKind::FieldNotPermitted.slug()] }.into());
        }
        Ok(Plan::Create(Box::new(valid)).into())
    }

    async fn plan_change(
        &self,
        app: &App,
        tx: &mut Tx<Unaudited>,
        id: Id<Customer>,
        merge: &(dyn Fn(&CustomerDraft) -> CustomerDraft + Sync),
    ) -> Result<Planned, Problem> {
        let Some(row) = rows::get_in(tx, &self.read, id).await? else {
            return Ok(Plan::Duplicate { id: None, codes: vec![IndexField::ExternalId.name()] }.into());
        };
        if !self.update.permits(row.rels) {
            return Ok(Plan::Refused { codes: vec![ProblemKind::Forbidden.slug()] }.into());
        }
        let key = service::subject_key(app, &row).await?;
        let before = CustomerDraft::from(&view::open(&self.read, &key, &row)?);
        let clear = self.read.disclosure(row.rels).clear();
        let mut wanted = merge(&before);
        let kept = keep_unseen(&before, &mut wanted, clear);
        let wanted = match Valid::parse(wanted, &self.rules.rules(app).over(&before)) {
            Ok(valid) => valid,
            Err(problem) => return refused(problem),
        };
        let changed = view::changed(&before, wanted.draft());
        if *wanted.draft() == before {
            return Ok(Planned { plan: Plan::Unchanged { id }, kept });
        }
        if !changed.difference(self.update.editable(row.rels)).is_empty() {
            return Ok(Plan::Refused { codes: vec![ProblemKind::FieldNotPermitted.slug()] }.into());
        }
        if let Some(plan) = self.collision(app, tx, Some(id), &model::exact_keys(wanted.draft())).await? {
            return Ok(plan.into());
        }
        let (owner, archived) = (row.plain.owner, row.plain.archived_at.is_some());
        let change = Change { row, key, before, wanted, changed, owner, archived };
        Ok(Planned { plan: Plan::Update(Box::new(change)), kept })
    }

    /// Somebody else who has one of these keys, with all the fields that the two share.
    async fn collision(
        &self,
        app: &App,
        tx: &mut Tx<Unaudited>,
        except: Option<Id<Customer>>,
        keys: &[ExactKey],
    ) -> Result<Option<Plan>, Problem> {
        let mut found: Option<(Id<Customer>, Vec<&'static str>)> = None;
        for key in keys {
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

/// A draft with faults is refused with their codes; any other problem isn't the draft's.
fn refused(problem: Problem) -> Result<Planned, Problem> {
    if problem.faults.is_empty() {
        return Err(problem);
    }
    let mut codes: Vec<&'static str> = problem.faults.iter().map(|fault| fault.code).collect();
    codes.sort_unstable();
    codes.dedup();
    Ok(Plan::Refused { codes }.into())
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
