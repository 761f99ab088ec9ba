//! What other domains ask about customers: may the caller reach this one, whose is it, under which key is it sealed.
//!
//! Must never: show anything of a customer, or tell one that can't be reached from one that isn't there.

mod bounds;
mod rows;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
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

/// Keeps when there was contact last. It isn't part of the row's MAC, nor of its revision: it follows from elsewhere.
pub async fn set_last_contact(
    tx: &mut Tx<Unaudited>,
    customer: &Reached,
    at: Option<DateTime<Utc>>,
) -> Result<(), Problem> {
    Ok(rows::set_last_contact(tx, customer.tenant, customer.id, at).await?)
}

/// The keyed hash by which the audit log names a customer, as far as the customer is (still) there.
pub async fn audit_hash(app: &App, id: Id<Customer>) -> Result<Option<[u8; 16]>, Problem> {
    let Some(tenant) = rows::tenant(&app.db, id).await? else { return Ok(None) };
    app.keys.ensure_tenant(tenant.uuid()).await?;
    Ok(Some(app.keys.audit_hash(tenant.uuid(), id.uuid())?))
}
