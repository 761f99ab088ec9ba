//! Random policies: small worlds with few roles, tenants and users, so that lines meet, cover and contradict.

use kluis_core::access::{Action, Line, Object, Purpose, Rel, SubjectRoles, TenantKind, parse};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::subjects::{roles, tenant, user};

/// The roles of these worlds, in an order in which each may inherit from later ones only: so there are no circles.
pub const ROLES: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];
pub const OBJECTS: [Object; 4] = [Object::Customer, Object::CustomerContact, Object::Interaction, Object::Tenant];
pub const ACTIONS: [Action; 4] = [Action::Read, Action::Update, Action::Export, Action::Aggregate];
pub const PURPOSES: [Purpose; 3] = [Purpose::Contract, Purpose::Marketing, Purpose::Statistics];

fn domain() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => Just("*".to_owned()),
        3 => select(TenantKind::ALL).prop_map(|kind| kind.to_string()),
        2 => (1_u128..3).prop_map(|number| format!("t:{}", tenant(number))),
    ]
}

fn or_any(words: Vec<String>) -> impl Strategy<Value = String> {
    prop_oneof![3 => select(words), 1 => Just("*".to_owned())]
}

fn texts<W: Copy>(words: &[W], text: fn(W) -> &'static str) -> Vec<String> {
    words.iter().map(|word| text(*word).to_owned()).collect()
}

fn rule() -> impl Strategy<Value = String> {
    let subject = prop_oneof![
        6 => select(ROLES.to_vec()).prop_map(|role| format!("role:{role}")),
        1 => (1_u128..3).prop_map(|number| format!("user:{}", user(number))),
    ];
    let action = or_any(texts(&ACTIONS, Action::as_str));
    let rel = or_any(texts(Rel::ALL, Rel::as_str));
    let purpose = or_any(texts(&PURPOSES, Purpose::as_str));
    let effect = prop_oneof![3 => Just("allow"), 1 => Just("deny")];
    (subject, domain(), select(OBJECTS.to_vec()), action, rel, purpose, effect).prop_map(
        |(subject, domain, object, action, rel, purpose, effect)| {
            // Records of people are never open to the whole network: the linter refuses that.
            let everywhere = effect == "allow" && matches!(rel.as_str(), "net" | "*") && object != Object::Tenant;
            let action = if everywhere { "aggregate".to_owned() } else { action };
            format!("p, {subject}, {domain}, {object}, {action}, {rel}, {purpose}, {effect}\n")
        },
    )
}

fn link() -> impl Strategy<Value = String> {
    let between = (0..ROLES.len() - 1, 1..ROLES.len(), domain()).prop_map(|(from, step, domain)| {
        let to = (from + step).min(ROLES.len() - 1);
        format!("g, role:{}, role:{}, {domain}\n", ROLES[from], ROLES[to])
    });
    let of_user = (1_u128..3, select(ROLES.to_vec()), 1_u128..3)
        .prop_map(|(number, role, place)| format!("g, user:{}, role:{role}, t:{}\n", user(number), tenant(place)));
    prop_oneof![2 => between, 1 => of_user]
}

/// A policy without errors, as lines.
pub fn policy() -> impl Strategy<Value = Vec<Line>> {
    (vec(rule(), 1..25), vec(link(), 0..7)).prop_map(|(rules, links)| {
        let declare =
            |role: &&str| format!("role, {role}, hq region franchisee member_org ngo, contract, {role}, {role}\n");
        let declared = ROLES.iter().map(declare).collect::<Vec<_>>().concat();
        let something = "p, role:fifth, hq, job, read, unit, *, allow\n";
        parse("made_up.csv", &format!("{declared}{something}{}{}", rules.concat(), links.concat()))
    })
}

/// Somebody in one of these worlds; user 3 and tenant 3 are named by no line.
pub fn subject() -> impl Strategy<Value = SubjectRoles> {
    let held = subsequence(ROLES.to_vec(), 0..=3);
    (prop::option::of(1_u128..4), 1_u128..4, select(TenantKind::ALL), held).prop_map(|(number, place, kind, held)| {
        SubjectRoles { user: number.map(user), tenant: tenant(place), kind, roles: roles(&held) }
    })
}
