//! The layer around the API that recognises a repeated request.
//!
//! Must never: answer before the caller is known, or hold a transaction while the request runs.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use kluis_core::access::Purpose;
use kluis_core::audit::{Class, Detail, Event, Outcome};
use kluis_core::kernel::id::{AuditEvent, Customer};
use kluis_core::kernel::{Id, Phrase, Problem, ProblemKind};
use poem::error::ReadBodyError;
use poem::http::{HeaderValue, Method, header};
use poem::{Endpoint, Middleware, Request, Response};
use tracing::Instrument;

use super::answer::Kept;
use super::identity::{HEADER, Identity, key_of, streamed_body};
use super::rows::{self, Claim, First};
use crate::app::App;
use crate::sessions::Caller;
use crate::web::document::Operation;
use crate::web::{Document, Failure, Language, RequestId, settle};

/// How long an answer is repeated.
const KEPT: TimeDelta = TimeDelta::hours(24);
/// How long a run that has died blocks its key.
const LEASE: TimeDelta = TimeDelta::seconds(60);
/// How often a run says that it lives.
const RENEWAL: Duration = Duration::from_secs(20);
/// The largest body that is compared; operations have lower limits of their own.
const LARGEST: usize = 32 << 20;

/// The layer; it stands around the API and knows from its document which operations take a key.
pub struct Idempotent {
    app: Arc<App>,
    operations: Arc<[Template]>,
}

impl Idempotent {
    pub fn new(app: &Arc<App>, document: &Document) -> Self {
        let posts = document.operations().iter().filter(|operation| operation.method == Method::POST);
        let mut operations: Vec<Template> = posts.map(Template::of).collect();
        // `/customers/_search` goes before `/customers/{id}`.
        operations.sort_by_key(|template| template.path.matches('{').count());
        Self { app: Arc::clone(app), operations: operations.into() }
    }
}

impl<E: Endpoint<Output = Response> + 'static> Middleware<E> for Idempotent {
    type Output = IdempotentEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        let (app, operations) = (Arc::clone(&self.app), Arc::clone(&self.operations));
        IdempotentEndpoint { inner: Arc::new(inner), app, operations }
    }
}

struct Template {
    id: String,
    path: String,
    takes_key: bool,
}

impl Template {
    fn of(operation: &Operation) -> Self {
        let takes_key = operation.parameters.iter().any(|parameter| parameter["name"] == HEADER);
        Self { id: operation.id.clone(), path: operation.template.clone(), takes_key }
    }

    fn fits(&self, path: &str) -> bool {
        let (mut ours, mut theirs) = (self.path.split('/'), path.split('/'));
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return true,
                (Some(own), Some(other)) if own == other || (own.starts_with('{') && !other.is_empty()) => {}
                _ => return false,
            }
        }
    }
}

/// See [`Idempotent`].
pub struct IdempotentEndpoint<E> {
    inner: Arc<E>,
    app: Arc<App>,
    operations: Arc<[Template]>,
}

impl<E> IdempotentEndpoint<E> {
    /// The operation, if this request asks to be done only once.
    fn operation(&self, request: &Request) -> Option<&Template> {
        if request.method() != Method::POST || !request.headers().contains_key(HEADER) {
            return None;
        }
        let path = request.uri().path();
        self.operations.iter().find(|template| template.fits(path)).filter(|template| template.takes_key)
    }
}

impl<E: Endpoint<Output = Response> + 'static> Endpoint for IdempotentEndpoint<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let Some(operation) = self.operation(&request) else { return self.inner.call(request).await };
        let caller = Caller::of(&request).await?;
        let Some(key) = key_of(request.headers()).map_err(Failure::from)? else {
            return self.inner.call(request).await;
        };
        let body = body_of(&mut request).await?;
        let what = [operation.id.as_str(), request.uri().path(), request.uri().query().unwrap_or_default()];
        let identity = Identity::of(&self.app, &caller, &what, &key, &body).map_err(Failure::from)?;
        let claim =
            Claim { tenant: caller.actor.tenant(), id: identity.id, attempt: self.app.new_id::<AuditEvent>().uuid() };
        let now = self.app.clock.now();
        let times = (now, now + LEASE, now + KEPT);
        match rows::claim(&self.app.db, claim, identity.request, times).await.map_err(Failure::from)? {
            First::Us => self.run(request, claim, identity.rights, &caller).await,
            First::Another(held) if held.request != identity.request => {
                Err(Failure::new(ProblemKind::IdempotencyMismatch).into())
            }
            First::Another(rows::Held { answer: Some(sealed), .. }) => {
                let kept = Kept::open(&self.app, claim.tenant, claim.id, &sealed).await.map_err(Failure::from)?;
                Ok(repeat(&self.app, &caller, &kept, &identity).await?)
            }
            First::Another(_) | First::Nobody => Err(in_progress().into()),
        }
    }
}

impl<E: Endpoint<Output = Response> + 'static> IdempotentEndpoint<E> {
    /// Runs the request to its end, even when the client goes meanwhile: it will come back and ask.
    async fn run(&self, request: Request, claim: Claim, rights: [u8; 32], caller: &Caller) -> poem::Result<Response> {
        let about = customer_in(request.uri().path()).filter(|_| !tells_of_erasure(request.uri().path()));
        let run = Run { app: Arc::clone(&self.app), claim, rights, request: Arc::clone(&caller.request), about };
        let work = run.finish(Arc::clone(&self.inner), request);
        match tokio::spawn(work.in_current_span()).await {
            Ok(response) => Ok(response),
            Err(ended) => {
                give_up(&self.app, claim).await;
                match ended.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(_) => Err(Failure::new(ProblemKind::Unavailable).into()),
                }
            }
        }
    }
}

