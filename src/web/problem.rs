//! A [`Problem`] as an answer: `application/problem+json` (RFC 9457) in the caller's language.
//!
//! Handlers return [`Result`]; `?` turns a domain error that converts into [`Problem`] into a [`Failure`]. The catch-all
//! layer (`super::catch`) renders it, because only there the language and the request id are known.
//!
//! Must never: put an internal text, a value that was sent, or an error of another library into what it renders.

use kluis_core::kernel::{Phrase, Problem, ProblemKind};
use poem::error::ResponseError;
use poem::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use poem::{IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaResponses, Registry};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::headers::RequestId;
use super::language::Language;

/// The content type of every error.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// What handlers return: `async fn show(…) -> web::Result<Record<CustomerView>>`.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// The one error of the web floor: a problem, with the headers that belong to it.
#[derive(Debug)]
pub struct Failure {
    problem: Problem,
    headers: Option<Box<HeaderMap>>,
}

impl Failure {
    pub fn new(kind: ProblemKind) -> Self {
        Problem::new(kind).into()
    }

    /// Adds a header to the answer: `Retry-After`, `Allow`, `WWW-Authenticate`, `ETag`.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.get_or_insert_default().insert(name, value);
        self
    }

    pub const fn problem(&self) -> &Problem {
        &self.problem
    }

    /// The finished answer.
    pub fn render(self, language: Language, request: Option<RequestId>) -> Response {
        let body = Rendered { problem: &self.problem, language, request };
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = Response::builder().status(status(self.problem.kind)).content_type(PROBLEM_JSON).body(body);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
        if self.problem.kind == ProblemKind::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(own) = self.headers {
            headers.extend(*own);
        }
        response
    }
}

/// Any domain error that says which problem it is.
/// The member of a problem that says after how many seconds to ask again; the header of that name says the same.
const RETRY_AFTER: &str = "retryAfter";

impl<E: Into<Problem>> From<E> for Failure {
    fn from(error: E) -> Self {
        let problem = error.into();
        let wait = problem.members.iter().find(|(name, _)| *name == RETRY_AFTER);
        let wait = wait.and_then(|(_, seconds)| seconds.parse::<u64>().ok());
        let failure = Self { problem, headers: None };
        match wait {
            Some(seconds) => failure.header(header::RETRY_AFTER, seconds.into()),
            None => failure,
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&self.problem, f)
    }
}

impl std::error::Error for Failure {}

impl ResponseError for Failure {
    fn status(&self) -> StatusCode {
        status(self.problem.kind)
    }

    /// Only reached where no catch-all layer stands around the endpoint.
    fn as_response(&self) -> Response {
        let copy = Self { problem: self.problem.clone(), headers: self.headers.clone() };
        copy.render(Language::default(), None)
    }
}

/// The problem answers of an operation are written into the document centrally, by method and security.
impl ApiResponse for Failure {
    fn meta() -> MetaResponses {
        MetaResponses { responses: Vec::new() }
    }

    fn register(_: &mut Registry) {}
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        self.render(Language::default(), None)
    }
}

/// The status as poem's type; every kind has a valid one (tested).
fn status(kind: ProblemKind) -> StatusCode {
    StatusCode::from_u16(kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The stable `type` of a kind: a path on this server, where a page describes it.
pub fn type_url(kind: ProblemKind) -> String {
    format!("/problems/{}", kind.slug())
}

/// Members in the order of RFC 9457, then the faults, then what is peculiar to this problem.
struct Rendered<'a> {
    problem: &'a Problem,
    language: Language,
    request: Option<RequestId>,
}

impl Serialize for Rendered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let (status, _, title) = self.problem.kind.parts();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &type_url(self.problem.kind))?;
        map.serialize_entry("title", self.language.say(title))?;
        map.serialize_entry("status", &status)?;
        if let Some(detail) = self.problem.detail.or_else(|| usual_detail(self.problem.kind)) {
            map.serialize_entry("detail", self.language.say(detail))?;
        }
        if let Some(request) = self.request {
            map.serialize_entry("instance", &request.urn())?;
        }
        if !self.problem.faults.is_empty() {
            map.serialize_entry("errors", &RenderedFaults(self))?;
        }
        for (name, value) in &self.problem.members {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

struct RenderedFaults<'a>(&'a Rendered<'a>);

impl Serialize for RenderedFaults<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct One<'a> {
            pointer: &'a str,
            code: &'static str,
            detail: &'static str,
        }
        serializer.collect_seq(self.0.problem.faults.iter().map(|fault| One {
            pointer: &fault.pointer,
            code: fault.code,
            detail: self.0.language.say(fault.detail),
        }))
    }
}

/// What to say when the problem brings no detail of its own.
const fn usual_detail(kind: ProblemKind) -> Option<Phrase> {
    match kind {
        ProblemKind::Invalid => {
            Some(Phrase { en: "Each fault is listed under errors.", nl: "Elke fout staat onder errors." })
        }
        ProblemKind::NotFound => Some(Phrase {
            en: "There is nothing here, or nothing that you may see.",
            nl: "Hier is niets, of niets wat u mag zien.",
        }),
        ProblemKind::Internal => Some(Phrase {
            en: "The fault is ours. Quote the request id when you report it.",
            nl: "De fout ligt bij ons. Noem het verzoeknummer als u dit meldt.",
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_valid_status() {
        for kind in ProblemKind::ALL {
            assert_eq!(status(kind).as_u16(), kind.status());
        }
    }

    #[tokio::test]
    async fn a_problem_speaks_the_callers_language_and_names_each_fault() {
        let phrase = Phrase { en: "Needed", nl: "Verplicht" };
        let fault = kluis_core::kernel::Fault { pointer: "/name".into(), code: "required", detail: phrase };
        let failure = Failure::from(Problem::invalid(vec![fault]).member("seenUntil", "2026-01-01"));
        let response = failure.render(Language::Nl, None);
        assert_eq!(response.status(), 400);
        assert_eq!(response.content_type(), Some(PROBLEM_JSON));
        let text = response.into_body().into_string().await.unwrap();
        assert_eq!(
            text,
            r#"{"type":"/problems/invalid","title":"Het verzoek bevat fouten","status":400,"detail":"Elke fout staat onder errors.","errors":[{"pointer":"/name","code":"required","detail":"Verplicht"}],"seenUntil":"2026-01-01"}"#
        );
    }
}
