//! All the SQL about customers.

use chrono::{DateTime, Utc};
use kluis_core::access::{AccessError, RelSet, Scope, ScopedPermission};
use kluis_core::args;
use kluis_core::kernel::{Id, id::Customer, id::Tenant, id::User};
use kluis_core::privacy::{BlindHash, IndexField, KeyId, Sealed};
use kluis_core::store::{Args, Db, Row, StoreError, Tx, Unaudited};

use super::model::{Contact, Financial, Identity, Notes, Profile, Special};

/// A row as it is stored: plain columns, and sealed compartments.
pub struct CustomerRow {
    pub tenant: Id<Tenant>,
    pub id: Id<Customer>,
    pub plain: Plain,
    pub key: KeyId,
    pub sealed: SealedParts,
    pub fingerprints: Vec<u8>,
    pub mac: Vec<u8>,
    /// How the actor who asked stands to this row.
    pub rels: RelSet,
}

/// The columns that are not sealed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Plain {
    pub kind: String,
    pub status: String,
    pub owner: Option<Id<User>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub archived_at: Option<DateTime<Utc>>,
    pub preferred_channel: Option<String>,
    pub language: String,
    pub region: Option<String>,
    pub source: String,
    pub legal_basis: String,
    pub consents: i64,
    pub last_contact_at: Option<DateTime<Utc>>,
    pub revision: i64,
}

/// The sealed compartments; absent ones hold nothing, or were not asked for.
#[derive(Default)]
pub struct SealedParts {
    pub identity: Option<Sealed<Identity>>,
    pub contact: Option<Sealed<Contact>>,
    pub financial: Option<Sealed<Financial>>,
    pub profile: Option<Sealed<Profile>>,
    pub notes: Option<Sealed<Notes>>,
    pub special: Option<Sealed<Special>>,
}

/// What is written anew at each change.
pub struct NewRow<'a> {
    pub tenant: Id<Tenant>,
    pub id: Id<Customer>,
    pub plain: &'a Plain,
    pub key: KeyId,
    pub sealed: &'a SealedParts,
    pub fingerprints: &'a [u8],
    pub mac: &'a [u8],
}

macro_rules! columns {
    () => {
        "c.tenant_id, c.id, c.kind, c.status, c.owner_id, c.created_at, c.updated_at, c.archived_at, \
         c.preferred_channel, c.language, c.region, c.source, c.legal_basis, c.consents, c.last_contact_at, c.revision, \
         c.key_id, c.identity, c.contact, c.financial, c.profile, c.notes, c.special, c.fingerprints, c.mac, {rel}"
    };
}

const GET: &str = concat!("SELECT ", columns!(), " FROM customers AS c WHERE c.id = $1 AND {readable}");

/// What a list may be narrowed by; everything here identifies nobody.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct ListFilter {
    pub tenant: Option<Id<Tenant>>,
    pub kind: Option<&'static str>,
    pub status: Option<&'static str>,
    pub owner: Option<Id<User>>,
    pub source: Option<String>,
    pub language: Option<String>,
    pub region: Option<String>,
    pub created_after: Option<DateTime<Utc>>,
    pub created_before: Option<DateTime<Utc>>,
    pub updated_after: Option<DateTime<Utc>>,
    pub archived: bool,
}

impl ListFilter {
    fn args(&self) -> Args {
        args![
            self.tenant,
            self.kind,
            self.status,
            self.owner,
            self.source.as_deref(),
            self.language.as_deref(),
            self.region.as_deref(),
            self.created_after,
            self.created_before,
            self.updated_after,
            self.archived,
        ]
    }
}

macro_rules! filtered {
    () => {
        "{scope} \
         AND ($1 IS NULL OR c.tenant_id = $1) AND ($2 IS NULL OR c.kind = $2) AND ($3 IS NULL OR c.status = $3) \
         AND ($4 IS NULL OR c.owner_id = $4) AND ($5 IS NULL OR c.source = $5) AND ($6 IS NULL OR c.language = $6) \
         AND ($7 IS NULL OR c.region = $7) AND ($8 IS NULL OR c.created_at > $8) \
         AND ($9 IS NULL OR c.created_at < $9) AND ($10 IS NULL OR c.updated_at > $10) \
         AND (c.archived_at IS NOT NULL) = $11"
    };
}

const LIST_NEWEST: &str =
    concat!("SELECT ", columns!(), " FROM customers AS c WHERE ", filtered!(), " ORDER BY c.id DESC LIMIT $12");
const LIST_NEWEST_AFTER: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM customers AS c WHERE ",
    filtered!(),
    " AND c.id < $13 ORDER BY c.id DESC LIMIT $12"
);
const LIST_OLDEST: &str =
    concat!("SELECT ", columns!(), " FROM customers AS c WHERE ", filtered!(), " ORDER BY c.id LIMIT $12");
