//! What people prove themselves with: choosing and changing the password, setting up the second factor, coming in by a
//! one-time link.

use kluis_core::audit::Outcome;
use kluis_core::kernel::{Email, Faults, Phrase, Problem, ProblemKind};
use kluis_core::store::{Tx, Unaudited};
use std::sync::Arc;
use zeroize::Zeroizing;

use super::me::Me;
use super::model::Step;
use super::rows;
use super::sign_in::{self, Code, Issued};
use super::throttle::Failures;
use super::visit::Visit;
use crate::app::App;
use crate::tenants;
use crate::users::account::Account;
use crate::users::links::{self, LinkPurpose};
use crate::users::model::UserStatus;
use crate::users::password::Password;
use crate::users::token::{Token, TokenKind};
use crate::users::totp::{RECOVERY_CODES, RecoveryCode, TotpSecret};
use crate::users::{letters, seal, service as users};

/// What a link leads to.
pub enum Redeemed {
    /// A demonstration: signed in.
    SignedIn(Issued),
    /// A password has to be chosen; the token allows that for a quarter of an hour.
    ChoosePassword(Issued),
}

/// Uses a one-time link up.
pub async fn redeem(app: &App, visit: &Visit, text: &str) -> Result<Redeemed, Problem> {
    sign_in::take_address(app, visit)?;
    let dead = || Problem::new(ProblemKind::Unauthenticated).detail(DEAD_LINK);
    let token = Token::parse_as(TokenKind::Link, text).ok_or_else(dead)?;
    let mut tx = app.db.begin().await?;
    let taken = links::take(&mut tx, &app.keys, app.clock.now(), &token).await?;
    let Some((user, purpose)) = taken else {
        let event = visit.event(app, "session.create", None)?.outcome(Outcome::Denied).code("reason", "link");
        tx.record(event).await?.commit().await?;
        return Err(dead());
    };
    // The link is used up whatever comes next: it goes into a transaction of its own.
    tx.commit_without_event("the link is used up; what it led to is recorded next").await?;
    let mut account = users::read(app, user).await?.ok_or_else(dead)?;
    if account.row.status == UserStatus::Disabled {
        return Err(dead());
    }
    let mut tx = app.db.begin().await?;
    if purpose == LinkPurpose::Demonstration {
        activate(app, &mut tx, &mut account).await?;
        let (issued, event) = sign_in::session_in(app, &mut tx, visit, &account).await?;
        tx.record(event.code("link", purpose.code())).await?.commit().await?;
        return Ok(Redeemed::SignedIn(issued));
    }
    let step = sign_in::step_in(app, &mut tx, &account, Step::ChoosePassword).await?;
    let event = visit.event(app, "session.link", Some(&account))?.code("link", purpose.code());
    tx.record(event).await?.commit().await?;
    Ok(Redeemed::ChoosePassword(step))
}

async fn activate(app: &App, tx: &mut Tx<Unaudited>, account: &mut Account) -> Result<(), Problem> {
    if account.row.status == UserStatus::Invited {
        account.change(app.clock.now()).status = UserStatus::Active;
        account.save(tx).await?;
    }
    Ok(())
}

/// Whether choosing a password also takes the code of the second factor: a mailbox alone must not be enough.
pub async fn needs_code(app: &App, step: &Token) -> Result<bool, Problem> {
    let (_, account) = sign_in::step_account(app, step, Step::ChoosePassword).await?;
    Ok(account.row.totp.is_some())
}

