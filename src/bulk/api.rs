//! The operations of bulk changes: they parse, call one service, and shape the view.

use std::sync::Arc;

use kluis_core::access::Scope;
use kluis_core::kernel::Id;
use kluis_core::kernel::id::Job;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Path;

use super::service;
use super::view::CustomerBulkDraft;
use crate::app::App;
use crate::customers::Bulk;
use crate::jobs;
use crate::jobs::view::JobView;
use crate::sessions::Scoped;
use crate::web::{self, Accepted, Body, Ident, Tag};

/// How large a request may be: 10,000 rows of 800 bytes.
const LARGEST: usize = 8 << 20;

/// The operations of bulk changes.
pub struct BulkApi;

#[OpenApi]
impl BulkApi {
    /// Changes many customers at once, or brings many in, or tries that out.
    ///
    /// As a job, which has a result for each customer or row: made, changed, unchanged, a duplicate, or why not. Each is
    /// written only if you may do so when its turn comes. A dry run writes nothing and says the same as the run would.
    /// It can be cancelled, and taken back for 30 days.
    #[oai(path = "/customers/_bulk", method = "post", operation_id = "changeCustomers", tag = "Tag::Customers")]
    async fn change(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Bulk>,
        body: Body<CustomerBulkDraft, LARGEST>,
    ) -> web::Result<Accepted<JobView>> {
        let job = service::start(&app, &scope, body.0).await?;
        accepted(&app, &scope, job).await
    }

    /// Takes a bulk change back.
    ///
    /// As a job: what it changed is as it was before, what it made is gone. A record that somebody has worked on since stays as it is and is
    /// named as a conflict. An import is taken back where imports are.
    #[oai(path = "/jobs/:id/reversal", method = "post", operation_id = "reverseJob", tag = "Tag::Jobs")]
    async fn reverse(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Bulk>,
        id: Path<Ident<Job>>,
    ) -> web::Result<Accepted<JobView>> {
        let job = service::start_undo(&app, &scope, id.0.0).await?;
        accepted(&app, &scope, job).await
    }
}

async fn accepted(app: &App, scope: &Scope<Bulk>, job: Id<Job>) -> web::Result<Accepted<JobView>> {
    let job = jobs::service::show(app, &scope.also(), job).await?;
    Ok(Accepted::new(JobView::from(&job), &format!("/v1/jobs/{}", job.id)))
}
