//! All the SQL about partners; that about their contact people stands in [`super::rows_contacts`].

use chrono::{DateTime, NaiveDate, Utc};
use kluis_core::access::{AccessError, RelSet, Scope, ScopedPermission};
use kluis_core::args;
use kluis_core::kernel::Id;
use kluis_core::kernel::id::Tenant;
use kluis_core::privacy::{KeyId, Sealed};
use kluis_core::store::{Args, Db, Row, StoreError, Tx, Unaudited};

use super::model::{Partner, PartnerFinancial, PartnerIdentity, PartnerStatus, Reach};

/// A partner as it is stored.
pub struct PartnerRow {
    pub tenant: Id<Tenant>,
    pub id: Id<Partner>,
    pub status: PartnerStatus,
    pub country: String,
    pub contract_starts: Option<NaiveDate>,
    pub contract_ends: Option<NaiveDate>,
    pub key: KeyId,
    pub identity: Sealed<PartnerIdentity>,
    pub contact: Option<Sealed<Reach>>,
    pub financial: Option<Sealed<PartnerFinancial>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub archived_at: Option<DateTime<Utc>>,
    pub revision: i64,
    pub mac: Vec<u8>,
    /// How the actor who asked stands to it.
    pub rels: RelSet,
}

/// What a list may be narrowed by.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct PartnerFilter {
    pub tenant: Option<Id<Tenant>>,
    pub status: Option<&'static str>,
    pub contract_ends_before: Option<NaiveDate>,
    pub contract_ends_after: Option<NaiveDate>,
    pub country: Option<String>,
    pub archived: bool,
}

impl PartnerFilter {
    fn args(&self) -> Args {
        args![
            self.tenant,
            self.status,
            self.contract_ends_before.map(|date| date.to_string()),
            self.contract_ends_after.map(|date| date.to_string()),
            self.country.as_deref(),
            self.archived,
        ]
    }
}

macro_rules! columns {
    () => {
        "p.tenant_id, p.id, p.status, p.country, p.contract_starts, p.contract_ends, p.key_id, p.identity, p.contact, \
         p.financial, p.created_at, p.updated_at, p.archived_at, p.revision, p.mac, {rel}"
    };
}

macro_rules! filtered {
    () => {
        "{scope} AND ($1 IS NULL OR p.tenant_id = $1) AND ($2 IS NULL OR p.status = $2) \
         AND ($3 IS NULL OR p.contract_ends < $3) AND ($4 IS NULL OR p.contract_ends > $4) \
         AND ($5 IS NULL OR p.country = $5) AND (p.archived_at IS NOT NULL) = $6"
    };
}

const GET: &str = concat!("SELECT ", columns!(), " FROM partners AS p WHERE p.id = $1 AND {readable}");
const LIST: &str =
    concat!("SELECT ", columns!(), " FROM partners AS p WHERE ", filtered!(), " ORDER BY p.id DESC LIMIT $7");
const LIST_AFTER: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM partners AS p WHERE ",
    filtered!(),
    " AND p.id < $8 ORDER BY p.id DESC LIMIT $7"
);
const COUNT: &str = concat!("SELECT COUNT(*) FROM partners AS p WHERE ", filtered!());

/// One partner that may be read.
pub async fn get<P: ScopedPermission>(
    db: &Db,
    scope: &Scope<P>,
    id: Id<Partner>,
) -> Result<Option<PartnerRow>, AccessError> {
    let row = scope.fetch_optional(db, GET, args![id]).await?;
    Ok(row.map(|row| read(&row)).transpose()?)
}

/// A page, newest first.
pub async fn list<P: ScopedPermission>(
    db: &Db,
    scope: &Scope<P>,
    filter: &PartnerFilter,
    after: Option<Id<Partner>>,
    limit: i64,
) -> Result<Vec<PartnerRow>, AccessError> {
    let args = filter.args().with(limit);
    let rows = match after {
        None => scope.fetch_all(db, LIST, args).await?,
        Some(after) => scope.fetch_all(db, LIST_AFTER, args.with(after)).await?,
    };
    rows.iter().map(|row| Ok(read(row)?)).collect()
}

