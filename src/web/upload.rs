//! A file that is handed in: as the body itself, or as the part `file` of a form. It is read bit by bit.
//!
//! Must never: keep the file's name (it may name a person), or hold the file.

use kluis_core::kernel::{Faults, Phrase, Problem, ProblemKind};
use poem::web::Multipart;
use poem::{FromRequest, Request, RequestBody};
use poem_openapi::registry::{MetaMediaType, MetaRequest, MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use tokio::io::AsyncRead;

use super::problem::Failure;
use super::stream::CSV;

const FORM: &str = "multipart/form-data";
/// The name of the form's part.
const PART: &str = "file";

const MISSING: Phrase =
    Phrase { en: "The form has no part called `file`.", nl: "Het formulier heeft geen deel met de naam `file`." };

/// A table of text that is handed in.
pub struct Upload(Box<dyn AsyncRead + Send + Sync + Unpin>);

impl Upload {
    pub fn content(&mut self) -> &mut (dyn AsyncRead + Send + Unpin) {
        &mut *self.0
    }
}

impl<'a> ApiExtractor<'a> for Upload {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(_: &mut Registry) {}

    fn request_meta() -> Option<MetaRequest> {
        let inline = |schema| MetaSchemaRef::Inline(Box::new(schema));
        let description = Some("The table: UTF-8, UTF-16 with a byte order mark, or Windows-1252.");
        let example = Some("nummer;achternaam\nK1;Voorbeeld\n".into());
        let text = MetaSchema { description, example, ..MetaSchema::new("string") };
        let file = MetaSchema { description, ..MetaSchema::new_with_format("string", "binary") };
        let form = MetaSchema {
            description: Some("A form with one file."),
            required: vec![PART],
            properties: vec![(PART, inline(file))],
            ..MetaSchema::new("object")
        };
        let content = vec![
            MetaMediaType { content_type: CSV, schema: inline(text) },
            MetaMediaType { content_type: FORM, schema: inline(form) },
        ];
        Some(MetaRequest { description: None, content, required: true })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let sent = request.content_type().unwrap_or_default();
        let essence = sent.split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case(CSV) {
            let body = body.take().map_err(|_| Failure::new(ProblemKind::Internal))?;
            return Ok(Self(Box::new(body.into_async_read())));
        }
        if !essence.eq_ignore_ascii_case(FORM) {
            return Err(Failure::new(ProblemKind::UnsupportedMediaType).into());
        }
        let mut form = <Multipart as FromRequest<'a>>::from_request(request, body)
            .await
            .map_err(|_| Failure::new(ProblemKind::Malformed))?;
        while let Some(part) = form.next_field().await.map_err(|_| Failure::new(ProblemKind::Malformed))? {
            if part.name() == Some(PART) {
                return Ok(Self(Box::new(part.into_async_read())));
            }
        }
        let mut faults = Faults::new();
        faults.add("/file", "required", MISSING);
        Err(Failure::from(Problem::invalid(faults.into_vec())).into())
    }
}
