//! Cookies of the pages, and the token that ties a form to its browser.
//!
//! Must never: be readable by a script, be sent along by another site's form, or leave TLS where there is TLS.

use kluis_core::kernel::{Problem, ProblemKind};
use kluis_core::privacy::SystemKey;
use poem::Request;
use poem::http::{HeaderValue, header};
use zeroize::Zeroizing;

use crate::app::App;
use crate::users::token::{Token, TokenKind};
use crate::web::SESSION_COOKIE;

/// Browsers take the prefix `__Host-` only together with `Secure`, which a service without TLS can't have.
const PREFIX: &str = "__Host-";
const FORM: &str = "__Host-kluis-form";
const STEP: &str = "__Host-kluis-step";

fn named(app: &App, name: &'static str) -> &'static str {
    if app.config.is_https() { name } else { name.strip_prefix(PREFIX).unwrap_or(name) }
}

/// Name of the cookie that holds a session.
pub fn session_name(app: &App) -> &'static str {
    named(app, SESSION_COOKIE)
}

/// Name of the cookie that holds a step on the way to a session.
pub fn step_name(app: &App) -> &'static str {
    named(app, STEP)
}

/// Name of the cookie that ties forms to a browser.
pub fn form_name(app: &App) -> &'static str {
    named(app, FORM)
}

/// The value of a cookie.
pub fn read(request: &Request, name: &str) -> Option<String> {
    let cookies = request.headers().get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value.to_owned())
}

/// `Set-Cookie` for as long as the browser runs; the server knows when it is over.
pub fn set(app: &App, name: &str, value: &str) -> Option<HeaderValue> {
    let secure = if app.config.is_https() { "; Secure" } else { "" };
    header_of(&Zeroizing::new(format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}")))
}

/// `Set-Cookie` that takes it away.
pub fn unset(app: &App, name: &str) -> Option<HeaderValue> {
    let secure = if app.config.is_https() { "; Secure" } else { "" };
    header_of(&format!("{name}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{secure}"))
}

fn header_of(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(text).ok()
}

/// The form cookie of a browser, or a new one; and what its forms have to bring along.
pub struct FormKey {
    cookie: Token,
    pub is_new: bool,
    pub field: String,
}

impl FormKey {
    pub fn of(request: &Request, app: &App) -> Result<Self, Problem> {
        let known = read(request, form_name(app)).and_then(|text| Token::parse_as(TokenKind::Form, &text));
        let is_new = known.is_none();
        let cookie = known.unwrap_or_else(|| Token::new(TokenKind::Form, &*app.entropy));
        let field = field_of(app, &cookie, read(request, session_name(app)).as_deref())?;
        Ok(Self { cookie, is_new, field })
    }

    /// The cookie to set, when the browser had none.
    pub fn cookie(&self, app: &App) -> Option<HeaderValue> {
        set(app, form_name(app), &self.cookie.text())
    }

    /// 403 unless the form came from our own page in this browser, in this session.
    pub fn check(request: &Request, app: &App, field: &str) -> Result<(), Problem> {
        let refused = || Problem::new(ProblemKind::Forbidden);
        if !super::scoped::from_own_pages(request, app) {
            return Err(refused());
        }
        let cookie = read(request, form_name(app)).and_then(|text| Token::parse_as(TokenKind::Form, &text));
        let session = read(request, session_name(app));
        let tag = data_encoding::BASE64URL_NOPAD.decode(field.as_bytes()).map_err(|_| refused())?;
        let message = message(&cookie.ok_or_else(refused)?, session.as_deref());
        app.keys.system_mac(SystemKey::Token)?.verify(&message, &tag).map_err(|_| refused())
    }
}

fn field_of(app: &App, cookie: &Token, session: Option<&str>) -> Result<String, Problem> {
    let tag = app.keys.system_mac(SystemKey::Token)?.sign(&message(cookie, session));
    Ok(data_encoding::BASE64URL_NOPAD.encode(&tag))
}

/// A form made before signing in doesn't work after it, nor the other way round.
fn message(cookie: &Token, session: Option<&str>) -> Zeroizing<Vec<u8>> {
    let session = session.unwrap_or_default();
    Zeroizing::new([b"form field\0", cookie.message().as_slice(), b"\0", session.as_bytes()].concat())
}
