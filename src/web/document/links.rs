//! How operations lead to each other: where an answer brings the ids and the entity tag that others take.
//!
//! A list leads to its records, a record to its changes, a new record to all that can be done with it. Programs that
//! walk the API find their way by them, and so do the tools that test it.
//!
//! Must never: lead to an operation whose path can't be filled from the request and the answer.

use poem::http::Method;
use serde_json::{Map, Value, json};

use super::Operation;

/// Adds the links to the successful answers.
pub fn add(paths: &mut Map<String, Value>, operations: &[Operation]) {
    for source in operations {
        let method = source.method.as_str().to_ascii_lowercase();
        let Some(item) = paths.get_mut(&source.template) else { continue };
        let responses = &mut item[&method]["responses"];
        let found: Vec<(&str, Map<String, Value>)> =
            ["200", "201"].map(|status| (status, links(source, &responses[status], operations))).into();
        for (status, links) in found.into_iter().filter(|(_, links)| !links.is_empty()) {
            responses[status]["links"] = Value::Object(links);
        }
    }
}

fn links(source: &Operation, answer: &Value, operations: &[Operation]) -> Map<String, Value> {
    let Some(start) = Start::of(source, answer) else { return Map::new() };
    operations.iter().filter_map(|target| Some((target.id.clone(), start.link_to(target)?))).collect()
}

/// What an answer offers: a record, under this path, and perhaps its entity tag.
struct Start {
    /// `/customers/{` for what is made in or listed from a collection, `/customers/{id}` for a record.
    prefix: String,
    /// Where the record's own id stands; `None` if the request had it.
    id: Option<&'static str>,
    has_tag: bool,
    is_list: bool,
}

impl Start {
    fn of(source: &Operation, answer: &Value) -> Option<Self> {
        let has = |header: &str| answer["headers"][header].is_object();
        let collection = || format!("{}/{{", source.template);
        let start = |prefix, id, is_list| Some(Self { prefix, id, has_tag: has("ETag"), is_list });
        if source.method == Method::POST && has("Location") && has("ETag") {
            return start(collection(), Some("$response.body#/id"), false);
        }
        if source.method != Method::GET {
            return None;
        }
        if has("Link") {
            return start(collection(), Some("$response.body#/items/0/id"), true);
        }
        (has("ETag") && source.template.ends_with('}')).then_some(())?;
        start(source.template.clone(), None, false)
    }

    fn link_to(&self, target: &Operation) -> Option<Value> {
        let rest = target.template.strip_prefix(&self.prefix)?;
        // The record itself or what belongs to it, but nothing that takes one id more.
        if rest.contains('{') || (self.id.is_none() && !(rest.is_empty() || rest.starts_with('/'))) {
            return None;
        }
        let is_itself = self.id.is_none() && rest.is_empty() && target.method == Method::GET;
        // Changes of what is on a list take the entity tag first.
        if is_itself || (self.is_list && target.method != Method::GET) {
            return None;
        }
        let mut parameters = Map::new();
        let names: Vec<&str> = target.template.split('/').filter_map(variable).collect();
        for (at, name) in names.iter().enumerate() {
            let of_answer = self.id.filter(|_| at + 1 == names.len());
            let place = of_answer.map_or_else(|| format!("$request.path.{name}"), str::to_owned);
            parameters.insert((*name).to_owned(), place.into());
        }
        if target.takes("If-Match") {
            self.has_tag.then_some(())?;
            parameters.insert("If-Match".to_owned(), "$response.header.ETag".into());
        }
        Some(json!({ "operationId": target.id, "parameters": parameters }))
    }
}

fn variable(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(method: Method, template: &str, id: &str, takes: &[&str]) -> Operation {
        let parameters = takes.iter().map(|name| json!({ "name": name })).collect();
        let (id, template) = (id.to_owned(), template.to_owned());
        Operation { id, method, template, public: false, guarded: true, parameters, produces: Vec::new() }
    }

    fn ids(source: &Operation, headers: &[&str], all: &[Operation]) -> Vec<String> {
        let headers: Map<String, Value> = headers.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
        links(source, &json!({ "headers": headers }), all).keys().cloned().collect()
    }

    #[test]
    fn lists_lead_to_records_and_records_to_changes() {
        let all = [
            operation(Method::GET, "/boats", "list", &[]),
            operation(Method::POST, "/boats", "create", &[]),
            operation(Method::GET, "/boats/{id}", "show", &[]),
            operation(Method::PATCH, "/boats/{id}", "update", &["If-Match"]),
            operation(Method::POST, "/boats/{id}/crew", "hire", &[]),
            operation(Method::DELETE, "/boats/{id}/crew/{member}", "dismiss", &["If-Match"]),
            operation(Method::GET, "/boatyards/{id}", "yard", &[]),
        ];
        assert_eq!(ids(&all[0], &["Link"], &all), ["show"]);
        assert_eq!(ids(&all[1], &["Location", "ETag"], &all), ["hire", "show", "update"]);
        assert_eq!(ids(&all[2], &["ETag"], &all), ["hire", "update"]);
        let hired = links(&all[4], &json!({ "headers": { "Location": {}, "ETag": {} } }), &all);
        let expected =
            json!({ "id": "$request.path.id", "member": "$response.body#/id", "If-Match": "$response.header.ETag" });
        assert_eq!(hired["dismiss"]["parameters"], expected);
    }
}
