//! The SQL of reaching customers: where they are and which key is theirs, under the caller's scope.

use kluis_core::access::{AccessError, RelSet, Scope, ScopedPermission};
use kluis_core::args;
use kluis_core::kernel::{Id, id::Customer, id::Tenant};
use kluis_core::privacy::KeyId;
use kluis_core::store::{Args, Db, Row, Sql, StoreError, Tx, Unaudited};

use super::Reached;
use crate::customers::model::CustomerKind;

const A_FEW: usize = 32;
const AT_ONCE: usize = 1_000;

macro_rules! reached {
    () => {
        "SELECT c.id, c.tenant_id, c.key_id, c.kind, {rel} FROM customers AS c WHERE {scope} AND c.id IN "
    };
}

const REACHED_OF_A_FEW: &str = concat!(
    reached!(),
    "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, \
     $25, $26, $27, $28, $29, $30, $31, $32)"
);
const REACHED: Sql = Sql::both(
    concat!(reached!(), "(SELECT unhex(value) FROM json_each($1))"),
    concat!(reached!(), "(SELECT value::uuid FROM jsonb_array_elements_text($1::text::jsonb))"),
);

/// Those of the ids that the scope holds, in no particular order.
pub async fn reached<P: ScopedPermission>(
    db: &Db,
    scope: &Scope<P>,
    ids: &[Id<Customer>],
) -> Result<Vec<Reached>, AccessError> {
    let mut found = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(AT_ONCE) {
        let (sql, args) = asked(chunk);
        for row in &scope.fetch_all(db, sql, args).await? {
            found.push(read(row)?);
        }
    }
    Ok(found)
}

/// Few ids by a statement that the database knows how to plan, many as one JSON text.
fn asked(ids: &[Id<Customer>]) -> (Sql, Args) {
    if ids.len() > A_FEW {
        let texts: Vec<_> = ids.iter().map(|id| id.uuid().simple()).collect();
        return (REACHED, args![serde_json::to_string(&texts).unwrap_or_default()]);
    }
    // One statement for every length: the last id fills the rest.
    let filled = ids.iter().chain(ids.last().into_iter().cycle()).take(A_FEW);
    (REACHED_OF_A_FEW.into(), filled.fold(Args::new(), |args, id| args.with(*id)))
}

fn read(row: &Row) -> Result<Reached, StoreError> {
    Ok(Reached {
        id: row.id(0)?,
        tenant: row.id(1)?,
        key: KeyId::from_bytes(row.array(2)?),
        kind: CustomerKind::from_code(&row.text(3)?).ok_or(StoreError::Row(3))?,
        rels: RelSet::from_bits(u8::try_from(row.int(4)?).map_err(|_| StoreError::Row(4))?),
    })
}

const WHY_HOLD: &str = "makes others wait, and tells nothing of a customer whom the caller has reached under a scope";
// Not FOR UPDATE: that would wait for whoever has written something that refers to the customer, who then waits here.
const HOLD: Sql = Sql::both(
    "SELECT 1 FROM customers WHERE tenant_id = $1 AND id = $2",
    "SELECT 1 FROM customers WHERE tenant_id = $1 AND id = $2 FOR NO KEY UPDATE",
);

/// Locks a customer's row until the transaction ends (SQLite has a single writer anyway); gives whether it is there.
pub async fn hold(tx: &mut Tx<Unaudited>, tenant: Id<Tenant>, id: Id<Customer>) -> Result<bool, StoreError> {
    Ok(tx.fetch_optional_without_scope(WHY_HOLD, HOLD, args![tenant, id]).await?.is_some())
}

const WHY_CONTACT: &str = "a time that follows from interactions, which were written under a scope";
const LAST_CONTACT: &str = "UPDATE customers AS c SET last_contact_at = (SELECT MAX(i.occurred_at) \
    FROM interactions AS i WHERE i.tenant_id = $1 AND i.customer_id = $2 AND i.archived_at IS NULL) \
    WHERE c.tenant_id = $1 AND c.id = $2";

/// Takes the latest of the interactions that aren't put away, as the transaction sees them.
pub async fn follow_contacts(tx: &mut Tx<Unaudited>, tenant: Id<Tenant>, id: Id<Customer>) -> Result<(), StoreError> {
    tx.execute_without_scope(WHY_CONTACT, LAST_CONTACT, args![tenant, id]).await?;
    Ok(())
}

const WHY_TENANT: &str = "which tenant's key hashes an id; whether there is such a customer is told to nobody";
const TENANT: &str = "SELECT tenant_id FROM customers WHERE id = $1 AND revision > 0 \
    UNION ALL SELECT tenant_id FROM erasures WHERE customer_id = $1";

pub async fn tenant(db: &Db, id: Id<Customer>) -> Result<Option<Id<Tenant>>, StoreError> {
    db.fetch_optional_without_scope(WHY_TENANT, TENANT, args![id]).await?.map(|row| row.id(0)).transpose()
}
