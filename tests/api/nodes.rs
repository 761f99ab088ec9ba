//! Two nodes over one database: what one writes counts on the other from the next request on.

use std::time::Duration;

use kluis::jobs::{Timing, Worker, Workshop};
use poem::http::Method;
use serde_json::{Value, json};

use super::customers::draft;
use super::identity::{fetch, send, token, with_password};
use super::imports::upload;
use crate::support::app::{Node, TestApp, read};

/// How many customers a node finds by a name, and in the list by name.
async fn found(node: &Node, test: &TestApp, name: &str) -> usize {
    let (status, hits) =
        node.ask(test.as_("manager"), "POST", "/v1/customers/_search", Some(&json!({ "name": name }))).await;
    assert_eq!(status, 200, "{hits}");
    let (status, all) =
        node.ask(test.as_("manager"), "POST", "/v1/customers/_search", Some(&json!({ "sort": "name" }))).await;
    assert_eq!(status, 200, "{all}");
    let hits = hits["items"].as_array().expect("items").len();
    let named = |item: &&Value| item["identity"]["person"]["familyName"] == name;
    assert_eq!(hits, all["items"].as_array().expect("items").iter().filter(named).count(), "search and order agree");
    hits
}

#[tokio::test]
async fn a_customer_is_found_by_name_on_the_other_node_as_soon_as_it_is_there() {
    for test in TestApp::both().await {
        let node = test.node().await;
        assert_eq!(found(&node, &test, "Zilverberk").await, 0, "the names are in this node's memory from now on");
        let (status, made) = read(test.post("manager", "/v1/customers", &draft("Zilverberk")).await).await;
        assert_eq!(status, 201, "{made}");
        assert_eq!(found(&node, &test, "Zilverberk").await, 1, "made");
        let path = format!("/v1/customers/{}", made["id"].as_str().expect("an id"));
        let patch = json!({ "identity": { "person": { "familyName": "Koperbeuk" } } });
        let (status, changed) = read(test.patch("manager", &path, "*", &patch).await).await;
        assert_eq!(status, 200, "{changed}");
        assert_eq!(found(&node, &test, "Zilverberk").await, 0, "renamed");
        assert_eq!(found(&node, &test, "Koperbeuk").await, 1);
        let put = json!({ "archived": true });
        let (status, _) = read(test.put("manager", &format!("{path}/archival"), "*", Some(&put)).await).await;
        assert_eq!(status, 200);
        assert_eq!(found(&node, &test, "Koperbeuk").await, 0, "archived");
    }
}

#[tokio::test]
async fn an_import_and_its_being_taken_back_are_followed() {
    for test in TestApp::both().await {
        let node = test.node().await;
        assert_eq!(found(&node, &test, "Eerste").await, 0);
        let path = imported(&test).await;
        assert_eq!(found(&node, &test, "Eerste").await, 1);
        assert_eq!(found(&node, &test, "Laatste").await, 1);
        let (status, job) = read(test.post("manager", &format!("{path}/reversal"), &json!({})).await).await;
        assert_eq!(status, 202, "{job}");
        super::imports::work(&test).await;
        assert_eq!(found(&node, &test, "Eerste").await, 0);
    }
}

async fn imported(test: &TestApp) -> String {
    let path = decided(test, "nr;achternaam\n1;Eerste\n2;Laatste\n".to_owned()).await;
    let (status, job) = read(test.post("manager", &format!("{path}/runs"), &json!({ "dryRun": false })).await).await;
    assert_eq!(status, 202, "{job}");
    super::imports::work(test).await;
    path
}

async fn decided(test: &TestApp, file: String) -> String {
    let (status, etag, view) = upload(test, "manager", "text/csv", file).await;
    assert_eq!(status, 201, "{view}");
    let path = format!("/v1/imports/{}", view["id"].as_str().expect("an id"));
    let settings = json!({ "legalBasis": "contract", "source": "old-crm", "columns": ["externalId:nr", "familyName"] });
    let (status, answer) = read(test.patch("manager", &path, &etag, &settings).await).await;
    assert_eq!(status, 200, "{answer}");
    path
}

