//! Personal data in an answer, without a decision.

use kluis_core::privacy::Sensitive;
use serde::Serialize;

fn main() {
    let name = Sensitive::new(String::new());
    let _ = name.serialize(serde_json::value::Serializer);
}
