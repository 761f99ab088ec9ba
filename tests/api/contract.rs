//! The published document as tests walk it: operations, their parameters, and requests that it calls valid.

use poem::http::Method;
use serde_json::{Map, Value, json};

use crate::support::app::TestApp;

/// The document, with a few questions that tests ask of it.
pub struct Contract(Value);

/// One operation of the document.
#[derive(Clone)]
pub struct Operation {
    pub id: String,
    pub method: Method,
    /// As in the document, without the server's `/v1`.
    pub template: String,
    pub parameters: Vec<Value>,
    /// Content type and schema of the body.
    pub body: Option<(String, Value)>,
    /// The body's example as the document shows it.
    pub example: Option<Value>,
}

impl Contract {
    pub fn published() -> Self {
        Self(kluis::domains::document().unwrap_or_else(|error| panic!("{error}")).value().clone())
    }

    pub fn operations(&self) -> Vec<Operation> {
        let mut found = Vec::new();
        for (template, item) in self.0["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("a path item") {
                if let Ok(method) = method.to_uppercase().parse::<Method>()
                    && operation.get("operationId").is_some()
                {
                    found.push(read(template, method, operation));
                }
            }
        }
        assert!(!found.is_empty(), "the document has no operations");
        found
    }

    /// Whether anybody may ask it, without saying who they are.
    pub fn is_public(&self, operation: &Operation) -> bool {
        let method = operation.method.as_str().to_lowercase();
        self.0["paths"][&operation.template][method]["security"].as_array().is_some_and(Vec::is_empty)
    }

    /// Where a reference leads, or the schema itself.
    pub fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix('#')) {
            Some(pointer) => self.resolve(self.0.pointer(pointer).unwrap_or(&Value::Null)),
            None => schema,
        }
    }

    /// The body's example: the media type's own, or its schema's.
    pub fn example_of(&self, operation: &Operation) -> Option<Value> {
        let (_, schema) = operation.body.as_ref()?;
        operation.example.clone().or_else(|| self.resolve(schema).get("example").cloned())
    }
}

fn read(template: &str, method: Method, operation: &Value) -> Operation {
    let content = operation.pointer("/requestBody/content").and_then(Value::as_object);
    let media = content.and_then(|content| content.iter().next());
    let example = media.and_then(|(_, media)| {
        let of_many = || media.get("examples")?.as_object()?.values().next()?.get("value").cloned();
        media.get("example").cloned().or_else(of_many)
    });
    Operation {
        id: operation["operationId"].as_str().expect("an operation id").to_owned(),
        method,
        template: template.to_owned(),
        parameters: operation["parameters"].as_array().cloned().unwrap_or_default(),
        body: media.map(|(kind, media)| (kind.clone(), media["schema"].clone())),
        example,
    }
}

impl Operation {
    /// Names of the parameters that stand in the path, in its order, each with the prefix of its kind of id.
    /// A parameter that isn't an id has none.
    pub fn path_ids(&self) -> Vec<(String, Option<String>)> {
        let names = self.template.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let kind = |name: &str| {
            let of_name = |p: &&Value| p["in"] == "path" && p["name"] == name;
            let pattern = self.parameters.iter().find(of_name)?.pointer("/schema/pattern")?.as_str()?;
            Some(pattern.strip_prefix('^')?.split_once('_')?.0.to_owned())
        };
        names.map(|name| (name.to_owned(), kind(name))).collect()
    }

    /// The path with these values in the places of its parameters.
    pub fn path(&self, ids: &[String]) -> String {
        fill(&self.template, ids)
    }

    /// The headers that the document demands, with its examples of them.
    pub fn required_headers(&self) -> Vec<(String, String)> {
        let demanded = |p: &&Value| p["in"] == "header" && p["required"] == true;
        let of = |p: &Value| {
            let name = p["name"].as_str().expect("a name").to_owned();
            let known = if name.eq_ignore_ascii_case("if-match") { Some("\"r1\"") } else { None };
            let shown = p.get("example").or_else(|| p.pointer("/schema/example")).and_then(Value::as_str);
            let value = known.or(shown).unwrap_or_else(|| panic!("{}: no example of {name}", self.id)).to_owned();
            (name, value)
        };
        self.parameters.iter().filter(demanded).map(of).collect()
    }
}

/// A template with these values in the places of its parameters; those for which there is no value stay.
pub fn fill(template: &str, ids: &[String]) -> String {
    let mut ids = ids.iter();
    let parts = template
        .split('/')
        .map(|part| if part.starts_with('{') { ids.next().map_or(part, String::as_str) } else { part });
    format!("/v1{}", parts.collect::<Vec<_>>().join("/"))
}

/// An answer: status, the headers that say something about the record, and the body without the request's own id.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub headers: Map<String, Value>,
    pub body: Value,
}

/// Headers that differ from one request to the next, whatever it asks for.
const OF_THE_REQUEST: [&str; 6] =
    ["x-request-id", "request-id", "date", "ratelimit", "ratelimit-policy", "api-version"];

impl TestApp {
    /// Asks an operation for something.
    pub async fn ask(&self, token: &str, operation: &Operation, path: &str, body: Option<&Value>) -> Answer {
        let mut request = self.client.request(operation.method.clone(), path);
        request = request.header("authorization", format!("Bearer {token}"));
        for (name, value) in operation.required_headers() {
            request = request.header(name, value);
        }
        if let (Some((kind, _)), Some(body)) = (&operation.body, body) {
            request = request.content_type(kind).body(body.to_string());
        }
        let response = request.send().await;
        let status = response.0.status().as_u16();
        let mut headers = Map::new();
        for (name, value) in response.0.headers() {
            if !OF_THE_REQUEST.contains(&name.as_str()) {
                headers.insert(name.to_string(), json!(value.to_str().unwrap_or("?")));
            }
        }
        let text = response.0.into_body().into_string().await.unwrap_or_default();
        let mut body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        if let Some(members) = body.as_object_mut() {
            members.remove("instance");
        }
        Answer { status, headers, body }
    }
}
