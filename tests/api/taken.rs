//! A canary in every field of every body of the document, written as somebody from whom it is taken: only then does
//! looking for it afterwards say something. A field that takes text and got none fails, and so does a new operation.

use std::collections::{BTreeMap, BTreeSet};

use kluis::users::links::LinkPurpose;
use kluis::users::setup;
use serde_json::{Map, Value, json};

use super::canary::{MARK, PLAIN, TYPED, allow_everything, asks};
use super::contract::{Contract, Operation};
use super::identity::send;
use super::idor::{Elsewhere, Planted, body};
use crate::support::app::TestApp;

/// Fields that take text which says nothing about anybody, or that can hold no canary: operation (or `*`), the end of the
/// pointer, and why.
const NOT_HERE: &[(&str, &str, &str)] = &[
    ("*", "/language", "a language tag"),
    ("*", "/houseNumber", "a number"),
    ("*", "/ownerId", "an id"),
    ("*", "/consentedPurposes/0", "words of the policy"),
    ("*", "/purposes/0", "words of the policy"),
    ("updateCustomField", "/key", "stays as it was made"),
    ("grantRole", "/role", "words of the policy"),
    ("*", "/source", "a word for where records come from, by which lists are filtered"),
    ("*", "/cursor", "signed by the server"),
    ("createTenant", "", "what an organisation of the network is called and registered as stands in the open"),
    ("updateTenant", "", "what an organisation of the network is called and registered as stands in the open"),
    ("createPartner", "/financial/accountHolder", "payment data comes later, for the purpose of billing"),
    ("createPartner", "/financial/iban", "payment data comes later, for the purpose of billing"),
    ("createMyToken", "/scopes/0", "words of the policy"),
    ("updateImport", "/columns/0", "words of the program's own vocabulary"),
    ("createSession", "/code", "made by the authenticator"),
    ("choosePassword", "/code", "made by the authenticator"),
    ("choosePassword", "/token", "made by the server"),
    ("redeemLink", "/code", "made by the server"),
    ("confirmSecondFactor", "/code", "made by the authenticator"),
    ("removeSecondFactor", "/code", "made by the authenticator"),
];

/// Bodies that aren't JSON are written by tests of their own.
const NOT_JSON: &[(&str, &str)] = &[("createImport", "a file: the import below brings in its canaries")];

/// How all telephone numbers begin that are written here; nobody else in the tenant may have the same.
pub const PHONES: &str = "+31687310";

/// Writes them all; gives what is missing.
pub async fn write_every_field(test: &TestApp, contract: &Contract) -> Vec<String> {
    let mut elsewhere = Elsewhere::beside(test).await;
    let network = elsewhere.people[0].tenant;
    for (name, role, tenant) in [
        ("elsewhere_owner", "partner_owner", elsewhere.tenant),
        ("elsewhere_clerk", "customer_admin", elsewhere.tenant),
        ("elsewhere_contracts", "partner_manager", network),
    ] {
        elsewhere.people.push(test.person(name, role, tenant).await);
    }
    allow_everything(test, elsewhere.tenant, &elsewhere.people[1].token).await;
    let mut writer = Writer {
        test,
        contract,
        elsewhere,
        planted: Planted::default(),
        customers: BTreeMap::new(),
        number: 0,
        taken: BTreeSet::new(),
    };
    writer.sign_in().await;
    let mut faults = Vec::new();
    let mut excused: BTreeSet<&(&str, &str, &str)> = BTreeSet::new();
    for operation in contract.operations() {
        let Some((kind, schema)) = operation.body.clone() else { continue };
        if !kind.contains("json") {
            if !NOT_JSON.iter().any(|(id, _)| *id == operation.id) {
                faults.push(format!("{}: nothing writes its body of {kind}", operation.id));
            }
            continue;
        }
        let (excused_here, leaves): (Vec<Leaf>, Vec<Leaf>) =
            leaves(contract, &schema).into_iter().partition(|leaf| leaf.excuse(&operation).is_some());
        excused.extend(excused_here.iter().filter_map(|leaf| leaf.excuse(&operation)));
        let told = writer.write(&operation, &schema, &leaves).await;
        for leaf in leaves {
            if !writer.taken.contains(&(operation.id.clone(), leaf.pointer.clone())) {
                let why = told.get(&leaf.pointer).cloned().unwrap_or_default();
                faults.push(format!("{} {}: nobody took it: {why}", operation.id, leaf.pointer));
            }
        }
    }
    let needless = NOT_HERE.iter().filter(|excuse| !excused.contains(*excuse));
    faults.extend(needless.map(|(id, end, _)| format!("{id} {end}: an excuse that nothing needs")));
    faults
}

