//! The operations under `/v1/custom-fields`: they parse, call one service, and shape the view.

use std::sync::Arc;

use kluis_core::kernel::Id;
use kluis_core::kernel::id::Tenant;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Path;

use super::access::{Archive, Create, Read, Update};
use super::model::{CustomField, CustomFieldView, FieldCompartment, FieldDraft, FieldKind};
use super::service::{self, ListFilter};
use crate::app::App;
use crate::sessions::Scoped;
use crate::web::{
    self, Archival, Body, Created, ETag, Ident, IfMatch, Listing, MergePatch, Page, PageOf, Query, Record, Tag,
};

/// The operations on custom fields.
pub struct CustomFieldsApi;

#[OpenApi(prefix_path = "/custom-fields", tag = "Tag::CustomFields")]
impl CustomFieldsApi {
    /// Lists custom fields.
    ///
    /// In the order of their making: what tenants have added to their customers, with compartment, category, purposes
    /// and retention.
    #[expect(clippy::too_many_arguments, reason = "one argument for each filter of the query string")]
    #[oai(path = "/", method = "get", operation_id = "listCustomFields")]
    async fn list(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Read>,
        page: Page,
        /// The tenant whose fields are wanted.
        #[oai(name = "tenantId")]
        tenant_id: Query<Option<Ident<Tenant>>>,
        /// Those whose values are sealed in this compartment.
        compartment: Query<Option<FieldCompartment>>,
        /// Those of this kind.
        kind: Query<Option<FieldKind>>,
        /// Those that a new customer must have, or the others.
        required: Query<Option<bool>>,
        /// Those that are put away, instead of those in use.
        archived: Query<Option<bool>>,
    ) -> web::Result<Listing<PageOf<CustomFieldView>>> {
        let filter = ListFilter {
            tenant: tenant_id.0.map(|id| id.0),
            compartment: compartment.0.map(FieldCompartment::code),
            kind: kind.0.map(FieldKind::code),
            required: required.0,
            archived: archived.0.unwrap_or(false),
        };
        let after: Option<Id<CustomField>> = page.position(&filter)?;
        let found = service::list(&app, &scope, &filter, after, (page.size(), page.count())).await?;
        Ok(page.listing(found.views, found.next.as_ref(), found.total, &filter)?)
    }

    /// Adds a custom field.
    ///
    /// To the customers of the tenant that you act for. Its key is taken for good; the same key twice is 409.
    #[oai(path = "/", method = "post", operation_id = "createCustomField")]
    async fn create(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Create>,
        body: Body<FieldDraft>,
    ) -> web::Result<Created<CustomFieldView>> {
        let made = service::create(&app, &scope, body.0).await?;
        let etag = ETag::of(made.revision);
        let location = service::location(made.id.0);
        Ok(Created::new(made, etag, &location))
    }

    /// Shows one custom field.
    ///
    /// 404 when there is none that you may see.
    #[oai(path = "/:id", method = "get", operation_id = "getCustomField")]
    async fn show(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Read>,
        /// The field.
        id: Path<Ident<CustomField>>,
    ) -> web::Result<Record<CustomFieldView>> {
        let shown = service::show(&app, &scope, id.0.0).await?;
        let etag = ETag::of(shown.revision);
        Ok(Record::new(shown, etag))
    }

    /// Changes a custom field.
    ///
    /// A JSON Merge Patch (RFC 7396). Key, kind and compartment stay, and choices can be added and archived but not
    /// taken away, since customers may have values already.
    #[oai(path = "/:id", method = "patch", operation_id = "updateCustomField")]
    async fn update(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Update>,
        /// The field.
        id: Path<Ident<CustomField>>,
        if_match: IfMatch,
        patch: MergePatch<FieldDraft>,
    ) -> web::Result<Record<CustomFieldView>> {
        let fits = |revision| if_match.check(revision);
        let changed = service::update(&app, &scope, id.0.0, fits, |current| patch.apply(current)).await?;
        let etag = ETag::of(changed.revision);
        Ok(Record::new(changed, etag))
    }

    /// Puts a custom field away, or takes it back.
    ///
    /// One that is put away takes no new values; those that are there can still be read, and its key stays taken.
    #[oai(path = "/:id/archival", method = "put", operation_id = "archiveCustomField")]
    async fn archive(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Archive>,
        /// The field.
        id: Path<Ident<CustomField>>,
        if_match: IfMatch,
        body: Body<Archival>,
    ) -> web::Result<Record<CustomFieldView>> {
        let fits = |revision| if_match.check(revision);
        let changed = service::set_archived(&app, &scope, id.0.0, fits, body.0.archived).await?;
        let etag = ETag::of(changed.revision);
        Ok(Record::new(changed, etag))
    }
}
