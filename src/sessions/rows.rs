//! All the SQL about sessions, API tokens and failed sign-ins.

use chrono::{DateTime, Utc};
use kluis_core::args;
use kluis_core::kernel::Id;
use kluis_core::kernel::id::User;
use kluis_core::store::{Db, Row, StoreError, Tx, Unaudited};

use super::model::{Access, AccessKind, AccessRow};
use super::throttle::Failures;

const SIGN_IN: &str = "signing in happens before there is an actor";
const SELF: &str = "people manage their own sessions and tokens; the session says who they are";

macro_rules! columns {
    () => {
        "s.token_hash, s.tenant_id, s.id, s.user_id, s.kind, s.step, s.generation, s.label, s.scopes, s.created_at, \
         s.last_used_at, s.expires_at, s.mac"
    };
}

const EPOCH_AND_TOKEN: &str = concat!(
    "SELECT ",
    columns!(),
    ", (SELECT value FROM authz_epoch WHERE id = 1) FROM access_tokens AS s WHERE s.token_hash = $1"
);

/// A session or token, and the epoch at the moment it was read; roles are read after it.
pub async fn by_hash(db: &Db, token_hash: [u8; 32]) -> Result<Option<(AccessRow, i64)>, StoreError> {
    let row = db.fetch_optional_without_scope(SIGN_IN, EPOCH_AND_TOKEN, args![token_hash]).await?;
    row.map(|row| Ok((read(&row)?, row.int(13)?))).transpose()
}

const EPOCH: &str = "SELECT value FROM authz_epoch WHERE id = 1";

/// The epoch of authorization; it says nothing about anybody.
pub async fn epoch(db: &Db) -> Result<i64, StoreError> {
    db.fetch_optional_without_scope(SIGN_IN, EPOCH, args![]).await?.ok_or(StoreError::Row(0))?.int(0)
}

const RENEW: &str = "UPDATE access_tokens SET generation = $2, mac = $3 WHERE token_hash = $1";

/// Takes a session along into a new generation.
pub async fn renew(tx: &mut Tx<Unaudited>, access: &AccessRow) -> Result<bool, StoreError> {
    let args = args![access.token_hash, access.generation, &access.mac[..]];
    Ok(tx.execute_without_scope(SELF, RENEW, args).await? == 1)
}

const MINE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM access_tokens AS s WHERE s.user_id = $1 AND s.kind = $2 AND s.expires_at > $3 ORDER BY s.id DESC LIMIT 200"
);

/// The sessions or tokens of a user that haven't expired, newest first.
pub async fn of_user(
    db: &Db,
    user: Id<User>,
    kind: AccessKind,
    now: DateTime<Utc>,
) -> Result<Vec<AccessRow>, StoreError> {
    let rows = db.fetch_all_without_scope(SELF, MINE, args![user, kind.codes().0, now]).await?;
    rows.iter().map(read).collect()
}

const COUNT: &str = "SELECT COUNT(*) FROM access_tokens WHERE user_id = $1 AND kind = $2 AND expires_at > $3";

pub async fn count<S>(tx: &mut Tx<S>, user: Id<User>, kind: AccessKind, now: DateTime<Utc>) -> Result<i64, StoreError> {
    let row = tx.fetch_optional_without_scope(SELF, COUNT, args![user, kind.codes().0, now]).await?;
    row.map_or(Ok(0), |row| row.int(0))
}

fn read(row: &Row) -> Result<AccessRow, StoreError> {
    let kind = AccessKind::from_codes(&row.text(4)?, row.opt_text(5)?.as_deref()).ok_or(StoreError::Row(4))?;
    Ok(AccessRow {
        token_hash: row.array(0)?,
        tenant: row.id(1)?,
        id: row.id(2)?,
        user: row.id(3)?,
        kind,
        generation: row.int(6)?,
        label: row.sealed(7)?,
        scopes: row.opt_text(8)?,
        created_at: row.time(9)?,
        last_used_at: row.time(10)?,
        expires_at: row.time(11)?,
        mac: row.blob(12)?,
    })
}

const INSERT: &str = "INSERT INTO access_tokens (token_hash, tenant_id, id, user_id, kind, step, generation, label, scopes, \
    created_at, last_used_at, expires_at, mac) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";

pub async fn insert(tx: &mut Tx<Unaudited>, access: &AccessRow) -> Result<(), StoreError> {
    let (kind, step) = access.kind.codes();
    let args = args![
        access.token_hash,
        access.tenant,
        access.id,
        access.user,
        kind,
        step,
        access.generation,
        access.label.as_ref(),
        access.scopes.as_deref(),
        access.created_at,
        access.last_used_at,
        access.expires_at,
        &access.mac[..],
    ];
    tx.execute_without_scope(SIGN_IN, INSERT, args).await.map(drop)
}

