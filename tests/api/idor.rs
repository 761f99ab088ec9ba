//! Ids of others, tried on every operation that takes one: whoever guesses an id learns nothing, not even that it exists.
//!
//! The sweep follows the published document, so that an operation can't be forgotten: one for which no foreign record can
//! be made, or no valid request, fails the test.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kluis::server::stores;
use kluis::sessions::model::AccessKind;
use kluis::sessions::sign_in::{NewAccess, insert};
use kluis::tenants::model::{TenantDraft, TenantKind};
use kluis::users::account::Account;
use kluis_core::kernel::Id;
use kluis_core::kernel::id::Tenant;
use poem::http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::contract::{Answer, Contract, Operation, fill};
use super::customers::draft;
use crate::support::app::{Person, TestApp, read};
use crate::support::tables::Tables;

#[tokio::test]
async fn a_foreign_id_answers_like_one_that_does_not_exist_sqlite() {
    sweep(TestApp::sqlite().await).await;
}

#[tokio::test]
async fn a_foreign_id_answers_like_one_that_does_not_exist_postgres() {
    sweep(TestApp::postgres().await).await;
}

async fn sweep(test: TestApp) {
    let contract = Contract::published();
    let elsewhere = Elsewhere::beside(&test).await;
    let mut planted = Planted::default();
    let mut tables = Tables::open(&stores::options(&test.app.config).0).await;
    let digest_sql = tables.digest_sql().await;
    let mut faults = Vec::new();
    for operation in contract.operations() {
        let kinds = operation.path_ids();
        if kinds.is_empty() {
            continue;
        }
        let Some(foreign) = planted.ids(&test, &elsewhere, &contract, &operation.template).await else {
            faults.push(format!("{}: no recipe makes a foreign record for {}", operation.id, operation.template));
            continue;
        };
        let Ok(body) = body(&contract, &operation) else {
            faults.push(format!("{}: the document has no example of its body", operation.id));
            continue;
        };
        let random: Vec<String> =
            kinds.iter().zip(&foreign).map(|((_, kind), id)| random(kind.as_deref(), id)).collect();
        let mut before = tables.digest(&digest_sql).await;
        let mut seen = BTreeSet::new();
        for (name, person) in &test.people {
            let mut answers = Vec::new();
            for (what, ids) in [("a foreign id", &foreign), ("a random id", &random)] {
                let answer = test.ask(&person.token, &operation, &operation.path(ids), body.as_ref()).await;
                let after = tables.digest(&digest_sql).await;
                for ((table, _), _) in after.iter().zip(&before).filter(|(after, before)| after != before) {
                    faults.push(format!("{} as {name} with {what}: {} changes {table}", operation.id, answer.status));
                }
                before = after;
                answers.push(answer);
            }
            seen.insert(answers[0].status);
            faults.extend(compare(&operation, name, &answers));
        }
        if !seen.contains(&404) {
            faults.push(format!("{}: nobody gets as far as looking for the record: {seen:?}", operation.id));
        }
    }
    assert!(faults.is_empty(), "{}:\n{}", test.engine, faults.join("\n"));
}

fn compare(operation: &Operation, name: &str, answers: &[Answer]) -> Option<String> {
    let [foreign, random] = answers else { return Some("two answers are compared".to_owned()) };
    if foreign != random {
        return Some(format!("{} as {name} tells them apart:\n  {foreign:?}\n  {random:?}", operation.id));
    }
    let refused = matches!(foreign.status, 401 | 403 | 404);
    (!refused).then(|| format!("{} as {name}: {} {}", operation.id, foreign.status, foreign.body))
}

/// A network of its own beside the test's franchise, in which nobody of the franchise has any right.
pub struct Elsewhere {
    pub people: Vec<Person>,
    pub tenant: Id<Tenant>,
}

impl Elsewhere {
    pub async fn beside(test: &TestApp) -> Self {
        let draft = |kind, parent: Option<Id<Tenant>>| TenantDraft {
            kind,
            parent_id: parent.map(|id| id.to_string()),
            name: "Elders".to_owned(),
            country: "NL".to_owned(),
            kvk_number: None,
            branch_number: None,
            contract_starts: None,
            contract_ends: None,
            special_ground: None,
        };
        let root = kluis::tenants::service::create_root(&test.app, &draft(TenantKind::Hq, None)).await.expect("a root");
        let below = draft(TenantKind::Franchisee, Some(root.id));
        let tenant = kluis::tenants::service::create_below(&test.app, &below).await.expect("a franchisee").id;
        let people = vec![
            test.person("elsewhere_admin", "hq_admin", root.id).await,
            test.person("elsewhere_manager", "manager", tenant).await,
            test.person("elsewhere_sales", "sales", tenant).await,
        ];
        Self { people, tenant }
    }
}

/// Records of the other network, by the template under which they are found.
#[derive(Default)]
pub struct Planted(BTreeMap<String, String>);

