//! The operations under `/v1/partners`: they parse, call one service, and shape the view.

use std::sync::Arc;

use chrono::NaiveDate;
use kluis_core::kernel::id::Tenant;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Path;

use super::access::{Archive, Create, Read, Update};
use super::contacts::{self, ContactFilter};
use super::model::{ContactDraft, Function, Partner, PartnerContact, PartnerDraft, PartnerStatus};
use super::service::{self, PartnerFilter};
use super::view::{ContactView, PartnerView};
use crate::app::App;
use crate::sessions::Scoped;
use crate::web::{
    self, Archival, Body, Created, ETag, Ident, IfMatch, Listing, MergePatch, NoContent, Page, PageOf, Query, Record,
    Tag,
};

/// The operations on partners.
pub struct PartnersApi;

#[OpenApi(prefix_path = "/partners", tag = "Tag::Partners")]
impl PartnersApi {
    /// Lists partners.
    ///
    /// Those of the tenant that you act for, and of the tenants below it as far as your role reaches; newest first.
    #[oai(path = "/", method = "get", operation_id = "listPartners")]
    #[expect(clippy::too_many_arguments, reason = "one argument for each filter of the query string")]
    async fn list(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Read>,
        page: Page,
        /// The tenant that the partner runs.
        #[oai(name = "tenantId")]
        tenant_id: Query<Option<Ident<Tenant>>>,
        /// Those whose contract stands like this.
        status: Query<Option<PartnerStatus>>,
        /// Contracts that end before this day; those without an end don't.
        #[oai(name = "contractEndsBefore")]
        contract_ends_before: Query<Option<NaiveDate>>,
        /// Contracts that end after this day; those without an end don't.
        #[oai(name = "contractEndsAfter")]
        contract_ends_after: Query<Option<NaiveDate>>,
        /// Those of this country, ISO 3166-1 alpha-2.
        #[oai(validator(pattern = "^[A-Z]{2}$"))]
        country: Query<Option<String>>,
        /// Those that are put away, instead of those in use.
        archived: Query<Option<bool>>,
    ) -> web::Result<Listing<PageOf<PartnerView>>> {
        let filter = PartnerFilter {
            tenant: tenant_id.0.map(|id| id.0),
            status: status.0.map(PartnerStatus::code),
            contract_ends_before: contract_ends_before.0,
            contract_ends_after: contract_ends_after.0,
            country: country.0,
            archived: archived.0.unwrap_or(false),
        };
        let after: Option<Ident<Partner>> = page.position(&filter)?;
        let size = (page.size(), page.count());
        let found = service::list(&app, &scope, &filter, after.map(|id| id.0), size).await?;
        Ok(page.listing(found.views, found.next.map(Ident).as_ref(), found.total, &filter)?)
    }

    /// Makes a partner.
    ///
    /// The legal counterpart of the tenant that you act for, or of one below it, with its contract.
    #[oai(path = "/", method = "post", operation_id = "createPartner")]
    async fn create(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Create>,
        body: Body<PartnerDraft>,
    ) -> web::Result<Created<PartnerView>> {
        let made = service::create(&app, &scope, body.0).await?;
        let (etag, location) = (ETag::of(made.revision), format!("/v1/partners/{}", made.id));
        Ok(Created::new(made, etag, &location))
    }

    /// Shows one partner.
    ///
    /// Compartments that you may not see are absent and named under `withheld`. The look is put on record.
    #[oai(path = "/:id", method = "get", operation_id = "getPartner")]
    async fn show(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Read>,
        /// The partner.
        id: Path<Ident<Partner>>,
    ) -> web::Result<Record<PartnerView>> {
        let shown = service::show(&app, &scope, id.0.0).await?;
        let etag = ETag::of(shown.revision);
        Ok(Record::new(shown, etag))
    }

    /// Changes a partner.
    ///
    /// A JSON Merge Patch (RFC 7396) on the writable form; what it doesn't name stays as it is.
    #[oai(path = "/:id", method = "patch", operation_id = "updatePartner")]
    async fn update(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Update>,
        /// The partner.
        id: Path<Ident<Partner>>,
        if_match: IfMatch,
        patch: MergePatch<PartnerDraft>,
    ) -> web::Result<Record<PartnerView>> {
        let fits = |revision| if_match.check(revision);
        let changed = service::update(&app, &scope, id.0.0, fits, |current| patch.apply(current)).await?;
        let etag = ETag::of(changed.revision);
        Ok(Record::new(changed, etag))
    }

    /// Puts a partner away, or takes it back.
    ///
    /// One that is put away leaves the lists; nothing of it is lost.
    #[oai(path = "/:id/archival", method = "put", operation_id = "archivePartner")]
    async fn archive(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Archive>,
        /// The partner.
        id: Path<Ident<Partner>>,
        if_match: IfMatch,
        body: Body<Archival>,
    ) -> web::Result<Record<PartnerView>> {
        let fits = |revision| if_match.check(revision);
        let changed = service::set_archived(&app, &scope, id.0.0, fits, body.0.archived).await?;
        let etag = ETag::of(changed.revision);
        Ok(Record::new(changed, etag))
    }

