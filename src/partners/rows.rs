//! All the SQL about partners and their contact people.

use chrono::{DateTime, NaiveDate, Utc};
use kluis_core::access::{AccessError, RelSet, Scope, ScopedPermission};
use kluis_core::args;
use kluis_core::kernel::Id;
use kluis_core::kernel::id::Tenant;
use kluis_core::privacy::{KeyId, Sealed};
use kluis_core::store::{Args, Db, Row, StoreError, Tx, Unaudited};

use super::model::{
    ContactNames, Function, Partner, PartnerContact, PartnerFinancial, PartnerIdentity, PartnerStatus, Reach,
};

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
    pub revision: i64,
    pub mac: Vec<u8>,
    /// How the actor who asked stands to it.
    pub rels: RelSet,
}

/// A contact person as stored.
pub struct ContactRow {
    pub tenant: Id<Tenant>,
    pub id: Id<PartnerContact>,
    pub partner: Id<Partner>,
    pub function: Function,
    pub language: String,
    pub primary: bool,
    pub key: KeyId,
    pub identity: Sealed<ContactNames>,
    pub contact: Option<Sealed<Reach>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub revision: i64,
    pub mac: Vec<u8>,
    pub rels: RelSet,
}

/// What a list may be narrowed by.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct PartnerFilter {
    pub tenant: Option<Id<Tenant>>,
    pub status: Option<&'static str>,
    pub contract_ends_before: Option<NaiveDate>,
    pub contract_ends_after: Option<NaiveDate>,
}

impl PartnerFilter {
    fn args(&self) -> Args {
        args![
            self.tenant,
            self.status,
            self.contract_ends_before.map(|date| date.to_string()),
            self.contract_ends_after.map(|date| date.to_string()),
        ]
    }
}

macro_rules! columns {
    () => {
        "p.tenant_id, p.id, p.status, p.country, p.contract_starts, p.contract_ends, p.key_id, p.identity, p.contact, \
         p.financial, p.created_at, p.updated_at, p.revision, p.mac, {rel}"
    };
}

macro_rules! filtered {
    () => {
        "{scope} AND ($1 IS NULL OR p.tenant_id = $1) AND ($2 IS NULL OR p.status = $2) \
         AND ($3 IS NULL OR p.contract_ends < $3) AND ($4 IS NULL OR p.contract_ends > $4)"
    };
}

const GET: &str = concat!("SELECT ", columns!(), " FROM partners AS p WHERE p.id = $1 AND {readable}");
const LIST: &str =
    concat!("SELECT ", columns!(), " FROM partners AS p WHERE ", filtered!(), " ORDER BY p.id DESC LIMIT $5");
const LIST_AFTER: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM partners AS p WHERE ",
    filtered!(),
    " AND p.id < $6 ORDER BY p.id DESC LIMIT $5"
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
        revision: row.int(12)?,
        mac: row.blob(13)?,
        rels: rels(row, 14)?,
    })
}

fn date(row: &Row, column: usize) -> Result<Option<NaiveDate>, StoreError> {
    let text = row.opt_text(column)?;
    text.map(|text| text.parse().map_err(|_| StoreError::Row(column))).transpose()
}

fn rels(row: &Row, column: usize) -> Result<RelSet, StoreError> {
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
    identity = $7, contact = $8, financial = $9, updated_at = $10, revision = $11, mac = $12 \
    WHERE p.tenant_id = $1 AND p.id = $2 AND p.revision = $13 AND {scope}";

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
        partner.revision,
        &partner.mac[..],
        expected,
    ];
    Ok(scope.execute(tx, UPDATE, args).await? == 1)
}

// --- contact people

macro_rules! contact_columns {
    () => {
        "k.tenant_id, k.id, k.partner_id, k.function, k.language, k.is_primary, k.key_id, k.identity, k.contact, \
         k.created_at, k.updated_at, k.revision, k.mac, {rel}"
    };
}

const GET_CONTACT: &str = concat!(
    "SELECT ",
    contact_columns!(),
    " FROM partner_contacts AS k JOIN partners AS p ON p.tenant_id = k.tenant_id AND p.id = k.partner_id \
     WHERE p.id = $1 AND k.id = $2 AND {readable}"
);
const LIST_CONTACTS: &str = concat!(
    "SELECT ",
    contact_columns!(),
    " FROM partner_contacts AS k JOIN partners AS p ON p.tenant_id = k.tenant_id AND p.id = k.partner_id \
     WHERE p.id = $1 AND {readable} ORDER BY k.id LIMIT 200"
);

