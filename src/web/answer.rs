//! Answers: serialised by serde straight to bytes, with the headers that belong to each kind.
//!
//! A handler says by its return type which answer it gives; headers that must be there are asked for by the constructor.
//!
//! | type | status | headers |
//! |---|---|---|
//! | [`Answer<T>`] | 200 | |
//! | [`Record<T>`] | 200 | `ETag` |
//! | [`Listing<T>`] | 200 | `Link: <…>; rel="next"` while there is more |
//! | [`Created<T>`] | 201 | `Location`, `ETag` |
//! | [`Accepted<T>`] | 202 | `Location` of the job |
//! | [`NoContent`] | 204 | |
//!
//! Problem answers aren't declared here: the document gets them centrally, by method and security.
//!
//! Must never serialise a personal type that hasn't passed a disclosure; `Shown` is the only one that can.

use std::marker::PhantomData;

use poem::http::{HeaderMap, HeaderValue, StatusCode, header};
use poem::{IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{
    MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry,
};
use poem_openapi::types::Type;
use serde::Serialize;

use super::body::JSON;
use super::etag::ETag;
use super::text::JsonText;

/// 200 with a body that has no revision: a report, a list of possible values.
pub type Answer<T> = Reply<T, Plain>;
/// 200 with one record and its entity tag.
pub type Record<T> = Reply<T, Versioned>;
/// 200 with one page of a list.
pub type Listing<T> = Reply<T, Paged>;
/// 201 with the record that was made, its place and its entity tag.
pub type Created<T> = Reply<T, New>;
/// 202 with the job that does the work, and its place.
pub type Accepted<T> = Reply<T, Later>;

/// A JSON answer of one form; use the aliases.
#[derive(Debug)]
pub struct Reply<T, F> {
    content: Content<T>,
    etag: Option<ETag>,
    headers: HeaderMap,
    form: PhantomData<fn() -> F>,
}

#[derive(Debug)]
enum Content<T> {
    Value(T),
    /// A `T` that was written already.
    Text(Vec<u8>),
}

/// What distinguishes the answers: status, description, headers.
pub trait Form: 'static {
    const STATUS: StatusCode;
    const DESCRIPTION: &'static str;

    fn headers() -> Vec<MetaHeader> {
        Vec::new()
    }
}

/// See [`Answer`].
#[derive(Debug)]
pub enum Plain {}

impl Form for Plain {
    const STATUS: StatusCode = StatusCode::OK;
    const DESCRIPTION: &'static str = "What was asked for.";
}

/// See [`Record`].
#[derive(Debug)]
pub enum Versioned {}

impl Form for Versioned {
    const STATUS: StatusCode = StatusCode::OK;
    const DESCRIPTION: &'static str = "The record.";

    fn headers() -> Vec<MetaHeader> {
        vec![etag_header()]
    }
}

/// See [`Listing`].
#[derive(Debug)]
pub enum Paged {}

impl Form for Paged {
    const STATUS: StatusCode = StatusCode::OK;
    const DESCRIPTION: &'static str = "One page; Link leads to the next one.";

    fn headers() -> Vec<MetaHeader> {
        vec![link_header()]
    }
}

/// See [`Created`].
#[derive(Debug)]
pub enum New {}

impl Form for New {
    const STATUS: StatusCode = StatusCode::CREATED;
    const DESCRIPTION: &'static str = "The record was made.";

    fn headers() -> Vec<MetaHeader> {
        vec![location_header("Where the new record is."), etag_header()]
    }
}

/// See [`Accepted`].
#[derive(Debug)]
pub enum Later {}

impl Form for Later {
    const STATUS: StatusCode = StatusCode::ACCEPTED;
    const DESCRIPTION: &'static str = "The work has begun; the job tells how far it is.";

    fn headers() -> Vec<MetaHeader> {
        vec![location_header("Where the job is.")]
    }
}

impl<T, F> Reply<T, F> {
    fn with(content: Content<T>) -> Self {
        Self { content, etag: None, headers: HeaderMap::new(), form: PhantomData }
    }

    fn tagged(mut self, etag: ETag) -> Self {
        self.etag = Some(etag);
        self
    }

    fn set(mut self, name: header::HeaderName, value: &str) -> Self {
        // Our own paths, tags and cursors are plain ASCII; anything else must not become half a header.
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }
}

