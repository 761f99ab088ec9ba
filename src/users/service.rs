//! What can be done with users. Every function that answers somebody takes a scope; nothing is written before the
//! decision.

use chrono::{DateTime, Utc};
use kluis_core::access::{Scope, ScopedPermission};
use kluis_core::audit::{Class, Event};
use kluis_core::kernel::id::{Tenant, User};
use kluis_core::kernel::{Email, Faults, Id, Phrase, Problem, ProblemKind};
use kluis_core::privacy::{Compartment, CompartmentSet};
use kluis_core::store::{Tx, Unaudited};

use super::access::{Create, Disable, Read, Reset, SignOut, Update};
use super::account::Account;
use super::links::{self, LinkPurpose, OneTimeLink};
use super::model::{UserContact, UserDraft, UserIdentity, UserStatus, ValidUser};
use super::rows::{self, Seen};
use super::view::{self, UserView};
use super::{grants, letters, seal};
use crate::app::App;
use crate::tenants;
use crate::web::{ETag, Failure};

pub use super::rows::UserFilter;

/// A page of users, and where the next one starts.
pub struct Found {
    pub views: Vec<UserView>,
    pub next: Option<Id<User>>,
    pub total: Option<u64>,
}

/// One page of what the scope holds, newest first.
pub async fn list(
    app: &App,
    scope: &Scope<Read>,
    filter: &UserFilter,
    after: Option<Id<User>>,
    (size, count): (u32, bool),
) -> Result<Found, Problem> {
    scope.require_any()?;
    let total = if count { Some(rows::count(&app.db, scope, filter).await?.unsigned_abs()) } else { None };
    let mut seen = rows::list(&app.db, scope, filter, after, i64::from(size) + 1).await?;
    let more = seen.len() > size as usize;
    seen.truncate(size as usize);
    let next = seen.last().filter(|_| more).map(|seen| seen.row.id);
    let mut views = Vec::with_capacity(seen.len());
    let mut subjects = Vec::with_capacity(seen.len());
    for user in &seen {
        views.push(view::open(app, scope, user).await?);
        subjects.push(app.keys.audit_hash(user.row.tenant.uuid(), user.row.id.uuid())?);
    }
    let event = app.event(scope).subjects(subjects).count("records", seen.len());
    app.record_read(event.compartments(view::shown(scope, &seen))).await?;
    Ok(Found { views, next, total })
}

/// One user; 404 when there is none that the caller may read.
pub async fn show(app: &App, scope: &Scope<Read>, id: Id<User>) -> Result<UserView, Problem> {
    let seen = seen(app, scope, id).await?;
    let view = view::open(app, scope, &seen).await?;
    let event = about(app, scope, &seen)?.compartments(view::shown(scope, std::slice::from_ref(&seen)));
    app.record_read(event).await?;
    Ok(view)
}

/// Makes an account in `home`, which is the acting tenant or one below it. It has no role and no password yet.
pub async fn create(
    app: &App,
    scope: &Scope<Create>,
    draft: &UserDraft,
    home: Id<Tenant>,
) -> Result<(UserView, Account), Problem> {
    scope.require_any()?;
    let valid = draft.validate()?;
    let rels = grants::relation_to(app, scope, home).await?;
    scope.require(rels)?;
    require_editable(scope, rels, CompartmentSet::of(&[Compartment::Identity, Compartment::Contact]))?;
    let mut account = new_account(app, valid, home, UserStatus::Invited).await?;
    let mut tx = app.db.begin().await?;
    scope.still_current_in(&mut tx).await?;
    account.insert(&mut tx).await?;
    let event = app.event(scope).record(account.row.id, home).subjects(subject(app, &account)?);
    tx.record(event).await?.commit().await?;
    let seen = Seen { row: account.row.clone(), rels };
    Ok((view::open(app, &scope.also::<Read>(), &seen).await?, account))
}

