//! Customers brought in by `_bulk`: made, changed under an external id, tried first, taken back.

use serde_json::{Value, json};

use super::bulk::{PATH, customers, ended, make, outcomes, show, take_back};
use super::customers::draft;
use crate::support::app::{TestApp, read};

/// A complete customer under a number of the till's.
fn row(number: &str, name: &str) -> Value {
    let mut row = draft(name);
    row["identity"]["externalIds"] = json!([{ "system": "kassa", "id": number }]);
    row
}

async fn bring(test: &TestApp, name: &str, rows: &[Value], dry: bool) -> (Value, Vec<Value>) {
    let (status, job) = read(test.post(name, PATH, &json!({ "rows": rows, "dryRun": dry })).await).await;
    assert_eq!((status, &job["kind"]), (202, &json!("customer_upsert")), "{} {job}", test.engine);
    ended(test, &job).await
}

/// What was said of each row, without the ids that a preview can't know.
fn said(rows: &[Value]) -> Vec<Value> {
    let mut rows = rows.to_vec();
    for row in rows.iter_mut().filter(|row| row["outcome"] == "create") {
        row.as_object_mut().unwrap().remove("recordId");
    }
    rows
}

#[tokio::test]
async fn rows_are_made_or_changed_after_a_preview_and_taken_back() {
    for test in TestApp::both().await {
        let there = make(&test, "sales", &row("K1", "Eerste")).await;
        let mut gives_up = row("K2", "Tweede");
        gives_up["contact"]["emails"] = json!([{ "address": "oud@klant.example" }]);
        let second = make(&test, "sales", &gives_up).await;
        let before = customers(&test).await;

        // A row names what becomes so, and says nothing of the rest.
        let mut first = row("K1", "Eerste");
        first.as_object_mut().unwrap().remove("contact");
        first["status"] = json!("former");
        first["identity"]["externalIds"].as_array_mut().unwrap().push(json!({ "system": "boekhouding", "id": "9" }));
        // One gives up an address that a later row takes.
        gives_up["contact"]["emails"] = json!([{ "address": "nieuw@klant.example" }]);
        let mut takes = row("K3", "Derde");
        takes["contact"]["emails"] = json!([{ "address": "oud@klant.example" }]);
        let mut twin = row("", "Vierde");
        twin["identity"].as_object_mut().unwrap().remove("externalIds");
        twin["contact"]["emails"] = json!([{ "address": "NIEUW@klant.example" }]);
        let mut faulty = row("K5", "Vijfde");
        faulty["contact"]["phones"] = json!([{ "number": "123456" }]);
        let mut stranger = row("K6", "Zesde");
        stranger["ownerId"] = json!(test.people["sales_south"].id.to_string());
        let mut other_kind = row("K2", "Tweede");
        other_kind["kind"] = json!("organisation");
        other_kind["identity"] = json!({
            "organisation": { "name": "Voorbeeld BV" }, "externalIds": [{ "system": "kassa", "id": "K1" }],
        });
        let mut same = row("K1", "Eerste");
        same["identity"]["externalIds"] = json!([{ "system": "boekhouding", "id": "9" }]);
        let rows = [first, gives_up, takes, twin, faulty, stranger, other_kind, same, row("K7", "Zevende")];

        let (preview, expected) = bring(&test, "manager", &rows, true).await;
        assert_eq!((&preview["state"], customers(&test).await == before), (&json!("succeeded"), true), "{preview}");
        assert_eq!(take_back(&test, &preview).await.0, 409, "there is nothing to take back of a preview");
        let (job, results) = bring(&test, "manager", &rows, false).await;
        assert_eq!(said(&results), said(&expected), "the run says the same as the preview");
        assert_eq!(
            outcomes(&results),
            [
                (0, "update", String::new()),
                (1, "update", String::new()),
                (2, "create", String::new()),
                (3, "duplicate", "email".to_owned()),
                (4, "error", "phone".to_owned()),
                (5, "error", "not_a_member".to_owned()),
                (6, "duplicate", "external_id".to_owned()),
                (7, "duplicate", "external_id".to_owned()),
                (8, "create", String::new()),
            ],
            "{results:?}"
        );
        assert_eq!((&results[3]["ofLine"], &results[7]["ofLine"]), (&json!(1), &json!(0)), "{results:?}");
        let view = show(&test, &there).await;
        assert_eq!((&view["status"], view["contact"].is_object()), (&json!("former"), true), "{view}");
        assert_eq!(view["identity"]["externalIds"].as_array().map(Vec::len), Some(2), "{view}");
        assert_eq!(show(&test, &second).await["contact"]["emails"][0]["address"], "nieuw@klant.example");
        let made = show(&test, results[8]["recordId"].as_str().unwrap()).await;
        assert_eq!(made["identity"]["person"]["familyName"], "Zevende");

        // Nothing is new to who sends the same again.
        let (again, _) = bring(&test, "manager", &[rows[0].clone(), rows[8].clone()], false).await;
        assert_eq!(again["counts"], json!({ "unchanged": 2 }), "{again}");

        // What was made goes, and what a later row had taken is there again for the one that gave it up.
        let (status, undo) = take_back(&test, &job).await;
        assert_eq!(status, 202, "{undo}");
        let (undo, _) = ended(&test, &undo).await;
        assert_eq!(undo["counts"], json!({ "removed": 2, "restored": 2 }), "{undo}");
        assert_eq!(customers(&test).await, before, "to the byte");
        kluis_core::audit::verify(&test.app.db).await.expect("the log is whole");
    }
}

