//! All the SQL about users, their roles, recovery codes and one-time links.

use chrono::{DateTime, Utc};
use kluis_core::access::{AccessError, RelSet, Scope, ScopedPermission};
use kluis_core::args;
use kluis_core::kernel::Id;
use kluis_core::kernel::id::{Tenant, User};
use kluis_core::privacy::KeyId;
use kluis_core::store::{Args, Db, Row, Sql, StoreError, Tx, Unaudited};

use super::model::{Grant, OneTime, UserLanguage, UserRow, UserStatus};

const SIGN_IN: &str = "signing in happens before there is an actor";
const SELF: &str = "people manage what they sign in with themselves; the session says who they are";
const CHECKED: &str = "the service has checked the decision and the epoch in this transaction";

macro_rules! columns {
    () => {
        "u.tenant_id, u.id, u.status, u.language, u.acting_tenant_id, u.email_hash, u.key_id, u.identity, u.contact, \
         u.password, u.password_changed_at, u.totp, u.totp_pending, u.totp_step, u.generation, u.created_at, \
         u.updated_at, u.last_sign_in_at, u.revision, u.mac"
    };
}

const BY_EMAIL: &str = concat!("SELECT ", columns!(), " FROM users AS u WHERE u.email_hash = $1");
const BY_ID: &str = concat!("SELECT ", columns!(), " FROM users AS u WHERE u.id = $1");

/// The account of an address.
pub async fn by_email(db: &Db, email_hash: [u8; 32]) -> Result<Option<UserRow>, StoreError> {
    db.fetch_optional_without_scope(SIGN_IN, BY_EMAIL, args![email_hash]).await?.map(|row| read(&row)).transpose()
}

/// One user, whoever asks.
pub async fn by_id(db: &Db, id: Id<User>) -> Result<Option<UserRow>, StoreError> {
    db.fetch_optional_without_scope(SIGN_IN, BY_ID, args![id]).await?.map(|row| read(&row)).transpose()
}

const LOCKED: Sql = Sql::both(BY_ID, concat!("SELECT ", columns!(), " FROM users AS u WHERE u.id = $1 FOR UPDATE"));

/// The same inside a transaction, and nobody else changes it, or its roles, until that ends.
pub async fn locked(tx: &mut Tx<Unaudited>, id: Id<User>) -> Result<Option<UserRow>, StoreError> {
    tx.fetch_optional_without_scope(SELF, LOCKED, args![id]).await?.map(|row| read(&row)).transpose()
}

fn read(row: &Row) -> Result<UserRow, StoreError> {
    Ok(UserRow {
        tenant: row.id(0)?,
        id: row.id(1)?,
        status: UserStatus::from_code(&row.text(2)?).ok_or(StoreError::Row(2))?,
        language: UserLanguage::from_code(&row.text(3)?).ok_or(StoreError::Row(3))?,
        acting_tenant: row.id(4)?,
        email_hash: row.array(5)?,
        key: KeyId::from_bytes(row.array(6)?),
        identity: row.sealed(7)?.ok_or(StoreError::Row(7))?,
        contact: row.sealed(8)?.ok_or(StoreError::Row(8))?,
        password: row.opt_text(9)?,
        password_changed_at: row.opt_time(10)?,
        totp: row.sealed(11)?,
        totp_pending: row.sealed(12)?,
        totp_step: row.int(13)?,
        generation: row.int(14)?,
        created_at: row.time(15)?,
        updated_at: row.time(16)?,
        last_sign_in_at: row.opt_time(17)?,
        revision: row.int(18)?,
        mac: row.blob(19)?,
    })
}

const INSERT: &str = "INSERT INTO users (tenant_id, id, status, language, acting_tenant_id, email_hash, key_id, identity, \
    contact, password, password_changed_at, totp, totp_pending, totp_step, generation, created_at, updated_at, \
    last_sign_in_at, revision, mac) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)";

pub async fn insert(tx: &mut Tx<Unaudited>, user: &UserRow) -> Result<(), StoreError> {
    tx.execute_without_scope(CHECKED, INSERT, columns_of(user)).await.map(drop)
}

