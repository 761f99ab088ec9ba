//! Users made by the operator of an installation: by `kluis init`, `kluis user create` and `kluis demo`.
//!
//! Whoever runs these commands holds the keys of the installation, so there is no scope to ask. No route leads here.

use std::collections::BTreeMap;

use kluis_core::audit::{Class, Event, Outcome};
use kluis_core::kernel::id::{Tenant, User};
use kluis_core::kernel::{Email, Id, Problem, ProblemKind};

use super::account::Account;
use super::links::{self, LinkPurpose, OneTimeLink};
use super::model::{UserDraft, UserLanguage, UserStatus};
use super::service::{fault, new_account, open_tenant};
use super::{grants, rows, seal};
use crate::app::App;

/// The role of the first administrator, by the kind of the tenant at the top.
const fn first_role(kind: crate::tenants::model::TenantKind) -> &'static str {
    use crate::tenants::model::TenantKind;
    match kind {
        TenantKind::Hq => "hq_admin",
        TenantKind::MemberOrg | TenantKind::Ngo => "member_admin",
        TenantKind::Region | TenantKind::Franchisee => "user_admin",
    }
}

/// Makes the first user of a tenant at the top, with the rights to make others, and the link that lets them in. Called
/// again for the same address, as long as that user has no password, it makes a new link.
pub async fn create_first_administrator(app: &App, tenant: Id<Tenant>, email: &str) -> Result<OneTimeLink, Problem> {
    let record = open_tenant(app, tenant, "/tenantId").await?;
    if let Some(account) = by_email(app, email).await? {
        if account.row.status != UserStatus::Invited || account.row.tenant != tenant {
            return Err(Problem::new(ProblemKind::Duplicate));
        }
        return make_link(app, account.row.id, LinkPurpose::FirstAdministrator).await;
    }
    let draft = UserDraft {
        email: email.to_owned(),
        display_name: "Administrator".to_owned(),
        language: UserLanguage::default(),
    };
    let user = create_user(app, tenant, &draft, &[(tenant, first_role(record.valid.kind))]).await?;
    make_link(app, user, LinkPurpose::FirstAdministrator).await
}

/// Makes a user with roles, each in a tenant.
pub async fn create_user(
    app: &App,
    home: Id<Tenant>,
    draft: &UserDraft,
    roles: &[(Id<Tenant>, &str)],
) -> Result<Id<User>, Problem> {
    let valid = draft.validate()?;
    open_tenant(app, home, "/tenantId").await?;
    let mut account = new_account(app, valid, home, UserStatus::Invited).await?;
    for (tenant, role) in roles {
        let grant = grants::new_grant(app, &account, (*tenant, role), (None, None), None).await?;
        account.grants.push(grant);
    }
    if let Some(grant) = account.grants.first() {
        account.row.acting_tenant = grant.tenant;
    }
    let mut tx = app.db.begin().await?;
    account.insert(&mut tx).await?;
    let event = event(app, &account, "user.create")?.names("roles", account.grants.iter().map(|g| g.role.clone()));
    tx.record(event).await?.commit().await?;
    Ok(account.row.id)
}

/// Makes a one-time link for a user, for whatever purpose. `Demonstration` signs in without a password, and makes an
/// invited user active.
pub async fn make_link(app: &App, user: Id<User>, purpose: LinkPurpose) -> Result<OneTimeLink, Problem> {
    let account = Account::read(&app.db, &app.keys, user).await?.ok_or_else(Problem::not_found)?;
    let mut tx = app.db.begin().await?;
    let when = (&*app.entropy, app.clock.now());
    let link = links::make(&mut tx, &app.keys, when, &account, purpose, None).await?;
    let event = event(app, &account, "user.reset")?.class(Class::Security).code("link", purpose.code());
    tx.record(event).await?.commit().await?;
    Ok(link)
}

/// Makes an invited user active, so that API tokens of theirs work before anybody has signed in: for the demonstration.
pub async fn activate(app: &App, mut account: Account) -> Result<Account, Problem> {
    if account.row.status != UserStatus::Invited {
        return Ok(account);
    }
    account.change(app.clock.now()).status = UserStatus::Active;
    let event = event(app, &account, "user.update")?.code("status", UserStatus::Active.code());
    let mut tx = app.db.begin().await?;
    account.save(&mut tx).await?;
    rows::raise_epoch(&mut tx).await?;
    tx.record(event).await?.commit().await?;
    Ok(account)
}

/// An API token of a user, for the demonstration: `issue` makes it with this event.
pub fn token_event(app: &App, account: &Account) -> Result<Event, Problem> {
    Ok(event(app, account, "token.create")?.class(Class::Security))
}

/// The account of an address.
pub async fn by_email(app: &App, email: &str) -> Result<Option<Account>, Problem> {
    let email = Email::parse(email).map_err(|error| fault("/email", error.code, error.detail))?;
    match rows::by_email(&app.db, seal::email_hash(&app.keys, &email)?).await? {
        Some(row) => Account::open(&app.db, &app.keys, row).await.map(Some),
        None => Ok(None),
    }
}

fn event(app: &App, account: &Account, action: &'static str) -> Result<Event, Problem> {
    let event = Event {
        id: app.new_id(),
        at: app.clock.now(),
        tenant: account.row.tenant,
        owner: None,
        actor: "system:operator".into(),
        channel: "command_line".into(),
        request: "".into(),
        class: Class::Write,
        action: action.into(),
        entity: "user".into(),
        record: None,
        subjects: Vec::new(),
        compartments: 0,
        purpose: "administration".into(),
        outcome: Outcome::Allowed,
        detail: BTreeMap::new(),
    };
    let hash = app.keys.audit_hash(account.row.tenant.uuid(), account.row.id.uuid())?;
    Ok(event.record(account.row.id, account.row.tenant).subjects([hash]))
}