/// Changes address, name or language.
pub async fn update(
    app: &App,
    scope: &Scope<Update>,
    id: Id<User>,
    fits: impl FnOnce(ETag) -> Result<(), Failure>,
    change: impl FnOnce(&UserDraft) -> Result<UserDraft, Problem>,
) -> Result<UserView, Failure> {
    let seen = seen(app, scope, id).await?;
    scope.require(seen.rels)?;
    fits(ETag::of(seen.row.revision))?;
    let rels = seen.rels;
    let mut account = Account::open(&app.db, &app.keys, seen.row).await?;
    let read = scope.also::<Read>();
    if !CompartmentSet::of(&[Compartment::Identity, Compartment::Contact]).is_subset(read.disclosure(rels).clear()) {
        // Nobody overwrites what they haven't seen.
        return Err(Problem::new(ProblemKind::FieldNotPermitted).into());
    }
    let before = view::draft(&account)?;
    let wanted = change(&before)?;
    let valid = wanted.validate()?;
    let changed = changed(&before, &wanted);
    require_editable(scope, rels, changed)?;
    if changed.contains(Compartment::Contact) {
        // Whoever sets the address can have the password reset: that is taking the account over.
        if scope.actor().user() == Some(id) {
            return Err(Problem::new(ProblemKind::FieldNotPermitted).detail(OWN_ADDRESS).into());
        }
        grants::require_no_more_rights(app, scope, &account).await?;
    }
    write_profile(app, &mut account, &valid, changed)?;
    let mut tx = app.db.begin().await?;
    scope.still_current_in(&mut tx).await?;
    account.save(&mut tx).await?;
    if changed.contains(Compartment::Contact) {
        // They went to the address before.
        rows::drop_links(&mut tx, id).await?;
    }
    let event = app
        .event(scope)
        .record(id, account.row.tenant)
        .subjects(subject(app, &account)?)
        .compartments(changed)
        .names("fields", changed_names(&before, &wanted));
    tx.record(event).await?.commit().await?;
    Ok(view::open(app, &read, &Seen { row: account.row, rels }).await?)
}

/// Disables an account, or enables it again. Sessions and tokens of a disabled user stop at the next request.
pub async fn set_disabled(
    app: &App,
    scope: &Scope<Disable>,
    id: Id<User>,
    fits: impl FnOnce(ETag) -> Result<(), Failure>,
    disabled: bool,
) -> Result<UserView, Failure> {
    let seen = seen(app, scope, id).await?;
    scope.require(seen.rels)?;
    fits(ETag::of(seen.row.revision))?;
    let rels = seen.rels;
    let mut account = Account::open(&app.db, &app.keys, seen.row).await?;
    let now = app.clock.now();
    let row = account.change(now);
    row.status = match (disabled, &row.password) {
        (true, _) => UserStatus::Disabled,
        (false, Some(_)) => UserStatus::Active,
        (false, None) => UserStatus::Invited,
    };
    row.generation += i64::from(disabled);
    let mut tx = app.db.begin().await?;
    scope.still_current_in(&mut tx).await?;
    account.save(&mut tx).await?;
    rows::raise_epoch(&mut tx).await?;
    let event = about_account(app, scope, &account)?.class(Class::Security).code("disabled", disabled.to_string());
    tx.record(event).await?.commit().await?;
    Ok(view::open(app, &scope.also::<Read>(), &Seen { row: account.row, rels }).await?)
}

