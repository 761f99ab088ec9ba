//! `/v1/me`: who am I, what may I do, my sessions, tokens, password and second factor.

use std::sync::Arc;

use kluis_core::access::{Action, Object as Thing, Rel};
use kluis_core::kernel::Id;
use kluis_core::kernel::id::{Tenant, User};
use poem::web::Data;
use poem_openapi::param::Path;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Me;
use super::credentials;
use super::model::{Access, AccessKind};
use super::own::{self, Held, TokenWish};
use crate::app::App;
use crate::tenants::model::TenantKind;
use crate::users::model::UserLanguage;
use crate::users::service as users;
use crate::web::Tag;
use crate::web::{
    self, Answer, Body, Created, ETag, Ident, IfMatch, Listing, NoContent, Order, Page, PageOf, Timestamp,
};

/// The operations on one's own account.
pub struct MeApi;

/// Who I am, and what I may do in the tenant that I act for.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase")]
pub struct MeView {
    pub id: Ident<User>,
    pub display_name: String,
    pub email: String,
    pub language: UserLanguage,
    pub second_factor: bool,
    /// Recovery codes that were not used yet.
    pub recovery_codes_left: i64,
    /// The tenant that I act for.
    pub tenant_id: Ident<Tenant>,
    /// My roles there.
    pub roles: Vec<String>,
    /// The tenants that I may act for.
    pub tenants: Vec<MyTenant>,
    /// What I may do there, by default purpose: for front-ends, to show what can be done.
    pub permissions: Vec<Permission>,
}

/// A tenant that I may act for.
#[derive(Object, Serialize, Deserialize, Clone)]
pub struct MyTenant {
    pub id: Ident<Tenant>,
    pub name: String,
    pub kind: TenantKind,
}

/// Something that I may do.
#[derive(Object, Serialize, Deserialize, Clone)]
pub struct Permission {
    /// An entity, or a compartment of it: `customer.contact`.
    pub object: String,
    pub action: String,
    /// To which rows: `self`, `own`, `unit`, `sub`, `shared`, `net`.
    pub relations: Vec<String>,
}

/// One of my sessions.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    pub id: Ident<Access>,
    /// Whether it is the one of this request.
    pub current: bool,
    /// What the browser called itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    pub tenant_id: Ident<Tenant>,
    pub created_at: Timestamp,
    /// To the minute.
    pub last_used_at: Timestamp,
    pub expires_at: Timestamp,
    /// Always 1: it is made and ended, never changed.
    pub revision: i64,
}

/// One of my API tokens; the token itself is not shown again.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase")]
pub struct TokenView {
    pub id: Ident<Access>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub scopes: Vec<String>,
    pub tenant_id: Ident<Tenant>,
    pub created_at: Timestamp,
    /// To the minute.
    pub last_used_at: Timestamp,
    pub expires_at: Timestamp,
    /// Always 1: it is made and ended, never changed.
    pub revision: i64,
}

/// An API token to be made.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, example)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewToken {
    /// What it is for.
    #[oai(validator(min_length = 1, max_length = 200))]
    pub name: String,
    /// `object:action`; `*` stands for all, `customer.*` for all compartments of customers.
    #[oai(validator(min_items = 1, max_items = 100))]
    pub scopes: Vec<String>,
    /// Within a year.
    pub expires_at: Timestamp,
    /// The tenant that it acts for; the one that you act for when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<Ident<Tenant>>,
}

impl Example for NewToken {
    fn example() -> Self {
        Self {
            name: "Webshop".to_owned(),
            scopes: vec!["customer:read".to_owned(), "customer.contact:read".to_owned()],
            expires_at: Timestamp(kluis_core::kernel::clock::from_micros(1_798_761_600_000_000)),
            tenant_id: None,
        }
    }
}

/// An API token that was just made.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct TokenMade {
    pub id: Ident<Access>,
    /// Shown this once: `Authorization: Bearer …`.
    pub token: String,
    pub tenant_id: Ident<Tenant>,
    pub expires_at: Timestamp,
}

/// The tenant to act for.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase", example)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ActingTenant {
    pub tenant_id: Ident<Tenant>,
}

