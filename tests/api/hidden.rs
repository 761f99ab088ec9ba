//! Values that somebody may not see change no answer: two networks that differ in nothing else answer them the same, byte
//! for byte, whatever they ask.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use kluis_core::access::{Policy, shipped};
use serde_json::{Map, Value, json};

use super::network::{Dice, Network, enforce, made_up};
use crate::support::app::{Making, TestApp, start};

/// Who works there: tenant, role.
const PEOPLE: [(usize, &str); 9] = [
    (0, "hq_analyst"),
    (0, "privacy_officer"),
    (1, "region_manager"),
    (2, "manager"),
    (2, "sales"),
    (2, "service"),
    (2, "partner_owner"),
    (3, "sales"),
    (3, "auditor"),
];
/// The customers: tenant, owner.
const ROWS: [(usize, Option<usize>); 9] = [
    (2, Some(4)),
    (2, Some(4)),
    (2, Some(3)),
    (2, None),
    (3, Some(7)),
    (3, None),
    (1, Some(2)),
    (0, None),
    (2, Some(4)),
];
/// The one that is put away.
const ARCHIVED: usize = 8;
const STATUSES: [&str; 3] = ["active", "prospect", "former"];
/// What may be hidden.
const HIDDEN: [&str; 5] = ["identity", "contact", "financial", "profile", "notes"];
/// Whether a row belongs to a group.
type IsIn = fn(usize) -> bool;

/// In which rows: everybody's, those that the seller of the first shop doesn't own, those of one shop.
const GROUPS: [(&str, IsIn); 4] = [
    ("in all rows", |_| true),
    ("in rows that aren't the seller's", |row| ROWS[row].1 != Some(4)),
    ("in the other shop", |row| ROWS[row].0 == 3),
    ("in the rows above the shops", |row| ROWS[row].0 < 2),
];

#[tokio::test]
async fn hidden_values_change_no_answer_sqlite() {
    compare("sqlite").await;
}

#[tokio::test]
async fn hidden_values_change_no_answer_postgres() {
    compare("postgres").await;
}

/// Policies in which what is hidden depends on the row: a seller sees names and addresses of their own customers only, a
/// region those of its own office.
const BY_ROW: &str = "\
p, role:sales, *, customer, read, unit, *, allow
p, role:sales, *, customer, update, unit, *, allow
p, role:sales, *, customer.identity, read, own, *, allow
p, role:sales, *, customer.contact, read, own, *, allow
p, role:sales, *, customer.notes, read, unit, *, allow
p, role:sales, *, customer.notes, read, own, *, deny
p, role:region_manager, *, customer, read, unit, *, allow
p, role:region_manager, *, customer, read, sub, *, allow
p, role:region_manager, *, customer.identity, read, unit, *, allow
p, role:region_manager, *, customer.contact, read, sub, *, allow
p, role:region_manager, *, customer.profile, read, sub, *, allow
p, role:service, *, customer, read, own, *, allow
p, role:service, *, customer, read, unit, service, allow
p, role:service, *, customer.identity, read, unit, service, allow
p, role:manager, *, customer, read, unit, *, allow
p, role:manager, *, customer.identity, read, unit, *, allow
p, role:manager, *, customer.identity, read, own, *, deny
p, role:manager, *, customer.financial, read, unit, *, allow
p, role:privacy_officer, *, customer, read, sub, *, allow
p, role:privacy_officer, *, customer.identity, read, sub, *, allow
";

