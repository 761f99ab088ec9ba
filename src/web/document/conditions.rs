//! What the document says of conditional reads (RFC 9110, section 13).

use serde_json::{Value, json};

use super::problems;

/// The parameter of every read that answers with an entity tag.
pub fn parameter() -> Value {
    json!({
        "name": "If-None-Match", "in": "header", "required": false, "example": "\"r7.1b2f03a4c5d6e7f8\"",
        "description": "The ETag that you have. 304 when the answer is still the same; the look is on record nevertheless.",
        "schema": { "type": "string", "maxLength": 1000 },
    })
}

/// 304: the caller has it already.
pub fn answer() -> Value {
    let tag = json!({ "description": "The tag of what you have.", "required": true, "schema": { "type": "string", "example": "\"r7.1b2f03a4c5d6e7f8\"" } });
    let mut answer = json!({ "description": "You have this already.", "headers": { "ETag": tag } });
    problems::add_common_headers(&mut answer);
    answer
}
