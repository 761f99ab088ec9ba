//! Roles of users: given, taken away, and never more than the giver has.
//!
//! Each change raises the epoch in its transaction, so that it counts from the next request on, on every node.

use chrono::{DateTime, Utc};
use kluis_core::access::{RelSet, Role, Scope, ScopedPermission, SubjectRoles};
use kluis_core::audit::Class;
use kluis_core::kernel::id::{Tenant, User};
use kluis_core::kernel::{Id, Phrase, Problem, ProblemKind};
use poem_openapi::Object;
use poem_openapi::types::Example;
use serde::{Deserialize, Serialize};

use super::access::{Grant as GrantRole, ReadRoles, Revoke};
use super::account::Account;
use super::covers::{self, Place};
use super::model::{ENDS_BEFORE, Grant, RoleGrant};
use super::rows;
use super::service::{NO_TENANT, about_account, fault, open_tenant, seen};
use super::view::RoleGrantView;
use crate::app::App;
use crate::tenants;
use crate::web::{self, Ident, Timestamp};

/// The role that everybody has who has any: one's own account, sessions and tokens.
const EVERYBODY: &str = "account";
/// The most roles that one user may hold.
const MOST: usize = 100;

/// A role to be given.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, example)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleGrantDraft {
    /// Name of the role, as policies know it.
    #[oai(validator(min_length = 1, max_length = 40, pattern = "^[a-z][a-z0-9_]*$"))]
    pub role: String,
    /// Where it counts: the tenant that you act for (when absent), or one below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<Ident<Tenant>>,
    /// It counts from here on; absent: at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Timestamp>,
    /// It counts up to here; absent: without an end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
}

impl Example for RoleGrantDraft {
    fn example() -> Self {
        Self { role: "sales".to_owned(), tenant_id: None, starts_at: None, ends_at: None }
    }
}

/// The roles of a user whom the caller may read.
pub async fn list(app: &App, scope: &Scope<ReadRoles>, id: Id<User>) -> Result<Vec<RoleGrantView>, Problem> {
    let seen = seen(app, scope, id).await?;
    scope.require(seen.rels)?;
    let account = Account::open(&app.db, &app.keys, seen.row).await?;
    app.record_read(about_account(app, scope, &account)?.count("roles", account.grants.len())).await?;
    Ok(account.grants.iter().map(RoleGrantView::from).collect())
}

/// Gives a role, if the giver has all its rights there.
pub async fn grant(
    app: &App,
    scope: &Scope<GrantRole>,
    id: Id<User>,
    draft: &RoleGrantDraft,
) -> Result<RoleGrantView, Problem> {
    let seen = seen(app, scope, id).await?;
    scope.require(seen.rels)?;
    refuse_self(scope, id)?;
    let tenant = draft.tenant_id.map_or_else(|| scope.tenant(), |id| id.0);
    scope.require(relation_to(app, scope, tenant).await?)?;
    let mut account = Account::open(&app.db, &app.keys, seen.row).await?;
    let times = (draft.starts_at.map(|at| at.0), draft.ends_at.map(|at| at.0));
    let made = new_grant(app, &account, (tenant, &draft.role), times, scope.actor().user()).await?;
    require_rights_of(app, scope, tenant, &made.role).await?;
    let view = RoleGrantView::from(&made);
    let event = about_account(app, scope, &account)?.class(Class::Security);
    let event = event.code("role", made.role.clone()).code("tenant", tenant.to_string());
    account.change(app.clock.now());
    account.grants.push(made.clone());
    let mut tx = app.db.begin().await?;
    scope.still_current_in(&mut tx).await?;
    account.save(&mut tx).await?;
    rows::insert_grant(&mut tx, id, &made).await?;
    rows::raise_epoch(&mut tx).await?;
    tx.record(event).await?.commit().await?;
    Ok(view)
}

/// Takes a role away; it counts from the next request on. `fits` says whether the caller means the grant as it is.
pub async fn revoke(
    app: &App,
    scope: &Scope<Revoke>,
    id: Id<User>,
    grant: Id<RoleGrant>,
    fits: impl FnOnce() -> web::Result<()>,
) -> web::Result<()> {
    let seen = seen(app, scope, id).await?;
    scope.require(seen.rels)?;
    refuse_self(scope, id)?;
    let mut account = Account::open(&app.db, &app.keys, seen.row).await?;
    let at = account.grants.iter().position(|held| held.id == grant).ok_or_else(Problem::not_found)?;
    let gone = account.grants.remove(at);
    // A role in a tenant that isn't below mine is none of my business.
    let rels = relation_to(app, scope, gone.tenant).await.map_err(|_| Problem::not_found())?;
    scope.require(rels)?;
    fits()?;
    account.change(app.clock.now());
    let event = about_account(app, scope, &account)?.class(Class::Security);
    let event = event.code("role", gone.role.clone()).code("tenant", gone.tenant.to_string());
    let mut tx = app.db.begin().await?;
    scope.still_current_in(&mut tx).await?;
    account.save(&mut tx).await?;
    rows::delete_grant(&mut tx, id, &gone).await?;
    rows::raise_epoch(&mut tx).await?;
    tx.record(event).await?.commit().await?;
    Ok(())
}

