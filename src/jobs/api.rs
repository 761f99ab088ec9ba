//! The operations under `/v1/jobs`: they parse, call one service, and shape the view.

use std::sync::Arc;

use kluis_core::kernel::id::{Job, User};
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Path};

use super::access::{Cancel, Read};
use super::rows::ListFilter;
use super::view::{JobRowView, JobState, JobView, Outcome};
use super::{events, service};
use crate::app::App;
use crate::sessions::Scoped;
use crate::web::Tag;
use crate::web::stream::Events;
use crate::web::{self, Answer, ETag, Ident, Listing, Page, PageOf, Query, Record};

/// The operations on jobs.
pub struct JobsApi;

#[OpenApi(prefix_path = "/jobs", tag = "Tag::Jobs")]
impl JobsApi {
    /// Lists jobs.
    ///
    /// The newest first. A job's results are kept with it.
    #[oai(path = "/", method = "get", operation_id = "listJobs")]
    async fn list(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Read>,
        page: Page,
        state: Query<Option<JobState>>,
        /// What it does: `customer_import` …
        #[oai(example = "usual_kind")]
        kind: Query<Option<String>>,
        /// The user who asked for it.
        #[oai(name = "createdBy")]
        created_by: Query<Option<Ident<User>>>,
    ) -> web::Result<Listing<PageOf<JobView>>> {
        let filter = ListFilter {
            state: state.0.map(|state| super::State::from(state).as_str()),
            kind: kind.0,
            created_by: created_by.0.map(|id| id.0),
        };
        let after = page.position(&filter)?;
        let found = service::list(&app, &scope, &filter, after, page.size(), page.count()).await?;
        let views = found.jobs.iter().map(JobView::from).collect();
        Ok(page.listing(views, found.next.as_ref(), found.total, &filter)?)
    }

    /// Shows a job and how far it is.
    ///
    /// Its state, its progress, and how many rows had which outcome so far.
    #[oai(path = "/:id", method = "get", operation_id = "getJob")]
    async fn show(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Read>,
        id: Path<Ident<Job>>,
    ) -> web::Result<Record<JobView>> {
        let job = service::show(&app, &scope, id.0.0).await?;
        Ok(Record::new(JobView::from(&job), ETag::of(job.revision)))
    }

    /// Lists the results of a job's rows.
    ///
    /// In the order of the lines, as far as the job has got.
    #[oai(path = "/:id/rows", method = "get", operation_id = "listJobRows")]
    async fn rows(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Read>,
        id: Path<Ident<Job>>,
        page: Page,
        /// Only rows with this outcome.
        outcome: Query<Option<Outcome>>,
    ) -> web::Result<Listing<PageOf<JobRowView>>> {
        let bound = (id.0, outcome.0);
        let after = page.position(&bound)?;
        let wanted = outcome.0.map(Into::into);
        let found = service::results(&app, &scope, (id.0.0, wanted), (after, page.size(), page.count())).await?;
        let views = found.rows.iter().map(JobRowView::of).collect();
        Ok(page.listing(views, found.next.as_ref(), found.total, &bound)?)
    }

    /// Cancels a job.
    ///
    /// It takes effect between two steps: what was acknowledged stays. A job that has ended can't be cancelled.
    #[oai(path = "/:id/cancellation", method = "post", operation_id = "cancelJob")]
    async fn cancel(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Cancel>,
        id: Path<Ident<Job>>,
    ) -> web::Result<Answer<JobView>> {
        let job = service::cancel(&app, &scope, id.0.0).await?;
        Ok(Answer::new(JobView::from(&job)))
    }

    /// Streams a job's progress.
    ///
    /// Server-sent events of type `job`, each with the job as its data and the job's revision as its id. The stream ends
    /// with the job; after a break, `Last-Event-ID` goes on where it was.
    #[oai(path = "/:id/events", method = "get", operation_id = "streamJob")]
    async fn events(
        &self,
        app: Data<&Arc<App>>,
        scope: Scoped<Read>,
        id: Path<Ident<Job>>,
        /// The id of the last event that was received.
        #[oai(name = "Last-Event-ID", validator(pattern = "^[1-9][0-9]{0,17}$"), example = "first_event")]
        last_event_id: Header<Option<String>>,
    ) -> web::Result<Events> {
        let seen = last_event_id.0.and_then(|id| id.parse().ok());
        let stream = events::watch(&app, scope.0, id.0.0, seen).await?;
        Ok(Events(Box::pin(stream)))
    }
}

#[expect(clippy::unnecessary_wraps, reason = "an example has the type of its parameter")]
fn usual_kind() -> Option<String> {
    Some("customer_import".to_owned())
}

#[expect(clippy::unnecessary_wraps, reason = "an example has the type of its parameter")]
fn first_event() -> Option<String> {
    Some("1".to_owned())
}
