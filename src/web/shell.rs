//! The outermost layer: every request passes here first, every answer last.
//!
//! It gives the request its id, its address, its language and its span; catches panics and errors; puts the headers on.
//!
//! Must never log a path, a query, a header or a body: the route's template and numbers only.

use std::sync::Arc;
use std::time::Instant;

use kluis_core::kernel::{Clock, Entropy};
use poem::endpoint::BoxEndpoint;
use poem::http::Method;
use poem::middleware::CatchPanic;
use poem::{Endpoint, EndpointExt, IntoEndpoint, Request, Response};
use tracing::field::Empty;
use tracing::{Instrument, Span};

use super::address::TrustedProxies;
use super::catch::settle;
use super::headers::{RequestId, stamp};
use super::language::Language;
use super::page::AskedFor;
use super::ratelimit::{RateLimits, Standings};

/// What the outermost layer has to know.
pub struct Surroundings {
    pub clock: Clock,
    pub entropy: Arc<dyn Entropy>,
    pub proxies: TrustedProxies,
    /// Served over TLS, by us or by a proxy before us: answers carry HSTS.
    pub behind_tls: bool,
    /// `None` only where nothing is limited: in tests.
    pub limits: Option<RateLimits>,
}

/// The whole application, as the server runs it. It never answers with an error of poem's.
pub struct Shell {
    inner: BoxEndpoint<'static>,
    around: Surroundings,
}

impl Shell {
    pub fn new<E>(inner: E, around: Surroundings) -> Self
    where
        E: IntoEndpoint,
        E::Endpoint: 'static,
    {
        Self { inner: inner.with(CatchPanic::new()).map_to_response().boxed(), around }
    }
}

impl Endpoint for Shell {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let started = Instant::now();
        let id = RequestId::new(self.around.clock.now(), &*self.around.entropy);
        let language = Language::of(request.headers());
        let span = span(id, request.method());
        request.set_data(id);
        request.set_data(language);
        let url = AskedFor(request.uri().clone());
        request.set_data(url);
        if let Some(address) = self.around.proxies.client(&request) {
            request.set_data(address);
        }
        let standings = self.around.limits.as_ref().map(|limits| limits.count(&request));
        let result = match standings.as_ref().map_or(Ok(()), Standings::allowed) {
            Ok(()) => self.inner.call(request).instrument(span.clone()).await,
            Err(refused) => Err(refused.into()),
        };
        let mut response = settle(result, language, id);
        stamp(response.headers_mut(), id, self.around.behind_tls);
        if let Some(standings) = standings {
            standings.stamp(response.headers_mut());
        }
        report(&span, &response, started);
        Ok(response)
    }
}

/// The route is filled in once it is known; an unknown path stays unnamed, because a path may hold anything.
fn span(id: RequestId, method: &Method) -> Span {
    let standard =
        [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
    let method = if standard.contains(method) { method.as_str() } else { "other" };
    tracing::info_span!("request", id = %id, method, route = Empty)
}

fn report(span: &Span, response: &Response, started: Instant) {
    let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    let status = response.status().as_u16();
    span.in_scope(|| {
        if response.status().is_server_error() {
            tracing::error!(status, micros, "answered");
        } else {
            tracing::info!(status, micros, "answered");
        }
    });
}
