//! Ids of others that stand in a body or in a question, instead of the path: they answer like ids that nobody has.
//!
//! The places are those of the published document: one that is neither asked here nor named with its reason fails the test.

use std::collections::BTreeSet;

use kluis::server::stores;
use kluis_core::kernel::id::{Customer, Tenant, User};
use poem::http::Method;
use serde_json::{Value, json};

use super::bulk;
use super::contract::{Answer, Contract, Operation};
use super::customers::draft;
use super::identity::with_password;
use super::idor::{Elsewhere, customer};
use super::taken::{Leaf, collect};
use crate::support::app::{TestApp, read};
use crate::support::tables::Tables;

/// Places that are looked at elsewhere, or where there is nothing to find.
const ELSEWHERE: [(&str, &str, &str); 2] = [
    ("changeCustomers", "/ids/0", "a_foreign_id_among_many_is_not_there_either"),
    ("updateRelation", "/toId", "can't be changed: fixed, whatever it says"),
];

/// One place: who asks what there, and what must be true of the same request with an id of one's own.
struct Place {
    operation: &'static str,
    pointer: &'static str,
    asker: &'static str,
    path: String,
    body: Value,
    kind: &'static str,
    own: String,
}

/// Ids of one's own, of somebody elsewhere, and of nobody.
struct Ids {
    customer: [String; 3],
    tenant: [String; 3],
    user: [String; 3],
}

impl Ids {
    fn of(&self, kind: &str) -> &[String; 3] {
        match kind {
            "cus" => &self.customer,
            "ten" => &self.tenant,
            _ => &self.user,
        }
    }
}

async fn made(test: &TestApp, path: &str, body: &Value) -> String {
    let (status, view) = read(test.post("manager", path, body).await).await;
    assert_eq!(status, 201, "{view}");
    view["id"].as_str().expect("an id").to_owned()
}

fn call(customer: &str) -> Value {
    json!({
        "customerId": customer, "channel": "phone", "direction": "inbound", "occurredAt": "2026-09-20T10:00:00Z",
        "subject": "Vraag",
    })
}

/// Every place in a body, asked on records of one's own.
async fn places(test: &TestApp, ids: &Ids) -> Vec<Place> {
    let (cus, ten, usr) = (&ids.customer[0], &ids.tenant[0], &ids.user[0]);
    let first = made(test, "/v1/customers", &draft("Eerste")).await;
    let interaction = made(test, "/v1/interactions", &call(&first)).await;
    let partner = |tenant: &str| {
        json!({
            "tenantId": tenant, "status": "active", "country": "NL", "contractStarts": "2026-01-01",
            "identity": { "legalName": "Partner B.V." },
        })
    };
    let below = json!({ "kind": "franchisee", "name": "Nieuw", "country": "NL", "parentId": test.region.to_string() });
    let colleague =
        json!({ "email": "nieuw@kluis.example", "displayName": "Nieuw", "language": "nl", "tenantId": ten });
    let owned = |name: &str| {
        let mut owned = draft(name);
        owned["ownerId"] = json!(usr);
        owned
    };
    let guest = json!({ "participants": [{ "customerId": cus }] });
    let place = |operation, pointer, asker, path: String, body, kind| Place {
        operation,
        pointer,
        asker,
        path,
        body,
        kind,
        own: ids.of(kind)[0].clone(),
    };
    let (status, view) = read(test.post("admin", "/v1/partners", &partner(&test.south.to_string())).await).await;
    assert_eq!(status, 201, "{view}");
    let path = format!("/v1/partners/{}", view["id"].as_str().expect("an id"));
    let mut given_away = place("updatePartner", "/tenantId", "admin", path, json!({ "tenantId": ten }), "ten");
    given_away.own = test.south.to_string();
    let another = made(test, "/v1/interactions", &call(&first)).await;
    let (path, body) = (format!("/v1/interactions/{another}"), json!({ "customerId": first }));
    let mut told_of = place("updateInteraction", "/customerId", "manager", path, body, "cus");
    told_of.own = first.clone();
    let mut with_guest = call(&first);
    with_guest["participants"] = guest["participants"].clone();
    let token = json!({
        "name": "Programma", "scopes": ["customer:read"], "tenantId": ten,
        "expiresAt": (test.app.clock.now() + chrono::TimeDelta::days(1)).to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
    });
    let mut moved =
        place("updateTenant", "/parentId", "admin", format!("/v1/tenants/{}", test.south), json!({}), "ten");
    moved.body = json!({ "parentId": test.region.to_string() });
    moved.own = test.region.to_string();
    let mut new_tenant = place("createTenant", "/parentId", "admin", "/v1/tenants".to_owned(), below, "ten");
    new_tenant.own = test.region.to_string();
    vec![
        place("createCustomer", "/ownerId", "manager", "/v1/customers".into(), owned("Tweede"), "usr"),
        place(
            "updateCustomer",
            "/ownerId",
            "manager",
            format!("/v1/customers/{first}"),
            json!({ "ownerId": usr }),
            "usr",
        ),
        place(
            "findDuplicates",
            "/customerId",
            "manager",
            "/v1/customers/_duplicates".into(),
            json!({ "customerId": cus }),
            "cus",
        ),
        place(
            "createRelation",
            "/toId",
            "manager",
            format!("/v1/customers/{first}/relations"),
            json!({ "kind": "referrer", "toId": cus }),
            "cus",
        ),
        place("createInteraction", "/customerId", "manager", "/v1/interactions".into(), call(cus), "cus"),
        place(
            "createInteraction",
            "/participants/0/customerId",
            "manager",
            "/v1/interactions".into(),
            with_guest,
            "cus",
        ),
        place(
            "updateInteraction",
            "/participants/0/customerId",
            "manager",
            format!("/v1/interactions/{interaction}"),
            guest,
            "cus",
        ),
        place("createPartner", "/tenantId", "admin", "/v1/partners".into(), partner(ten), "ten"),
        place("createUser", "/tenantId", "manager", "/v1/users".into(), colleague, "ten"),
        place(
            "grantRole",
            "/tenantId",
            "manager",
            format!("/v1/users/{usr}/roles"),
            json!({ "role": "service", "tenantId": ten }),
            "ten",
        ),
        place("switchTenant", "/tenantId", "session", "/v1/me/acting-tenant".into(), json!({ "tenantId": ten }), "ten"),
        place("createMyToken", "/tenantId", "session", "/v1/me/tokens".into(), token, "ten"),
        new_tenant,
        moved,
        given_away,
        told_of,
    ]
}

