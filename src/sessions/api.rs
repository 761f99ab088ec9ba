//! `/v1/sessions` and what leads to one: signing in, one-time links, new passwords.

use std::sync::Arc;

use kluis_core::kernel::id::{Tenant, User};
use poem::web::Data;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};

use super::credentials::{self, Redeemed};
use super::model::Access;
use super::own;
use super::sign_in::{self, Issued};
use super::{Me, Visit};
use crate::app::App;
use crate::users::password::Password;
use crate::users::token::{Token, TokenKind};
use crate::web::Tag;
use crate::web::{self, Answer, Body, Created, ETag, Ident, NoContent, Timestamp};

/// The operations of signing in and out.
pub struct SessionsApi;

/// What one signs in with.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, example)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Credentials {
    #[oai(validator(min_length = 1, max_length = 254))]
    pub email: String,
    #[oai(validator(min_length = 1, max_length = 1024))]
    pub password: String,
    /// The code of the authenticator app, or a recovery code; needed where a second factor is set up.
    #[oai(validator(min_length = 6, max_length = 40))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

impl Example for Credentials {
    fn example() -> Self {
        Self {
            email: "medewerker@vestiging.example".to_owned(),
            password: "fietspomp wolk anker".to_owned(),
            code: Some("123456".to_owned()),
        }
    }
}

/// A session that has begun. The token is shown this once.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct SessionStarted {
    pub id: Ident<Access>,
    pub user_id: Ident<User>,
    /// The tenant that is acted for.
    pub tenant_id: Ident<Tenant>,
    /// To be sent as `Authorization: Bearer …`.
    pub token: String,
    /// It ends then at the latest, and earlier after a time without use.
    pub expires_at: Timestamp,
}

impl From<&Issued> for SessionStarted {
    fn from(issued: &Issued) -> Self {
        Self {
            id: issued.id.into(),
            user_id: issued.user.into(),
            tenant_id: issued.tenant.into(),
            token: issued.text().to_string(),
            expires_at: issued.expires_at.into(),
        }
    }
}

/// The code of a one-time link.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(example)]
#[serde(deny_unknown_fields)]
pub struct LinkCode {
    /// What stands behind the `#` of the link.
    #[oai(validator(min_length = 1, max_length = 100))]
    pub code: String,
}

impl Example for LinkCode {
    fn example() -> Self {
        Self { code: "klo_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned() }
    }
}

/// What a one-time link leads to: a session, or the choice of a password.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase")]
pub struct LinkRedeemed {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionStarted>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choose_password: Option<PasswordStep>,
}

/// The right to choose a password.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct PasswordStep {
    /// To be sent along with the password.
    pub token: String,
    pub expires_at: Timestamp,
    /// Whether the code of the second factor has to be sent along as well.
    pub needs_code: bool,
}

/// A password that is chosen after a one-time link.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, example)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PasswordChoice {
    /// From the redeemed link.
    #[oai(validator(min_length = 1, max_length = 100))]
    pub token: String,
    /// At least 12 characters, hard to guess; no rules about kinds of characters.
    #[oai(validator(min_length = 1, max_length = 1024))]
    pub password: String,
    #[oai(validator(min_length = 6, max_length = 40))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

impl Example for PasswordChoice {
    fn example() -> Self {
        Self {
            token: "klp_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
            password: "fietspomp wolk anker".to_owned(),
            code: None,
        }
    }
}

/// An address to which a link for a new password is mailed.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(example)]
#[serde(deny_unknown_fields)]
pub struct ResetRequest {
    #[oai(validator(min_length = 1, max_length = 254))]
    pub email: String,
}

impl Example for ResetRequest {
    fn example() -> Self {
        Self { email: "medewerker@vestiging.example".to_owned() }
    }
}

#[OpenApi(tag = "Tag::Sessions")]
impl SessionsApi {
    /// Signs in.
    ///
    /// The answer to a wrong password and to an address without an account is the same, and takes as long. When the
    /// password is right and a code is missing, the problem says `secondFactor: required`. Failed tries cost time.
    #[oai(path = "/sessions", method = "post", operation_id = "createSession")]
    async fn sign_in(
        &self,
        app: Data<&Arc<App>>,
        visit: Visit,
        body: Body<Credentials>,
    ) -> web::Result<Created<SessionStarted>> {
        let Credentials { email, password, code } = body.0;
        let password = Password::typed(&zeroize::Zeroizing::new(password));
        let issued = sign_in::sign_in(&app, &visit, &email, &password, code.as_deref()).await?;
        let location = format!("/v1/me/sessions/{}", issued.id);
        Ok(Created::new(SessionStarted::from(&issued), ETag::of(ETag::FIRST), &location))
    }

    /// Signs out.
    ///
    /// Ends the session, or takes back the API token, that the request was made with.
    #[oai(path = "/sessions/current", method = "delete", operation_id = "deleteCurrentSession")]
    async fn sign_out(&self, app: Data<&Arc<App>>, me: Me) -> web::Result<NoContent> {
        own::sign_out(&app, &me).await?;
        Ok(NoContent)
    }

    /// Uses a one-time link up.
    ///
    /// It works once, within half an hour. It leads to the choice of a password, or, in a demonstration, to a session.
    #[oai(path = "/link-redemptions", method = "post", operation_id = "redeemLink")]
    async fn redeem(
        &self,
        app: Data<&Arc<App>>,
        visit: Visit,
        body: Body<LinkCode>,
    ) -> web::Result<Answer<LinkRedeemed>> {
        let redeemed = match credentials::redeem(&app, &visit, &body.0.code).await? {
            Redeemed::SignedIn(issued) => {
                LinkRedeemed { session: Some(SessionStarted::from(&issued)), choose_password: None }
            }
            Redeemed::ChoosePassword(step) => {
                let needs_code = credentials::needs_code(&app, &step.token).await?;
                let token = step.text().to_string();
                let step = PasswordStep { token, expires_at: step.expires_at.into(), needs_code };
                LinkRedeemed { session: None, choose_password: Some(step) }
            }
        };
        Ok(Answer::new(redeemed))
    }

    /// Chooses a password after a one-time link.
    ///
    /// Begins a session, and ends all others. Passwords are judged offline by length and guessability only.
    #[oai(path = "/password-choices", method = "post", operation_id = "choosePassword")]
    async fn choose(
        &self,
        app: Data<&Arc<App>>,
        visit: Visit,
        body: Body<PasswordChoice>,
    ) -> web::Result<Created<SessionStarted>> {
        let PasswordChoice { token, password, code } = body.0;
        let password = zeroize::Zeroizing::new(password);
        let step = Token::parse_as(TokenKind::Step, &token).ok_or_else(sign_in::step_over)?;
        let issued = credentials::choose_password(&app, &visit, &step, &password, code.as_deref()).await?;
        let location = format!("/v1/me/sessions/{}", issued.id);
        Ok(Created::new(SessionStarted::from(&issued), ETag::of(ETag::FIRST), &location))
    }

    /// Asks for a mail with a link to choose a new password.
    ///
    /// The answer is the same whether there is such an account or not. Where no mail server is configured, nothing is
    /// sent: an administrator makes a link.
    #[oai(path = "/password-resets", method = "post", operation_id = "requestPasswordReset")]
    async fn reset(&self, app: Data<&Arc<App>>, visit: Visit, body: Body<ResetRequest>) -> web::Result<NoContent> {
        credentials::request_reset(&app, &visit, &body.0.email).await?;
        Ok(NoContent)
    }
}
