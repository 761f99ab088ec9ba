//! Signing in: password, then the second factor where there is one, then a session.
//!
//! Whatever goes wrong, the answer is the same and takes as long: an unknown address, a wrong password, an account that
//! is disabled. Tries are counted before they are judged, so that many at once gain nothing.

use chrono::{DateTime, TimeDelta, Utc};
use kluis_core::audit::Outcome;
use kluis_core::kernel::id::{Tenant, User};
use kluis_core::kernel::{Email, Id, Phrase, Problem, ProblemKind};
use kluis_core::privacy::Sealed;
use kluis_core::store::{Tx, Unaudited};
use zeroize::Zeroizing;

use super::model::{Access, AccessKind, AccessLabel, AccessRow, CHOOSE_TIME, Lifetimes, SECOND_FACTOR_TIME, Step};
use super::rows;
use super::throttle::{Failures, MEMORY};
use super::visit::Visit;
use crate::app::App;
use crate::tenants;
use crate::tenants::model::TenantStatus;
use crate::users::account::Account;
use crate::users::model::UserStatus;
use crate::users::password::{HashFailed, Hasher, Password, SALT, Verdict};
use crate::users::token::{Token, TokenKind};
use crate::users::totp::RecoveryCode;
use crate::users::{seal, service as users};

/// A token that was just made; its text is handed out once.
pub struct Issued {
    pub token: Token,
    pub id: Id<Access>,
    pub user: Id<User>,
    pub tenant: Id<Tenant>,
    pub expires_at: DateTime<Utc>,
}

impl Issued {
    pub fn text(&self) -> Zeroizing<String> {
        self.token.text()
    }
}

/// A code of an app, or one for a lost device.
#[derive(Debug)]
pub enum Code {
    Totp(i64),
    Recovery([u8; 32]),
}

/// Signs in in one go; 401 with `secondFactor: required` when the password is right and a code is missing.
pub async fn sign_in(
    app: &App,
    visit: &Visit,
    email: &str,
    password: &Password,
    code: Option<&str>,
) -> Result<Issued, Problem> {
    let checked = check_password(app, visit, email, password).await?;
    if checked.account.row.totp.is_none() {
        return open_session(app, visit, checked.account, None).await;
    }
    let Some(code) = code.filter(|code| !code.trim().is_empty()) else {
        checked.forgive(app).await?;
        return Err(Problem::new(ProblemKind::Unauthenticated).detail(CODE_NEEDED).member("secondFactor", "required"));
    };
    finish(app, visit, checked.account, code).await
}

/// What the first page finds out.
pub enum FirstStep {
    SignedIn(Issued),
    /// The code is still missing; this token lets it be sent for five minutes.
    SecondFactor(Issued),
}

/// Signs in as far as the password goes.
pub async fn begin(app: &App, visit: &Visit, email: &str, password: &Password) -> Result<FirstStep, Problem> {
    let checked = check_password(app, visit, email, password).await?;
    if checked.account.row.totp.is_none() {
        return Ok(FirstStep::SignedIn(open_session(app, visit, checked.account, None).await?));
    }
    checked.forgive(app).await?;
    let step = open_step(app, &checked.account, Step::SecondFactor).await?;
    Ok(FirstStep::SecondFactor(step))
}

/// Sends the code that was missing.
pub async fn second_factor(app: &App, visit: &Visit, step: &Token, code: &str) -> Result<Issued, Problem> {
    take_address(app, visit)?;
    let (row, account) = step_account(app, step, Step::SecondFactor).await?;
    count_try(app, account.row.email_hash).await?;
    let issued = finish(app, visit, account, code).await?;
    end(app, row.token_hash).await?;
    Ok(issued)
}

/// A password that was right.
struct Checked {
    account: Account,
    before: Option<Failures>,
}

impl Checked {
    /// The try counts no more: the password was right, and nothing was learnt by it.
    async fn forgive(&self, app: &App) -> Result<(), Problem> {
        let mut tx = app.db.begin().await?;
        match self.before {
            Some(before) => rows::put_failures(&mut tx, self.account.row.email_hash, before).await?,
            None => rows::forget_failures(&mut tx, self.account.row.email_hash).await?,
        }
        Ok(tx.commit_without_event(COUNTS).await?)
    }
}

