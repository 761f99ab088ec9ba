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
