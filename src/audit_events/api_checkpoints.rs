//! The operations under `/v1/audit-checkpoints`: what was signed of the audit log.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::OpenApi;

use super::access::Read;
use super::proofs;
use super::view_proofs::{AuditCheckpointView, ConsistencyProofView};
use crate::app::App;
use crate::sessions::Scoped;
use crate::web::Tag;
use crate::web::{self, Answer, Listing, Page, PageOf, Query};

/// The operations on checkpoints.
pub struct AuditCheckpointsApi;

#[OpenApi(prefix_path = "/audit-checkpoints", tag = "Tag::Audit")]
impl AuditCheckpointsApi {
    /// Lists checkpoints of the audit log.
    ///
    /// The newest first. Each is signed and covers all events before it, of the whole installation. Whoever keeps one
    /// elsewhere can tell later whether the log was changed, shortened or put back.
    #[oai(path = "/", method = "get", operation_id = "listAuditCheckpoints")]
    async fn list(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Read>,
        page: Page,
    ) -> web::Result<Listing<PageOf<AuditCheckpointView>>> {
        let before: Option<i64> = page.position(&())?;
        let (views, next) = proofs::list(&app, &scope, before, page.size()).await?;
        Ok(page.listing(views, next.as_ref(), None, &())?)
    }

    /// Shows the newest checkpoint of the audit log.
    ///
    /// 404 before the first one was signed.
    #[oai(path = "/latest", method = "get", operation_id = "getLatestAuditCheckpoint")]
    async fn latest(&self, app: Data<&Arc<App>>, scope: Scoped<Read>) -> web::Result<Answer<AuditCheckpointView>> {
        Ok(Answer::new(proofs::latest(&app, &scope).await?))
    }

    /// Proves that a later log begins with an earlier one.
    ///
    /// With it, whoever has the earlier checkpoint needs no event to see that nothing before it has changed.
    #[oai(path = "/consistency-proof", method = "get", operation_id = "getConsistencyProof")]
    async fn consistency(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Read>,
        /// Size of the earlier log, as the kept checkpoint says it; otherwise 1.
        #[oai(validator(minimum(value = "1"), maximum(value = "9007199254740991")))]
        from: Query<Option<i64>>,
        /// Size of the later log; otherwise that of the newest checkpoint.
        #[oai(validator(minimum(value = "1"), maximum(value = "9007199254740991")))]
        to: Query<Option<i64>>,
    ) -> web::Result<Answer<ConsistencyProofView>> {
        let (from, to) = (from.0.map_or(1, i64::unsigned_abs), to.0.map(i64::unsigned_abs));
        Ok(Answer::new(proofs::consistency(&app, &scope, from, to).await?))
    }
}
