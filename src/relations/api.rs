//! The operations under `/v1/customers/{id}/relations`: they parse, call one service, and shape the view.

use std::sync::Arc;

use kluis_core::kernel::Id;
use kluis_core::kernel::id::Customer;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use serde::Serialize;

use super::access::{Create, Delete, Read, Update};
use super::model::{Relation, RelationDraft, RelationKind, RelationView};
use super::service;
use crate::app::App;
use crate::sessions::Scoped;
use crate::web::Tag;
use crate::web::{
    self, Body, Created, ETag, Ident, IfMatch, Listing, MergePatch, NoContent, Page, PageOf, Query, Record,
};

/// The operations on relations.
pub struct RelationsApi;

/// What decides which relations a list holds; bound into its cursors.
#[derive(Serialize)]
struct Bound {
    customer: Id<Customer>,
    kind: Option<RelationKind>,
}

#[OpenApi(prefix_path = "/customers", tag = "Tag::Relations")]
impl RelationsApi {
    /// Lists a customer's relations.
    ///
    /// Those in which the customer stands at either end, with others that you may read as well; ended ones too. The
    /// look is put on record.
    #[oai(path = "/:id/relations", method = "get", operation_id = "listRelations")]
    async fn list(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Read>,
        page: Page,
        /// The customer.
        id: Path<Ident<Customer>>,
        /// Those of this kind.
        kind: Query<Option<RelationKind>>,
    ) -> web::Result<Listing<PageOf<RelationView>>> {
        let bound = Bound { customer: id.0.0, kind: kind.0 };
        let after: Option<Id<Relation>> = page.position(&bound)?;
        let found = service::list(&app, &scope, bound.customer, bound.kind, after, page.size(), page.count()).await?;
        Ok(page.listing(found.views, found.next.as_ref(), found.total, &bound)?)
    }

    /// Makes a relation.
    ///
    /// The customer of the path is the `kind` of the customer `toId`: both are of the same organisation, and you may
    /// read both. The same relation twice is 409.
    #[oai(path = "/:id/relations", method = "post", operation_id = "createRelation")]
    async fn create(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Create>,
        /// The customer.
        id: Path<Ident<Customer>>,
        body: Body<RelationDraft>,
    ) -> web::Result<Created<RelationView>> {
        let made = service::create(&app, &scope, id.0.0, &body.0).await?;
        let etag = ETag::of(made.revision);
        let location = service::location(&made);
        Ok(Created::new(made, etag, &location))
    }

    /// Shows one relation.
    ///
    /// From the side of either customer. The look is put on record.
    #[oai(path = "/:id/relations/:relationId", method = "get", operation_id = "getRelation")]
    async fn show(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Read>,
        /// The customer.
        id: Path<Ident<Customer>>,
        /// The relation.
        #[oai(name = "relationId")]
        relation_id: Path<Ident<Relation>>,
    ) -> web::Result<Record<RelationView>> {
        let shown = service::show(&app, &scope, id.0.0, relation_id.0.0).await?;
        let etag = ETag::of(shown.revision);
        Ok(Record::new(shown, etag))
    }

    /// Changes or ends a relation.
    ///
    /// A JSON Merge Patch (RFC 7396) on its dates; a relation ends by its last day, `endsOn`.
    #[oai(path = "/:id/relations/:relationId", method = "patch", operation_id = "updateRelation")]
    async fn update(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Update>,
        /// The customer.
        id: Path<Ident<Customer>>,
        /// The relation.
        #[oai(name = "relationId")]
        relation_id: Path<Ident<Relation>>,
        if_match: IfMatch,
        patch: MergePatch<RelationDraft>,
    ) -> web::Result<Record<RelationView>> {
        let fits = |revision| if_match.check(revision);
        let change = |current: &RelationDraft| patch.apply(current);
        let changed = service::update(&app, &scope, id.0.0, relation_id.0.0, fits, change).await?;
        let etag = ETag::of(changed.revision);
        Ok(Record::new(changed, etag))
    }

    /// Removes a relation.
    ///
    /// For good, as one that never was; end one that was by giving it a last day.
    #[oai(path = "/:id/relations/:relationId", method = "delete", operation_id = "deleteRelation")]
    async fn delete(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Delete>,
        /// The customer.
        id: Path<Ident<Customer>>,
        /// The relation.
        #[oai(name = "relationId")]
        relation_id: Path<Ident<Relation>>,
        if_match: IfMatch,
    ) -> web::Result<NoContent> {
        let fits = |revision| if_match.check(revision);
        service::delete(&app, &scope, id.0.0, relation_id.0.0, fits).await?;
        Ok(NoContent)
    }
}