async fn compare(engine: &'static str) {
    let policy = Policy::open_without_shipped_invariants(shipped(), 1).map_err(|f| format!("{f:?}")).expect("a policy");
    let test = TestApp::made(engine, Making { policy: Some(policy), ..Making::default() }).await;
    let base = World::grow(&test, |_, _| false).await;
    let mut others = Vec::new();
    for part in HIDDEN {
        for (group, is_in) in GROUPS {
            let world = World::grow(&test, |row, other| other == part && is_in(row)).await;
            others.push((part, group, is_in, world));
        }
    }
    let long = std::env::var_os("KLUIS_LONG").is_some();
    let mut compared = Compared { all: long, ..Compared::default() };
    compared.policy(&test, &base, &others, "the shipped policy").await;
    let roles: Vec<&str> = PEOPLE.iter().map(|(_, role)| *role).collect();
    let declared = declared(&roles);
    enforce(&test, &format!("{declared}{BY_ROW}")).await;
    compared.policy(&test, &base, &others, BY_ROW).await;
    compared.all = false;
    for seed in 0..if long { 20 } else { 1 } {
        let text = made_up(&mut Dice(seed), (&roles_once(&roles), &[]), &[], &[]);
        enforce(&test, &text).await;
        compared.policy(&test, &base, &others, &text).await;
    }
    println!("{engine}: {} answers of {} pairs are the same", compared.answers, compared.pairs);
    assert!(compared.pairs > 100, "too little is hidden: {}", compared.pairs);
    for (part, group, ..) in &others {
        assert!(compared.seen.contains(&(*part, *group)), "{part} {group} is hidden from nobody");
    }
}

fn roles_once<'a>(roles: &[&'a str]) -> Vec<&'a str> {
    let mut once = roles.to_vec();
    once.sort_unstable();
    once.dedup();
    once
}

fn declared(roles: &[&str]) -> String {
    let mut text = String::new();
    for role in roles_once(roles) {
        // Writing to a String can't fail.
        let _ = writeln!(text, "role, {role}, hq region franchisee member_org ngo, contract service, {role}, {role}");
    }
    text
}

type Other = (&'static str, &'static str, IsIn, World);

#[derive(Default)]
struct Compared {
    /// Every question in every network; otherwise some, other ones each time.
    all: bool,
    turns: usize,
    answers: usize,
    pairs: usize,
    seen: std::collections::BTreeSet<(&'static str, &'static str)>,
}

impl Compared {
    /// Everybody asks everything, in the base network and in every other one that differs in what they can't see.
    async fn policy(&mut self, test: &TestApp, base: &World, others: &[Other], policy: &str) {
        for asker in 0..PEOPLE.len() {
            for purpose in [None, Some("service")] {
                let eyes = Eyes { test, asker, purpose };
                let visible = eyes.visible(base).await;
                let apart = |(part, _, is_in, _): &&Other| {
                    (0..ROWS.len()).all(|row| !is_in(row) || !visible[row].contains(part))
                };
                let unseen: Vec<&Other> = others.iter().filter(apart).collect();
                if unseen.is_empty() {
                    continue;
                }
                let questions = self.some(questions(&visible), 8);
                let unseen = self.some(unseen, 8);
                self.turns += 1;
                let known = eyes.answers(base, &questions).await;
                for (part, group, _, world) in unseen {
                    self.seen.insert((part, group));
                    self.pairs += 1;
                    let answers = eyes.answers(world, &questions).await;
                    for ((question, one), other) in questions.iter().zip(&known).zip(&answers) {
                        self.answers += 1;
                        assert_eq!(one, other, "{}: {part} {group}: {question:?} {eyes:?}\n{policy}", test.engine);
                    }
                }
            }
        }
    }
}

impl Compared {
    /// One of each `of`, beginning with another one at each turn; at least one.
    fn some<T>(&self, all: Vec<T>, of: usize) -> Vec<T> {
        if self.all {
            return all;
        }
        let first = self.turns % of.min(all.len());
        all.into_iter().skip(first).step_by(of).collect()
    }
}

/// A network in which some values are other ones.
struct World {
    network: Network,
    /// Ids and what they stand for, longest first.
    names: Vec<(String, String)>,
}

