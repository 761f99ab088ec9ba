//! The problem answers and the headers that every answer shares, as components of the document.

use kluis_core::kernel::{Faults, ProblemKind};
use serde_json::{Map, Value, json};

use super::super::headers::API_VERSION;
use super::super::language::Language;
use super::super::problem::{PROBLEM_JSON, type_url};
use super::super::schema::Components;

const NAMES: [(u16, &str); 14] = [
    (400, "BadRequest"),
    (401, "Unauthenticated"),
    (403, "Forbidden"),
    (404, "NotFound"),
    (406, "NotAcceptable"),
    (409, "Conflict"),
    (412, "PreconditionFailed"),
    (413, "TooLarge"),
    (415, "UnsupportedMediaType"),
    (422, "Unprocessable"),
    (428, "PreconditionRequired"),
    (429, "TooManyRequests"),
    (500, "InternalError"),
    (503, "Unavailable"),
];

/// The component that describes a status; `None` for one that no operation answers with.
pub fn response_name(status: u16) -> Option<&'static str> {
    NAMES.iter().find(|(known, _)| *known == status).map(|(_, name)| *name)
}

/// One response per status, with an example of each kind of problem that has this status.
pub fn responses() -> Value {
    let all = NAMES.iter().map(|(status, name)| ((*name).to_owned(), response(*status)));
    Value::Object(all.collect())
}

fn response(status: u16) -> Value {
    let kinds: Vec<ProblemKind> = ProblemKind::ALL.into_iter().filter(|kind| kind.status() == status).collect();
    let titles: Vec<&str> = kinds.iter().map(|kind| kind.parts().2.en).collect();
    let examples: Map<String, Value> = kinds
        .iter()
        .map(|kind| (kind.slug().to_owned(), json!({ "summary": kind.parts().2.en, "value": example(*kind) })))
        .collect();
    let mut response = json!({
        "description": format!("{}.", titles.join(", or: ")),
        "content": { PROBLEM_JSON: { "schema": { "$ref": "#/components/schemas/Problem" }, "examples": examples } },
    });
    let own = match status {
        401 => Some(("WWW-Authenticate", "How to sign in.", json!({ "type": "string", "example": "Bearer" }))),
        412 => Some(("ETag", "The current revision.", json!({ "type": "string", "example": "\"r8\"" }))),
        429 | 503 => {
            Some(("Retry-After", "Seconds to wait.", json!({ "type": "integer", "minimum": 0, "example": 12 })))
        }
        _ => None,
    };
    if let Some((name, description, schema)) = own {
        response["headers"][name] = json!({ "description": description, "schema": schema });
    }
    add_common_headers(&mut response);
    response
}

fn example(kind: ProblemKind) -> Value {
    let (status, _, title) = kind.parts();
    let mut example = json!({
        "type": type_url(kind),
        "title": Language::En.say(title),
        "status": status,
        "instance": "urn:uuid:01932f5e-8a70-7abc-8def-0123456789ab",
    });
    if kind == ProblemKind::Invalid {
        example["detail"] = "Each fault is listed under errors.".into();
        example["errors"] = json!([{ "pointer": "/name", "code": "required", "detail": "This is required." }]);
    }
    example
}

/// The schemas of problems. They stay open: a kind may bring members of its own (RFC 9457, section 3.2).
pub fn schemas() -> Components {
    let text = |description: &str| json!({ "type": "string", "description": description });
    let problem = json!({
        "type": "object",
        "description": "What went wrong (RFC 9457). Act on `type` and on the codes; the texts are for people.",
        "required": ["type", "title", "status"],
        "properties": {
            "type": { "type": "string", "description": "Stable name of the kind of problem, and the page that explains it." },
            "title": text("The kind of problem, in the language of Accept-Language (nl or en)."),
            "status": { "type": "integer", "format": "int32", "minimum": 400, "maximum": 599, "description": "The HTTP status." },
            "detail": text("What went wrong this time, in the same language."),
            "instance": { "type": "string", "format": "uri", "description": "The request id; quote it when you report the problem." },
            "errors": {
                "type": "array", "maxItems": Faults::MOST, "items": { "$ref": "#/components/schemas/Fault" },
                "description": "The faults of the request.",
            },
        },
        "additionalProperties": true,
        "example": example(ProblemKind::Invalid),
    });
    let fault = json!({
        "type": "object",
        "description": "One fault of a request.",
        "required": ["pointer", "code", "detail"],
        "properties": {
            "pointer": text("JSON pointer (RFC 6901) into the body, or `query:name`, `header:name`."),
            "code": text("What is wrong, for programs: `required`, `unknown_field`, `type` …"),
            "detail": text("What is wrong, for people."),
        },
        "additionalProperties": false,
        "example": { "pointer": "/name", "code": "required", "detail": "This is required." },
    });
    [("Problem".to_owned(), problem), ("Fault".to_owned(), fault)].into_iter().collect()
}

/// Headers that every answer has.
pub fn common_headers() -> Value {
    json!({
        "API-Version": { "description": "The version of the API.", "required": true, "schema": { "type": "string", "example": API_VERSION } },
        "X-Request-Id": {
            "description": "Names this request in the log; problems repeat it as `instance`.", "required": true,
            "schema": { "type": "string", "format": "uuid", "example": "01932f5e-8a70-7abc-8def-0123456789ab" },
        },
        "RateLimit-Policy": { "description": "How many requests are allowed in how many seconds.", "schema": { "type": "string", "example": "\"token\";q=600;w=60" } },
        "RateLimit": { "description": "How many requests are left, and the seconds until all are there again.", "schema": { "type": "string", "example": "\"token\";r=599;t=1" } },
    })
}

pub fn add_common_headers(response: &mut Value) {
    for name in ["API-Version", "X-Request-Id", "RateLimit-Policy", "RateLimit"] {
        response["headers"][name] = json!({ "$ref": format!("#/components/headers/{name}") });
    }
}
