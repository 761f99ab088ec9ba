//! All the SQL about custom fields.

use chrono::{DateTime, Utc};
use kluis_core::access::{AccessError, RelSet, Scope, ScopedPermission};
use kluis_core::args;
use kluis_core::kernel::{Id, id::Tenant};
use kluis_core::privacy::Sealed;
use kluis_core::store::{Args, Db, Row, StoreError, Tx, Unaudited};
use serde::Serialize;

use super::model::{CustomField, FieldCompartment, FieldKind, FieldRetention};
use super::seal::FieldTexts;

/// A field as it is stored.
pub struct FieldRow {
    pub tenant: Id<Tenant>,
    pub id: Id<CustomField>,
    pub kind: FieldKind,
    pub compartment: FieldCompartment,
    pub required: bool,
    pub category: String,
    /// A JSON list.
    pub purposes: String,
    pub retention: FieldRetention,
    pub texts: Sealed<FieldTexts>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub archived_at: Option<DateTime<Utc>>,
    pub revision: i64,
    pub mac: Vec<u8>,
    /// How the actor who asked stands to it; nothing where the system asks.
    pub rels: RelSet,
}

/// What a list may be narrowed by.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ListFilter {
    pub tenant: Option<Id<Tenant>>,
    pub compartment: Option<&'static str>,
    pub kind: Option<&'static str>,
    pub required: Option<bool>,
    pub archived: bool,
}

impl ListFilter {
    fn args(&self) -> Args {
        args![self.tenant, self.compartment, self.kind, self.required, self.archived]
    }
}

macro_rules! columns {
    () => {
        "f.tenant_id, f.id, f.kind, f.compartment, f.required, f.category, f.purposes, f.retention, f.texts, \
         f.created_at, f.updated_at, f.archived_at, f.revision, f.mac"
    };
}

macro_rules! filtered {
    () => {
        "{scope} AND ($1 IS NULL OR f.tenant_id = $1) AND ($2 IS NULL OR f.compartment = $2) \
         AND ($3 IS NULL OR f.kind = $3) AND ($4 IS NULL OR f.required = $4) AND (f.archived_at IS NOT NULL) = $5"
    };
}

const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    ", {rel} FROM custom_fields AS f WHERE ",
    filtered!(),
    " AND ($6 IS NULL OR f.id > $6) ORDER BY f.id LIMIT $7"
);
const COUNT: &str = concat!("SELECT COUNT(*) FROM custom_fields AS f WHERE ", filtered!());
const GET: &str = concat!("SELECT ", columns!(), ", {rel} FROM custom_fields AS f WHERE f.id = $1 AND {readable}");

/// A page in the order in which the fields were made.
pub async fn list<P: ScopedPermission>(
    db: &Db,
    scope: &Scope<P>,
    filter: &ListFilter,
    after: Option<Id<CustomField>>,
    limit: i64,
) -> Result<Vec<FieldRow>, AccessError> {
    let rows = scope.fetch_all(db, LIST, filter.args().with(after).with(limit)).await?;
    rows.iter().map(|row| Ok(read_seen(row)?)).collect()
}

pub async fn count<P: ScopedPermission>(db: &Db, scope: &Scope<P>, filter: &ListFilter) -> Result<i64, AccessError> {
    let row = scope.fetch_optional(db, COUNT, filter.args()).await?;
    Ok(row.map_or(Ok(0), |row| row.int(0))?)
}

/// One field that may be read.
pub async fn get<P: ScopedPermission>(
    db: &Db,
    scope: &Scope<P>,
    id: Id<CustomField>,
) -> Result<Option<FieldRow>, AccessError> {
    let row = scope.fetch_optional(db, GET, args![id]).await?;
    row.map(|row| Ok(read_seen(&row)?)).transpose()
}

fn read_seen(row: &Row) -> Result<FieldRow, StoreError> {
    let bits = u8::try_from(row.int(14)?).map_err(|_| StoreError::Row(14))?;
    Ok(FieldRow { rels: RelSet::from_bits(bits), ..read(row)? })
}

