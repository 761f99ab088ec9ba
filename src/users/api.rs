//! The operations under `/v1/users`: they parse, call one service, and shape the view.

use std::sync::Arc;

use kluis_core::kernel::id::{Tenant, User};
use poem::web::Data;
use poem_openapi::param::Path;
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object, OpenApi};
use serde::{Deserialize, Serialize};

use super::access::{Create, Disable, Grant, Read, ReadRoles, Reset, Revoke, SignOut, Update};
use super::grants::{self, RoleGrantDraft};
use super::model::{RoleGrant, UserDraft, UserLanguage, UserStatus};
use super::service::{self, UserFilter};
use super::view::{RoleGrantView, UserView};
use crate::app::App;
use crate::sessions::Scoped;
use crate::web::Tag;
use crate::web::{
    self, Answer, Body, Created, ETag, Ident, IfMatch, Listing, MergePatch, NoContent, Order, Page, PageOf, Query,
    Record, Timestamp,
};

/// The operations on users.
pub struct UsersApi;

/// A user to be made.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, example)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewUser {
    /// Signs in with it; an address has one account in the whole installation.
    #[oai(validator(min_length = 3, max_length = 254))]
    pub email: String,
    #[oai(validator(min_length = 1, max_length = 120))]
    pub display_name: String,
    /// Of pages and mails.
    pub language: UserLanguage,
    /// The home tenant: the one that you act for (when absent), or one below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<Ident<Tenant>>,
}

impl Example for NewUser {
    fn example() -> Self {
        let UserDraft { email, display_name, language } = UserDraft::example();
        Self { email, display_name, language, tenant_id: None }
    }
}

/// Whether an account is disabled.
#[derive(Object, Serialize, Deserialize, Clone, Copy)]
#[oai(example)]
#[serde(deny_unknown_fields)]
pub struct Disabling {
    /// True disables the account, false enables it again.
    pub disabled: bool,
}

impl Example for Disabling {
    fn example() -> Self {
        Self { disabled: true }
    }
}

/// How a one-time link gets to the user.
#[derive(Enum, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// By mail; 409 when no mail server is configured.
    Mail,
    /// In the answer, for you to hand over.
    Answer,
}

/// A one-time link to be made.
#[derive(Object, Serialize, Deserialize, Clone, Copy)]
#[oai(example)]
#[serde(deny_unknown_fields)]
pub struct LinkWish {
    pub delivery: Delivery,
}

impl Example for LinkWish {
    fn example() -> Self {
        Self { delivery: Delivery::Answer }
    }
}

/// A one-time link. What is not shown here was mailed, and can't be shown again.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, example)]
#[serde(rename_all = "camelCase")]
pub struct LinkView {
    /// `invitation` or `password_reset`.
    pub purpose: String,
    pub expires_at: Timestamp,
    /// The address to open; the code stands behind the `#`, which browsers send to nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The code alone, for whoever types it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

impl Example for LinkView {
    fn example() -> Self {
        let code = "klo_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        Self {
            purpose: "invitation".to_owned(),
            expires_at: Timestamp::example(),
            url: Some(format!("https://kluis.example/link#{code}")),
            code: Some(code.to_owned()),
        }
    }
}

#[OpenApi(prefix_path = "/users", tag = "Tag::Users")]
impl UsersApi {
    /// Lists users.
    ///
    /// Those of the tenant that you act for, and of the tenants below it as far as your role reaches; newest first.
    #[oai(path = "/", method = "get", operation_id = "listUsers")]
    async fn list(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Read>,
        page: Page,
        /// The home tenant.
        #[oai(name = "tenantId")]
        tenant_id: Query<Option<Ident<Tenant>>>,
        status: Query<Option<UserStatus>>,
        /// Those who hold this role somewhere.
        role: Query<Option<String>>,
    ) -> web::Result<Listing<PageOf<UserView>>> {
        let filter =
            UserFilter { tenant: tenant_id.0.map(|id| id.0), status: status.0.map(UserStatus::code), role: role.0 };
        let after: Option<Ident<User>> = page.position(&filter)?;
        let size = (page.size(), page.count());
        let found = service::list(&app, &scope, &filter, after.map(|id| id.0), size).await?;
        Ok(page.listing(found.views, found.next.map(Ident).as_ref(), found.total, &filter)?)
    }

    /// Makes a user.
    ///
    /// Without roles and without a password: give roles, then make a one-time link for the first sign-in.
    #[oai(path = "/", method = "post", operation_id = "createUser")]
    async fn create(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Create>,
        body: Body<NewUser>,
    ) -> web::Result<Created<UserView>> {
        let NewUser { email, display_name, language, tenant_id } = body.0;
        let home = tenant_id.map_or_else(|| scope.tenant(), |id| id.0);
        let draft = UserDraft { email, display_name, language };
        let (made, _) = service::create(&app, &scope, &draft, home).await?;
        let (etag, location) = (ETag::of(made.revision), format!("/v1/users/{}", made.id));
        Ok(Created::new(made, etag, &location))
    }