    /// Lists the contact people of a partner.
    ///
    /// In the order in which they were made. The look is put on record.
    #[expect(clippy::too_many_arguments, reason = "one argument for each filter of the query string")]
    #[oai(path = "/:id/contacts", method = "get", operation_id = "listPartnerContacts")]
    async fn contacts(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Read>,
        page: Page,
        /// The partner.
        id: Path<Ident<Partner>>,
        /// Those who do this there.
        function: Query<Option<Function>>,
        /// Those who are asked first, or the others.
        primary: Query<Option<bool>>,
        /// Those who are put away, instead of those in use.
        archived: Query<Option<bool>>,
    ) -> web::Result<Listing<PageOf<ContactView>>> {
        let filter = ContactFilter {
            partner: id.0.0,
            function: function.0.map(Function::code),
            primary: primary.0,
            archived: archived.0.unwrap_or(false),
        };
        let after: Option<Ident<PartnerContact>> = page.position(&filter)?;
        let size = (page.size(), page.count());
        let found = contacts::list(&app, &scope, &filter, after.map(|id| id.0), size).await?;
        Ok(page.listing(found.views, found.next.map(Ident).as_ref(), found.total, &filter)?)
    }

    /// Makes a contact person.
    ///
    /// A data subject, sealed under a key of their own.
    #[oai(path = "/:id/contacts", method = "post", operation_id = "createPartnerContact")]
    async fn create_contact(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Update>,
        /// The partner.
        id: Path<Ident<Partner>>,
        body: Body<ContactDraft>,
    ) -> web::Result<Created<ContactView>> {
        let made = contacts::create(&app, &scope, id.0.0, body.0).await?;
        let (etag, location) = (ETag::of(made.revision), format!("/v1/partners/{}/contacts/{}", id.0, made.id));
        Ok(Created::new(made, etag, &location))
    }

    /// Shows one contact person.
    ///
    /// The look is put on record.
    #[oai(path = "/:id/contacts/:contact", method = "get", operation_id = "getPartnerContact")]
    async fn show_contact(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Read>,
        /// The partner.
        id: Path<Ident<Partner>>,
        /// The contact person.
        contact: Path<Ident<PartnerContact>>,
    ) -> web::Result<Record<ContactView>> {
        let shown = contacts::show(&app, &scope, (id.0.0, contact.0.0)).await?;
        let etag = ETag::of(shown.revision);
        Ok(Record::new(shown, etag))
    }

    /// Changes a contact person.
    ///
    /// A JSON Merge Patch (RFC 7396) on the writable form; what it doesn't name stays as it is.
    #[oai(path = "/:id/contacts/:contact", method = "patch", operation_id = "updatePartnerContact")]
    async fn update_contact(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Update>,
        /// The partner.
        id: Path<Ident<Partner>>,
        /// The contact person.
        contact: Path<Ident<PartnerContact>>,
        if_match: IfMatch,
        patch: MergePatch<ContactDraft>,
    ) -> web::Result<Record<ContactView>> {
        let fits = |revision| if_match.check(revision);
        let ids = (id.0.0, contact.0.0);
        let changed = contacts::update(&app, &scope, ids, fits, |current| patch.apply(current)).await?;
        let etag = ETag::of(changed.revision);
        Ok(Record::new(changed, etag))
    }

    /// Puts a contact person away, or takes them back.
    ///
    /// Whoever is put away leaves the list; nothing of them is lost.
    #[oai(path = "/:id/contacts/:contact/archival", method = "put", operation_id = "archivePartnerContact")]
    async fn archive_contact(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Archive>,
        /// The partner.
        id: Path<Ident<Partner>>,
        /// The contact person.
        contact: Path<Ident<PartnerContact>>,
        if_match: IfMatch,
        body: Body<Archival>,
    ) -> web::Result<Record<ContactView>> {
        let fits = |revision| if_match.check(revision);
        let ids = (id.0.0, contact.0.0);
        let changed = contacts::set_archived(&app, &scope, ids, fits, body.0.archived).await?;
        let etag = ETag::of(changed.revision);
        Ok(Record::new(changed, etag))
    }

    /// Removes a contact person.
    ///
    /// For good: the key under which their data was sealed is destroyed. They have to be put away before; otherwise the
    /// answer is 409.
    #[oai(path = "/:id/contacts/:contact", method = "delete", operation_id = "deletePartnerContact")]
    async fn remove_contact(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Archive>,
        /// The partner.
        id: Path<Ident<Partner>>,
        /// The contact person.
        contact: Path<Ident<PartnerContact>>,
        if_match: IfMatch,
    ) -> web::Result<NoContent> {
        let fits = |revision| if_match.check(revision);
        contacts::remove(&app, &scope, (id.0.0, contact.0.0), fits).await?;
        Ok(NoContent)
    }
}
