//! What people do with their own sessions and tokens.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use kluis_core::access::{Action, Object, TokenScopes};
use kluis_core::kernel::id::Tenant;
use kluis_core::kernel::{Faults, Id, Phrase, Problem, ProblemKind, Text, bsn};

use super::me::Me;
use super::model::{API_LONGEST, API_MOST, Access, AccessKind, AccessLabel, AccessRow, LABEL};
use super::rows;
use super::sign_in::{self, Issued, NewAccess};
use crate::app::App;
use crate::tenants;
use crate::tenants::model::{TenantRecord, TenantStatus};
use crate::users::account::Account;
use crate::users::service as users;
use crate::web;

/// A session or token as its owner sees it.
pub struct Held {
    pub row: AccessRow,
    pub label: Option<String>,
    pub scopes: Vec<String>,
}

/// My sessions, newest first.
pub async fn sessions(app: &App, me: &Me) -> Result<Vec<Held>, Problem> {
    me.require(Object::Session, Action::Read)?;
    held(app, me, AccessKind::Session).await
}

/// My API tokens, newest first.
pub async fn tokens(app: &App, me: &Me) -> Result<Vec<Held>, Problem> {
    me.require(Object::Token, Action::Read)?;
    held(app, me, AccessKind::Api).await
}

async fn held(app: &App, me: &Me, kind: AccessKind) -> Result<Vec<Held>, Problem> {
    let rows = rows::of_user(&app.db, me.account.row.id, kind, app.clock.now()).await?;
    // Those of an earlier generation are void.
    let alive = |row: &AccessRow| kind == AccessKind::Api || row.generation == me.account.row.generation;
    let found = rows.into_iter().filter(alive).map(|row| open(app, &me.account, row));
    found.collect()
}

fn open(app: &App, account: &Account, row: AccessRow) -> Result<Held, Problem> {
    row.verify(&app.keys)?;
    let place = sign_in::label_place(account, row.id);
    let label = row.label.as_ref().map(|sealed| sealed.open(account.key(), &place)).transpose()?;
    let scopes = match &row.scopes {
        Some(json) => serde_json::from_str(json).map_err(|_| Problem::new(ProblemKind::Integrity))?,
        None => Vec::new(),
    };
    Ok(Held { label: label.map(|label: AccessLabel| label.text), scopes, row })
}

/// Ends the session of this request.
pub async fn sign_out(app: &App, me: &Me) -> Result<(), Problem> {
    let mut tx = app.db.begin().await?;
    rows::remove(&mut tx, me.access.token_hash).await?;
    users::raise_epoch(&mut tx).await?;
    tx.record(me.event(app, "session.revoke")?).await?.commit().await?;
    Ok(())
}

/// Ends one of my sessions or tokens; 404 when there is none like it. `fits` says whether it is the one that was meant.
pub async fn revoke(
    app: &App,
    me: &Me,
    kind: AccessKind,
    id: Id<Access>,
    fits: impl FnOnce() -> web::Result<()>,
) -> web::Result<()> {
    let (object, action) = match kind {
        AccessKind::Api => (Object::Token, "token.revoke"),
        _ => (Object::Session, "session.revoke"),
    };
    me.require(object, Action::Revoke)?;
    let mut tx = app.db.begin().await?;
    if !rows::remove_own(&mut tx, id, me.account.row.id, kind).await? {
        return Err(Problem::not_found().into());
    }
    fits()?;
    users::raise_epoch(&mut tx).await?;
    tx.record(me.event(app, action)?.code("access", id.to_string())).await?.commit().await?;
    Ok(())
}

/// Ends all my sessions, this one too.
pub async fn sign_out_everywhere(app: &App, mut me: Me) -> Result<(), Problem> {
    me.require(Object::Session, Action::Revoke)?;
    let event = me.event(app, "session.revoke")?.code("all", "true");
    me.account.change(app.clock.now()).generation += 1;
    let mut tx = app.db.begin().await?;
    me.account.save(&mut tx).await?;
    rows::remove_sessions(&mut tx, me.account.row.id).await?;
    users::raise_epoch(&mut tx).await?;
    tx.record(event).await?.commit().await?;
    Ok(())
}

/// What an API token is to be.
pub struct TokenWish<'a> {
    pub name: &'a str,
    pub scopes: &'a [String],
    pub expires_at: DateTime<Utc>,
    /// The tenant that it acts for; the present one when absent.
    pub tenant: Option<Id<Tenant>>,
}