    /// Shows one user.
    ///
    /// Names and addresses that you may not see are absent and named under `withheld`. The look is put on record.
    #[oai(path = "/:id", method = "get", operation_id = "getUser")]
    async fn show(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Read>,
        id: Path<Ident<User>>,
    ) -> web::Result<Record<UserView>> {
        let shown = service::show(&app, &scope, id.0.0).await?;
        let etag = ETag::of(shown.revision);
        Ok(Record::new(shown, etag))
    }

    /// Changes a user.
    ///
    /// Another e-mail address can only be set by somebody who has all the rights of that user: with it, the password
    /// could be reset.
    #[oai(path = "/:id", method = "patch", operation_id = "updateUser")]
    async fn update(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Update>,
        id: Path<Ident<User>>,
        if_match: IfMatch,
        patch: MergePatch<UserDraft>,
    ) -> web::Result<Record<UserView>> {
        let fits = |revision| if_match.check(revision);
        let changed = service::update(&app, &scope, id.0.0, fits, |current| patch.apply(current)).await?;
        let etag = ETag::of(changed.revision);
        Ok(Record::new(changed, etag))
    }

    /// Disables an account, or enables it again.
    ///
    /// Sessions and API tokens of a disabled user stop working with the next request.
    #[oai(path = "/:id/disabling", method = "put", operation_id = "disableUser")]
    async fn disable(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Disable>,
        id: Path<Ident<User>>,
        if_match: IfMatch,
        body: Body<Disabling>,
    ) -> web::Result<Record<UserView>> {
        let fits = |revision| if_match.check(revision);
        let changed = service::set_disabled(&app, &scope, id.0.0, fits, body.0.disabled).await?;
        let etag = ETag::of(changed.revision);
        Ok(Record::new(changed, etag))
    }

    /// Makes a one-time link.
    ///
    /// With it the user chooses a password, within half an hour; earlier links die. A second factor is asked for
    /// nevertheless. It takes all the rights of that user.
    #[oai(path = "/:id/one-time-links", method = "post", operation_id = "createOneTimeLink")]
    async fn link(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Reset>,
        id: Path<Ident<User>>,
        body: Body<LinkWish>,
    ) -> web::Result<Answer<LinkView>> {
        let mail = body.0.delivery == Delivery::Mail;
        let link = service::send_link(&app, &scope, id.0.0, mail).await?;
        let shown = |text: &str| (!mail).then(|| text.to_owned());
        Ok(Answer::new(LinkView {
            purpose: link.purpose.code().to_owned(),
            expires_at: link.expires_at.into(),
            url: shown(&link.url(&app.config.public_url)),
            code: shown(&link.code()),
        }))
    }

    /// Takes the second factor away.
    ///
    /// For somebody who has lost the device and the recovery codes. All their sessions end. It takes all the rights of
    /// that user.
    #[oai(path = "/:id/second-factor", method = "delete", operation_id = "removeUserSecondFactor")]
    async fn second_factor(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Reset>,
        id: Path<Ident<User>>,
        if_match: IfMatch,
    ) -> web::Result<NoContent> {
        let fits = |revision| if_match.check(revision);
        service::drop_second_factor(&app, &scope, id.0.0, fits).await?;
        Ok(NoContent)
    }

    /// Signs a user out everywhere.
    ///
    /// All sessions end with the next request; API tokens go on.
    #[oai(path = "/:id/sign-out", method = "post", operation_id = "signOutUser")]
    async fn sign_out(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<SignOut>,
        id: Path<Ident<User>>,
    ) -> web::Result<NoContent> {
        service::sign_out(&app, &scope, id.0.0).await?;
        Ok(NoContent)
    }

    /// Lists the roles of a user.
    ///
    /// Also those that don't count yet, or no longer; in the order in which they were given.
    #[oai(path = "/:id/roles", method = "get", operation_id = "listUserRoles")]
    async fn roles(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<ReadRoles>,
        page: Page,
        id: Path<Ident<User>>,
    ) -> web::Result<Listing<PageOf<RoleGrantView>>> {
        let grants = grants::list(&app, &scope, id.0.0).await?;
        Ok(page.whole(grants, Order::Rising, |grant| grant.id, &id.0)?)
    }

    /// Gives a user a role.
    ///
    /// Nobody gives a role with rights that they don't have themselves, nor changes their own roles. It counts from the
    /// next request on.
    #[oai(path = "/:id/roles", method = "post", operation_id = "grantRole")]
    async fn grant(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Grant>,
        id: Path<Ident<User>>,
        body: Body<RoleGrantDraft>,
    ) -> web::Result<Created<RoleGrantView>> {
        let made = grants::grant(&app, &scope, id.0.0, &body.0).await?;
        let (etag, location) = (ETag::of(made.revision), format!("/v1/users/{}/roles/{}", id.0, made.id));
        Ok(Created::new(made, etag, &location))
    }

    /// Takes a role away.
    ///
    /// It stops counting with the next request, on every node.
    #[oai(path = "/:id/roles/:grant", method = "delete", operation_id = "revokeRole")]
    async fn revoke(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Revoke>,
        id: Path<Ident<User>>,
        grant: Path<Ident<RoleGrant>>,
        if_match: IfMatch,
    ) -> web::Result<NoContent> {
        let fits = || if_match.check(ETag::of(ETag::FIRST));
        grants::revoke(&app, &scope, id.0.0, grant.0.0, fits).await?;
        Ok(NoContent)
    }
}
