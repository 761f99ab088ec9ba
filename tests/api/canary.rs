//! Values that nobody could mistake, written through every field of the document: afterwards none of them is in any file,
//! table or line of the log, in no encoding.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use kluis::server::stores;
use kluis_core::args;
use kluis_core::kernel::Id;
use kluis_core::kernel::id::Tenant;
use kluis_core::store::DbOptions;
use poem::http::Method;
use serde_json::{Map, Value, json};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

use super::contract::{Contract, Operation};
use super::taken;
use crate::support::app::{TestApp, read};
use crate::support::spill::{Needles, files_below, open_files, postgres_files};
use crate::support::tables::Tables;

/// Stands in every value that takes free text; short, because some fields are.
pub const MARK: &str = "zqkanarie";

/// Values with a grammar of their own. They are unmistakable too, and searched for one by one.
pub const TYPED: [(&str, &str); 9] = [
    ("number", "+31612340987"),
    ("iban", "NL91ABNA0417164300"),
    ("kvkNumber", "91827364"),
    ("branchNumber", "000091827364"),
    ("birthDate", "1931-07-13"),
    ("postcode", "9731 ZQ"),
    ("address", "zqkanarie@zqkanarie.example"),
    ("email", "zqkanarie2@zqkanarie.example"),
    ("vatNumber", "NL891827364B90"),
];

/// Members that say nothing about anybody: words of the program's own vocabulary, and labels that lists filter by.
pub const PLAIN: [(&str, &str); 4] =
    [("language", "nl"), ("country", "NL"), ("source", "webshop"), ("houseNumber", "7")];

#[tokio::test]
async fn nothing_that_was_written_can_be_read_from_disk_sqlite() {
    nothing_is_left(TestApp::sqlite().await).await;
}

#[tokio::test]
async fn nothing_that_was_written_can_be_read_from_disk_postgres() {
    nothing_is_left(TestApp::postgres().await).await;
}

async fn nothing_is_left(test: TestApp) {
    LazyLock::force(&LOG);
    allow_everything(&test, test.north, test.as_("manager")).await;
    let contract = Contract::published();
    write_customers(&test, &contract).await;
    import_customers(&test).await;
    let missing = taken::write_every_field(&test, &contract).await;
    assert!(missing.is_empty(), "{}:\n{}", test.engine, missing.join("\n"));
    look_for_them(&test, &contract).await;
    write_everywhere(&test, &contract).await;

    let mut needles = Needles::default();
    needles.add(MARK);
    TYPED.iter().for_each(|(_, value)| needles.add(value));
    needles.add(taken::PHONES);
    let mut control = Needles::default();
    control.add("Voorbeeld Noord");

    let mut places = files_below(test.directory.path());
    places.extend(open_files());
    let (data, keys) = stores::options(&test.app.config);
    for options in [data, keys] {
        if let DbOptions::Postgres { url, .. } = &options {
            places.extend(postgres_files(url).await);
        }
        let dump = Tables::open(&options).await.dump().await;
        places.extend(dump.into_iter().map(|(column, bytes)| (format!("{} {column}", test.engine), bytes)));
    }
    places.push(("the log".to_owned(), LOG.0.lock().unwrap_or_else(PoisonError::into_inner).clone()));
    assert!(places.iter().any(|(_, bytes)| !control.found_in(bytes).is_empty()), "the scan sees what isn't sealed");
    let mut faults = Vec::new();
    for (place, bytes) in &places {
        faults.extend(needles.found_in(bytes).iter().map(|what| format!("{place}: {what}")));
    }
    faults.sort();
    faults.dedup();
    assert!(faults.is_empty(), "{}:\n{}", test.engine, faults.join("\n"));
}

/// A custom field in each compartment that takes them, and the ground without which special data is refused.
pub async fn allow_everything(test: &TestApp, tenant: Id<Tenant>, token: &str) {
    const WHY: &str = "a test sets up its tenant";
    let mut tx = test.app.db.begin().await.expect("a transaction");
    let ground = "UPDATE tenants SET special_ground = 'Art. 9(2)(a)' WHERE id = $1";
    tx.execute_without_scope(WHY, ground, args![tenant]).await.expect("it writes");
    tx.commit_without_event(WHY).await.expect("it commits");
    for compartment in ["profile", "special"] {
        let draft = json!({
            "key": format!("proef{compartment}"), "labels": { "nl": MARK, "en": MARK }, "kind": "text",
            "compartment": compartment, "category": "dpv:PersonalData", "purposes": ["contract"],
            "retention": "customer",
        });
        let (status, view) = super::identity::send(test, Some(token), "POST", "/v1/custom-fields", draft).await;
        assert_eq!(status, 201, "{view}");
    }
}

