use serde_json::json;

use crate::customers::draft;
use crate::interactions::customer;
use crate::support::app::{TestApp, read};

#[tokio::test]
async fn whoever_oversees_sees_who_did_what_and_is_on_record_too() {
    for test in TestApp::both().await {
        let id = customer(&test, "sales", "Beeld").await;
        customer(&test, "sales_south", "Elders").await;
        assert_eq!(read(test.get("service", &format!("/v1/customers/{id}")).await).await.0, 200);

        let path = format!("/v1/audit-events?recordId={id}&class=read");
        let (status, page) = read(test.get("manager", &path).await).await;
        assert_eq!((status, page["items"].as_array().map_or(0, Vec::len)), (200, 1), "{} {page}", test.engine);
        let event = &page["items"][0];
        assert_eq!(event["actor"], test.people["service"].id.to_string(), "{event}");
        assert_eq!((&event["action"], &event["purpose"]), (&json!("customer.read"), &json!("service")));
        assert!(event["compartments"].as_array().unwrap().contains(&json!("contact")), "{event}");
        assert!(!page.to_string().contains("Beeld"), "no value of a person: {page}");

        let one = format!("/v1/audit-events/{}", event["id"].as_str().unwrap());
        assert_eq!(read(test.get("manager", &one).await).await.0, 200);
        assert_eq!(read(test.get("manager_south", &one).await).await.0, 404);
        assert_eq!(read(test.get("auditor", &one).await).await.0, 200);
        for name in ["sales", "service", "analyst"] {
            assert_eq!(read(test.get(name, "/v1/audit-events").await).await.0, 403, "{name}");
        }

        let path = "/v1/audit-events?action=audit_event.read&count=true";
        let (_, looks) = read(test.get("privacy", path).await).await;
        assert_eq!(looks["total"], 3, "both lists and shows are on record: {looks}");
    }
}

#[tokio::test]
async fn events_are_found_by_subject_and_paged() {
    for test in TestApp::both().await {
        let id = customer(&test, "sales", "Beeld").await;
        let (status, _) = read(test.post("sales", "/v1/customers", &draft("Ander")).await).await;
        assert_eq!(status, 201);
        // A list is about each customer on it.
        assert_eq!(read(test.get("sales", "/v1/customers").await).await.0, 200);
        let path = format!("/v1/audit-events?subjectId={id}&pageSize=1");
        let (status, first) = read(test.get("auditor", &path).await).await;
        assert_eq!((status, &first["items"][0]["action"]), (200, &json!("customer.read")), "{first}");
        assert_eq!(first["items"][0]["subjects"], 2, "{first}");
        let next = format!("{path}&cursor={}", first["nextCursor"].as_str().unwrap());
        let (_, second) = read(test.get("auditor", &next).await).await;
        assert_eq!(second["items"][0]["action"], "customer.create", "{second}");
        assert_eq!(second.get("nextCursor"), None, "looks of others come later than the cursor");

        let nobody = "/v1/audit-events?subjectId=cus_01932f5e-8a70-7abc-8def-0123456789ab";
        let (_, none) = read(test.get("auditor", nobody).await).await;
        assert_eq!(none["items"], json!([]), "{none}");
        let (_, none) = read(test.get("auditor", "/v1/audit-events?until=2020-01-01T00:00:00Z").await).await;
        assert_eq!(none["items"], json!([]), "{none}");
        assert_eq!(read(test.get("auditor", "/v1/audit-events?recordId=x").await).await.0, 400);
    }
}