impl<T> Answer<T> {
    pub fn new(value: T) -> Self {
        Self::with(Content::Value(value))
    }
}

impl<T> Record<T> {
    pub fn new(value: T, etag: ETag) -> Self {
        Self::with(Content::Value(value)).tagged(etag)
    }

    pub fn written(text: JsonText<T>, etag: ETag) -> Self {
        Self::with(Content::Text(text.into_bytes())).tagged(etag)
    }
}

impl<T> Created<T> {
    /// `location` is the path on this server: `/v1/customers/cus_…`.
    pub fn new(value: T, etag: ETag, location: &str) -> Self {
        Self::with(Content::Value(value)).tagged(etag).set(header::LOCATION, location)
    }

    pub fn written(text: JsonText<T>, etag: ETag, location: &str) -> Self {
        Self::with(Content::Text(text.into_bytes())).tagged(etag).set(header::LOCATION, location)
    }
}

impl<T> Accepted<T> {
    /// `location` is the path of the job: `/v1/jobs/job_…`.
    pub fn new(value: T, location: &str) -> Self {
        Self::with(Content::Value(value)).set(header::LOCATION, location)
    }
}

impl<T> Listing<T> {
    /// `next` is the URL of the next page, `None` on the last one.
    pub fn new(value: T, next: Option<&str>) -> Self {
        Self::with(Content::Value(value)).leading_to(next)
    }

    pub fn written(text: JsonText<T>, next: Option<&str>) -> Self {
        Self::with(Content::Text(text.into_bytes())).leading_to(next)
    }

    fn leading_to(self, next: Option<&str>) -> Self {
        match next {
            Some(url) => self.set(header::LINK, &format!("<{url}>; rel=\"next\"")),
            None => self,
        }
    }
}

impl<T: Serialize + Send, F: Form> IntoResponse for Reply<T, F> {
    fn into_response(mut self) -> Response {
        let body = match &mut self.content {
            Content::Value(value) => serde_json::to_vec(value),
            Content::Text(text) => Ok(std::mem::take(text)),
        };
        let Ok(body) = body else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        if let Some(etag) = self.etag {
            self = self.set(header::ETAG, &etag.of_answer(&body));
        }
        let mut response = Response::builder().status(F::STATUS).content_type(JSON).body(body);
        response.headers_mut().extend(self.headers);
        response
    }
}

impl<T: Type + Serialize, F: Form> ApiResponse for Reply<T, F> {
    fn meta() -> MetaResponses {
        let content = vec![MetaMediaType { content_type: JSON, schema: T::schema_ref() }];
        MetaResponses { responses: vec![response(F::STATUS, F::DESCRIPTION, content, F::headers())] }
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

/// 204: done, and nothing to say.
#[derive(Debug, Clone, Copy)]
pub struct NoContent;

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl ApiResponse for NoContent {
    fn meta() -> MetaResponses {
        MetaResponses { responses: vec![response(StatusCode::NO_CONTENT, "Done.", Vec::new(), Vec::new())] }
    }

    fn register(_: &mut Registry) {}
}

fn response(
    status: StatusCode,
    description: &'static str,
    content: Vec<MetaMediaType>,
    headers: Vec<MetaHeader>,
) -> MetaResponse {
    MetaResponse { description, status: Some(status.as_u16()), status_range: None, content, headers }
}

fn text_header(name: &str, description: &str, required: bool, schema: MetaSchema) -> MetaHeader {
    let schema = MetaSchemaRef::Inline(Box::new(schema));
    MetaHeader { name: name.to_owned(), description: Some(description.to_owned()), required, deprecated: false, schema }
}

fn etag_header() -> MetaHeader {
    let schema = MetaSchema { example: Some("\"r7.1b2f03a4c5d6e7f8\"".into()), ..MetaSchema::new("string") };
    let description = "The revision, as you see it. Send it back in If-Match when you change the record, or in If-None-Match \
                       when you ask for it again.";
    text_header("ETag", description, true, schema)
}

fn location_header(description: &str) -> MetaHeader {
    let example = Some("/v1/examples/1".into());
    let schema = MetaSchema { example, ..MetaSchema::new("string") };
    text_header("Location", description, true, schema)
}

fn link_header() -> MetaHeader {
    text_header("Link", "The next page (RFC 8288); absent on the last one.", false, MetaSchema::new("string"))
}