struct Writer<'a> {
    test: &'a TestApp,
    contract: &'a Contract,
    elsewhere: Elsewhere,
    planted: Planted,
    /// One of each kind, to be changed.
    customers: BTreeMap<&'static str, String>,
    number: u32,
    /// Operation and pointer of each field in which a canary was accepted.
    taken: BTreeSet<(String, String)>,
}

impl Writer<'_> {
    /// Writes canaries into all fields at once, then into each that wasn't taken by itself; tells why one was refused.
    async fn write(&mut self, operation: &Operation, schema: &Value, leaves: &[Leaf]) -> BTreeMap<String, String> {
        let mut told = BTreeMap::new();
        for kind in KINDS {
            let fit: Vec<&Leaf> = leaves.iter().filter(|leaf| leaf.fits(kind)).collect();
            let others = fit.iter().copied().filter(|leaf| !leaf.pointer.starts_with("/rows")).collect();
            let rounds = [fit.clone(), others].into_iter().chain(fit.iter().map(|leaf| vec![*leaf]));
            for round in rounds.collect::<Vec<_>>() {
                let is_new = |leaf: &&Leaf| !self.taken.contains(&(operation.id.clone(), leaf.pointer.clone()));
                if round.iter().any(is_new) {
                    let refusal = self.write_round((operation, schema), kind, leaves, &round).await;
                    told.extend(round.iter().map(|leaf| (leaf.pointer.clone(), refusal.clone())));
                }
            }
        }
        told
    }

    async fn write_round(
        &mut self,
        (operation, schema): (&Operation, &Value),
        kind: &'static str,
        leaves: &[Leaf],
        round: &[&Leaf],
    ) -> String {
        let ids = self.planted.ids(self.test, &self.elsewhere, self.contract, &operation.template).await;
        let Some(mut ids) = ids else { return "no recipe makes a record for it".to_owned() };
        let mut sent = body(self.contract, operation).ok().flatten().unwrap_or_else(|| json!({}));
        self.refresh(&mut sent);
        if operation.id == "createCustomer" && kind != KINDS[0] {
            sent["kind"] = json!(kind);
            sent["identity"] = json!({ kind: { "name": format!("{MARK} of a kind") } });
        }
        if operation.id == "updateCustomer" {
            ids = vec![self.customer(kind).await];
        }
        if round.iter().any(|leaf| leaf.pointer.starts_with("/choices")) {
            match operation.id.as_str() {
                "createCustomField" => sent["kind"] = json!("choice"),
                "updateCustomField" => ids = vec![self.choice_field().await],
                _ => {}
            }
        }
        let mut round = round.to_vec();
        if operation.id == "changeCustomers" {
            // These, those that fit, or rows to bring in: one way at a time.
            let is_row = |leaf: &&Leaf| leaf.pointer.starts_with("/rows");
            if round.iter().any(is_row) {
                round.retain(is_row);
                sent = json!({ "rows": [plain_customer(kind)] });
            } else if round.iter().any(|leaf| leaf.pointer.starts_with("/selection")) {
                sent.as_object_mut().and_then(|members| members.remove("ids"));
                sent["selection"] = json!({ "where": { "field": "city", "operator": "eq" } });
            }
        }
        for leaf in &round {
            for beside in leaves.iter().filter(|other| other.is_key_beside(leaf)).chain([*leaf]) {
                if let Some(text) = self.canary(beside) {
                    let steps: Vec<&str> = beside.pointer.split('/').skip(1).collect();
                    put(self.contract, schema, &mut sent, &steps, json!(text));
                }
            }
        }
        if operation.id == "updateCustomField"
            && let Some(choices) = sent["choices"].as_array_mut()
        {
            // What customers may have already can't be taken away.
            choices.push(json!({ "code": "een", "labels": { "nl": MARK, "en": MARK } }));
        }
        let mut refusals = String::new();
        let path = operation.path(&ids);
        let purposes = [None, Some("billing")];
        for (person, purpose) in self.elsewhere.people.iter().flat_map(|p| purposes.map(|purpose| (p, purpose))) {
            let (status, answer) = asks(self.test, (&person.token, purpose), operation, &path, &sent).await;
            if (200..300).contains(&status) {
                let holds = |leaf: &&Leaf| {
                    let value = sent.pointer(&leaf.pointer).and_then(Value::as_str).unwrap_or_default();
                    value.contains(MARK) || value.starts_with(PHONES) || TYPED.iter().any(|(_, typed)| *typed == value)
                };
                let held = leaves.iter().filter(holds).map(|leaf| (operation.id.clone(), leaf.pointer.clone()));
                self.taken.extend(held.collect::<Vec<_>>());
                return String::new();
            }
            if !matches!(status, 401 | 404) {
                refusals = format!("{refusals} {status} {}", answer["errors"]);
            }
        }
        format!("{refusals} to {sent}")
    }

    /// A customer of this kind, made by whoever may.
    async fn customer(&mut self, kind: &'static str) -> String {
        if let Some(id) = self.customers.get(kind) {
            return id.clone();
        }
        let draft = plain_customer(kind);
        for person in &self.elsewhere.people {
            let (_, view) = send(self.test, Some(&person.token), "POST", "/v1/customers", draft.clone()).await;
            if let Some(id) = view["id"].as_str() {
                self.customers.insert(kind, id.to_owned());
                return id.to_owned();
            }
        }
        panic!("nobody can make a customer of the kind {kind}");
    }

    /// A custom field that has choices, made by whoever may.
    async fn choice_field(&mut self) -> String {
        self.number += 1;
        let labels = json!({ "nl": MARK, "en": MARK });
        let draft = json!({
            "key": format!("keuze{}", self.number), "labels": labels, "kind": "choice",
            "choices": [{ "code": "een", "labels": labels }], "compartment": "profile", "category": "dpv:PersonalData",
            "purposes": ["contract"], "retention": "customer",
        });
        for person in &self.elsewhere.people {
            let (_, view) = send(self.test, Some(&person.token), "POST", "/v1/custom-fields", draft.clone()).await;
            if let Some(id) = view["id"].as_str() {
                return id.to_owned();
            }
        }
        panic!("nobody can make a custom field with choices");
    }

    /// A value that is searched for afterwards, if the field's grammar can hold one. Others must be unique, too.
    fn canary(&mut self, leaf: &Leaf) -> Option<String> {
        self.number += 1;
        let name = leaf.pointer.split('/').rev().find(|step| *step != "0").unwrap_or_default();
        let known =
            |member: &str| member == name || format!("{member}s") == name || (member, name) == ("number", "phones");
        let typed = TYPED.iter().find(|(member, _)| known(member));
        let text = match typed {
            Some((_, value)) if value.contains('@') => format!("{MARK}{}@{MARK}.example", self.number),
            // Nobody else in the tenant may have it.
            Some((_, value)) if value.starts_with("+31") => format!("{PHONES}{:03}", self.number % 1_000),
            Some((_, value)) => (*value).to_owned(),
            None => format!("{MARK}{}", self.number),
        };
        [text, MARK.to_owned()].into_iter().find(|text| leaf.takes(text))
    }

    /// The example's ids become those of records that are there, its addresses such as nobody has yet.
    fn refresh(&mut self, value: &mut Value) {
        match value {
            Value::Object(members) => members.values_mut().for_each(|value| self.refresh(value)),
            Value::Array(items) => items.iter_mut().for_each(|value| self.refresh(value)),
            Value::String(text) if text.contains('@') => {
                self.number += 1;
                *text = format!("{MARK}{}@{MARK}.example", self.number);
            }
            Value::String(text) => {
                let known = match text.split_once('_').map(|(prefix, _)| prefix) {
                    Some("ten") => Some(self.elsewhere.tenant.to_string()),
                    Some("usr") => Some(self.elsewhere.people[2].id.to_string()),
                    Some("cus") => self.planted.known("/customers"),
                    _ => None,
                };
                if let Some(known) = known {
                    *text = known;
                }
            }
            _ => {}
        }
    }

    /// Somebody whose address and password hold canaries is invited, chooses it, signs in with it and changes it.
    async fn sign_in(&mut self) {
        let (password, another) = (format!("{MARK} fietspomp wolk anker"), format!("{MARK} regenjas vuurtoren"));
        let person = self.test.person(MARK, "sales", self.elsewhere.tenant).await;
        let link = setup::make_link(&self.test.app, person.id, LinkPurpose::Invitation).await.expect("a link");
        let code = json!({ "code": link.code().to_string() });
        let (_, redeemed) = self.said(None, "redeemLink", "/v1/link-redemptions", code).await;
        let step = redeemed["choosePassword"]["token"].clone();
        let choice = json!({ "token": step, "password": password });
        self.said(None, "choosePassword", "/v1/password-choices", choice).await;
        let credentials = json!({ "email": format!("{MARK}@kluis.example"), "password": password });
        let (_, session) = self.said(None, "createSession", "/v1/sessions", credentials).await;
        let token = session["token"].as_str().expect("a session").to_owned();
        let own = json!({ "password": password });
        self.said(Some(&token), "beginSecondFactor", "/v1/me/second-factor", own.clone()).await;
        let secret = self.said(Some(&token), "beginSecondFactor", "/v1/me/second-factor", own).await.1;
        let app = super::identity::code_of(self.test, secret["secret"].as_str().expect("a secret"));
        let path = "/v1/me/second-factor/confirmation";
        self.said(Some(&token), "confirmSecondFactor", path, json!({ "code": app })).await;
        self.test.app.clock.advance(chrono::TimeDelta::minutes(2));
        let app = super::identity::code_of(self.test, secret["secret"].as_str().expect("a secret"));
        let removal = json!({ "password": password, "code": app });
        self.said(Some(&token), "removeSecondFactor", "/v1/me/second-factor/removal", removal).await;
        let expires = self.test.app.clock.now() + chrono::TimeDelta::days(1);
        let program = json!({
            "name": format!("{MARK} of a program"), "scopes": ["customer:read"],
            "expiresAt": expires.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        });
        self.said(Some(&token), "createMyToken", "/v1/me/tokens", program).await;
        let address = format!("{MARK}0@{MARK}.example");
        let moved = json!({ "password": password, "email": address });
        self.said(Some(&token), "changeMyEmail", "/v1/me/email", moved).await;
        let change = json!({ "currentPassword": password, "newPassword": another });
        self.said(Some(&token), "changeMyPassword", "/v1/me/password", change).await;
        let forgotten = json!({ "email": address });
        self.said(None, "requestPasswordReset", "/v1/password-resets", forgotten).await;
    }

    async fn said(&mut self, token: Option<&str>, operation: &str, path: &str, sent: Value) -> (u16, Value) {
        let (status, answer) = send(self.test, token, "POST", path, sent.clone()).await;
        assert!((200..300).contains(&status), "{operation}: {status} {answer}");
        for (member, value) in sent.as_object().into_iter().flatten() {
            if value.as_str().is_some_and(|text| text.contains(MARK)) {
                self.taken.insert((operation.to_owned(), format!("/{member}")));
            }
        }
        (status, answer)
    }
}