/// Chooses a password after a one-time link, and signs in. All other sessions end.
pub async fn choose_password(
    app: &App,
    visit: &Visit,
    step: &Token,
    password: &str,
    code: Option<&str>,
) -> Result<Issued, Problem> {
    sign_in::take_address(app, visit)?;
    let (_, mut account) = sign_in::step_account(app, step, Step::ChoosePassword).await?;
    let password = chosen(app, &account, password, "/password").await?;
    let code = match code_if_needed(app, &account, code).await? {
        Required::No => None,
        Required::Given(code) => Some(code),
    };
    let hash = sign_in::hash(app, account.row.id, &password).await?;
    let now = app.clock.now();
    let row = account.change(now);
    row.password = Some(hash);
    row.password_changed_at = Some(now);
    row.status = UserStatus::Active;
    row.generation += 1;
    let mut tx = app.db.begin().await?;
    if let Some(code) = &code {
        sign_in::take_code(app, &mut tx, account.row.id, code).await?;
    }
    account.save(&mut tx).await?;
    rows::remove_sessions(&mut tx, account.row.id).await?;
    users::raise_epoch(&mut tx).await?;
    let (issued, event) = sign_in::session_in(app, &mut tx, visit, &account).await?;
    let changed = visit.event(app, "user.password", Some(&account))?;
    tx.record_all(vec![changed, event]).await?.commit().await?;
    Ok(issued)
}

enum Required {
    No,
    Given(Code),
}

async fn code_if_needed(app: &App, account: &Account, code: Option<&str>) -> Result<Required, Problem> {
    if account.row.totp.is_none() {
        return Ok(Required::No);
    }
    sign_in::count_try(app, account.row.email_hash).await?;
    match sign_in::read_code(app, account, code.unwrap_or_default())? {
        Some(code) => Ok(Required::Given(code)),
        None => Err(sign_in::wrong_code()),
    }
}

/// Changes my password. All my other sessions end; this one goes on.
pub async fn change_password(app: &App, mut me: Me, present: &str, new: &str) -> Result<(), Problem> {
    me.require_person()?;
    require_password(app, &me, present, "/currentPassword").await?;
    let password = chosen(app, &me.account, new, "/newPassword").await?;
    let hash = sign_in::hash(app, me.account.row.id, &password).await?;
    let event = me.event(app, "user.password")?;
    let now = app.clock.now();
    let row = me.account.change(now);
    row.password = Some(hash);
    row.password_changed_at = Some(now);
    row.generation += 1;
    me.access.generation = row.generation;
    me.access.sign(&app.keys)?;
    let mut tx = app.db.begin().await?;
    me.account.save(&mut tx).await?;
    rows::renew(&mut tx, &me.access).await?;
    users::raise_epoch(&mut tx).await?;
    rows::forget_failures(&mut tx, me.account.row.email_hash).await?;
    tx.record(event).await?.commit().await?;
    Ok(())
}

/// Changes the address that I sign in with. The address before is told, and links that were sent to it die.
pub async fn change_email(app: &App, mut me: Me, password: &str, email: &str) -> Result<(), Problem> {
    me.require_person()?;
    let mut faults = Faults::new();
    let email = faults.check("/email", Email::parse(email));
    faults.into_result()?;
    let email = email.ok_or_else(|| Problem::new(ProblemKind::Internal))?;
    require_password(app, &me, password, "/password").await?;
    let before = me.account.contact()?.email;
    let event = me.event(app, "user.email")?;
    let mut tx = app.db.begin().await?;
    rows::forget_failures(&mut tx, me.account.row.email_hash).await?;
    users::set_address(app, &mut tx, &mut me.account, email).await?;
    tx.record(event).await?.commit().await?;
    match app.sessions.mailer(&app.config) {
        Ok(mailer) if mailer.is_configured() => mailer.send_aside(letters::moved(&me.account, before)),
        Ok(_) => {}
        Err(error) => tracing::error!(%error, "mail"),
    }
    Ok(())
}

/// A new password that is good enough, given what is known about the user.
async fn chosen(app: &App, account: &Account, text: &str, pointer: &'static str) -> Result<Password, Problem> {
    let (identity, contact) = (account.identity()?, account.contact()?);
    let tenant = tenants::service::find(app, account.row.tenant).await?;
    let tenant_name = tenant.map(|tenant| tenant.valid.name).unwrap_or_default();
    let inputs = [contact.email.expose(), identity.display_name.expose(), tenant_name.as_str()];
    let mut faults = Faults::new();
    let password = faults.check(pointer, Password::chosen(text, &inputs));
    faults.into_result()?;
    password.ok_or_else(|| Problem::new(ProblemKind::Internal))
}

