//! The operations under `/v1/customers`: they parse, call one service, and shape the view.

use std::sync::Arc;

use kluis_core::kernel::id::{Customer, Tenant, User};
use poem::web::Data;
use poem_openapi::param::Path;
use poem_openapi::{Enum, OpenApi};
use serde::{Deserialize, Serialize};

use super::access::{Archive, Create, Read, Update};
use super::likely::{self, DuplicateSearch, DuplicateView};
use super::model::{CustomerDraft, CustomerKind, CustomerStatus};
use super::rows::{After, ListFilter, Order};
use super::search::{self, CustomerSearch};
use super::service;
use super::view::{self, CustomerView};
use crate::app::App;
use crate::sessions::Scoped;
use crate::web::Tag;
use crate::web::{
    self, Archival, Body, Created, ETag, Ident, IfMatch, Listing, MergePatch, Page, PageOf, Query, Record, SearchPage,
    Timestamp,
};

/// The operations on customers.
pub struct CustomersApi;

/// In which order a list comes.
#[derive(Enum, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub enum Sort {
    /// Newest first.
    #[default]
    Newest,
    /// Oldest first.
    Oldest,
    /// Last changed first.
    Updated,
}

impl From<Sort> for Order {
    fn from(sort: Sort) -> Self {
        match sort {
            Sort::Newest => Self::Newest,
            Sort::Oldest => Self::Oldest,
            Sort::Updated => Self::Updated,
        }
    }
}

/// What decides which customers a list holds; bound into its cursors.
#[derive(Serialize)]
struct Bound {
    filter: ListFilter,
    sort: Sort,
}

#[OpenApi(prefix_path = "/customers", tag = "Tag::Customers")]
impl CustomersApi {
    /// Lists customers.
    ///
    /// Filters are about what identifies nobody; to find a person by name, address or number, use the search.
    #[expect(clippy::too_many_arguments, reason = "one argument for each filter of the query string")]
    #[oai(path = "/", method = "get", operation_id = "listCustomers")]
    async fn list(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Read>,
        page: Page,
        /// Only customers of this tenant.
        #[oai(name = "tenantId")]
        tenant_id: Query<Option<Ident<Tenant>>>,
        kind: Query<Option<CustomerKind>>,
        status: Query<Option<CustomerStatus>>,
        /// Only customers that this user looks after.
        #[oai(name = "ownerId")]
        owner_id: Query<Option<Ident<User>>>,
        /// The source that was given when the customer was made.
        source: Query<Option<String>>,
        language: Query<Option<String>>,
        /// Two digits of the postcode.
        region: Query<Option<String>>,
        #[oai(name = "createdAfter")] created_after: Query<Option<Timestamp>>,
        #[oai(name = "createdBefore")] created_before: Query<Option<Timestamp>>,
        #[oai(name = "updatedAfter")] updated_after: Query<Option<Timestamp>>,
        /// Those that are put away, instead of those in use.
        archived: Query<Option<bool>>,
        sort: Query<Option<Sort>>,
    ) -> web::Result<Listing<PageOf<CustomerView>>> {
        let filter = ListFilter {
            tenant: tenant_id.0.map(|id| id.0),
            kind: kind.0.map(CustomerKind::code),
            status: status.0.map(CustomerStatus::code),
            owner: owner_id.0.map(|id| id.0),
            source: source.0,
            language: language.0,
            region: region.0,
            created_after: created_after.0.map(|at| at.0),
            created_before: created_before.0.map(|at| at.0),
            updated_after: updated_after.0.map(|at| at.0),
            archived: archived.0.unwrap_or(false),
        };
        let bound = Bound { filter, sort: sort.0.unwrap_or_default() };
        let after: Option<After> = page.position(&bound)?;
        let order = bound.sort.into();
        let found = service::list(&app, &scope, &bound.filter, order, after, page.size(), page.count()).await?;
        Ok(page.listing_written(&found.texts, found.next.as_ref(), found.total, &bound)?)
    }

    /// Makes a customer.
    ///
    /// It belongs to the tenant that you act for. If an e-mail address, phone number or external id is already there,
    /// the answer is 409, with the id of the other record if you may see it.
    #[oai(path = "/", method = "post", operation_id = "createCustomer")]
    async fn create(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Create>,
        body: Body<CustomerDraft>,
    ) -> web::Result<Created<CustomerView>> {
        let (made, id) = service::create(&app, &scope, body.0).await?;
        Ok(Created::written(made, ETag::of(ETag::FIRST), &view::location(id)))
    }

    /// Finds customers by what is personal.
    ///
    /// Terms stand in the body, because a URL ends up in logs. Names are found from their beginning and with typing
    /// errors; e-mail addresses, phone numbers, IBANs, external ids and addresses are found exactly, in any spelling.
    #[oai(path = "/_search", method = "post", operation_id = "searchCustomers")]
    async fn search(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Read>,
        request: SearchPage,
        body: Body<CustomerSearch>,
    ) -> web::Result<Listing<PageOf<CustomerView>>> {
        search::run(&app, &scope, &request, body.0).await
    }

    /// Finds likely duplicates of a customer, or of somebody who is about to be written down.
    ///
    /// Compared is what you may see of both: exact values in any spelling, postcode with house number, names that are
    /// alike, dates of birth. Each comes with its reasons and how much they weigh together, the likeliest first.
    #[oai(path = "/_duplicates", method = "post", operation_id = "findDuplicates")]
    async fn duplicates(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Read>,
        request: SearchPage,
        body: Body<DuplicateSearch>,
    ) -> web::Result<Listing<PageOf<DuplicateView>>> {
        likely::run(&app, &scope, &request, body.0).await
    }

    /// Shows one customer.
    ///
    /// Compartments that you may not see are absent and named under `withheld`. The look is put on record.
    #[oai(path = "/:id", method = "get", operation_id = "getCustomer")]
    async fn show(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Read>,
        id: Path<Ident<Customer>>,
    ) -> web::Result<Record<CustomerView>> {
        let (shown, revision) = service::show(&app, &scope, id.0.0).await?;
        Ok(Record::written(shown, ETag::of(revision)))
    }

    /// Changes a customer.
    ///
    /// A JSON Merge Patch (RFC 7396) on the writable form; what it doesn't name stays as it is.
    #[oai(path = "/:id", method = "patch", operation_id = "updateCustomer")]
    async fn update(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Update>,
        id: Path<Ident<Customer>>,
        if_match: IfMatch,
        patch: MergePatch<CustomerDraft>,
    ) -> web::Result<Record<CustomerView>> {
        let fits = |revision| if_match.check(revision);
        let changed = service::update(&app, &scope, id.0.0, fits, |current| patch.apply(current)).await?;
        let etag = ETag::of(changed.revision);
        Ok(Record::new(changed, etag))
    }

    /// Puts a customer away, or takes it back.
    ///
    /// One that is put away leaves the lists; nothing of it is lost.
    #[oai(path = "/:id/archival", method = "put", operation_id = "archiveCustomer")]
    async fn archive(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Archive>,
        id: Path<Ident<Customer>>,
        if_match: IfMatch,
        body: Body<Archival>,
    ) -> web::Result<Record<CustomerView>> {
        let fits = |revision| if_match.check(revision);
        let changed = service::set_archived(&app, &scope, id.0.0, fits, body.0.archived).await?;
        let etag = ETag::of(changed.revision);
        Ok(Record::new(changed, etag))
    }
}
