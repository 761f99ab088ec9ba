//! From a token to an actor. What was resolved is kept as long as no right has changed anywhere.
//!
//! Must never: serve an actor that was resolved at an older epoch, or one whose session has ended.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use chrono::{DateTime, Utc};
use kluis_core::access::{Actor, Channel, Role, Seat, TenantKind, TokenScopes};
use kluis_core::kernel::clock::from_micros;
use kluis_core::kernel::{Problem, ProblemKind};
use quick_cache::sync::Cache;

use super::model::{AccessKind, AccessRow, Lifetimes};
use super::rows;
use super::throttle::AddressLimit;
use crate::app::App;
use crate::config::Config;
use crate::mail::{MailError, Mailer};
use crate::tenants;
use crate::tenants::model::TenantStatus;
use crate::users::account::Account;
use crate::users::model::UserStatus;
use crate::users::password::{HashFailed, Hasher};
use crate::users::seal;
use crate::users::token::{Token, TokenKind};

/// How many resolved actors are kept.
const KEPT: usize = 10_000;

/// What is remembered of sessions between requests.
pub struct Sessions {
    actors: Cache<[u8; 32], Arc<Resolved>>,
    /// Last uses that aren't written yet.
    uses: Mutex<HashMap<[u8; 32], DateTime<Utc>>>,
    hasher: OnceLock<Hasher>,
    addresses: OnceLock<AddressLimit>,
    mailer: OnceLock<Mailer>,
}

struct Resolved {
    actor: Arc<Actor>,
    kind: AccessKind,
    expires_at: DateTime<Utc>,
    /// A role that begins or ends changes the rights without a change of the epoch.
    roles_until: Option<DateTime<Utc>>,
    last_used: AtomicI64,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            actors: Cache::new(KEPT),
            uses: Mutex::default(),
            hasher: OnceLock::new(),
            addresses: OnceLock::new(),
            mailer: OnceLock::new(),
        }
    }
}

impl Sessions {
    /// Forgets all actors; at sealing.
    pub fn clear(&self) {
        self.actors.clear();
    }

    /// Hashes passwords; as many at once as there are processors.
    pub(super) fn hasher(&self) -> Result<&Hasher, HashFailed> {
        if let Some(hasher) = self.hasher.get() {
            return Ok(hasher);
        }
        let hasher = Hasher::new(std::thread::available_parallelism().map_or(1, std::num::NonZero::get))?;
        Ok(self.hasher.get_or_init(|| hasher))
    }

    /// Tries of sign-in per network address.
    pub(super) fn addresses(&self, config: &Config) -> &AddressLimit {
        self.addresses.get_or_init(|| AddressLimit::new(config.rate.sign_in_per_minute))
    }

    /// Sends mails, where a server is configured.
    pub fn mailer(&self, config: &Config) -> Result<&Mailer, MailError> {
        if let Some(mailer) = self.mailer.get() {
            return Ok(mailer);
        }
        let mailer = Mailer::new(config.mail.as_ref())?;
        Ok(self.mailer.get_or_init(|| mailer))
    }

    fn used(&self, hash: [u8; 32], at: DateTime<Utc>) {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner).insert(hash, at);
    }
}

/// Who has this token. 401 for one that is unknown, has ended, or is a step on the way to a session.
pub async fn authenticate(app: &App, token: &str) -> Result<Arc<Actor>, Problem> {
    let refused = || Problem::new(ProblemKind::Unauthenticated);
    if app.keys.is_sealed() {
        return Err(Problem::new(ProblemKind::Sealed));
    }
    let token = Token::parse(token).ok_or_else(refused)?;
    if !matches!(token.kind(), TokenKind::Session | TokenKind::Api) {
        return Err(refused());
    }
    let hash = seal::token_hash(&app.keys, &token)?;
    let now = app.clock.now();
    if let Some(resolved) = app.sessions.actors.get(&hash)
        && resolved.actor.epoch() == app.policy.epoch()
        && resolved.roles_until.is_none_or(|until| now < until)
        // Otherwise the session may have been used on another node meanwhile: the database knows.
        && let Some(actor) = take(app, hash, &resolved, now)
    {
        return Ok(actor);
    }
    let Some(resolved) = resolve(app, hash, now).await? else {
        app.sessions.actors.remove(&hash);
        return Err(refused());
    };
    let resolved = Arc::new(resolved);
    app.sessions.actors.insert(hash, Arc::clone(&resolved));
    take(app, hash, &resolved, now).ok_or_else(refused)
}

