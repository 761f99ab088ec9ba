//! What a list holds is what one may look at one by one, and that is what the policy says: for made-up policies, tenant
//! trees and owners, against an oracle that reads the lines as a person would.

use futures_util::future::join_all;
use kluis_core::access::{Line, Policy, parse, shipped};
use serde_json::{Value, json};

use super::network::{Dice, Network, PARTS, enforce, made_up};
use super::oracle::Asker;
use crate::support::app::{Making, TestApp, read};

const ROLES: [(&str, &[&str]); 4] = [
    ("hq", &["hq_admin", "hq_analyst", "privacy_officer", "auditor"]),
    ("region", &["region_manager", "privacy_officer", "auditor"]),
    ("franchisee", &["manager", "sales", "service", "privacy_officer"]),
    ("member_org", &["member_admin", "service", "privacy_officer"]),
];
const PURPOSES: [&str; 4] = ["contract", "contract", "marketing", "service"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_hold_what_may_be_looked_at_sqlite() {
    compare("sqlite").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_hold_what_may_be_looked_at_postgres() {
    compare("postgres").await;
}

/// Some hundreds of policies, or in the long form ten thousand; `KLUIS_SEED` for other ones.
async fn compare(engine: &'static str) {
    let policies = if std::env::var_os("KLUIS_LONG").is_some() { 10_000 } else { 250 };
    let seed: u64 = std::env::var("KLUIS_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(2026);
    let policy = Policy::open_without_shipped_invariants(shipped(), 1).map_err(|f| format!("{f:?}")).expect("a policy");
    let test = TestApp::made(engine, Making { policy: Some(policy), ..Making::default() }).await;
    let mut worlds = Vec::new();
    for world in 0..if policies > 1_000 { 12 } else { 3 } {
        worlds.push(grow(&test, &mut Dice(seed + world)).await);
    }
    let (mut read_by_somebody, mut partly) = (0, 0);
    for number in 0..policies {
        let mut dice = Dice(seed.wrapping_mul(1_000_003) + number);
        let world = dice.pick(&worlds);
        let domains: Vec<String> = world.places.iter().map(|place| place.id.to_string()).collect();
        let users: Vec<String> = world.people.iter().map(|member| member.id.to_string()).collect();
        let mut roles: Vec<&str> = ROLES.iter().flat_map(|(_, roles)| roles.iter().copied()).collect();
        roles.sort_unstable();
        roles.dedup();
        let asker = dice.below(world.people.len());
        let text = made_up(&mut dice, (&roles, &world.people[asker].roles), &domains, &users);
        enforce(&test, &text).await;
        let question = Question {
            test: &test,
            world,
            asker,
            purpose: PURPOSES[dice.below(PURPOSES.len())],
            lines: parse("made_up.csv", &text),
            told: format!("{engine}, KLUIS_SEED={seed}, policy {number}\n{text}"),
        };
        let expected = question.ask(&mut dice).await;
        read_by_somebody += usize::from(!expected.is_empty());
        partly += usize::from(expected.iter().any(|withheld| !withheld.is_empty() && withheld.len() < PARTS.len()));
    }
    println!("{engine}: of {policies} policies {read_by_somebody} let somebody read, {partly} a part only");
    assert!(read_by_somebody > policies as usize / 4 && partly > policies as usize / 8, "the policies say too little");
}

/// A tree with people and customers at random, as large as it may be while everybody asks for everything.
async fn grow(test: &TestApp, dice: &mut Dice) -> Network {
    let mut world = Network::default();
    world.add_place(test, "hq", None).await;
    world.add_place(test, "region", Some(0)).await;
    for _ in 0..2 + dice.below(3) {
        let parent = *dice.pick(&[0, 1]);
        world.add_place(test, "franchisee", Some(parent)).await;
    }
    let parent = *dice.pick(&[0, 1]);
    world.add_place(test, "member_org", Some(parent)).await;
    for place in 0..world.places.len() {
        let (_, roles) = ROLES.iter().find(|(kind, _)| *kind == world.places[place].kind).expect("roles");
        for _ in 0..2 {
            let one = *dice.pick(roles);
            let other = *dice.pick(roles);
            let both = [one, other];
            world.add_member(test, place, if one == other { &both[..1] } else { &both[..] }).await;
        }
    }
    for place in 0..world.places.len() {
        for _ in 0..2 + dice.below(2) {
            let here: Vec<usize> = (0..world.people.len()).filter(|at| world.people[*at].place == place).collect();
            let owner = dice.happens(70).then(|| *dice.pick(&here));
            // Ids follow the time, so that the order of the rows is known.
            test.app.clock.advance(chrono::TimeDelta::milliseconds(1));
            let draft = customer(dice, world.rows.len());
            let row = world.add_row(test, place, owner, draft).await;
            if dice.happens(10) {
                world.archive(test, row).await;
            }
        }
    }
    world
}

const CITIES: [&str; 3] = ["Ergens", "Elders", "Verderop"];
const NAMES: [&str; 5] = ["Anker", "Beuk", "Ceder", "Duin", "Esdoorn"];

fn customer(dice: &mut Dice, number: usize) -> Value {
    let mut draft = json!({
        "kind": "person", "language": "nl", "source": "webshop", "legalBasis": "contract",
        "status": dice.pick(&["prospect", "active", "former"]),
        "consentedPurposes": if dice.happens(50) { json!(["marketing"]) } else { json!([]) },
        "identity": { "person": { "familyName": dice.pick(&NAMES), "initials": format!("A.{number}.") } },
        "contact": {
            "emails": [{ "address": format!("klant{number}@klant.example") }],
            "addresses": [{ "city": dice.pick(&CITIES), "country": "NL" }],
        },
    });
    if dice.happens(60) {
        draft["notes"] = json!({ "remarks": format!("Opmerking {}", dice.below(3)) });
    }
    if dice.happens(60) {
        draft["profile"] = json!({ "interests": [dice.pick(&["tuin", "zee"])] });
    }
    draft
}

/// One policy, and somebody who asks under it.
struct Question<'a> {
    test: &'a TestApp,
    world: &'a Network,
    asker: usize,
    purpose: &'a str,
    lines: Vec<Line>,
    told: String,
}

/// What somebody may see of a row: the names of the compartments that they may not.
type Withheld = Vec<String>;

impl Question<'_> {
    /// Asks in all ways; gives what is withheld of each row that may be read.
    async fn ask(&self, dice: &mut Dice) -> Vec<Withheld> {
        let expected: Vec<Option<Withheld>> = (0..self.world.rows.len()).map(|row| self.oracle(row)).collect();
        let singles = self.one_by_one(&expected).await;
        let listed: Vec<usize> =
            (0..singles.len()).rev().filter(|row| singles[*row].is_some() && !self.world.rows[*row].archived).collect();
        let items = |rows: &[usize]| rows.iter().filter_map(|row| singles[*row].clone()).collect::<Vec<Value>>();
        let allowed = self.is_ever("customer");
        self.same("/v1/customers?pageSize=200&count=true", None, allowed, &items(&listed)).await;
        let all = json!({ "sort": "newest", "pageSize": 200 });
        self.same("/v1/customers/_search", Some(&all), allowed, &items(&listed)).await;
        self.narrower(dice, &listed, &singles).await;
        expected.into_iter().flatten().collect()
    }

    /// Every record by itself: there or not, and with exactly the compartments that the oracle lets through.
    async fn one_by_one(&self, expected: &[Option<Withheld>]) -> Vec<Option<Value>> {
        let paths: Vec<String> = self.world.rows.iter().map(|row| format!("/v1/customers/{}", row.id)).collect();
        let answers = join_all(paths.iter().map(|path| self.asked(path, None))).await;
        answers
            .into_iter()
            .zip(expected)
            .enumerate()
            .map(|(row, ((status, body), expected))| {
                let Some(withheld) = expected else {
                    assert_eq!(status, 404, "row {row} {body}\n{}", self.told);
                    return None;
                };
                assert_eq!(status, 200, "row {row} {body}\n{}", self.told);
                let told = body.get("withheld").cloned().unwrap_or_else(|| json!([]));
                assert_eq!(told, json!(withheld), "row {row} for {}\n{}", self.asker, self.told);
                for part in PARTS {
                    let sent = self.world.rows[row].draft.get(part).is_some();
                    let shown = sent && !withheld.iter().any(|name| name == part);
                    assert_eq!(body.get(part).is_some(), shown, "row {row} {part}\n{}", self.told);
                }
                Some(body)
            })
            .collect()
    }

    /// Filters, conditions, pages and orders: each the list, narrowed by what may be seen.
    async fn narrower(&self, dice: &mut Dice, listed: &[usize], singles: &[Option<Value>]) {
        let of = |rows: &[usize]| rows.iter().filter_map(|row| singles[*row].clone()).collect::<Vec<Value>>();
        let (allowed, row) = (self.is_ever("customer"), |at: &usize| singles[*at].as_ref().expect("it is listed"));
        let status = *dice.pick(&["prospect", "active", "former"]);
        let some: Vec<usize> = listed.iter().copied().filter(|at| row(at)["status"] == status).collect();
        self.same(&format!("/v1/customers?pageSize=200&status={status}"), None, allowed, &of(&some)).await;
        let owner = dice.pick(&self.world.people).id.to_string();
        let some: Vec<usize> = listed.iter().copied().filter(|at| row(at)["ownerId"] == owner).collect();
        self.same(&format!("/v1/customers?pageSize=200&ownerId={owner}"), None, allowed, &of(&some)).await;

        let city = *dice.pick(&CITIES);
        let some: Vec<usize> =
            listed.iter().copied().filter(|at| row(at)["contact"]["addresses"][0]["city"] == city).collect();
        let search = condition(json!({ "field": "city", "operator": "eq", "value": city }));
        let allowed_here = allowed && self.is_ever("customer.contact");
        self.same("/v1/customers/_search", Some(&search), allowed_here, &of(&some)).await;
        let number = dice.below(self.world.rows.len());
        let address = format!("KLANT{number}@klant.example");
        let wanted = address.to_lowercase();
        let some: Vec<usize> =
            listed.iter().copied().filter(|at| row(at)["contact"]["emails"][0]["address"] == *wanted).collect();
        let search = condition(json!({ "field": "email", "operator": "eq", "value": address }));
        self.same("/v1/customers/_search", Some(&search), allowed_here, &of(&some)).await;
        let some: Vec<usize> = listed
            .iter()
            .copied()
            .filter(|at| self.shows(row(at), "notes") && row(at)["notes"]["remarks"] != "Opmerking 1")
            .collect();
        let not = json!({ "not": { "field": "remarks", "operator": "eq", "value": "Opmerking 1" } });
        self.same(
            "/v1/customers/_search",
            Some(&condition(not)),
            allowed && self.is_ever("customer.notes"),
            &of(&some),
        )
        .await;

        let named: Vec<usize> = listed.iter().copied().filter(|at| self.shows(row(at), "identity")).collect();
        let allowed_here = allowed && self.is_ever("customer.identity");
        let name = *dice.pick(&NAMES);
        let some: Vec<usize> =
            named.iter().copied().filter(|at| row(at)["identity"]["person"]["familyName"] == name).collect();
        let search = json!({ "name": name.to_lowercase(), "pageSize": 200 });
        self.same("/v1/customers/_search", Some(&search), allowed_here, &of(&some)).await;
        self.in_order_of_names(listed, &named, singles, allowed_here).await;
        self.by_pages(dice, &of(listed), allowed).await;
    }

    /// First those whose name may be seen, in its order, then the others, newest first; in pages of two.
    async fn in_order_of_names(&self, listed: &[usize], named: &[usize], singles: &[Option<Value>], allowed: bool) {
        let key = |at: &usize| {
            let person = &singles[*at].as_ref().expect("it is listed")["identity"]["person"];
            (person["familyName"].as_str().unwrap_or_default().to_owned(), person["initials"].to_string())
        };
        let search = json!({ "sort": "name", "pageSize": 2 });
        let found = self.pages("/v1/customers/_search", Some(&search), allowed).await;
        if !allowed {
            return;
        }
        let rest: Vec<usize> = listed.iter().copied().filter(|at| !named.contains(at)).collect();
        let place =
            |item: &Value| singles.iter().position(|single| single.as_ref() == Some(item)).expect("it is one of them");
        let places: Vec<usize> = found.iter().map(place).collect();
        assert_eq!(places.len(), listed.len(), "{}", self.told);
        let (first, last) = places.split_at(named.len());
        assert_eq!(last, rest, "{}", self.told);
        assert!(first.iter().all(|at| named.contains(at)), "{}", self.told);
        let families: Vec<String> = first.iter().map(|at| key(at).0).collect();
        assert!(families.is_sorted(), "{families:?}\n{}", self.told);
    }

    async fn by_pages(&self, dice: &mut Dice, all: &[Value], allowed: bool) {
        let size = 1 + dice.below(4);
        let path = format!("/v1/customers?pageSize={size}");
        let found = self.pages(&path, None, allowed).await;
        assert_eq!(found, if allowed { all } else { &[] }, "{path}\n{}", self.told);
        let oldest = self.pages(&format!("{path}&sort=oldest"), None, allowed).await;
        assert!(oldest.iter().rev().eq(&found), "{path}\n{}", self.told);
    }

    /// All pages one after the other; none of them is empty but the only one.
    async fn pages(&self, path: &str, body: Option<&Value>, allowed: bool) -> Vec<Value> {
        let (mut found, mut cursor): (Vec<Value>, Option<String>) = (Vec::new(), None);
        loop {
            let (status, page) = match (&cursor, body) {
                (None, _) => self.asked(path, body).await,
                (Some(cursor), None) => self.asked(&format!("{path}&cursor={cursor}"), None).await,
                (Some(cursor), Some(body)) => {
                    let mut next = body.clone();
                    next["cursor"] = json!(cursor);
                    self.asked(path, Some(&next)).await
                }
            };
            assert_eq!(status, if allowed { 200 } else { 403 }, "{path} {page}\n{}", self.told);
            let items = page["items"].as_array().cloned().unwrap_or_default();
            assert!(cursor.is_none() || !items.is_empty(), "a page that tells of hidden rows: {path}\n{}", self.told);
            found.extend(items);
            cursor = page["nextCursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                return found;
            }
        }
    }

    async fn same(&self, path: &str, body: Option<&Value>, allowed: bool, expected: &[Value]) {
        let (status, page) = self.asked(path, body).await;
        if !allowed {
            assert_eq!(status, 403, "{path} {body:?} {page}\n{}", self.told);
            return;
        }
        assert_eq!(status, 200, "{path} {body:?} {page}\n{}", self.told);
        let found = page["items"].as_array().expect("items");
        if body.is_some_and(|body| body.get("name").is_some()) {
            // Best first, and these are all as good.
            assert_eq!(found.len(), expected.len(), "{path} {body:?}\n{}", self.told);
            assert!(expected.iter().all(|item| found.contains(item)), "{path} {body:?}\n{}", self.told);
        } else {
            assert_eq!(found, expected, "{path} {body:?} for {}\n{}", self.asker, self.told);
        }
        if path.contains("count=true") {
            assert_eq!(page["total"], expected.len(), "{path}\n{}", self.told);
        }
        assert!(page.get("nextCursor").is_none(), "{path} {body:?}\n{}", self.told);
    }

    async fn asked(&self, path: &str, body: Option<&Value>) -> (u16, Value) {
        let token = &self.world.people[self.asker].token;
        let method = if body.is_some() { "POST" } else { "GET" };
        let request = self.test.client.request(method.parse().expect("a method"), path);
        let request = request.header("authorization", format!("Bearer {}", &**token));
        let request = request.header("processing-purpose", self.purpose);
        match body {
            Some(body) => read(request.body_json(body).send().await).await,
            None => read(request.send().await).await,
        }
    }

    fn shows(&self, item: &Value, part: &str) -> bool {
        let withheld = item.get("withheld").and_then(Value::as_array);
        withheld.is_none_or(|withheld| withheld.iter().all(|name| name != part))
    }
}

fn condition(tree: Value) -> Value {
    json!({ "where": tree, "pageSize": 200 })
}

/// The oracle: the design's sentences over words.
impl Question<'_> {
    fn asker(&self) -> Asker {
        let member = &self.world.people[self.asker];
        let place = &self.world.places[member.place];
        Asker {
            user: format!("user:{}", member.id),
            roles: member.roles.iter().map(|role| format!("role:{role}")).collect(),
            tenant: format!("t:{}", place.id),
            kind: place.kind.to_owned(),
        }
    }

    /// `None`: not to be read. Otherwise which compartments are not to be seen.
    fn oracle(&self, row: usize) -> Option<Withheld> {
        let (asker, row, member) = (self.asker(), &self.world.rows[row], &self.world.people[self.asker]);
        let names = asker.names(&self.lines);
        let mut classes = vec!["net"];
        if row.place == member.place {
            classes.push("unit");
            if row.owner == Some(self.asker) {
                classes.push("own");
            }
        }
        if self.world.is_below(row.place, member.place) {
            classes.push("sub");
        }
        let may = |object: &str| asker.permits(&self.lines, &names, [object, "read", self.purpose], &classes);
        let consented = row.draft["consentedPurposes"].as_array().is_some_and(|p| p.iter().any(|p| p == self.purpose));
        if !may("customer") || (self.purpose == "marketing" && !consented) {
            return None;
        }
        let hidden = PARTS.iter().filter(|part| !may(&format!("customer.{part}")));
        Some(hidden.map(|part| (*part).to_owned()).collect())
    }

    /// Whether any row could be permitted, as far as the lines tell.
    fn is_ever(&self, object: &str) -> bool {
        let asker = self.asker();
        let names = asker.names(&self.lines);
        let classes = ["own", "unit", "sub", "shared", "net"];
        classes.iter().any(|class| asker.permits(&self.lines, &names, [object, "read", self.purpose], &[class]))
    }
}