#[tokio::test]
async fn bringing_in_asks_for_both_rights_and_for_one_way() {
    for test in TestApp::both().await {
        for name in ["sales", "service", "analyst", "admin", "regional", "privacy"] {
            let (status, answer) = read(test.post(name, PATH, &json!({ "rows": [row("K1", "Een")] })).await).await;
            assert_eq!(status, 403, "{name} {answer}");
        }
        let id = make(&test, "sales", &draft("Een")).await;
        let (good, change) = (row("K1", "Een"), json!({ "status": "former" }));
        let mut incomplete = row("K2", "Twee");
        incomplete.as_object_mut().unwrap().remove("legalBasis");
        let many: Vec<_> = (0..=10_000).map(|_| json!({})).collect();
        for (body, pointer) in [
            (json!({ "rows": [good], "change": change }), "/change"),
            (json!({ "rows": [good], "ids": [id], "change": change }), ""),
            (json!({ "rows": [] }), ""),
            (json!({ "ids": [id] }), "/change"),
            (json!({ "rows": [good, incomplete] }), "/rows/1/legalBasis"),
            (json!({ "rows": many }), "/rows"),
        ] {
            let (status, answer) = read(test.post("manager", PATH, &body).await).await;
            let found = answer["errors"].as_array().into_iter().flatten().any(|fault| fault["pointer"] == pointer);
            assert!(status == 400 && found, "{pointer} {answer}");
        }
    }
}

#[tokio::test]
async fn what_was_worked_on_since_stays_and_the_rest_can_go() {
    for test in TestApp::both().await {
        let rows = [row("K1", "Een"), row("K2", "Twee")];
        let (job, results) = bring(&test, "manager", &rows, false).await;
        let path = format!("/v1/customers/{}", results[0]["recordId"].as_str().unwrap());
        assert_eq!(read(test.patch("sales", &path, "\"r1\"", &json!({ "language": "en" })).await).await.0, 200);
        let (_, undo) = take_back(&test, &job).await;
        let (_, rows) = ended(&test, &undo).await;
        assert_eq!(outcomes(&rows), [(0, "conflict", "changed_since".to_owned()), (1, "removed", String::new())]);
        assert_eq!(read(test.get("manager", &path).await).await.0, 200);
    }
}
