use kluis_core::args;
use serde_json::{Value, json};

use crate::identity::{ask, fetch, send};
use crate::support::app::{TestApp, read};

async fn tree(test: &TestApp) -> Vec<(String, String, i64)> {
    const WHY: &str = "a test looks at the tree";
    let sql = "SELECT ancestor_id, descendant_id, depth FROM tenant_tree ORDER BY ancestor_id, descendant_id";
    let rows = test.app.db.fetch_all_without_scope(WHY, sql, args![]).await.unwrap();
    rows.iter().map(|r| (r.uuid(0).unwrap().to_string(), r.uuid(1).unwrap().to_string(), r.int(2).unwrap())).collect()
}

/// The closure of the parents, made from scratch.
async fn closure(test: &TestApp) -> Vec<(String, String, i64)> {
    const WHY: &str = "a test looks at the tree";
    let rows = test.app.db.fetch_all_without_scope(WHY, "SELECT id, parent_id FROM tenants", args![]).await.unwrap();
    let parents: std::collections::BTreeMap<_, _> =
        rows.iter().map(|r| (r.uuid(0).unwrap(), r.opt_uuid(1).unwrap())).collect();
    let mut all = Vec::new();
    for id in parents.keys() {
        let (mut above, mut depth) = (Some(*id), 0);
        while let Some(ancestor) = above {
            all.push((ancestor.to_string(), id.to_string(), depth));
            above = parents[&ancestor];
            depth += 1;
        }
    }
    all.sort();
    all
}

fn draft(kind: &str, parent: &str, name: &str) -> Value {
    json!({ "kind": kind, "parentId": parent, "name": name, "country": "nl", "kvkNumber": "1234 5678",
            "contractStarts": "2026-01-01", "contractEnds": "2030-12-31" })
}

#[tokio::test]
async fn a_tenant_is_made_moved_and_closed_and_the_tree_holds() {
    for test in TestApp::both().await {
        let admin = test.as_("admin").to_owned();
        let region = test.region.to_string();
        let (status, made) =
            send(&test, Some(&admin), "POST", "/v1/tenants", draft("franchisee", &region, "Oost")).await;
        assert_eq!(status, 201, "{made}");
        assert_eq!((&made["country"], &made["kvkNumber"]), (&json!("NL"), &json!("12345678")));
        assert_eq!(tree(&test).await, closure(&test).await);
        let (_, second) = send(&test, Some(&admin), "POST", "/v1/tenants", draft("region", &region, "Deelregio")).await;
        let path = format!("/v1/tenants/{}", made["id"].as_str().unwrap());
        let patch = json!({ "parentId": second["id"], "contractEnds": null });
        let (status, moved) = read(test.patch("admin", &path, "\"r1\"", &patch).await).await;
        assert_eq!((status, moved.get("contractEnds")), (200, None), "{moved}");
        assert_eq!(tree(&test).await, closure(&test).await);

        let below_itself = json!({ "parentId": made["id"] });
        let upper = format!("/v1/tenants/{}", second["id"].as_str().unwrap());
        assert_eq!(read(test.patch("admin", &upper, "\"r1\"", &below_itself).await).await.0, 400);
        let (status, stale) = read(test.patch("admin", &path, "\"r1\"", &json!({ "name": "x" })).await).await;
        assert_eq!(status, 412, "{stale}");
        assert_eq!(tree(&test).await, closure(&test).await);

        let close = |path: String| {
            let request = test.client.put(format!("{path}/closure")).header("authorization", format!("Bearer {admin}"));
            request.header("if-match", "*").body_json(&json!({ "closed": true })).send()
        };
        assert_eq!(close(upper.clone()).await.0.status(), 409, "first what is below");
        assert_eq!(close(path.clone()).await.0.status(), 200);
        assert_eq!(close(upper).await.0.status(), 200);
        let into_closed = draft("franchisee", second["id"].as_str().unwrap(), "Te laat");
        assert_eq!(send(&test, Some(&admin), "POST", "/v1/tenants", into_closed).await.0, 400);
    }
}

