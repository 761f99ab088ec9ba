//! Why somebody may or may not, as people read it.

use kluis_core::access::{
    Action, Explanation, Object, Purpose, Rel, RelSet, Snapshot, SubjectRoles, TenantKind, parse,
};

use crate::subjects::{subject, tenant, user};

const POLICY: &str = "\
role, clerk, franchisee, service, Clerk, Klerk
role, chief, franchisee, contract, Chief, Chef
g, role:chief, role:clerk, franchisee
# a comment takes a line
p, role:clerk, *, customer, read, unit, *, allow
p, role:clerk, *, customer, read, shared, referral, allow
p, role:clerk, *, customer.contact, read, unit, service, allow
p, role:clerk, *, customer.contact, read, shared, service, allow
p, role:chief, *, customer, *, sub, *, deny
";

fn explain(text: &str, somebody: &SubjectRoles, object: Object, purpose: Purpose) -> Explanation {
    let snapshot = Snapshot::build(parse("policies/x.csv", text)).map_err(|f| format!("{f:?}")).expect("a policy");
    snapshot.explain(somebody, object, Action::Read, purpose)
}

#[test]
fn it_names_the_lines_and_the_way_to_the_role() {
    let chief = subject(TenantKind::Franchisee, &["chief"]);
    let told = explain(POLICY, &chief, Object::Customer, Purpose::Contract).text(|phrase| phrase.en);
    let expected = "\
Asked: read customer (purpose: contract)
  see customers; preparing and carrying out contracts
Answer: yes, for rows that are
  unit    allowed (of my own organisation)
  sub     denied, whatever else they are (of the organisations below mine)
Because of:
  policies/x.csv:5  role:clerk, *, customer, read, unit, *, allow
  policies/x.csv:9  role:chief, *, customer, *, sub, *, deny
Roles:
  chief
  chief > clerk
";
    assert_eq!(told, expected);
    let told = explain(POLICY, &chief, Object::Customer, Purpose::Contract).text(|phrase| phrase.nl);
    assert!(told.starts_with("Gevraagd: read customer (doel: contract)\n"), "{told}");
    assert!(told.contains("Op grond van:\n  policies/x.csv:5  role:clerk"), "{told}");
}

#[test]
fn a_compartment_is_explained_with_its_entity() {
    let clerk = subject(TenantKind::Franchisee, &["clerk"]);
    let told = explain(POLICY, &clerk, Object::CustomerContact, Purpose::Service);
    assert_eq!(told.formula.classes(), RelSet::of(Rel::Unit).with(Rel::Shared));
    assert_eq!(told.classes(), RelSet::of(Rel::Unit), "the customer itself isn't shared for that purpose");
    let entity = told.entity.as_ref().expect("the entity");
    assert_eq!(entity.object, Object::Customer);
    assert!(told.text(|phrase| phrase.en).contains("A compartment is seen only where its entity is; about that:"));
}

#[test]
fn nothing_is_explained_as_well() {
    let nobody = subject(TenantKind::Franchisee, &[]);
    let told = explain(POLICY, &nobody, Object::Customer, Purpose::Contract);
    assert_eq!((told.lines.len(), told.roles.len(), told.default_purpose), (0, 0, None));
    let text = told.text(|phrase| phrase.en);
    assert!(text.contains("no, for no row") && text.contains("no line speaks about it"), "{text}");
    let elsewhere = subject(TenantKind::Hq, &["chief"]);
    let told = explain(POLICY, &elsewhere, Object::Customer, Purpose::Contract);
    assert_eq!(told.roles.len(), 1, "the link counts in franchisees only");
    assert!(told.formula.is_empty());
}

#[test]
fn lines_about_one_user_and_one_tenant_count_there_only() {
    let own = format!(
        "{POLICY}p, user:{}, *, customer, export, unit, contract, allow\n\
         p, role:clerk, t:{}, customer, update, unit, contract, allow\n\
         g, user:{}, role:clerk, t:{}\n",
        user(1),
        tenant(2),
        user(3),
        tenant(2),
    );
    let snapshot = Snapshot::build(parse("x.csv", &own)).map_err(|f| format!("{f:?}")).expect("a policy");
    let may = |number: u128, place: u128, names: &[&str], action: Action| {
        let somebody =
            SubjectRoles { user: Some(user(number)), tenant: tenant(place), ..subject(TenantKind::Franchisee, names) };
        snapshot.decisions(&somebody).permits(Object::Customer, action, Rel::Unit, Purpose::Contract)
    };
    assert!(may(1, 1, &[], Action::Export));
    assert!(!may(2, 1, &["clerk"], Action::Export));
    assert!(may(2, 2, &["clerk"], Action::Update));
    assert!(!may(2, 1, &["clerk"], Action::Update));
    assert!(may(3, 2, &[], Action::Update), "by the link of the user in that tenant");
    assert!(!may(3, 1, &[], Action::Read), "and not in another one");
    assert!(!may(4, 2, &[], Action::Read));
}
