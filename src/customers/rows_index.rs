//! The SQL of the blind index, and of what is looked up by it.

use kluis_core::args;
use kluis_core::kernel::{Id, id::Customer, id::Tenant};
use kluis_core::privacy::{BlindHash, IndexField, KeyId, Sealed};
use kluis_core::store::{Db, Row, StoreError, Tx, Unaudited};

use super::model::{Contact, Identity};

const WHY_INDEX: &str = "the blind index belongs to the row that the same transaction writes under a scope";

const INSERT_INDEX: &str = "INSERT INTO customer_index (tenant_id, field, version, hash, customer_id) \
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";

pub async fn insert_index(
    tx: &mut Tx<Unaudited>,
    tenant: Id<Tenant>,
    id: Id<Customer>,
    field: IndexField,
    hash: BlindHash,
) -> Result<(), StoreError> {
    let args = args![tenant, field.name(), i64::from(hash.version()), hash.as_i64(), id];
    tx.execute_without_scope(WHY_INDEX, INSERT_INDEX, args).await?;
    Ok(())
}

const DELETE_INDEX: &str = "DELETE FROM customer_index WHERE tenant_id = $1 AND customer_id = $2 AND field = $3";

pub async fn delete_index(
    tx: &mut Tx<Unaudited>,
    tenant: Id<Tenant>,
    id: Id<Customer>,
    field: IndexField,
) -> Result<(), StoreError> {
    tx.execute_without_scope(WHY_INDEX, DELETE_INDEX, args![tenant, id, field.name()]).await?;
    Ok(())
}

/// What is needed to see whether a candidate really has a key.
pub struct CandidateRow {
    pub id: Id<Customer>,
    pub key: KeyId,
    pub identity: Option<Sealed<Identity>>,
    pub contact: Option<Sealed<Contact>>,
}

const WHY_CANDIDATES: &str = "a key must be unique among all customers of the tenant, also those the caller can't see; \
    nothing of a candidate leaves without a scope";

// CROSS JOIN, which SQLite takes as the order to go in: its planner would rather walk all customers of the tenant for
// the sake of ORDER BY. PostgreSQL reads an inner join.
const CANDIDATES: &str = "SELECT c.id, c.key_id, c.identity, c.contact FROM customer_index AS x \
    CROSS JOIN customers AS c WHERE c.tenant_id = x.tenant_id AND c.id = x.customer_id \
    AND x.tenant_id = $1 AND x.field = $2 AND x.hash = $3 AND x.version = $4 ORDER BY x.customer_id";

pub async fn candidates<S>(
    tx: &mut Tx<S>,
    tenant: Id<Tenant>,
    field: IndexField,
    hash: BlindHash,
) -> Result<Vec<CandidateRow>, StoreError> {
    let args = args![tenant, field.name(), hash.as_i64(), i64::from(hash.version())];
    let rows = tx.fetch_all_without_scope(WHY_CANDIDATES, CANDIDATES, args).await?;
    rows.iter()
        .map(|row| {
            Ok(CandidateRow {
                id: row.id(0)?,
                key: KeyId::from_bytes(row.array(1)?),
                identity: row.sealed(2)?,
                contact: row.sealed(3)?,
            })
        })
        .collect()
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
