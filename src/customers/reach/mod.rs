//! What other domains ask about customers: may the caller reach this one, whose is it, under which key is it sealed.
//!
//! Must never: show anything of a customer, or tell one that can't be reached from one that isn't there.

mod bounds;
mod rows;

use std::collections::HashMap;

use kluis_core::access::{RelSet, Scope};
use kluis_core::kernel::{Id, Problem, id::Customer, id::Tenant};
use kluis_core::privacy::KeyId;
use kluis_core::store::{Tx, Unaudited};

pub use bounds::{Bounds, is_implied};

use super::access::Read;
use super::model::CustomerKind;
use crate::app::App;

/// A customer that the caller may read: proof for what hangs on it.
#[derive(Debug, Clone, Copy)]
pub struct Reached {
    pub id: Id<Customer>,
    pub tenant: Id<Tenant>,
    /// The subject's data key.
    pub key: KeyId,
    pub kind: CustomerKind,
    /// How the caller stands to the customer.
    pub rels: RelSet,
}

/// Those of the customers that the caller may read, by id.
pub async fn all(
    app: &App,
    scope: &Scope<Read>,
    ids: &[Id<Customer>],
) -> Result<HashMap<Id<Customer>, Reached>, Problem> {
    let found = rows::reached(&app.db, scope, ids).await?;
    Ok(found.into_iter().map(|reached| (reached.id, reached)).collect())
}

/// One customer that the caller may read, if it is one.
pub async fn one(app: &App, scope: &Scope<Read>, id: Id<Customer>) -> Result<Option<Reached>, Problem> {
    Ok(rows::reached(&app.db, scope, &[id]).await?.pop())
}

/// Makes all who write about a customer wait for each other until the transaction ends. Whoever lets something follow
/// from all that hangs on the customer begins with this; whoever holds several takes them in the order of their ids, so
/// that no two wait for each other. 404 when the customer has gone meanwhile.
pub async fn hold(tx: &mut Tx<Unaudited>, customer: &Reached) -> Result<(), Problem> {
    let is_there = rows::hold(tx, customer.tenant, customer.id).await?;
    if is_there { Ok(()) } else { Err(Problem::not_found()) }
}

/// Keeps when there was contact last, of a customer that is held: otherwise two who write at the same time would not see
/// each other's, and the earlier one could stay. It isn't part of the row's MAC, nor of its revision: it follows from
/// elsewhere.
pub async fn follow_contacts(tx: &mut Tx<Unaudited>, customer: &Reached) -> Result<(), Problem> {
    Ok(rows::follow_contacts(tx, customer.tenant, customer.id).await?)
}

/// The keyed hash by which the audit log names a customer: one who is there, or was erased.
pub async fn audit_hash(app: &App, id: Id<Customer>) -> Result<Option<[u8; 16]>, Problem> {
    let Some(tenant) = rows::tenant(&app.db, id).await? else { return Ok(None) };
    app.keys.ensure_tenant(tenant.uuid()).await?;
    Ok(Some(app.keys.audit_hash(tenant.uuid(), id.uuid())?))
}