impl Planted {
    /// Ids for all places of the template, each below the one before it.
    pub async fn ids(
        &mut self,
        test: &TestApp,
        elsewhere: &Elsewhere,
        contract: &Contract,
        template: &str,
    ) -> Option<Vec<String>> {
        let mut ids = Vec::new();
        let mut prefix = String::new();
        for part in template.split('/').skip(1) {
            let collection = prefix.clone();
            prefix = format!("{prefix}/{part}");
            if !part.starts_with('{') {
                continue;
            }
            let known = self.0.get(&collection).cloned();
            let id = match known {
                Some(id) => id,
                None => plant(test, elsewhere, contract, &collection, &ids).await?,
            };
            self.0.insert(collection, id.clone());
            ids.push(id);
        }
        Some(ids)
    }

    /// The record that was made in a collection.
    pub fn known(&self, collection: &str) -> Option<String> {
        self.0.get(collection).cloned()
    }
}

/// Makes a record in a collection of the other network, as whoever of its people may.
async fn plant(
    test: &TestApp,
    elsewhere: &Elsewhere,
    contract: &Contract,
    collection: &str,
    parents: &[String],
) -> Option<String> {
    match collection {
        "/tenants" => return Some(elsewhere.tenant.to_string()),
        "/users" => return Some(elsewhere.people[2].id.to_string()),
        "/me/sessions" => return session(test, &elsewhere.people[0]).await,
        "/imports" => return import(test, elsewhere).await.map(|(import, _)| import),
        "/jobs" => return import(test, elsewhere).await.map(|(_, job)| job),
        "/erasures" => return erasure(test, elsewhere, contract).await,
        _ => {}
    }
    let operations = contract.operations();
    let at = |method: Method| operations.iter().find(|o| o.template == collection && o.method == method);
    if let Some(create) = at(Method::POST) {
        let body = match collection {
            "/interactions" => Some(interaction(&customer(test, elsewhere, contract, "Contact").await?)),
            "/customers/{id}/relations" => {
                Some(json!({ "kind": "referrer", "toId": customer(test, elsewhere, contract, "Tweede").await? }))
            }
            _ => body(contract, create).ok()?,
        };
        for person in &elsewhere.people {
            let answer = test.ask(&person.token, create, &fill(collection, parents), body.as_ref()).await;
            if let Some(id) = answer.body["id"].as_str() {
                return Some(id.to_owned());
            }
        }
    }
    // What can't be made by itself is there already: one's own token, one's own grant of a role.
    let list = at(Method::GET)?;
    for person in &elsewhere.people {
        let answer = test.ask(&person.token, list, &fill(collection, parents), None).await;
        if let Some(id) = answer.body.pointer("/items/0/id").and_then(Value::as_str) {
            return Some(id.to_owned());
        }
    }
    None
}

/// The erasure of a customer of the other network.
async fn erasure(test: &TestApp, elsewhere: &Elsewhere, contract: &Contract) -> Option<String> {
    let name = format!("officer_{}", test.app.new_id::<kluis_core::kernel::id::AuditEvent>().uuid().simple());
    let officer = test.person(&name, "privacy_officer", elsewhere.tenant).await;
    let customer = customer(test, elsewhere, contract, "Gewist").await?;
    let request = test.client.post(format!("/v1/customers/{customer}/erasure")).header("if-match", "*");
    let request = request.header("authorization", format!("Bearer {}", &*officer.token));
    let (_, view) = read(request.body_json(&json!({ "ground": "objection" })).send().await).await;
    Some(view["id"].as_str()?.to_owned())
}

/// A session of somebody in the other network.
async fn session(test: &TestApp, person: &Person) -> Option<String> {
    const WHY: &str = "a test makes a session for its people";
    let account = Account::read(&test.app.db, &test.app.keys, person.id).await.ok()??;
    let mut tx = test.app.db.begin().await.ok()?;
    let expires_at = test.app.clock.now() + chrono::TimeDelta::hours(1);
    let new = NewAccess { kind: AccessKind::Session, tenant: person.tenant, label: None, scopes: None, expires_at };
    let issued = insert(&test.app, &mut tx, &account, new).await.ok()?;
    tx.commit_without_event(WHY).await.ok()?;
    Some(issued.id.to_string())
}

/// A file of customers that the other network has handed in, and the job that tries it.
async fn import(test: &TestApp, elsewhere: &Elsewhere) -> Option<(String, String)> {
    for person in &elsewhere.people {
        let bearer = format!("Bearer {}", &*person.token);
        let upload = test.client.post("/v1/imports").header("authorization", &bearer).content_type("text/csv");
        let answer = upload.body("klantnummer;achternaam\n1;Elders\n").send().await;
        let etag = answer.0.headers().get("etag").and_then(|tag| tag.to_str().ok()).unwrap_or_default().to_owned();
        let (_, view) = read(answer).await;
        let Some(id) = view["id"].as_str() else { continue };
        let path = format!("/v1/imports/{id}");
        let settings = json!({ "legalBasis": "contract", "source": "old-crm" });
        let decide = test.client.patch(&path).header("authorization", &bearer).header("if-match", etag);
        decide.content_type("application/merge-patch+json").body(settings.to_string()).send().await;
        let run = test.client.post(format!("{path}/runs")).header("authorization", &bearer);
        let (_, job) = read(run.body_json(&json!({ "dryRun": true })).send().await).await;
        return Some((id.to_owned(), job["id"].as_str()?.to_owned()));
    }
    None
}