const LIST_OLDEST_AFTER: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM customers AS c WHERE ",
    filtered!(),
    " AND c.id > $13 ORDER BY c.id LIMIT $12"
);
const LIST_UPDATED: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM customers AS c WHERE ",
    filtered!(),
    " ORDER BY c.updated_at DESC, c.id DESC LIMIT $12"
);
const LIST_UPDATED_AFTER: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM customers AS c WHERE ",
    filtered!(),
    " AND (c.updated_at, c.id) < ($13, $14) ORDER BY c.updated_at DESC, c.id DESC LIMIT $12"
);
const COUNT: &str = concat!("SELECT COUNT(*) FROM customers AS c WHERE ", filtered!());

/// In which order a page is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Newest,
    Oldest,
    Updated,
}

/// Where the page before ended.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub struct After {
    pub id: Id<Customer>,
    /// Only looked at by [`Order::Updated`].
    pub updated_at: DateTime<Utc>,
}

pub async fn list<P: ScopedPermission>(
    db: &Db,
    scope: &Scope<P>,
    filter: &ListFilter,
    order: Order,
    after: Option<After>,
    limit: i64,
) -> Result<Vec<CustomerRow>, AccessError> {
    let mut args = filter.args().with(limit);
    let sql = match (order, after) {
        (Order::Newest, None) => LIST_NEWEST,
        (Order::Oldest, None) => LIST_OLDEST,
        (Order::Updated, None) => LIST_UPDATED,
        (Order::Newest, Some(after)) => {
            args.push(after.id);
            LIST_NEWEST_AFTER
        }
        (Order::Oldest, Some(after)) => {
            args.push(after.id);
            LIST_OLDEST_AFTER
        }
        (Order::Updated, Some(after)) => {
            args.push(after.updated_at);
            args.push(after.id);
            LIST_UPDATED_AFTER
        }
    };
    read_all(&scope.fetch_all(db, sql, args).await?)
}

pub async fn count<P: ScopedPermission>(db: &Db, scope: &Scope<P>, filter: &ListFilter) -> Result<i64, AccessError> {
    match scope.fetch_optional(db, COUNT, filter.args()).await? {
        Some(row) => Ok(row.int(0)?),
        None => Ok(0),
    }
}

pub async fn get<P: ScopedPermission>(
    db: &Db,
    scope: &Scope<P>,
    id: Id<Customer>,
) -> Result<Option<CustomerRow>, AccessError> {
    scope.fetch_optional(db, GET, args![id]).await?.map(|row| Ok(read(&row)?)).transpose()
}

pub async fn get_in<P: ScopedPermission, S>(
    tx: &mut Tx<S>,
    scope: &Scope<P>,
    id: Id<Customer>,
) -> Result<Option<CustomerRow>, AccessError> {
    scope.fetch_optional_in(tx, GET, args![id]).await?.map(|row| Ok(read(&row)?)).transpose()
}

fn read_all(rows: &[Row]) -> Result<Vec<CustomerRow>, AccessError> {
    rows.iter().map(|row| Ok(read(row)?)).collect()
}

fn read(row: &Row) -> Result<CustomerRow, StoreError> {
    Ok(CustomerRow {
        tenant: row.id(0)?,
        id: row.id(1)?,
        plain: Plain {
            kind: row.text(2)?,
            status: row.text(3)?,
            owner: row.opt_id(4)?,
            created_at: row.time(5)?,
            updated_at: row.time(6)?,
            archived_at: row.opt_time(7)?,
            preferred_channel: row.opt_text(8)?,
            language: row.text(9)?,
            region: row.opt_text(10)?,
            source: row.text(11)?,
            legal_basis: row.text(12)?,
            consents: row.int(13)?,
            last_contact_at: row.opt_time(14)?,
            revision: row.int(15)?,
        },
        key: KeyId::from_bytes(row.array(16)?),
        sealed: SealedParts {
            identity: row.sealed(17)?,
            contact: row.sealed(18)?,
            financial: row.sealed(19)?,
            profile: row.sealed(20)?,
            notes: row.sealed(21)?,
            special: row.sealed(22)?,
        },
        fingerprints: row.blob(23)?,
        mac: row.blob(24)?,
        rels: RelSet::from_bits(u8::try_from(row.int(25)?).map_err(|_| StoreError::Row(25))?),
    })
}

const IDS_AT_ONCE: usize = 32;

const BY_IDS: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM customers AS c WHERE {scope} AND c.id IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, \
     $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32)"
);
const IDS_OF_A_FEW: usize = 4;
const BY_A_FEW_IDS: &str =
    concat!("SELECT ", columns!(), " FROM customers AS c WHERE {scope} AND c.id IN ($1, $2, $3, $4)");

/// The rows with these ids that the scope holds, in no particular order.
pub async fn by_ids<P: ScopedPermission>(
    db: &Db,
    scope: &Scope<P>,
    ids: &[Id<Customer>],
) -> Result<Vec<CustomerRow>, AccessError> {
    let mut found = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(IDS_AT_ONCE) {
        let is_few = chunk.len() <= IDS_OF_A_FEW;
        let (sql, arity) = if is_few { (BY_A_FEW_IDS, IDS_OF_A_FEW) } else { (BY_IDS, IDS_AT_ONCE) };
        // Few statements for all lengths: the last id fills the rest.
        let filled = chunk.iter().chain(chunk.last().into_iter().cycle()).take(arity);
        let args = filled.fold(Args::new(), |args, id| args.with(*id));
        found.extend(read_all(&scope.fetch_all(db, sql, args).await?)?);
    }
    Ok(found)
}

