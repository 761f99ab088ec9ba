//! Whoever runs commands on the machine: an actor like any other, with the roles that the policy gives it.
//!
//! Must never: be reachable from a request.

use std::sync::Arc;

use kluis_core::access::{Actor, Channel, Role, Scope, ScopedPermission, Seat};
use kluis_core::kernel::{Problem, ProblemKind};

use crate::app::App;
use crate::tenants::model::TenantRecord;
use crate::users::grants::kind_of;

/// The role of the command line in `policies/roles.csv`.
const ROLE: &str = "operator";

/// The operator, acting for a tenant.
pub fn actor(app: &App, tenant: &TenantRecord) -> Result<Arc<Actor>, Problem> {
    let role = Role::parse(ROLE).map_err(|_| Problem::new(ProblemKind::Internal))?;
    let seat = Seat {
        user: None,
        tenant: tenant.id,
        kind: kind_of(tenant),
        roles: vec![role],
        self_record: None,
        purpose: None,
        channel: Channel::CommandLine,
        scopes: None,
        label: "system:operator".into(),
        epoch: app.policy.epoch(),
    };
    Ok(Arc::new(app.policy.actor(seat)))
}

/// A decision for one permission.
pub fn scope<P: ScopedPermission>(actor: &Arc<Actor>) -> Scope<P> {
    Scope::decide(actor, None, "".into())
}
