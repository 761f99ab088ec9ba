//! What stands on every answer, errors included.
//!
//! Must never: take a request id from outside, or loosen the content policy for one page.

use chrono::{DateTime, Utc};
use kluis_core::kernel::Entropy;
use poem::http::{HeaderMap, HeaderName, HeaderValue, header};
use uuid::Uuid;

/// The version of the API that answers, in full (Logius API Design Rules, /core/version-header).
pub const API_VERSION: &str = "1.0.0";

/// No inline script or style, nothing from a third party, on pages as well as on data.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const API_VERSION_HEADER: HeaderName = HeaderName::from_static("api-version");
/// Where the request id is told.
pub const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Names one request in the answer's headers, in problems and in the log. Always made here, never taken from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestId(Uuid);

impl RequestId {
    /// A UUIDv7: sorts by arrival.
    pub fn new(now: DateTime<Utc>, entropy: &dyn Entropy) -> Self {
        let mut random = [0_u8; 10];
        entropy.fill(&mut random);
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// As a URI, the form in which a problem's `instance` names it.
    pub fn urn(self) -> String {
        self.0.urn().to_string()
    }
}

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&self.0.as_hyphenated(), f)
    }
}

/// Puts the headers on an answer. `Cache-Control` stays when the answer brought its own: static files and the document.
pub fn stamp(headers: &mut HeaderMap, request: RequestId, behind_tls: bool) {
    headers.insert(API_VERSION_HEADER, HeaderValue::from_static(API_VERSION));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if behind_tls {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    if let Ok(id) = HeaderValue::try_from(request.to_string()) {
        headers.insert(REQUEST_ID_HEADER, id);
    }
}