/// Customers of each kind with a canary in every field, which must be taken; then each of them changed.
async fn write_customers(test: &TestApp, contract: &Contract) {
    let operations = contract.operations();
    let create = operations.iter().find(|o| o.id == "createCustomer").expect("customers are made");
    let (_, schema) = create.body.as_ref().expect("with a body");
    for (at, kind) in ["person", "organisation", "household"].into_iter().enumerate() {
        let mut body = filled(contract, schema, "", 8).expect("a body");
        body["kind"] = json!(kind);
        body["consentedPurposes"] = json!([]);
        body.as_object_mut().expect("an object").remove("ownerId");
        let identity = body["identity"].as_object_mut().expect("an identity");
        for other in ["person", "organisation", "household"].into_iter().filter(|other| *other != kind) {
            identity.remove(other);
        }
        body["identity"]["externalIds"][0]["id"] = json!(format!("{MARK}{at}"));
        body["profile"]["customFields"] = json!({ "proefprofile": MARK });
        body["special"]["customFields"] = json!({ "proefspecial": MARK });
        if at > 0 {
            // Exact keys are unique in a tenant.
            body["contact"]["emails"][0]["address"] = json!(format!("{MARK}{at}@{MARK}.example"));
            body["contact"]["phones"] = json!([]);
            body["financial"]["bankAccounts"] = json!([]);
        }
        for name in ["household", "organisation"] {
            if let Some(part) = body["identity"].get_mut(name) {
                part["name"] = json!(format!("{MARK} {at}"));
            }
        }
        let path = "/v1/customers";
        let (status, view) = read(asked(test, &Method::POST, path, Some(&body)).await).await;
        assert_eq!(status, 201, "{} {kind} {body} {view}", test.engine);
        let patch = json!({ "notes": { "remarks": format!("{MARK} remarks again") } });
        let path = format!("/v1/customers/{}", view["id"].as_str().expect("an id"));
        let (status, changed) = read(test.patch("manager", &path, "\"r1\"", &patch).await).await;
        assert_eq!(status, 200, "{changed}");
    }
}

async fn asked(test: &TestApp, method: &Method, path: &str, body: Option<&Value>) -> poem::test::TestResponse {
    let request = test.client.request(method.clone(), path);
    let request = request.header("authorization", format!("Bearer {}", test.as_("manager")));
    let request = request.header("processing-purpose", "contract");
    match body {
        Some(body) => request.body_json(body).send().await,
        None => request.send().await,
    }
}

/// A file with a canary in each column that an import knows, run to its end.
async fn import_customers(test: &TestApp) {
    let columns = [
        ("klantnummer", format!("{MARK}77")),
        ("voornaam", MARK.to_owned()),
        ("achternaam", MARK.to_owned()),
        ("email", format!("{MARK}77@{MARK}.example")),
        ("straat", MARK.to_owned()),
        ("plaats", MARK.to_owned()),
        ("opmerkingen", MARK.to_owned()),
        ("geboortedatum", "1931-07-13".to_owned()),
        ("tekort", MARK.to_owned()),
    ];
    let head: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let line: Vec<&str> = columns.iter().map(|(_, value)| value.as_str()).collect();
    let faulty = line.join(";").replace(&format!("{MARK}77@"), "@");
    let file = format!("{}\n{}\n{faulty}\n", head.join(";"), line.join(";"));
    let (status, etag, view) = super::imports::upload(test, "manager", "text/csv", file).await;
    assert_eq!(status, 201, "{view}");
    let path = format!("/v1/imports/{}", view["id"].as_str().expect("an id"));
    let settings = json!({ "legalBasis": "contract", "source": "old-crm" });
    let (status, answer) = read(test.patch("manager", &path, &etag, &settings).await).await;
    assert_eq!(status, 200, "{answer}");
    for dry in [true, false] {
        let (status, job) = read(test.post("manager", &format!("{path}/runs"), &json!({ "dryRun": dry })).await).await;
        assert_eq!(status, 202, "{job}");
        super::imports::work(test).await;
        let (_, job) =
            read(test.get("manager", &format!("/v1/jobs/{}", job["id"].as_str().expect("an id"))).await).await;
        assert_eq!(job["counts"], json!({ "create": 1, "error": 1 }), "{job}");
    }
}

