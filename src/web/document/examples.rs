//! Examples for bodies, answers and parameters: the types' own, or put together from the parts'.

use serde_json::{Map, Value, json};

use super::super::schema::{Components, reference};

/// How deep types may stand within each other when an example is put together.
const DEPTH: usize = 8;

/// An example that fits the schema; `None` when the type has to bring one and doesn't.
pub fn of(schema: &Value, components: &Components) -> Option<Value> {
    build(schema, components, DEPTH)
}

fn build(schema: &Value, components: &Components, depth: usize) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    if let Some(own) = schema.get("example").or_else(|| schema.get("default")) {
        return Some(own.clone());
    }
    if let Some(name) = reference(schema) {
        return build(components.get(name)?, components, depth);
    }
    for composed in ["allOf", "oneOf", "anyOf"] {
        if let Some(part) = schema.get(composed).and_then(|parts| parts.get(0)) {
            return build(part, components, depth);
        }
    }
    if let Some(first) = schema.get("enum").and_then(|values| values.get(0)) {
        return Some(first.clone());
    }
    match (schema.get("type").and_then(Value::as_str)?, schema.get("format").and_then(Value::as_str)) {
        ("boolean", _) => Some(Value::Bool(true)),
        ("integer" | "number", _) => Some(schema.get("minimum").cloned().unwrap_or_else(|| 1.into())),
        ("string", Some("date-time")) => Some("2026-01-31T09:00:00.000Z".into()),
        ("string", Some("date")) => Some("2026-01-31".into()),
        ("array", _) => Some(json!([build(schema.get("items")?, components, depth)?])),
        ("object", _) => object(schema, components, depth),
        _ => None,
    }
}

/// All required members, and those others for which an example can be made.
fn object(schema: &Value, components: &Components, depth: usize) -> Option<Value> {
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let mut example = Map::new();
    for (name, member) in schema.get("properties")?.as_object()? {
        match build(member, components, depth) {
            Some(value) => {
                example.insert(name.clone(), value);
            }
            None if required.contains(&name.as_str()) => return None,
            None => {}
        }
    }
    Some(Value::Object(example))
}

/// A patch changes little: the example takes one plain member of the type's own example.
pub fn add_patch_example(name: &str, target: &Value, components: &mut Components) {
    let Some(Value::Object(whole)) = of(target, components) else { return };
    let plain = whole.into_iter().find(|(_, value)| value.is_string() || value.is_number());
    if let Some((member, value)) = plain
        && let Some(patch) = components.get_mut(name)
    {
        patch["example"] = json!({ member: value });
    }
}
