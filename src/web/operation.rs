//! What happens between the route and the handler, the same for every operation: the span learns the route, who doesn't
//! say who they are is asked to, answers that nobody can read are refused, all parameters are checked.
//!
//! Must never: decide who may do what; that is the scope's.

use std::sync::Arc;

use kluis_core::kernel::ProblemKind;
use poem::endpoint::BoxEndpoint;
use poem::http::{HeaderMap, StatusCode, header};
use poem::{Endpoint, Request, Response};

use super::document::Operation;
use super::etag;
use super::language::weight;
use super::parameters::Parameters;
use super::problem::Failure;

/// Method and template of the operation that runs, for whoever needs to know it: cursors, rate limits, idempotency.
#[derive(Debug, Clone)]
pub struct Route(pub Arc<str>);

/// A handler with what stands before it.
pub(super) struct Guarded {
    handler: BoxEndpoint<'static>,
    operation: Operation,
    parameters: Parameters,
    session_cookie: String,
    route: Route,
}

impl Guarded {
    pub(super) fn new(
        handler: BoxEndpoint<'static>,
        operation: Operation,
        parameters: Parameters,
        session_cookie: &str,
    ) -> Self {
        let route = Route(format!("{} {}", operation.method, operation.template).into());
        Self { handler, operation, parameters, session_cookie: session_cookie.to_owned(), route }
    }

    fn check(&self, request: &Request) -> Result<(), Failure> {
        if !self.operation.public && !self.has_credentials(request) {
            return Err(Failure::new(ProblemKind::Unauthenticated));
        }
        if !accepts(request.headers(), &self.operation.produces) {
            return Err(Failure::new(ProblemKind::NotAcceptable));
        }
        Ok(self.parameters.check(request)?)
    }

    /// What the caller has already, where that is asked at all.
    fn known(&self, request: &Request) -> Option<HeaderMap> {
        let asks = request.headers().contains_key(header::IF_NONE_MATCH) && self.operation.takes("If-None-Match");
        asks.then(|| request.headers().clone())
    }

    /// Whether the caller says at all who it is; whether that is true is found out by the scope.
    fn has_credentials(&self, request: &Request) -> bool {
        let cookies = request.headers().get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut names = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.split('=').next());
        // Without TLS browsers refuse the prefix, so that the cookie goes by the bare name there.
        let bare = self.session_cookie.strip_prefix("__Host-").unwrap_or(&self.session_cookie);
        let is_ours = |name: &str| name == self.session_cookie || name == bare;
        request.headers().contains_key(header::AUTHORIZATION) || names.any(|name| is_ours(name.trim()))
    }
}

impl Endpoint for Guarded {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        tracing::Span::current().record("route", &*self.operation.template);
        self.check(&request)?;
        request.set_data(self.route.clone());
        let known = self.known(&request);
        let mut response = self.handler.call(request).await?;
        // Only now: the handler has asked for the right to look, and put the look on record.
        if known.is_some_and(|known| is_known(&known, &response)) {
            response = not_modified(&response);
        }
        Ok(response)
    }
}

/// Whether a good answer is the one that the caller has.
fn is_known(known: &HeaderMap, response: &Response) -> bool {
    response.is_success() && response.headers().get(header::ETAG).is_some_and(|tag| etag::is_known(known, tag))
}

/// 304 with the headers that a full answer would have had, except those about its body.
fn not_modified(response: &Response) -> Response {
    let mut short = Response::builder().status(StatusCode::NOT_MODIFIED).finish();
    for (name, value) in response.headers() {
        if ![header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING].contains(name) {
            short.headers_mut().append(name, value.clone());
        }
    }
    short
}

/// Whether one of the types fits `Accept` (RFC 9110, section 12.5.1). Without the header, everything does.
fn accepts(headers: &HeaderMap, produced: &[String]) -> bool {
    let mut ranges = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).peekable();
    if ranges.peek().is_none() || produced.is_empty() {
        return true;
    }
    let ranges: Vec<&str> = ranges.flat_map(|value| value.split(',')).collect();
    produced.iter().any(|kind| quality(&ranges, kind) > 0)
}

/// The weight of a type: that of the most specific range that fits.
fn quality(ranges: &[&str], kind: &str) -> u16 {
    let main = kind.split('/').next().unwrap_or_default();
    let mut best = (0, 0);
    for range in ranges {
        let (name, parameters) = range.split_once(';').unwrap_or((range, ""));
        let name = name.trim();
        let specificity = match name.split_once('/') {
            Some(("*", "*")) => 1,
            Some((same, "*")) if same.eq_ignore_ascii_case(main) => 2,
            Some(_) if name.eq_ignore_ascii_case(kind) => 3,
            _ => continue,
        };
        if specificity > best.0 {
            best = (specificity, weight(parameters));
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_range_decides() {
        let accepts = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, value.parse().unwrap());
            super::accepts(&headers, &["application/json".to_owned()])
        };
        for good in ["*/*", "application/json", "application/*;q=0.1", "text/html, application/json; charset=utf-8"] {
            assert!(accepts(good), "{good}");
        }
        for bad in ["text/html", "application/json;q=0", "*/*, application/json;q=0", "application/xml", "json", ""] {
            assert!(!accepts(bad), "{bad}");
        }
    }
}