/// A customer of this kind with nothing but a name.
fn plain_customer(kind: &str) -> Value {
    let name = format!("{MARK} of a kind");
    let part = if kind == KINDS[0] { json!({ "familyName": name }) } else { json!({ "name": name }) };
    json!({
        "kind": kind, "status": "active", "language": "nl", "source": "webshop", "legalBasis": "contract",
        "identity": { kind: part },
    })
}

/// A place in a body where a text may stand.
pub struct Leaf {
    pub pointer: String,
    pub schema: Value,
}

/// Kinds of customers; each has a part of the identity to itself.
const KINDS: [&str; 3] = ["person", "organisation", "household"];

impl Leaf {
    fn excuse(&self, operation: &Operation) -> Option<&'static (&'static str, &'static str, &'static str)> {
        let fits =
            |(id, end, _): &&(&str, &str, &str)| (*id == "*" || *id == operation.id) && self.pointer.ends_with(end);
        NOT_HERE.iter().find(fits)
    }

    /// Whether the other can't be without this one, which nobody else may have.
    fn is_key_beside(&self, other: &Self) -> bool {
        let parent = |pointer: &str| pointer.rsplit_once('/').map(|(parent, _)| parent.to_owned());
        let is_key = self.pointer.ends_with("/number") || self.pointer.ends_with("/iban");
        is_key && self.pointer != other.pointer && parent(&self.pointer) == parent(&other.pointer)
    }

    fn fits(&self, kind: &str) -> bool {
        let others = KINDS.iter().filter(|other| **other != kind);
        !others.into_iter().any(|other| self.pointer.contains(&format!("/identity/{other}/")))
    }

    fn takes(&self, text: &str) -> bool {
        jsonschema::validator_for(&self.schema).is_ok_and(|validator| validator.is_valid(&json!(text)))
    }
}

