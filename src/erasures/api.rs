//! The operations under `/v1/customers/{id}/erasure` and `/v1/erasures`: they parse, call one service, and shape the view.

use std::sync::Arc;

use kluis_core::kernel::Id;
use kluis_core::kernel::id::{Customer, Tenant};
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Path;

use super::access::Oversee;
use super::model::{Erasure, Ground, State};
use super::rows::ListFilter;
use super::service;
use super::view::{ErasureDraft, ErasureGround, ErasurePreview, ErasureState, ErasureView};
use crate::app::App;
use crate::customers::Erase;
use crate::sessions::Scoped;
use crate::web::Tag;
use crate::web::{self, Body, Created, ETag, Ident, IfMatch, Listing, Page, PageOf, Query, Record, Timestamp};

/// The operations on erasures.
pub struct ErasuresApi;

#[OpenApi(tag = "Tag::Erasures")]
impl ErasuresApi {
    /// Shows what erasing a customer would remove.
    ///
    /// Nothing is removed. The entity tag is the customer's, and goes into the `If-Match` of the erasure. The look is put on
    /// record.
    #[oai(path = "/customers/:id/erasure", method = "get", operation_id = "previewErasure")]
    async fn preview(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Erase>,
        /// The customer.
        id: Path<Ident<Customer>>,
    ) -> web::Result<Record<ErasurePreview>> {
        let preview = service::preview(&app, &scope, id.0.0).await?;
        let etag = ETag::of(preview.standing.revision);
        Ok(Record::new(ErasurePreview::of(&preview, app.config.ledger_copy.is_some()), etag))
    }

    /// Erases a customer for good.
    ///
    /// The record goes with everything that hangs on it, and its key is destroyed, so that backups and logs hold nothing
    /// readable of it either. It can't be taken back. The answer has the signed certificate, unless the copy of the ledger
    /// or the key store couldn't be reached: then the state is `fenced`, the record is gone all the same, and the rest
    /// follows by itself.
    #[oai(path = "/customers/:id/erasure", method = "post", operation_id = "eraseCustomer")]
    async fn erase(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Erase>,
        /// The customer.
        id: Path<Ident<Customer>>,
        if_match: IfMatch,
        body: Body<ErasureDraft>,
    ) -> web::Result<Created<ErasureView>> {
        let fits = |revision| if_match.check(revision);
        let record = service::erase(&app, &scope, id.0.0, fits, body.0.ground.into()).await?;
        let location = format!("/v1/erasures/{}", record.id);
        Ok(Created::new(ErasureView::from(&record), ETag::of(record.revision), &location))
    }

    /// Lists erasures.
    ///
    /// The newest first, of the organisations whose customers you may erase.
    #[expect(clippy::too_many_arguments, reason = "one argument for each filter of the query string")]
    #[oai(path = "/erasures", method = "get", operation_id = "listErasures")]
    async fn list(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Oversee>,
        page: Page,
        /// Of this organisation.
        #[oai(name = "tenantId")]
        tenant_id: Query<Option<Ident<Tenant>>>,
        state: Query<Option<ErasureState>>,
        ground: Query<Option<ErasureGround>>,
        /// Of this customer.
        #[oai(name = "customerId")]
        customer_id: Query<Option<Ident<Customer>>>,
        /// From this time on.
        from: Query<Option<Timestamp>>,
        /// Before this time.
        until: Query<Option<Timestamp>>,
    ) -> web::Result<Listing<PageOf<ErasureView>>> {
        let filter = ListFilter {
            tenant: tenant_id.0.map(|id| id.0),
            state: state.0.map(|state| State::from(state).as_str()),
            ground: ground.0.map(|ground| Ground::from(ground).code()),
            customer: customer_id.0.map(|id| id.0),
            from: from.0.map(|at| at.0),
            until: until.0.map(|at| at.0),
        };
        let after: Option<Id<Erasure>> = page.position(&filter)?;
        let found = service::list(&app, &scope, &filter, (after, page.size(), page.count())).await?;
        let views = found.records.iter().map(ErasureView::from).collect();
        Ok(page.listing(views, found.next.as_ref(), found.total, &filter)?)
    }

    /// Shows an erasure, with its certificate.
    ///
    /// 404 when there is none in the organisations whose customers you may erase.
    #[oai(path = "/erasures/:id", method = "get", operation_id = "getErasure")]
    async fn show(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Oversee>,
        /// The erasure.
        id: Path<Ident<Erasure>>,
    ) -> web::Result<Record<ErasureView>> {
        let record = service::show(&app, &scope, id.0.0).await?;
        Ok(Record::new(ErasureView::from(&record), ETag::of(record.revision)))
    }
}