struct Run {
    app: Arc<App>,
    claim: Claim,
    rights: [u8; 32],
    request: Arc<str>,
    /// Whom the answer speaks of, by the request's path.
    about: Option<Id<Customer>>,
}

/// The customer in a path: `/v1/customers/cus_…/interactions`.
fn customer_in(path: &str) -> Option<Id<Customer>> {
    path.split('/').find_map(Id::parse)
}

/// The answer to an erasure speaks of nobody any more, and is repeated like any other.
fn tells_of_erasure(path: &str) -> bool {
    path.ends_with("/erasure")
}

impl Run {
    async fn finish<E: Endpoint<Output = Response>>(self, inner: Arc<E>, request: Request) -> Response {
        let language = request.data::<Language>().copied().unwrap_or_default();
        let id = request.data::<RequestId>().copied();
        let id = id.unwrap_or_else(|| RequestId::new(self.app.clock.now(), &*self.app.entropy));
        let result = tokio::select! {
            result = inner.call(request) => result,
            never = self.stay_alive() => match never {},
        };
        let response = settle(result, language, id);
        if !Kept::is_for(response.status()) {
            give_up(&self.app, self.claim).await;
            return response;
        }
        let (kept, response) = Kept::of(response, self.rights, &self.request).await;
        let Some(kept) = kept else {
            give_up(&self.app, self.claim).await;
            return response;
        };
        // What was done is done: the caller gets the answer, and a repetition waits for the end of the lease.
        if let Err(problem) = self.keep(&kept).await {
            tracing::error!(%problem, "an answer could not be kept for repetitions");
        }
        response
    }

    async fn keep(&self, kept: &Kept) -> Result<(), Problem> {
        let sealed = kept.seal(&self.app, self.claim.tenant, self.claim.id).await?;
        // Of one that was made only now, the answer says where it is.
        let made = kept.location().and_then(|place| customer_in(place.to_str().ok()?));
        let until = self.app.clock.now() + KEPT;
        Ok(rows::keep(&self.app.db, self.claim, (&sealed, self.about.or(made)), until).await?)
    }

    /// Runs beside the request, never in its way: it may hold the only connection that writes.
    async fn stay_alive(&self) -> Infallible {
        loop {
            tokio::time::sleep(RENEWAL).await;
            if let Err(error) = rows::renew(&self.app.db, self.claim, self.app.clock.now() + LEASE).await {
                tracing::warn!(%error, "the lease of a running request could not be renewed");
            }
        }
    }
}

async fn give_up(app: &App, claim: Claim) {
    if let Err(error) = rows::release(&app.db, claim).await {
        tracing::warn!(%error, "a key for repetitions stays blocked until its lease ends");
    }
}

/// The body as it will be compared. It is put back for the handler.
async fn body_of(request: &mut Request) -> Result<Vec<u8>, Failure> {
    let is_json = request.content_type().is_some_and(|kind| kind.to_ascii_lowercase().contains("json"));
    if request.content_type().is_some() && !is_json {
        return Ok(streamed_body(request));
    }
    let bytes = request.take_body().into_bytes_limit(LARGEST).await.map_err(|error| match error {
        ReadBodyError::PayloadTooLarge => Failure::new(ProblemKind::TooLarge),
        _ => Failure::new(ProblemKind::Malformed),
    })?;
    request.set_body(bytes.clone());
    Ok(bytes.to_vec())
}

/// The first answer once more, if the caller may do the same as then; that it was shown again goes on record.
async fn repeat(app: &App, caller: &Caller, kept: &Kept, identity: &Identity) -> Result<Response, Failure> {
    const CHANGED: Phrase = Phrase {
        en: "This request was carried out, but your rights have changed since. Fetch the record itself.",
        nl: "Dit verzoek is uitgevoerd, maar uw rechten zijn sindsdien gewijzigd. Haal het gegeven zelf op.",
    };
    if *kept.rights() != identity.rights {
        let refused = Failure::from(Problem::new(ProblemKind::Forbidden).detail(CHANGED));
        return Err(match kept.location() {
            Some(location) => refused.header(header::LOCATION, location),
            None => refused,
        });
    }
    if kept.is_success() {
        app.record_read(event(app, caller, kept)).await?;
    }
    Ok(kept.response()?)
}

fn event(app: &App, caller: &Caller, kept: &Kept) -> Event {
    let actor = &caller.actor;
    let id: Id<AuditEvent> = app.new_id();
    Event {
        id,
        at: app.clock.now(),
        tenant: actor.tenant(),
        owner: None,
        actor: actor.label().to_owned().into(),
        channel: actor.channel().as_str().into(),
        request: caller.request.to_string().into(),
        class: Class::Read,
        action: "answer.repeat".into(),
        entity: "answer".into(),
        record: None,
        subjects: Vec::new(),
        compartments: 0,
        purpose: caller.purpose.map_or("", Purpose::as_str).into(),
        outcome: Outcome::Allowed,
        detail: [("firstRequest".into(), Detail::Code(kept.request().to_owned().into()))].into(),
    }
}

fn in_progress() -> Failure {
    Failure::new(ProblemKind::IdempotencyInProgress).header(header::RETRY_AFTER, HeaderValue::from_static("1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_fits_its_template_only() {
        let template = |path: &str| Template { id: String::new(), path: path.to_owned(), takes_key: true };
        assert!(template("/customers").fits("/customers"));
        assert!(template("/customers/{id}/relations").fits("/customers/cus_1/relations"));
        for other in ["/customers/", "/customers/cus_1", "/customers//relations", "/customers/cus_1/relations/rel_1"] {
            assert!(!template("/customers/{id}/relations").fits(other), "{other}");
        }
    }
}
