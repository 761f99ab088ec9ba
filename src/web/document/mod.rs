//! The OpenAPI document: what poem-openapi knows of the API, mended into a valid OAS 3.0.3 document.
//!
//! The same document is checked in (`openapi/kluis.json`), served, used to check parameters, and walked by the tests.
//! Its order is fixed: names are sorted, so that a difference is a change of the API.
//!
//! Must never: let an operation through that is neither guarded nor on the list of public ones.

mod conditions;
mod examples;
mod links;
mod lint;
mod operations;
mod problems;
mod publication;
mod words;

use poem_openapi::OpenApi;
use poem_openapi::registry::{MetaTag, Registry};
use serde_json::{Map, Value, json};

use super::headers::API_VERSION;
use super::schema::{self, Components};

pub use operations::{BEARER, Operation};
pub use publication::PATH;

/// What the code of the API doesn't say by itself.
#[derive(Debug, Clone)]
pub struct Settings<'a> {
    pub title: &'a str,
    pub description: &'a str,
    pub contact: Contact<'a>,
    /// Operation ids that answer without sign-in: a list that only shrinks.
    pub public: &'a [&'a str],
    /// The cookie of the pages' sessions.
    pub session_cookie: &'a str,
    /// Statuses beyond those that follow from method, parameters and security: `("signIn", 401)`.
    pub also: &'a [(&'a str, u16)],
    /// What names mean, for parameters and members that don't say it themselves.
    pub words: &'a [Word],
}

/// A name of the house: what it means wherever it stands, and how a text of this name looks.
#[derive(Debug, Clone, Copy)]
pub struct Word {
    pub name: &'static str,
    pub means: &'static str,
    pub example: Option<&'static str>,
}

/// Whom to ask about this API.
#[derive(Debug, Clone)]
pub struct Contact<'a> {
    pub name: &'a str,
    pub url: &'a str,
    pub email: &'a str,
}

/// The finished document, and what the server has to know of each operation.
#[derive(Debug)]
pub struct Document {
    value: Value,
    operations: Vec<Operation>,
    session_cookie: String,
}

/// Why there is no document: every operation that isn't as the settings say, for the developer.
#[derive(Debug, thiserror::Error)]
#[error("the API has gaps:\n{}", .0.join("\n"))]
pub struct DocumentError(pub Vec<String>);

impl Document {
    /// Generates and mends the document of `T`; refused when an operation is neither guarded nor public.
    pub fn of<T: OpenApi>(settings: &Settings<'_>) -> Result<Self, DocumentError> {
        let mut registry = Registry::new();
        T::register(&mut registry);
        let mut components = finished_components(&registry, settings.words);
        components.extend(problems::schemas());

        let mut paths = Map::new();
        let mut operations = Vec::new();
        for path in T::meta().into_iter().flat_map(|api| api.paths) {
            let item = paths.entry(path.path.clone()).or_insert_with(|| Value::Object(Map::new()));
            for meta in &path.operations {
                let (operation, value) = operations::finish(&path.path, meta, &components, settings);
                item[meta.method.as_str().to_ascii_lowercase()] = value;
                operations.push(operation);
            }
        }

        links::add(&mut paths, &operations);

        let (own, item) = publication::operation();
        operations.push(own);
        paths.insert(publication::PATH.to_owned(), item);

        let mut value = json!({
            "openapi": "3.0.3",
            "info": info(settings),
            "servers": [{ "url": "/v1", "description": "This server" }],
            "tags": registry.tags.iter().map(tag).chain([publication::tag()]).collect::<Vec<_>>(),
            "paths": paths,
            "components": {
                "headers": problems::common_headers(),
                "responses": problems::responses(),
                "securitySchemes": security_schemes(settings),
            },
        });
        value["components"]["schemas"] = Value::Object(schema::reachable(&value, &components));
        drop_unused_responses(&mut value);

        let document = Self { value, operations, session_cookie: settings.session_cookie.to_owned() };
        let findings = lint::gaps(&document, settings);
        if findings.is_empty() { Ok(document) } else { Err(DocumentError(findings)) }
    }

    /// What a reader would miss: texts, examples that fit, names in the house's spelling. Takes a while, so that it isn't
    /// done at start but by a test and by the command that writes the document; both refuse any finding.
    pub fn findings(&self) -> Vec<String> {
        lint::findings(self)
    }

    pub const fn value(&self) -> &Value {
        &self.value
    }

    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    pub fn session_cookie(&self) -> &str {
        &self.session_cookie
    }

    /// The text that is checked in: indented, with a final newline.
    pub fn text(&self) -> String {
        format!("{:#}\n", self.value)
    }

    /// The schemas by name.
    pub fn components(&self) -> Components {
        let schemas = self.value["components"]["schemas"].as_object();
        schemas.into_iter().flatten().map(|(name, schema)| (name.clone(), schema.clone())).collect()
    }
}

/// All registered schemas, mended, with the house's words and with the merge patches filled in.
fn finished_components(registry: &Registry, known: &[Word]) -> Components {
    let mut components = schema::components(&registry.schemas);
    components.values_mut().for_each(|schema| words::explain_members(schema, known));
    for (name, target) in schema::fill_patches(&registry.schemas, &mut components) {
        examples::add_patch_example(&name, &target, &mut components);
    }
    components
}

fn info(settings: &Settings<'_>) -> Value {
    let Contact { name, url, email } = settings.contact;
    json!({
        "title": settings.title,
        "version": API_VERSION,
        "description": settings.description,
        "contact": { "name": name, "url": url, "email": email },
        "license": { "name": "EUPL-1.2", "url": "https://joinup.ec.europa.eu/collection/eupl/eupl-text-eupl-12" },
    })
}

fn tag(tag: &MetaTag) -> Value {
    json!({ "name": tag.name, "description": tag.description.unwrap_or_default() })
}

fn security_schemes(settings: &Settings<'_>) -> Value {
    json!({
        operations::BEARER: {
            "type": "http",
            "scheme": "bearer",
            "description": "An API token, or the token of a session: `Authorization: Bearer …`.",
        },
        operations::SESSION: {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.session_cookie,
            "description": "The session of the pages.",
        },
    })
}

fn drop_unused_responses(document: &mut Value) {
    let paths = document["paths"].to_string();
    if let Some(responses) = document["components"]["responses"].as_object_mut() {
        responses.retain(|name, _| paths.contains(&format!("\"#/components/responses/{name}\"")));
    }
}