impl World {
    async fn grow(test: &TestApp, is_other: impl Fn(usize, &str) -> bool) -> Self {
        let mut network = Network::default();
        let top = network.add_place(test, "hq", None).await;
        let region = network.add_place(test, "region", Some(top)).await;
        network.add_place(test, "franchisee", Some(region)).await;
        network.add_place(test, "franchisee", Some(region)).await;
        for (place, role) in PEOPLE {
            network.add_member(test, place, &[role]).await;
        }
        // Ids follow the time, so that rows of all networks stand in the same order.
        for (row, (place, owner)) in ROWS.into_iter().enumerate() {
            test.app.clock.advance(chrono::TimeDelta::milliseconds(10));
            let draft = customer(row, |part| is_other(row, part));
            network.add_row(test, place, owner, draft).await;
        }
        network.archive(test, ARCHIVED).await;
        let since = test.app.clock.now() - start();
        test.app.clock.advance(-since);
        let mut names = Vec::new();
        names
            .extend(network.places.iter().enumerate().map(|(at, place)| (place.id.to_string(), format!("tenant{at}"))));
        names.extend(network.people.iter().enumerate().map(|(at, one)| (one.id.to_string(), format!("user{at}"))));
        names.extend(network.rows.iter().enumerate().map(|(at, row)| (row.id.to_string(), format!("row{at}"))));
        Self { network, names }
    }

    fn with_ids(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (id, name)| text.replace(&format!("<{name}>"), id))
    }

    fn without_ids(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (id, name)| text.replace(id, &format!("<{name}>")))
    }
}

/// Words of the one world and of the other: sorted and found in other places, and in some rows not there at all.
fn customer(row: usize, is_other: impl Fn(&str) -> bool) -> Value {
    let word = |part: &str| word(part, row, is_other(part));
    let mut draft = json!({
        "kind": "person", "language": "nl", "source": "webshop", "legalBasis": "contract",
        "status": STATUSES[row % 3],
        "identity": {
            "person": { "familyName": word("identity"), "givenName": "Voor", "birthDate": birth(row, is_other("identity")) },
            "externalIds": [{ "system": "crm", "id": word("identity") }],
        },
        "contact": {
            "emails": [{ "address": format!("{}@klant.example", word("contact")) }],
            // What remains of an address in the open is the same.
            "addresses": [{
                "street": "Dorpsstraat", "houseNumber": "1", "city": word("contact"), "country": "NL", "primary": true,
                "postcode": if is_other("contact") { "1299 ZZ" } else { "1234 AB" },
            }],
        },
    });
    let parts = [
        ("financial", json!({ "bankAccounts": [{ "iban": iban(row, is_other("financial")) }] })),
        ("profile", json!({ "interests": [word("profile")] })),
        ("notes", json!({ "remarks": word("notes") })),
    ];
    for (part, value) in parts {
        // That there is nothing is hidden as well.
        if !(is_other(part) && row % 2 == 1) {
            draft[part] = value;
        }
    }
    draft
}

fn word(part: &str, row: usize, other: bool) -> String {
    const ONE: [&str; 9] = ["anker", "beuk", "ceder", "duin", "esdoorn", "fjord", "goud", "heide", "iep"];
    const OTHER: [&str; 9] = ["zilver", "ypsilon", "vuur", "toren", "steen", "regen", "parel", "oever", "nacht"];
    let words = if other { OTHER } else { ONE };
    format!("{}{part}", words[row])
}

fn birth(row: usize, other: bool) -> String {
    format!("19{}-07-1{row}", if other { 81 } else { 54 })
}

fn iban(row: usize, other: bool) -> String {
    let account = format!("ABNA{:010}", 417_164_300 + row * 7 + if other { 1000 } else { 0 });
    let digits = |text: &str| -> String {
        text.chars().map(|c| c.to_digit(36).expect("a letter or a digit").to_string()).collect()
    };
    let number: u128 = digits(&format!("{account}NL00")).parse().expect("a number");
    format!("NL{:02}{account}", 98 - number % 97)
}

