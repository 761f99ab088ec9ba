//! All the SQL about erasures; the ledger's is beside it.

use chrono::{DateTime, Utc};
use kluis_core::access::{AccessError, Scope};
use kluis_core::args;
use kluis_core::kernel::Id;
use kluis_core::kernel::id::{Customer, Tenant};
use kluis_core::privacy::KeyId;
use kluis_core::store::{Args, Db, Row, StoreError, Tx, Unaudited};
use serde::Serialize;

use super::access::Oversee;
use super::model::{Erasure, ErasureRecord, Ground, State};

macro_rules! columns {
    () => {
        "e.tenant_id, e.id, e.customer_id, e.key_id, e.ground, e.state, e.requested_by, e.removed, e.created_at, \
         e.updated_at, e.completed_at, e.certificate, e.revision"
    };
}

fn read(row: &Row) -> Result<ErasureRecord, StoreError> {
    Ok(ErasureRecord {
        tenant: row.id(0)?,
        id: row.id(1)?,
        customer: row.id(2)?,
        key: KeyId::from_bytes(row.array(3)?),
        ground: row.opt_text(4)?.map(|code| Ground::parse(&code).ok_or(StoreError::Row(4))).transpose()?,
        state: State::parse(&row.text(5)?).ok_or(StoreError::Row(5))?,
        requested_by: row.opt_id(6)?,
        removed: serde_json::from_str(&row.text(7)?).map_err(|_| StoreError::Row(7))?,
        created_at: row.time(8)?,
        updated_at: row.time(9)?,
        completed_at: row.opt_time(10)?,
        certificate: row.opt_text(11)?,
        revision: row.int(12)?,
    })
}

const WORK: &str = "an erasure that was decided is brought to its end, whoever runs";
const INSERT: &str = "INSERT INTO erasures (tenant_id, id, customer_id, key_id, ground, state, requested_by, removed, \
    created_at, updated_at, revision) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10) \
    ON CONFLICT (customer_id) DO UPDATE SET state = 'fenced', completed_at = NULL, certificate = NULL, \
    updated_at = excluded.updated_at, revision = erasures.revision + 1";

/// Writes a new one down. One that is there already, and that a part of the data has forgotten, begins anew.
pub(super) async fn insert(tx: &mut Tx<Unaudited>, new: &ErasureRecord) -> Result<(), StoreError> {
    let removed = serde_json::to_string(&new.removed).map_err(|_| StoreError::Row(7))?;
    let args = args![
        new.tenant,
        new.id,
        new.customer,
        *new.key.as_bytes(),
        new.ground.map(Ground::code),
        new.state.as_str(),
        new.requested_by,
        removed,
        new.created_at,
        new.revision
    ];
    tx.execute_without_scope(WORK, INSERT, args).await.map(drop)
}

const COMPLETE: &str = "UPDATE erasures SET state = 'complete', completed_at = $3, updated_at = $3, certificate = $4, \
    removed = $5, revision = revision + 1 WHERE tenant_id = $1 AND id = $2 AND state = 'fenced'";

/// Ends an erasure; false if somebody else did.
pub(super) async fn complete(tx: &mut Tx<Unaudited>, done: &ErasureRecord) -> Result<bool, StoreError> {
    let removed = serde_json::to_string(&done.removed).map_err(|_| StoreError::Row(7))?;
    let args = args![done.tenant, done.id, done.completed_at, done.certificate.as_deref(), removed];
    Ok(tx.execute_without_scope(WORK, COMPLETE, args).await? == 1)
}

const OPEN: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM erasures AS e WHERE e.state = 'fenced' AND e.id > $1 ORDER BY e.id LIMIT 100"
);

/// Some of those that aren't at their end, behind one of them, the oldest first.
pub(super) async fn open(db: &Db, after: Id<Erasure>) -> Result<Vec<ErasureRecord>, StoreError> {
    db.fetch_all_without_scope(WORK, OPEN, args![after]).await?.iter().map(read).collect()
}

const OF_CUSTOMER: &str = concat!("SELECT ", columns!(), " FROM erasures AS e WHERE e.customer_id = $1");

pub(super) async fn of_customer(db: &Db, customer: Id<Customer>) -> Result<Option<ErasureRecord>, StoreError> {
    db.fetch_optional_without_scope(WORK, OF_CUSTOMER, args![customer]).await?.as_ref().map(read).transpose()
}

const TENANT_EXISTS: &str = "SELECT 1 FROM tenants WHERE id = $1";

pub(super) async fn tenant_exists(tx: &mut Tx<Unaudited>, tenant: Id<Tenant>) -> Result<bool, StoreError> {
    Ok(tx.fetch_optional_without_scope(WORK, TENANT_EXISTS, args![tenant]).await?.is_some())
}

/// What a list may be narrowed by.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ListFilter {
    pub tenant: Option<Id<Tenant>>,
    pub state: Option<&'static str>,
    pub ground: Option<&'static str>,
    pub customer: Option<Id<Customer>>,
    pub from: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
}

impl ListFilter {
    fn args(&self) -> Args {
        args![self.tenant, self.state, self.ground, self.customer, self.from, self.until]
    }
}

macro_rules! filtered {
    () => {
        "{scope} AND ($1 IS NULL OR e.tenant_id = $1) AND ($2 IS NULL OR e.state = $2) \
         AND ($3 IS NULL OR e.ground = $3) AND ($4 IS NULL OR e.customer_id = $4) \
         AND ($5 IS NULL OR e.created_at >= $5) AND ($6 IS NULL OR e.created_at < $6)"
    };
}

const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM erasures AS e WHERE ",
    filtered!(),
    " AND ($7 IS NULL OR e.id < $7) ORDER BY e.id DESC LIMIT $8"
);
const COUNT: &str = concat!("SELECT COUNT(*) FROM erasures AS e WHERE ", filtered!());
const GET: &str = concat!("SELECT ", columns!(), " FROM erasures AS e WHERE e.id = $1 AND {scope}");

/// The newest first.
pub(super) async fn list(
    db: &Db,
    scope: &Scope<Oversee>,
    filter: &ListFilter,
    after: Option<Id<Erasure>>,
    limit: i64,
) -> Result<Vec<ErasureRecord>, AccessError> {
    let rows = scope.fetch_all(db, LIST, filter.args().with(after).with(limit)).await?;
    rows.iter().map(|row| Ok(read(row)?)).collect()
}

pub(super) async fn count(db: &Db, scope: &Scope<Oversee>, filter: &ListFilter) -> Result<i64, AccessError> {
    let row = scope.fetch_optional(db, COUNT, filter.args()).await?;
    Ok(row.map_or(Ok(0), |row| row.int(0))?)
}

pub(super) async fn get(
    db: &Db,
    scope: &Scope<Oversee>,
    id: Id<Erasure>,
) -> Result<Option<ErasureRecord>, AccessError> {
    let row = scope.fetch_optional(db, GET, args![id]).await?;
    Ok(row.as_ref().map(read).transpose()?)
}