/// In the order of the columns.
fn columns_of(user: &UserRow) -> Args {
    args![
        user.tenant,
        user.id,
        user.status.code(),
        user.language.code(),
        user.acting_tenant,
        user.email_hash,
        &user.key.as_bytes()[..],
        &user.identity,
        &user.contact,
        user.password.as_deref(),
        user.password_changed_at,
        user.totp.as_ref(),
        user.totp_pending.as_ref(),
        user.totp_step,
        user.generation,
        user.created_at,
        user.updated_at,
        user.last_sign_in_at,
        user.revision,
        &user.mac[..],
    ]
}

const UPDATE: &str = "UPDATE users SET status = $3, language = $4, acting_tenant_id = $5, email_hash = $6, key_id = $7, \
    identity = $8, contact = $9, password = $10, password_changed_at = $11, totp = $12, totp_pending = $13, \
    totp_step = $14, generation = $15, created_at = $16, updated_at = $17, last_sign_in_at = $18, revision = $19, \
    mac = $20 WHERE tenant_id = $1 AND id = $2 AND revision = $21";

/// Writes the row if it still has revision `expected`; gives whether it did.
pub async fn update(tx: &mut Tx<Unaudited>, user: &UserRow, expected: i64) -> Result<bool, StoreError> {
    Ok(tx.execute_without_scope(CHECKED, UPDATE, columns_of(user).with(expected)).await? == 1)
}

const TAKE_STEP: &str = "UPDATE users SET totp_step = $2 WHERE id = $1 AND totp_step < $2";

/// Takes a step of the second factor; `false` when it, or a later one, was taken before, on whatever node.
pub async fn take_step(tx: &mut Tx<Unaudited>, id: Id<User>, step: i64) -> Result<bool, StoreError> {
    Ok(tx.execute_without_scope(SIGN_IN, TAKE_STEP, args![id, step]).await? == 1)
}

const SIGNED_IN: &str = "UPDATE users SET last_sign_in_at = $2 WHERE id = $1";

pub async fn signed_in(tx: &mut Tx<Unaudited>, id: Id<User>, at: DateTime<Utc>) -> Result<(), StoreError> {
    tx.execute_without_scope(SIGN_IN, SIGNED_IN, args![id, at]).await.map(drop)
}

const ACT_FOR: &str = "UPDATE users SET acting_tenant_id = $2 WHERE id = $1";

/// Remembers for which tenant the next session acts.
pub async fn act_for(tx: &mut Tx<Unaudited>, id: Id<User>, tenant: Id<Tenant>) -> Result<(), StoreError> {
    tx.execute_without_scope(SELF, ACT_FOR, args![id, tenant]).await.map(drop)
}

// --- roles

const GRANTS: &str = "SELECT id, tenant_id, role, starts_at, ends_at, granted_by, granted_at FROM user_roles \
    WHERE user_id = $1 ORDER BY id";

pub async fn grants(db: &Db, user: Id<User>) -> Result<Vec<Grant>, StoreError> {
    db.fetch_all_without_scope(SIGN_IN, GRANTS, args![user]).await?.iter().map(read_grant).collect()
}

pub async fn grants_in<S>(tx: &mut Tx<S>, user: Id<User>) -> Result<Vec<Grant>, StoreError> {
    tx.fetch_all_without_scope(SIGN_IN, GRANTS, args![user]).await?.iter().map(read_grant).collect()
}

fn read_grant(row: &Row) -> Result<Grant, StoreError> {
    Ok(Grant {
        id: row.id(0)?,
        tenant: row.id(1)?,
        role: row.text(2)?,
        starts_at: row.opt_time(3)?,
        ends_at: row.opt_time(4)?,
        granted_by: row.opt_id(5)?,
        granted_at: row.time(6)?,
    })
}

const INSERT_GRANT: &str = "INSERT INTO user_roles (tenant_id, id, user_id, role, starts_at, ends_at, granted_by, granted_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

pub async fn insert_grant(tx: &mut Tx<Unaudited>, user: Id<User>, grant: &Grant) -> Result<(), StoreError> {
    let args = args![
        grant.tenant,
        grant.id,
        user,
        grant.role.as_str(),
        grant.starts_at,
        grant.ends_at,
        grant.granted_by,
        grant.granted_at,
    ];
    tx.execute_without_scope(CHECKED, INSERT_GRANT, args).await.map(drop)
}

