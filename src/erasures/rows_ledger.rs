//! The SQL of the erasure ledger. It is only ever added to.

use kluis_core::args;
use kluis_core::privacy::KeyId;
use kluis_core::privacy::ledger::{BEGIN, Entry, Linked};
use kluis_core::store::{Db, Row, Sql, StoreError, Tx, Unaudited};

const WHY: &str = "the ledger is the whole installation's: ids of who is gone, for the program alone";

macro_rules! columns {
    () => {
        "SELECT seq, at, tenant_id, subject_id, key_id, mac FROM erasure_ledger"
    };
}

const LAST: &str = concat!(columns!(), " ORDER BY seq DESC LIMIT 1");
const AFTER: &str = concat!(columns!(), " WHERE seq > $1 ORDER BY seq LIMIT $2");
const ADD: &str =
    "INSERT INTO erasure_ledger (seq, at, tenant_id, subject_id, key_id, mac) VALUES ($1, $2, $3, $4, $5, $6)";
const OF_KEY: &str = concat!(columns!(), " WHERE key_id = $1 ORDER BY seq LIMIT 1");
// SQLite has one writer at a time anyway. Any number does that isn't a tenant's, which are hashes.
const HOLD: Sql = Sql::both("SELECT 1", "SELECT 1 FROM pg_advisory_xact_lock(7234092871)");

fn read(row: &Row) -> Result<Linked, StoreError> {
    let number = u64::try_from(row.int(0)?).map_err(|_| StoreError::Row(0))?;
    let key = KeyId::from_bytes(row.array(4)?);
    Ok(Linked { entry: Entry::new(number, row.time(1)?, row.uuid(2)?, row.uuid(3)?, key), link: row.array(5)? })
}

/// The number and link that the next entry stands behind; whoever adds one waits until this transaction has ended.
pub(super) async fn hold_end(tx: &mut Tx<Unaudited>) -> Result<(u64, [u8; 32]), StoreError> {
    tx.fetch_optional_without_scope(WHY, HOLD, args![]).await?;
    let last = tx.fetch_optional_without_scope(WHY, LAST, args![]).await?;
    let last = last.as_ref().map(read).transpose()?;
    Ok(last.map_or((0, BEGIN), |linked| (linked.entry.number, linked.link)))
}

pub(super) async fn add(tx: &mut Tx<Unaudited>, linked: &Linked) -> Result<(), StoreError> {
    let Entry { number, at, tenant, subject, key } = linked.entry;
    let number = i64::try_from(number).map_err(|_| StoreError::Row(0))?;
    tx.execute_without_scope(WHY, ADD, args![number, at, tenant, subject, *key.as_bytes(), linked.link]).await.map(drop)
}

/// Entries after a number, in order.
pub(super) async fn after(db: &Db, number: u64, most: i64) -> Result<Vec<Linked>, StoreError> {
    let number = i64::try_from(number).map_err(|_| StoreError::Row(0))?;
    db.fetch_all_without_scope(WHY, AFTER, args![number, most]).await?.iter().map(read).collect()
}

/// All of them.
pub(super) async fn all(db: &Db) -> Result<Vec<Linked>, StoreError> {
    after(db, 0, i64::MAX).await
}

/// The number of the entry about a key.
pub(super) async fn of_key(db: &Db, key: KeyId) -> Result<Option<u64>, StoreError> {
    let row = db.fetch_optional_without_scope(WHY, OF_KEY, args![*key.as_bytes()]).await?;
    Ok(row.as_ref().map(read).transpose()?.map(|linked| linked.entry.number))
}
