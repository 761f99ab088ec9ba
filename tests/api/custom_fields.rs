use kluis_core::args;
use serde_json::{Value, json};

use crate::customers::draft;
use crate::support::app::{TestApp, read};

const WHY: &str = "a test looks into the database";

/// A field of the north.
pub fn field(key: &str, kind: &str) -> Value {
    let mut field = json!({
        "key": key, "labels": { "nl": format!("{key} op papier"), "en": format!("{key} on paper") }, "kind": kind,
        "compartment": "profile", "category": "dpv-pd:PersonalData", "purposes": ["contract", "service"],
        "retention": "customer",
    });
    if kind.ends_with("choice") {
        field["choices"] = json!([
            { "code": "red", "labels": { "nl": "Rood", "en": "Red" } },
            { "code": "blue", "labels": { "nl": "Blauw", "en": "Blue" } },
        ]);
    }
    field
}

/// Adds a field and gives its path.
pub async fn added(test: &TestApp, by: &str, field: &Value) -> String {
    let (status, view) = read(test.post(by, "/v1/custom-fields", field).await).await;
    assert_eq!(status, 201, "{} {view}", test.engine);
    format!("/v1/custom-fields/{}", view["id"].as_str().unwrap())
}

fn with(name: &str, values: Value) -> Value {
    let mut draft = draft(name);
    draft["profile"] = json!({ "customFields": values });
    draft
}

async fn made(test: &TestApp, by: &str, draft: &Value) -> String {
    let (status, view) = read(test.post(by, "/v1/customers", draft).await).await;
    assert_eq!(status, 201, "{} {view}", test.engine);
    format!("/v1/customers/{}", view["id"].as_str().unwrap())
}

