//! What hangs on customers is shown as far as the customers may be read: those out of reach leave no gap, no cursor and no
//! number behind. And what follows from all that hangs on a customer does so too when much is written at once.

use futures_util::future::{join, join_all};
use kluis_core::access::{Policy, shipped};
use serde_json::{Value, json};

use super::network::enforce;
use crate::customers::draft;
use crate::support::app::{Making, TestApp, read};

const ROLES: &str = "\
role, sales, franchisee, contract, Sales, Verkoop
role, region_manager, region, contract, Region, Regio
p, role:sales, *, interaction, read, unit, *, allow
p, role:sales, *, relation, read, unit, *, allow
p, role:region_manager, *, interaction, read, sub, *, allow
p, role:region_manager, *, customer, read, unit, *, allow
";
const ALL: &str = "p, role:sales, *, customer, read, unit, *, allow\n";
const OWN: &str = "p, role:sales, *, customer, read, own, *, allow\n";
const OTHERS: &str = "\
p, role:sales, *, customer, read, unit, *, allow
p, role:sales, *, customer, read, own, *, deny
";
/// Nobody's.
const NONE: &str = "";

/// Whether what hangs on a customer is shown.
type IsShown = fn(usize) -> bool;

/// More than are asked about in one go by their ids alone.
const CUSTOMERS: usize = 48;

/// One in eight is the seller's; the oldest and the latest aren't.
const fn is_own(at: usize) -> bool {
    at % 8 == 4
}

async fn made(test: &TestApp, path: &str, body: &Value) -> String {
    let (status, view) = read(test.post("manager", path, body).await).await;
    assert_eq!(status, 201, "{} {path} {body} {view}", test.engine);
    view["id"].as_str().unwrap().to_owned()
}

async fn customer(test: &TestApp, name: &str, owner: &str) -> String {
    let mut draft = draft(name);
    draft["ownerId"] = test.people[owner].id.to_string().into();
    made(test, "/v1/customers", &draft).await
}

/// Customers of the seller and of the manager.
async fn customers(test: &TestApp) -> Vec<String> {
    let mut ids = Vec::new();
    for (at, letters) in ('a'..='h').flat_map(|a| ('a'..='f').map(move |b| format!("Beeld{a}{b}"))).enumerate() {
        ids.push(customer(test, &letters, if is_own(at) { "sales" } else { "manager" }).await);
    }
    assert_eq!(ids.len(), CUSTOMERS);
    ids
}

fn call(customer: &str, minute: usize) -> Value {
    json!({
        "customerId": customer, "channel": "phone", "direction": "inbound", "subject": "Vraag",
        "occurredAt": format!("2026-09-20T10:{minute:02}:00Z"),
    })
}

async fn both() -> [TestApp; 2] {
    let policy = || Policy::open_without_shipped_invariants(shipped(), 1).map_err(|f| format!("{f:?}")).unwrap();
    TestApp::both_made(|| Making { policy: Some(policy()), ..Making::default() }).await
}

/// All ids of a list, page by page: each page but the last is full, and each says how many there are.
async fn listed(test: &TestApp, who: &str, path: &str, size: usize) -> Vec<String> {
    let (mut ids, mut totals, mut cursor) = (Vec::new(), Vec::new(), String::new());
    loop {
        let asked = format!("{path}pageSize={size}&count=true{cursor}");
        let (status, page) = read(test.get(who, &asked).await).await;
        assert_eq!(status, 200, "{} {who} {asked} {page}", test.engine);
        let items = page["items"].as_array().unwrap();
        ids.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        totals.push(page["total"].clone());
        let Some(next) = page["nextCursor"].as_str() else {
            assert!(cursor.is_empty() || !items.is_empty(), "{} {who} {asked}: a cursor to nothing", test.engine);
            break;
        };
        assert_eq!(items.len(), size, "{} {who} {asked}: a gap", test.engine);
        cursor = format!("&cursor={next}");
    }
    assert!(totals.iter().all(|total| *total == json!(ids.len())), "{} {who} {path} {totals:?}", test.engine);
    ids
}

