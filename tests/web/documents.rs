//! The generated document.

use kluis::web::Document;
use kluis::web::document::{Settings, Word};
use serde_json::{Value, json};

use crate::sample::{Api, document, settings};

fn value() -> Value {
    document().unwrap_or_else(|error| panic!("{error}")).value().clone()
}

#[test]
fn every_operation_has_summary_description_example_security_and_problems() {
    let value = value();
    let mut count = 0;
    for (path, item) in value["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            count += 1;
            let at = format!("{method} {path}");
            for text in ["summary", "description", "operationId"] {
                assert!(operation[text].as_str().is_some_and(|text| !text.is_empty()), "{at}: {text}");
            }
            assert!(operation["security"].is_array(), "{at}: security");
            for status in ["429", "500", "503"] {
                assert!(operation["responses"][status]["$ref"].is_string(), "{at}: {status}");
            }
        }
    }
    assert_eq!(count, 10);
    assert_eq!(value["paths"]["/health"]["get"]["security"], json!([]));
    assert_eq!(value["paths"]["/boats"]["get"]["security"], json!([{ "bearerToken": [] }, { "session": [] }]));
}

#[test]
fn a_reader_misses_nothing() {
    let document = document().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(document.findings(), Vec::<String>::new());
}

#[test]
fn what_a_reader_would_miss_is_found() {
    let settings = Settings { public: &["x", "y"], ..settings() };
    let document = Document::of::<crate::sample::Bare>(&settings).unwrap_or_else(|error| panic!("{error}"));
    let findings = document.findings();
    for finding in [
        "GET /bare_things/{thing_id}: no summary",
        "GET /bare_things/{thing_id}: no description",
        "GET /bare_things/{thing_id}: no tag",
        "GET /bare_things/{thing_id}: the path isn't in kebab case",
        "GET /bare_things/{thing_id}: parameter why: no description",
        "GET /bare_things/{thing_id}: parameter thing_id: no example",
        "GET /bare_things/{thing_id}: parameter thing_id: not in camel case",
        "GET /bare_things/{thing_id}: 200: no example for application/json: /items/0 has none",
        "GET /bare_things/{thing_id}: a list without pages: take the argument page: Page, answer with page.listing or page.whole",
        "DELETE /bare_things/{thing_id}: no If-Match: take the argument if_match: IfMatch",
        "schema BareThing: no description",
        "schema BareThing: long_name isn't in camel case",
    ] {
        assert!(findings.iter().any(|found| found == finding), "{finding}: {findings:?}");
    }
}

#[test]
fn a_name_of_the_house_needs_no_text_of_its_own() {
    let why = Word { name: "why", means: "The reason.", example: Some("because") };
    let name = Word { name: "long_name", means: "All of it.", example: Some("Bare") };
    let items = Word { name: "items", means: "The parts.", example: Some("one") };
    let settings = Settings { public: &["x", "y"], words: &[why, name, items], ..settings() };
    let document = Document::of::<crate::sample::Bare>(&settings).unwrap_or_else(|error| panic!("{error}"));
    let get = &document.value()["paths"]["/bare_things/{thing_id}"]["get"];
    let find = |name: &str| get["parameters"].as_array().unwrap().iter().find(|p| p["name"] == name).unwrap().clone();
    assert_eq!((&find("why")["description"], &find("why")["example"]), (&json!("The reason."), &json!("because")));
    assert_eq!(find("thing_id")["description"], "The id of one of the bare_things.");
    let example = &get["responses"]["200"]["content"]["application/json"]["example"];
    assert_eq!(example, &json!({ "long_name": "Bare", "items": ["one"] }));
}

#[test]
fn answers_lead_to_what_can_be_done_next() {
    let value = value();
    let made = &value["paths"]["/boats"]["post"]["responses"]["201"]["links"]["changeBoat"];
    let expected = json!({ "id": "$response.body#/id", "If-Match": "$response.header.ETag" });
    assert_eq!(made["parameters"], expected, "{made}");
    let listed = &value["paths"]["/boats"]["get"]["responses"]["200"]["links"];
    assert_eq!(listed["getBoat"]["parameters"], json!({ "id": "$response.body#/items/0/id" }), "{listed}");
}

