//! The document describes its own address too (Logius API Design Rules, /core/publish-openapi).

use poem::http::Method;
use serde_json::{Value, json};

use super::{Operation, conditions, problems};

/// Where the document is, below the server's URL.
pub const PATH: &str = "/openapi.json";
const TAG: &str = "Document";

pub fn tag() -> Value {
    json!({ "name": TAG, "description": "The description of this API." })
}

/// The operation that answers with the document, and its place in the document.
pub fn operation() -> (Operation, Value) {
    let operation = Operation {
        id: "getDocument".to_owned(),
        method: Method::GET,
        template: PATH.to_owned(),
        public: true,
        guarded: false,
        parameters: vec![conditions::parameter()],
        produces: vec!["application/json".to_owned()],
    };
    let mut answer = json!({
        "description": "The OpenAPI document.",
        "content": { "application/json": { "schema": { "type": "object" }, "example": { "openapi": "3.0.3" } } },
        "headers": { "ETag": { "description": "The version of the document.", "schema": { "type": "string", "example": "\"1f3a\"" } } },
    });
    problems::add_common_headers(&mut answer);
    let mut responses = json!({ "200": answer, "304": conditions::answer() });
    for status in [400, 406, 429, 500, 503] {
        if let Some(name) = problems::response_name(status) {
            responses[status.to_string()] = json!({ "$ref": format!("#/components/responses/{name}") });
        }
    }
    let item = json!({
        "get": {
            "tags": [TAG],
            "summary": "Gets this document.",
            "description": "The description of the whole API, in OpenAPI 3.0. Anybody may read it.",
            "operationId": operation.id,
            "parameters": operation.parameters,
            "security": [],
            "responses": responses,
        },
    });
    (operation, item)
}
