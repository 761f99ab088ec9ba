//! Decisions for whoever runs commands on the machine: an actor like any other, with the role that the policy gives it.
//!
//! Must never: be reachable from a request.

use kluis_core::access::{Scope, ScopedPermission};
use kluis_core::kernel::id::Tenant;
use kluis_core::kernel::{Id, Problem};

use crate::app::App;
use crate::sessions;

/// What the operator may do with records of a tenant and of those below it.
pub async fn scope<P: ScopedPermission>(app: &App, tenant: Id<Tenant>) -> Result<Scope<P>, Problem> {
    let actor = sessions::operator(app, tenant).await?.ok_or_else(Problem::not_found)?;
    Ok(Scope::decide(&actor, None, "".into()))
}