/// My present password, once more: whoever finds an open screen must not be able to take the account over.
async fn require_password(app: &App, me: &Me, text: &str, pointer: &'static str) -> Result<(), Problem> {
    sign_in::count_try(app, me.account.row.email_hash).await?;
    if sign_in::is_password(app, &me.account, &Password::typed(text)).await? {
        return Ok(());
    }
    let mut faults = Faults::new();
    faults.add(pointer, "wrong_password", WRONG_PASSWORD);
    Err(Problem::invalid(faults.into_vec()))
}

/// The secret of a second factor that is being set up: for an app, as text and as a link.
pub struct Enrolment {
    pub secret: Zeroizing<String>,
    pub uri: Zeroizing<String>,
}

/// Begins to set up a second factor. It counts only once a code has confirmed it.
pub async fn begin_second_factor(app: &App, mut me: Me, password: &str) -> Result<Enrolment, Problem> {
    me.require_person()?;
    require_password(app, &me, password, "/password").await?;
    if me.account.row.totp.is_some() {
        return Err(Problem::new(ProblemKind::Conflict).detail(SET_UP));
    }
    let secret = TotpSecret::new(&*app.entropy);
    let enrolment = Enrolment { secret: secret.base32(), uri: secret.uri(me.account.contact()?.email.expose()) };
    let event = me.event(app, "user.second_factor")?.code("step", "begun");
    me.account.change(app.clock.now());
    me.account.row.totp_pending = Some(me.account.seal("totp_pending", &secret)?);
    let mut tx = app.db.begin().await?;
    me.account.save(&mut tx).await?;
    rows::forget_failures(&mut tx, me.account.row.email_hash).await?;
    tx.record(event).await?.commit().await?;
    Ok(enrolment)
}

/// Confirms the second factor with a code of the app; gives the recovery codes, this once.
pub async fn confirm_second_factor(app: &App, mut me: Me, code: &str) -> Result<Vec<Zeroizing<String>>, Problem> {
    me.require_person()?;
    let Some(secret) = me.account.totp_pending()? else {
        return Err(Problem::new(ProblemKind::Conflict).detail(NOT_BEGUN));
    };
    sign_in::count_try(app, me.account.row.email_hash).await?;
    let Some(step) = secret.check(code, app.clock.now(), 0) else {
        let mut faults = Faults::new();
        faults.add("/code", "wrong_code", WRONG_CODE);
        return Err(Problem::invalid(faults.into_vec()));
    };
    let codes: Vec<_> = (0..RECOVERY_CODES).map(|_| RecoveryCode::new(&*app.entropy)).collect();
    let user = me.account.row.id;
    let hashes: Result<Vec<_>, _> = codes.iter().map(|code| seal::recovery_hash(&app.keys, user, code)).collect();
    let event = me.event(app, "user.second_factor")?.code("step", "confirmed");
    me.account.change(app.clock.now());
    me.account.row.totp = Some(me.account.seal("totp", &secret)?);
    me.account.row.totp_pending = None;
    me.account.row.totp_step = step;
    let mut tx = app.db.begin().await?;
    me.account.save(&mut tx).await?;
    users::replace_recovery_codes(&mut tx, user, &hashes?).await?;
    rows::forget_failures(&mut tx, me.account.row.email_hash).await?;
    tx.record(event).await?.commit().await?;
    Ok(codes.iter().map(RecoveryCode::grouped).collect())
}

