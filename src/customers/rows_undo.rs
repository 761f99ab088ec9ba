//! The SQL of taking an import back.

use kluis_core::args;
use kluis_core::kernel::{Id, id::Customer, id::Tenant};
use kluis_core::privacy::KeyId;
use kluis_core::store::{Sql, StoreError, Tx, Unaudited};

use super::rows::{NewRow, update_args};

/// How a record stands that an import is to be taken back from.
pub struct Standing {
    pub revision: i64,
    pub key: KeyId,
    /// Something else has come to hang on it: a contact (also one that was put away), a relation.
    pub in_use: bool,
}

const WHY_UNDO: &str = "the decision to undo an import covers the records that this very import has made or changed";

macro_rules! standing {
    () => {
        "SELECT c.revision, c.key_id, (EXISTS (SELECT 1 FROM interactions AS i \
         WHERE i.tenant_id = c.tenant_id AND i.customer_id = c.id) OR EXISTS (SELECT 1 FROM customer_relations AS r \
         WHERE r.tenant_id = c.tenant_id AND (r.from_id = c.id OR r.to_id = c.id))) \
         FROM customers AS c WHERE c.tenant_id = $1 AND c.id = $2"
    };
}

// Locked, so that nothing comes to hang on it between the look and the deletion, which takes along whatever does.
const STANDING: Sql = Sql::both(standing!(), concat!(standing!(), " FOR UPDATE"));

pub async fn standing(
    tx: &mut Tx<Unaudited>,
    tenant: Id<Tenant>,
    id: Id<Customer>,
) -> Result<Option<Standing>, StoreError> {
    let row = tx.fetch_optional_without_scope(WHY_UNDO, STANDING, args![tenant, id]).await?;
    row.map(|row| Ok(Standing { revision: row.int(0)?, key: KeyId::from_bytes(row.array(1)?), in_use: row.bool(2)? }))
        .transpose()
}

const DELETE: &str = "DELETE FROM customers WHERE tenant_id = $1 AND id = $2 AND revision = $3";

/// Removes a record with its index rows; false if it no longer has this revision.
pub async fn delete(
    tx: &mut Tx<Unaudited>,
    tenant: Id<Tenant>,
    id: Id<Customer>,
    revision: i64,
) -> Result<bool, StoreError> {
    Ok(tx.execute_without_scope(WHY_UNDO, DELETE, args![tenant, id, revision]).await? == 1)
}

const PUT_BACK: &str = "UPDATE customers SET status = $3, owner_id = $4, updated_at = $5, archived_at = $6, \
    preferred_channel = $7, language = $8, region = $9, source = $10, legal_basis = $11, consents = $12, revision = $13, \
    identity = $14, contact = $15, financial = $16, profile = $17, notes = $18, special = $19, fingerprints = $20, \
    mac = $21 WHERE tenant_id = $1 AND id = $2 AND revision = $22";

/// Writes a record as it was; false if it no longer has revision `expected`.
pub async fn put_back(tx: &mut Tx<Unaudited>, row: &NewRow<'_>, expected: i64) -> Result<bool, StoreError> {
    Ok(tx.execute_without_scope(WHY_UNDO, PUT_BACK, update_args(row, expected)).await? == 1)
}
