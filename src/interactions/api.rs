//! `/v1/interactions`, and the timeline of a customer.

use std::sync::Arc;

use kluis_core::kernel::id::{Customer, Interaction, Tenant, User};
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Path;

use super::access::{Archive, Create, Read, Update};
use super::model::{Direction, InteractionDraft};
use super::rows::{After, ListFilter};
use super::service;
use super::view::{self, InteractionView};
use crate::app::App;
use crate::customers::model::Channel;
use crate::sessions::Scoped;
use crate::web::Tag;
use crate::web::{
    self, Body, Created, ETag, Ident, IfMatch, Listing, MergePatch, NoContent, Page, PageOf, Query, Record, Timestamp,
};

/// The operations on interactions.
pub struct InteractionsApi;

#[OpenApi(tag = "Tag::Interactions")]
impl InteractionsApi {
    /// Lists interactions.
    ///
    /// The latest first. Only those with customers that you may read; what was said is withheld where you may not see
    /// it. The look is put on record.
    #[expect(clippy::too_many_arguments, reason = "one argument for each filter of the query string")]
    #[oai(path = "/interactions", method = "get", operation_id = "listInteractions")]
    async fn list(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Read>,
        page: Page,
        /// The tenant whose interactions are wanted.
        #[oai(name = "tenantId")]
        tenant_id: Query<Option<Ident<Tenant>>>,
        /// Those with this customer.
        #[oai(name = "customerId")]
        customer_id: Query<Option<Ident<Customer>>>,
        /// Those that this user wrote down.
        #[oai(name = "authorId")]
        author_id: Query<Option<Ident<User>>>,
        /// Those by this channel.
        channel: Query<Option<Channel>>,
        /// Those that the customer began, or that we did.
        direction: Query<Option<Direction>>,
        /// Those that took place later than this.
        #[oai(name = "occurredAfter")]
        occurred_after: Query<Option<Timestamp>>,
        /// Those that took place earlier than this.
        #[oai(name = "occurredBefore")]
        occurred_before: Query<Option<Timestamp>>,
        /// Those that are put away, instead of those on the timelines.
        archived: Query<Option<bool>>,
    ) -> web::Result<Listing<PageOf<InteractionView>>> {
        let filter = ListFilter {
            tenant: tenant_id.0.map(|id| id.0),
            customer: customer_id.0.map(|id| id.0),
            author: author_id.0.map(|id| id.0),
            channel: channel.0.map(Channel::code),
            direction: direction.0.map(Direction::code),
            occurred_after: occurred_after.0.map(|at| at.0),
            occurred_before: occurred_before.0.map(|at| at.0),
            archived: archived.0.unwrap_or(false),
        };
        let after: Option<After> = page.position(&filter)?;
        let found = service::list(&app, &scope, &filter, after, page.size()).await?;
        let total = if page.count() { Some(service::count(&app, &scope, &filter).await?) } else { None };
        Ok(page.listing(found.views, found.next.as_ref(), total, &filter)?)
    }

    /// Writes down an interaction.
    ///
    /// With a customer that you may read; you become its author. Citizen service numbers are refused in subject and
    /// body. The customer's last contact follows.
    #[oai(path = "/interactions", method = "post", operation_id = "createInteraction")]
    async fn create(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Create>,
        body: Body<InteractionDraft>,
    ) -> web::Result<Created<InteractionView>> {
        let made = service::create(&app, &scope, body.0).await?;
        let etag = ETag::of(made.revision);
        let location = view::location(made.id.0);
        Ok(Created::new(made, etag, &location))
    }

    /// Shows one interaction.
    ///
    /// Its content is absent and its compartment named under `withheld` where you may not see it. The look is put on
    /// record.
    #[oai(path = "/interactions/:id", method = "get", operation_id = "getInteraction")]
    async fn show(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Read>,
        /// The interaction.
        id: Path<Ident<Interaction>>,
    ) -> web::Result<Record<InteractionView>> {
        let shown = service::show(&app, &scope, id.0.0).await?;
        let etag = ETag::of(shown.revision);
        Ok(Record::new(shown, etag))
    }

    /// Changes an interaction.
    ///
    /// A JSON Merge Patch (RFC 7396) on the writable form; it stays with its customer.
    #[oai(path = "/interactions/:id", method = "patch", operation_id = "updateInteraction")]
    async fn update(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Update>,
        /// The interaction.
        id: Path<Ident<Interaction>>,
        if_match: IfMatch,
        patch: MergePatch<InteractionDraft>,
    ) -> web::Result<Record<InteractionView>> {
        let fits = |revision| if_match.check(revision);
        let changed = service::update(&app, &scope, id.0.0, fits, |current| patch.apply(current)).await?;
        let etag = ETag::of(changed.revision);
        Ok(Record::new(changed, etag))
    }

    /// Puts an interaction away.
    ///
    /// It leaves the timeline and the lists, and no longer counts as the last contact. It is kept until its customer is
    /// erased, and can be listed with `archived=true`.
    #[oai(path = "/interactions/:id", method = "delete", operation_id = "deleteInteraction")]
    async fn delete(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Archive>,
        /// The interaction.
        id: Path<Ident<Interaction>>,
        if_match: IfMatch,
    ) -> web::Result<NoContent> {
        let fits = |revision| if_match.check(revision);
        service::set_archived(&app, &scope, id.0.0, fits, true).await?;
        Ok(NoContent)
    }

    /// Takes an interaction back.
    ///
    /// One that was put away stands on its customer's timeline again.
    #[oai(path = "/interactions/:id/restoration", method = "put", operation_id = "restoreInteraction")]
    async fn restore(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Archive>,
        /// The interaction.
        id: Path<Ident<Interaction>>,
        if_match: IfMatch,
    ) -> web::Result<Record<InteractionView>> {
        let fits = |revision| if_match.check(revision);
        let restored = service::set_archived(&app, &scope, id.0.0, fits, false).await?;
        let etag = ETag::of(restored.revision);
        Ok(Record::new(restored, etag))
    }

    /// Shows a customer's timeline.
    ///
    /// Every interaction with the customer, the latest first. 404 when there is no such customer that you may read.
    #[oai(path = "/customers/:id/timeline", method = "get", operation_id = "getCustomerTimeline")]
    async fn timeline(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Read>,
        page: Page,
        /// The customer.
        id: Path<Ident<Customer>>,
        /// Those by this channel.
        channel: Query<Option<Channel>>,
    ) -> web::Result<Listing<PageOf<InteractionView>>> {
        let customer = id.0.0;
        let channel = channel.0.map(Channel::code);
        let filter = ListFilter { customer: Some(customer), channel, ..ListFilter::default() };
        let after: Option<After> = page.position(&filter)?;
        let found = service::timeline(&app, &scope, customer, &filter, after, page.size()).await?;
        let total = if page.count() { Some(service::count(&app, &scope, &filter).await?) } else { None };
        Ok(page.listing(found.views, found.next.as_ref(), total, &filter)?)
    }
}
