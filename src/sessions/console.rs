//! The pages of signing in. They work without a script, and do nothing that the API couldn't do.
//!
//! Must never: put a token into an address, or say whether an e-mail address has an account.

use std::sync::Arc;

use kluis_core::access::Channel;
use kluis_core::kernel::{Phrase, Problem, ProblemKind};
use maud::{Markup, html};
use poem::http::StatusCode;
use poem::web::{Data, Form};
use poem::{IntoResponse, Request, Response, Route, get, handler};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::console_text as text;
use super::cookies::{self, FormKey};
use super::credentials::{self, Redeemed};
use super::own;
use super::sign_in::{self, FirstStep, Issued};
use super::{Me, Visit};
use crate::app::App;
use crate::users::links;
use crate::users::password::Password;
use crate::users::token::{Token, TokenKind};
use crate::web::frame::{Page, SeeOther};
use crate::web::{Failure, Language};

const SIGN_IN: &str = "/sign-in";
const SECOND_FACTOR: &str = "/sign-in/second-factor";
const CHOOSE: &str = "/sign-in/password";
const RESET: &str = "/sign-in/reset";
const ACCOUNT: &str = "/account";

/// Adds the pages.
#[must_use]
pub fn mount(route: Route) -> Route {
    route
        .at("/", get(home))
        .at(SIGN_IN, get(sign_in_page).post(sign_in_form))
        .at(SECOND_FACTOR, get(factor_page).post(factor_form))
        .at(links::PAGE, get(link_page).post(link_form))
        .at(CHOOSE, get(choose_page).post(choose_form))
        .at(RESET, get(reset_page).post(reset_form))
        .at(ACCOUNT, get(account_page))
        .at("/account/tenant", poem::post(tenant_form))
        .at("/account/sign-out", poem::post(sign_out_form))
}

/// What a page needs to know of its request.
struct Asked<'a> {
    app: &'a Arc<App>,
    request: &'a Request,
    language: Language,
}

impl<'a> Asked<'a> {
    fn new(request: &'a Request, app: &'a Arc<App>) -> Self {
        Self { app, request, language: request.data::<Language>().copied().unwrap_or_default() }
    }

    fn visit(&self) -> Visit {
        Visit::of(self.request, Channel::Console)
    }

    fn say(&self, phrase: Phrase) -> &'static str {
        self.language.say(phrase)
    }

    fn step(&self) -> Option<Token> {
        let text = cookies::read(self.request, cookies::step_name(self.app))?;
        Token::parse_as(TokenKind::Step, &text)
    }

    /// A page with a form whose inside is `fields`, after what was wrong with the form before.
    fn form(&self, form: FormOf<'_>, problem: Option<&Problem>) -> Result<Page, Failure> {
        let key = FormKey::of(self.request, self.app)?;
        let body = html! {
            @if let Some(problem) = problem { (fault(self.language, problem)) }
            @if let Some(intro) = form.intro { p { (self.say(intro)) } }
            form method="post" action=(form.action) {
                input type="hidden" name="form" value=(key.field);
                (form.fields)
                button type="submit" { (self.say(form.button)) }
            }
            (form.below)
        };
        let status = problem.map_or(200, |problem| problem.kind.status());
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        let page = Page::new(self.language, form.title, body).status(status);
        Ok(if key.is_new { page.cookie(key.cookie(self.app)) } else { page })
    }

    fn check(&self, field: &str) -> Result<(), Problem> {
        FormKey::check(self.request, self.app, field)
    }

    /// To the account, with the session in its cookie.
    fn signed_in(&self, issued: &Issued) -> Response {
        SeeOther::new(ACCOUNT)
            .cookie(cookies::set(self.app, cookies::session_name(self.app), &issued.text()))
            .cookie(cookies::unset(self.app, cookies::step_name(self.app)))
            .into_response()
    }

    fn to_step(&self, path: &'static str, issued: &Issued) -> Response {
        let cookie = cookies::set(self.app, cookies::step_name(self.app), &issued.text());
        SeeOther::new(path).cookie(cookie).into_response()
    }
}

/// A form to be shown.
struct FormOf<'a> {
    title: Phrase,
    intro: Option<Phrase>,
    action: &'a str,
    fields: Markup,
    button: Phrase,
    below: Markup,
}

/// What was wrong, at the top, where a screen reader tells it first.
fn fault(language: Language, problem: &Problem) -> Markup {
    let usual = problem.kind.parts().2;
    html! {
        div.fault role="alert" {
            @if problem.faults.is_empty() {
                (language.say(problem.detail.unwrap_or(usual)))
            } @else {
                @for fault in &problem.faults { div { (language.say(fault.detail)) } }
            }
        }
    }
}

