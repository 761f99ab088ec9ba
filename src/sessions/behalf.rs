//! Acting for somebody who isn't there any more: a job has the rights that its creator has now.
//!
//! Must never: give a job a right that its creator has lost, or that the token which asked for it never had.

use std::sync::Arc;

use kluis_core::access::{Actor, Channel, Role, Seat, TenantKind, TokenScopes};
use kluis_core::kernel::id::{Tenant, User};
use kluis_core::kernel::{Id, Problem, ProblemKind};

use crate::app::App;
use crate::tenants;
use crate::tenants::model::TenantStatus;
use crate::users::account::Account;
use crate::users::model::UserStatus;

/// The actor for work that `user` has asked for in `tenant`, with the rights of this moment. `None` when nothing is left
/// of them: the account is disabled, the last role has ended, the tenant is closed.
pub async fn on_behalf(
    app: &App,
    user: Id<User>,
    tenant: Id<Tenant>,
    scopes: Option<&[String]>,
) -> Result<Option<Arc<Actor>>, Problem> {
    // The epoch is read before the roles: a change in between makes the decision stale, never too generous.
    super::catch_up(app).await?;
    let epoch = app.policy.epoch();
    app.keys.ensure_tenant(tenant.uuid()).await?;
    let now = app.clock.now();
    let account = Account::read(&app.db, &app.keys, user).await?;
    let Some(account) = account.filter(|account| account.row.status == UserStatus::Active) else { return Ok(None) };
    let Some(kind) = kind_of(app, tenant).await? else { return Ok(None) };
    let roles: Vec<_> = account.roles_in(tenant, now).filter_map(|grant| Role::parse(&grant.role).ok()).collect();
    if roles.is_empty() {
        return Ok(None);
    }
    let scopes = scopes.map(TokenScopes::parse).transpose().map_err(|_| Problem::new(ProblemKind::Integrity))?;
    let seat = Seat {
        user: Some(user),
        tenant,
        kind,
        roles,
        self_record: None,
        purpose: None,
        channel: Channel::Job,
        scopes: scopes.map(Arc::new),
        label: user.to_string().into(),
        epoch,
    };
    Ok(Some(Arc::new(app.policy.actor(seat))))
}

/// The actor for work that was asked for on the command line, by whoever has the program's keys in their hands.
pub async fn operator(app: &App, tenant: Id<Tenant>) -> Result<Option<Arc<Actor>>, Problem> {
    super::catch_up(app).await?;
    let epoch = app.policy.epoch();
    app.keys.ensure_tenant(tenant.uuid()).await?;
    let Some(kind) = kind_of(app, tenant).await? else { return Ok(None) };
    let roles: Vec<_> = Role::parse("operator").into_iter().collect();
    let seat = Seat {
        user: None,
        tenant,
        kind,
        roles,
        self_record: None,
        purpose: None,
        channel: Channel::CommandLine,
        scopes: None,
        label: "system:operator".into(),
        epoch,
    };
    Ok(Some(Arc::new(app.policy.actor(seat))))
}

/// What kind of tenant it is; `None` when nobody can act for it any more.
async fn kind_of(app: &App, tenant: Id<Tenant>) -> Result<Option<TenantKind>, Problem> {
    let record = tenants::service::find(app, tenant).await?;
    let active = record.filter(|record| record.status == TenantStatus::Active);
    Ok(active.and_then(|record| TenantKind::parse(record.valid.kind.code())))
}