/// Asks as somebody, over whatever revision there is.
pub async fn asks(
    test: &TestApp,
    (token, purpose): (&str, Option<&str>),
    operation: &Operation,
    path: &str,
    body: &Value,
) -> (u16, Value) {
    let mut request = test.client.request(operation.method.clone(), path);
    request = request.header("authorization", format!("Bearer {token}"));
    if let Some(purpose) = purpose {
        request = request.header("processing-purpose", purpose);
    }
    for (name, value) in operation.required_headers() {
        request = request.header(&name, if name.eq_ignore_ascii_case("if-match") { "*" } else { value.as_str() });
    }
    let kind = operation.body.as_ref().map_or("application/json", |(kind, _)| kind.as_str());
    read(request.content_type(kind).body(body.to_string()).send().await).await
}

/// Every operation, by everybody, with canaries in all places at once and in one place at a time: most of it is refused,
/// and what is refused must not be kept either.
async fn write_everywhere(test: &TestApp, contract: &Contract) {
    let mut tokens = BTreeMap::new();
    for operation in contract.operations() {
        let ids: Vec<String> = operation.path_ids().iter().map(|_| MARK.to_owned()).collect();
        let query = query_of(&operation);
        let path = format!("{}{query}", operation.path(&ids));
        for body in bodies(contract, &operation) {
            for name in ["admin", "manager", "sales"] {
                let token = tokens.entry(name).or_insert_with(|| test.people[name].token.clone());
                let answer = test.ask(token, &operation, &path, body.as_ref()).await;
                assert!(answer.status < 500, "{} as {name}: {answer:?}", operation.id);
                if answer.status == 401 {
                    // Some operation before has ended it; the next ones are tried all the same.
                    *token = test.token(test.people[name].id, test.people[name].tenant).await;
                }
            }
        }
    }
}

