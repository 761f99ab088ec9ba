//! One operation of the document: parameters, security, answers, and what the server keeps of it.

use poem::http::Method;
use poem_openapi::registry::MetaOperation;
use serde_json::{Map, Value, json};

use super::super::page;
use super::super::schema::{self, Components};
use super::{Settings, Word, conditions, examples, problems, words};

/// The names of the security schemes.
pub const BEARER: &str = "bearerToken";
pub const SESSION: &str = "session";

/// What the server has to know of an operation before its handler runs.
#[derive(Debug, Clone)]
pub struct Operation {
    pub id: String,
    pub method: Method,
    /// As in the document: `/customers/{id}`.
    pub template: String,
    /// Answers without sign-in.
    pub public: bool,
    /// An extractor of the handler asks who calls.
    pub guarded: bool,
    /// The parameters as they stand in the document.
    pub parameters: Vec<Value>,
    /// Content types of the successful answers; empty when they have no body.
    pub produces: Vec<String>,
}

impl Operation {
    /// Whether it takes a parameter of this name.
    pub fn takes(&self, name: &str) -> bool {
        self.parameters.iter().any(|parameter| parameter["name"] == name)
    }
}

/// The finished operation, and what the server keeps of it.
pub fn finish(
    path: &str,
    meta: &MetaOperation,
    components: &Components,
    settings: &Settings<'_>,
) -> (Operation, Value) {
    let mut value = serde_json::to_value(meta).unwrap_or_default();
    let id = meta.operation_id.unwrap_or_default().to_owned();
    let public = settings.public.contains(&id.as_str());

    let mut parameters = parameters(path, &value, components, settings.words);
    if takes_idempotency_key(&meta.method, path, public) {
        parameters.push(idempotency_key());
    }
    mend_contents(&mut value["requestBody"], components);
    if value["requestBody"].is_null() {
        remove(&mut value, "requestBody");
    }
    let produces = mend_answers(&mut value["responses"], components);
    if meta.method == Method::GET && value["responses"]["200"]["headers"]["ETag"].is_object() {
        parameters.push(conditions::parameter());
        value["responses"]["304"] = conditions::answer();
    }
    add_problems(&mut value, path, meta, &parameters, public, settings);
    value["security"] = if public { json!([]) } else { json!([{ BEARER: [] }, { SESSION: [] }]) };
    if parameters.is_empty() {
        remove(&mut value, "parameters");
    } else {
        value["parameters"] = Value::Array(parameters.clone());
    }
    let template = path.to_owned();
    let guarded = !meta.security.is_empty();
    (Operation { id, method: meta.method.clone(), template, public, guarded, parameters, produces }, value)
}

/// Every `POST` that does something can be repeated safely; a search or another question can be anyway.
pub fn takes_idempotency_key(method: &Method, path: &str, public: bool) -> bool {
    *method == Method::POST && !public && !asks(path)
}

/// `POST …/_search`, `POST …/_duplicates`: a question whose terms must not stand in a URL.
fn asks(path: &str) -> bool {
    matches!(path.rsplit('/').next(), Some("_search" | "_duplicates"))
}

fn idempotency_key() -> Value {
    json!({
        "name": "Idempotency-Key", "in": "header", "required": false, "example": "01932f5e-8a70-7abc-8def-0123456789ab",
        "description": "A key of your choice, best a UUID. Within 24 hours the same request with the same key is answered with its first answer and done only once.",
        "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x21-\\x7e]+$" },
    })
}

fn remove(value: &mut Value, name: &str) {
    if let Some(map) = value.as_object_mut() {
        map.remove(name);
    }
}

/// Parameters with their real names, a description and an example each, and without what is the default anyway.
fn parameters(path: &str, operation: &Value, components: &Components, known: &[Word]) -> Vec<Value> {
    let declared = operation["parameters"].as_array().cloned().unwrap_or_default();
    let expanded = declared.into_iter().flat_map(|parameter| expand(parameter, path, components, known));
    let mut parameters: Vec<Value> = Vec::new();
    for parameter in expanded {
        // Two extractors of one handler may read the same header.
        let same = |known: &Value| known["in"] == parameter["in"] && known["name"] == parameter["name"];
        if !parameters.iter().any(same) {
            parameters.push(parameter);
        }
    }
    parameters
}