fn take(app: &App, hash: [u8; 32], resolved: &Resolved, now: DateTime<Utc>) -> Option<Arc<Actor>> {
    let last_used = from_micros(resolved.last_used.load(Ordering::Relaxed));
    if lifetimes(app).is_over(resolved.kind, resolved.expires_at, last_used, now) {
        return None;
    }
    // Once a minute is often enough for an idle time of many.
    if now - last_used >= chrono::TimeDelta::minutes(1) {
        resolved.last_used.store(now.timestamp_micros(), Ordering::Relaxed);
        app.sessions.used(hash, now);
    }
    Some(Arc::clone(&resolved.actor))
}

fn lifetimes(app: &App) -> Lifetimes {
    Lifetimes::new(app.config.session_idle_minutes, app.config.session_hours)
}

async fn resolve(app: &App, hash: [u8; 32], now: DateTime<Utc>) -> Result<Option<Resolved>, Problem> {
    let Some((access, epoch)) = rows::by_hash(&app.db, hash).await? else { return Ok(None) };
    access.verify(&app.keys)?;
    // The policy comes with the program; a later epoch means that roles, sessions or agreements changed.
    app.policy.confirm(epoch);
    app.keys.ensure_tenant(access.tenant.uuid()).await?;
    let Some(account) = Account::read(&app.db, &app.keys, access.user).await? else { return Ok(None) };
    // Signing out everywhere counts the generation up. Tokens of programs are taken back one by one.
    let same = access.kind == AccessKind::Api || account.row.generation == access.generation;
    if account.row.status != UserStatus::Active || !same {
        return Ok(None);
    }
    let tenant = tenants::service::find(app, access.tenant).await?;
    let Some(tenant) = tenant.filter(|tenant| tenant.status == TenantStatus::Active) else { return Ok(None) };
    let Some(kind) = TenantKind::parse(tenant.valid.kind.code()) else { return Ok(None) };
    let roles: Vec<_> =
        account.roles_in(access.tenant, now).filter_map(|grant| Role::parse(&grant.role).ok()).collect();
    if roles.is_empty() {
        return Ok(None);
    }
    let boundaries = account.grants.iter().flat_map(|grant| [grant.starts_at, grant.ends_at]).flatten();
    let seat = Seat {
        user: Some(access.user),
        tenant: access.tenant,
        kind,
        roles,
        self_record: None,
        purpose: None,
        channel: if access.kind == AccessKind::Api { Channel::Api } else { Channel::Console },
        scopes: scopes(&access)?,
        label: access.user.to_string().into(),
        epoch,
    };
    Ok(Some(Resolved {
        actor: Arc::new(app.policy.actor(seat)),
        kind: access.kind,
        expires_at: access.expires_at,
        roles_until: boundaries.filter(|at| *at > now).min(),
        last_used: AtomicI64::new(access.last_used_at.timestamp_micros()),
    }))
}

fn scopes(access: &AccessRow) -> Result<Option<Arc<TokenScopes>>, Problem> {
    let Some(text) = &access.scopes else { return Ok(None) };
    let words: Vec<String> = serde_json::from_str(text).map_err(|_| Problem::new(ProblemKind::Integrity))?;
    let scopes = TokenScopes::parse(&words).map_err(|_| Problem::new(ProblemKind::Integrity))?;
    Ok(Some(Arc::new(scopes)))
}

/// Looks whether a right has changed on any node, so that decisions from now on are made by what holds.
pub async fn catch_up(app: &App) -> Result<(), Problem> {
    app.policy.confirm(rows::epoch(&app.db).await?);
    Ok(())
}

/// Writes the last uses that were gathered; called every half minute and at the end.
pub async fn flush_uses(app: &App) -> Result<(), Problem> {
    let uses: Vec<_> = {
        let mut uses = app.sessions.uses.lock().unwrap_or_else(PoisonError::into_inner);
        uses.drain().collect()
    };
    if uses.is_empty() {
        return Ok(());
    }
    let mut tx = app.db.begin().await?;
    rows::used(&mut tx, &uses).await?;
    Ok(tx
        .commit_without_event("when a session was last used is housekeeping; what was done in it is on record")
        .await?)
}