fn read(row: &Row) -> Result<FieldRow, StoreError> {
    Ok(FieldRow {
        tenant: row.id(0)?,
        id: row.id(1)?,
        kind: FieldKind::from_code(&row.text(2)?).ok_or(StoreError::Row(2))?,
        compartment: FieldCompartment::from_code(&row.text(3)?).ok_or(StoreError::Row(3))?,
        required: row.bool(4)?,
        category: row.text(5)?,
        purposes: row.text(6)?,
        retention: FieldRetention::from_code(&row.text(7)?).ok_or(StoreError::Row(7))?,
        texts: row.sealed(8)?.ok_or(StoreError::Row(8))?,
        created_at: row.time(9)?,
        updated_at: row.time(10)?,
        archived_at: row.opt_time(11)?,
        revision: row.int(12)?,
        mac: row.blob(13)?,
        rels: RelSet::EMPTY,
    })
}

const WHY_RULES: &str = "what a tenant's customers are checked against; it says nothing about people";
const OF_TENANT: &str = concat!("SELECT ", columns!(), " FROM custom_fields AS f WHERE f.tenant_id = $1 ORDER BY f.id");

/// All fields of a tenant, those that are put away among them, whoever asks: for rules, never for an answer.
pub async fn of_tenant(db: &Db, tenant: Id<Tenant>) -> Result<Vec<FieldRow>, StoreError> {
    db.fetch_all_without_scope(WHY_RULES, OF_TENANT, args![tenant]).await?.iter().map(read).collect()
}

/// The same inside a transaction.
pub async fn of_tenant_in<S>(tx: &mut Tx<S>, tenant: Id<Tenant>) -> Result<Vec<FieldRow>, StoreError> {
    tx.fetch_all_without_scope(WHY_RULES, OF_TENANT, args![tenant]).await?.iter().map(read).collect()
}

const WHY_INSERT: &str = "an INSERT has no rows to restrict; the service looks at the new row under its scope";
const INSERT: &str = "INSERT INTO custom_fields (tenant_id, id, kind, compartment, required, category, purposes, \
    retention, texts, created_at, updated_at, archived_at, revision, mac) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";

pub async fn insert(tx: &mut Tx<Unaudited>, field: &FieldRow) -> Result<(), StoreError> {
    let args = args![
        field.tenant,
        field.id,
        field.kind.code(),
        field.compartment.code(),
        field.required,
        field.category.as_str(),
        field.purposes.as_str(),
        field.retention.code(),
        &field.texts,
        field.created_at,
        field.updated_at,
        field.archived_at,
        field.revision,
        &field.mac[..],
    ];
    tx.execute_without_scope(WHY_INSERT, INSERT, args).await.map(drop)
}

const HELD: &str = "SELECT 1 FROM custom_fields AS f WHERE f.tenant_id = $1 AND f.id = $2 AND {scope}";

/// Whether the scope holds a row that was just written.
pub async fn is_held<P: ScopedPermission>(
    tx: &mut Tx<Unaudited>,
    scope: &Scope<P>,
    field: &FieldRow,
) -> Result<bool, AccessError> {
    Ok(scope.fetch_optional_in(tx, HELD, args![field.tenant, field.id]).await?.is_some())
}

const UPDATE: &str = "UPDATE custom_fields AS f SET required = $3, category = $4, purposes = $5, retention = $6, \
    texts = $7, updated_at = $8, archived_at = $9, revision = $10, mac = $11 \
    WHERE f.tenant_id = $1 AND f.id = $2 AND f.revision = $12 AND {scope}";

/// Writes the row if it still has revision `expected` and the scope still holds it; gives whether it did.
pub async fn update<P: ScopedPermission>(
    tx: &mut Tx<Unaudited>,
    scope: &Scope<P>,
    field: &FieldRow,
    expected: i64,
) -> Result<bool, AccessError> {
    let args = args![
        field.tenant,
        field.id,
        field.required,
        field.category.as_str(),
        field.purposes.as_str(),
        field.retention.code(),
        &field.texts,
        field.updated_at,
        field.archived_at,
        field.revision,
        &field.mac[..],
        expected,
    ];
    Ok(scope.execute(tx, UPDATE, args).await? == 1)
}
