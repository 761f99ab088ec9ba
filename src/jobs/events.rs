//! A job's progress as a stream of events. Each carries the job's revision as its id, so that a reader who was cut off
//! goes on where they were; it ends with the job.
//!
//! Must never: outlive the right to look. When rights change anywhere the stream ends, and the reader asks again.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, stream};
use kluis_core::access::Scope;
use kluis_core::kernel::{Id, Problem, id::Job};
use poem::web::sse::Event;

use super::access::Read;
use super::model::JobRecord;
use super::service;
use super::view::JobView;
use crate::app::App;

/// Between two looks at the job.
const PAUSE: Duration = Duration::from_millis(500);
/// How long one stream lasts at most; the reader's browser opens the next one by itself.
const LONGEST: Duration = Duration::from_mins(15);

struct Watch {
    app: Arc<App>,
    scope: Scope<Read>,
    job: Id<Job>,
    seen: Option<i64>,
    waited: Duration,
    ended: bool,
}

/// The job now (404 if the caller may not see it), and whenever it has changed. `seen` is the id of the last event that
/// the reader has.
pub async fn watch(
    app: &Arc<App>,
    scope: Scope<Read>,
    job: Id<Job>,
    seen: Option<i64>,
) -> Result<impl Stream<Item = Event> + Send + use<>, Problem> {
    let first = service::show(app, &scope, job).await?;
    let seen = seen.filter(|seen| *seen <= first.revision);
    let ended = seen == Some(first.revision) && first.state.is_final();
    let watch = Watch { app: Arc::clone(app), scope, job, seen, waited: Duration::ZERO, ended };
    Ok(stream::unfold((watch, Some(first)), |(mut watch, first)| async move {
        if watch.ended {
            return None;
        }
        let job = match first.filter(|job| Some(job.revision) != watch.seen) {
            Some(job) => job,
            None => watch.changed().await?,
        };
        watch.seen = Some(job.revision);
        watch.ended = job.state.is_final();
        Some((event(&job), (watch, None)))
    }))
}

impl Watch {
    /// Waits for the next revision; `None` when there is nothing more to tell to this reader.
    async fn changed(&mut self) -> Option<JobRecord> {
        while self.waited < LONGEST {
            tokio::time::sleep(PAUSE).await;
            self.waited += PAUSE;
            let job = service::show(&self.app, &self.scope, self.job).await.ok()?;
            if Some(job.revision) != self.seen {
                return Some(job);
            }
        }
        None
    }
}

fn event(job: &JobRecord) -> Event {
    let text = serde_json::to_string(&JobView::from(job)).unwrap_or_default();
    Event::message(text).id(job.revision.to_string()).event_type("job")
}