#[tokio::test]
async fn interactions_with_customers_out_of_reach_leave_nothing_behind() {
    for test in both().await {
        let customers = customers(&test).await;
        let mut all = Vec::new();
        for (at, customer) in customers.iter().enumerate() {
            all.push((at, made(&test, "/v1/interactions", &call(customer, at)).await));
        }
        all.reverse();
        let cases: [(&str, IsShown); 4] =
            [(ALL, |_| true), (OWN, is_own), (OTHERS, |at| !is_own(at)), (NONE, |_| false)];
        for (lines, is_shown) in cases {
            enforce(&test, &format!("{ROLES}{lines}")).await;
            let expected: Vec<_> = all.iter().filter(|(at, _)| is_shown(*at)).map(|(_, id)| id.clone()).collect();
            for size in [1, 2, 6, 7, 50] {
                let found = listed(&test, "sales", "/v1/interactions?", size).await;
                assert_eq!(found, expected, "{} {lines}", test.engine);
                // The region reads of the shops below what it knows the customers of: nothing.
                assert_eq!(listed(&test, "regional", "/v1/interactions?", size).await, Vec::<String>::new());
            }
            for (at, id) in &all {
                let with = format!("/v1/interactions?customerId={}&", customers[*at]);
                let expected = if is_shown(*at) { vec![id.clone()] } else { Vec::new() };
                assert_eq!(listed(&test, "sales", &with, 1).await, expected, "{} {lines}", test.engine);
            }
        }
    }
}

#[tokio::test]
async fn relations_to_customers_out_of_reach_leave_nothing_behind() {
    for test in both().await {
        let customers = customers(&test).await;
        let own = customer(&test, "Eigen", "sales").await;
        let other = customer(&test, "Ander", "manager").await;
        let mut all = Vec::new();
        for (at, customer) in customers.iter().enumerate() {
            for from in [&own, &other] {
                let body = json!({ "kind": "referrer", "toId": customer });
                all.push((at, from, made(&test, &format!("/v1/customers/{from}/relations"), &body).await));
            }
        }
        let cases: [(&str, &String, IsShown); 3] =
            [(ALL, &own, |_| true), (OWN, &own, is_own), (OTHERS, &other, |at| !is_own(at))];
        for (lines, from, is_shown) in cases {
            enforce(&test, &format!("{ROLES}{lines}")).await;
            let shown = all.iter().filter(|(at, of, _)| *of == from && is_shown(*at));
            let mut expected: Vec<_> = shown.map(|(_, _, id)| id.clone()).collect();
            expected.sort_unstable();
            for size in [1, 2, 6, 7, 50] {
                let mut found = listed(&test, "sales", &format!("/v1/customers/{from}/relations?"), size).await;
                found.sort_unstable();
                assert_eq!(found, expected, "{} {lines}", test.engine);
            }
        }
    }
}

async fn last_contact(test: &TestApp, customer: &str) -> Value {
    read(test.get("sales", &format!("/v1/customers/{customer}")).await).await.1["lastContactAt"].clone()
}

#[tokio::test]
async fn the_last_contact_is_the_latest_of_many_that_are_written_at_once() {
    const AT_ONCE: usize = 12;
    for test in TestApp::both().await {
        for name in ["Anker", "Beuk", "Ceder", "Duin", "Esdoorn", "Fjord"] {
            let id = customer(&test, name, "sales").await;
            // Every minute once, in another order: the latest isn't the last.
            let minutes: Vec<usize> = (0..AT_ONCE).map(|at| at * 5 % AT_ONCE).collect();
            let calls: Vec<_> = minutes.iter().map(|minute| call(&id, 20 + minute)).collect();
            let made = join_all(calls.iter().map(|call| made(&test, "/v1/interactions", call))).await;
            assert_eq!(last_contact(&test, &id).await, "2026-09-20T10:31:00.000Z", "{}", test.engine);

            // The latest is put away while earlier ones are written down.
            let latest = minutes.iter().position(|minute| *minute == AT_ONCE - 1).unwrap();
            let path = format!("/v1/interactions/{}", made[latest]);
            let earlier: Vec<_> = minutes.iter().map(|minute| call(&id, *minute)).collect();
            let writing = join_all(earlier.iter().map(|call| self::made(&test, "/v1/interactions", call)));
            let (gone, _) = join(test.delete("manager", &path, "\"r1\""), writing).await;
            assert_eq!(read(gone).await.0, 204, "{}", test.engine);
            assert_eq!(last_contact(&test, &id).await, "2026-09-20T10:30:00.000Z", "{}", test.engine);
        }
    }
}
