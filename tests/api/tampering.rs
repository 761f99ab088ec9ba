//! Who edits a row in the database behind the program's back is found out: nothing of the row is shown, and the fault is
//! on record with the record's name and with whoever met it.

use kluis_core::args;
use serde_json::{Value, json};

use super::bulk::{outcomes, run};
use super::customers::draft;
use crate::support::app::{TestApp, read};

async fn edit(test: &TestApp, sql: &'static str) {
    const WHY: &str = "a test edits rows behind the program's back";
    let mut tx = test.app.db.begin().await.unwrap();
    tx.execute_without_scope(WHY, sql, args![]).await.unwrap();
    tx.commit_without_event(WHY).await.unwrap();
}

/// The faults on record about one record.
async fn faults(test: &TestApp, record: &str) -> Vec<Value> {
    let path = format!("/v1/audit-events?recordId={record}&action=integrity.fault");
    let (status, events) = read(test.get("auditor", &path).await).await;
    assert_eq!(status, 200, "{events}");
    events["items"].as_array().unwrap().clone()
}

fn is_integrity((status, answer): &(u16, Value)) -> bool {
    *status == 500 && answer["type"] == "/problems/integrity" && !answer.to_string().contains("Beeld")
}

#[tokio::test]
async fn an_edited_customer_is_shown_nowhere_and_each_who_meets_it_is_on_record() {
    for test in TestApp::both().await {
        let (_, view) = read(test.post("sales", "/v1/customers", &draft("Beeld")).await).await;
        let id = view["id"].as_str().unwrap();
        let path = format!("/v1/customers/{id}");
        assert!(faults(&test, id).await.is_empty(), "{}", test.engine);
        edit(&test, "UPDATE customers SET legal_basis = 'consent'").await;
        let search = json!({ "where": { "field": "email", "operator": "eq", "value": "beeld@klant.example" } });
        let answers = [
            read(test.get("sales", &path).await).await,
            read(test.get("sales", "/v1/customers").await).await,
            read(test.post("sales", "/v1/customers/_search", &search).await).await,
            read(test.patch("sales", &path, "\"r1\"", &json!({ "status": "former" })).await).await,
            read(test.put("manager", &format!("{path}/archival"), "\"r1\"", Some(&json!({ "archived": true }))).await)
                .await,
        ];
        assert!(answers.iter().all(is_integrity), "{} {answers:?}", test.engine);
        let events = faults(&test, id).await;
        assert_eq!(events.len(), answers.len(), "{} {events:?}", test.engine);
        for event in &events {
            assert_eq!(
                (&event["outcome"], &event["class"], &event["entity"]),
                (&json!("failed"), &json!("security"), &json!("customer")),
                "{event}"
            );
            assert!(event["actor"].as_str().is_some_and(|actor| !actor.starts_with("system:")), "{event}");
        }
        edit(&test, "UPDATE customers SET legal_basis = 'contract'").await;
        assert_eq!(read(test.get("sales", &path).await).await.0, 200);
        assert_eq!(faults(&test, id).await.len(), answers.len());
    }
}

#[tokio::test]
async fn edited_rows_of_other_kinds_are_on_record_too() {
    for test in TestApp::both().await {
        let (_, customer) = read(test.post("sales", "/v1/customers", &draft("Beeld")).await).await;
        let id = customer["id"].as_str().unwrap();
        let call = json!({ "customerId": id, "channel": "phone", "direction": "inbound", "subject": "Beeld", "occurredAt": "2026-01-01T10:00:00Z" });
        let (status, call) = read(test.post("sales", "/v1/interactions", &call).await).await;
        assert_eq!(status, 201, "{call}");
        edit(&test, "UPDATE interactions SET direction = 'outbound'").await;
        let met = read(test.get("sales", "/v1/interactions").await).await;
        assert!(is_integrity(&met), "{} {met:?}", test.engine);
        let events = faults(&test, call["id"].as_str().unwrap()).await;
        assert_eq!((events.len(), &events[0]["entity"]), (1, &json!("interaction")), "{} {events:?}", test.engine);
    }
}

#[tokio::test]
async fn jobs_leave_edited_records_as_they_are_and_tell() {
    for test in TestApp::both().await {
        let mut made = Vec::new();
        for name in ["Beeld", "Toon"] {
            let (_, view) = read(test.post("sales", "/v1/customers", &draft(name)).await).await;
            made.push(view["id"].as_str().unwrap().to_owned());
        }
        // Two of one millisecond stand in any order.
        made.sort();
        edit(
            &test,
            "UPDATE customers SET legal_basis = 'consent' WHERE id = (SELECT id FROM customers ORDER BY id LIMIT 1)",
        )
        .await;
        let change = json!({ "ids": made, "change": { "status": "former" } });
        let (job, rows) = run(&test, "manager", &change).await;
        let said = [(0, "error", "integrity".to_owned()), (1, "update", String::new())];
        assert_eq!((&job["state"], &outcomes(&rows)[..]), (&json!("succeeded"), &said[..]), "{}", test.engine);
        let events = faults(&test, &made[0]).await;
        assert_eq!((events.len(), &events[0]["entity"]), (1, &json!("customer")), "{} {events:?}", test.engine);
    }
}
