//! The policy in force: swapped whole, never half, never back; and the actors that it decides about.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kluis_core::access::{
    Action, Actor, Channel, Finding, Formula, Object, Policy, Purpose, Rel, RelSet, Seat, TenantKind, TokenScopes,
    parse, shipped,
};

use crate::subjects::{roles, tenant, user};

fn seat(kind: TenantKind, names: &[&str]) -> Seat {
    Seat {
        user: Some(user(1)),
        tenant: tenant(1),
        kind,
        roles: roles(names),
        self_record: None,
        purpose: None,
        channel: Channel::Api,
        scopes: None,
        label: "usr_test".into(),
        epoch: 1,
    }
}

fn policy() -> Policy {
    Policy::shipped(1).map_err(|findings| format!("{findings:?}")).expect("the shipped policy")
}

kluis_core::permissions! {
    ReadCustomers = Customer: Read,
    ReadEvents = AuditEvent: Read,
    CreateUsers = User: Create,
}

#[test]
fn an_actor_asks_for_the_usual_purpose_of_its_role() {
    let policy = policy();
    let sales = policy.actor(seat(TenantKind::Franchisee, &["sales"]));
    assert_eq!(sales.purpose_for(Object::Customer, Action::Read), Some(Purpose::Contract));
    assert_eq!(sales.formula::<ReadCustomers>().classes(), RelSet::of(Rel::Unit));
    let referral = sales.clone().with_purpose(Some(Purpose::Referral));
    assert_eq!(referral.formula::<ReadCustomers>().classes(), RelSet::of(Rel::Unit).with(Rel::Shared));
    let service = policy.actor(seat(TenantKind::Ngo, &["service"]));
    assert_eq!(service.purpose_for(Object::Customer, Action::Read), Some(Purpose::Service));
    let both = policy.actor(seat(TenantKind::Hq, &["hq_admin", "privacy_officer"]));
    assert_eq!(both.purpose_for(Object::Customer, Action::Read), Some(Purpose::Compliance));
    assert_eq!(both.purpose_for(Object::User, Action::Create), Some(Purpose::Administration));
    assert_eq!(both.purpose_for(Object::AuditEvent, Action::Read), Some(Purpose::Compliance));
    assert_eq!(both.formula::<CreateUsers>().classes(), RelSet::of(Rel::Unit).with(Rel::Sub));
    let nobody = policy.actor(seat(TenantKind::Franchisee, &[]));
    assert_eq!(nobody.purpose_for(Object::Customer, Action::Read), None);
    assert_eq!(nobody.formula::<ReadCustomers>(), Formula::NOTHING);
}

#[test]
fn a_role_counts_only_in_the_kinds_of_tenants_that_lines_name() {
    let policy = policy();
    for kind in TenantKind::ALL.iter().copied() {
        let sales = policy.actor(seat(kind, &["sales"]));
        assert_eq!(sales.formula::<ReadCustomers>().is_empty(), kind != TenantKind::Franchisee, "{kind}");
    }
}

#[test]
fn a_token_only_narrows() {
    let policy = policy();
    let scopes = Arc::new(TokenScopes::parse(&["customer:read", "audit_event:*"]).expect("scopes"));
    let with = |names: &[&str]| {
        policy.actor(Seat { scopes: Some(Arc::clone(&scopes)), ..seat(TenantKind::Franchisee, names) })
    };
    assert!(!with(&["sales"]).formula::<ReadCustomers>().is_empty());
    assert!(with(&["sales"]).formula::<ReadEvents>().is_empty(), "a token gives nothing that its user lacks");
    assert!(with(&["manager"]).formula::<CreateUsers>().is_empty());
    assert!(with(&["sales"]).formula_for(Object::CustomerContact, Action::Read).is_empty());
    for object in Object::ALL.iter().copied() {
        for action in Action::ALL.iter().copied() {
            let (narrow, wide) = (with(&["manager"]), policy.actor(seat(TenantKind::Franchisee, &["manager"])));
            for purpose in Purpose::ALL.iter().copied() {
                let formula = narrow.formula_at(object, action, purpose);
                assert!(formula == Formula::NOTHING || formula == wide.formula_at(object, action, purpose));
            }
        }
    }
}

#[test]
fn an_actor_is_as_old_as_the_older_of_policy_and_roles() {
    let policy = policy();
    let actor = |epoch| policy.actor(Seat { epoch, ..seat(TenantKind::Franchisee, &["sales"]) });
    assert_eq!(actor(1).epoch(), 1);
    assert_eq!(actor(7).epoch(), 1, "the policy hasn't been looked at since");
    policy.confirm(7);
    assert_eq!(actor(7).epoch(), 7);
    assert_eq!(actor(3).epoch(), 3, "the roles haven't");
    policy.confirm(5);
    assert_eq!(policy.epoch(), 7, "never back");
}

