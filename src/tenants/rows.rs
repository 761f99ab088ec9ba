//! All the SQL about tenants and their tree.

use chrono::NaiveDate;
use kluis_core::access::{AccessError, RelSet, Scope, ScopedPermission};
use kluis_core::args;
use kluis_core::kernel::id::Tenant;
use kluis_core::kernel::{CountryCode, Id};
use kluis_core::store::{Args, Db, Row, StoreError, Tx, Unaudited};
use uuid::Uuid;

use super::model::{TenantKind, TenantRecord, TenantStatus, ValidTenant};

const TREE: &str = "the tree decides where a decision reaches; the service checks the decision before it changes it";
const OWN: &str = "a tenant's kind and status are looked up before there is an actor, and to check a rule of the tree";

/// Makes changes of the tree wait for each other: two moves at once could make a circle.
pub async fn lock_tree(tx: &mut Tx<Unaudited>) -> Result<(), StoreError> {
    tx.serialise_tenant(Id::from_uuid(Uuid::nil())).await
}

const INSERT: &str = "INSERT INTO tenants (id, parent_id, kind, name, status, country, kvk_number, branch_number, \
    contract_starts, contract_ends, special_ground, created_at, updated_at, revision) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
const INSERT_SELF: &str = "INSERT INTO tenant_tree (ancestor_id, descendant_id, depth) VALUES ($1, $1, 0)";
const INSERT_ABOVE: &str = "INSERT INTO tenant_tree (ancestor_id, descendant_id, depth) \
    SELECT a.ancestor_id, d.descendant_id, a.depth + d.depth + 1 FROM tenant_tree AS a CROSS JOIN tenant_tree AS d \
    WHERE a.descendant_id = $2 AND d.ancestor_id = $1";
const DELETE_ABOVE: &str = "DELETE FROM tenant_tree \
    WHERE descendant_id IN (SELECT descendant_id FROM tenant_tree WHERE ancestor_id = $1) \
    AND ancestor_id NOT IN (SELECT descendant_id FROM tenant_tree WHERE ancestor_id = $1)";

/// Writes a new tenant and its place in the tree.
pub async fn insert(tx: &mut Tx<Unaudited>, tenant: &TenantRecord) -> Result<(), StoreError> {
    let valid = &tenant.valid;
    let args = args![
        tenant.id,
        valid.parent,
        valid.kind.code(),
        valid.name.as_str(),
        tenant.status.code(),
        valid.country.as_str(),
        valid.kvk_number.as_deref(),
        valid.branch_number.as_deref(),
        valid.contract_starts.map(|date| date.to_string()),
        valid.contract_ends.map(|date| date.to_string()),
        valid.special_ground.as_deref(),
        tenant.created_at,
        tenant.updated_at,
        tenant.revision,
    ];
    tx.execute_without_scope(TREE, INSERT, args).await?;
    tx.execute_without_scope(TREE, INSERT_SELF, args![tenant.id]).await?;
    attach(tx, tenant.id, valid.parent).await
}

/// Puts a tenant, with all below it, under another parent.
pub async fn attach(tx: &mut Tx<Unaudited>, id: Id<Tenant>, parent: Option<Id<Tenant>>) -> Result<(), StoreError> {
    tx.execute_without_scope(TREE, DELETE_ABOVE, args![id]).await?;
    if let Some(parent) = parent {
        tx.execute_without_scope(TREE, INSERT_ABOVE, args![id, parent]).await?;
    }
    Ok(())
}

const IS_BELOW: &str = "SELECT 1 FROM tenant_tree WHERE ancestor_id = $1 AND descendant_id = $2";

/// Whether `id` is `ancestor` or stands somewhere below it.
pub async fn is_within<S>(tx: &mut Tx<S>, ancestor: Id<Tenant>, id: Id<Tenant>) -> Result<bool, StoreError> {
    Ok(tx.fetch_optional_without_scope(TREE, IS_BELOW, args![ancestor, id]).await?.is_some())
}