#[tokio::test]
async fn nobody_acts_for_a_closed_tenant() {
    for test in TestApp::both().await {
        let sales = test.as_("sales").to_owned();
        assert_eq!(fetch(&test, &sales, "/v1/customers").await.0, 200);
        let admin = test.as_("admin").to_owned();
        let path = format!("/v1/tenants/{}/closure", test.north);
        let close = |closed: bool| {
            let request = test.client.put(&path).header("authorization", format!("Bearer {admin}"));
            request.header("if-match", "*").body_json(&json!({ "closed": closed })).send()
        };
        let draft = crate::customers::draft("Beeld");
        let (_, view) = send(&test, Some(&sales), "POST", "/v1/customers", draft).await;
        let order = json!({ "ids": [view["id"]], "change": { "status": "former" } });
        let (status, job) = send(&test, Some(test.as_("manager")), "POST", "/v1/customers/_bulk", order).await;
        assert_eq!(status, 202, "{job}");
        assert_eq!(close(true).await.0.status(), 200);
        assert_eq!(fetch(&test, &sales, "/v1/customers").await.0, 401);
        crate::bulk::work(&test).await;
        assert_eq!(close(false).await.0.status(), 200);
        assert_eq!(fetch(&test, &sales, "/v1/customers").await.0, 200);
        let (_, job) = fetch(&test, &sales, &format!("/v1/jobs/{}", job["id"].as_str().unwrap())).await;
        assert_eq!((&job["state"], &job["failure"]), (&json!("failed"), &json!("forbidden")), "nor does a job: {job}");
    }
}

#[tokio::test]
async fn each_sees_its_own_and_what_is_below() {
    for test in TestApp::both().await {
        for (who, count) in [("admin", 4), ("sales", 1), ("manager_south", 1)] {
            let (status, list) = fetch(&test, test.as_(who), "/v1/tenants?count=true").await;
            assert_eq!((status, &list["total"]), (200, &json!(count)), "{who} {list}");
        }
        let south = format!("/v1/tenants/{}", test.south);
        assert_eq!(fetch(&test, test.as_("sales"), &south).await.0, 404);
        assert_eq!(
            fetch(&test, test.as_("sales"), "/v1/tenants/ten_01932f5e-8a70-7abc-8def-0123456789ab").await.0,
            404
        );
        let below_mine = draft("franchisee", &test.region.to_string(), "Oost");
        assert_eq!(send(&test, Some(test.as_("sales")), "POST", "/v1/tenants", below_mine).await.0, 403);
        let (_, page) = fetch(&test, test.as_("admin"), "/v1/tenants?pageSize=3&kind=franchisee").await;
        assert_eq!(page["items"].as_array().unwrap().len(), 2);
        let first = ask(&test, Some(test.as_("admin")), "GET", "/v1/tenants?pageSize=3", None).await;
        let next = first.0.headers()["link"].to_str().unwrap().to_owned();
        let next = next.trim_start_matches('<').split('>').next().unwrap().to_owned();
        let (_, rest) = fetch(&test, test.as_("admin"), &next).await;
        assert_eq!(rest["items"].as_array().unwrap().len(), 1, "{rest}");
    }
}

#[tokio::test]
async fn rules_of_the_tree_are_told_by_pointer() {
    let test = TestApp::sqlite().await;
    let admin = test.as_("admin").to_owned();
    let (north, hq) = (test.north.to_string(), test.hq.to_string());
    for (body, code) in [
        (draft("franchisee", &north, "x"), "kind"),
        (draft("hq", &hq, "x"), "kind"),
        (draft("franchisee", "ten_01932f5e-8a70-7abc-8def-0123456789ab", "x"), "unknown"),
        (draft("franchisee", "cus_1", "x"), "id"),
    ] {
        let (status, problem) = send(&test, Some(&admin), "POST", "/v1/tenants", body).await;
        assert_eq!((status, &problem["errors"][0]["code"]), (400, &json!(code)), "{problem}");
        assert_eq!(problem["errors"][0]["pointer"], "/parentId");
    }
}