#[test]
fn unchanged_lines_are_confirmed_and_older_ones_ignored() {
    let policy = policy();
    let before = policy.snapshot();
    policy.reload(shipped(), 4).expect("the same lines");
    assert!(Arc::ptr_eq(&before, &policy.snapshot()));
    assert_eq!(policy.epoch(), 4);
    let fewer: Vec<_> =
        shipped().into_iter().filter(|line| line.words.get(1).is_none_or(|w| w != "role:sales")).collect();
    policy.reload(fewer, 3).expect("older lines");
    assert!(Arc::ptr_eq(&before, &policy.snapshot()), "what was read earlier doesn't replace what was read later");
}

#[test]
fn the_shipped_invariants_bind_every_policy() {
    let policy = policy();
    let raised = |line: &str| {
        let mut lines: Vec<_> = shipped().into_iter().filter(|line| line.words[0] != "must").collect();
        lines.extend(parse("own.csv", line));
        policy.reload(lines, 2)
    };
    let line = "p, role:hq_admin, hq, customer.contact, read, sub, *, allow";
    let findings = raised(line).expect_err("headquarters would see people");
    assert!(findings.iter().any(|finding| finding.code == "invariant"));
    assert_eq!(policy.epoch(), 1);
    raised("p, role:sales, franchisee, customer, bulk, unit, contract, allow")
        .expect("this is the network's own choice");
    assert_eq!(policy.epoch(), 2);
}

#[test]
fn trying_a_policy_out_changes_nothing() {
    let policy = policy();
    let before = policy.snapshot();
    assert!(policy.check(parse("x.csv", "p, role:x")).iter().any(Finding::is_error));
    assert_eq!(policy.check(shipped()), []);
    assert!(Arc::ptr_eq(&before, &policy.snapshot()));
}

/// Two policies of which exactly one permits reading and the other updating: nobody may ever see both or neither.
#[test]
fn readers_never_see_half_a_policy() {
    let text = |action: &str| {
        format!("role, sales, franchisee, contract, S, V\np, role:sales, *, customer, {action}, unit, *, allow\n")
    };
    let lines = |action: &str| parse("x.csv", &text(action));
    let policy = Policy::open_without_shipped_invariants(lines("read"), 1).map_err(drop).expect("a policy");
    let done = AtomicBool::new(false);
    let may = |actor: &Actor, action| !actor.formula_at(Object::Customer, action, Purpose::Contract).is_empty();
    std::thread::scope(|scope| {
        let reader = || {
            let mut seen = 0;
            while !done.load(Ordering::Relaxed) {
                let actor = policy.actor(Seat { epoch: i64::MAX, ..seat(TenantKind::Franchisee, &["sales"]) });
                let odd = actor.epoch() % 2 == 1;
                assert_eq!((may(&actor, Action::Read), may(&actor, Action::Update)), (odd, !odd), "{}", actor.epoch());
                seen += 1;
            }
            seen
        };
        let readers = [scope.spawn(reader), scope.spawn(reader)];
        for epoch in 2..80 {
            let wanted = lines(if epoch % 2 == 1 { "read" } else { "update" });
            policy.reload(wanted, epoch).expect("a policy");
            assert!(policy.reload(parse("x.csv", "p, nonsense"), epoch + 1).is_err());
            assert_eq!(policy.epoch(), epoch);
        }
        done.store(true, Ordering::Relaxed);
        for reader in readers {
            assert!(reader.join().expect("no half policy") > 0);
        }
    });
}

/// A decision is one look-up: with a hundred times as many lines it takes no longer. (Benchmarks say how long.)
#[test]
fn decisions_take_no_longer_in_a_longer_policy() {
    let took = |count: u128| {
        let head = "role, sales, franchisee, contract, S, V\np, role:sales, *, customer, read, unit, *, allow\n";
        let line = |number| format!("p, role:sales, t:{}, customer, update, unit, contract, allow\n", tenant(number));
        let lines = (100..100 + count).map(line).collect::<Vec<_>>().concat();
        let policy = Policy::open_without_shipped_invariants(parse("x.csv", &format!("{head}{lines}")), 1);
        let actor = policy.map_err(drop).expect("a policy").actor(seat(TenantKind::Franchisee, &["sales"]));
        let ask = || {
            let started = std::time::Instant::now();
            let allowed = (0..100_000).filter(|_| !std::hint::black_box(&actor).formula::<ReadCustomers>().is_empty());
            assert_eq!(allowed.count(), 100_000);
            started.elapsed() / 100_000
        };
        // The fastest of some: what else runs on the machine only adds to it.
        (0..7).map(|_| ask()).min().expect("some")
    };
    let (short, long) = (took(50), took(5_000));
    println!("{short:?} with 50 lines, {long:?} with 5,000");
    assert!(long < short * 3, "{short:?} with 50 lines, {long:?} with 5,000");
    assert!(long < std::time::Duration::from_micros(2), "{long:?}, unoptimised");
}