/// The same outside a transaction.
pub async fn stands_below(db: &Db, ancestor: Id<Tenant>, id: Id<Tenant>) -> Result<bool, StoreError> {
    Ok(db.fetch_optional_without_scope(TREE, IS_BELOW, args![ancestor, id]).await?.is_some())
}

const OPEN_BELOW: &str = "SELECT COUNT(*) FROM tenants WHERE parent_id = $1 AND status = 'active'";

/// How many tenants right below are still active.
pub async fn open_children<S>(tx: &mut Tx<S>, id: Id<Tenant>) -> Result<i64, StoreError> {
    let row = tx.fetch_optional_without_scope(TREE, OPEN_BELOW, args![id]).await?;
    row.map_or(Ok(0), |row| row.int(0))
}

macro_rules! columns {
    () => {
        "t.id, t.parent_id, t.kind, t.name, t.status, t.country, t.kvk_number, t.branch_number, t.contract_starts, \
         t.contract_ends, t.special_ground, t.created_at, t.updated_at, t.revision"
    };
}

const BY_ID: &str = concat!("SELECT ", columns!(), " FROM tenants AS t WHERE t.id = $1");

/// One tenant, whoever asks; for rules and for sign-in, never for an answer.
pub async fn by_id<S>(tx: &mut Tx<S>, id: Id<Tenant>) -> Result<Option<TenantRecord>, StoreError> {
    tx.fetch_optional_without_scope(OWN, BY_ID, args![id]).await?.map(|row| read(&row)).transpose()
}

/// The same outside a transaction.
pub async fn find(db: &Db, id: Id<Tenant>) -> Result<Option<TenantRecord>, StoreError> {
    db.fetch_optional_without_scope(OWN, BY_ID, args![id]).await?.map(|row| read(&row)).transpose()
}

const ROOTS: &str = concat!("SELECT ", columns!(), " FROM tenants AS t WHERE t.parent_id IS NULL ORDER BY t.id");

/// The tops of all trees.
pub async fn roots(db: &Db) -> Result<Vec<TenantRecord>, StoreError> {
    db.fetch_all_without_scope(OWN, ROOTS, args![]).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<TenantRecord, StoreError> {
    let date = |column| {
        let text = row.opt_text(column)?;
        text.map(|text| text.parse::<NaiveDate>().map_err(|_| StoreError::Row(column))).transpose()
    };
    Ok(TenantRecord {
        id: row.id(0)?,
        status: TenantStatus::from_code(&row.text(4)?).ok_or(StoreError::Row(4))?,
        valid: ValidTenant {
            kind: TenantKind::from_code(&row.text(2)?).ok_or(StoreError::Row(2))?,
            parent: row.opt_id(1)?,
            name: row.text(3)?,
            country: CountryCode::parse(&row.text(5)?).map_err(|_| StoreError::Row(5))?,
            kvk_number: row.opt_text(6)?,
            branch_number: row.opt_text(7)?,
            contract_starts: date(8)?,
            contract_ends: date(9)?,
            special_ground: row.opt_text(10)?,
        },
        created_at: row.time(11)?,
        updated_at: row.time(12)?,
        revision: row.int(13)?,
    })
}

// --- under a scope

/// What a list may be narrowed by.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct TenantFilter {
    pub kind: Option<&'static str>,
    pub status: Option<&'static str>,
    pub parent: Option<Id<Tenant>>,
    /// Contracts that end before this day.
    pub contract_ends_before: Option<NaiveDate>,
}

impl TenantFilter {
    fn args(&self) -> Args {
        args![self.kind, self.status, self.parent, self.contract_ends_before.map(|date| date.to_string())]
    }
}

macro_rules! filtered {
    () => {
        "{scope} AND ($1 IS NULL OR t.kind = $1) AND ($2 IS NULL OR t.status = $2) \
         AND ($3 IS NULL OR t.parent_id = $3) AND ($4 IS NULL OR t.contract_ends < $4)"
    };
}

const GET: &str = concat!("SELECT ", columns!(), ", {rel} FROM tenants AS t WHERE t.id = $1 AND {readable}");
const LIST: &str =
    concat!("SELECT ", columns!(), ", {rel} FROM tenants AS t WHERE ", filtered!(), " ORDER BY t.id LIMIT $5");
