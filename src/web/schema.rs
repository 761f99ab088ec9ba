//! Our own published schemas: mended from what poem-openapi registers, and compiled to check bodies against them.
//!
//! The document and the validator read the same mended components, so a body that the document allows is accepted and
//! every other one is refused, with all its faults.
//!
//! Must never: accept a member that the document doesn't show.

use std::any::TypeId;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use jsonschema::{Draft, Validator};
use kluis_core::kernel::Faults;
use poem_openapi::registry::{MetaSchema, Registry};
use poem_openapi::types::Type;
use serde_json::{Map, Value, json};

use super::faults;

const REFERENCE: &str = "#/components/schemas/";

/// Mended component schemas by name, as they stand in the document.
pub type Components = BTreeMap<String, Value>;

/// One type's schema, compiled.
pub struct Shape {
    validator: Validator,
}

impl Shape {
    /// The shape of `T`, compiled at the first call; `None` when the schema itself is faulty, which a test excludes.
    pub fn of<T: Type + 'static>() -> Option<Arc<Self>> {
        Self::cached(TypeId::of::<T>(), false, || of_type::<T>())
    }

    /// The shape of a merge patch for `T` (RFC 7396): nothing is required, everything may be `null`.
    pub fn of_patch<T: Type + 'static>() -> Option<Arc<Self>> {
        Self::cached(TypeId::of::<T>(), true, || {
            let (root, mut components) = of_type::<T>();
            let root = add_patch(&root, &mut components);
            (root, components)
        })
    }

    /// Compiles a schema that stands by itself: a parameter's.
    pub fn of_schema(root: &Value, components: &Components) -> Option<Self> {
        let mut schema = json!({ "$schema": "https://json-schema.org/draft/2020-12/schema", "allOf": [root] });
        schema["components"] = json!({ "schemas": reachable(root, components) });
        to_json_schema(&mut schema);
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            .should_ignore_unknown_formats(true)
            .with_format("date-time", is_date_time)
            .offline()
            .build(&schema)
            .ok()?;
        Some(Self { validator })
    }

    /// Adds every fault of the value; pointers start with `base`.
    pub fn check(&self, value: &Value, base: &str, faults: &mut Faults) {
        // Most values are good, and to know only that is several times cheaper than to collect.
        if !self.validator.is_valid(value) {
            faults::collect(self.validator.iter_errors(value), base, faults);
        }
    }

    fn cached(id: TypeId, patch: bool, schema: impl FnOnce() -> (Value, Components)) -> Option<Arc<Self>> {
        type Cache = RwLock<HashMap<(TypeId, bool), Option<Arc<Shape>>>>;
        static CACHE: LazyLock<Cache> = LazyLock::new(Cache::default);
        if let Some(known) = CACHE.read().unwrap_or_else(PoisonError::into_inner).get(&(id, patch)) {
            return known.clone();
        }
        let (root, components) = schema();
        let shape = Self::of_schema(&root, &components).map(Arc::new);
        CACHE.write().unwrap_or_else(PoisonError::into_inner).insert((id, patch), shape.clone());
        shape
    }
}

fn of_type<T: Type>() -> (Value, Components) {
    let mut registry = Registry::new();
    T::register(&mut registry);
    let mut root = serde_json::to_value(T::schema_ref()).unwrap_or(Value::Bool(false));
    let mut components = components(&registry.schemas);
    mend(&mut root, &components);
    fill_patches(&registry.schemas, &mut components);
    (root, components)
}

/// The title by which a registered schema is known that only holds the place of a merge patch.
pub(super) const PLACEHOLDER: &str = "merge patch";

/// Puts the real schema of each registered merge patch where its placeholder stands; gives their names, and of what they
/// are patches.
pub fn fill_patches(registered: &BTreeMap<String, MetaSchema>, components: &mut Components) -> Vec<(String, Value)> {
    let mut filled = Vec::new();
    let patches = registered.iter().filter(|(_, schema)| schema.title.as_deref() == Some(PLACEHOLDER));
    for (name, _) in patches {
        let Some(target) =
            components.remove(name).and_then(|mut placeholder| placeholder["allOf"].get_mut(0).map(Value::take))
        else {
            continue;
        };
        add_patch(&target, components);
        filled.push((name.clone(), target));
    }
    filled
}

/// Every registered schema, mended.
pub fn components(registered: &BTreeMap<String, MetaSchema>) -> Components {
    let raw: Components = registered
        .iter()
        .map(|(name, schema)| (name.clone(), serde_json::to_value(schema).unwrap_or(Value::Bool(false))))
        .collect();
    let mut mended = raw.clone();
    for schema in mended.values_mut() {
        mend(schema, &raw);
    }
    mended
}

/// Mends one schema in place, and all within it.
pub fn mend(schema: &mut Value, components: &Components) {
    let Some(map) = schema.as_object_mut() else { return };
    flatten_all_of(map, components);
    if map.get("nullable") == Some(&Value::Bool(true)) && !map.contains_key("type") {
        make_reference_nullable(map);
    }
    mend_format(map);
    mend_bounds(map);
    map.remove("title");
    if map.get("type").is_some_and(|kind| kind == "object") && map.contains_key("properties") {
        map.entry("additionalProperties").or_insert(Value::Bool(false));
    }
    if map.contains_key("oneOf") || map.contains_key("anyOf") {
        map.remove("type");
    }
    for (keyword, inner) in map.iter_mut() {
        for_each_schema(keyword, inner, &mut |schema| mend(schema, components));
    }
}