/// Many writers on two nodes at once, while both are asked for names again and again: nothing is skipped.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_many_write_at_the_same_time_is_not_skipped() {
    const EACH: usize = 40;
    for test in TestApp::both().await {
        let node = test.node().await;
        assert_eq!(found(&node, &test, "Gelijktijdig").await, 0);
        let write = |on_node: bool, name: &'static str| {
            let (node, test) = (&node, &test);
            async move {
                for number in 0..EACH {
                    let mut body = draft("Gelijktijdig");
                    body["contact"] = json!({ "emails": [{ "address": format!("{name}{number}@klant.example") }] });
                    let (status, view) = if on_node {
                        node.ask(test.as_("manager"), "POST", "/v1/customers", Some(&body)).await
                    } else {
                        read(test.post("manager", "/v1/customers", &body).await).await
                    };
                    assert_eq!(status, 201, "{view}");
                }
            }
        };
        let ask = async {
            let mut last = 0;
            while last < 4 * EACH {
                let search = json!({ "name": "Gelijktijdig", "pageSize": 200 });
                let (status, hits) =
                    node.ask(test.as_("manager"), "POST", "/v1/customers/_search", Some(&search)).await;
                assert_eq!(status, 200, "{hits}");
                let now = hits["items"].as_array().expect("items").len();
                assert!(now >= last, "{now} after {last}");
                last = now;
            }
        };
        let all = async {
            tokio::join!(write(true, "a"), write(false, "b"), write(true, "c"), write(false, "d"), ask);
        };
        let ended = tokio::time::timeout(Duration::from_secs(120), all).await;
        assert!(ended.is_ok(), "{}: some are never found", test.engine);
    }
}

#[tokio::test]
async fn a_role_taken_away_on_one_node_counts_on_the_other_from_the_next_request_on() {
    for test in TestApp::both().await {
        let node = test.node().await;
        assert_eq!(node.ask(test.as_("sales"), "GET", "/v1/customers", None).await.0, 200);
        let roles = format!("/v1/users/{}/roles", test.people["sales"].id);
        let (_, grants) = fetch(&test, test.as_("admin"), &roles).await;
        let grant = &grants["items"][0];
        let path = format!("{roles}/{}", grant["id"].as_str().expect("an id"));
        let answer = test.delete("admin", &path, "*").await;
        assert_eq!(answer.0.status().as_u16(), 204);
        let (status, body) = node.ask(test.as_("sales"), "GET", "/v1/customers", None).await;
        assert!(matches!(status, 401 | 403), "{}: {status} {body}", test.engine);
        let (status, _) = node.ask(test.as_("sales"), "POST", "/v1/customers", Some(&draft("Niemand"))).await;
        assert!(matches!(status, 401 | 403));
        let (_, all) = node.ask(test.as_("manager"), "GET", "/v1/customers", None).await;
        assert_eq!(all["items"], json!([]));
    }
}

/// What finds nothing runs no statement that would have noticed.
#[tokio::test]
async fn who_has_no_role_left_is_not_told_that_there_is_nobody_either() {
    let nobody = json!({ "field": "email", "operator": "eq", "value": "niemand@example.org" });
    let asked = [
        ("/v1/customers/_search", json!({ "name": "Niemandsnaam" })),
        ("/v1/customers/_search", json!({ "name": "Niemandsnaam", "sort": "name" })),
        ("/v1/customers/_search", json!({ "where": nobody })),
        ("/v1/customers/_search", json!({ "name": "Niemandsnaam", "where": nobody })),
        ("/v1/customers/_duplicates", json!({ "draft": { "identity": draft("Niemandsnaam")["identity"] } })),
    ];
    for test in TestApp::both().await {
        for (path, body) in &asked {
            let node = test.node().await;
            let (status, none) = node.ask(test.as_("sales"), "POST", path, Some(body)).await;
            assert_eq!((status, &none["items"]), (200, &json!([])), "{path} {body}");
            let roles = format!("/v1/users/{}/roles", test.people["sales"].id);
            let (_, grants) = fetch(&test, test.as_("admin"), &roles).await;
            let grant = &grants["items"][0];
            let gone = test.delete("admin", &format!("{roles}/{}", grant["id"].as_str().expect("an id")), "*").await;
            assert_eq!(gone.0.status().as_u16(), 204);
            let (status, answer) = node.ask(test.as_("sales"), "POST", path, Some(body)).await;
            assert!(matches!(status, 401 | 403), "{}: {path} {body}: {status} {answer}", test.engine);
            let (status, back) = read(test.post("manager", &roles, &json!({ "role": "sales" })).await).await;
            assert_eq!(status, 201, "{back}");
        }
    }
}