async fn check_password(app: &App, visit: &Visit, email: &str, password: &Password) -> Result<Checked, Problem> {
    if app.keys.is_sealed() {
        return Err(Problem::new(ProblemKind::Sealed));
    }
    take_address(app, visit)?;
    let email_hash = match Email::parse(email) {
        Ok(email) => seal::email_hash(&app.keys, &email)?,
        Err(_) => seal::no_email_hash(&app.keys, email)?,
    };
    let before = count_try(app, email_hash).await?;
    let row = users::row_of(app, email_hash).await?;
    let nobody = Id::from_uuid(uuid::Uuid::nil());
    let peppered = seal::pepper(&app.keys, row.as_ref().map_or(nobody, |row| row.id), password)?;
    let stored = row.as_ref().and_then(|row| row.password.clone());
    let verdict = hasher(app)?.verify(peppered, stored.as_deref()).await.map_err(unhashed)?;
    let Some(row) = row else {
        refuse(app, visit, None, "unknown_account").await?;
        return Err(wrong());
    };
    let account = users::open(app, row).await?;
    if verdict == Verdict::Wrong {
        refuse(app, visit, Some(&account), "password").await?;
        return Err(wrong());
    }
    if account.row.status != UserStatus::Active {
        refuse(app, visit, Some(&account), "status").await?;
        return Err(wrong());
    }
    let account = if verdict == Verdict::Outdated { rehash(app, account, password).await? } else { account };
    Ok(Checked { account, before })
}

/// The password was hashed with other parameters than today's; now that it is known, it is hashed anew.
async fn rehash(app: &App, mut account: Account, password: &Password) -> Result<Account, Problem> {
    let hash = hash(app, account.row.id, password).await?;
    account.change(app.clock.now()).password = Some(hash);
    let mut tx = app.db.begin().await?;
    account.save(&mut tx).await?;
    tx.commit_without_event("the same password under newer parameters; the sign-in itself is on record").await?;
    Ok(account)
}

/// The PHC string of a password for a user.
pub async fn hash(app: &App, user: Id<User>, password: &Password) -> Result<String, Problem> {
    let mut salt = [0; SALT];
    app.entropy.fill(&mut salt);
    let peppered = seal::pepper(&app.keys, user, password)?;
    hasher(app)?.hash(peppered, salt).await.map_err(unhashed)
}

/// Whether this is the account's password.
pub async fn is_password(app: &App, account: &Account, password: &Password) -> Result<bool, Problem> {
    let peppered = seal::pepper(&app.keys, account.row.id, password)?;
    let verdict = hasher(app)?.verify(peppered, account.row.password.as_deref()).await.map_err(unhashed)?;
    Ok(verdict != Verdict::Wrong)
}

/// A code that could be right; whether it was used before shows when it is taken.
pub fn read_code(app: &App, account: &Account, code: &str) -> Result<Option<Code>, Problem> {
    let Some(secret) = account.totp()? else { return Ok(None) };
    if let Some(step) = secret.check(code, app.clock.now(), account.row.totp_step) {
        return Ok(Some(Code::Totp(step)));
    }
    let Some(code) = RecoveryCode::parse(code) else { return Ok(None) };
    Ok(Some(Code::Recovery(seal::recovery_hash(&app.keys, account.row.id, &code)?)))
}

/// Takes a code in the transaction; 401 when it was used before, or there is none like it.
pub async fn take_code(app: &App, tx: &mut Tx<Unaudited>, user: Id<User>, code: &Code) -> Result<(), Problem> {
    let taken = match code {
        Code::Totp(step) => users::take_step(tx, user, *step).await?,
        Code::Recovery(hash) => users::use_recovery_code(tx, user, *hash, app.clock.now()).await?,
    };
    if taken { Ok(()) } else { Err(wrong_code()) }
}

async fn finish(app: &App, visit: &Visit, account: Account, code: &str) -> Result<Issued, Problem> {
    let Some(code) = read_code(app, &account, code)? else {
        refuse(app, visit, Some(&account), "second_factor").await?;
        return Err(wrong_code());
    };
    open_session(app, visit, account, Some(code)).await
}

/// Starts a session for somebody who has proven who they are.
pub async fn open_session(app: &App, visit: &Visit, account: Account, code: Option<Code>) -> Result<Issued, Problem> {
    let mut tx = app.db.begin().await?;
    if let Some(code) = &code
        && let Err(problem) = take_code(app, &mut tx, account.row.id, code).await
    {
        drop(tx);
        refuse(app, visit, Some(&account), "second_factor").await?;
        return Err(problem);
    }
    let (issued, event) = session_in(app, &mut tx, visit, &account).await?;
    let event = event.code("second_factor", code_name(code.as_ref()));
    tx.record(event).await?.commit().await?;
    Ok(issued)
}