const DELETE_GRANT: &str = "DELETE FROM user_roles WHERE tenant_id = $1 AND id = $2 AND user_id = $3";

pub async fn delete_grant(tx: &mut Tx<Unaudited>, user: Id<User>, grant: &Grant) -> Result<bool, StoreError> {
    Ok(tx.execute_without_scope(CHECKED, DELETE_GRANT, args![grant.tenant, grant.id, user]).await? == 1)
}

const RAISE_EPOCH: &str = "UPDATE authz_epoch SET value = value + 1 WHERE id = 1 RETURNING value";

/// Every change to who may do what raises the epoch in its transaction; all nodes decide anew. Gives the new one.
pub async fn raise_epoch(tx: &mut Tx<Unaudited>) -> Result<i64, StoreError> {
    let row = tx.fetch_optional_without_scope(CHECKED, RAISE_EPOCH, args![]).await?;
    row.ok_or(StoreError::Row(0))?.int(0)
}

// --- recovery codes

const DROP_CODES: &str = "DELETE FROM recovery_codes WHERE user_id = $1";
const INSERT_CODE: &str = "INSERT INTO recovery_codes (user_id, code_hash, used_at) VALUES ($1, $2, NULL)";

/// Replaces all codes of a user.
pub async fn replace_codes(tx: &mut Tx<Unaudited>, user: Id<User>, hashes: &[[u8; 32]]) -> Result<(), StoreError> {
    tx.execute_without_scope(SELF, DROP_CODES, args![user]).await?;
    for hash in hashes {
        tx.execute_without_scope(SELF, INSERT_CODE, args![user, *hash]).await?;
    }
    Ok(())
}

const USE_CODE: &str =
    "UPDATE recovery_codes SET used_at = $3 WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL";

/// Takes a code; `false` when there is none like it, or it was used before.
pub async fn use_code(
    tx: &mut Tx<Unaudited>,
    user: Id<User>,
    hash: [u8; 32],
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    Ok(tx.execute_without_scope(SIGN_IN, USE_CODE, args![user, hash, now]).await? == 1)
}

const CODES_LEFT: &str = "SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1 AND used_at IS NULL";

pub async fn codes_left(db: &Db, user: Id<User>) -> Result<i64, StoreError> {
    let row = db.fetch_optional_without_scope(SELF, CODES_LEFT, args![user]).await?;
    row.map_or(Ok(0), |row| row.int(0))
}

// --- one-time links

/// A link as it is kept.
pub struct LinkRow {
    pub token_hash: [u8; 32],
    pub tenant: Id<Tenant>,
    pub id: Id<OneTime>,
    pub user: Id<User>,
    pub purpose: String,
    pub created_by: Option<Id<User>>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub mac: Vec<u8>,
}

const DROP_LINKS: &str = "DELETE FROM one_time_links WHERE user_id = $1 AND used_at IS NULL";
const INSERT_LINK: &str = "INSERT INTO one_time_links (token_hash, tenant_id, id, user_id, purpose, created_by, created_at, \
    expires_at, used_at, mac) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULL, $9)";

/// Makes the unused links of somebody worth nothing.
pub async fn drop_links(tx: &mut Tx<Unaudited>, user: Id<User>) -> Result<(), StoreError> {
    tx.execute_without_scope(CHECKED, DROP_LINKS, args![user]).await.map(drop)
}

/// Writes a link; unused ones of the same user stop working, so that only the newest mail counts.
pub async fn insert_link(tx: &mut Tx<Unaudited>, link: &LinkRow) -> Result<(), StoreError> {
    drop_links(tx, link.user).await?;
    let args = args![
        link.token_hash,
        link.tenant,
        link.id,
        link.user,
        link.purpose.as_str(),
        link.created_by,
        link.created_at,
        link.expires_at,
        &link.mac[..],
    ];
    tx.execute_without_scope(CHECKED, INSERT_LINK, args).await.map(drop)
}

const TAKE_LINK: &str = "UPDATE one_time_links SET used_at = $2 \
    WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2 \
    RETURNING token_hash, tenant_id, id, user_id, purpose, created_by, created_at, expires_at, mac";