/// Each time the other node has learnt of rights that have changed since.
#[tokio::test]
async fn a_creation_under_rights_that_have_changed_is_decided_again_and_done_once() {
    for test in TestApp::both().await {
        let node = test.node().await;
        let create = async |name: &str| node.ask(test.as_("sales"), "POST", "/v1/customers", Some(&draft(name))).await;
        assert_eq!(create("Eerste").await.0, 201, "{}", test.engine);
        let roles = format!("/v1/users/{}/roles", test.people["sales"].id);
        let (_, grants) = fetch(&test, test.as_("admin"), &roles).await;
        let grant = format!("{roles}/{}", grants["items"][0]["id"].as_str().expect("an id"));

        // Rights of somebody else: the same decision, made anew.
        let other = format!("/v1/users/{}/roles", test.people["service"].id);
        let (status, more) = read(test.post("manager", &other, &json!({ "role": "sales" })).await).await;
        assert_eq!(status, 201, "{more}");
        assert_eq!(create("Tweede").await.0, 201, "{}", test.engine);

        assert_eq!(test.delete("admin", &grant, "*").await.0.status().as_u16(), 204);
        let refused = create("Derde").await;
        assert!(matches!(refused.0, 401 | 403), "{}: {refused:?}", test.engine);
        let (status, _) = read(test.post("manager", &roles, &json!({ "role": "sales" })).await).await;
        assert_eq!(status, 201);
        assert_eq!(create("Vierde").await.0, 201, "{}: who has got a right may use it at once", test.engine);
        let (_, grants) = fetch(&test, test.as_("admin"), &roles).await;
        let grant = format!("{roles}/{}", grants["items"][0]["id"].as_str().expect("an id"));
        assert_eq!(test.delete("admin", &grant, "*").await.0.status().as_u16(), 204);
        // Who has lost a right isn't told what is wrong in the body either.
        let faulty = json!({ "kind": "person" });
        let refused = node.ask(test.as_("sales"), "POST", "/v1/customers", Some(&faulty)).await;
        assert!(matches!(refused.0, 401 | 403), "{}: {refused:?}", test.engine);

        let (_, all) = node.ask(test.as_("manager"), "GET", "/v1/customers?sort=oldest", None).await;
        let mut names: Vec<_> = all["items"]
            .as_array()
            .expect("items")
            .iter()
            .map(|c| c["identity"]["person"]["familyName"].to_string())
            .collect();
        names.sort();
        assert_eq!(names, ["\"Eerste\"", "\"Tweede\"", "\"Vierde\""], "{}", test.engine);
        let (_, events) = fetch(&test, test.as_("auditor"), "/v1/audit-events?action=customer.create&count=true").await;
        assert_eq!(events["total"], 3, "{}: {events}", test.engine);
    }
}