fn field(asked: &Asked<'_>, (name, label, hint): (&str, Phrase, Option<Phrase>), input: &Markup) -> Markup {
    html! {
        label for=(name) {
            (asked.say(label))
            @if let Some(hint) = hint { span.hint { (asked.say(hint)) } }
        }
        (input)
    }
}

/// Shows the form again when something in it was wrong; other failures get the usual answer.
fn again(
    result: Result<Response, Failure>,
    show: impl FnOnce(&Problem) -> Result<Page, Failure>,
) -> poem::Result<Response> {
    match result {
        Ok(response) => Ok(response),
        Err(failure) => {
            let problem = failure.problem();
            let shown = matches!(
                problem.kind,
                ProblemKind::Unauthenticated
                    | ProblemKind::Invalid
                    | ProblemKind::TooManyRequests
                    | ProblemKind::Forbidden
            );
            if shown { Ok(show(problem)?.into_response()) } else { Err(failure.into()) }
        }
    }
}

#[handler]
async fn home(request: &Request, app: Data<&Arc<App>>) -> Response {
    let path = if cookies::read(request, cookies::session_name(&app)).is_some() { ACCOUNT } else { SIGN_IN };
    SeeOther::new(path).into_response()
}

// --- e-mail address and password

fn sign_in_shown(asked: &Asked<'_>, email: &str, problem: Option<&Problem>) -> Result<Page, Failure> {
    let email = html! {
        input id="email" name="email" type="email" autocomplete="username" required maxlength="254" value=(email);
    };
    let password = html! {
        input id="password" name="password" type="password" autocomplete="current-password" required maxlength="1024";
    };
    let form = FormOf {
        title: text::SIGN_IN,
        intro: None,
        action: SIGN_IN,
        fields: html! {
            (field(asked, ("email", text::EMAIL, None), &email))
            (field(asked, ("password", text::PASSWORD, None), &password))
        },
        button: text::SIGN_IN,
        below: html! {
            p { a href=(RESET) { (asked.say(text::FORGOTTEN)) } }
            p { a href=(links::PAGE) { (asked.say(text::HAVE_LINK)) } }
        },
    };
    asked.form(form, problem)
}

#[handler]
async fn sign_in_page(request: &Request, app: Data<&Arc<App>>) -> poem::Result<Page> {
    Ok(sign_in_shown(&Asked::new(request, &app), "", None)?)
}

#[derive(Deserialize)]
struct SignInForm {
    form: String,
    email: String,
    password: String,
}

#[handler]
async fn sign_in_form(request: &Request, app: Data<&Arc<App>>, sent: Form<SignInForm>) -> poem::Result<Response> {
    let asked = Asked::new(request, &app);
    let SignInForm { form, email, password } = sent.0;
    let password = Password::typed(&Zeroizing::new(password));
    let result = async {
        asked.check(&form)?;
        Ok(match sign_in::begin(&app, &asked.visit(), &email, &password).await? {
            FirstStep::SignedIn(issued) => asked.signed_in(&issued),
            FirstStep::SecondFactor(step) => asked.to_step(SECOND_FACTOR, &step),
        })
    };
    again(result.await, |problem| sign_in_shown(&asked, &email, Some(problem)))
}

// --- the second factor

fn factor_shown(asked: &Asked<'_>, problem: Option<&Problem>) -> Result<Page, Failure> {
    let form = FormOf {
        title: text::SECOND_FACTOR,
        intro: None,
        action: SECOND_FACTOR,
        fields: code_field(asked),
        button: text::CONTINUE,
        below: html! { p { a href=(SIGN_IN) { (asked.say(text::START_OVER)) } } },
    };
    asked.form(form, problem)
}

fn code_field(asked: &Asked<'_>) -> Markup {
    let input = html! {
        input id="code" name="code" autocomplete="one-time-code" spellcheck="false" required maxlength="40";
    };
    field(asked, ("code", text::CODE, Some(text::CODE_HINT)), &input)
}

#[handler]
async fn factor_page(request: &Request, app: Data<&Arc<App>>) -> poem::Result<Response> {
    let asked = Asked::new(request, &app);
    if asked.step().is_none() {
        return Ok(SeeOther::new(SIGN_IN).into_response());
    }
    Ok(factor_shown(&asked, None)?.into_response())
}

#[derive(Deserialize)]
struct CodeForm {
    form: String,
    code: String,
}

#[handler]
async fn factor_form(request: &Request, app: Data<&Arc<App>>, sent: Form<CodeForm>) -> poem::Result<Response> {
    let asked = Asked::new(request, &app);
    let result = async {
        asked.check(&sent.form)?;
        let step = asked.step().ok_or_else(sign_in::step_over)?;
        let issued = sign_in::second_factor(&app, &asked.visit(), &step, &sent.code).await?;
        Ok(asked.signed_in(&issued))
    };
    again(result.await, |problem| factor_shown(&asked, Some(problem)))
}