/// A checked grant that isn't written yet: role and tenant exist and fit, and the user doesn't hold it already.
pub(super) async fn new_grant(
    app: &App,
    account: &Account,
    (tenant, role): (Id<Tenant>, &str),
    (starts_at, ends_at): (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
    by: Option<Id<User>>,
) -> Result<Grant, Problem> {
    let record = open_tenant(app, tenant, "/tenantId").await?;
    let kind = kind_of(&record);
    let snapshot = app.policy.snapshot();
    let parsed = Role::parse(role).ok();
    let spec = parsed.as_ref().and_then(|role| snapshot.role(role));
    if !spec.is_some_and(|spec| spec.kinds.contains(&kind)) {
        return Err(fault("/role", "unknown_role", NO_ROLE));
    }
    if let (Some(starts), Some(ends)) = (starts_at, ends_at)
        && ends <= starts
    {
        return Err(fault("/endsAt", "before_start", ENDS_BEFORE));
    }
    if account.grants.iter().any(|held| held.tenant == tenant && held.role == role) {
        return Err(Problem::new(ProblemKind::Duplicate).detail(HELD));
    }
    if account.grants.len() >= MOST {
        return Err(Problem::new(ProblemKind::Conflict).detail(TOO_MANY));
    }
    Ok(Grant {
        id: app.new_id(),
        tenant,
        role: role.to_owned(),
        starts_at,
        ends_at,
        granted_by: by,
        granted_at: app.clock.now(),
    })
}

/// How the acting tenant stands to another one: itself, or one below; a fault for any other.
pub(super) async fn relation_to<P: ScopedPermission>(
    app: &App,
    scope: &Scope<P>,
    tenant: Id<Tenant>,
) -> Result<RelSet, Problem> {
    let rels = tenants::service::relation_to(app, scope.tenant(), tenant).await?;
    rels.ok_or_else(|| fault("/tenantId", "unknown", NO_TENANT))
}

/// 403 unless the caller has every right that a role gives in a tenant.
async fn require_rights_of<P: ScopedPermission>(
    app: &App,
    scope: &Scope<P>,
    tenant: Id<Tenant>,
    role: &str,
) -> Result<(), Problem> {
    let Some(record) = tenants::service::find(app, tenant).await? else { return Ok(()) };
    let Ok(role) = Role::parse(role) else { return Err(Problem::new(ProblemKind::Forbidden)) };
    let kind = kind_of(&record);
    let snapshot = app.policy.snapshot();
    let decisions = |roles| snapshot.decisions(&SubjectRoles { user: None, tenant, kind, roles });
    let given = decisions(vec![role]);
    let everybody = decisions(Role::parse(EVERYBODY).into_iter().collect());
    let place = if tenant == scope.tenant() { Place::Same } else { Place::Below };
    let held = |object, action, purpose| scope.actor().formula_at(object, action, purpose);
    match covers::first_missing(held, &given, place, &everybody) {
        None => Ok(()),
        Some(missing) => Err(Problem::new(ProblemKind::Forbidden)
            .detail(MORE_RIGHTS)
            .member("missing", format!("{}:{}", missing.object, missing.action))),
    }
}

/// 403 unless the caller has every right of an account, and all its roles are in reach: for what would let the caller
/// take the account over.
pub(super) async fn require_no_more_rights<P: ScopedPermission>(
    app: &App,
    scope: &Scope<P>,
    account: &Account,
) -> Result<(), Problem> {
    for grant in &account.grants {
        if relation_to(app, scope, grant.tenant).await.is_err() {
            return Err(Problem::new(ProblemKind::Forbidden).detail(MORE_RIGHTS));
        }
        require_rights_of(app, scope, grant.tenant, &grant.role).await?;
    }
    Ok(())
}

/// Whatever a policy says: nobody changes their own roles.
fn refuse_self<P: ScopedPermission>(scope: &Scope<P>, id: Id<User>) -> Result<(), Problem> {
    if scope.actor().user() == Some(id) {
        return Err(Problem::new(ProblemKind::Forbidden).detail(OWN));
    }
    Ok(())
}

/// The policy's word for the kind of a tenant.
pub fn kind_of(tenant: &tenants::model::TenantRecord) -> kluis_core::access::TenantKind {
    use kluis_core::access::TenantKind as Word;
    use tenants::model::TenantKind as Kind;
    match tenant.valid.kind {
        Kind::Hq => Word::Hq,
        Kind::Region => Word::Region,
        Kind::Franchisee => Word::Franchisee,
        Kind::MemberOrg => Word::MemberOrg,
        Kind::Ngo => Word::Ngo,
    }
}

const NO_ROLE: Phrase =
    Phrase { en: "There is no such role for this tenant.", nl: "Deze rol bestaat niet voor deze tenant." };
const HELD: Phrase = Phrase { en: "The user holds this role already.", nl: "De gebruiker heeft deze rol al." };
const TOO_MANY: Phrase = Phrase { en: "The user holds too many roles.", nl: "De gebruiker heeft te veel rollen." };
const OWN: Phrase = Phrase { en: "Nobody changes their own roles.", nl: "Niemand verandert zijn eigen rollen." };
const MORE_RIGHTS: Phrase = Phrase {
    en: "This would give rights that you don't have yourself.",
    nl: "Dit zou rechten geven die u zelf niet hebt.",
};
