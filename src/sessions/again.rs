//! Requests that found their decision stale are decided and answered again: who has lost a right hears so at once, who has
//! got one may use it at once, and nobody else notices. So nobody has to look ahead whether rights have changed.
//!
//! These are the reads, and the creations that say so: their one transaction begins with a look at the epoch, so that
//! nothing was written when that is another one.
//!
//! Must never repeat what may have been written.

use std::sync::Arc;

use kluis_core::kernel::ProblemKind;
use poem::http::{HeaderMap, Method, Uri, header};
use poem::{Endpoint, Middleware, Request, Response};

use crate::app::App;
use crate::web::Failure;

/// The layer; it stands around the API.
pub struct Again {
    pub app: Arc<App>,
    /// Whole paths of the creations that can be asked again.
    pub creations: &'static [&'static str],
}

impl<E: Endpoint<Output = Response>> Middleware<E> for Again {
    type Output = AgainEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        AgainEndpoint { inner, app: Arc::clone(&self.app), creations: self.creations }
    }
}

/// See [`Again`].
pub struct AgainEndpoint<E> {
    inner: E,
    app: Arc<App>,
    creations: &'static [&'static str],
}

/// Stands with a request that is answered again if its decision was stale, so that nobody has to look first.
#[derive(Clone, Copy)]
pub(super) struct Repeatable;

/// How often a read is decided anew: rights don't change faster than this in earnest.
const TRIES: usize = 3;
/// The header of the layer inside this one.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The largest body that is kept for a second try.
const LARGEST: u64 = 64 << 10;

impl<E: Endpoint<Output = Response>> Endpoint for AgainEndpoint<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let Some(copy) = Copy::of(&mut request, self.creations).await else { return self.inner.call(request).await };
        request.set_data(Repeatable);
        let mut result = self.inner.call(request).await;
        for _ in 0..TRIES {
            if !self.is_outdated(&result).await? {
                break;
            }
            result = self.inner.call(copy.request()).await;
        }
        result
    }
}

impl<E> AgainEndpoint<E> {
    /// Whether another decision may be made now: a statement has found this one stale, or what was refused was decided by
    /// rights that have changed since.
    async fn is_outdated(&self, result: &poem::Result<Response>) -> Result<bool, Failure> {
        let Err(error) = result else { return Ok(false) };
        let Some(failure) = error.downcast_ref::<Failure>() else { return Ok(false) };
        let problem = failure.problem();
        let stale = problem.kind == ProblemKind::Unavailable
            && problem.members.iter().any(|(_, value)| value == "stale_decision");
        // What a request is refused for before anything is written.
        let is_refusal = matches!(
            problem.kind,
            ProblemKind::Unauthenticated
                | ProblemKind::Forbidden
                | ProblemKind::FieldNotPermitted
                | ProblemKind::Invalid
        );
        if !stale && !is_refusal {
            return Ok(false);
        }
        let before = self.app.policy.epoch();
        super::catch_up(&self.app).await?;
        Ok(stale || self.app.policy.epoch() != before)
    }
}

/// What makes up a request that can be asked again.
struct Copy {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    extensions: poem::http::Extensions,
    body: Vec<u8>,
}

impl Copy {
    /// `None` for other writes, and for what is too large to be kept.
    async fn of(request: &mut Request, creations: &[&str]) -> Option<Self> {
        let body = if *request.method() == Method::POST { posted(request, creations).await? } else { Vec::new() };
        let reads = [Method::GET, Method::HEAD, Method::POST].contains(request.method());
        reads.then(|| Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            headers: request.headers().clone(),
            extensions: request.extensions().clone(),
            body,
        })
    }

    fn request(&self) -> Request {
        let mut request = Request::builder().method(self.method.clone()).uri(self.uri.clone()).finish();
        *request.headers_mut() = self.headers.clone();
        *request.extensions_mut() = self.extensions.clone();
        request.set_data(Repeatable);
        request.set_body(self.body.clone());
        request
    }
}

/// The body of a search, which is a read by POST, or of a creation that can be repeated. It is put back for the handler.
async fn posted(request: &mut Request, creations: &[&str]) -> Option<Vec<u8>> {
    let length = request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse::<u64>().ok()?;
    let path = request.uri().path();
    // Under an idempotency key a request is somebody's before it is run: there one looks ahead.
    let creates = creations.contains(&path) && !request.headers().contains_key(IDEMPOTENCY_KEY);
    if length > LARGEST || !(creates || path.ends_with("/_search")) {
        return None;
    }
    let body = request.take_body().into_vec().await.ok()?;
    request.set_body(body.clone());
    Some(body)
}
