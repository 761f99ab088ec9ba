//! Checks all query and header parameters of a request at once, against the document, before the handler runs.
//!
//! Must never: look at path parameters (a malformed id is "not found"), or let an unknown query name pass silently, since
//! a misspelt filter would show more than was asked for.

use kluis_core::kernel::{Fault, Faults, Phrase, Problem, ProblemKind};
use poem::Request;
use poem::http::header;
use serde_json::{Number, Value};

use super::faults::{REQUIRED, UNREADABLE};
use super::json::MAX_FAULTS;
use super::query;
use super::schema::{Components, Shape, reference};

/// The parameters of one operation, compiled.
pub struct Parameters {
    query: Vec<Parameter>,
    headers: Vec<Parameter>,
}

struct Parameter {
    name: String,
    required: bool,
    kind: Kind,
    shape: Shape,
}

/// How text becomes the value that the schema describes.
#[derive(Clone, Copy)]
enum Kind {
    One(Simple),
    /// Repeated names, or one value with commas.
    Many {
        of: Simple,
        commas: bool,
    },
}

#[derive(Clone, Copy)]
enum Simple {
    Text,
    Integer,
    Number,
    Boolean,
}

impl Parameters {
    /// `None` when a schema can't be compiled.
    pub fn compile(declared: &[Value], components: &Components) -> Option<Self> {
        let of = |place: &str| {
            let here = declared.iter().filter(|parameter| parameter["in"] == place);
            here.map(|parameter| Parameter::compile(parameter, components)).collect::<Option<Vec<_>>>()
        };
        Some(Self { query: of("query")?, headers: of("header")? })
    }

    /// One problem with every fault of every parameter.
    pub fn check(&self, request: &Request) -> Result<(), Problem> {
        let mut faults = Faults::new();
        let sent = query::pairs(request);
        for parameter in &self.query {
            let values: Vec<&str> =
                sent.iter().filter(|(name, _)| *name == parameter.name).map(|(_, value)| value.as_str()).collect();
            parameter.check(&values, "query", &mut faults);
        }
        let unknown = sent.iter().filter(|(name, _)| !self.query.iter().any(|known| known.name == *name));
        for (name, _) in unknown.take(MAX_FAULTS) {
            const UNKNOWN: Phrase = Phrase { en: "There is no such parameter.", nl: "Deze parameter bestaat niet." };
            faults.add(format!("query:{name}"), "unknown_parameter", UNKNOWN);
        }
        self.check_headers(request, &mut faults)?;
        faults.into_result()
    }

    fn check_headers(&self, request: &Request, faults: &mut Faults) -> Result<(), Problem> {
        for parameter in &self.headers {
            let sent = request.headers().get_all(parameter.name.as_str());
            let values: Vec<Option<&str>> = sent.iter().map(|value| value.to_str().ok()).collect();
            if values.is_empty() && header::IF_MATCH.as_str().eq_ignore_ascii_case(&parameter.name) {
                return Err(Problem::new(ProblemKind::PreconditionRequired));
            }
            if let Some(readable) = values.into_iter().collect::<Option<Vec<_>>>() {
                parameter.check(&readable, "header", faults);
            } else {
                faults.add(format!("header:{}", parameter.name), UNREADABLE.0, UNREADABLE.1);
            }
        }
        Ok(())
    }
}

impl Parameter {
    fn compile(declared: &Value, components: &Components) -> Option<Self> {
        let schema = &declared["schema"];
        Some(Self {
            name: declared["name"].as_str()?.to_owned(),
            required: declared["required"] == true,
            kind: Kind::of(schema, declared["explode"] == false, components),
            shape: Shape::of_schema(schema, components)?,
        })
    }

    fn check(&self, sent: &[&str], place: &str, faults: &mut Faults) {
        const REPEATED: Phrase = Phrase { en: "Give this once.", nl: "Geef dit één keer." };
        const NUL: Phrase = Phrase { en: "Holds the control character U+0000.", nl: "Bevat het stuurteken U+0000." };
        let pointer = format!("{place}:{}", self.name);
        if sent.is_empty() {
            if self.required {
                faults.add(pointer, REQUIRED.0, REQUIRED.1);
            }
            return;
        }
        if sent.iter().any(|text| text.contains('\0')) {
            return faults.add(pointer, "control_character", NUL);
        }
        let value = match self.kind {
            Kind::One(_) if sent.len() > 1 && place == "query" => return faults.add(pointer, "repeated", REPEATED),
            Kind::One(kind) => kind.read(&sent.join(", ")),
            Kind::Many { of, commas: false } => sent.iter().map(|text| of.read(text)).collect(),
            Kind::Many { of, commas: true } => {
                sent.iter().flat_map(|text| text.split(',')).map(|text| of.read(text.trim())).collect()
            }
        };
        let mut found = Faults::new();
        self.shape.check(&value, "", &mut found);
        for Fault { code, detail, .. } in found.into_vec() {
            faults.add(pointer.clone(), code, detail);
        }
    }
}

impl Kind {
    fn of(schema: &Value, commas: bool, components: &Components) -> Self {
        let schema = resolve(schema, components);
        match schema.get("items") {
            Some(items) => Self::Many { of: Simple::of(resolve(items, components)), commas },
            None => Self::One(Simple::of(schema)),
        }
    }
}

impl Simple {
    fn of(schema: &Value) -> Self {
        match schema["type"].as_str() {
            Some("integer") => Self::Integer,
            Some("number") => Self::Number,
            Some("boolean") => Self::Boolean,
            _ => Self::Text,
        }
    }

    /// What can't be read as its type stays text, which the schema then refuses.
    fn read(self, text: &str) -> Value {
        let text_value = || Value::String(text.to_owned());
        let starts_plainly = text.starts_with(|first: char| first.is_ascii_digit() || first == '-');
        match self {
            Self::Integer if starts_plainly => text.parse::<i64>().map_or_else(|_| text_value(), Value::from),
            Self::Number if starts_plainly => {
                text.parse().ok().and_then(Number::from_f64).map_or_else(text_value, Value::Number)
            }
            Self::Boolean => text.parse().map_or_else(|_| text_value(), Value::Bool),
            Self::Text | Self::Integer | Self::Number => text_value(),
        }
    }
}

/// The schema itself, behind references and single-part compositions.
fn resolve<'a>(schema: &'a Value, components: &'a Components) -> &'a Value {
    let mut schema = schema;
    for _ in 0..8 {
        let composed = schema.get("allOf").and_then(Value::as_array).filter(|parts| parts.len() == 1);
        let next = match (reference(schema), composed) {
            (Some(name), _) => components.get(name),
            (None, Some(parts)) => parts.first(),
            (None, None) => None,
        };
        match next {
            Some(next) => schema = next,
            None => break,
        }
    }
    schema
}