const fn code_name(code: Option<&Code>) -> &'static str {
    match code {
        None => "none",
        Some(Code::Totp(_)) => "totp",
        Some(Code::Recovery(_)) => "recovery_code",
    }
}

/// A session in an open transaction, and the event that belongs to it.
pub async fn session_in(
    app: &App,
    tx: &mut Tx<Unaudited>,
    visit: &Visit,
    account: &Account,
) -> Result<(Issued, kluis_core::audit::Event), Problem> {
    let now = app.clock.now();
    let tenant = acting_tenant(app, account, now).await?;
    let lifetimes = Lifetimes::new(app.config.session_idle_minutes, app.config.session_hours);
    let label = visit.agent.clone().map(|text| AccessLabel { text });
    let made =
        NewAccess { kind: AccessKind::Session, tenant, label, scopes: None, expires_at: now + lifetimes.absolute };
    let issued = insert(app, tx, account, made).await?;
    users::signed_in(tx, account.row.id, now).await?;
    rows::forget_failures(tx, account.row.email_hash).await?;
    // Housekeeping on the way: what has long been over.
    rows::forget_expired(tx, now - TimeDelta::days(1)).await?;
    rows::forget_old_failures(tx, now - MEMORY).await?;
    Ok((issued, visit.event(app, "session.create", Some(account))?))
}

/// The tenant that was acted for last, if that may still be; otherwise the first one with a role.
async fn acting_tenant(app: &App, account: &Account, now: DateTime<Utc>) -> Result<Id<Tenant>, Problem> {
    let mut candidates = account.tenants(now);
    candidates.sort_by_key(|tenant| *tenant != account.row.acting_tenant);
    for tenant in &candidates {
        let found = tenants::service::find(app, *tenant).await?;
        if found.is_some_and(|tenant| tenant.status == TenantStatus::Active) {
            return Ok(*tenant);
        }
    }
    Ok(account.row.tenant)
}

/// A token to be made.
pub struct NewAccess {
    pub kind: AccessKind,
    pub tenant: Id<Tenant>,
    pub label: Option<AccessLabel>,
    pub scopes: Option<String>,
    pub expires_at: DateTime<Utc>,
}

/// Makes a session, step or API token in the transaction.
pub async fn insert(app: &App, tx: &mut Tx<Unaudited>, account: &Account, new: NewAccess) -> Result<Issued, Problem> {
    let kind = match new.kind {
        AccessKind::Session => TokenKind::Session,
        AccessKind::Step(_) => TokenKind::Step,
        AccessKind::Api => TokenKind::Api,
    };
    let token = Token::new(kind, &*app.entropy);
    let (id, now) = (app.new_id::<Access>(), app.clock.now());
    let place = label_place(account, id);
    let label = new.label.map(|label| Sealed::seal(account.key(), &place, &label)).transpose()?;
    let mut row = AccessRow {
        token_hash: seal::token_hash(&app.keys, &token)?,
        tenant: new.tenant,
        id,
        user: account.row.id,
        kind: new.kind,
        generation: account.row.generation,
        label,
        scopes: new.scopes,
        created_at: now,
        last_used_at: now,
        expires_at: new.expires_at,
        mac: Vec::new(),
    };
    row.sign(&app.keys)?;
    rows::insert(tx, &row).await?;
    Ok(Issued { token, id, user: row.user, tenant: row.tenant, expires_at: row.expires_at })
}

/// Where the label of a session or token belongs.
pub const fn label_place(account: &Account, id: Id<Access>) -> kluis_core::privacy::Context {
    kluis_core::privacy::Context {
        tenant: account.row.tenant.uuid(),
        table: "access_tokens",
        part: "label",
        row: id.uuid(),
        subject: account.row.id.uuid(),
        revision: 1,
        schema: 1,
    }
}

/// A step on the way to a session.
pub async fn open_step(app: &App, account: &Account, step: Step) -> Result<Issued, Problem> {
    let mut tx = app.db.begin().await?;
    let issued = step_in(app, &mut tx, account, step).await?;
    tx.commit_without_event("a step of a sign-in gives no rights; the sign-in itself is on record").await?;
    Ok(issued)
}