/// All places of a body whose grammar can hold a canary.
fn leaves(contract: &Contract, schema: &Value) -> Vec<Leaf> {
    let mut found = Vec::new();
    collect(contract, schema, String::new(), &mut Vec::new(), &mut found);
    found.retain(|leaf| [MARK, "a@zqkanarie.example"].iter().any(|text| leaf.takes(text)) || is_typed(&leaf.pointer));
    found
}

fn is_typed(pointer: &str) -> bool {
    TYPED.iter().any(|(member, _)| pointer.ends_with(&format!("/{member}")))
}

/// All texts of a schema that are no words of a list.
pub fn collect<'a>(
    contract: &'a Contract,
    schema: &'a Value,
    pointer: String,
    above: &mut Vec<&'a Value>,
    found: &mut Vec<Leaf>,
) {
    let schema = plain(contract, schema);
    // A schema within itself holds no other fields than it does outside.
    if above.iter().any(|outer| std::ptr::eq(*outer, schema)) {
        return;
    }
    above.push(schema);
    match schema["type"].as_str() {
        Some("string") if schema.get("enum").is_none() => {
            let mut schema = schema.clone();
            // Not a word of JSON Schema, and its formats are looked at by the program itself.
            for word in ["example", "nullable", "default", "description"] {
                schema.as_object_mut().expect("an object").remove(word);
            }
            let has_grammar = matches!(schema["format"].as_str(), Some("date" | "date-time" | "uuid"));
            if !has_grammar {
                found.push(Leaf { pointer, schema });
            }
        }
        Some("array") => collect(contract, &schema["items"], format!("{pointer}/0"), above, found),
        Some("object") => {
            for (member, inner) in schema["properties"].as_object().into_iter().flatten() {
                collect(contract, inner, format!("{pointer}/{member}"), above, found);
            }
        }
        _ => {}
    }
    above.pop();
}

