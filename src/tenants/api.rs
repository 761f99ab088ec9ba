//! The operations under `/v1/tenants`: they parse, call one service, and shape the view.

use std::sync::Arc;

use chrono::NaiveDate;
use kluis_core::kernel::id::Tenant;
use poem::web::Data;
use poem_openapi::param::Path;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};

use super::access::{Close, Create, Read, Update};
use super::model::{TenantDraft, TenantKind, TenantRecord, TenantStatus};
use super::service::{self, TenantFilter};
use crate::app::App;
use crate::sessions::Scoped;
use crate::web::Tag;
use crate::web::{
    self, Body, Created, ETag, Ident, IfMatch, Listing, MergePatch, Page, PageOf, Query, Record, Timestamp,
};

/// The operations on tenants.
pub struct TenantsApi;

/// An organisation that works in Kluis.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase")]
pub struct TenantView {
    pub id: Ident<Tenant>,
    /// The tenant above it; absent at the top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<Ident<Tenant>>,
    pub kind: TenantKind,
    pub name: String,
    pub status: TenantStatus,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kvk_number: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch_number: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract_starts: Option<NaiveDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract_ends: Option<NaiveDate>,
    /// Why this tenant may keep special categories of data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub special_ground: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub revision: i64,
}

impl From<TenantRecord> for TenantView {
    fn from(tenant: TenantRecord) -> Self {
        let valid = tenant.valid;
        Self {
            id: tenant.id.into(),
            parent_id: valid.parent.map(Into::into),
            kind: valid.kind,
            name: valid.name,
            status: tenant.status,
            country: valid.country.as_str().to_owned(),
            kvk_number: valid.kvk_number,
            branch_number: valid.branch_number,
            contract_starts: valid.contract_starts,
            contract_ends: valid.contract_ends,
            special_ground: valid.special_ground,
            created_at: tenant.created_at.into(),
            updated_at: tenant.updated_at.into(),
            revision: tenant.revision,
        }
    }
}

/// Whether a tenant is closed.
#[derive(Object, Serialize, Deserialize, Clone, Copy)]
#[oai(example)]
#[serde(deny_unknown_fields)]
pub struct Closure {
    /// True closes the tenant, false opens it again.
    pub closed: bool,
}

impl Example for Closure {
    fn example() -> Self {
        Self { closed: true }
    }
}

#[OpenApi(prefix_path = "/tenants", tag = "Tag::Tenants")]
impl TenantsApi {
    /// Lists tenants.
    ///
    /// In the order in which they were made, so that a tenant comes after the one above it unless it was moved.
    #[oai(path = "/", method = "get", operation_id = "listTenants")]
    #[expect(clippy::too_many_arguments, reason = "one argument for each filter of the query string")]
    async fn list(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Read>,
        page: Page,
        kind: Query<Option<TenantKind>>,
        status: Query<Option<TenantStatus>>,
        /// Those right below this one.
        #[oai(name = "parentId")]
        parent_id: Query<Option<Ident<Tenant>>>,
        /// Those whose contract ends before this day.
        #[oai(name = "contractEndsBefore")]
        contract_ends_before: Query<Option<NaiveDate>>,
    ) -> web::Result<Listing<PageOf<TenantView>>> {
        let filter = TenantFilter {
            kind: kind.0.map(TenantKind::code),
            status: status.0.map(TenantStatus::code),
            parent: parent_id.0.map(|id| id.0),
            contract_ends_before: contract_ends_before.0,
        };
        let after: Option<Ident<Tenant>> = page.position(&filter)?;
        let size = (page.size(), page.count());
        let found = service::list(&app, &scope, &filter, after.map(|id| id.0), size).await?;
        let views = found.tenants.into_iter().map(TenantView::from).collect();
        Ok(page.listing(views, found.next.map(Ident).as_ref(), found.total, &filter)?)
    }

    /// Makes a tenant.
    ///
    /// It gets keys of its own. A franchisee or a region stands below headquarters or a region; a member organisation
    /// below headquarters, a region, another member organisation or a charity.
    #[oai(path = "/", method = "post", operation_id = "createTenant")]
    async fn create(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Create>,
        body: Body<TenantDraft>,
    ) -> web::Result<Created<TenantView>> {
        let made = TenantView::from(service::create(&app, &scope, &body.0).await?);
        let (etag, location) = (ETag::of(made.revision), format!("/v1/tenants/{}", made.id));
        Ok(Created::new(made, etag, &location))
    }

    /// Shows one tenant.
    ///
    /// Your own, or one below it, as far as your role reaches.
    #[oai(path = "/:id", method = "get", operation_id = "getTenant")]
    async fn show(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Read>,
        id: Path<Ident<Tenant>>,
    ) -> web::Result<Record<TenantView>> {
        let shown = TenantView::from(service::show(&app, &scope, id.0.0).await?);
        let etag = ETag::of(shown.revision);
        Ok(Record::new(shown, etag))
    }

    /// Changes a tenant.
    ///
    /// With another `parentId` it moves, together with all below it; everybody's rights follow from the next request on.
    #[oai(path = "/:id", method = "patch", operation_id = "updateTenant")]
    async fn update(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Update>,
        id: Path<Ident<Tenant>>,
        if_match: IfMatch,
        patch: MergePatch<TenantDraft>,
    ) -> web::Result<Record<TenantView>> {
        let fits = |revision| if_match.check(revision);
        let changed = service::update(&app, &scope, id.0.0, fits, |current| patch.apply(current)).await?;
        let etag = ETag::of(changed.revision);
        Ok(Record::new(changed.into(), etag))
    }

    /// Closes a tenant, or opens it again.
    ///
    /// Nobody acts for a closed tenant from the next request on. Its records stay until their retention ends. Tenants
    /// below it have to be closed first.
    #[oai(path = "/:id/closure", method = "put", operation_id = "closeTenant")]
    async fn close(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Close>,
        id: Path<Ident<Tenant>>,
        if_match: IfMatch,
        body: Body<Closure>,
    ) -> web::Result<Record<TenantView>> {
        let fits = |revision| if_match.check(revision);
        let changed = service::set_closed(&app, &scope, id.0.0, fits, body.0.closed).await?;
        let etag = ETag::of(changed.revision);
        Ok(Record::new(changed.into(), etag))
    }
}