/// Uses a link up; `None` when there is none, or it was used, or its time is over.
pub async fn take_link(
    tx: &mut Tx<Unaudited>,
    token_hash: [u8; 32],
    now: DateTime<Utc>,
) -> Result<Option<LinkRow>, StoreError> {
    let row = tx.fetch_optional_without_scope(SIGN_IN, TAKE_LINK, args![token_hash, now]).await?;
    row.map(|row| read_link(&row)).transpose()
}

fn read_link(row: &Row) -> Result<LinkRow, StoreError> {
    Ok(LinkRow {
        token_hash: row.array(0)?,
        tenant: row.id(1)?,
        id: row.id(2)?,
        user: row.id(3)?,
        purpose: row.text(4)?,
        created_by: row.opt_id(5)?,
        created_at: row.time(6)?,
        expires_at: row.time(7)?,
        mac: row.blob(8)?,
    })
}

const FORGET_LINKS: &str = "DELETE FROM one_time_links WHERE expires_at < $1";

/// Removes links whose time is long over.
pub async fn forget_links(tx: &mut Tx<Unaudited>, before: DateTime<Utc>) -> Result<u64, StoreError> {
    tx.execute_without_scope(CHECKED, FORGET_LINKS, args![before]).await
}

// --- under a scope

/// What a list may be narrowed by.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct UserFilter {
    /// The home tenant.
    pub tenant: Option<Id<Tenant>>,
    pub status: Option<&'static str>,
    /// Holds this role somewhere, now or at another time.
    pub role: Option<String>,
}

impl UserFilter {
    fn args(&self) -> Args {
        args![self.tenant, self.status, self.role.as_deref()]
    }
}

macro_rules! filtered {
    () => {
        "{scope} AND ($1 IS NULL OR u.tenant_id = $1) AND ($2 IS NULL OR u.status = $2) \
         AND ($3 IS NULL OR EXISTS (SELECT 1 FROM user_roles AS r WHERE r.user_id = u.id AND r.role = $3))"
    };
}

const GET: &str = concat!("SELECT ", columns!(), ", {rel} FROM users AS u WHERE u.id = $1 AND {readable}");
const LIST: &str =
    concat!("SELECT ", columns!(), ", {rel} FROM users AS u WHERE ", filtered!(), " ORDER BY u.id DESC LIMIT $4");
const LIST_AFTER: &str = concat!(
    "SELECT ",
    columns!(),
    ", {rel} FROM users AS u WHERE ",
    filtered!(),
    " AND u.id < $5 ORDER BY u.id DESC LIMIT $4"
);
const COUNT: &str = concat!("SELECT COUNT(*) FROM users AS u WHERE ", filtered!());

/// A user, and how the one who asks stands to the account.
pub struct Seen {
    pub row: UserRow,
    pub rels: RelSet,
}

fn read_seen(row: &Row) -> Result<Seen, StoreError> {
    let bits = u8::try_from(row.int(20)?).map_err(|_| StoreError::Row(20))?;
    Ok(Seen { row: read(row)?, rels: RelSet::from_bits(bits) })
}

/// One user who may be read.
pub async fn get<P: ScopedPermission>(db: &Db, scope: &Scope<P>, id: Id<User>) -> Result<Option<Seen>, AccessError> {
    let row = scope.fetch_optional(db, GET, args![id]).await?;
    Ok(row.map(|row| read_seen(&row)).transpose()?)
}

/// A page, newest first.
pub async fn list<P: ScopedPermission>(
    db: &Db,
    scope: &Scope<P>,
    filter: &UserFilter,
    after: Option<Id<User>>,
    limit: i64,
) -> Result<Vec<Seen>, AccessError> {
    let args = filter.args().with(limit);
    let rows = match after {
        None => scope.fetch_all(db, LIST, args).await?,
        Some(after) => scope.fetch_all(db, LIST_AFTER, args.with(after)).await?,
    };
    rows.iter().map(|row| Ok(read_seen(row)?)).collect()
}

pub async fn count<P: ScopedPermission>(db: &Db, scope: &Scope<P>, filter: &UserFilter) -> Result<i64, AccessError> {
    let row = scope.fetch_optional(db, COUNT, filter.args()).await?;
    Ok(row.map_or(Ok(0), |row| row.int(0))?)
}
