//! Into the queue and out of it.
//!
//! Must never: enqueue outside the transaction of the change that asks for the job.

use kluis_core::kernel::id::{Job, Tenant};
use kluis_core::kernel::{Id, Problem, ProblemKind};
use kluis_core::privacy::{Context, Sealed};
use kluis_core::store::{StoreError, Tx, Unaudited};
use serde::Serialize;

use super::model::{Params, Principal, RowResult, State};
use super::{Workshop, rows};

/// A job to be done.
pub struct NewJob<'a, B> {
    pub kind: &'a str,
    pub principal: Principal,
    /// The request that asks for it; stands in the events of the job.
    pub request: &'a str,
    /// What exactly; sealed.
    pub body: &'a B,
    /// How many rows there will be, if that is known.
    pub total: Option<i64>,
}

/// Puts a job into the queue, in the transaction of the change that asks for it; the caller records the event. It starts
/// once that transaction is committed.
pub async fn enqueue<B: Serialize + Sync>(
    workshop: &Workshop,
    tx: &mut Tx<Unaudited>,
    new: NewJob<'_, B>,
) -> Result<Id<Job>, Problem> {
    let id = workshop.new_id();
    let tenant = new.principal.tenant;
    let created_by = new.principal.user.map(Id::uuid);
    let body = serde_json::to_value(new.body).map_err(|_| Problem::new(ProblemKind::Internal))?;
    let params = Params { principal: new.principal, request: new.request.to_owned(), body };
    let key = workshop.keys.tenant_key(tenant.uuid()).await?;
    let params = Sealed::seal(&key, &place(tenant, id), &params)?;
    let now = workshop.clock.now();
    let row = rows::NewRow { tenant, id, kind: new.kind, created_by, now, total: new.total, params: &params };
    rows::insert(tx, &row).await?;
    Ok(id)
}

/// Where a job's parameters belong; they never change.
pub(super) const fn place(tenant: Id<Tenant>, job: Id<Job>) -> Context {
    Context {
        tenant: tenant.uuid(),
        table: "jobs",
        part: "params",
        row: job.uuid(),
        subject: tenant.uuid(),
        revision: 1,
        schema: 1,
    }
}

/// How a job stands, inside a transaction of whoever it belongs to.
pub async fn state_in(tx: &mut Tx<Unaudited>, tenant: Id<Tenant>, job: Id<Job>) -> Result<Option<State>, StoreError> {
    rows::state_in(tx, tenant, job).await
}

/// Results of a job after a line, in the order of the lines. The caller holds a decision about the job.
pub async fn results(
    workshop: &Workshop,
    tenant: Id<Tenant>,
    job: Id<Job>,
    after: i64,
    limit: i64,
) -> Result<Vec<RowResult>, StoreError> {
    rows::results_of(&workshop.db, (tenant, job), None, after, limit).await
}