fn with(body: &Value, pointer: &str, id: &str) -> Value {
    let mut body = body.clone();
    if let Some(place) = body.pointer_mut(pointer) {
        *place = json!(id);
    }
    body
}

/// The answer without the id that was asked for, and without the record of others' looks for that id.
fn told(answer: &Answer, id: &str) -> (u16, String) {
    let mut body = answer.body.clone();
    if let Some(items) = body.get_mut("items").and_then(Value::as_array_mut) {
        items.retain(|item| item["action"] != "audit_event.read");
    }
    (answer.status, body.to_string().replace(id, "…"))
}

#[tokio::test]
async fn a_foreign_id_inside_a_body_is_not_there_sqlite() {
    sweep(TestApp::sqlite().await).await;
}

#[tokio::test]
async fn a_foreign_id_inside_a_body_is_not_there_postgres() {
    sweep(TestApp::postgres().await).await;
}

async fn sweep(test: TestApp) {
    let contract = Contract::published();
    let operations = contract.operations();
    let elsewhere = Elsewhere::beside(&test).await;
    let ids = ids(&test, &elsewhere, &contract).await;
    let session = with_password(&test, "manager").await;
    let (mut faults, mut asked) = (Vec::new(), BTreeSet::new());
    asked.extend(ELSEWHERE.iter().map(|(operation, pointer, _)| ((*operation).to_owned(), (*pointer).to_owned())));
    let mut tables = Tables::open(&stores::options(&test.app.config).0).await;
    let digest_sql = tables.digest_sql().await;
    for place in places(&test, &ids).await {
        let operation = operations.iter().find(|operation| operation.id == place.operation).expect("it is published");
        let token = if place.asker == "session" { session.as_str() } else { test.as_(place.asker) };
        let [_, foreign, random] = ids.of(place.kind);
        let before = tables.digest(&digest_sql).await;
        let mut answers = Vec::new();
        for id in [foreign, random] {
            let body = with(&place.body, place.pointer, id);
            answers.push(told(&test.ask(token, operation, &place.path, Some(&body)).await, id));
        }
        let name = format!("{} {}", place.operation, place.pointer);
        if answers[0] != answers[1] || !matches!(answers[0].0, 400 | 403 | 404) {
            faults.push(format!("{name} tells them apart:\n  {:?}\n  {:?}", answers[0], answers[1]));
        }
        if tables.digest(&digest_sql).await != before {
            faults.push(format!("{name} changes something"));
        }
        let own = with(&place.body, place.pointer, &place.own);
        let answer = test.ask(token, operation, &place.path, Some(&own)).await;
        if !(200..300).contains(&answer.status) {
            faults.push(format!("{name} isn't taken with one's own either: {answer:?}"));
        }
        asked.insert((place.operation.to_owned(), place.pointer.to_owned()));
    }
    in_bulk(&test, &ids, &mut asked, &mut faults).await;
    in_questions(&test, &operations, &ids, &mut faults).await;
    faults.extend(forgotten(&contract, &operations, &asked));
    assert!(faults.is_empty(), "{}:\n{}", test.engine, faults.join("\n"));
}