// --- one-time links

fn link_shown(asked: &Asked<'_>, problem: Option<&Problem>) -> Result<Page, Failure> {
    let input = html! { input id="code" name="code" autocomplete="off" spellcheck="false" required maxlength="400"; };
    let form = FormOf {
        title: text::LINK,
        intro: Some(text::LINK_INTRO),
        action: links::PAGE,
        fields: field(asked, ("code", text::LINK_CODE, Some(text::LINK_HINT)), &input),
        button: text::CONTINUE,
        below: html! { p { a href=(SIGN_IN) { (asked.say(text::WITH_PASSWORD)) } } },
    };
    Ok(asked.form(form, problem)?.script("link.js"))
}

#[handler]
async fn link_page(request: &Request, app: Data<&Arc<App>>) -> poem::Result<Page> {
    Ok(link_shown(&Asked::new(request, &app), None)?)
}

#[handler]
async fn link_form(request: &Request, app: Data<&Arc<App>>, sent: Form<CodeForm>) -> poem::Result<Response> {
    let asked = Asked::new(request, &app);
    let result = async {
        asked.check(&sent.form)?;
        // Whoever has no script may paste the whole link.
        let code = sent.code.rsplit('#').next().unwrap_or_default();
        Ok(match credentials::redeem(&app, &asked.visit(), code).await? {
            Redeemed::SignedIn(issued) => asked.signed_in(&issued),
            Redeemed::ChoosePassword(step) => asked.to_step(CHOOSE, &step),
        })
    };
    again(result.await, |problem| link_shown(&asked, Some(problem)))
}

// --- choosing a password

fn choose_shown(asked: &Asked<'_>, needs_code: bool, problem: Option<&Problem>) -> Result<Page, Failure> {
    let input = html! {
        input id="password" name="password" type="password" autocomplete="new-password" required minlength="12"
            maxlength="1024";
    };
    let form = FormOf {
        title: text::CHOOSE,
        intro: None,
        action: CHOOSE,
        fields: html! {
            (field(asked, ("password", text::NEW_PASSWORD, Some(text::PASSWORD_HINT)), &input))
            @if needs_code { (code_field(asked)) }
        },
        button: text::SAVE,
        below: html! {},
    };
    asked.form(form, problem)
}

#[handler]
async fn choose_page(request: &Request, app: Data<&Arc<App>>) -> poem::Result<Response> {
    let asked = Asked::new(request, &app);
    let Some(step) = asked.step() else { return Ok(SeeOther::new(SIGN_IN).into_response()) };
    match credentials::needs_code(&app, &step).await {
        Ok(needs_code) => Ok(choose_shown(&asked, needs_code, None)?.into_response()),
        Err(problem) => Ok(link_shown(&asked, Some(&problem))?.into_response()),
    }
}

#[derive(Deserialize)]
struct ChooseForm {
    form: String,
    password: String,
    #[serde(default)]
    code: Option<String>,
}

#[handler]
async fn choose_form(request: &Request, app: Data<&Arc<App>>, sent: Form<ChooseForm>) -> poem::Result<Response> {
    let asked = Asked::new(request, &app);
    let ChooseForm { form, password, code } = sent.0;
    let password = Zeroizing::new(password);
    let needs_code = code.is_some();
    let result = async {
        asked.check(&form)?;
        let step = asked.step().ok_or_else(sign_in::step_over)?;
        let visit = asked.visit();
        let issued = credentials::choose_password(&app, &visit, &step, &password, code.as_deref()).await?;
        Ok(asked.signed_in(&issued))
    };
    again(result.await, |problem| choose_shown(&asked, needs_code, Some(problem)))
}

// --- forgotten password

fn reset_shown(asked: &Asked<'_>, problem: Option<&Problem>) -> Result<Page, Failure> {
    let mail = asked.app.config.mail.is_some();
    let back = html! { p { a href=(SIGN_IN) { (asked.say(text::WITH_PASSWORD)) } } };
    if !mail {
        let body = html! { p { (asked.say(text::RESET_BY_ADMINISTRATOR)) } (back) };
        return Ok(Page::new(asked.language, text::FORGOTTEN_TITLE, body));
    }
    let input = html! { input id="email" name="email" type="email" autocomplete="username" required maxlength="254"; };
    let form = FormOf {
        title: text::FORGOTTEN_TITLE,
        intro: Some(text::RESET_INTRO),
        action: RESET,
        fields: field(asked, ("email", text::EMAIL, None), &input),
        button: text::SEND_LINK,
        below: back,
    };
    asked.form(form, problem)
}

#[handler]
async fn reset_page(request: &Request, app: Data<&Arc<App>>) -> poem::Result<Page> {
    Ok(reset_shown(&Asked::new(request, &app), None)?)
}

#[derive(Deserialize)]
struct ResetForm {
    form: String,
    email: String,
}