/// Makes a one-time link with which the user chooses a password: an invitation, or a new password. Earlier links die.
pub async fn make_link(app: &App, scope: &Scope<Reset>, id: Id<User>) -> Result<(OneTimeLink, Account), Problem> {
    let seen = seen(app, scope, id).await?;
    scope.require(seen.rels)?;
    let account = Account::open(&app.db, &app.keys, seen.row).await?;
    grants::require_no_more_rights(app, scope, &account).await?;
    let purpose = match account.row.status {
        UserStatus::Invited => LinkPurpose::Invitation,
        UserStatus::Active => LinkPurpose::PasswordReset,
        UserStatus::Disabled => return Err(Problem::new(ProblemKind::Conflict).detail(DISABLED)),
    };
    let mut tx = app.db.begin().await?;
    scope.still_current_in(&mut tx).await?;
    let when = (&*app.entropy, app.clock.now());
    let link = links::make(&mut tx, &app.keys, when, &account, purpose, scope.actor().user()).await?;
    let event = about_account(app, scope, &account)?.class(Class::Security).code("link", purpose.code());
    tx.record(event).await?.commit().await?;
    Ok((link, account))
}

/// Makes a link and mails it, or gives it to the caller. 409 when it should be mailed and no server is configured.
pub async fn send_link(app: &App, scope: &Scope<Reset>, id: Id<User>, mail: bool) -> Result<OneTimeLink, Problem> {
    let mailer = app.sessions.mailer(&app.config).map_err(|error| {
        tracing::error!(%error, "mail");
        Problem::new(ProblemKind::Internal)
    })?;
    if mail && !mailer.is_configured() {
        return Err(Problem::new(ProblemKind::Conflict).detail(NO_MAIL));
    }
    let (link, account) = make_link(app, scope, id).await?;
    if mail {
        mailer.send_aside(letters::link(&account, &link, &app.config.public_url)?);
    }
    Ok(link)
}

/// Takes the second factor away from somebody who has lost it; all their sessions end.
pub async fn drop_second_factor(
    app: &App,
    scope: &Scope<Reset>,
    id: Id<User>,
    fits: impl FnOnce(ETag) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let seen = seen(app, scope, id).await?;
    scope.require(seen.rels)?;
    fits(ETag::of(seen.row.revision))?;
    let mut account = Account::open(&app.db, &app.keys, seen.row).await?;
    grants::require_no_more_rights(app, scope, &account).await?;
    let row = account.change(app.clock.now());
    row.totp = None;
    row.totp_pending = None;
    row.generation += 1;
    let mut tx = app.db.begin().await?;
    scope.still_current_in(&mut tx).await?;
    account.save(&mut tx).await?;
    rows::replace_codes(&mut tx, id, &[]).await?;
    rows::raise_epoch(&mut tx).await?;
    let event = about_account(app, scope, &account)?.class(Class::Security).code("second_factor", "removed");
    tx.record(event).await?.commit().await?;
    Ok(())
}

/// Ends all sessions of somebody; their API tokens go on.
pub async fn sign_out(app: &App, scope: &Scope<SignOut>, id: Id<User>) -> Result<(), Problem> {
    let seen = seen(app, scope, id).await?;
    scope.require(seen.rels)?;
    let mut account = Account::open(&app.db, &app.keys, seen.row).await?;
    account.change(app.clock.now()).generation += 1;
    let mut tx = app.db.begin().await?;
    scope.still_current_in(&mut tx).await?;
    account.save(&mut tx).await?;
    rows::raise_epoch(&mut tx).await?;
    tx.record(about_account(app, scope, &account)?.class(Class::Security)).await?.commit().await?;
    Ok(())
}

/// A user whom the caller may read; 404 otherwise.
pub(super) async fn seen<P: ScopedPermission>(app: &App, scope: &Scope<P>, id: Id<User>) -> Result<Seen, Problem> {
    rows::get(&app.db, scope, id).await?.ok_or_else(Problem::not_found)
}