const INDEXED: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM customer_index AS x CROSS JOIN customers AS c WHERE c.tenant_id = x.tenant_id AND c.id = x.customer_id \
     AND x.tenant_id = $1 AND x.field = $2 AND x.hash = $3 AND x.version = $4 AND {scope} ORDER BY x.customer_id"
);

/// The rows in scope that may have a value.
pub async fn indexed<P: ScopedPermission>(
    db: &Db,
    scope: &Scope<P>,
    tenant: Id<Tenant>,
    field: IndexField,
    hash: BlindHash,
) -> Result<Vec<CustomerRow>, AccessError> {
    let args = args![tenant, field.name(), hash.as_i64(), i64::from(hash.version())];
    read_all(&scope.fetch_all(db, INDEXED, args).await?)
}

const TENANTS: &str = "SELECT t.id FROM tenants AS t WHERE t.id IN \
    (SELECT descendant_id FROM tenant_tree WHERE ancestor_id = $1) ORDER BY t.id";

/// The tenants in which the scope could hold a row.
pub async fn tenants_in_scope<P: ScopedPermission>(db: &Db, scope: &Scope<P>) -> Result<Vec<Id<Tenant>>, StoreError> {
    const WHY: &str = "names of tenants only; the rows in them pass the scope";
    if !scope.reaches_below() {
        return Ok(vec![scope.tenant()]);
    }
    let rows = db.fetch_all_without_scope(WHY, TENANTS, args![scope.tenant()]).await?;
    rows.iter().map(|row| row.id(0)).collect()
}

const INSERT: &str = "INSERT INTO customers (tenant_id, id, kind, status, owner_id, created_at, updated_at, archived_at, \
    preferred_channel, language, region, source, legal_basis, consents, last_contact_at, revision, key_id, identity, \
    contact, financial, profile, notes, special, fingerprints, mac) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, \
    $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)";

const WHY_INSERT: &str = "an INSERT has no rows to restrict; the service checks the decision and the epoch before it";

pub async fn insert(tx: &mut Tx<Unaudited>, row: &NewRow<'_>) -> Result<(), StoreError> {
    let plain = row.plain;
    let args = args![
        row.tenant,
        row.id,
        plain.kind.as_str(),
        plain.status.as_str(),
        plain.owner,
        plain.created_at,
        plain.updated_at,
        plain.archived_at,
        plain.preferred_channel.as_deref(),
        plain.language.as_str(),
        plain.region.as_deref(),
        plain.source.as_str(),
        plain.legal_basis.as_str(),
        plain.consents,
        plain.last_contact_at,
        plain.revision,
        &row.key.as_bytes()[..],
        row.sealed.identity.as_ref(),
        row.sealed.contact.as_ref(),
        row.sealed.financial.as_ref(),
        row.sealed.profile.as_ref(),
        row.sealed.notes.as_ref(),
        row.sealed.special.as_ref(),
        row.fingerprints,
        row.mac,
    ];
    tx.defer_without_scope(WHY_INSERT, INSERT, args).await
}

const UPDATE: &str = "UPDATE customers AS c SET status = $3, owner_id = $4, updated_at = $5, archived_at = $6, \
    preferred_channel = $7, language = $8, region = $9, source = $10, legal_basis = $11, consents = $12, revision = $13, \
    identity = $14, contact = $15, financial = $16, profile = $17, notes = $18, special = $19, fingerprints = $20, \
    mac = $21 WHERE c.tenant_id = $1 AND c.id = $2 AND c.revision = $22 AND {scope}";

/// Writes the row if it still has revision `expected` and the scope still holds it; gives whether it did.
pub async fn update<P: ScopedPermission>(
    tx: &mut Tx<Unaudited>,
    scope: &Scope<P>,
    row: &NewRow<'_>,
    expected: i64,
) -> Result<bool, AccessError> {
    Ok(scope.execute(tx, UPDATE, update_args(row, expected)).await? == 1)
}

/// The arguments of `UPDATE`, and of the statement that puts a row back.
pub(super) fn update_args(row: &NewRow<'_>, expected: i64) -> Args {
    let plain = row.plain;
    args![
        row.tenant,
        row.id,
        plain.status.as_str(),
        plain.owner,
        plain.updated_at,
        plain.archived_at,
        plain.preferred_channel.as_deref(),
        plain.language.as_str(),
        plain.region.as_deref(),
        plain.source.as_str(),
        plain.legal_basis.as_str(),
        plain.consents,
        plain.revision,
        row.sealed.identity.as_ref(),
        row.sealed.contact.as_ref(),
        row.sealed.financial.as_ref(),
        row.sealed.profile.as_ref(),
        row.sealed.notes.as_ref(),
        row.sealed.special.as_ref(),
        row.fingerprints,
        row.mac,
        expected,
    ]
}
