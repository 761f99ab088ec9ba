//! Request bodies. Every fault is named at once, by JSON pointer, against the schema that the document publishes.
//!
//! ```ignore
//! /// Makes a customer.
//! #[oai(path = "/customers", method = "post", operation_id = "createCustomer", tag = "Tag::Customers")]
//! async fn create(&self, scope: Scope<Create>, body: Body<CustomerDraft>) -> web::Result<Created<CustomerView>> {
//!     let made = service::create(&self.app, &scope, body.0.try_into()?).await?;
//!     Ok(Created::new(made.view, ETag::of(made.revision), format!("/v1/customers/{}", made.id)))
//! }
//! ```
//! `CustomerDraft` derives `Object`, `Deserialize` (and `Serialize` where it is patched), with the same renames for both.
//!
//! Must never: keep a body beyond the handler, or put a value from it into an error.

use poem::http::header;
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaMediaType, MetaRequest, MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use serde::de::DeserializeOwned;
use serde_json::Value;

use kluis_core::kernel::{Faults, Phrase, Problem, ProblemKind};
use poem::error::ReadBodyError;

use super::faults::UNREADABLE;
use super::json;
use super::problem::{Failure, Result};
use super::schema::Shape;

/// The content type of ordinary bodies.
pub const JSON: &str = "application/json";
/// How large a body may be where nothing else is said.
pub const USUAL_LIMIT: usize = 1 << 20;

/// A JSON body of at most `LIMIT` bytes, checked and parsed.
#[derive(Debug)]
pub struct Body<T, const LIMIT: usize = USUAL_LIMIT>(pub T);

impl<'a, T, const LIMIT: usize> ApiExtractor<'a> for Body<T, LIMIT>
where
    T: Type + DeserializeOwned + 'static,
{
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        Some(request_meta(JSON, T::schema_ref()))
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<Self::ParamType>,
    ) -> poem::Result<Self> {
        let parsed = read(request, body, JSON, LIMIT).await?;
        let shape = Shape::of::<T>().ok_or_else(|| Failure::new(ProblemKind::Internal))?;
        Ok(Self(checked(&shape, parsed).map_err(Failure::from)?))
    }
}

/// The document's part about a body.
pub(super) fn request_meta(content_type: &'static str, schema: MetaSchemaRef) -> MetaRequest {
    MetaRequest { description: None, content: vec![MetaMediaType { content_type, schema }], required: true }
}

/// Content type, size, JSON: in this order, and nothing is read of a body that has the wrong type.
pub(super) async fn read(
    request: &Request,
    body: &mut RequestBody,
    content_type: &'static str,
    limit: usize,
) -> Result<json::Parsed> {
    if !request.content_type().is_some_and(|sent| is_type(sent, content_type)) {
        return Err(Failure::new(ProblemKind::UnsupportedMediaType));
    }
    let announced = request.header(header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(Failure::new(ProblemKind::TooLarge));
    }
    let bytes = body.take().map_err(|_| Failure::new(ProblemKind::Internal))?.into_bytes_limit(limit).await;
    let bytes = bytes.map_err(|error| match error {
        ReadBodyError::PayloadTooLarge => Failure::new(ProblemKind::TooLarge),
        _ => Failure::from(Problem::new(ProblemKind::Malformed).detail(CUT_SHORT)),
    })?;
    Ok(json::parse(&bytes)?)
}

const CUT_SHORT: Phrase = Phrase { en: "The body ended too early.", nl: "De inhoud hield te vroeg op." };

/// `application/json; charset=utf-8` is `application/json`; another charset is another type.
fn is_type(sent: &str, wanted: &str) -> bool {
    let mut parts = sent.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let utf8 = |parameter: &str| match parameter.split_once('=') {
        Some((name, value)) if name.eq_ignore_ascii_case("charset") => {
            value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    };
    essence.eq_ignore_ascii_case(wanted) && parts.all(utf8)
}

/// Checks and parses a value that came in another way than as a body: the command line keeps the same rules.
pub fn conform<T: Type + DeserializeOwned + 'static>(value: Value) -> Result<T, Problem> {
    let shape = Shape::of::<T>().ok_or(Problem::new(ProblemKind::Internal))?;
    checked(&shape, json::Parsed { value, faults: Faults::new() })
}

/// Checks against the schema, then parses; a body with faults is never parsed.
pub(super) fn checked<T: DeserializeOwned>(shape: &Shape, parsed: json::Parsed) -> Result<T, Problem> {
    let json::Parsed { value, mut faults } = parsed;
    shape.check(&value, "", &mut faults);
    faults.into_result()?;
    parse(&value)
}

/// What the schema can't say (a calendar date, an id's kind) is found here: one fault, with its pointer.
pub(super) fn parse<T: DeserializeOwned>(value: &Value) -> Result<T, Problem> {
    if let Ok(parsed) = T::deserialize(value) {
        return Ok(parsed);
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let mut pointer = String::new();
        for segment in error.path() {
            match segment {
                serde_path_to_error::Segment::Seq { index } => json::push_pointer(&mut pointer, &index.to_string()),
                serde_path_to_error::Segment::Map { key } => json::push_pointer(&mut pointer, key),
                _ => {}
            }
        }
        let mut faults = Faults::new();
        faults.add(pointer, UNREADABLE.0, UNREADABLE.1);
        Problem::invalid(faults.into_vec())
    })
}
