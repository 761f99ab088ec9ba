//! Turns every error of every layer into one problem.
//!
//! Must never let through a text that poem, poem-openapi or another library wrote.

use kluis_core::kernel::{Faults, Problem, ProblemKind};
use poem::error::{MethodNotAllowedError, NotFoundError, ParsePathError, ReadBodyError};
use poem::http::{HeaderMap, StatusCode, header};
use poem::{Error, Response};
use poem_openapi::error as openapi;

use super::faults::UNREADABLE;
use super::headers::RequestId;
use super::language::Language;
use super::problem::{Failure, PROBLEM_JSON};

/// The finished answer to a request, whatever came of it.
pub fn settle(result: poem::Result<Response>, language: Language, request: RequestId) -> Response {
    let failure = match result {
        Ok(response) if !is_bare_error(&response) => return response,
        Ok(response) => carry_over(Failure::new(kind_of(response.status())), response.headers()),
        Err(error) => classify(error),
    };
    failure.render(language, Some(request))
}

/// An error that a library answered with its own text. Pages may answer errors in HTML.
fn is_bare_error(response: &Response) -> bool {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return false;
    }
    let essence = response.content_type().and_then(|kind| kind.split(';').next()).unwrap_or_default();
    essence != PROBLEM_JSON && essence != "text/html"
}

/// What is known about the error, by its type; by its status alone when the type isn't one that we know.
fn classify(error: Error) -> Failure {
    let error = match error.downcast::<Failure>() {
        Ok(failure) => return failure,
        Err(error) => error,
    };
    if error.is::<NotFoundError>() || error.is::<ParsePathError>() || error.is::<openapi::ParsePathError>() {
        // A malformed id in a path is answered like one that doesn't exist.
        return Failure::new(ProblemKind::NotFound);
    }
    if error.is::<MethodNotAllowedError>() {
        return Failure::new(ProblemKind::MethodNotAllowed);
    }
    if let Some(parameter) = error.downcast_ref::<openapi::ParseParamError>() {
        let mut faults = Faults::new();
        faults.add(format!("query:{}", parameter.name), UNREADABLE.0, UNREADABLE.1);
        return Problem::invalid(faults.into_vec()).into();
    }
    if error.is::<openapi::ContentTypeError>() {
        return Failure::new(ProblemKind::UnsupportedMediaType);
    }
    if matches!(error.downcast_ref::<ReadBodyError>(), Some(ReadBodyError::PayloadTooLarge)) {
        return Failure::new(ProblemKind::TooLarge);
    }
    let status = error.status();
    if status == StatusCode::INTERNAL_SERVER_ERROR {
        tracing::error!("an error without a problem of its own reached the outermost layer");
    }
    carry_over(Failure::new(kind_of(status)), error.into_response().headers())
}

/// Headers that an error answer needs to be of use.
fn carry_over(mut failure: Failure, headers: &HeaderMap) -> Failure {
    for name in [header::ALLOW, header::RETRY_AFTER, header::WWW_AUTHENTICATE] {
        if let Some(value) = headers.get(&name) {
            failure = failure.header(name, value.clone());
        }
    }
    failure
}

/// The kind that a bare status stands for.
fn kind_of(status: StatusCode) -> ProblemKind {
    match status.as_u16() {
        401 => ProblemKind::Unauthenticated,
        403 => ProblemKind::Forbidden,
        404 | 410 => ProblemKind::NotFound,
        405 => ProblemKind::MethodNotAllowed,
        406 => ProblemKind::NotAcceptable,
        409 => ProblemKind::Conflict,
        412 => ProblemKind::PreconditionFailed,
        413 => ProblemKind::TooLarge,
        415 => ProblemKind::UnsupportedMediaType,
        428 => ProblemKind::PreconditionRequired,
        429 => ProblemKind::TooManyRequests,
        502..=504 => ProblemKind::Unavailable,
        400..=499 => ProblemKind::Malformed,
        _ => ProblemKind::Internal,
    }
}
