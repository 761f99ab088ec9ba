//! Texts and examples for names that everybody uses in the same sense, where the code gives none.
//!
//! Must never: overrule what a parameter or member says of itself.

use serde_json::{Map, Value, json};

use super::super::schema::{Components, for_each_schema, reference};
use super::Word;

/// Adds what the members' names mean, to any depth of inline schemas.
pub fn explain_members(schema: &mut Value, words: &[Word]) {
    let Some(map) = schema.as_object_mut() else { return };
    if let Some(Value::Object(members)) = map.get_mut("properties") {
        for (name, member) in members {
            explain_member(name, member, words);
        }
    }
    for (keyword, inner) in map.iter_mut() {
        for_each_schema(keyword, inner, &mut |schema| explain_members(schema, words));
    }
}

fn explain_member(name: &str, member: &mut Value, words: &[Word]) {
    let (Some(word), Some(member)) = (find(name, words), member.as_object_mut()) else { return };
    // Beside a reference nothing else counts in OpenAPI 3.0.
    if member.contains_key("$ref") {
        return;
    }
    if !member.contains_key("description") {
        member.insert("description".to_owned(), word.means.into());
    }
    let Some(example) = word.example else { return };
    if wants_example(member) {
        member.insert("example".to_owned(), example.into());
    } else if is_list_of_texts(member) {
        member.insert("example".to_owned(), json!([example]));
    }
}

/// What a parameter means: the component that it refers to says it, or the house's word does.
pub fn meaning(name: &str, schema: &Value, components: &Components, words: &[Word]) -> Option<Value> {
    let of_type = reference(schema).and_then(|name| components.get(name)?.get("description").cloned());
    of_type.or_else(|| find(name, words).map(|word| word.means.into()))
}

/// How a text of this name looks.
pub fn example(name: &str, schema: &Value, words: &[Word]) -> Option<Value> {
    let is_text = schema.as_object().is_some_and(wants_example);
    find(name, words).filter(|_| is_text)?.example.map(Into::into)
}

fn find<'a>(name: &str, words: &'a [Word]) -> Option<&'a Word> {
    words.iter().find(|word| word.name == name)
}

/// Plain texts: other types show themselves.
fn wants_example(schema: &Map<String, Value>) -> bool {
    let says = ["example", "enum", "default", "format"].iter().any(|keyword| schema.contains_key(*keyword));
    !says && schema.get("type").is_some_and(|kind| kind == "string")
}

fn is_list_of_texts(schema: &Map<String, Value>) -> bool {
    !schema.contains_key("example") && schema.get("items").and_then(Value::as_object).is_some_and(wants_example)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: &[Word] = &[
        Word { name: "city", means: "City or village.", example: Some("Voorbeelddorp") },
        Word { name: "labels", means: "What it is for.", example: Some("thuis") },
    ];

    #[test]
    fn a_name_is_explained_unless_it_says_itself_what_it_is() {
        let mut schema = json!({ "properties": {
            "city": { "type": "string" },
            "home": { "properties": { "city": { "type": "string", "description": "Own.", "example": "Elders" } } },
            "cities": { "type": "array", "items": { "properties": { "city": { "type": "integer" } } } },
            "country": { "type": "string" },
            "labels": { "type": "array", "items": { "type": "string" }, "default": [] },
        } });
        explain_members(&mut schema, WORDS);
        let members = &schema["properties"];
        assert_eq!(
            members["city"],
            json!({ "type": "string", "description": "City or village.", "example": "Voorbeelddorp" })
        );
        assert_eq!(members["home"]["properties"]["city"]["description"], "Own.");
        assert_eq!(members["home"]["properties"]["city"]["example"], "Elders");
        assert_eq!(
            members["cities"]["items"]["properties"]["city"],
            json!({ "type": "integer", "description": "City or village." })
        );
        assert_eq!(members["country"], json!({ "type": "string" }));
        assert_eq!(members["labels"]["example"], json!(["thuis"]));
    }
}