const LIST_AFTER: &str = concat!(
    "SELECT ",
    columns!(),
    ", {rel} FROM tenants AS t WHERE ",
    filtered!(),
    " AND t.id > $6 ORDER BY t.id LIMIT $5"
);
const COUNT: &str = concat!("SELECT COUNT(*) FROM tenants AS t WHERE ", filtered!());

/// A tenant, and how the one who asks stands to it.
pub struct Seen {
    pub record: TenantRecord,
    pub rels: RelSet,
}

fn read_seen(row: &Row) -> Result<Seen, StoreError> {
    let bits = u8::try_from(row.int(14)?).map_err(|_| StoreError::Row(14))?;
    Ok(Seen { record: read(row)?, rels: RelSet::from_bits(bits) })
}

/// One tenant that may be read.
pub async fn get<P: ScopedPermission>(db: &Db, scope: &Scope<P>, id: Id<Tenant>) -> Result<Option<Seen>, AccessError> {
    let row = scope.fetch_optional(db, GET, args![id]).await?;
    Ok(row.map(|row| read_seen(&row)).transpose()?)
}

/// The same inside a transaction.
pub async fn get_in<P: ScopedPermission, S>(
    tx: &mut Tx<S>,
    scope: &Scope<P>,
    id: Id<Tenant>,
) -> Result<Option<Seen>, AccessError> {
    let row = scope.fetch_optional_in(tx, GET, args![id]).await?;
    Ok(row.map(|row| read_seen(&row)).transpose()?)
}

/// A page in the order of creation.
pub async fn list<P: ScopedPermission>(
    db: &Db,
    scope: &Scope<P>,
    filter: &TenantFilter,
    after: Option<Id<Tenant>>,
    limit: i64,
) -> Result<Vec<Seen>, AccessError> {
    let args = filter.args().with(limit);
    let rows = match after {
        None => scope.fetch_all(db, LIST, args).await?,
        Some(after) => scope.fetch_all(db, LIST_AFTER, args.with(after)).await?,
    };
    rows.iter().map(|row| Ok(read_seen(row)?)).collect()
}

pub async fn count<P: ScopedPermission>(db: &Db, scope: &Scope<P>, filter: &TenantFilter) -> Result<i64, AccessError> {
    let row = scope.fetch_optional(db, COUNT, filter.args()).await?;
    Ok(row.map_or(Ok(0), |row| row.int(0))?)
}

const UPDATE: &str = "UPDATE tenants AS t SET parent_id = $3, name = $4, status = $5, country = $6, kvk_number = $7, \
    branch_number = $8, contract_starts = $9, contract_ends = $10, special_ground = $11, updated_at = $12, revision = $13 \
    WHERE t.id = $1 AND t.revision = $2 AND {scope}";

/// Writes the row if it still has revision `expected` and the scope still holds it; gives whether it did.
pub async fn update<P: ScopedPermission>(
    tx: &mut Tx<Unaudited>,
    scope: &Scope<P>,
    tenant: &TenantRecord,
    expected: i64,
) -> Result<bool, AccessError> {
    let valid = &tenant.valid;
    let args = args![
        tenant.id,
        expected,
        valid.parent,
        valid.name.as_str(),
        tenant.status.code(),
        valid.country.as_str(),
        valid.kvk_number.as_deref(),
        valid.branch_number.as_deref(),
        valid.contract_starts.map(|date| date.to_string()),
        valid.contract_ends.map(|date| date.to_string()),
        valid.special_ground.as_deref(),
        tenant.updated_at,
        tenant.revision,
    ];
    Ok(scope.execute(tx, UPDATE, args).await? == 1)
}

const RAISE_EPOCH: &str = "UPDATE authz_epoch SET value = value + 1 WHERE id = 1";

/// The tree decides where rights reach: its changes make all nodes decide anew.
pub async fn raise_epoch(tx: &mut Tx<Unaudited>) -> Result<(), StoreError> {
    tx.execute_without_scope(TREE, RAISE_EPOCH, args![]).await.map(drop)
}
