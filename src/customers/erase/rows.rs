//! The SQL of a customer's own part of an erasure.

use kluis_core::access::{AccessError, RelSet, Scope};
use kluis_core::args;
use kluis_core::kernel::{Id, id::Customer, id::Tenant};
use kluis_core::privacy::KeyId;
use kluis_core::store::{Db, Row, StoreError, Tx, Unaudited};

use super::{Hanging, Standing};
use crate::customers::access::Erase;

const FIND: &str =
    "SELECT c.tenant_id, c.id, c.key_id, c.revision, {rel} FROM customers AS c WHERE c.id = $1 AND {readable}";

/// The customer, if the caller may know of it.
pub async fn find(db: &Db, scope: &Scope<Erase>, id: Id<Customer>) -> Result<Option<Standing>, AccessError> {
    let row = scope.fetch_optional(db, FIND, args![id]).await?;
    row.map(|row| {
        let rels = u8::try_from(row.int(4)?).map_err(|_| StoreError::Row(4))?;
        Ok(Standing { rels: RelSet::from_bits(rels), ..standing(&row)? })
    })
    .transpose()
}

const WHY: &str = "what hangs on a customer goes with it; whether the customer may be erased was decided";
const HANGING: &str = "SELECT (SELECT COUNT(*) FROM interactions AS i WHERE i.tenant_id = $1 AND i.customer_id = $2), \
    (SELECT COUNT(*) FROM customer_relations AS r WHERE r.tenant_id = $1 AND (r.from_id = $2 OR r.to_id = $2)), \
    (SELECT COUNT(*) FROM customer_index AS x WHERE x.tenant_id = $1 AND x.customer_id = $2)";

/// How much goes with it, for a look ahead.
pub async fn hanging(db: &Db, tenant: Id<Tenant>, id: Id<Customer>) -> Result<Hanging, StoreError> {
    read(db.fetch_optional_without_scope(WHY, HANGING, args![tenant, id]).await?)
}

const REMOVE: &str =
    "DELETE FROM customers AS c WHERE c.tenant_id = $1 AND c.id = $2 AND c.revision = $3 AND c.key_id = $4 AND {scope}";

/// Removes the row, its index, its interactions and its relations. `None` if it no longer stands as it was found.
pub async fn remove(
    tx: &mut Tx<Unaudited>,
    scope: &Scope<Erase>,
    found: &Standing,
) -> Result<Option<Hanging>, AccessError> {
    let hanging = read(tx.fetch_optional_without_scope(WHY, HANGING, args![found.tenant, found.id]).await?)?;
    let args = args![found.tenant, found.id, found.revision, *found.key.as_bytes()];
    Ok((scope.execute(tx, REMOVE, args).await? == 1).then_some(hanging))
}

const WHY_AGAIN: &str = "an erasure that was decided and done, and came back with older data, is done once more";
const LEFT: &str = "SELECT tenant_id, id, key_id, revision FROM customers WHERE tenant_id = $1 AND id = $2";
const REMOVE_AGAIN: &str = "DELETE FROM customers WHERE tenant_id = $1 AND id = $2";

/// Removes once more what older data has brought back; gives what hung on it, if it was there.
pub async fn remove_again(
    tx: &mut Tx<Unaudited>,
    tenant: Id<Tenant>,
    id: Id<Customer>,
) -> Result<Option<Hanging>, StoreError> {
    if tx.fetch_optional_without_scope(WHY_AGAIN, LEFT, args![tenant, id]).await?.is_none() {
        return Ok(None);
    }
    let hanging = read(tx.fetch_optional_without_scope(WHY_AGAIN, HANGING, args![tenant, id]).await?)?;
    tx.execute_without_scope(WHY_AGAIN, REMOVE_AGAIN, args![tenant, id]).await?;
    Ok(Some(hanging))
}

const WALK: &str = "SELECT tenant_id, id, key_id, revision FROM customers WHERE id > $1 ORDER BY id LIMIT $2";

/// All customers in the order of their ids, some at a time: for the search for those whose keys are gone.
pub async fn walk(db: &Db, after: Option<Id<Customer>>, most: i64) -> Result<Vec<Standing>, StoreError> {
    let after = after.unwrap_or(Id::from_uuid(uuid::Uuid::nil()));
    let rows = db.fetch_all_without_scope(WHY_AGAIN, WALK, args![after, most]).await?;
    rows.iter().map(standing).collect()
}

fn standing(row: &Row) -> Result<Standing, StoreError> {
    let key = KeyId::from_bytes(row.array(2)?);
    Ok(Standing { tenant: row.id(0)?, id: row.id(1)?, key, revision: row.int(3)?, rels: RelSet::EMPTY })
}

fn read(row: Option<Row>) -> Result<Hanging, StoreError> {
    let row = row.ok_or(StoreError::Row(0))?;
    Ok(Hanging { interactions: row.int(0)?, relations: row.int(1)?, index: row.int(2)? })
}