async fn ids(test: &TestApp, elsewhere: &Elsewhere, contract: &Contract) -> Ids {
    let own = made(test, "/v1/customers", &draft("Eigen")).await;
    let foreign = customer(test, elsewhere, contract, "Elders").await.expect("a customer");
    let app = &test.app;
    Ids {
        customer: [own, foreign, app.new_id::<Customer>().to_string()],
        tenant: [test.north.to_string(), elsewhere.tenant.to_string(), app.new_id::<Tenant>().to_string()],
        user: [
            test.people["sales"].id.to_string(),
            elsewhere.people[2].id.to_string(),
            app.new_id::<User>().to_string(),
        ],
    }
}

/// A bulk change says what it thinks of an id in the results of its job.
async fn in_bulk(test: &TestApp, ids: &Ids, asked: &mut BTreeSet<(String, String)>, faults: &mut Vec<String>) {
    let one = made(test, "/v1/customers", &draft("Velen")).await;
    for pointer in ["/change/ownerId", "/change/patch/ownerId", "/rows/0/ownerId"] {
        let mut said = Vec::new();
        for id in &ids.user[1..] {
            let body = match pointer {
                "/rows/0/ownerId" => {
                    let mut row = draft("Rij");
                    row["ownerId"] = json!(id);
                    json!({ "rows": [row] })
                }
                "/change/ownerId" => json!({ "ids": [one], "change": { "ownerId": id } }),
                _ => json!({ "ids": [one], "change": { "patch": { "ownerId": id } } }),
            };
            let (status, job) = read(test.post("manager", bulk::PATH, &body).await).await;
            assert_eq!(status, 202, "{job}");
            said.push(bulk::ended(test, &job).await.1);
        }
        if said[0] != said[1] || said[0][0]["codes"] != json!(["not_a_member"]) {
            faults.push(format!("changeCustomers {pointer}: {said:?}"));
        }
        asked.insert(("changeCustomers".to_owned(), pointer.to_owned()));
    }
}

/// A list that is narrowed by a foreign id is as empty as by one that nobody has.
async fn in_questions(test: &TestApp, operations: &[Operation], ids: &Ids, faults: &mut Vec<String>) {
    let mut tried = 0;
    for operation in operations.iter().filter(|operation| operation.method == Method::GET) {
        for parameter in operation.parameters.iter().filter(|parameter| parameter["in"] == "query") {
            let pattern = parameter.pointer("/schema/pattern").and_then(Value::as_str).unwrap_or_default();
            let Some(kind) = kind_of(pattern) else { continue };
            tried += 1;
            let [_, foreign, random] = ids.of(kind);
            let name = parameter["name"].as_str().expect("a name");
            for (who, person) in &test.people {
                let mut answers = Vec::new();
                for id in [foreign, random] {
                    let path = format!("/v1{}?{name}={id}&pageSize=5", operation.template);
                    answers.push(told(&test.ask(&person.token, operation, &path, None).await, id));
                }
                let refused = matches!(answers[0].0, 400 | 403 | 404);
                if answers[0] != answers[1] || !(refused || answers[0].1.contains("\"items\":[]")) {
                    faults.push(format!("{} ?{name} as {who}: {answers:?}", operation.id));
                }
            }
        }
    }
    assert!(tried > 10, "the document's filters are found: {tried}");
}

fn kind_of(pattern: &str) -> Option<&'static str> {
    ["cus", "ten", "usr"].into_iter().find(|kind| pattern.starts_with(&format!("^{kind}_")))
}

/// Places of the document that nothing has asked.
fn forgotten(contract: &Contract, operations: &[Operation], asked: &BTreeSet<(String, String)>) -> Vec<String> {
    let mut faults = Vec::new();
    for operation in operations {
        let Some((_, schema)) = &operation.body else { continue };
        let mut leaves = Vec::new();
        collect(contract, schema, String::new(), &mut Vec::new(), &mut leaves);
        for Leaf { pointer, schema } in leaves {
            let named = pointer.trim_end_matches("/0").rsplit('/').next().unwrap_or_default().to_owned();
            let patterned = schema["pattern"].as_str().and_then(kind_of).is_some();
            let is_id = patterned || named.ends_with("Id") || named == "ids";
            if is_id && !asked.contains(&(operation.id.clone(), pointer.clone())) {
                faults.push(format!("{} {pointer}: nobody asks there with a foreign id", operation.id));
            }
        }
    }
    faults
}
