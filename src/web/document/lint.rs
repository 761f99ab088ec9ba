//! What a document needs: gaps stop the start, findings fail a test and the command that writes it.
//!
//! Must never: change the document.

use std::collections::BTreeSet;

use kluis_core::kernel::Faults;
use poem::http::Method;
use serde_json::Value;

use super::super::schema::{Components, Shape, reference};
use super::{Document, Operation, Settings, examples};

/// What must stop the start: an operation without guard, an id that isn't one, a list that names what isn't there.
pub fn gaps(document: &Document, settings: &Settings<'_>) -> Vec<String> {
    let mut gaps = Vec::new();
    let mut seen = BTreeSet::new();
    for operation in document.operations() {
        if !seen.insert(operation.id.as_str()) || operation.id.is_empty() {
            gaps.push(format!("operation id {:?} stands twice, or is missing", operation.id));
        }
        if !operation.public && !operation.guarded {
            let Operation { method, template, .. } = operation;
            gaps.push(format!("{method} {template}: neither guarded by a scope nor on the list of public operations"));
        }
    }
    let named = settings.public.iter().chain(settings.also.iter().map(|(id, _)| id));
    gaps.extend(named.filter(|id| !seen.contains(**id)).map(|id| format!("there is no operation {id}")));
    gaps
}

/// Everything else that is wrong, in sentences for the developer.
pub fn findings(document: &Document) -> Vec<String> {
    let mut findings = Vec::new();
    let components = document.components();
    for operation in document.operations() {
        let value = &document.value()["paths"][&operation.template][operation.method.as_str().to_ascii_lowercase()];
        check_operation(operation, value, &components, &mut |finding| {
            findings.push(format!("{} {}: {finding}", operation.method, operation.template));
        });
    }
    for tag in document.value()["tags"].as_array().into_iter().flatten() {
        if tag["description"].as_str().is_none_or(str::is_empty) {
            findings.push(format!("tag {}: no description", tag["name"]));
        }
    }
    for (name, schema) in &components {
        check_schema(name, schema, &components, &mut findings);
    }
    findings
}

fn check_operation(operation: &Operation, value: &Value, components: &Components, find: &mut dyn FnMut(String)) {
    for text in ["summary", "description"] {
        if value[text].as_str().is_none_or(str::is_empty) {
            find(format!("no {text}"));
        }
    }
    if !is_camel_case(&operation.id) {
        find(format!("operation id {:?} isn't in camel case", operation.id));
    }
    if value["tags"].as_array().is_none_or(Vec::is_empty) {
        find("no tag".to_owned());
    }
    let variable = |segment: &str| segment.starts_with('{');
    let kebab = |segment: &str| {
        let segment = segment.strip_prefix('_').unwrap_or(segment);
        segment.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    if operation.template != super::PATH
        && !operation.template.split('/').all(|segment| variable(segment) || kebab(segment))
    {
        find("the path isn't in kebab case".to_owned());
    }
    check_parameters(operation, components, find);
    check_conventions(operation, value, components, find);
    check_contents("request", &value["requestBody"], components, find);
    for (status, response) in value["responses"].as_object().into_iter().flatten() {
        check_contents(status, response, components, find);
    }
}

fn check_parameters(operation: &Operation, components: &Components, find: &mut dyn FnMut(String)) {
    for parameter in &operation.parameters {
        let name = parameter["name"].as_str().unwrap_or_default();
        if parameter["description"].as_str().is_none_or(str::is_empty) {
            find(format!("parameter {name}: no description"));
        }
        match parameter.get("example").filter(|example| !example.is_null()) {
            Some(example) => {
                check_example(&format!("parameter {name}"), example, &parameter["schema"], components, find);
            }
            None => find(format!("parameter {name}: no example")),
        }
        match parameter["in"].as_str() {
            Some("path") if !operation.template.contains(&format!("{{{name}}}")) => {
                find(format!("parameter {name}: not in the path"));
            }
            Some("query" | "path") if !is_camel_case(name) => find(format!("parameter {name}: not in camel case")),
            _ => {}
        }
    }
}

fn check_contents(place: &str, message: &Value, components: &Components, find: &mut dyn FnMut(String)) {
    for (kind, media) in message["content"].as_object().into_iter().flatten() {
        if !kind.contains("json") {
            continue;
        }
        if let Some(example) = media.get("example") {
            check_example(place, example, &media["schema"], components, find);
            continue;
        }
        let missing = examples::of(&media["schema"], components).err().filter(|missing| !missing.is_empty());
        let where_ = missing.map(|missing| format!(": {missing} has none")).unwrap_or_default();
        find(format!("{place}: no example for {kind}{where_}"));
    }
}

/// What every operation of its kind takes and gives: pages of lists, preconditions of changes.
fn check_conventions(operation: &Operation, value: &Value, components: &Components, find: &mut dyn FnMut(String)) {
    let takes = |name: &str| operation.takes(name);
    let is_record = operation.template.ends_with('}');
    if is_record && matches!(operation.method, Method::PATCH | Method::DELETE) && !takes("If-Match") {
        find("no If-Match: take the argument if_match: IfMatch".to_owned());
    }
    let answer = &value["responses"]["200"];
    if operation.method == Method::GET && is_list(&answer["content"]["application/json"]["schema"], components) {
        let pages = takes("pageSize") && takes("cursor") && answer["headers"]["Link"].is_object();
        if !pages {
            find(
                "a list without pages: take the argument page: Page, answer with page.listing or page.whole".to_owned(),
            );
        }
    }
}

/// An object whose `items` are a list.
fn is_list(schema: &Value, components: &Components) -> bool {
    let schema = reference(schema).and_then(|name| components.get(name)).unwrap_or(schema);
    schema["properties"]["items"]["type"] == "array"
}

fn check_example(place: &str, example: &Value, schema: &Value, components: &Components, find: &mut dyn FnMut(String)) {
    let Some(shape) = Shape::of_schema(schema, components) else {
        return find(format!("{place}: the schema can't be compiled"));
    };
    let mut faults = Faults::new();
    shape.check(example, "", &mut faults);
    for fault in faults.into_vec() {
        find(format!("{place}: the example has a fault at {:?}: {}", fault.pointer, fault.code));
    }
}

fn check_schema(name: &str, schema: &Value, components: &Components, findings: &mut Vec<String>) {
    if schema["description"].as_str().is_none_or(str::is_empty) {
        findings.push(format!("schema {name}: no description"));
    }
    for property in schema["properties"].as_object().into_iter().flatten().map(|(property, _)| property) {
        if !is_camel_case(property) {
            findings.push(format!("schema {name}: {property} isn't in camel case"));
        }
    }
    if let Some(example) = schema.get("example") {
        check_example(&format!("schema {name}"), example, schema, components, &mut |finding| findings.push(finding));
    }
}

fn is_camel_case(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric())
}
