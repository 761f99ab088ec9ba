//! Looking into the audit log: under a scope, and itself put on record.

use kluis_core::access::Scope;
use kluis_core::kernel::id::{AuditEvent, Customer};
use kluis_core::kernel::{Id, Problem};

use super::access::Read;
use super::rows::{self, ListFilter};
use super::view::AuditEventView;
use crate::app::App;
use crate::customers::reach;

/// A page of events, and the sequence number before which the next one starts.
pub struct Found {
    pub views: Vec<AuditEventView>,
    pub next: Option<i64>,
    pub total: Option<u64>,
}

/// The keyed hash by which events name a customer. For an id that nobody has, one that no event has either.
pub async fn subject(app: &App, scope: &Scope<Read>, customer: Id<Customer>) -> Result<[u8; 16], Problem> {
    if let Some(hash) = reach::audit_hash(app, customer).await? {
        return Ok(hash);
    }
    app.keys.ensure_tenant(scope.tenant().uuid()).await?;
    Ok(app.keys.audit_hash(scope.tenant().uuid(), customer.uuid())?)
}

/// One page of what the scope holds, the latest first.
pub async fn list(
    app: &App,
    scope: &Scope<Read>,
    filter: &ListFilter,
    before: Option<i64>,
    size: u32,
    count: bool,
) -> Result<Found, Problem> {
    scope.require_any()?;
    let total = if count { Some(rows::count(&app.db, scope, filter).await?.unsigned_abs()) } else { None };
    let mut events = rows::list(&app.db, scope, filter, before.unwrap_or(i64::MAX), i64::from(size) + 1).await?;
    let more = events.len() > size as usize;
    events.truncate(size as usize);
    let next = events.last().filter(|_| more).map(|(seq, _)| *seq);
    // Who asked about whom is on record as well: the hash of the subject stands in the event about the look.
    let look = app.event(scope).count("records", events.len()).subjects(filter.subject);
    app.record_read(look).await?;
    Ok(Found { views: events.iter().map(|(seq, event)| AuditEventView::new(*seq, event)).collect(), next, total })
}

/// One event; 404 when there is none that the caller may read.
pub async fn show(app: &App, scope: &Scope<Read>, id: Id<AuditEvent>) -> Result<AuditEventView, Problem> {
    let (seq, event) = rows::get(&app.db, scope, id.uuid()).await?.ok_or(Problem::not_found())?;
    app.record_read(app.event(scope).record(id, event.tenant)).await?;
    Ok(AuditEventView::new(seq, &event))
}