#[test]
fn an_operation_that_nobody_guards_stops_the_start() {
    let error = Document::of::<Api>(&Settings { public: &[], ..settings() }).unwrap_err();
    assert_eq!(error.0, ["GET /health: neither guarded by a scope nor on the list of public operations"]);
    let error = Document::of::<Api>(&Settings { public: &["getHealth", "gone"], ..settings() }).unwrap_err();
    assert_eq!(error.0, ["there is no operation gone"]);
}

#[test]
fn what_poem_openapi_writes_is_mended() {
    let value = value();
    assert_eq!(value["openapi"], "3.0.3");
    let draft = &value["components"]["schemas"]["BoatDraft"];
    assert_eq!(draft["properties"]["launched"]["format"], "date");
    assert_eq!(draft["additionalProperties"], false);
    assert_eq!(draft["required"], json!(["name", "drive", "length"]));
    assert_eq!(draft["properties"]["length"]["minimum"], json!(100));
    assert_eq!(draft["properties"]["price"]["nullable"], true);
    assert_eq!(draft["properties"]["berth"]["allOf"], json!([{ "$ref": "#/components/schemas/Berth" }]));

    let get = &value["paths"]["/boats/{id}"]["get"];
    assert_eq!(get["parameters"][0]["name"], "id");
    assert_eq!(get["parameters"][0]["in"], "path");
    assert!(get["responses"]["200"]["headers"]["ETag"].is_object());
    assert!(get["responses"]["200"]["headers"]["API-Version"]["$ref"].is_string());
    assert!(get["responses"]["200"]["content"]["application/json"]["example"]["id"].is_string());

    let list = &value["paths"]["/boats"]["get"];
    let names: Vec<&str> = list["parameters"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["pageSize", "cursor", "count", "drive", "minLength"]);
    let page = &list["responses"]["200"]["content"]["application/json"]["schema"]["$ref"];
    assert_eq!(page, "#/components/schemas/BoatViewPage");

    let change = &value["paths"]["/boats/{id}"]["patch"];
    assert_eq!(change["parameters"][1]["name"], "If-Match");
    assert_eq!(change["parameters"][1]["required"], true);
    for status in ["400", "401", "403", "404", "406", "409", "412", "413", "415", "428"] {
        assert!(change["responses"][status].is_object(), "{status}");
    }
}

#[test]
fn a_merge_patch_asks_for_nothing_and_lets_null_through() {
    let value = value();
    let body = &value["paths"]["/boats/{id}"]["patch"]["requestBody"]["content"]["application/merge-patch+json"];
    assert_eq!(body["schema"]["$ref"], "#/components/schemas/BoatDraftPatch");
    assert_eq!(body["example"], json!({ "drive": "sail" }));
    let patch = &value["components"]["schemas"]["BoatDraftPatch"];
    assert_eq!(patch["required"], Value::Null);
    for (name, property) in patch["properties"].as_object().unwrap() {
        let plain = property["nullable"] == true && property["type"].is_string();
        assert!(plain || property["oneOf"][1]["enum"] == json!([null]), "{name}: {property}");
    }
    let berth = &patch["properties"]["berth"]["oneOf"][0]["$ref"];
    assert_eq!(berth, "#/components/schemas/BerthPatch");
    assert_eq!(patch["properties"]["words"]["items"]["nullable"], Value::Null);
}

#[test]
fn a_union_is_closed_objects_with_their_discriminator() {
    let value = value();
    let radio = &value["components"]["schemas"]["Message_Radio"];
    assert_eq!(radio["allOf"], Value::Null);
    assert_eq!(radio["additionalProperties"], false);
    assert_eq!(radio["required"], json!(["channel", "frequency"]));
}

#[test]
fn the_text_is_the_same_each_time() {
    let texts: Vec<String> = (0..3).map(|_| document().unwrap_or_else(|error| panic!("{error}")).text()).collect();
    assert_eq!(texts[0], texts[1]);
    assert_eq!(texts[1], texts[2]);
    if let Ok(path) = std::env::var("KLUIS_TEST_DOCUMENT") {
        std::fs::write(path, &texts[0]).unwrap();
    }
}
