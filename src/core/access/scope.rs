//! A decision in the form in which it restricts rows: no statement about people's records runs without one.
//!
//! A scoped statement is a static text with markers, filled with the entity's static predicates:
//! - `{scope}`: the rows on which the permission's action is allowed;
//! - `{readable}`: the rows that may be read at all (for "forbidden or not found?");
//! - `{rel}`: an integer, one bit for each relation class in which the actor stands to the row;
//! - `{sees:contact}`: whether that compartment of the row is visible in clear.
//!
//! `{scope}` and `{readable}` bring a guard along: the epoch at which the decision was made must still be the
//! database's, in the same statement. A decision that has become stale finds nothing.
//!
//! Must never be constructible outside this crate's decision path.

use std::marker::PhantomData;
use std::sync::Arc;

use super::fill::{self, Shape};
use super::{Action, Actor, Entity, Formula, Purpose, Rel, RelSet, ScopedPermission};
use crate::args;
use crate::kernel::{Id, Phrase, Problem, ProblemKind, id::Tenant};
use crate::privacy::{Compartment, CompartmentSet, Disclosure};
use crate::store::{Args, Db, Engine, Ready, Row, Sql, StoreError, Tx, Unaudited};

/// What an actor may do with the rows of one entity.
pub struct Scope<P> {
    actor: Arc<Actor>,
    purpose: Option<Purpose>,
    shape: Shape,
    request: Arc<str>,
    permission: PhantomData<fn() -> P>,
}

/// What a scoped statement may end with.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Policy, roles or sessions changed since the decision: resolve the actor again and repeat.
    #[error("the decision is stale; the epoch is now {0}")]
    Stale(i64),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        const AGAIN: Phrase = Phrase {
            en: "Rights were changed while this was being answered. Try again.",
            nl: "Rechten zijn gewijzigd terwijl dit werd beantwoord. Probeer het opnieuw.",
        };
        match error {
            AccessError::Stale(_) => Self::new(ProblemKind::Unavailable).detail(AGAIN).member("code", "stale_decision"),
            AccessError::Store(error) => error.into(),
        }
    }
}

impl<P: ScopedPermission> Scope<P> {
    /// Asks the policy's decisions; the result may be empty, which is for the service to answer with 403 or 404.
    ///
    /// `purpose` is what the request names, or else the role's usual one; `request` stands in the audit events.
    pub fn decide(actor: &Arc<Actor>, purpose: Option<Purpose>, request: Arc<str>) -> Self {
        let object = P::Entity::OBJECT;
        let purpose = purpose.or_else(|| actor.purpose_for(P::OBJECT, P::ACTION));
        let mut impossible = RelSet::EMPTY;
        if actor.user().is_none() {
            impossible = impossible.with(Rel::Own);
        }
        if actor.self_record().is_none() && object != super::Object::User {
            impossible = impossible.with(Rel::Myself);
        }
        let ask = |object, action| {
            let formula = purpose.map_or(Formula::NOTHING, |purpose| actor.formula_at(object, action, purpose));
            Formula { allow: formula.allow.without(impossible), deny: formula.deny.without(impossible) }
        };
        // Writing a compartment is `update`, also when its record is created.
        let parts = |action: Action| {
            Compartment::ALL.map(|c| object.part(c.name()).map_or(Formula::NOTHING, |part| ask(part, action)))
        };
        let shape = Shape {
            read: ask(object, Action::Read),
            act: ask(P::OBJECT, P::ACTION),
            sees: parts(Action::Read),
            edits: parts(Action::Update),
            consent: purpose.is_some_and(Purpose::requires_consent),
            beside: RelSet::EMPTY,
        };
        Self { actor: Arc::clone(actor), purpose, shape, request, permission: PhantomData }
    }

    /// The same actor and purpose for another permission on the same or another entity.
    pub fn also<Q: ScopedPermission>(&self) -> Scope<Q> {
        Scope::decide(&self.actor, self.purpose, Arc::clone(&self.request))
    }

    /// The same, with `{rel}` telling also what the other decision looks at: without that, relations that were read under
    /// this scope must not be shown to the other one's [`Self::permits`], which would miss what it allows and denies.
    #[must_use]
    pub fn beside<Q: ScopedPermission<Entity = P::Entity>>(mut self, other: &Scope<Q>) -> Self {
        let Formula { allow, deny } = other.shape.act;
        self.shape.beside = self.shape.beside.union(allow).union(deny);
        self
    }

    pub fn actor(&self) -> &Arc<Actor> {
        &self.actor
    }

    pub fn tenant(&self) -> Id<Tenant> {
        self.actor.tenant()
    }

