use kluis_core::args;
use kluis_core::store::StoreError;
use kluis_core::store::migrate::{self, Schema};
use serde_json::{Value, json};

use crate::customers::draft;
use crate::interactions::customer;
use crate::support::app::{TestApp, read};

async fn household(test: &TestApp) -> String {
    let mut draft = draft("Huis");
    draft["kind"] = json!("household");
    draft["identity"] = json!({ "household": { "name": "Familie Beeld" } });
    let (status, view) = read(test.post("sales", "/v1/customers", &draft).await).await;
    assert_eq!(status, 201, "{view}");
    view["id"].as_str().unwrap().to_owned()
}

fn member(of: &str) -> Value {
    json!({ "kind": "household_member", "toId": of, "startsOn": "2020-01-01" })
}

#[tokio::test]
async fn a_relation_is_made_seen_from_both_ends_ended_and_removed() {
    for test in TestApp::both().await {
        let person = customer(&test, "sales", "Beeld").await;
        let house = household(&test).await;
        let path = format!("/v1/customers/{person}/relations");
        let (status, made) = read(test.post("sales", &path, &member(&house)).await).await;
        assert_eq!(status, 201, "{} {made}", test.engine);
        let (status, _) = read(test.post("sales", &path, &member(&house)).await).await;
        assert_eq!(status, 409);
        for end in [&person, &house] {
            let path = format!("/v1/customers/{end}/relations?kind=household_member&count=true");
            let (status, page) = read(test.get("sales", &path).await).await;
            assert_eq!((status, &page["items"][0]["id"], &page["total"]), (200, &made["id"], &json!(1)), "{page}");
        }
        let one = format!("/v1/customers/{house}/relations/{}", made["id"].as_str().unwrap());
        let (status, ended) = read(test.patch("sales", &one, "\"r1\"", &json!({ "endsOn": "2026-01-31" })).await).await;
        assert_eq!((status, &ended["endsOn"]), (200, &json!("2026-01-31")), "{ended}");
        let (status, wrong) = read(test.patch("sales", &one, "\"r2\"", &json!({ "endsOn": "2019-01-31" })).await).await;
        assert_eq!((status, &wrong["errors"][0]["pointer"]), (400, &json!("/endsOn")), "{wrong}");
        let (status, wrong) = read(test.patch("sales", &one, "\"r2\"", &json!({ "kind": "partner" })).await).await;
        assert_eq!((status, &wrong["errors"][0]["code"]), (400, &json!("fixed")), "{wrong}");
        assert_eq!(read(test.delete("sales", &one, "\"r1\"").await).await.0, 412);
        assert_eq!(read(test.delete("sales", &one, "\"r2\"").await).await.0, 204);
        assert_eq!(read(test.get("sales", &one).await).await.0, 404);
    }
}

#[tokio::test]
async fn both_ends_must_be_in_reach_and_fit() {
    for test in TestApp::both().await {
        let person = customer(&test, "sales", "Beeld").await;
        let other = customer(&test, "sales", "Ander").await;
        let elsewhere = customer(&test, "sales_south", "Elders").await;
        let path = format!("/v1/customers/{person}/relations");
        for (to, code) in [(&elsewhere, "unknown"), (&person, "itself")] {
            let body = json!({ "kind": "partner", "toId": to });
            let (status, refused) = read(test.post("sales", &path, &body).await).await;
            assert_eq!((status, &refused["errors"][0]["code"]), (400, &json!(code)), "{refused}");
        }
        let (status, refused) = read(test.post("sales", &path, &member(&other)).await).await;
        assert_eq!((status, &refused["errors"][0]["code"]), (400, &json!("kind_mismatch")), "{refused}");
        let partner = json!({ "kind": "partner", "toId": other });
        assert_eq!(read(test.post("service", &path, &partner).await).await.0, 403);
        let (status, made) = read(test.post("sales", &path, &partner).await).await;
        assert_eq!(status, 201, "{made}");
        let back = json!({ "kind": "partner", "toId": person });
        let (status, _) = read(test.post("sales", &format!("/v1/customers/{other}/relations"), &back).await).await;
        assert_eq!(status, 409, "the same the other way round");
        let one = format!("{path}/{}", made["id"].as_str().unwrap());
        for name in ["sales_south", "analyst", "auditor"] {
            assert_eq!(read(test.get(name, &one).await).await.0, 404, "{name}");
            assert_eq!(read(test.get(name, &path).await).await.0, 404, "{name}");
        }
    }
}