/// Calls `visit` for each schema directly under a keyword.
pub fn for_each_schema(keyword: &str, inner: &mut Value, visit: &mut dyn FnMut(&mut Value)) {
    match (keyword, inner) {
        ("properties", Value::Object(members)) => members.values_mut().for_each(visit),
        ("oneOf" | "anyOf" | "allOf", Value::Array(members)) => members.iter_mut().for_each(visit),
        ("items" | "additionalProperties" | "not", inner) => visit(inner),
        _ => {}
    }
}

/// poem-openapi writes a reference with a description as `allOf: [reference, description]`, and a variant of a union as
/// `allOf: [discriminator, reference]`. The first keeps only the reference, the second becomes one object: two closed
/// objects under `allOf` would refuse each other's members.
fn flatten_all_of(map: &mut Map<String, Value>, components: &Components) {
    let Some(Value::Array(parts)) = map.remove("allOf") else { return };
    let describes_only = |part: &Value| part.get("$ref").is_none() && part.get("properties").is_none();
    let mut kept: Vec<Value> = parts.into_iter().filter(|part| !describes_only(part)).collect();
    let has_members = |part: &Value| resolve(part, components).get("properties").is_some();
    let flatten = kept.iter().any(|part| part.get("properties").is_some()) && kept.iter().all(has_members);
    if !flatten {
        map.insert("allOf".to_owned(), Value::Array(kept));
        return;
    }
    for part in &mut kept {
        merge_object(map, resolve(part, components));
    }
}

fn resolve<'a>(schema: &'a Value, components: &'a Components) -> &'a Value {
    reference(schema).and_then(|name| components.get(name)).unwrap_or(schema)
}

/// The component that a schema refers to.
pub fn reference(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix(REFERENCE)
}

/// The components that a value refers to, directly or through others.
pub fn reachable(root: &Value, components: &Components) -> Map<String, Value> {
    let mut wanted = BTreeSet::new();
    collect_references(root, &mut wanted);
    let mut found = Map::new();
    while let Some(name) = wanted.pop_first() {
        let Some(schema) = components.get(&name).filter(|_| !found.contains_key(&name)) else { continue };
        collect_references(schema, &mut wanted);
        found.insert(name, schema.clone());
    }
    found
}

fn collect_references(value: &Value, names: &mut BTreeSet<String>) {
    if let Some(name) = reference(value) {
        names.insert(name.to_owned());
    }
    match value {
        Value::Object(members) => members.values().for_each(|member| collect_references(member, names)),
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, names)),
        _ => {}
    }
}

/// Adds the members and the required names of an object to another one.
fn merge_object(target: &mut Map<String, Value>, part: &Value) {
    let Some(part) = part.as_object() else { return };
    for (keyword, value) in part {
        let Some(existing) = target.get_mut(keyword) else {
            target.insert(keyword.clone(), value.clone());
            continue;
        };
        match (existing, value) {
            (Value::Object(own), Value::Object(other)) if keyword == "properties" => own.extend(other.clone()),
            (Value::Array(own), Value::Array(other)) if keyword == "required" => own.extend(other.clone()),
            _ => {}
        }
    }
}

/// Formats by their registered names, and integers with the bounds that their Rust types have.
fn mend_format(map: &mut Map<String, Value>) {
    let Some(format) = map.get("format").and_then(Value::as_str) else { return };
    let (format, minimum, maximum) = match format {
        "naive-date" => ("date", None, None),
        "naive-time" => ("time", None, None),
        "int8" => ("int32", Some(i64::from(i8::MIN)), Some(i64::from(i8::MAX))),
        "int16" => ("int32", Some(i64::from(i16::MIN)), Some(i64::from(i16::MAX))),
        "int32" => ("int32", Some(i64::from(i32::MIN)), Some(i64::from(i32::MAX))),
        "uint8" => ("int32", Some(0), Some(i64::from(u8::MAX))),
        "uint16" => ("int32", Some(0), Some(i64::from(u16::MAX))),
        "uint32" => ("int64", Some(0), Some(i64::from(u32::MAX))),
        "int64" => ("int64", Some(i64::MIN), Some(i64::MAX)),
        "uint64" => ("int64", Some(0), Some(i64::MAX)),
        _ => return,
    };
    map.insert("format".to_owned(), format.into());
    if let Some(minimum) = minimum.filter(|minimum| *minimum != i64::MIN) {
        map.entry("minimum").or_insert(minimum.into());
    }
    if let Some(maximum) = maximum.filter(|maximum| *maximum != i64::MAX) {
        map.entry("maximum").or_insert(maximum.into());
    }
}