    /// The id of the request that this scope serves.
    pub fn request(&self) -> &str {
        &self.request
    }

    pub const fn purpose(&self) -> Option<Purpose> {
        self.purpose
    }

    /// Whether there could be any row at all.
    pub const fn is_empty(&self) -> bool {
        self.shape.act.is_empty()
    }

    /// 403 when nobody with these rights may do this to anything.
    pub fn require_any(&self) -> Result<(), Problem> {
        if self.is_empty() { Err(Problem::new(ProblemKind::Forbidden)) } else { Ok(()) }
    }

    /// Whether rows of other tenants than the acting one could be in it.
    pub const fn reaches_below(&self) -> bool {
        let classes = self.shape.act.classes();
        classes.contains(Rel::Sub) || classes.contains(Rel::Net) || classes.contains(Rel::Shared)
    }

    /// Whether the action is allowed on a row to which the actor stands in these relations.
    pub fn permits(&self, rels: RelSet) -> bool {
        self.shape.act.permits(rels)
    }

    /// 403 when the row may be read but not acted upon. (A row that may not be read was not found before.)
    pub fn require(&self, rels: RelSet) -> Result<(), Problem> {
        if self.permits(rels) { Ok(()) } else { Err(Problem::new(ProblemKind::Forbidden)) }
    }

    /// The relations in which the actor would stand to a new row of the acting tenant.
    pub fn relations_of_new(&self, owner_is_actor: bool) -> RelSet {
        let rels = RelSet::of(Rel::Unit).with(Rel::Net);
        if owner_is_actor { rels.with(Rel::Own) } else { rels }
    }

    /// What may be shown of a row to which the actor stands in these relations.
    pub fn disclosure(&self, rels: RelSet) -> Disclosure {
        Disclosure::decided(permitted(&self.shape.sees, rels))
    }

    /// The compartments that the action may touch in such a row.
    pub fn editable(&self, rels: RelSet) -> CompartmentSet {
        permitted(&self.shape.edits, rels)
    }

    /// Whether every row of the tenants that the scope reaches is in it, with this compartment visible in clear. Says no
    /// where that depends on the row.
    pub fn shows_everything(&self, compartment: Compartment) -> bool {
        let sees = self.shape.sees[compartment.index()];
        let wanted = if self.reaches_below() { RelSet::of(Rel::Unit).with(Rel::Sub) } else { RelSet::of(Rel::Unit) };
        let all = |formula: Formula| wanted.without(formula.allow).is_empty() && formula.deny.is_empty();
        all(self.shape.act) && all(sees) && !self.shape.consent
    }

    /// Whether the compartment could be visible in a row of another tenant than the acting one.
    pub fn sees_below(&self, compartment: Compartment) -> bool {
        let classes = self.shape.sees[compartment.index()].classes();
        self.reaches_below() && [Rel::Sub, Rel::Net, Rel::Shared].into_iter().any(|rel| classes.contains(rel))
    }

    /// The compartments that could be visible in some row; in any other one may not filter, sort or search.
    pub fn ever_visible(&self) -> CompartmentSet {
        let mut set = CompartmentSet::EMPTY;
        for compartment in Compartment::ALL {
            if !self.shape.sees[compartment.index()].is_empty() {
                set.insert(compartment);
            }
        }
        set
    }

    /// 403 `field_not_permitted` for a filter, sort or search on a compartment that is never visible.
    pub fn require_visible(&self, compartment: Compartment) -> Result<(), Problem> {
        if self.ever_visible().contains(compartment) {
            return Ok(());
        }
        Err(Problem::new(ProblemKind::FieldNotPermitted).member("compartment", compartment.name()))
    }

    /// Rows of a scoped statement. An empty answer is only given after the epoch was looked at again.
    pub async fn fetch_all(&self, db: &Db, sql: impl Into<Sql>, args: Args) -> Result<Vec<Row>, AccessError> {
        let (sql, args) = self.fill(db.engine(), sql.into(), args);
        let rows = db.fetch_all(sql, args).await?;
        if rows.is_empty() {
            self.still_current(db).await?;
        }
        Ok(rows)
    }

    /// At most one row of a scoped statement.
    pub async fn fetch_optional(&self, db: &Db, sql: impl Into<Sql>, args: Args) -> Result<Option<Row>, AccessError> {
        let (sql, args) = self.fill(db.engine(), sql.into(), args);
        let row = db.fetch_optional(sql, args).await?;
        if row.is_none() {
            self.still_current(db).await?;
        }
        Ok(row)
    }