async fn edit(test: &TestApp, sql: &'static str) {
    const WHY: &str = "a test edits rows behind the program's back";
    let mut tx = test.app.db.begin().await.unwrap();
    tx.execute_without_scope(WHY, sql, args![]).await.unwrap();
    tx.commit_without_event(WHY).await.unwrap();
}

#[tokio::test]
async fn rows_that_were_edited_in_the_database_are_refused() {
    for test in TestApp::both().await {
        let person = customer(&test, "sales", "Beeld").await;
        let other = customer(&test, "sales", "Ander").await;
        let house = household(&test).await;
        let path = format!("/v1/customers/{person}/relations");
        let (status, made) = read(test.post("sales", &path, &member(&house)).await).await;
        assert_eq!(status, 201, "{made}");
        let partner = json!({ "kind": "partner", "toId": other, "startsOn": "2020-01-01" });
        assert_eq!(read(test.post("sales", &path, &partner).await).await.0, 201);
        let one = format!("{path}/{}", made["id"].as_str().unwrap());
        let answers = async |expected: u16, sql: &str| {
            for path in [&one, &path] {
                let (status, answer) = read(test.get("sales", path).await).await;
                assert_eq!(status, expected, "{} {sql} {path} {answer}", test.engine);
                let told = answer["type"].as_str().is_some_and(|kind| kind.ends_with("/problems/integrity"));
                assert_eq!(told, expected == 500, "{answer}");
            }
        };
        answers(200, "as it was made").await;
        for (wrong, right) in [
            (
                "UPDATE customer_relations SET ends_on = '2021-01-01' WHERE kind = 'household_member'",
                "UPDATE customer_relations SET ends_on = NULL WHERE kind = 'household_member'",
            ),
            (
                "UPDATE customer_relations SET starts_on = '2019-01-01' WHERE kind = 'household_member'",
                "UPDATE customer_relations SET starts_on = '2020-01-01' WHERE kind = 'household_member'",
            ),
            (
                "UPDATE customer_relations SET kind = 'guardian' WHERE kind = 'household_member'",
                "UPDATE customer_relations SET kind = 'household_member' WHERE kind = 'guardian'",
            ),
            (
                "UPDATE customer_relations SET revision = revision + 1 WHERE kind = 'household_member'",
                "UPDATE customer_relations SET revision = revision - 1 WHERE kind = 'household_member'",
            ),
            (
                "UPDATE customer_relations SET from_id = to_id, to_id = from_id WHERE kind = 'household_member'",
                "UPDATE customer_relations SET from_id = to_id, to_id = from_id WHERE kind = 'household_member'",
            ),
        ] {
            edit(&test, wrong).await;
            answers(500, wrong).await;
            let (status, _) = read(test.patch("sales", &one, "\"r1\"", &json!({ "endsOn": "2026-01-31" })).await).await;
            assert_eq!(status, 500, "nobody signs an edited row");
            edit(&test, right).await;
            answers(200, right).await;
        }
        let (status, _) = read(test.patch("sales", &one, "\"r1\"", &json!({ "endsOn": "2026-01-31" })).await).await;
        assert_eq!(status, 200);
        answers(200, "changed through the door").await;
        // The MAC of another relation of the same tenant, and none.
        for wrong in [
            "UPDATE customer_relations SET mac = (SELECT mac FROM customer_relations AS r WHERE r.kind = 'partner')",
            "UPDATE customer_relations SET mac = substr(mac, 1, 0)",
        ] {
            edit(&test, wrong).await;
            answers(500, wrong).await;
        }
    }
}

#[tokio::test]
async fn relations_without_a_mac_are_not_taken_over_from_an_older_schema() {
    for test in TestApp::both().await {
        let person = customer(&test, "sales", "Beeld").await;
        let house = household(&test).await;
        let path = format!("/v1/customers/{person}/relations");
        assert_eq!(read(test.post("sales", &path, &member(&house)).await).await.0, 201);
        edit(&test, "ALTER TABLE customer_relations DROP COLUMN mac").await;
        edit(&test, "DELETE FROM _sqlx_migrations WHERE description = 'relation_mac'").await;
        // By a process of its own, as it were: on PostgreSQL its connections keep the lock of the failed attempt.
        let other = test.node().await.app;
        let refused = migrate::run(&other.db, Schema::Data).await;
        other.db.close().await;
        assert!(matches!(refused, Err(StoreError::Migration(_))), "{}: {refused:?}", test.engine);
        edit(&test, "DELETE FROM customer_relations").await;
        migrate::run(&test.app.db, Schema::Data).await.unwrap();
        assert_eq!(read(test.post("sales", &path, &member(&house)).await).await.0, 201);
    }
}