/// Makes an API token. It reaches as far as its scopes, and never further than its maker at that moment.
pub async fn create_token(app: &App, me: &Me, wish: &TokenWish<'_>) -> Result<Issued, Problem> {
    me.require_person()?;
    me.require(Object::Token, Action::Create)?;
    issue_token(app, &me.account, wish, me.access.tenant, me.event(app, "token.create")?).await
}

/// The same without a session: for the command line and the demonstration.
pub async fn issue_token(
    app: &App,
    account: &Account,
    wish: &TokenWish<'_>,
    usual_tenant: Id<Tenant>,
    event: kluis_core::audit::Event,
) -> Result<Issued, Problem> {
    let now = app.clock.now();
    let mut faults = Faults::new();
    let name = faults.check("/name", Text::<LABEL>::parse(wish.name));
    faults.check("/name", bsn::refuse(wish.name));
    if let Err(error) = TokenScopes::parse(wish.scopes) {
        faults.add(format!("/scopes/{}", error.0), "scope", NO_SCOPE);
    }
    if wish.expires_at <= now || wish.expires_at > now + API_LONGEST {
        faults.add("/expiresAt", "expiry", EXPIRY);
    }
    let tenant = wish.tenant.unwrap_or(usual_tenant);
    if !account.tenants(now).contains(&tenant) {
        faults.add("/tenantId", "unknown", NO_ROLE_THERE);
    }
    faults.into_result()?;
    let scopes: BTreeSet<&String> = wish.scopes.iter().collect();
    let json = serde_json::to_string(&scopes).map_err(|_| Problem::new(ProblemKind::Internal))?;
    let mut tx = app.db.begin().await?;
    if rows::count(&mut tx, account.row.id, AccessKind::Api, now).await? >= API_MOST {
        return Err(Problem::new(ProblemKind::Conflict).detail(TOO_MANY));
    }
    let label = name.map(|name| AccessLabel { text: name.expose().to_owned() });
    let new = NewAccess { kind: AccessKind::Api, tenant, label, scopes: Some(json), expires_at: wish.expires_at };
    let issued = sign_in::insert(app, &mut tx, account, new).await?;
    let event = event.code("access", issued.id.to_string()).names("scopes", scopes.into_iter().cloned());
    tx.record(event).await?.commit().await?;
    Ok(issued)
}

/// The tenants that I may act for: those where I hold a role now, and that are open.
pub async fn tenants(app: &App, me: &Me) -> Result<Vec<TenantRecord>, Problem> {
    let found = tenants::service::named(app, &me.account.tenants(app.clock.now())).await?;
    Ok(found.into_iter().filter(|tenant| tenant.status == TenantStatus::Active).collect())
}

/// Makes this session, and those to come, act for another tenant.
pub async fn act_for(app: &App, mut me: Me, tenant: Id<Tenant>) -> Result<(), Problem> {
    me.require_person()?;
    if !tenants(app, &me).await?.iter().any(|record| record.id == tenant) {
        let mut faults = Faults::new();
        faults.add("/tenantId", "unknown", NO_ROLE_THERE);
        return Err(Problem::invalid(faults.into_vec()));
    }
    let event = me.event(app, "session.switch")?.code("tenant", tenant.to_string());
    me.access.tenant = tenant;
    me.access.sign(&app.keys)?;
    let mut tx = app.db.begin().await?;
    if !rows::act_for(&mut tx, &me.access).await? {
        return Err(Problem::new(ProblemKind::Unauthenticated));
    }
    users::act_for(&mut tx, me.account.row.id, tenant).await?;
    users::raise_epoch(&mut tx).await?;
    tx.record(event).await?.commit().await?;
    Ok(())
}

const NO_SCOPE: Phrase = Phrase {
    en: "Not an object and an action, as in customer:read.",
    nl: "Geen object en handeling, zoals customer:read.",
};
const EXPIRY: Phrase =
    Phrase { en: "The end lies within the coming year.", nl: "Het einde ligt binnen het komende jaar." };
const NO_ROLE_THERE: Phrase = Phrase { en: "You have no role in this tenant.", nl: "U hebt geen rol in deze tenant." };
const TOO_MANY: Phrase =
    Phrase { en: "There are too many tokens; remove some.", nl: "Er zijn te veel sleutels; verwijder er enkele." };
