//! Reads that found their decision stale are decided and answered again: who has lost a right hears so at once, and
//! nobody else notices.
//!
//! Must never repeat a write.

use std::sync::Arc;

use kluis_core::kernel::ProblemKind;
use poem::http::{HeaderMap, Method, Uri, header};
use poem::{Endpoint, Middleware, Request, Response};

use crate::app::App;
use crate::web::{Failure, USUAL_LIMIT};

/// The layer; it stands around the API.
pub struct Again(pub Arc<App>);

impl<E: Endpoint<Output = Response>> Middleware<E> for Again {
    type Output = AgainEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        AgainEndpoint { inner, app: Arc::clone(&self.0) }
    }
}

/// See [`Again`].
pub struct AgainEndpoint<E> {
    inner: E,
    app: Arc<App>,
}

/// How often a read is decided anew: rights don't change faster than this in earnest.
const TRIES: usize = 3;

impl<E: Endpoint<Output = Response>> Endpoint for AgainEndpoint<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        if !is_read(&request) {
            return self.inner.call(request).await;
        }
        let copy = Copy::of(&mut request).await?;
        let mut result = self.inner.call(request).await;
        for _ in 0..TRIES {
            match &result {
                Err(error) if is_stale(error) => {}
                _ => break,
            }
            super::catch_up(&self.app).await.map_err(Failure::from)?;
            result = self.inner.call(copy.request()).await;
        }
        result
    }
}

fn is_stale(error: &poem::Error) -> bool {
    error.downcast_ref::<Failure>().is_some_and(|failure| {
        let problem = failure.problem();
        problem.kind == ProblemKind::Unavailable && problem.members.iter().any(|(_, value)| value == "stale_decision")
    })
}

/// A request that changes nothing: it may be answered a second time. A search whose length isn't told is left alone.
fn is_read(request: &Request) -> bool {
    let path = request.uri().path();
    let length: Option<usize> = request.header(header::CONTENT_LENGTH).and_then(|text| text.parse().ok());
    let is_short = length.is_some_and(|length| length <= USUAL_LIMIT);
    match *request.method() {
        Method::GET | Method::HEAD => true,
        Method::POST => is_short && (path.ends_with("/_search") || path.ends_with("/_duplicates")),
        _ => false,
    }
}

/// Marks a request that is answered again when its decision has become stale, so that nobody has to look first.
#[derive(Debug, Clone, Copy)]
pub struct Repeatable;

/// What makes up a request.
struct Copy {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    extensions: poem::http::Extensions,
    body: Vec<u8>,
}

impl Copy {
    /// Marks the request, and reads the body of a search.
    async fn of(request: &mut Request) -> poem::Result<Self> {
        let body = match *request.method() {
            Method::POST => request.take_body().into_bytes_limit(USUAL_LIMIT).await?.to_vec(),
            _ => Vec::new(),
        };
        request.set_body(body.clone());
        request.extensions_mut().insert(Repeatable);
        Ok(Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            headers: request.headers().clone(),
            extensions: request.extensions().clone(),
            body,
        })
    }

    fn request(&self) -> Request {
        let request = Request::builder().method(self.method.clone()).uri(self.uri.clone());
        let mut request = request.body(self.body.clone());
        *request.headers_mut() = self.headers.clone();
        *request.extensions_mut() = self.extensions.clone();
        request
    }
}