/// The same in an open transaction.
pub async fn step_in(app: &App, tx: &mut Tx<Unaudited>, account: &Account, step: Step) -> Result<Issued, Problem> {
    let time = match step {
        Step::SecondFactor => SECOND_FACTOR_TIME,
        Step::ChoosePassword => CHOOSE_TIME,
    };
    let expires_at = app.clock.now() + time;
    let new =
        NewAccess { kind: AccessKind::Step(step), tenant: account.row.tenant, label: None, scopes: None, expires_at };
    insert(app, tx, account, new).await
}

/// Whose step it is; 401 when it is over, used, or another one.
pub async fn step_account(app: &App, token: &Token, step: Step) -> Result<(AccessRow, Account), Problem> {
    let over = step_over;
    let found = rows::by_hash(&app.db, seal::token_hash(&app.keys, token)?).await?;
    let (row, _) = found.ok_or_else(over)?;
    row.verify(&app.keys)?;
    let account = users::read(app, row.user).await?.ok_or_else(over)?;
    let alive = row.kind == AccessKind::Step(step)
        && row.generation == account.row.generation
        && app.clock.now() < row.expires_at
        && account.row.status != UserStatus::Disabled;
    if alive { Ok((row, account)) } else { Err(over()) }
}

/// The answer to a step that is over, or never was.
pub fn step_over() -> Problem {
    Problem::new(ProblemKind::Unauthenticated).detail(STEP_OVER)
}

async fn end(app: &App, token_hash: [u8; 32]) -> Result<(), Problem> {
    let mut tx = app.db.begin().await?;
    rows::remove(&mut tx, token_hash).await?;
    Ok(tx.commit_without_event("the step has become a session, which is on record").await?)
}

/// 429 when the network address tries too fast.
pub fn take_address(app: &App, visit: &Visit) -> Result<(), Problem> {
    let Some(address) = visit.address else { return Ok(()) };
    app.sessions.addresses(&app.config).take(address, app.clock.now()).map_err(too_many)
}

/// Counts a try of an account, whether there is one or not; gives the failures before. 429 during a pause.
pub async fn count_try(app: &App, account: [u8; 32]) -> Result<Option<Failures>, Problem> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let before = rows::failures(&mut tx, account).await?;
    if let Some(pause) = before.and_then(|failures| failures.pause(now)) {
        return Err(too_many(pause));
    }
    rows::put_failures(&mut tx, account, Failures::and_one(before, now)).await?;
    tx.commit_without_event(COUNTS).await?;
    Ok(before)
}

async fn refuse(app: &App, visit: &Visit, account: Option<&Account>, why: &'static str) -> Result<(), Problem> {
    let event = visit.event(app, "session.create", account)?.outcome(Outcome::Denied).code("reason", why);
    app.db.begin().await?.record(event).await?.commit().await?;
    Ok(())
}

fn too_many(pause: TimeDelta) -> Problem {
    // Rounded up: who waits as long as told is let in.
    let seconds = (pause + TimeDelta::milliseconds(999)).num_seconds().max(1);
    Problem::new(ProblemKind::TooManyRequests).detail(SLOWLY).member("retryAfter", seconds.to_string())
}

fn hasher(app: &App) -> Result<&Hasher, Problem> {
    app.sessions.hasher().map_err(unhashed)
}

fn unhashed(error: HashFailed) -> Problem {
    tracing::error!(%error, "password");
    Problem::new(ProblemKind::Internal)
}

fn wrong() -> Problem {
    Problem::new(ProblemKind::Unauthenticated).detail(WRONG)
}

/// The answer to a wrong code.
pub fn wrong_code() -> Problem {
    Problem::new(ProblemKind::Unauthenticated).detail(WRONG_CODE).member("secondFactor", "wrong")
}

const COUNTS: &str = "counts tries by a keyed hash; what came of them is on record";
const WRONG: Phrase =
    Phrase { en: "The e-mail address or the password is wrong.", nl: "Het e-mailadres of het wachtwoord klopt niet." };
const CODE_NEEDED: Phrase =
    Phrase { en: "Send the code of your authenticator app too.", nl: "Stuur ook de code van uw authenticatie-app." };
const WRONG_CODE: Phrase =
    Phrase { en: "The code is wrong, or was used before.", nl: "De code klopt niet, of is al gebruikt." };
const STEP_OVER: Phrase =
    Phrase { en: "This took too long. Sign in again.", nl: "Dit duurde te lang. Meld u opnieuw aan." };
const SLOWLY: Phrase = Phrase { en: "Too many tries. Wait a moment.", nl: "Te veel pogingen. Wacht even." };