#[handler]
async fn reset_form(request: &Request, app: Data<&Arc<App>>, sent: Form<ResetForm>) -> poem::Result<Response> {
    let asked = Asked::new(request, &app);
    let result = async {
        asked.check(&sent.form)?;
        credentials::request_reset(&app, &asked.visit(), &sent.email).await?;
        let body = html! {
            p { (asked.say(text::RESET_SENT)) }
            p { a href=(SIGN_IN) { (asked.say(text::WITH_PASSWORD)) } }
        };
        Ok(Page::new(asked.language, text::FORGOTTEN_TITLE, body).into_response())
    };
    again(result.await, |problem| reset_shown(&asked, Some(problem)))
}

// --- signed in

#[handler]
async fn account_page(request: &Request, app: Data<&Arc<App>>) -> poem::Result<Response> {
    let asked = Asked::new(request, &app);
    match Me::of(request).await {
        Ok(me) => Ok(account_shown(&asked, &me).await?.into_response()),
        Err(failure) if failure.problem().kind == ProblemKind::Unauthenticated => {
            let gone = cookies::unset(&app, cookies::session_name(&app));
            Ok(SeeOther::new(SIGN_IN).cookie(gone).into_response())
        }
        Err(failure) => Err(failure.into()),
    }
}

async fn account_shown(asked: &Asked<'_>, me: &Me) -> Result<Page, Failure> {
    let key = FormKey::of(asked.request, asked.app)?;
    let tenants = own::tenants(asked.app, me).await?;
    let name = me.account.identity().map_err(Problem::from)?.display_name;
    let email = me.account.contact().map_err(Problem::from)?.email;
    let acting = tenants.iter().find(|tenant| tenant.id == me.actor.tenant());
    let roles: Vec<&str> = me.actor.assigned_roles().iter().map(kluis_core::access::Role::as_str).collect();
    let body = html! {
        dl {
            dt { (asked.say(text::NAME)) } dd { (name.expose()) }
            dt { (asked.say(text::EMAIL)) } dd { (email.expose()) }
            @if let Some(acting) = acting { dt { (asked.say(text::TENANT)) } dd { (acting.valid.name) } }
            dt { (asked.say(text::ROLES)) } dd { (roles.join(", ")) }
        }
        @if tenants.len() > 1 {
            form method="post" action="/account/tenant" {
                input type="hidden" name="form" value=(key.field);
                label for="tenant" { (asked.say(text::ACT_FOR)) }
                select id="tenant" name="tenant" {
                    @for tenant in &tenants {
                        option value=(tenant.id) selected[tenant.id == me.actor.tenant()] { (tenant.valid.name) }
                    }
                }
                button.quiet type="submit" { (asked.say(text::SWITCH)) }
            }
        }
        h2 { (asked.say(text::API)) }
        p { a href="/docs" { (asked.say(text::DOCS)) } }
        form method="post" action="/account/sign-out" {
            input type="hidden" name="form" value=(key.field);
            button.quiet type="submit" { (asked.say(text::SIGN_OUT)) }
            " "
            button.quiet type="submit" name="everywhere" value="true" { (asked.say(text::SIGN_OUT_EVERYWHERE)) }
        }
    };
    let page = Page::new(asked.language, text::ACCOUNT, body);
    Ok(if key.is_new { page.cookie(key.cookie(asked.app)) } else { page })
}

#[derive(Deserialize)]
struct TenantForm {
    form: String,
    tenant: String,
}

#[handler]
async fn tenant_form(request: &Request, app: Data<&Arc<App>>, sent: Form<TenantForm>) -> poem::Result<Response> {
    let me = Me::of(request).await?;
    FormKey::check(request, &app, &sent.form).map_err(Failure::from)?;
    let tenant = kluis_core::kernel::Id::parse(&sent.tenant).ok_or_else(|| Failure::new(ProblemKind::NotFound))?;
    own::act_for(&app, me, tenant).await.map_err(Failure::from)?;
    Ok(SeeOther::new(ACCOUNT).into_response())
}

#[derive(Deserialize)]
struct SignOutForm {
    form: String,
    #[serde(default)]
    everywhere: Option<String>,
}

#[handler]
async fn sign_out_form(request: &Request, app: Data<&Arc<App>>, sent: Form<SignOutForm>) -> poem::Result<Response> {
    let me = Me::of(request).await?;
    FormKey::check(request, &app, &sent.form).map_err(Failure::from)?;
    let ended = match sent.everywhere {
        Some(_) => own::sign_out_everywhere(&app, me).await,
        None => own::sign_out(&app, &me).await,
    };
    ended.map_err(Failure::from)?;
    let gone = cookies::unset(&app, cookies::session_name(&app));
    Ok(SeeOther::new(SIGN_IN).cookie(gone).into_response())
}