/// A canary in every parameter of the query.
fn query_of(operation: &Operation) -> String {
    let names = operation.parameters.iter().filter(|p| p["in"] == "query").filter_map(|p| p["name"].as_str());
    let pairs: Vec<String> = names.map(|name| format!("{name}={MARK}")).collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

fn bodies(contract: &Contract, operation: &Operation) -> Vec<Option<Value>> {
    let Some((_, schema)) = &operation.body else { return vec![None] };
    let mut bodies = vec![Some(json!(MARK)), filled(contract, schema, "", 8)];
    let Some(Value::Object(example)) = contract.example_of(operation) else { return bodies };
    for (member, value) in &example {
        if value.is_string() && !PLAIN.iter().any(|(plain, _)| plain == member) {
            let mut changed = example.clone();
            changed.insert(member.clone(), json!(MARK));
            bodies.push(Some(Value::Object(changed)));
        }
    }
    let mut unknown = example;
    unknown.insert(MARK.to_owned(), json!(MARK));
    bodies.push(Some(Value::Object(unknown)));
    bodies
}

/// Whoever looks for somebody leaves no trace of whom.
async fn look_for_them(test: &TestApp, contract: &Contract) {
    assert!(contract.operations().iter().any(|o| o.id == "searchCustomers"));
    for search in [
        json!({ "name": MARK }),
        json!({ "sort": "name" }),
        json!({ "where": { "field": "email", "operator": "eq", "value": "zqkanarie@zqkanarie.example" } }),
        json!({ "where": { "field": "familyName", "operator": "eq", "value": MARK } }),
    ] {
        let (status, found) = read(asked(test, &Method::POST, "/v1/customers/_search", Some(&search)).await).await;
        assert_eq!(status, 200, "{search} {found}");
        assert_ne!(found["items"], json!([]), "{search}");
    }
    // A bulk change with canaries, run and taken back: its order, its results and what it takes to undo it.
    let city = json!({ "field": "city", "operator": "eq", "value": MARK });
    let change = json!({ "addInterests": [format!("{MARK} bulk")], "patch": { "notes": { "remarks": MARK } } });
    let bulk = json!({ "selection": { "where": city }, "change": change });
    let (status, job) = read(asked(test, &Method::POST, "/v1/customers/_bulk", Some(&bulk)).await).await;
    assert_eq!(status, 202, "{job}");
    super::bulk::work(test).await;
    let path = format!("/v1/jobs/{}", job["id"].as_str().expect("an id"));
    let (_, job) = read(asked(test, &Method::GET, &path, None).await).await;
    assert!(job["counts"]["update"].as_i64() >= Some(3), "{job}");
    let back = asked(test, &Method::POST, &format!("{path}/reversal"), Some(&json!({}))).await;
    assert_eq!(back.0.status().as_u16(), 202);
    super::bulk::work(test).await;
    let contact = json!({ "emails": [{ "address": "zqkanarie@zqkanarie.example" }] });
    let twin = json!({ "draft": { "identity": { "person": { "familyName": MARK } }, "contact": contact } });
    let path = "/v1/customers/_duplicates";
    let (status, found) = read(asked(test, &Method::POST, path, Some(&twin)).await).await;
    assert_eq!(status, 200, "{found}");
    assert_ne!(found["items"], json!([]));
    let (status, _) = read(asked(test, &Method::GET, "/v1/customers?pageSize=1", None).await).await;
    assert_eq!(status, 200);
}

/// A value of a schema, with canaries wherever it takes text.
fn filled(contract: &Contract, schema: &Value, name: &str, depth: usize) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    let schema = contract.resolve(schema);
    for composed in ["allOf", "oneOf", "anyOf"] {
        if let Some(first) = schema.get(composed).and_then(|parts| parts.get(0)) {
            return filled(contract, first, name, depth);
        }
    }
    if let Some(first) = schema.pointer("/enum/0") {
        return Some(first.clone());
    }
    match schema["type"].as_str()? {
        "string" => Some(text(schema, name)),
        "boolean" => Some(json!(true)),
        "integer" | "number" => Some(schema.get("minimum").cloned().unwrap_or_else(|| json!(1))),
        "array" => Some(json!([filled(contract, &schema["items"], name, depth)?])),
        "object" => {
            let mut members = Map::new();
            for (member, inner) in schema["properties"].as_object().into_iter().flatten() {
                if let Some(value) = filled(contract, inner, member, depth) {
                    members.insert(member.clone(), value);
                }
            }
            Some(Value::Object(members))
        }
        _ => None,
    }
}

fn text(schema: &Value, name: &str) -> Value {
    let known = TYPED.iter().chain(&PLAIN).find(|(member, _)| *member == name);
    match (known, schema.get("example")) {
        (Some((_, value)), _) => json!(value),
        (None, Some(example)) if schema.get("pattern").is_some() => example.clone(),
        _ => json!(MARK),
    }
}

/// All that the program logs, as much as an operator could ask for.
static LOG: LazyLock<Captured> = LazyLock::new(|| {
    let captured = Captured::default();
    let filter = EnvFilter::new("sqlx=warn,h2=warn,hyper=warn,rustls=warn,lettre=warn,trace");
    let writer = captured.clone();
    let layer = fmt::layer().with_ansi(false).with_writer(move || writer.clone());
    tracing_subscriber::registry().with(filter).with(layer).try_init().expect("nothing else logs in this process");
    captured
});

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_scan_knows_every_costume() {
    let mut needles = Needles::default();
    needles.add(MARK);
    let hex = data_encoding::HEXUPPER.encode(MARK.as_bytes());
    let wide: Vec<u8> = MARK.to_uppercase().encode_utf16().flat_map(u16::to_be_bytes).collect();
    let mut costumes = vec![MARK.to_uppercase().into_bytes(), hex.into_bytes(), wide];
    for before in ["", "a", "ab", "abc"] {
        for after in ["", "x", "xy"] {
            costumes.push(data_encoding::BASE64.encode(format!("{before}{MARK}{after}").as_bytes()).into_bytes());
        }
    }
    for costume in costumes {
        let hidden = [&[0xff, 0x00, 0x80][..], &costume, &[0xfe, 0x01][..]].concat();
        assert!(!needles.found_in(&hidden).is_empty(), "{}", String::from_utf8_lossy(&costume));
    }
    assert!(needles.found_in(b"zq kanarie").is_empty());
}