/// An account that isn't written yet: sealed under a key of its own.
pub(super) async fn new_account(
    app: &App,
    valid: ValidUser,
    home: Id<Tenant>,
    status: UserStatus,
) -> Result<Account, Problem> {
    let key = app.keys.new_subject_key(home.uuid()).await?;
    let (id, now) = (app.new_id::<User>(), app.clock.now());
    let place = |part| seal::place(home, id, part, 1);
    let row = super::model::UserRow {
        tenant: home,
        id,
        status,
        language: valid.language,
        acting_tenant: home,
        email_hash: seal::email_hash(&app.keys, &valid.contact.email)?,
        key: key.id(),
        identity: kluis_core::privacy::Sealed::seal(&key, &place("identity"), &valid.identity)?,
        contact: kluis_core::privacy::Sealed::seal(&key, &place("contact"), &valid.contact)?,
        password: None,
        password_changed_at: None,
        totp: None,
        totp_pending: None,
        totp_step: 0,
        generation: 1,
        created_at: now,
        updated_at: now,
        last_sign_in_at: None,
        revision: 1,
        mac: Vec::new(),
    };
    Ok(Account::new(row, key))
}

/// Gives an account another address to sign in with, in the transaction of the caller, who has looked that its owner asks.
pub async fn set_address(
    app: &App,
    tx: &mut Tx<Unaudited>,
    account: &mut Account,
    email: Email,
) -> Result<(), Problem> {
    let email_hash = seal::email_hash(&app.keys, &email)?;
    account.change(app.clock.now());
    account.row.contact = account.seal("contact", &UserContact { email })?;
    account.row.email_hash = email_hash;
    account.save(tx).await?;
    Ok(rows::drop_links(tx, account.row.id).await?)
}

fn write_profile(app: &App, account: &mut Account, valid: &ValidUser, changed: CompartmentSet) -> Result<(), Problem> {
    account.change(app.clock.now()).language = valid.language;
    if changed.contains(Compartment::Identity) {
        account.row.identity = account.seal::<UserIdentity>("identity", &valid.identity)?;
    }
    if changed.contains(Compartment::Contact) {
        account.row.contact = account.seal::<UserContact>("contact", &valid.contact)?;
        account.row.email_hash = seal::email_hash(&app.keys, &valid.contact.email)?;
    }
    Ok(())
}

fn changed(before: &UserDraft, after: &UserDraft) -> CompartmentSet {
    let mut set = CompartmentSet::EMPTY;
    if before.display_name != after.display_name {
        set.insert(Compartment::Identity);
    }
    if before.email != after.email {
        set.insert(Compartment::Contact);
    }
    set
}

fn changed_names(before: &UserDraft, after: &UserDraft) -> Vec<&'static str> {
    let all = [
        ("displayName", before.display_name != after.display_name),
        ("email", before.email != after.email),
        ("language", before.language != after.language),
    ];
    all.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name).collect()
}

fn require_editable<P: ScopedPermission>(
    scope: &Scope<P>,
    rels: kluis_core::access::RelSet,
    touched: CompartmentSet,
) -> Result<(), Problem> {
    if touched.is_subset(scope.editable(rels)) {
        return Ok(());
    }
    Err(Problem::new(ProblemKind::FieldNotPermitted))
}

fn subject(app: &App, account: &Account) -> Result<[[u8; 16]; 1], Problem> {
    Ok([app.keys.audit_hash(account.row.tenant.uuid(), account.row.id.uuid())?])
}

fn about<P: ScopedPermission>(app: &App, scope: &Scope<P>, seen: &Seen) -> Result<Event, Problem> {
    let hash = app.keys.audit_hash(seen.row.tenant.uuid(), seen.row.id.uuid())?;
    Ok(app.event(scope).record(seen.row.id, seen.row.tenant).subjects([hash]))
}

pub(super) fn about_account<P: ScopedPermission>(
    app: &App,
    scope: &Scope<P>,
    account: &Account,
) -> Result<Event, Problem> {
    Ok(app.event(scope).record(account.row.id, account.row.tenant).subjects(subject(app, account)?))
}

pub(super) fn fault(pointer: &'static str, code: &'static str, detail: Phrase) -> Problem {
    let mut faults = Faults::new();
    faults.add(pointer, code, detail);
    Problem::invalid(faults.into_vec())
}