/// Somebody who asks for something.
struct Eyes<'a> {
    test: &'a TestApp,
    asker: usize,
    purpose: Option<&'static str>,
}

impl std::fmt::Debug for Eyes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "as {:?} for {:?}", PEOPLE[self.asker], self.purpose)
    }
}

/// What to ask, with names in the places of ids.
#[derive(Debug)]
struct Question {
    method: &'static str,
    path: String,
    body: Option<Value>,
}

impl Eyes<'_> {
    /// The compartments of each row that are shown.
    async fn visible(&self, world: &World) -> Vec<Vec<&'static str>> {
        let mut rows = Vec::new();
        for row in 0..ROWS.len() {
            let path = format!("/v1/customers/<row{row}>");
            let (status, text, _) = self.one(world, &Question { method: "GET", path, body: None }, None).await;
            let body: Value = serde_json::from_str(&text).expect("JSON");
            let withheld = |part: &&&str| body["withheld"].as_array().into_iter().flatten().any(|name| name == **part);
            let parts = HIDDEN.iter().filter(|part| status == 200 && !withheld(part)).copied();
            rows.push(parts.collect());
        }
        rows
    }

    /// All answers, page by page.
    async fn answers(&self, world: &World, questions: &[Question]) -> Vec<String> {
        let mut answers = Vec::new();
        for question in questions {
            let mut told = String::new();
            let mut cursor = None;
            loop {
                let (status, text, next) = self.one(world, question, cursor.as_deref()).await;
                let _ = writeln!(told, "{status} {}", world.without_ids(&text));
                cursor = next;
                if cursor.is_none() {
                    break;
                }
            }
            answers.push(told);
        }
        answers
    }

    /// Status, everything that the answer says, and where it goes on.
    async fn one(&self, world: &World, question: &Question, cursor: Option<&str>) -> (u16, String, Option<String>) {
        let mut path = world.with_ids(&question.path);
        let mut body = question.body.as_ref().map(|body| world.with_ids(&body.to_string()));
        match (cursor, &mut body) {
            (Some(cursor), None) => path = format!("{path}&cursor={cursor}"),
            (Some(cursor), Some(body)) => {
                let mut members: Map<String, Value> = serde_json::from_str(body).expect("an object");
                members.insert("cursor".to_owned(), json!(cursor));
                *body = Value::Object(members).to_string();
            }
            (None, _) => {}
        }
        let token = &world.network.people[self.asker].token;
        let request = self.test.client.request(question.method.parse().expect("a method"), path);
        let mut request = request.header("authorization", format!("Bearer {}", &**token));
        if let Some(purpose) = self.purpose {
            request = request.header("processing-purpose", purpose);
        }
        let kind = if question.method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        if question.method == "PATCH" {
            request = request.header("if-match", "*");
        }
        if let Some(body) = body {
            request = request.content_type(kind).body(body);
        }
        let answer = request.send().await;
        let status = answer.0.status().as_u16();
        assert!(question.method != "PATCH" || status >= 400, "{question:?} {self:?}: written without being seen");
        let headers: BTreeMap<String, String> = answer
            .0
            .headers()
            .iter()
            .filter(|(name, _)| ["etag", "content-type", "content-length", "location"].contains(&name.as_str()))
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("?").to_owned()))
            .collect();
        let has_link = answer.0.headers().contains_key("link");
        let mut text = answer.0.into_body().into_string().await.expect("a text");
        let parsed: Value = serde_json::from_str(&text).unwrap_or_default();
        let next = parsed["nextCursor"].as_str().map(str::to_owned);
        assert_eq!(has_link && question.method == "GET", next.is_some() && question.method == "GET");
        // A cursor is sealed anew each time, and every request has an id of its own: all that they tell is their length.
        for secret in [&parsed["nextCursor"], &parsed["instance"]].into_iter().filter_map(Value::as_str) {
            text = text.replace(secret, &"-".repeat(secret.len()));
        }
        if question.method != "GET" || !question.path.contains("/customers/") {
            let _ = write!(text, " {headers:?}");
        }
        (status, text, next)
    }
}

