//! The SQL of the blind index, and of what is looked up by it.

use kluis_core::args;
use kluis_core::kernel::{Id, id::Customer, id::Tenant};
use kluis_core::privacy::{BlindHash, IndexField, KeyId, Sealed};
use kluis_core::store::{Args, Db, Row, StoreError, Tx, Unaudited};

use super::model::{Contact, Identity};

const WHY_INDEX: &str = "the blind index belongs to the row that the same transaction writes under a scope";

/// A value's place in the index.
pub type Hashed = (IndexField, BlindHash);

/// How many values one statement takes.
const KEYS_AT_ONCE: usize = 8;

/// The arguments of a statement for [`KEYS_AT_ONCE`] values: one statement for every number, the last value fills the rest.
fn fill(args: Args, keys: &[Hashed]) -> Args {
    let filled = keys.iter().chain(keys.last().into_iter().cycle()).take(KEYS_AT_ONCE);
    filled.fold(args, |args, (field, hash)| args.with(field.name()).with(hash.as_i64()).with(i64::from(hash.version())))
}

const INSERT_INDEX: &str = "INSERT INTO customer_index (tenant_id, customer_id, field, hash, version) VALUES \
    ($1, $2, $3, $4, $5), ($1, $2, $6, $7, $8), ($1, $2, $9, $10, $11), ($1, $2, $12, $13, $14), \
    ($1, $2, $15, $16, $17), ($1, $2, $18, $19, $20), ($1, $2, $21, $22, $23), ($1, $2, $24, $25, $26) \
    ON CONFLICT DO NOTHING";

/// Nothing that was deferred in this transaction may be a deletion of these.
pub async fn insert_index(
    tx: &mut Tx<Unaudited>,
    tenant: Id<Tenant>,
    id: Id<Customer>,
    keys: &[Hashed],
) -> Result<(), StoreError> {
    for chunk in keys.chunks(KEYS_AT_ONCE) {
        tx.defer_without_scope(WHY_INDEX, INSERT_INDEX, fill(args![tenant, id], chunk)).await?;
    }
    Ok(())
}

const DELETE_INDEX: &str = "DELETE FROM customer_index WHERE tenant_id = $1 AND customer_id = $2 \
    AND field IN ($3, $4, $5, $6, $7, $8, $9)";

/// At least one field.
pub async fn delete_index(
    tx: &mut Tx<Unaudited>,
    tenant: Id<Tenant>,
    id: Id<Customer>,
    fields: &[IndexField],
) -> Result<(), StoreError> {
    let filled = fields.iter().chain(fields.last().into_iter().cycle()).take(IndexField::ALL.len());
    let args = filled.fold(args![tenant, id], |args, field| args.with(field.name()));
    tx.execute_without_scope(WHY_INDEX, DELETE_INDEX, args).await?;
    Ok(())
}

/// What is needed to see whether a candidate really has a key.
pub struct CandidateRow {
    /// What it was found by.
    pub found_by: Hashed,
    pub id: Id<Customer>,
    pub key: KeyId,
    pub identity: Option<Sealed<Identity>>,
    pub contact: Option<Sealed<Contact>>,
}

const WHY_CANDIDATES: &str = "a key must be unique among all customers of the tenant, also those the caller can't see; \
    nothing of a candidate leaves without a scope";

// CROSS JOIN, which SQLite takes as the order to go in: its planner would rather walk all customers of the tenant for
// the sake of ORDER BY. PostgreSQL reads an inner join. The first row tells the types.
const CANDIDATES: &str = "SELECT x.field, x.hash, c.id, c.key_id, c.identity, c.contact FROM (SELECT DISTINCT * FROM (VALUES \
    (CAST($2 AS TEXT), CAST($3 AS BIGINT), CAST($4 AS BIGINT)), ($5, $6, $7), ($8, $9, $10), ($11, $12, $13), \
    ($14, $15, $16), ($17, $18, $19), ($20, $21, $22), ($23, $24, $25)) AS v) AS k \
    CROSS JOIN customer_index AS x CROSS JOIN customers AS c \
    WHERE x.tenant_id = $1 AND x.field = k.column1 AND x.hash = k.column2 AND x.version = k.column3 \
    AND c.tenant_id = x.tenant_id AND c.id = x.customer_id ORDER BY x.customer_id";

/// The rows that may have one of these values, in the order of their ids.
pub async fn candidates<S>(
    tx: &mut Tx<S>,
    tenant: Id<Tenant>,
    keys: &[Hashed],
) -> Result<Vec<CandidateRow>, StoreError> {
    let mut found = Vec::new();
    for chunk in keys.chunks(KEYS_AT_ONCE) {
        let rows = tx.fetch_all_without_scope(WHY_CANDIDATES, CANDIDATES, fill(args![tenant], chunk)).await?;
        for row in &rows {
            found.push(candidate(row)?);
        }
    }
    Ok(found)
}

fn candidate(row: &Row) -> Result<CandidateRow, StoreError> {
    let field = IndexField::from_name(&row.text(0)?).ok_or(StoreError::Row(0))?;
    Ok(CandidateRow {
        found_by: (field, BlindHash::from_stored(row.int(1)?)),
        id: row.id(2)?,
        key: KeyId::from_bytes(row.array(3)?),
        identity: row.sealed(4)?,
        contact: row.sealed(5)?,
    })
}

/// A row of which only the name is needed.
pub struct IdentityRow {
    pub id: Id<Customer>,
    pub key: KeyId,
    pub identity: Sealed<Identity>,
}

const WHY_DIRECTORY: &str = "the system builds its memory-only directory; what is found in it passes a scope";

const IDENTITIES: &str = "SELECT c.id, c.key_id, c.identity FROM customers AS c \
    WHERE c.tenant_id = $1 AND c.id > $2 AND c.identity IS NOT NULL ORDER BY c.id LIMIT $3";

const IDENTITIES_OF: &str = "SELECT c.id, c.key_id, c.identity FROM customers AS c \
    WHERE c.tenant_id = $1 AND c.identity IS NOT NULL AND c.id IN ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, \
    $14, $15, $16, $17)";

/// How many ids [`identities_of`] takes.
pub const IDENTITIES_AT_ONCE: usize = 16;

/// The names of some records, as far as they are there; at least one id and at most [`IDENTITIES_AT_ONCE`].
pub async fn identities_of(db: &Db, tenant: Id<Tenant>, ids: &[Id<Customer>]) -> Result<Vec<IdentityRow>, StoreError> {
    // One statement for every length: the last id fills the rest.
    let filled = ids.iter().chain(ids.last().into_iter().cycle()).take(IDENTITIES_AT_ONCE);
    let args = filled.fold(args![tenant], |args, id| args.with(*id));
    let rows = db.fetch_all_without_scope(WHY_DIRECTORY, IDENTITIES_OF, args).await?;
    rows.iter().map(identity).collect()
}

pub async fn identities_after(
    db: &Db,
    tenant: Id<Tenant>,
    after: Id<Customer>,
    limit: i64,
) -> Result<Vec<IdentityRow>, StoreError> {
    let rows = db.fetch_all_without_scope(WHY_DIRECTORY, IDENTITIES, args![tenant, after, limit]).await?;
    rows.iter().map(identity).collect()
}

fn identity(row: &Row) -> Result<IdentityRow, StoreError> {
    Ok(IdentityRow {
        id: row.id(0)?,
        key: KeyId::from_bytes(row.array(1)?),
        identity: row.sealed(2)?.ok_or(StoreError::Row(2))?,
    })
}