/// A tenant that people can be put into: it is there and open.
pub(super) async fn open_tenant(
    app: &App,
    id: Id<Tenant>,
    pointer: &'static str,
) -> Result<tenants::model::TenantRecord, Problem> {
    let tenant = tenants::service::find(app, id).await?.ok_or_else(|| fault(pointer, "unknown", NO_TENANT))?;
    if tenant.status == tenants::model::TenantStatus::Closed {
        return Err(fault(pointer, "closed", CLOSED));
    }
    Ok(tenant)
}

const NO_MAIL: Phrase = Phrase {
    en: "No mail server is configured: have the link shown, and hand it over.",
    nl: "Er is geen mailserver ingesteld: laat de link tonen en geef hem door.",
};
const OWN_ADDRESS: Phrase = Phrase {
    en: "Your own address is changed under /me/email, with your password.",
    nl: "Uw eigen adres wijzigt u onder /me/email, met uw wachtwoord.",
};
const DISABLED: Phrase = Phrase { en: "Enable the account first.", nl: "Schakel het account eerst in." };
pub(super) const NO_TENANT: Phrase =
    Phrase { en: "There is no such tenant for you.", nl: "Deze tenant bestaat niet voor u." };
const CLOSED: Phrase = Phrase { en: "This tenant is closed.", nl: "Deze tenant is gesloten." };

// --- for signing in, which happens before there is an actor

/// The row of an address's account, unchecked: its password may be compared, nothing else may be believed.
pub async fn row_of(app: &App, email_hash: [u8; 32]) -> Result<Option<super::model::UserRow>, Problem> {
    Ok(rows::by_email(&app.db, email_hash).await?)
}

/// The account around such a row, checked.
pub async fn open(app: &App, row: super::model::UserRow) -> Result<Account, Problem> {
    Account::open(&app.db, &app.keys, row).await
}

/// An account, whoever asks: for the one whose account it is.
pub async fn read(app: &App, id: Id<User>) -> Result<Option<Account>, Problem> {
    Account::read(&app.db, &app.keys, id).await
}

/// Takes a step of the second factor; `false` when it was taken before.
pub async fn take_step(tx: &mut Tx<Unaudited>, id: Id<User>, step: i64) -> Result<bool, Problem> {
    Ok(rows::take_step(tx, id, step).await?)
}

/// Takes a recovery code; `false` when there is none like it, or it was used before.
pub async fn use_recovery_code(
    tx: &mut Tx<Unaudited>,
    id: Id<User>,
    hash: [u8; 32],
    now: DateTime<Utc>,
) -> Result<bool, Problem> {
    Ok(rows::use_code(tx, id, hash, now).await?)
}

/// Replaces the recovery codes.
pub async fn replace_recovery_codes(tx: &mut Tx<Unaudited>, id: Id<User>, hashes: &[[u8; 32]]) -> Result<(), Problem> {
    Ok(rows::replace_codes(tx, id, hashes).await?)
}

pub async fn recovery_codes_left(app: &App, id: Id<User>) -> Result<i64, Problem> {
    Ok(rows::codes_left(&app.db, id).await?)
}

/// Notes when somebody signed in last.
pub async fn signed_in(tx: &mut Tx<Unaudited>, id: Id<User>, at: DateTime<Utc>) -> Result<(), Problem> {
    Ok(rows::signed_in(tx, id, at).await?)
}

/// Remembers for which tenant the next session acts.
pub async fn act_for(tx: &mut Tx<Unaudited>, id: Id<User>, tenant: Id<Tenant>) -> Result<(), Problem> {
    Ok(rows::act_for(tx, id, tenant).await?)
}

/// Makes all nodes decide anew.
pub async fn raise_epoch(tx: &mut Tx<Unaudited>) -> Result<i64, Problem> {
    Ok(rows::raise_epoch(tx).await?)
}