/// Everything that one may want to know, and the attempts to find out by writing.
fn questions(visible: &[Vec<&'static str>]) -> Vec<Question> {
    let mut all = Vec::new();
    let mut get = |path: &str| all.push(Question { method: "GET", path: path.to_owned(), body: None });
    for path in ["sort=newest&pageSize=1", "sort=oldest&pageSize=2", "sort=updated&pageSize=50&count=true"] {
        get(&format!("/v1/customers?{path}"));
    }
    for filter in [
        "status=active",
        "kind=person",
        "ownerId=<user4>",
        "source=webshop",
        "language=nl",
        "region=12",
        "region=99",
        "tenantId=<tenant3>",
        "archived=true",
        "createdAfter=2026-09-21T14:13:20.025Z",
    ] {
        get(&format!("/v1/customers?pageSize=2&count=true&{filter}"));
    }
    for row in 0..ROWS.len() {
        get(&format!("/v1/customers/<row{row}>"));
        get(&format!("/v1/customers/<row{row}>/relations?pageSize=5"));
    }
    let mut search = |body: Value| {
        all.push(Question { method: "POST", path: "/v1/customers/_search".to_owned(), body: Some(body) });
    };
    for size in [1, 3] {
        search(json!({ "sort": "name", "pageSize": size }));
        search(json!({ "sort": "newest", "pageSize": size }));
        search(json!({ "name": "voor", "pageSize": size }));
    }
    search(json!({ "sort": "name", "archived": true }));
    for (row, other) in [(0, false), (0, true), (4, false), (5, true), (6, true)] {
        let word = |part: &str| word(part, row, other);
        search(json!({ "name": word("identity"), "pageSize": 1 }));
        search(json!({ "name": format!("{}x", &word("identity")[..5]) }));
        for (field, value) in [
            ("email", format!("{}@klant.example", word("contact"))),
            ("city", word("contact")),
            ("postcode", if other { "1299ZZ" } else { "1234AB" }.to_owned()),
            ("iban", iban(row, other)),
            ("externalId", format!("crm:{}", word("identity"))),
            ("familyName", word("identity")),
            ("birthDate", birth(row, other)),
            ("interest", word("profile")),
            ("remarks", word("notes")),
        ] {
            let leaf = json!({ "field": field, "operator": "eq", "value": value });
            search(json!({ "where": leaf, "pageSize": 1 }));
            search(json!({ "where": { "not": leaf }, "pageSize": 2 }));
            search(json!({ "where": { "or": [leaf, { "field": "status", "operator": "eq", "value": "former" }] } }));
        }
    }
    for field in ["email", "city", "iban", "familyName", "interest", "remarks"] {
        search(json!({ "where": { "field": field, "operator": "exists" }, "pageSize": 1 }));
        search(json!({ "where": { "field": field, "operator": "startsWith", "value": "z" } }));
        search(
            json!({ "where": { "field": field, "operator": "after", "value": "m" }, "sort": "name", "pageSize": 2 }),
        );
        search(json!({ "where": { "and": [{ "field": field, "operator": "contains", "value": "e" },
                                          { "field": "status", "operator": "eq", "value": "active" }] } }));
    }
    for (row, parts) in visible.iter().enumerate() {
        for part in HIDDEN.iter().filter(|part| !parts.contains(part)) {
            for other in [false, true] {
                let sent = customer(row, |_| other);
                let Some(value) = sent.get(*part) else { continue };
                let body = json!({ *part: value });
                all.push(Question { method: "PATCH", path: format!("/v1/customers/<row{row}>"), body: Some(body) });
            }
        }
    }
    all
}
