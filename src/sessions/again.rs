//! Reads that found their decision stale are decided and answered again: who has lost a right hears so at once, and
//! nobody else notices.
//!
//! Must never repeat a write.

use std::sync::Arc;

use kluis_core::kernel::ProblemKind;
use poem::http::{HeaderMap, Method, Uri};
use poem::{Endpoint, Middleware, Request, Response};

use crate::app::App;
use crate::web::Failure;

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

    async fn call(&self, request: Request) -> poem::Result<Response> {
        if request.method() != Method::GET {
            return self.inner.call(request).await;
        }
        let copy = Copy::of(&request);
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

/// What makes up a request without a body.
struct Copy {
    uri: Uri,
    headers: HeaderMap,
    extensions: poem::http::Extensions,
}

impl Copy {
    fn of(request: &Request) -> Self {
        Self {
            uri: request.uri().clone(),
            headers: request.headers().clone(),
            extensions: request.extensions().clone(),
        }
    }

    fn request(&self) -> Request {
        let mut request = Request::builder().method(Method::GET).uri(self.uri.clone()).finish();
        *request.headers_mut() = self.headers.clone();
        *request.extensions_mut() = self.extensions.clone();
        request
    }
}
