use serde_json::{Value, json};

use crate::customers::draft;
use crate::support::app::{TestApp, read};

/// Makes a customer of the north and gives its id.
pub async fn customer(test: &TestApp, by: &str, name: &str) -> String {
    let (status, view) = read(test.post(by, "/v1/customers", &draft(name)).await).await;
    assert_eq!(status, 201, "{} {view}", test.engine);
    view["id"].as_str().unwrap().to_owned()
}

fn call(customer: &str, at: &str) -> Value {
    json!({
        "customerId": customer, "channel": "phone", "direction": "inbound", "occurredAt": at,
        "subject": "Vraag over openingstijden", "body": "Belt morgen terug.",
        "participants": [{ "name": "De buurvrouw" }],
    })
}

#[tokio::test]
async fn an_interaction_is_written_shown_changed_and_put_away() {
    for test in TestApp::both().await {
        let id = customer(&test, "sales", "Beeld").await;
        let made = test.post("sales", "/v1/interactions", &call(&id, "2026-09-20T10:00:00Z")).await;
        let etag = made.0.headers()["etag"].to_str().unwrap().to_owned();
        let (status, view) = read(made).await;
        assert_eq!(status, 201, "{} {view}", test.engine);
        assert_eq!((&view["body"], view.get("withheld")), (&json!("Belt morgen terug."), None));
        assert_eq!(view["authorId"], test.people["sales"].id.to_string());
        let path = format!("/v1/interactions/{}", view["id"].as_str().unwrap());

        let mut mail = call(&id, "2026-09-21T09:00:00+02:00");
        mail["channel"] = json!("email");
        let (status, later) = read(test.post("service", "/v1/interactions", &mail).await).await;
        assert_eq!(status, 201, "{later}");
        let (_, shown) = read(test.get("sales", &format!("/v1/customers/{id}")).await).await;
        assert_eq!(shown["lastContactAt"], "2026-09-21T07:00:00.000Z", "{shown}");

        let timeline = format!("/v1/customers/{id}/timeline");
        let (status, page) = read(test.get("sales", &format!("{timeline}?pageSize=1&count=true")).await).await;
        assert_eq!((status, &page["items"][0]["id"], &page["total"]), (200, &later["id"], &json!(2)), "{page}");
        let next = format!("{timeline}?pageSize=1&cursor={}", page["nextCursor"].as_str().unwrap());
        let (_, page) = read(test.get("sales", &next).await).await;
        assert_eq!((&page["items"][0]["id"], page.get("nextCursor")), (&view["id"], None), "{page}");
        let (_, page) = read(test.get("sales", &format!("{timeline}?channel=phone")).await).await;
        assert_eq!(page["items"].as_array().unwrap().len(), 1, "{page}");

        let patch = json!({ "body": "Heeft al gebeld.", "participants": null });
        let (status, stale) = read(test.patch("sales", &path, "\"r9\"", &patch).await).await;
        assert_eq!(status, 412, "{stale}");
        let (status, changed) = read(test.patch("sales", &path, &etag, &patch).await).await;
        assert_eq!((status, &changed["body"]), (200, &json!("Heeft al gebeld.")), "{changed}");
        assert_eq!(changed.get("participants"), None);

        let gone = format!("/v1/interactions/{}", later["id"].as_str().unwrap());
        assert_eq!(read(test.delete("sales", &gone, "\"r1\"").await).await.0, 403);
        assert_eq!(read(test.delete("manager", &gone, "\"r1\"").await).await.0, 204);
        let (_, list) = read(test.get("sales", "/v1/interactions?count=true").await).await;
        assert_eq!((list["items"].as_array().unwrap().len(), &list["total"]), (1, &json!(1)), "{list}");
        let (_, shown) = read(test.get("sales", &format!("/v1/customers/{id}")).await).await;
        assert_eq!(shown["lastContactAt"], "2026-09-20T10:00:00.000Z");
        let back = format!("{gone}/restoration");
        let (status, back) = read(test.put("manager", &back, "\"r2\"", None).await).await;
        assert_eq!((status, back.get("archivedAt")), (200, None), "{back}");
    }
}

#[tokio::test]
async fn who_may_not_read_the_customer_finds_no_interaction() {
    for test in TestApp::both().await {
        let id = customer(&test, "sales", "Beeld").await;
        let (_, view) = read(test.post("sales", "/v1/interactions", &call(&id, "2026-09-20T10:00:00Z")).await).await;
        let path = format!("/v1/interactions/{}", view["id"].as_str().unwrap());
        for name in ["sales_south", "manager_south", "analyst", "regional", "auditor"] {
            assert_eq!(read(test.get(name, &path).await).await.0, 404, "{name}");
            let (status, _) = read(test.get(name, &format!("/v1/customers/{id}/timeline")).await).await;
            assert_eq!(status, 404, "{name}");
        }
        let (_, list) = read(test.get("sales_south", "/v1/interactions").await).await;
        assert_eq!(list["items"], json!([]));
        let (status, made) =
            read(test.post("sales_south", "/v1/interactions", &call(&id, "2026-09-20T10:00:00Z")).await).await;
        assert_eq!((status, &made["errors"][0]["pointer"]), (400, &json!("/customerId")), "{made}");
        let (status, seen) = read(test.get("privacy", &path).await).await;
        assert_eq!((status, &seen["subject"]), (200, &view["subject"]), "{seen}");
    }
}

#[tokio::test]
async fn sensitive_contents_have_a_permission_of_their_own() {
    for test in TestApp::both().await {
        let id = customer(&test, "sales", "Beeld").await;
        let mut sensitive = call(&id, "2026-09-20T10:00:00Z");
        sensitive["sensitivity"] = json!("sensitive");
        let (status, refused) = read(test.post("sales", "/v1/interactions", &sensitive).await).await;
        assert_eq!((status, &refused["compartments"]), (403, &json!("special")), "{refused}");
        let (_, list) = read(test.get("sales", "/v1/interactions").await).await;
        assert_eq!(list["items"], json!([]), "nothing was written");

        let (status, made) = read(test.post("manager", "/v1/interactions", &sensitive).await).await;
        assert_eq!(status, 201, "{made}");
        let path = format!("/v1/interactions/{}", made["id"].as_str().unwrap());
        let (_, seen) = read(test.get("sales", &path).await).await;
        assert_eq!((seen.get("subject"), seen.get("body"), &seen["withheld"]), (None, None, &json!(["special"])));
        let (status, _) = read(test.patch("sales", &path, "\"r1\"", &json!({ "body": "x" })).await).await;
        assert_eq!(status, 403);
        let (_, whole) = read(test.get("privacy", &path).await).await;
        assert_eq!(whole["body"], "Belt morgen terug.", "{whole}");
    }
}

#[tokio::test]
async fn faults_are_named_and_a_service_number_is_refused() {
    let test = TestApp::sqlite().await;
    let id = customer(&test, "sales", "Beeld").await;
    let mut bad = call(&id, "2031-01-01T00:00:00Z");
    bad["subject"] = json!("bsn 111222333");
    bad["body"] = json!("burgerservicenummer: 111222333");
    let (status, problem) = read(test.post("sales", "/v1/interactions", &bad).await).await;
    let pointers: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    assert_eq!((status, pointers), (400, vec!["/occurredAt", "/subject", "/body"]), "{problem}");
}