fn faults(problem: &Value) -> Vec<(&str, &str)> {
    let errors = problem["errors"].as_array().unwrap_or_else(|| panic!("{problem}"));
    errors.iter().map(|e| (e["pointer"].as_str().unwrap(), e["code"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn a_field_is_added_changed_put_away_and_taken_back() {
    for test in TestApp::both().await {
        let path = added(&test, "manager", &field("colour", "choice")).await;
        let (status, twice) = read(test.post("manager", "/v1/custom-fields", &field("Colour", "text")).await).await;
        assert_eq!((status, faults(&twice)), (400, vec![("/key", "pattern")]), "{twice}");
        let (status, twice) = read(test.post("manager", "/v1/custom-fields", &field("coLour", "text")).await).await;
        assert_eq!((status, &twice["pointer"]), (409, &json!("/key")), "{twice}");
        assert_eq!(read(test.post("sales", "/v1/custom-fields", &field("other", "text")).await).await.0, 403);

        let (_, shown) = read(test.get("sales", &path).await).await;
        assert_eq!((&shown["labels"]["nl"], &shown["required"]), (&json!("colour op papier"), &json!(false)));
        let mut choices = shown["choices"].clone();
        choices[0]["archived"] = json!(true);
        choices
            .as_array_mut()
            .unwrap()
            .push(json!({ "code": "green", "labels": { "nl": "Groen", "en": "Green" }, "archived": false }));
        let patch = json!({ "labels": { "en": "Paint" }, "required": true, "choices": choices });
        let (status, changed) = read(test.patch("manager", &path, "\"r1\"", &patch).await).await;
        assert_eq!((status, &changed["revision"], &changed["labels"]["en"]), (200, &json!(2), &json!("Paint")));
        assert_eq!((&changed["labels"]["nl"], &changed["choices"]), (&shown["labels"]["nl"], &choices));
        assert_eq!(read(test.patch("manager", &path, "\"r1\"", &patch).await).await.0, 412);
        let fixed = json!({ "key": "paint", "kind": "text", "compartment": "special", "choices": [] });
        let (status, refused) = read(test.patch("manager", &path, "\"r2\"", &fixed).await).await;
        assert_eq!(status, 400, "{refused}");
        let fixed = json!({ "key": "paint", "kind": "multiple_choice", "compartment": "special" });
        let (_, refused) = read(test.patch("manager", &path, "\"r2\"", &fixed).await).await;
        assert_eq!(faults(&refused), [("/key", "fixed"), ("/kind", "fixed"), ("/compartment", "fixed")]);

        let away = json!({ "archived": true });
        let archival = format!("{path}/archival");
        let (status, put) = read(test.put("manager", &archival, "\"r2\"", Some(&away)).await).await;
        assert_eq!((status, put["archivedAt"].is_string()), (200, true), "{put}");
        let (status, taken) = read(test.post("manager", "/v1/custom-fields", &field("colour", "text")).await).await;
        assert_eq!(status, 409, "its key stays taken: {taken}");
        for (query, count) in [("", 0), ("?archived=true", 1), ("?archived=true&kind=choice&required=true", 1)] {
            let (_, list) = read(test.get("manager", &format!("/v1/custom-fields{query}")).await).await;
            assert_eq!(list["items"].as_array().map(Vec::len), Some(count), "{query} {list}");
        }
        let back = json!({ "archived": false });
        let (status, put) = read(test.put("manager", &archival, "\"r3\"", Some(&back)).await).await;
        assert_eq!((status, put.get("archivedAt")), (200, None), "{put}");

        assert_eq!(read(test.get("sales_south", &path).await).await.0, 404, "the neighbour's are another matter");
        assert_eq!(read(test.get("privacy", &path).await).await.0, 200);
        let (_, events) = read(test.get("auditor", "/v1/audit-events?action=custom_field.update").await).await;
        assert_eq!(events["items"].as_array().map(Vec::len), Some(1), "{events}");
        assert!(!events.to_string().contains("colour"), "the log holds no word that people chose: {events}");
    }
}

#[tokio::test]
async fn fields_are_listed_in_pages_and_filtered() {
    for test in TestApp::both().await {
        for (key, kind, compartment) in
            [("a", "text", "profile"), ("b", "number", "profile"), ("c", "text", "special"), ("d", "url", "profile")]
        {
            let mut field = field(key, kind);
            field["compartment"] = json!(compartment);
            added(&test, "manager", &field).await;
        }
        let (mut seen, mut next) = (Vec::new(), "/v1/custom-fields?pageSize=3&count=true".to_owned());
        loop {
            let (status, page) = read(test.get("manager", &next).await).await;
            assert_eq!((status, &page["total"]), (200, &json!(4)), "{page}");
            seen.extend(
                page["items"].as_array().unwrap().iter().map(|field| field["key"].as_str().unwrap().to_owned()),
            );
            let Some(cursor) = page["nextCursor"].as_str() else { break };
            next = format!("/v1/custom-fields?pageSize=3&count=true&cursor={cursor}");
        }
        seen.sort();
        assert_eq!(seen, ["a", "b", "c", "d"]);
        for (query, count) in [("compartment=special", 1), ("kind=text", 2), ("kind=text&compartment=profile", 1)] {
            let (_, page) = read(test.get("manager", &format!("/v1/custom-fields?{query}&count=true")).await).await;
            assert_eq!(page["total"], json!(count), "{query}");
        }
    }
}

#[tokio::test]
async fn values_are_checked_sealed_and_shown_with_their_compartment() {
    for test in TestApp::both().await {
        for kind in ["text", "number", "date", "boolean", "choice", "url"] {
            added(&test, "manager", &field(kind, kind)).await;
        }
        added(&test, "manager", &field("many", "multiple_choice")).await;
        let bad = json!({
            "text": "bsn 111222333", "number": "5", "date": "31-01-2026", "boolean": 1, "choice": "pink",
            "many": ["red", "pink"], "url": "example.org", "other": 1,
        });
        let mut wrong = with("Beeld", bad);
        wrong["contact"] = json!({ "emails": [{ "address": "nobody" }] });
        let (status, problem) = read(test.post("sales", "/v1/customers", &wrong).await).await;
        let expected = [
            ("/contact/emails/0/address", "email"),
            ("/profile/customFields/boolean", "type"),
            ("/profile/customFields/choice", "choice"),
            ("/profile/customFields/date", "date"),
            ("/profile/customFields/many/1", "choice"),
            ("/profile/customFields/number", "type"),
            ("/profile/customFields/other", "unknown_field"),
            ("/profile/customFields/text", "bsn"),
            ("/profile/customFields/url", "url"),
        ];
        assert_eq!((status, faults(&problem)), (400, expected.to_vec()), "all at once, with the other faults");
        let number = with("Beeld", json!({ "number": 111_222_333 }));
        let (_, problem) = read(test.post("sales", "/v1/customers", &number).await).await;
        assert_eq!(faults(&problem), [("/profile/customFields/number", "bsn")]);

        let good = json!({
            "text": " canary  tekst ", "number": 4.5, "date": "2026-01-31", "boolean": true, "choice": "red",
            "many": ["blue", "red"], "url": "HTTPS://Canary.Example",
        });
        let path = made(&test, "sales", &with("Beeld", good)).await;
        let (_, shown) = read(test.get("sales", &path).await).await;
        let values = &shown["profile"]["customFields"];
        assert_eq!((&values["text"], &values["many"]), (&json!("canary tekst"), &json!(["red", "blue"])));
        assert_eq!(values["url"], "https://canary.example");
        let sql = "SELECT profile FROM customers WHERE profile IS NOT NULL";
        for row in test.app.db.fetch_all_without_scope(WHY, sql, args![]).await.unwrap() {
            let bytes = row.blob(0).unwrap().to_ascii_lowercase();
            assert!(!bytes.windows(6).any(|window| window == b"canary"));
        }

        let patch = json!({ "profile": { "customFields": { "text": null, "number": 6 } } });
        let (status, changed) = read(test.patch("sales", &path, "\"r1\"", &patch).await).await;
        let values = &changed["profile"]["customFields"];
        assert_eq!((status, values.get("text"), &values["number"]), (200, None, &json!(6)), "{changed}");
        let refused = read(
            test.patch(
                "sales",
                &path,
                "\"r2\"",
                &json!({ "profile": { "customFields": { "number": "x", "date": 5 } } }),
            )
            .await,
        )
        .await;
        assert_eq!(
            faults(&refused.1),
            [("/profile/customFields/date", "type"), ("/profile/customFields/number", "type")]
        );
    }
}

#[tokio::test]
async fn fields_that_are_put_away_keep_their_values_and_take_no_new_ones() {
    for test in TestApp::both().await {
        let away = json!({ "archived": true });
        let text = added(&test, "manager", &field("old", "text")).await;
        let choice = added(&test, "manager", &field("colour", "choice")).await;
        let path = made(&test, "sales", &with("Beeld", json!({ "old": "waarde", "colour": "red" }))).await;
        assert_eq!(read(test.put("manager", &format!("{text}/archival"), "\"r1\"", Some(&away)).await).await.0, 200);
        let (_, shown) = read(test.get("manager", &choice).await).await;
        let mut choices = shown["choices"].clone();
        choices[0]["archived"] = json!(true);
        let (status, _) = read(test.patch("manager", &choice, "\"r1\"", &json!({ "choices": choices })).await).await;
        assert_eq!(status, 200);

        let patch = json!({ "status": "former", "profile": { "interests": ["tuin"] } });
        let (status, changed) = read(test.patch("sales", &path, "\"r1\"", &patch).await).await;
        assert_eq!((status, &changed["profile"]["customFields"]["old"]), (200, &json!("waarde")), "{changed}");
        let patch = json!({ "profile": { "customFields": { "old": "nieuw" } } });
        let (status, problem) = read(test.patch("sales", &path, "\"r2\"", &patch).await).await;
        assert_eq!((status, faults(&problem)), (400, vec![("/profile/customFields/old", "archived_field")]));
        let (_, problem) =
            read(test.post("sales", "/v1/customers", &with("Ander", json!({ "old": "x", "colour": "red" }))).await)
                .await;
        let expected = [("/profile/customFields/colour", "choice"), ("/profile/customFields/old", "archived_field")];
        assert_eq!(faults(&problem), expected);
        let patch = json!({ "profile": { "customFields": { "old": null } } });
        let (status, changed) = read(test.patch("sales", &path, "\"r2\"", &patch).await).await;
        assert_eq!((status, changed["profile"]["customFields"].get("old")), (200, None), "it can be taken away");
    }
}

#[tokio::test]
async fn a_required_field_is_filled_by_whoever_may_and_never_emptied() {
    for test in TestApp::both().await {
        let before = made(&test, "sales", &draft("Eerder")).await;
        let mut wanted = field("size", "number");
        wanted["required"] = json!(true);
        added(&test, "manager", &wanted).await;
        wanted["key"] = json!("secret");
        wanted["compartment"] = json!("special");
        added(&test, "manager", &wanted).await;
        let (status, problem) = read(test.post("sales", "/v1/customers", &draft("Zonder")).await).await;
        assert_eq!((status, faults(&problem)), (400, vec![("/profile/customFields/size", "required")]));
        let path = made(&test, "sales", &with("Met", json!({ "size": 43 }))).await;
        let (status, problem) = read(test.patch("sales", &path, "\"r1\"", &json!({ "profile": null })).await).await;
        assert_eq!((status, faults(&problem)), (400, vec![("/profile/customFields/size", "required")]));
        let patch = json!({ "status": "former" });
        assert_eq!(read(test.patch("sales", &before, "\"r1\"", &patch).await).await.0, 200, "one from before");
    }
}

#[tokio::test]
async fn special_fields_need_a_ground_and_are_withheld() {
    for test in TestApp::both().await {
        let mut special = field("health", "text");
        special["compartment"] = json!("special");
        added(&test, "manager", &special).await;
        let mut draft = draft("Beeld");
        draft["special"] = json!({ "customFields": { "health": "geen" } });
        let (status, problem) = read(test.post("manager", "/v1/customers", &draft).await).await;
        assert_eq!((status, faults(&problem)), (400, vec![("/special", "special_not_allowed")]));
        ground(&test, Some("Art. 9(2)(a)")).await;
        let path = made(&test, "manager", &draft).await;
        let (_, seen) = read(test.get("privacy", &path).await).await;
        assert_eq!(seen["special"]["customFields"]["health"], "geen", "{seen}");
        for name in ["sales", "manager"] {
            let (_, seen) = read(test.get(name, &path).await).await;
            let withheld = seen["withheld"].as_array().unwrap().contains(&json!("special"));
            assert_eq!((seen.get("special"), withheld), (None, true), "{name}");
        }
        let search = json!({ "where": { "field": "custom.health", "operator": "exists" } });
        assert_eq!(read(test.post("sales", "/v1/customers/_search", &search).await).await.0, 403);
        let (_, found) = read(test.post("privacy", "/v1/customers/_search", &search).await).await;
        assert_eq!(found["items"].as_array().map(Vec::len), Some(1), "{found}");

        ground(&test, None).await;
        let patch = json!({ "language": "en" });
        let (status, changed) = read(test.patch("privacy", &path, "\"r1\"", &patch).await).await;
        assert_eq!((status, &changed["special"]["customFields"]["health"]), (200, &json!("geen")), "{changed}");
        let patch = json!({ "special": { "customFields": { "health": "anders" } } });
        let (_, problem) = read(test.patch("privacy", &path, "\"r2\"", &patch).await).await;
        assert_eq!(faults(&problem), [("/special", "special_not_allowed")]);
    }
}

async fn ground(test: &TestApp, ground: Option<&str>) {
    let mut tx = test.app.db.begin().await.unwrap();
    let sql = "UPDATE tenants SET special_ground = $2 WHERE id = $1";
    tx.execute_without_scope(WHY, sql, args![test.north, ground]).await.unwrap();
    tx.commit_without_event(WHY).await.unwrap();
}

#[tokio::test]
async fn customers_are_found_by_custom_fields() {
    for test in TestApp::both().await {
        added(&test, "manager", &field("size", "number")).await;
        added(&test, "manager", &field("colours", "multiple_choice")).await;
        added(&test, "manager_south", &field("size", "text")).await;
        let ids = [
            made(&test, "sales", &with("Een", json!({ "size": 9, "colours": ["red"] }))).await,
            made(&test, "sales", &with("Twee", json!({ "size": 10, "colours": ["red", "blue"] }))).await,
            made(&test, "sales", &draft("Drie")).await,
            made(&test, "sales_south", &with("Vier", json!({ "size": "10" }))).await,
        ];
        let leaf = |field: &str, operator: &str, value: Option<&str>| {
            let mut leaf = json!({ "field": field, "operator": operator });
            if let Some(value) = value {
                leaf["value"] = json!(value);
            }
            leaf
        };
        for (who, condition, expected) in [
            ("sales", leaf("custom.size", "after", Some("9")), &ids[1..2]),
            ("sales", leaf("custom.size", "eq", Some("9,0")), &ids[..1]),
            ("sales", leaf("custom.colours", "eq", Some("BLUE")), &ids[1..2]),
            ("sales", json!({ "not": leaf("custom.size", "exists", None) }), &ids[2..3]),
            (
                "sales",
                json!({ "and": [leaf("custom.colours", "eq", Some("red")), leaf("custom.size", "before", Some("10"))] }),
                &ids[..1],
            ),
            ("sales_south", leaf("custom.size", "eq", Some("10")), &ids[3..]),
            ("privacy", leaf("custom.size", "eq", Some("10")), &[ids[1].clone(), ids[3].clone()]),
        ] {
            let (status, found) =
                read(test.post(who, "/v1/customers/_search", &json!({ "where": condition })).await).await;
            assert_eq!(status, 200, "{found}");
            let id = |view: &Value| format!("/v1/customers/{}", view["id"].as_str().unwrap());
            let mut found: Vec<_> = found["items"].as_array().unwrap().iter().map(id).collect();
            let mut expected = expected.to_vec();
            found.sort();
            expected.sort();
            assert_eq!(found, expected, "{} {who} {condition}", test.engine);
        }
        for (field, code) in [("custom.nothing", "unknown_field"), ("custom.Size", "pattern")] {
            let search = json!({ "where": leaf(field, "exists", None) });
            let (status, problem) = read(test.post("sales", "/v1/customers/_search", &search).await).await;
            assert_eq!((status, faults(&problem)[0].1), (400, code), "{problem}");
        }
    }
}

#[tokio::test]
async fn a_field_that_was_edited_in_the_database_is_refused() {
    for test in TestApp::both().await {
        let path = added(&test, "manager", &field("size", "number")).await;
        for sql in [
            "UPDATE custom_fields SET compartment = 'special'",
            "UPDATE custom_fields SET kind = 'text'",
            "UPDATE custom_fields SET archived_at = 1",
            "UPDATE custom_fields SET purposes = '[\"marketing\"]'",
        ] {
            let mut tx = test.app.db.begin().await.unwrap();
            tx.execute_without_scope(WHY, sql, args![]).await.unwrap();
            tx.commit_without_event(WHY).await.unwrap();
            assert_eq!(read(test.get("manager", &path).await).await.0, 500, "{} {sql}", test.engine);
            let (status, _) = read(test.post("sales", "/v1/customers", &draft("Beeld")).await).await;
            assert_eq!(status, 500, "nothing is written by a rule that can't be trusted");
            let back = "UPDATE custom_fields SET compartment = 'profile', kind = 'number', archived_at = NULL, \
                        purposes = '[\"contract\",\"service\"]'";
            let mut tx = test.app.db.begin().await.unwrap();
            tx.execute_without_scope(WHY, back, args![]).await.unwrap();
            tx.commit_without_event(WHY).await.unwrap();
            assert_eq!(read(test.get("manager", &path).await).await.0, 200);
        }
    }
}