/// Takes my second factor away; it takes the password and a code, or a recovery code.
pub async fn remove_second_factor(app: &App, mut me: Me, password: &str, code: &str) -> Result<(), Problem> {
    me.require_person()?;
    require_password(app, &me, password, "/password").await?;
    let Required::Given(code) = code_if_needed(app, &me.account, Some(code)).await? else {
        return Err(Problem::not_found());
    };
    let event = me.event(app, "user.second_factor")?.code("step", "removed");
    let row = me.account.change(app.clock.now());
    row.totp = None;
    row.totp_pending = None;
    let user = row.id;
    let mut tx = app.db.begin().await?;
    sign_in::take_code(app, &mut tx, user, &code).await?;
    me.account.save(&mut tx).await?;
    users::replace_recovery_codes(&mut tx, user, &[]).await?;
    rows::forget_failures(&mut tx, me.account.row.email_hash).await?;
    tx.record(event).await?.commit().await?;
    Ok(())
}

/// Asks for a mail with a link to choose a new password. The answer is the same whether there is such an account or not:
/// the work is done beside the request.
pub async fn request_reset(app: &Arc<App>, visit: &Visit, email: &str) -> Result<(), Problem> {
    if app.keys.is_sealed() {
        return Err(Problem::new(ProblemKind::Sealed));
    }
    sign_in::take_address(app, visit)?;
    let Ok(email) = Email::parse(email) else { return Ok(()) };
    let (app, visit) = (Arc::clone(app), visit.clone());
    tokio::spawn(async move {
        if let Err(problem) = mail_reset(&app, &visit, &email).await {
            tracing::error!(kind = problem.kind.slug(), "a link for a new password could not be sent");
        }
    });
    Ok(())
}

async fn mail_reset(app: &App, visit: &Visit, email: &Email) -> Result<(), Problem> {
    let mailer = app.sessions.mailer(&app.config).map_err(|error| {
        tracing::error!(%error, "mail");
        Problem::new(ProblemKind::Internal)
    })?;
    let hash = seal::email_hash(&app.keys, email)?;
    if !mailer.is_configured() || !may_mail(app, hash).await? {
        return Ok(());
    }
    let Some(row) = users::row_of(app, hash).await? else { return Ok(()) };
    let account = users::open(app, row).await?;
    let purpose = match account.row.status {
        UserStatus::Disabled => return Ok(()),
        UserStatus::Invited => LinkPurpose::Invitation,
        UserStatus::Active => LinkPurpose::PasswordReset,
    };
    let mut tx = app.db.begin().await?;
    let when = (&*app.entropy, app.clock.now());
    let link = links::make(&mut tx, &app.keys, when, &account, purpose, None).await?;
    let event = visit.event(app, "user.reset", Some(&account))?.code("link", purpose.code());
    tx.record(event).await?.commit().await?;
    mailer.send_aside(letters::link(&account, &link, &app.config.public_url)?);
    Ok(())
}

/// The pauses of failed sign-ins bound the mails to one address as well.
async fn may_mail(app: &App, email_hash: [u8; 32]) -> Result<bool, Problem> {
    let mut key = email_hash;
    key.iter_mut().for_each(|byte| *byte ^= 0x5a);
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let before = rows::failures(&mut tx, key).await?;
    if before.and_then(|failures| failures.pause(now)).is_some() {
        return Ok(false);
    }
    rows::put_failures(&mut tx, key, Failures::and_one(before, now)).await?;
    tx.commit_without_event("counts mails by a keyed hash; each is on record").await?;
    Ok(true)
}

const DEAD_LINK: Phrase = Phrase {
    en: "This link doesn't work, or no longer. Ask for a new one.",
    nl: "Deze link werkt niet, of niet meer. Vraag een nieuwe aan.",
};
const WRONG_PASSWORD: Phrase = Phrase { en: "The password is wrong.", nl: "Het wachtwoord klopt niet." };
const WRONG_CODE: Phrase = Phrase { en: "The code is wrong.", nl: "De code klopt niet." };
const SET_UP: Phrase = Phrase { en: "A second factor is set up already.", nl: "Er is al een tweede factor ingesteld." };
const NOT_BEGUN: Phrase = Phrase {
    en: "Begin to set the second factor up first.",
    nl: "Begin eerst met het instellen van de tweede factor.",
};
