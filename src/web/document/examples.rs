//! Examples for bodies, answers and parameters: the types' own, or put together from the parts'.

use serde_json::{Map, Value, json};

use super::super::schema::{Components, reference};

/// How deep types may stand within each other when an example is put together; each reference counts as well.
const DEPTH: usize = 12;

/// An example that fits the schema; otherwise the place, as a pointer, of the first part that has to bring one.
pub fn of(schema: &Value, components: &Components) -> Result<Value, String> {
    build(schema, components, DEPTH)
}

fn build(schema: &Value, components: &Components, depth: usize) -> Result<Value, String> {
    let here = || Err(String::new());
    let Some(depth) = depth.checked_sub(1) else { return here() };
    let own = schema.get("example").or_else(|| schema.get("default"));
    if let Some(own) = own.filter(|own| !own.is_null()) {
        return Ok(own.clone());
    }
    if let Some(part) = reference(schema).and_then(|name| components.get(name)).or_else(|| first_part(schema)) {
        return build(part, components, depth);
    }
    if let Some(first) = schema.get("enum").and_then(|values| values.get(0)) {
        return Ok(first.clone());
    }
    let word = |keyword: &str| schema.get(keyword).and_then(Value::as_str).unwrap_or_default();
    match (word("type"), word("format")) {
        ("boolean", _) => Ok(Value::Bool(true)),
        ("integer" | "number", _) => Ok(schema.get("minimum").cloned().unwrap_or_else(|| 1.into())),
        ("string", "date-time") => Ok("2026-01-31T09:00:00.000Z".into()),
        ("string", "date") => Ok("2026-01-31".into()),
        ("array", _) => array(schema, components, depth),
        ("object", _) => object(schema, components, depth),
        _ => here(),
    }
}

/// The form of a composed schema that an example takes.
fn first_part(schema: &Value) -> Option<&Value> {
    ["allOf", "oneOf", "anyOf"].iter().find_map(|composed| schema.get(*composed)?.get(0))
}

fn array(schema: &Value, components: &Components, depth: usize) -> Result<Value, String> {
    let items = schema.get("items").ok_or_else(String::new)?;
    let item = build(items, components, depth).map_err(|place| format!("/0{place}"))?;
    Ok(json!([item]))
}

/// All required members, and those others for which an example can be made.
fn object(schema: &Value, components: &Components, depth: usize) -> Result<Value, String> {
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let mut example = Map::new();
    for (name, member) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        match build(member, components, depth) {
            Ok(value) => {
                example.insert(name.clone(), value);
            }
            Err(place) if required.contains(&name.as_str()) => return Err(format!("/{name}{place}")),
            Err(_) => {}
        }
    }
    Ok(Value::Object(example))
}

/// A patch changes little: the example takes one plain member of the type's own example.
pub fn add_patch_example(name: &str, target: &Value, components: &mut Components) {
    let Ok(Value::Object(whole)) = of(target, components) else { return };
    let plain = whole.into_iter().find(|(_, value)| value.is_string() || value.is_number());
    if let Some((member, value)) = plain
        && let Some(patch) = components.get_mut(name)
    {
        patch["example"] = json!({ member: value });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_without_an_example_is_named() {
        let inner = json!({ "type": "object", "required": ["name"], "properties": { "name": { "type": "string" } } });
        let components = Components::from([("Inner".to_owned(), inner)]);
        let list = json!({ "type": "array", "items": { "$ref": "#/components/schemas/Inner" } });
        let optional = json!({ "type": "object", "properties": { "list": list, "count": { "type": "integer" } } });
        assert_eq!(of(&list, &components), Err("/0/name".to_owned()));
        assert_eq!(of(&optional, &components), Ok(json!({ "count": 1 })));
        assert_eq!(of(&json!({ "type": "boolean", "default": null }), &components), Ok(json!(true)));
    }
}