impl Example for ActingTenant {
    fn example() -> Self {
        Self { tenant_id: Ident(Id::from_uuid(uuid::Uuid::from_u128(0x0193_2f5e_8a70_7abc_8def_0123_4567_89ab))) }
    }
}

/// A new password.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase", example)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PasswordChange {
    #[oai(validator(min_length = 1, max_length = 1024))]
    pub current_password: String,
    /// At least 12 characters, hard to guess; no rules about kinds of characters.
    #[oai(validator(min_length = 1, max_length = 1024))]
    pub new_password: String,
}

impl Example for PasswordChange {
    fn example() -> Self {
        Self { current_password: "vuurtoren regenjas klok".to_owned(), new_password: "fietspomp wolk anker".to_owned() }
    }
}

/// Another address to sign in with.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase", example)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EmailChange {
    #[oai(validator(min_length = 1, max_length = 1024))]
    pub password: String,
    #[oai(validator(min_length = 3, max_length = 254))]
    pub email: String,
}

impl Example for EmailChange {
    fn example() -> Self {
        Self { password: "fietspomp wolk anker".to_owned(), email: "fenna@voorbeeld.example".to_owned() }
    }
}

/// My password, once more.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(example)]
#[serde(deny_unknown_fields)]
pub struct OwnPassword {
    #[oai(validator(min_length = 1, max_length = 1024))]
    pub password: String,
}

impl Example for OwnPassword {
    fn example() -> Self {
        Self { password: "fietspomp wolk anker".to_owned() }
    }
}

/// What an authenticator app needs to know.
#[derive(Object, Serialize, Deserialize, Clone)]
pub struct Enrolment {
    /// Base32, to be typed in.
    pub secret: String,
    /// `otpauth://…`, to be shown as a QR code.
    pub uri: String,
}

/// A code of the authenticator app.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(example)]
#[serde(deny_unknown_fields)]
pub struct AppCode {
    #[oai(validator(min_length = 6, max_length = 10))]
    pub code: String,
}

impl Example for AppCode {
    fn example() -> Self {
        Self { code: "123456".to_owned() }
    }
}

/// Codes for when the device is lost: each works once. Shown this once.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct RecoveryCodes {
    pub recovery_codes: Vec<String>,
}

/// What it takes to remove the second factor.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(example)]
#[serde(deny_unknown_fields)]
pub struct FactorRemoval {
    #[oai(validator(min_length = 1, max_length = 1024))]
    pub password: String,
    /// Of the app, or a recovery code.
    #[oai(validator(min_length = 6, max_length = 40))]
    pub code: String,
}

impl Example for FactorRemoval {
    fn example() -> Self {
        Self { password: "fietspomp wolk anker".to_owned(), code: "123456".to_owned() }
    }
}

fn session_view(held: Held, current: Id<Access>) -> SessionView {
    let row = held.row;
    SessionView {
        id: row.id.into(),
        current: row.id == current,
        client: held.label,
        tenant_id: row.tenant.into(),
        created_at: row.created_at.into(),
        last_used_at: row.last_used_at.into(),
        expires_at: row.expires_at.into(),
        revision: ETag::FIRST,
    }
}

fn token_view(held: Held) -> TokenView {
    let row = held.row;
    TokenView {
        id: row.id.into(),
        name: held.label,
        scopes: held.scopes,
        tenant_id: row.tenant.into(),
        created_at: row.created_at.into(),
        last_used_at: row.last_used_at.into(),
        expires_at: row.expires_at.into(),
        revision: ETag::FIRST,
    }
}

/// All that is allowed to any row, in the order of the vocabulary.
fn permissions(me: &Me) -> Vec<Permission> {
    let mut found = Vec::new();
    for object in Thing::ALL.iter().copied() {
        for action in object.actions().iter().copied() {
            let classes = me.actor.formula_for(object, action).classes();
            if !classes.is_empty() {
                found.push(permission(object, action, classes.iter()));
            }
        }
    }
    found
}

fn permission(object: Thing, action: Action, relations: impl Iterator<Item = Rel>) -> Permission {
    Permission {
        object: object.as_str().to_owned(),
        action: action.as_str().to_owned(),
        relations: relations.map(|rel| rel.as_str().to_owned()).collect(),
    }
}