pub async fn count<P: ScopedPermission>(db: &Db, scope: &Scope<P>, filter: &PartnerFilter) -> Result<i64, AccessError> {
    let row = scope.fetch_optional(db, COUNT, filter.args()).await?;
    Ok(row.map_or(Ok(0), |row| row.int(0))?)
}

fn read(row: &Row) -> Result<PartnerRow, StoreError> {
    Ok(PartnerRow {
        tenant: row.id(0)?,
        id: row.id(1)?,
        status: PartnerStatus::from_code(&row.text(2)?).ok_or(StoreError::Row(2))?,
        country: row.text(3)?,
        contract_starts: date(row, 4)?,
        contract_ends: date(row, 5)?,
        key: KeyId::from_bytes(row.array(6)?),
        identity: row.sealed(7)?.ok_or(StoreError::Row(7))?,
        contact: row.sealed(8)?,
        financial: row.sealed(9)?,
        created_at: row.time(10)?,
        updated_at: row.time(11)?,
        archived_at: row.opt_time(12)?,
        revision: row.int(13)?,
        mac: row.blob(14)?,
        rels: rels(row, 15)?,
    })
}

fn date(row: &Row, column: usize) -> Result<Option<NaiveDate>, StoreError> {
    let text = row.opt_text(column)?;
    text.map(|text| text.parse().map_err(|_| StoreError::Row(column))).transpose()
}

pub(super) fn rels(row: &Row, column: usize) -> Result<RelSet, StoreError> {
    let bits = u8::try_from(row.int(column)?).map_err(|_| StoreError::Row(column))?;
    Ok(RelSet::from_bits(bits))
}

const WHY_INSERT: &str = "an INSERT has no rows to restrict; the service checks the decision and the epoch before it";
const INSERT: &str = "INSERT INTO partners (tenant_id, id, status, country, contract_starts, contract_ends, key_id, \
    identity, contact, financial, created_at, updated_at, revision, mac) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";

pub async fn insert(tx: &mut Tx<Unaudited>, partner: &PartnerRow) -> Result<(), StoreError> {
    let args = args![
        partner.tenant,
        partner.id,
        partner.status.code(),
        partner.country.as_str(),
        partner.contract_starts.map(|date| date.to_string()),
        partner.contract_ends.map(|date| date.to_string()),
        &partner.key.as_bytes()[..],
        &partner.identity,
        partner.contact.as_ref(),
        partner.financial.as_ref(),
        partner.created_at,
        partner.updated_at,
        partner.revision,
        &partner.mac[..],
    ];
    tx.execute_without_scope(WHY_INSERT, INSERT, args).await.map(drop)
}

const UPDATE: &str = "UPDATE partners AS p SET status = $3, country = $4, contract_starts = $5, contract_ends = $6, \
    identity = $7, contact = $8, financial = $9, updated_at = $10, archived_at = $11, revision = $12, mac = $13 \
    WHERE p.tenant_id = $1 AND p.id = $2 AND p.revision = $14 AND {scope}";

/// Writes the row if it still has revision `expected` and the scope still holds it; gives whether it did.
pub async fn update<P: ScopedPermission>(
    tx: &mut Tx<Unaudited>,
    scope: &Scope<P>,
    partner: &PartnerRow,
    expected: i64,
) -> Result<bool, AccessError> {
    let args = args![
        partner.tenant,
        partner.id,
        partner.status.code(),
        partner.country.as_str(),
        partner.contract_starts.map(|date| date.to_string()),
        partner.contract_ends.map(|date| date.to_string()),
        &partner.identity,
        partner.contact.as_ref(),
        partner.financial.as_ref(),
        partner.updated_at,
        partner.archived_at,
        partner.revision,
        &partner.mac[..],
        expected,
    ];
    Ok(scope.execute(tx, UPDATE, args).await? == 1)
}