/// The first of what a schema is composed of.
fn plain<'a>(contract: &'a Contract, schema: &'a Value) -> &'a Value {
    let schema = contract.resolve(schema);
    let parts = ["allOf", "oneOf", "anyOf"].into_iter().find_map(|word| schema.get(word)?.get(0));
    parts.map_or(schema, |first| plain(contract, first))
}

/// Puts a text in its place; what must stand around it is made on the way.
fn put(contract: &Contract, schema: &Value, within: &mut Value, steps: &[&str], text: Value) {
    let schema = plain(contract, schema);
    let Some((step, rest)) = steps.split_first() else {
        *within = text;
        return;
    };
    if schema["type"] == "array" {
        if within.get(0).is_none() {
            *within = json!([required(contract, &schema["items"])]);
        }
        put(contract, &schema["items"], &mut within[0], rest, text);
        return;
    }
    if !within.is_object() {
        *within = required(contract, schema);
    }
    let inner = &schema["properties"][*step];
    if within.get(*step).is_none() {
        within[*step] = Value::Null;
    }
    put(contract, inner, &mut within[*step], rest, text);
}

/// A value with nothing but what is demanded.
fn required(contract: &Contract, schema: &Value) -> Value {
    let schema = plain(contract, schema);
    if let Some(first) = schema.pointer("/enum/0").or_else(|| schema.get("default")) {
        return first.clone();
    }
    match schema["type"].as_str() {
        Some("object") => {
            let names = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let members: Map<String, Value> = names
                .map(|name| {
                    let typed = TYPED.iter().chain(&PLAIN).find(|(member, _)| *member == name);
                    let value = || required(contract, &schema["properties"][name]);
                    (name.to_owned(), typed.map_or_else(value, |(_, text)| json!(text)))
                })
                .collect();
            Value::Object(members)
        }
        Some("array") => json!([]),
        Some("boolean") => json!(false),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        _ => schema.get("example").cloned().unwrap_or_else(|| json!(MARK)),
    }
}