/// One contact person of a partner that may be read.
pub async fn get_contact<P: ScopedPermission>(
    db: &Db,
    scope: &Scope<P>,
    partner: Id<Partner>,
    id: Id<PartnerContact>,
) -> Result<Option<ContactRow>, AccessError> {
    let row = scope.fetch_optional(db, GET_CONTACT, args![partner, id]).await?;
    Ok(row.map(|row| read_contact(&row)).transpose()?)
}

/// The contact people of a partner that may be read, in the order in which they were made.
pub async fn list_contacts<P: ScopedPermission>(
    db: &Db,
    scope: &Scope<P>,
    partner: Id<Partner>,
) -> Result<Vec<ContactRow>, AccessError> {
    let rows = scope.fetch_all(db, LIST_CONTACTS, args![partner]).await?;
    rows.iter().map(|row| Ok(read_contact(row)?)).collect()
}

fn read_contact(row: &Row) -> Result<ContactRow, StoreError> {
    Ok(ContactRow {
        tenant: row.id(0)?,
        id: row.id(1)?,
        partner: row.id(2)?,
        function: Function::from_code(&row.text(3)?).ok_or(StoreError::Row(3))?,
        language: row.text(4)?,
        primary: row.bool(5)?,
        key: KeyId::from_bytes(row.array(6)?),
        identity: row.sealed(7)?.ok_or(StoreError::Row(7))?,
        contact: row.sealed(8)?,
        created_at: row.time(9)?,
        updated_at: row.time(10)?,
        revision: row.int(11)?,
        mac: row.blob(12)?,
        rels: rels(row, 13)?,
    })
}

const COUNT_CONTACTS: &str = "SELECT COUNT(*) FROM partner_contacts WHERE tenant_id = $1 AND partner_id = $2";
const INSERT_CONTACT: &str = "INSERT INTO partner_contacts (tenant_id, id, partner_id, function, language, is_primary, \
    key_id, identity, contact, created_at, updated_at, revision, mac) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
const WHY_CONTACT: &str = "the partner's row was found under the scope; its contact people are seen with it";

pub async fn count_contacts(
    tx: &mut Tx<Unaudited>,
    (tenant, partner): (Id<Tenant>, Id<Partner>),
) -> Result<i64, StoreError> {
    let row = tx.fetch_optional_without_scope(WHY_CONTACT, COUNT_CONTACTS, args![tenant, partner]).await?;
    row.map_or(Ok(0), |row| row.int(0))
}

pub async fn insert_contact(tx: &mut Tx<Unaudited>, contact: &ContactRow) -> Result<(), StoreError> {
    let args = args![
        contact.tenant,
        contact.id,
        contact.partner,
        contact.function.code(),
        contact.language.as_str(),
        contact.primary,
        &contact.key.as_bytes()[..],
        &contact.identity,
        contact.contact.as_ref(),
        contact.created_at,
        contact.updated_at,
        contact.revision,
        &contact.mac[..],
    ];
    tx.execute_without_scope(WHY_CONTACT, INSERT_CONTACT, args).await.map(drop)
}

const UPDATE_CONTACT: &str = "UPDATE partner_contacts SET function = $3, language = $4, is_primary = $5, identity = $6, \
    contact = $7, updated_at = $8, revision = $9, mac = $10 WHERE tenant_id = $1 AND id = $2 AND revision = $11";

/// Writes the row if it still has revision `expected`; gives whether it did.
pub async fn update_contact(tx: &mut Tx<Unaudited>, contact: &ContactRow, expected: i64) -> Result<bool, StoreError> {
    let args = args![
        contact.tenant,
        contact.id,
        contact.function.code(),
        contact.language.as_str(),
        contact.primary,
        &contact.identity,
        contact.contact.as_ref(),
        contact.updated_at,
        contact.revision,
        &contact.mac[..],
        expected,
    ];
    Ok(tx.execute_without_scope(WHY_CONTACT, UPDATE_CONTACT, args).await? == 1)
}

const DELETE_CONTACT: &str = "DELETE FROM partner_contacts WHERE tenant_id = $1 AND id = $2 AND revision = $3";

pub async fn delete_contact(tx: &mut Tx<Unaudited>, contact: &ContactRow) -> Result<bool, StoreError> {
    let args = args![contact.tenant, contact.id, contact.revision];
    Ok(tx.execute_without_scope(WHY_CONTACT, DELETE_CONTACT, args).await? == 1)
}
