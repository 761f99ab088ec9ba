//! The operations under `/v1/audit-events`: they parse, call one service, and shape the view.

use std::sync::Arc;

use kluis_core::kernel::id::{AuditEvent, Customer};
use kluis_core::kernel::{Faults, Phrase};
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use uuid::Uuid;

use super::access::Read;
use super::rows::ListFilter;
use super::view::{AuditEventView, EventClass};
use super::view_proofs::InclusionProofView;
use super::{proofs, service};
use crate::app::App;
use crate::sessions::Scoped;
use crate::web::Tag;
use crate::web::{self, Answer, Ident, Listing, Page, PageOf, Query, Timestamp};

/// The operations on the audit log.
pub struct AuditEventsApi;

#[OpenApi(prefix_path = "/audit-events", tag = "Tag::Audit")]
impl AuditEventsApi {
    /// Lists events of the audit log.
    ///
    /// The latest first: who did what to which record, for what purpose, and whether it was allowed. Those of the
    /// organisations that you oversee, as actor or as owner of the record. The look is itself put on record.
    #[expect(clippy::too_many_arguments, reason = "one argument for each filter of the query string")]
    #[oai(path = "/", method = "get", operation_id = "listAuditEvents")]
    async fn list(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Read>,
        page: Page,
        /// Events about this record: its id, with or without the prefix.
        #[oai(name = "recordId", validator(max_length = 60, pattern = "^([a-z]+_)?[0-9a-f-]{36}$"))]
        record_id: Query<Option<String>>,
        /// What this actor did: a user's id, or `system:` and a name.
        #[oai(validator(min_length = 1, max_length = 100))]
        actor: Query<Option<String>>,
        /// Reads, writes, or what concerns security.
        class: Query<Option<EventClass>>,
        /// What was done: `customer.read`.
        #[oai(validator(max_length = 60, pattern = "^[a-z_]+([.][a-z_]+)*$"))]
        action: Query<Option<String>>,
        /// From this time on.
        from: Query<Option<Timestamp>>,
        /// Before this time.
        until: Query<Option<Timestamp>>,
        /// Everything about this customer, lists and searches included: who looked, when, for what.
        #[oai(name = "subjectId")]
        subject_id: Query<Option<Ident<Customer>>>,
    ) -> web::Result<Listing<PageOf<AuditEventView>>> {
        let subject = match subject_id.0 {
            Some(customer) => Some(service::subject(&app, &scope, customer.0).await?),
            None => None,
        };
        let filter = ListFilter {
            record: record(record_id.0.as_deref())?,
            actor: actor.0,
            class: class.0.map(EventClass::code),
            action: action.0,
            from: from.0.map(|at| at.0),
            until: until.0.map(|at| at.0),
            subject,
        };
        let before: Option<i64> = page.position(&filter)?;
        let found = service::list(&app, &scope, &filter, before, page.size(), page.count()).await?;
        Ok(page.listing(found.views, found.next.as_ref(), found.total, &filter)?)
    }

    /// Shows one event of the audit log.
    ///
    /// 404 when there is none in the organisations that you oversee. The look is itself put on record.
    #[oai(path = "/:id", method = "get", operation_id = "getAuditEvent")]
    async fn show(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Read>,
        /// The event.
        id: Path<Ident<AuditEvent>>,
    ) -> web::Result<Answer<AuditEventView>> {
        Ok(Answer::new(service::show(&app, &scope, id.0.0).await?))
    }

    /// Proves that an event is in the signed log.
    ///
    /// With a checkpoint of that size, nobody can say later that the event wasn't there, or was another one. Events are
    /// signed within a minute or so; before that, 409. The look is itself put on record.
    #[oai(path = "/:id/inclusion-proof", method = "get", operation_id = "getInclusionProof")]
    async fn inclusion(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Read>,
        /// The event.
        id: Path<Ident<AuditEvent>>,
        /// Size of the log; otherwise that of the newest checkpoint.
        #[oai(validator(minimum(value = "1"), maximum(value = "9007199254740991")))]
        size: Query<Option<i64>>,
    ) -> web::Result<Answer<InclusionProofView>> {
        let size = size.0.map(i64::unsigned_abs);
        Ok(Answer::new(proofs::inclusion(&app, &scope, id.0.0, size).await?))
    }
}

/// The UUID of any kind of id.
fn record(text: Option<&str>) -> web::Result<Option<Uuid>> {
    const NOT_AN_ID: Phrase = Phrase { en: "Not an id.", nl: "Geen id." };
    let Some(text) = text else { return Ok(None) };
    let uuid = text.rsplit('_').next().and_then(|uuid| Uuid::try_parse(uuid).ok());
    let mut faults = Faults::new();
    if uuid.is_none() {
        faults.add("query:recordId", "id", NOT_AN_ID);
    }
    faults.into_result()?;
    Ok(uuid)
}