#[OpenApi(prefix_path = "/me", tag = "Tag::Me")]
impl MeApi {
    /// Shows who you are.
    ///
    /// Your roles in the tenant that you act for, the tenants that you may act for, and what you may do.
    #[oai(path = "/", method = "get", operation_id = "getMe")]
    async fn show(&self, app: Data<&Arc<App>>, me: Me) -> web::Result<Answer<MeView>> {
        let tenants = own::tenants(&app, &me).await?;
        let tenants = tenants.into_iter().map(|t| MyTenant { id: t.id.into(), name: t.valid.name, kind: t.valid.kind });
        let account = &me.account;
        Ok(Answer::new(MeView {
            id: account.row.id.into(),
            display_name: account.identity()?.display_name.expose().to_owned(),
            email: account.contact()?.email.expose().to_owned(),
            language: account.row.language,
            second_factor: account.row.totp.is_some(),
            recovery_codes_left: users::recovery_codes_left(&app, account.row.id).await?,
            tenant_id: me.actor.tenant().into(),
            roles: me.actor.assigned_roles().iter().map(|role| role.as_str().to_owned()).collect(),
            tenants: tenants.collect(),
            permissions: permissions(&me),
        }))
    }

    /// Acts for another tenant.
    ///
    /// This session does so from the next request on, and those to come begin with it.
    #[oai(path = "/acting-tenant", method = "post", operation_id = "switchTenant")]
    async fn act_for(&self, app: Data<&Arc<App>>, me: Me, body: Body<ActingTenant>) -> web::Result<NoContent> {
        own::act_for(&app, me, body.0.tenant_id.0).await?;
        Ok(NoContent)
    }

    /// Lists your sessions.
    ///
    /// Those that have not ended, newest first.
    #[oai(path = "/sessions", method = "get", operation_id = "listMySessions")]
    async fn sessions(&self, app: Data<&Arc<App>>, me: Me, page: Page) -> web::Result<Listing<PageOf<SessionView>>> {
        let current = me.access.id;
        let held = own::sessions(&app, &me).await?;
        let views = held.into_iter().map(|held| session_view(held, current)).collect();
        Ok(page.whole(views, Order::Falling, |session: &SessionView| session.id, &())?)
    }

    /// Ends one of your sessions.
    ///
    /// It stops working with the next request.
    #[oai(path = "/sessions/:id", method = "delete", operation_id = "deleteMySession")]
    async fn end(
        &self,
        app: Data<&Arc<App>>,
        me: Me,
        id: Path<Ident<Access>>,
        if_match: IfMatch,
    ) -> web::Result<NoContent> {
        let fits = || if_match.check(ETag::of(ETag::FIRST));
        own::revoke(&app, &me, AccessKind::Session, id.0.0, fits).await?;
        Ok(NoContent)
    }

    /// Signs you out everywhere.
    ///
    /// All your sessions end, this one too; API tokens go on.
    #[oai(path = "/sign-out", method = "post", operation_id = "signOutEverywhere")]
    async fn everywhere(&self, app: Data<&Arc<App>>, me: Me) -> web::Result<NoContent> {
        own::sign_out_everywhere(&app, me).await?;
        Ok(NoContent)
    }

    /// Lists your API tokens.
    ///
    /// Those that have not expired, newest first.
    #[oai(path = "/tokens", method = "get", operation_id = "listMyTokens")]
    async fn tokens(&self, app: Data<&Arc<App>>, me: Me, page: Page) -> web::Result<Listing<PageOf<TokenView>>> {
        let held = own::tokens(&app, &me).await?;
        let views = held.into_iter().map(token_view).collect();
        Ok(page.whole(views, Order::Falling, |token: &TokenView| token.id, &())?)
    }

