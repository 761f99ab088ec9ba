//! Answers that leave bit by bit: tables of text (RFC 4180), and server-sent events (WHATWG HTML, section 9.2).
//!
//! Must never: gather the whole before the first byte leaves; send a value that was not disclosed.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use futures_util::Stream;
use poem::http::{HeaderValue, header};
use poem::web::sse::{Event, SSE};
use poem::{Body, IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry};

pub const CSV: &str = "text/csv";
pub const EVENTS: &str = "text/event-stream";

/// A comment goes through an idle stream this often, so that nothing on the way takes it for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A table as a file to save.
pub struct Table {
    /// Plain ASCII: `import-result.csv`.
    pub name: &'static str,
    pub lines: Pin<Box<dyn Stream<Item = io::Result<Vec<u8>>> + Send>>,
}

impl IntoResponse for Table {
    fn into_response(self) -> Response {
        let body = Body::from_bytes_stream(self.lines);
        let mut response = Response::builder().content_type("text/csv; charset=utf-8; header=present").body(body);
        if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{}\"", self.name)) {
            response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
        }
        response
    }
}

impl ApiResponse for Table {
    fn meta() -> MetaResponses {
        meta(CSV, "A table with a header.", MetaSchema::new("string"))
    }

    fn register(_: &mut Registry) {}
}

/// Events, one after the other, until there is nothing more to tell.
pub struct Events(pub Pin<Box<dyn Stream<Item = Event> + Send>>);

impl IntoResponse for Events {
    fn into_response(self) -> Response {
        let mut response = SSE::new(self.0).keep_alive(KEEP_ALIVE).into_response();
        // Proxies that gather answers would hold the events back.
        response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
        response
    }
}

impl ApiResponse for Events {
    fn meta() -> MetaResponses {
        meta(EVENTS, "A stream of events; it ends when there is nothing more to tell.", event())
    }

    fn register(_: &mut Registry) {}
}

/// One event of a stream: OpenAPI 3.0 has no word for a sequence, so that readers of documents take the schema for that of
/// each event (as `itemSchema` says outright from 3.2 on).
fn event() -> MetaSchema {
    let text = |description| {
        let schema = MetaSchema { description: Some(description), ..MetaSchema::new("string") };
        MetaSchemaRef::Inline(Box::new(schema))
    };
    MetaSchema {
        description: Some("One event."),
        properties: vec![
            ("id", text("Where the stream goes on after a break: send it back in Last-Event-ID.")),
            ("event", text("What kind of event it is.")),
            ("data", text("The record, as JSON.")),
        ],
        required: vec!["id", "event", "data"],
        ..MetaSchema::new("object")
    }
}

fn meta(content_type: &'static str, description: &'static str, schema: MetaSchema) -> MetaResponses {
    let schema = MetaSchemaRef::Inline(Box::new(schema));
    let content = vec![MetaMediaType { content_type, schema }];
    let response = MetaResponse { description, status: Some(200), status_range: None, content, headers: Vec::new() };
    MetaResponses { responses: vec![response] }
}
