//! All the SQL about relations.

use chrono::NaiveDate;
use kluis_core::access::{AccessError, RelSet, Scope, ScopedPermission};
use kluis_core::args;
use kluis_core::kernel::{Id, id::Customer, id::Tenant};
use kluis_core::store::{Db, Row, StoreError, Tx, Unaudited};

use super::model::{Relation, RelationKind, RelationRecord};

/// A stored relation, and how the actor who asked stands to it.
pub struct RelationRow {
    pub record: RelationRecord,
    pub rels: RelSet,
    pub mac: Vec<u8>,
}

macro_rules! columns {
    () => {
        "r.tenant_id, r.id, r.from_id, r.to_id, r.kind, r.starts_on, r.ends_on, r.created_at, r.updated_at, r.revision, \
         r.mac, {rel}"
    };
}

const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM customer_relations AS r WHERE r.tenant_id = $1 AND (r.from_id = $2 OR r.to_id = $2) AND {scope} \
     AND ($3 IS NULL OR r.kind = $3) AND ($4 IS NULL OR r.id > $4) ORDER BY r.id LIMIT $5"
);

/// Relations of a customer at either end, the oldest first.
pub async fn list<P: ScopedPermission>(
    db: &Db,
    scope: &Scope<P>,
    customer: (Id<Tenant>, Id<Customer>),
    kind: Option<RelationKind>,
    after: Option<Id<Relation>>,
    limit: i64,
) -> Result<Vec<RelationRow>, AccessError> {
    let args = args![customer.0, customer.1, kind.map(RelationKind::code), after, limit];
    scope.fetch_all(db, LIST, args).await?.iter().map(|row| Ok(read(row)?)).collect()
}

const GET: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM customer_relations AS r WHERE r.tenant_id = $1 AND r.id = $2 AND (r.from_id = $3 OR r.to_id = $3) \
     AND {readable}"
);

pub async fn get<P: ScopedPermission>(
    db: &Db,
    scope: &Scope<P>,
    customer: (Id<Tenant>, Id<Customer>),
    id: Id<Relation>,
) -> Result<Option<RelationRow>, AccessError> {
    let row = scope.fetch_optional(db, GET, args![customer.0, id, customer.1]).await?;
    row.map(|row| Ok(read(&row)?)).transpose()
}

fn read(row: &Row) -> Result<RelationRow, StoreError> {
    let date = |column: usize| -> Result<Option<NaiveDate>, StoreError> {
        row.opt_text(column)?.map(|text| text.parse().map_err(|_| StoreError::Row(column))).transpose()
    };
    Ok(RelationRow {
        record: RelationRecord {
            tenant: row.id(0)?,
            id: row.id(1)?,
            from: row.id(2)?,
            to: row.id(3)?,
            kind: RelationKind::from_code(&row.text(4)?).ok_or(StoreError::Row(4))?,
            starts_on: date(5)?,
            ends_on: date(6)?,
            created_at: row.time(7)?,
            updated_at: row.time(8)?,
            revision: row.int(9)?,
        },
        rels: RelSet::from_bits(u8::try_from(row.int(11)?).map_err(|_| StoreError::Row(11))?),
        mac: row.blob(10)?,
    })
}

const WHY: &str = "an INSERT has no rows to restrict; the service looks at the new row under its scope, and whether a \
    mutual relation stands there the other way round is told only by a refusal";

const INSERT: &str = "INSERT INTO customer_relations (tenant_id, id, from_id, to_id, kind, starts_on, ends_on, \
    created_at, updated_at, revision, mac) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

pub async fn insert(tx: &mut Tx<Unaudited>, record: &RelationRecord, mac: Vec<u8>) -> Result<(), StoreError> {
    let args = args![
        record.tenant,
        record.id,
        record.from,
        record.to,
        record.kind.code(),
        record.starts_on.map(|date| date.to_string()),
        record.ends_on.map(|date| date.to_string()),
        record.created_at,
        record.updated_at,
        record.revision,
        mac,
    ];
    tx.execute_without_scope(WHY, INSERT, args).await?;
    Ok(())
}

const THERE: &str =
    "SELECT 1 FROM customer_relations WHERE tenant_id = $1 AND from_id = $2 AND to_id = $3 AND kind = $4 LIMIT 1";

/// Whether such a relation stands there.
pub async fn is_there(
    tx: &mut Tx<Unaudited>,
    tenant: Id<Tenant>,
    ends: (Id<Customer>, Id<Customer>),
    kind: RelationKind,
) -> Result<bool, StoreError> {
    let args = args![tenant, ends.0, ends.1, kind.code()];
    Ok(tx.fetch_optional_without_scope(WHY, THERE, args).await?.is_some())
}

const HELD: &str = "SELECT 1 FROM customer_relations AS r WHERE r.tenant_id = $1 AND r.id = $2 AND {scope}";

/// Whether the scope holds a row that was just written.
pub async fn is_held<P: ScopedPermission>(
    tx: &mut Tx<Unaudited>,
    scope: &Scope<P>,
    record: &RelationRecord,
) -> Result<bool, AccessError> {
    Ok(scope.fetch_optional_in(tx, HELD, args![record.tenant, record.id]).await?.is_some())
}

const UPDATE: &str = "UPDATE customer_relations AS r SET starts_on = $3, ends_on = $4, updated_at = $5, revision = $6, \
    mac = $7 WHERE r.tenant_id = $1 AND r.id = $2 AND r.revision = $8 AND {scope}";

/// Writes the row if it still has revision `expected` and the scope still holds it; gives whether it did.
pub async fn update<P: ScopedPermission>(
    tx: &mut Tx<Unaudited>,
    scope: &Scope<P>,
    (record, mac): (&RelationRecord, Vec<u8>),
    expected: i64,
) -> Result<bool, AccessError> {
    let args = args![
        record.tenant,
        record.id,
        record.starts_on.map(|date| date.to_string()),
        record.ends_on.map(|date| date.to_string()),
        record.updated_at,
        record.revision,
        mac,
        expected,
    ];
    Ok(scope.execute(tx, UPDATE, args).await? == 1)
}

const DELETE: &str =
    "DELETE FROM customer_relations AS r WHERE r.tenant_id = $1 AND r.id = $2 AND r.revision = $3 AND {scope}";

/// Removes the row if it still has this revision and the scope still holds it; gives whether it did.
pub async fn delete<P: ScopedPermission>(
    tx: &mut Tx<Unaudited>,
    scope: &Scope<P>,
    record: &RelationRecord,
) -> Result<bool, AccessError> {
    Ok(scope.execute(tx, DELETE, args![record.tenant, record.id, record.revision]).await? == 1)
}
