//! All the SQL about idempotency keys. Each function is one short transaction: none is held while the request runs.

use chrono::{DateTime, Utc};
use kluis_core::args;
use kluis_core::kernel::Id;
use kluis_core::kernel::id::{Customer, Tenant};
use kluis_core::privacy::{Blob, Sealed};
use kluis_core::store::{Db, Sql, StoreError, Tx, Unaudited};
use uuid::Uuid;

const OWN: &str = "callers find their own keys only: the hash holds who they are";
const KEEPING: &str = "a request that may be repeated; what it does is on record by itself";

/// The right to run a request, until the lease ends.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    pub tenant: Id<Tenant>,
    pub id: [u8; 32],
    pub attempt: Uuid,
}

/// What stands under the key already.
pub struct Held {
    pub request: [u8; 32],
    /// Absent while the first request runs.
    pub answer: Option<Sealed<Blob>>,
}

/// Who was first.
pub enum First {
    Us,
    Another(Held),
    /// It was there a moment ago, and gave up.
    Nobody,
}

const CLAIM: &str = "INSERT INTO idempotency_keys (tenant_id, id, request_hash, attempt, lease_until, expires_at) \
    VALUES ($1, $2, $3, $4, $5, $6) \
    ON CONFLICT (tenant_id, id) DO UPDATE SET request_hash = excluded.request_hash, attempt = excluded.attempt, \
    lease_until = excluded.lease_until, expires_at = excluded.expires_at, answer = NULL \
    WHERE idempotency_keys.expires_at <= $7 OR (idempotency_keys.answer IS NULL \
    AND idempotency_keys.lease_until <= $7 AND idempotency_keys.request_hash = excluded.request_hash)";
const HELD: &str = "SELECT request_hash, answer FROM idempotency_keys WHERE tenant_id = $1 AND id = $2";

/// Takes the key, if it is free, has expired, or its run has died.
pub async fn claim(
    db: &Db,
    claim: Claim,
    request: [u8; 32],
    (now, lease_until, expires_at): (DateTime<Utc>, DateTime<Utc>, DateTime<Utc>),
) -> Result<First, StoreError> {
    let Claim { tenant, id, attempt } = claim;
    let mut tx = db.begin().await?;
    let args = args![tenant, id, request, attempt, lease_until, expires_at, now];
    if tx.execute_without_scope(OWN, CLAIM, args).await? == 1 {
        // After the claim: this one waits for nobody, so that two transactions can't wait for each other.
        tx.execute_without_scope(OWN, FORGET, args![now]).await?;
        tx.commit_without_event(KEEPING).await?;
        return Ok(First::Us);
    }
    let row = tx.fetch_optional_without_scope(OWN, HELD, args![tenant, id]).await?;
    tx.commit_without_event(KEEPING).await?;
    let Some(row) = row else { return Ok(First::Nobody) };
    Ok(First::Another(Held { request: row.array(0)?, answer: row.sealed(1)? }))
}

/// A few at a time, and those that another transaction is removing are left to it.
const FORGET: Sql = Sql::both(
    "DELETE FROM idempotency_keys WHERE (tenant_id, id) IN (SELECT tenant_id, id FROM idempotency_keys \
     WHERE expires_at <= $1 ORDER BY expires_at LIMIT 100)",
    "DELETE FROM idempotency_keys WHERE (tenant_id, id) IN (SELECT tenant_id, id FROM idempotency_keys \
     WHERE expires_at <= $1 ORDER BY expires_at LIMIT 100 FOR UPDATE SKIP LOCKED)",
);

/// Removes what has expired, when no request has come to do it.
pub async fn forget(db: &Db, now: DateTime<Utc>) -> Result<u64, StoreError> {
    let mut tx = db.begin().await?;
    let gone = tx.execute_without_scope(OWN, FORGET, args![now]).await?;
    tx.commit_without_event(KEEPING).await?;
    Ok(gone)
}

const RENEW: &str = "UPDATE idempotency_keys SET lease_until = $4 WHERE tenant_id = $1 AND id = $2 AND attempt = $3";

/// The run is alive.
pub async fn renew(db: &Db, claim: Claim, lease_until: DateTime<Utc>) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    tx.execute_without_scope(OWN, RENEW, args![claim.tenant, claim.id, claim.attempt, lease_until]).await?;
    tx.commit_without_event(KEEPING).await
}

const KEEP: &str = "UPDATE idempotency_keys SET answer = $4, expires_at = $5, customer_id = $6 \
    WHERE tenant_id = $1 AND id = $2 AND attempt = $3 AND NOT EXISTS (SELECT 1 FROM erasures AS x WHERE x.customer_id = $6)";

/// Keeps the answer; nothing happens if another run has taken over, or whom it speaks of has been erased meanwhile.
pub async fn keep(
    db: &Db,
    claim: Claim,
    (answer, about): (&Sealed<Blob>, Option<Id<Customer>>),
    expires_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    let args = args![claim.tenant, claim.id, claim.attempt, answer, expires_at, about];
    tx.execute_without_scope(OWN, KEEP, args).await?;
    tx.commit_without_event(KEEPING).await
}

const RELEASE: &str =
    "DELETE FROM idempotency_keys WHERE tenant_id = $1 AND id = $2 AND attempt = $3 AND answer IS NULL";

/// Gives the key up: the next request runs anew.
pub async fn release(db: &Db, claim: Claim) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    tx.execute_without_scope(OWN, RELEASE, args![claim.tenant, claim.id, claim.attempt]).await?;
    tx.commit_without_event(KEEPING).await
}

const WHY_ERASED: &str = "a customer is erased: answers that speak of it go as well, by the decision to erase it";
const ERASE: &str = "DELETE FROM idempotency_keys WHERE customer_id = $1";

/// Removes the answers that speak of a customer, whoever got them; how many.
pub async fn erase(tx: &mut Tx<Unaudited>, customer: Id<Customer>) -> Result<u64, StoreError> {
    tx.execute_without_scope(WHY_ERASED, ERASE, args![customer]).await
}