    /// Rows inside a transaction.
    pub async fn fetch_all_in<S>(
        &self,
        tx: &mut Tx<S>,
        sql: impl Into<Sql>,
        args: Args,
    ) -> Result<Vec<Row>, AccessError> {
        let (sql, args) = self.fill(tx.engine(), sql.into(), args);
        let rows = tx.fetch_all(sql, args).await?;
        if rows.is_empty() {
            self.still_current_in(tx).await?;
        }
        Ok(rows)
    }

    /// At most one row inside a transaction.
    pub async fn fetch_optional_in<S>(
        &self,
        tx: &mut Tx<S>,
        sql: impl Into<Sql>,
        args: Args,
    ) -> Result<Option<Row>, AccessError> {
        Ok(self.fetch_all_in(tx, sql, args).await?.into_iter().next())
    }

    /// Writes inside a transaction; gives the number of rows. `{scope}` must stand in the statement's WHERE.
    pub async fn execute<S>(&self, tx: &mut Tx<S>, sql: impl Into<Sql>, args: Args) -> Result<u64, AccessError> {
        let (sql, args) = self.fill(tx.engine(), sql.into(), args);
        let rows = tx.execute(sql, args).await?;
        if rows == 0 {
            self.still_current_in(tx).await?;
        }
        Ok(rows)
    }

    /// For statements that can't carry the guard, such as a plain INSERT: the decision must still hold in this transaction.
    pub async fn still_current_in<S>(&self, tx: &mut Tx<S>) -> Result<(), AccessError> {
        let row = tx.fetch_optional(Ready::Static(EPOCH), args![]).await?;
        self.compare(row.as_ref())
    }

    /// The same, and from here to the end of the transaction nobody else changes what the tenant's records are found by; see
    /// [`Tx::serialise_tenant`].
    pub async fn enter<S>(&self, tx: &mut Tx<S>, tenant: Id<Tenant>) -> Result<(), AccessError> {
        const ENTER: &str = "SELECT value, pg_advisory_xact_lock($1) FROM authz_epoch WHERE id = 1";
        let row = match tx.engine() {
            Engine::Sqlite => tx.fetch_optional(Ready::Static(EPOCH), args![]).await?,
            Engine::Postgres => tx.fetch_optional(Ready::Static(ENTER), args![Tx::<S>::lock_of(tenant)]).await?,
        };
        self.compare(row.as_ref())
    }

    /// A transaction into which one has come as by [`Self::enter`].
    pub async fn begin(&self, db: &Db, tenant: Id<Tenant>) -> Result<Tx<Unaudited>, AccessError> {
        let (tx, row) = Tx::begin_serialised(db, tenant, EPOCH).await?;
        self.compare(row.as_ref())?;
        Ok(tx)
    }

    /// Prepares a scoped statement in this shape without running it.
    pub async fn prepare(&self, db: &Db, sql: impl Into<Sql>, arity: usize) -> Result<(), StoreError> {
        let args = (0..arity).fold(Args::new(), |args, _| args.with(None::<i64>));
        let (sql, _) = self.fill(db.engine(), sql.into(), args);
        db.prepare_ready(sql).await
    }

    /// For an answer that says "nobody" without a scoped statement: the decision must still hold.
    pub async fn still_current(&self, db: &Db) -> Result<(), AccessError> {
        let row = db.fetch_optional(Ready::Static(EPOCH), args![]).await?;
        self.compare(row.as_ref())
    }

    fn compare(&self, row: Option<&Row>) -> Result<(), AccessError> {
        let epoch = row.ok_or(StoreError::Row(0))?.int(0)?;
        if epoch == self.actor.epoch() { Ok(()) } else { Err(AccessError::Stale(epoch)) }
    }

    fn fill(&self, engine: Engine, sql: Sql, args: Args) -> (Ready, Args) {
        fill::fill::<P::Entity>(sql.text(engine), args, &self.shape, &self.actor, self.purpose)
    }
}

const EPOCH: &str = "SELECT value FROM authz_epoch WHERE id = 1";

/// The epoch that holds now, on whatever node it was raised. It says nothing about anybody.
pub async fn current_epoch(db: &Db) -> Result<i64, StoreError> {
    db.fetch_optional(Ready::Static(EPOCH), args![]).await?.ok_or(StoreError::Row(0))?.int(0)
}

fn permitted(formulas: &[Formula; 6], rels: RelSet) -> CompartmentSet {
    let mut set = CompartmentSet::EMPTY;
    for compartment in Compartment::ALL {
        if formulas[compartment.index()].permits(rels) {
            set.insert(compartment);
        }
    }
    set
}