/// A customer of the other network that something can hang on.
pub async fn customer(test: &TestApp, elsewhere: &Elsewhere, contract: &Contract, name: &str) -> Option<String> {
    let operations = contract.operations();
    let create = operations.iter().find(|operation| operation.id == "createCustomer")?;
    for person in &elsewhere.people {
        let answer = test.ask(&person.token, create, &fill("/customers", &[]), Some(&draft(name))).await;
        if let Some(id) = answer.body["id"].as_str() {
            return Some(id.to_owned());
        }
    }
    None
}

fn interaction(customer: &str) -> Value {
    json!({
        "customerId": customer, "channel": "phone", "direction": "inbound", "occurredAt": "2026-09-20T10:00:00Z",
        "subject": "Vraag",
    })
}

/// A valid body: what the test knows better than the document, or else the document's example.
pub fn body(contract: &Contract, operation: &Operation) -> Result<Option<Value>, ()> {
    if operation.body.is_none() {
        return Ok(None);
    }
    let own = match operation.id.as_str() {
        "createCustomer" => Some(draft("Elders")),
        "updateCustomer" => Some(json!({ "status": "former" })),
        _ => None,
    };
    own.or_else(|| contract.example_of(operation)).map(Some).ok_or(())
}

/// An id of the same kind that nobody has.
fn random(kind: Option<&str>, like: &str) -> String {
    let prefix = kind.map(str::to_owned).or_else(|| like.split_once('_').map(|(prefix, _)| prefix.to_owned()));
    // A version 7 id of the tests' own time, so that nothing but its absence tells it from a real one.
    let mut bytes = [0; 16];
    let own = like.split_once('_').and_then(|(_, uuid)| uuid.parse::<Uuid>().ok());
    bytes.copy_from_slice(own.unwrap_or(Uuid::nil()).as_bytes());
    for (at, byte) in bytes.iter_mut().enumerate().skip(9) {
        *byte = byte.wrapping_add(u8::try_from(at).unwrap_or(1)) ^ 0x5a;
    }
    match prefix {
        Some(prefix) => format!("{prefix}_{}", Uuid::from_bytes(bytes)),
        None => "nobody-has-this".to_owned(),
    }
}

/// A bulk change says of a foreign id what it says of one that nobody has, and changes nothing.
#[tokio::test]
async fn a_foreign_id_among_many_is_not_there_either() {
    for test in TestApp::both().await {
        let contract = Contract::published();
        let elsewhere = Elsewhere::beside(&test).await;
        let foreign = customer(&test, &elsewhere, &contract, "Elders").await.expect("a customer");
        let random = test.app.new_id::<kluis_core::kernel::id::Customer>().to_string();
        let mut results = Vec::new();
        for id in [&foreign, &random] {
            let body = json!({ "ids": [id], "change": { "status": "former", "archived": true } });
            let (status, job) = read(test.post("manager", "/v1/customers/_bulk", &body).await).await;
            assert_eq!(status, 202, "{job}");
            super::bulk::work(&test).await;
            let path = format!("/v1/jobs/{}/rows", job["id"].as_str().expect("an id"));
            let (_, mut rows) = read(test.get("manager", &path).await).await;
            let asked = rows["items"][0].as_object_mut().and_then(|row| row.remove("recordId"));
            assert_eq!(asked, Some(json!(id)), "what was asked comes back");
            results.push(rows);
        }
        assert_eq!(results[0], results[1], "{}", test.engine);
        assert_eq!(results[0]["items"][0]["codes"], json!(["not_found"]));
        let own = &elsewhere.people[1].token;
        let request = test.client.get(format!("/v1/customers/{foreign}"));
        let (_, view) = read(request.header("authorization", format!("Bearer {}", &**own)).send().await).await;
        assert_eq!((&view["status"], &view["revision"]), (&json!("active"), &json!(1)));
    }
}

/// The neighbour's records of one network are as foreign as those of another network.
#[tokio::test]
async fn the_neighbours_record_is_not_there_either() {
    for test in TestApp::both().await {
        let contract = Contract::published();
        let made = test.post("sales_south", "/v1/customers", &draft("Zuid")).await;
        let (status, view) = crate::support::app::read(made).await;
        assert_eq!(status, 201, "{view}");
        let foreign = view["id"].as_str().unwrap().to_owned();
        let app = Arc::clone(&test.app);
        let random = app.new_id::<kluis_core::kernel::id::Customer>().to_string();
        for operation in contract.operations() {
            if !operation.template.starts_with("/customers/{") || operation.path_ids().len() != 1 {
                continue;
            }
            let body = body(&contract, &operation).expect("a body");
            for name in ["manager", "sales", "service"] {
                let mut answers = Vec::new();
                for id in [&foreign, &random] {
                    let path = operation.path(std::slice::from_ref(id));
                    answers.push(test.ask(&test.people[name].token, &operation, &path, body.as_ref()).await);
                }
                assert_eq!(compare(&operation, name, &answers), None, "{}", test.engine);
            }
        }
    }
}