#[tokio::test]
async fn a_session_ended_on_one_node_is_dead_on_the_other() {
    for test in TestApp::both().await {
        let node = test.node().await;
        with_password(&test, "manager").await;
        let (first, second) = (token(&test, "manager").await, token(&test, "manager").await);
        for session in [&first, &second] {
            assert_eq!(node.ask(session, "GET", "/v1/customers", None).await.0, 200);
        }
        let request = test.client.request(Method::DELETE, "/v1/sessions/current");
        let answer = request.header("authorization", format!("Bearer {first}")).send().await;
        assert_eq!(answer.0.status().as_u16(), 204);
        assert_eq!(node.ask(&first, "GET", "/v1/customers", None).await.0, 401);
        assert_eq!(node.ask(&second, "GET", "/v1/customers", None).await.0, 200, "the other one lives");
        let (_, mine) = fetch(&test, &second, "/v1/me/sessions").await;
        let third = token(&test, "manager").await;
        for session in mine["items"].as_array().expect("items") {
            let path = format!("/v1/me/sessions/{}", session["id"].as_str().expect("an id"));
            let request = test.client.request(Method::DELETE, path).header("if-match", "\"r1\"");
            let answer = request.header("authorization", format!("Bearer {third}")).send().await;
            assert_eq!(answer.0.status().as_u16(), 204);
        }
        assert_eq!(node.ask(&second, "GET", "/v1/customers", None).await.0, 401);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_import_is_worked_on_by_one_node_at_a_time() {
    const LINES: usize = 700;
    for test in TestApp::both().await {
        let node = test.node().await;
        let lines: String = (0..LINES).map(|number| format!("{number};Klant {number}\n")).collect();
        let path = decided(&test, format!("nr;achternaam\n{lines}")).await;
        let (status, job) =
            read(test.post("manager", &format!("{path}/runs"), &json!({ "dryRun": false })).await).await;
        assert_eq!(status, 202, "{job}");
        let worker = |app: &std::sync::Arc<kluis::app::App>| {
            Worker::new(Workshop::of(app), kluis::worker::registry(app), Timing::default())
        };
        let (one, other) = (worker(&test.app), worker(&node.app));
        let (one, other) = tokio::join!(one.run_one(), other.run_one());
        assert_ne!(one.expect("it works"), other.expect("it works"), "{}: one of them had it", test.engine);
        let (_, job) =
            fetch(&test, test.as_("manager"), &format!("/v1/jobs/{}", job["id"].as_str().expect("an id"))).await;
        assert_eq!((&job["state"], &job["counts"]), (&json!("succeeded"), &json!({ "create": LINES })), "{job}");
        let (_, all) = fetch(&test, test.as_("manager"), "/v1/customers?count=true&pageSize=1").await;
        assert_eq!(all["total"], LINES);
    }
}

#[tokio::test]
async fn a_sealed_vault_leaves_nothing_in_memory() {
    for test in TestApp::both().await {
        let (status, _) = read(test.post("manager", "/v1/customers", &draft("Zilverberk")).await).await;
        assert_eq!(status, 201);
        let search = json!({ "name": "Zilverberk" });
        let (_, hits) = read(test.post("manager", "/v1/customers/_search", &search).await).await;
        assert_eq!(hits["items"].as_array().map(Vec::len), Some(1));
        let names = test.app.directory.tenant(test.north.uuid()).expect("in memory");
        assert_eq!(names.len(), 1);
        test.app.seal();
        assert!(names.is_empty() && test.app.directory.tenants().is_empty());
        for (method, path) in [("GET", "/v1/customers"), ("POST", "/v1/customers/_search")] {
            let body = (method == "POST").then_some(&search);
            let answer = super::identity::ask(&test, Some(test.as_("manager")), method, path, body).await;
            assert_eq!(answer.0.status().as_u16(), 503, "{method} {path}");
        }
        assert!(test.app.directory.tenants().is_empty(), "nothing came back");
        let root = kluis_core::privacy::RootKey::parse(&test.root).expect("a key");
        test.app.keys.unseal(root).await.expect("it opens");
        let (status, hits) = send(&test, Some(test.as_("manager")), "POST", "/v1/customers/_search", search).await;
        assert_eq!((status, hits["items"].as_array().map(Vec::len)), (200, Some(1)), "{hits}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rows_that_are_brought_in_are_worked_on_by_one_node_at_a_time() {
    const ROWS: usize = 250;
    for test in TestApp::both().await {
        let node = test.node().await;
        let rows: Vec<_> = (0..ROWS).map(|number| draft(&format!("Rij{number}"))).collect();
        let (status, job) = read(test.post("manager", "/v1/customers/_bulk", &json!({ "rows": rows })).await).await;
        assert_eq!(status, 202, "{job}");
        let worker = |app: &std::sync::Arc<kluis::app::App>| {
            Worker::new(Workshop::of(app), kluis::worker::registry(app), Timing::default())
        };
        let (one, other) = (worker(&test.app), worker(&node.app));
        let (one, other) = tokio::join!(one.run_one(), other.run_one());
        assert_ne!(one.expect("it works"), other.expect("it works"), "{}: one of them had it", test.engine);
        let path = format!("/v1/jobs/{}", job["id"].as_str().expect("an id"));
        let (_, job) = fetch(&test, test.as_("manager"), &path).await;
        assert_eq!((&job["state"], &job["counts"]), (&json!("succeeded"), &json!({ "create": ROWS })), "{job}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_node_is_sealed_under_way_and_the_other_goes_on() {
    for test in TestApp::both().await {
        let node = test.node().await;
        let (_, view) = read(test.post("sales", "/v1/customers", &draft("Beeld")).await).await;
        let path = format!("/v1/customers/{}", view["id"].as_str().expect("an id"));
        let asked = async |test: &TestApp| {
            let mut statuses = Vec::new();
            for number in 0..40 {
                if number == 20 {
                    test.app.seal();
                }
                statuses.push(read(test.get("sales", &path).await).await);
            }
            statuses
        };
        let others = async {
            let mut statuses = Vec::new();
            for _ in 0..40 {
                statuses.push(node.ask(test.as_("sales"), "GET", &path, None).await);
            }
            statuses
        };
        let (sealed, open) = tokio::join!(asked(&test), others);
        assert!(open.iter().all(|(status, _)| *status == 200), "{} {open:?}", test.engine);
        for (number, (status, answer)) in sealed.iter().enumerate() {
            // Whole answers before, and afterwards nothing of a person.
            assert_eq!(*status, if number < 20 { 200 } else { 503 }, "{} {answer}", test.engine);
            assert_eq!(answer.to_string().contains("Beeld"), number < 20, "{} {answer}", test.engine);
        }
    }
}