const ACT_FOR: &str = "UPDATE access_tokens SET tenant_id = $2, mac = $3 WHERE token_hash = $1";

/// Makes a session act for another tenant.
pub async fn act_for(tx: &mut Tx<Unaudited>, access: &AccessRow) -> Result<bool, StoreError> {
    let args = args![access.token_hash, access.tenant, &access.mac[..]];
    Ok(tx.execute_without_scope(SELF, ACT_FOR, args).await? == 1)
}

const REMOVE: &str = "DELETE FROM access_tokens WHERE token_hash = $1";

/// Ends a session or step; `false` when it had ended.
pub async fn remove(tx: &mut Tx<Unaudited>, token_hash: [u8; 32]) -> Result<bool, StoreError> {
    Ok(tx.execute_without_scope(SELF, REMOVE, args![token_hash]).await? == 1)
}

const REMOVE_OWN: &str = "DELETE FROM access_tokens WHERE id = $1 AND user_id = $2 AND kind = $3";

/// Ends one of a user's own sessions or tokens; `false` when there is none like it.
pub async fn remove_own(
    tx: &mut Tx<Unaudited>,
    id: Id<Access>,
    user: Id<User>,
    kind: AccessKind,
) -> Result<bool, StoreError> {
    Ok(tx.execute_without_scope(SELF, REMOVE_OWN, args![id, user, kind.codes().0]).await? == 1)
}

const REMOVE_SESSIONS: &str = "DELETE FROM access_tokens WHERE user_id = $1 AND kind <> 'api'";

/// Ends all sessions and steps of a user.
pub async fn remove_sessions(tx: &mut Tx<Unaudited>, user: Id<User>) -> Result<u64, StoreError> {
    tx.execute_without_scope(SELF, REMOVE_SESSIONS, args![user]).await
}

const USED: &str = "UPDATE access_tokens SET last_used_at = $2 WHERE token_hash = $1 AND last_used_at < $2";

/// Writes when tokens were used last.
pub async fn used(tx: &mut Tx<Unaudited>, uses: &[([u8; 32], DateTime<Utc>)]) -> Result<(), StoreError> {
    for (token_hash, at) in uses {
        tx.execute_without_scope(SIGN_IN, USED, args![*token_hash, *at]).await?;
    }
    Ok(())
}

const EXPIRED: &str = "DELETE FROM access_tokens WHERE expires_at < $1";

/// Forgets what expired before.
pub async fn forget_expired(tx: &mut Tx<Unaudited>, before: DateTime<Utc>) -> Result<u64, StoreError> {
    tx.execute_without_scope(SIGN_IN, EXPIRED, args![before]).await
}

// --- failed sign-ins

const FAILURES: &str = "SELECT failures, last_at FROM sign_in_attempts WHERE account_hash = $1";
const PUT_FAILURES: &str = "INSERT INTO sign_in_attempts (account_hash, failures, last_at) VALUES ($1, $2, $3) \
    ON CONFLICT (account_hash) DO UPDATE SET failures = excluded.failures, last_at = excluded.last_at";
const CLAIM: &str = "INSERT INTO sign_in_attempts (account_hash, failures, last_at) VALUES ($1, 0, 0) \
    ON CONFLICT (account_hash) DO UPDATE SET failures = sign_in_attempts.failures";
const FORGET_FAILURES: &str = "DELETE FROM sign_in_attempts WHERE account_hash = $1";
const FORGET_OLD: &str = "DELETE FROM sign_in_attempts WHERE last_at < $1";

/// The failures of an account; until the transaction ends nobody else counts there.
pub async fn failures(tx: &mut Tx<Unaudited>, account: [u8; 32]) -> Result<Option<Failures>, StoreError> {
    tx.execute_without_scope(SIGN_IN, CLAIM, args![account]).await?;
    let row = tx.fetch_optional_without_scope(SIGN_IN, FAILURES, args![account]).await?;
    let Some(row) = row else { return Ok(None) };
    let failures = Failures { count: row.int(0)?, last: row.time(1)? };
    Ok((failures.count > 0).then_some(failures))
}

pub async fn put_failures(tx: &mut Tx<Unaudited>, account: [u8; 32], failures: Failures) -> Result<(), StoreError> {
    let args = args![account, failures.count, failures.last];
    tx.execute_without_scope(SIGN_IN, PUT_FAILURES, args).await.map(drop)
}

/// After a sign-in that succeeded.
pub async fn forget_failures(tx: &mut Tx<Unaudited>, account: [u8; 32]) -> Result<(), StoreError> {
    tx.execute_without_scope(SIGN_IN, FORGET_FAILURES, args![account]).await.map(drop)
}

pub async fn forget_old_failures(tx: &mut Tx<Unaudited>, before: DateTime<Utc>) -> Result<u64, StoreError> {
    tx.execute_without_scope(SIGN_IN, FORGET_OLD, args![before]).await
}