    /// Makes an API token.
    ///
    /// It reaches as far as its scopes, and never further than you do at that moment. It is shown this once. A token
    /// can't make tokens.
    #[oai(path = "/tokens", method = "post", operation_id = "createMyToken")]
    async fn make_token(&self, app: Data<&Arc<App>>, me: Me, body: Body<NewToken>) -> web::Result<Created<TokenMade>> {
        let NewToken { name, scopes, expires_at, tenant_id } = body.0;
        let wish =
            TokenWish { name: &name, scopes: &scopes, expires_at: expires_at.0, tenant: tenant_id.map(|id| id.0) };
        let made = own::create_token(&app, &me, &wish).await?;
        let view = TokenMade {
            id: made.id.into(),
            token: made.text().to_string(),
            tenant_id: made.tenant.into(),
            expires_at: made.expires_at.into(),
        };
        let location = format!("/v1/me/tokens/{}", made.id);
        Ok(Created::new(view, ETag::of(ETag::FIRST), &location))
    }

    /// Takes an API token back.
    ///
    /// It stops working with the next request.
    #[oai(path = "/tokens/:id", method = "delete", operation_id = "deleteMyToken")]
    async fn drop_token(
        &self,
        app: Data<&Arc<App>>,
        me: Me,
        id: Path<Ident<Access>>,
        if_match: IfMatch,
    ) -> web::Result<NoContent> {
        let fits = || if_match.check(ETag::of(ETag::FIRST));
        own::revoke(&app, &me, AccessKind::Api, id.0.0, fits).await?;
        Ok(NoContent)
    }

    /// Changes your password.
    ///
    /// All your other sessions end. Passwords are judged offline by length and guessability only.
    #[oai(path = "/password", method = "post", operation_id = "changeMyPassword")]
    async fn password(&self, app: Data<&Arc<App>>, me: Me, body: Body<PasswordChange>) -> web::Result<NoContent> {
        let (current, new) = (Zeroizing::new(body.0.current_password), Zeroizing::new(body.0.new_password));
        credentials::change_password(&app, me, &current, &new).await?;
        Ok(NoContent)
    }

    /// Changes the address that you sign in with.
    ///
    /// Takes your password once more. The address before is told, and links that were sent to it no longer work.
    #[oai(path = "/email", method = "post", operation_id = "changeMyEmail")]
    async fn email(&self, app: Data<&Arc<App>>, me: Me, body: Body<EmailChange>) -> web::Result<NoContent> {
        let EmailChange { password, email } = body.0;
        let (password, email) = (Zeroizing::new(password), Zeroizing::new(email));
        credentials::change_email(&app, me, &password, &email).await?;
        Ok(NoContent)
    }

    /// Begins to set up a second factor.
    ///
    /// It counts only once a code has confirmed it.
    #[oai(path = "/second-factor", method = "post", operation_id = "beginSecondFactor")]
    async fn begin_factor(
        &self,
        app: Data<&Arc<App>>,
        me: Me,
        body: Body<OwnPassword>,
    ) -> web::Result<Answer<Enrolment>> {
        let password = Zeroizing::new(body.0.password);
        let begun = credentials::begin_second_factor(&app, me, &password).await?;
        Ok(Answer::new(Enrolment { secret: begun.secret.to_string(), uri: begun.uri.to_string() }))
    }

    /// Confirms the second factor with a code of the app.
    ///
    /// From now on signing in takes a code. The recovery codes are shown this once.
    #[oai(path = "/second-factor/confirmation", method = "post", operation_id = "confirmSecondFactor")]
    async fn confirm_factor(
        &self,
        app: Data<&Arc<App>>,
        me: Me,
        body: Body<AppCode>,
    ) -> web::Result<Answer<RecoveryCodes>> {
        let codes = credentials::confirm_second_factor(&app, me, &body.0.code).await?;
        Ok(Answer::new(RecoveryCodes { recovery_codes: codes.iter().map(|code| code.to_string()).collect() }))
    }

    /// Removes your second factor.
    ///
    /// It takes the password and a code.
    #[oai(path = "/second-factor/removal", method = "post", operation_id = "removeSecondFactor")]
    async fn remove_factor(&self, app: Data<&Arc<App>>, me: Me, body: Body<FactorRemoval>) -> web::Result<NoContent> {
        let password = Zeroizing::new(body.0.password);
        credentials::remove_second_factor(&app, me, &password, &body.0.code).await?;
        Ok(NoContent)
    }
}