fn expand(mut parameter: Value, path: &str, components: &Components, known: &[Word]) -> Vec<Value> {
    let title = parameter["schema"]["title"].as_str().map(str::to_owned);
    if title.as_deref() == Some(page::MARKER) {
        return page::parameters();
    }
    if let Some(name) = title.filter(|_| parameter["in"] == "header") {
        parameter["name"] = name.into();
    }
    let name = parameter["name"].as_str().unwrap_or_default().to_owned();
    let is_in_path = parameter["in"] == "path";
    let mut schema = parameter["schema"].take();
    schema::mend(&mut schema, components);
    let Some(map) = parameter.as_object_mut() else { return Vec::new() };
    map.retain(|name, value| match name.as_str() {
        "deprecated" => value == true,
        "explode" => value == false,
        _ => true,
    });
    let of_type = schema.as_object_mut().and_then(|inner| inner.remove("description"));
    let of_place = || is_in_path.then(|| which_one(path, &name)).flatten().map(Value::from);
    let text = of_type.or_else(of_place).or_else(|| words::meaning(&name, &schema, components, known));
    if let Some(text) = text {
        map.entry("description").or_insert(text);
    }
    let example = examples::of(&schema, components).ok().or_else(|| words::example(&name, &schema, known));
    if let Some(inner) = schema.as_object_mut() {
        inner.remove("example");
    }
    if let Some(example) = example {
        map.insert("example".to_owned(), example);
    }
    map.insert("schema".to_owned(), schema);
    vec![parameter]
}

/// What a name in a path stands for: one of what the segment before it holds.
fn which_one(path: &str, name: &str) -> Option<String> {
    let place = path.find(&format!("/{{{name}}}"))?;
    let collection = path.get(..place)?.rsplit('/').next()?;
    Some(format!("The id of one of the {}.", collection.replace('-', " ")))
}

/// Content types without their charset, schemas mended, an example beside each.
fn mend_contents(message: &mut Value, components: &Components) -> Vec<String> {
    let Some(Value::Object(contents)) = message.get_mut("content") else { return Vec::new() };
    let mended: Map<String, Value> = std::mem::take(contents)
        .into_iter()
        .map(|(kind, mut media)| {
            let kind = kind.split(';').next().unwrap_or_default().trim().to_owned();
            schema::mend(&mut media["schema"], components);
            if let Ok(example) = examples::of(&media["schema"], components) {
                media["example"] = example;
            }
            (kind, media)
        })
        .collect();
    let kinds = mended.keys().cloned().collect();
    *contents = mended;
    kinds
}

/// The successful answers; gives their content types.
fn mend_answers(responses: &mut Value, components: &Components) -> Vec<String> {
    let Some(responses) = responses.as_object_mut() else { return Vec::new() };
    let mut produces = Vec::new();
    for (status, response) in responses.iter_mut() {
        let kinds = mend_contents(response, components);
        if status.starts_with('2') {
            produces.extend(kinds);
        }
        if let Some(Value::Object(headers)) = response.get_mut("headers") {
            for header in headers.values_mut() {
                remove_if(header, "deprecated", &Value::Bool(false));
                schema::mend(&mut header["schema"], components);
            }
        }
        problems::add_common_headers(response);
    }
    produces.sort();
    produces.dedup();
    produces
}

fn remove_if(value: &mut Value, name: &str, unwanted: &Value) {
    if value.get(name) == Some(unwanted) {
        remove(value, name);
    }
}

/// The problem answers that follow from what the operation takes and does.
fn add_problems(
    value: &mut Value,
    path: &str,
    meta: &MetaOperation,
    parameters: &[Value],
    public: bool,
    settings: &Settings<'_>,
) {
    let has = |place: &str| parameters.iter().any(|parameter| parameter["in"] == place);
    let named = |name: &str| parameters.iter().any(|parameter| parameter["name"] == name);
    let has_body = meta.request.is_some();
    let writes = meta.method != Method::GET && !asks(path);
    let mut statuses = vec![406, 429, 500, 503];
    if has_body || has("query") || has("header") {
        statuses.push(400);
    }
    if !public {
        statuses.extend([401, 403]);
    }
    if has("path") {
        statuses.push(404);
    }
    if writes {
        statuses.push(409);
    }
    if named("If-Match") {
        statuses.extend([412, 428]);
    }
    if has_body {
        statuses.extend([413, 415]);
    }
    if named("Idempotency-Key") {
        statuses.push(422);
    }
    let id = meta.operation_id.unwrap_or_default();
    statuses.extend(settings.also.iter().filter(|(operation, _)| *operation == id).map(|(_, status)| *status));
    for status in statuses {
        if let Some(name) = problems::response_name(status) {
            let reference = json!({ "$ref": format!("#/components/responses/{name}") });
            let responses = &mut value["responses"];
            if responses.get(status.to_string()).is_none() {
                responses[status.to_string()] = reference;
            }
        }
    }
}