/// poem-openapi writes every bound as a fraction; an integer's bounds are integers.
fn mend_bounds(map: &mut Map<String, Value>) {
    if map.get("type").is_none_or(|kind| kind != "integer") {
        return;
    }
    for bound in ["minimum", "maximum", "multipleOf"] {
        if let Some(limit) = map.get_mut(bound).filter(|limit| limit.is_f64())
            && let Some(whole) = limit.as_f64().and_then(|limit| format!("{limit}").parse::<i64>().ok())
        {
            *limit = whole.into();
        }
    }
}

/// Adds `<Name>Patch` beside each object that a patch of `schema` can reach, and gives the patch's own schema.
/// Arrays are replaced whole by a merge patch, so what is within them stays as it is.
pub fn add_patch(schema: &Value, components: &mut Components) -> Value {
    if let Some(name) = reference(schema).map(str::to_owned) {
        let Some(target) = components.get(&name).cloned() else { return schema.clone() };
        if target.get("properties").is_none() {
            return schema.clone();
        }
        let patch_name = format!("{name}Patch");
        if !components.contains_key(&patch_name) {
            components.insert(patch_name.clone(), Value::Null);
            let mut patch = patch_of_object(target, components);
            patch["description"] =
                format!("What to change in {name}: a name that is absent stays as it is, null takes it away.").into();
            components.insert(patch_name.clone(), patch);
        }
        return json!({ "$ref": format!("{REFERENCE}{patch_name}") });
    }
    if schema.get("properties").is_some() {
        return patch_of_object(schema.clone(), components);
    }
    if let Some([single]) = schema.get("allOf").and_then(Value::as_array).map(Vec::as_slice) {
        let mut patch = schema.clone();
        patch["allOf"] = json!([add_patch(single, components)]);
        return patch;
    }
    if let Some([form, other]) = schema.get("oneOf").and_then(Value::as_array).map(Vec::as_slice)
        && *other == null_schema()
    {
        let mut patch = schema.clone();
        patch["oneOf"] = json!([add_patch(form, components), other]);
        return patch;
    }
    schema.clone()
}

fn patch_of_object(mut object: Value, components: &mut Components) -> Value {
    let Some(map) = object.as_object_mut() else { return object };
    for keyword in ["required", "example", "minProperties"] {
        map.remove(keyword);
    }
    if let Some(Value::Object(members)) = map.get_mut("properties") {
        for member in members.values_mut() {
            *member = nullable(add_patch(member, components));
        }
    }
    object
}

fn nullable(schema: Value) -> Value {
    let mut schema = if schema.get("$ref").is_some() { json!({ "allOf": [schema] }) } else { schema };
    if let Some(map) = schema.as_object_mut() {
        map.remove("default");
        if map.contains_key("type") {
            map.insert("nullable".to_owned(), Value::Bool(true));
        } else if !map.get("oneOf").is_some_and(|forms| forms.get(1) == Some(&null_schema())) {
            make_reference_nullable(map);
        }
        if let Some(Value::Array(values)) = map.get_mut("enum")
            && !values.contains(&Value::Null)
        {
            values.push(Value::Null);
        }
    }
    schema
}

/// In OpenAPI 3.0 `nullable` counts only beside a `type`, so a reference that may be null is one of two forms.
fn make_reference_nullable(map: &mut Map<String, Value>) {
    map.remove("nullable");
    let Some(Value::Array(mut parts)) = map.remove("allOf") else { return };
    let whole = if parts.len() == 1 { parts.remove(0) } else { json!({ "allOf": parts }) };
    map.insert("oneOf".to_owned(), json!([whole, null_schema()]));
}

/// Nothing but null, in the words of OpenAPI 3.0.
fn null_schema() -> Value {
    json!({ "type": "string", "nullable": true, "enum": [null] })
}

/// From OpenAPI 3.0's dialect to JSON Schema 2020-12: `nullable` and the boolean exclusive bounds are its own.
fn to_json_schema(schema: &mut Value) {
    if *schema == null_schema() {
        *schema = json!({ "type": "null" });
        return;
    }
    let Some(map) = schema.as_object_mut() else { return };
    for (bound, exclusive) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")] {
        if map.remove(exclusive) == Some(Value::Bool(true))
            && let Some(limit) = map.remove(bound)
        {
            map.insert(exclusive.to_owned(), limit);
        }
    }
    for keyword in ["discriminator", "example", "default", "xml"] {
        map.remove(keyword);
    }
    let nullable = map.remove("nullable") == Some(Value::Bool(true));
    if let Some(Value::Object(components)) = map.get_mut("components")
        && let Some(Value::Object(schemas)) = components.get_mut("schemas")
    {
        schemas.values_mut().for_each(to_json_schema);
    }
    for (keyword, inner) in map.iter_mut() {
        for_each_schema(keyword, inner, &mut to_json_schema);
    }
    if nullable {
        let inner = schema.take();
        *schema = json!({ "anyOf": [{ "type": "null" }, inner] });
    }
}

/// RFC 3339 with a zone, as chrono reads it: what passes here is parsed by serde afterwards.
fn is_date_time(text: &str) -> bool {
    chrono::DateTime::parse_from_rfc3339(text).is_ok()
}
