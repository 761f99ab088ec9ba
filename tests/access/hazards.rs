//! The hazards of casbin 2.20 that the design names: each is shown in casbin itself, and then in vain on ours.
//!
//! If casbin mends one, its half of the test fails: then the hazard leaves this file, and nothing else changes.

use std::io::Write;

use casbin::function_map::key_match;
use casbin::{
    CoreApi, DefaultModel, DefaultRoleManager, Enforcer, FileAdapter, MemoryAdapter, RoleManager, StringAdapter,
};
use kluis_core::access::{
    Action, Finding, Formula, MODEL, Object, Policy, Purpose, Rel, Snapshot, TenantKind, lint, parse,
};

use crate::subjects::subject;

async fn casbin(model: &str, policy: &str) -> Enforcer {
    let model = DefaultModel::from_str(model).await.expect("a model");
    Enforcer::new(model, StringAdapter::new(policy)).await.expect("an enforcer")
}

fn codes(text: &str) -> Vec<&'static str> {
    let findings = lint(&parse("x.csv", text));
    findings.iter().filter(|finding| finding.is_error()).map(|finding| finding.code).collect()
}

/// Lines that are in order by themselves, for a hazard to be put beside.
const SOUND: &str = "\
role, sales, franchisee, contract, Sales, Verkoop
role, chief, franchisee, contract, Chief, Chef
p, role:sales, franchisee, customer, read, unit, *, allow
p, role:chief, franchisee, customer, export, unit, *, allow
";

fn with(line: &str) -> String {
    format!("{SOUND}{line}\n")
}

fn built(text: &str) -> Result<Snapshot, Vec<Finding>> {
    Snapshot::build(parse("x.csv", text))
}

fn formula(policy: &Snapshot, roles: &[&str], action: Action) -> Formula {
    let table = policy.decisions(&subject(TenantKind::Franchisee, roles));
    table.formula(Object::Customer, action, Purpose::Contract)
}

#[test]
fn sound_lines_are_sound() {
    assert_eq!(codes(SOUND), Vec::<&str>::new());
}

/// `CachedEnforcer` doesn't clear its cache when the policy is loaded again, and its key ignores the context. Showing it
/// would take casbin's feature `cached`, which changes the role manager of every test; so it is shown that it can't be
/// there (the cache's library isn't), and that our tables end with their snapshot.
#[test]
fn answers_that_outlive_their_policy() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let manifest = std::fs::read_to_string(format!("{root}/Cargo.toml")).expect("the manifest");
    let lock = std::fs::read_to_string(format!("{root}/Cargo.lock")).expect("the lock file");
    let features = manifest.lines().find(|line| line.starts_with("casbin = ")).expect("casbin's line");
    for feature in ["cached", "watcher", "\"ip\"", "glob"] {
        assert!(!features.contains(feature), "{features}");
    }
    assert!(!lock.contains("name = \"mini-moka\""), "casbin's cache has come in");

    let policy = Policy::open_without_shipped_invariants(parse("x.csv", SOUND), 1).map_err(drop).expect("a policy");
    let before = policy.snapshot();
    assert!(!formula(&before, &["sales"], Action::Read).is_empty());
    let without = SOUND.replace("p, role:sales, franchisee, customer, read, unit, *, allow\n", "");
    policy.reload(parse("x.csv", &without), 2).expect("a policy");
    assert!(formula(&policy.snapshot(), &["sales"], Action::Read).is_empty());
}

#[tokio::test]
async fn g_and_g2_share_one_role_manager() {
    let two = MODEL.replace("g = _, _, _\n", "g = _, _, _\ng2 = _, _, _\n");
    assert_ne!(two, MODEL);
    let policy = "p, role:chief, franchisee, customer, read, unit, *, allow\ng2, user:x, role:chief, t:1";
    let enforcer = casbin(&two, policy).await;
    let request = vec!["user:x", "t:1", "franchisee", "customer", "read", "unit", "contract"];
    assert!(enforcer.enforce(request).expect("an answer"), "a link of g2 counts as one of g");

    assert_eq!(MODEL.lines().filter(|line| line.starts_with('g')).count(), 1);
    assert_eq!(codes(&with("g2, role:sales, role:chief, *")), ["line_type"]);
}

#[test]
fn a_role_in_a_wildcard_domain_stays_after_incremental_removal() {
    let mut manager = DefaultRoleManager::new(10);
    manager.matching_fn(None, Some(key_match));
    manager.add_link("role:elsewhere", "role:other", Some("t:1"));
    manager.add_link("role:sales", "role:chief", Some("*"));
    assert!(manager.has_link("role:sales", "role:chief", Some("t:1")));
    manager.delete_link("role:sales", "role:chief", Some("*")).expect("the link was there");
    assert!(manager.has_link("role:sales", "role:chief", Some("t:1")), "the removed link still counts");

    let linked = with("g, role:sales, role:chief, *");
    let policy = Policy::open_without_shipped_invariants(parse("x.csv", &linked), 1).map_err(drop).expect("a policy");
    assert!(!formula(&policy.snapshot(), &["sales"], Action::Export).is_empty());
    policy.reload(parse("x.csv", SOUND), 2).expect("a policy");
    assert!(formula(&policy.snapshot(), &["sales"], Action::Export).is_empty());
}

#[tokio::test]
async fn a_user_named_like_a_role_is_that_role() {
    let enforcer = casbin(MODEL, "p, role:chief, franchisee, customer, read, unit, *, allow").await;
    let request = vec!["role:chief", "t:1", "franchisee", "customer", "read", "unit", "contract"];
    assert!(enforcer.enforce(request).expect("an answer"), "somebody who calls themselves role:chief");

    // Ours are ids, and what isn't one is refused.
    let id = "usr_01932f5e-8a70-7abc-8def-0123456789ab";
    assert_eq!(codes(&with(&format!("g, user:{id}, role:sales, t:ten_{}", &id[4..]))), Vec::<&str>::new());
    for name in
        ["role:chief", "user:role:chief", "user:chief", "chief", "user:", "*", "", &format!("user:{}", &id[4..])]
    {
        let codes = codes(&with(&format!("p, {name}, *, customer, read, unit, *, allow")));
        assert!(codes == ["prefix"] || name == "role:chief", "{name}: {codes:?}");
    }
    assert_eq!(codes(&with("g, user:role:chief, role:sales, t:ten_01932f5e-8a70-7abc-8def-0123456789ab")), ["prefix"]);
}

#[tokio::test]
async fn an_empty_policy_with_empty_strings_allows() {
    let enforcer = casbin(MODEL, "").await;
    assert!(enforcer.enforce(vec![""; 7]).expect("an answer"), "nothing at all is asked for, and allowed");

    for nothing in ["", "\n\n", "# only a comment", "role, sales, hq, contract, Sales, Verkoop"] {
        let findings = built(nothing).err().unwrap_or_default();
        assert!(findings.iter().any(|finding| finding.code == "empty"), "{nothing:?}");
    }
    let denials = "role, sales, hq, contract, Sales, Verkoop\np, role:sales, *, customer, read, *, *, deny";
    assert_eq!(codes(denials), ["empty"]);
    let empty_words = ["action", "domain", "effect", "object", "prefix", "purpose", "relation"];
    assert_eq!(codes(&with("p, , , , , , , ")), empty_words);
}

#[tokio::test]
async fn deny_with_a_capital_is_ignored() {
    let allow = "p, role:chief, franchisee, customer, read, unit, *, allow\n";
    let request = || vec!["role:chief", "t:1", "franchisee", "customer", "read", "unit", "contract"];
    for effect in ["Deny", "DENY", "denied", ""] {
        let deny = format!("{allow}p, role:chief, franchisee, customer, *, *, *, {effect}");
        assert!(casbin(MODEL, &deny).await.enforce(request()).expect("an answer"), "{effect} denies nothing");
        assert_eq!(
            codes(&with(&format!("p, role:chief, franchisee, customer, *, *, *, {effect}"))),
            ["effect"],
            "{effect}"
        );
    }
    let deny = with("p, role:chief, franchisee, customer, *, *, *, deny");
    assert!(formula(&built(&deny).map_err(drop).expect("a policy"), &["chief"], Action::Export).is_empty());
}

#[tokio::test]
async fn unknown_types_of_lines_are_dropped_in_silence() {
    let policy = "P, role:chief, franchisee, customer, read, unit, *, deny\n\
                  p2, role:chief, franchisee, customer, read, unit, *, deny\n\
                  deny, role:chief, franchisee, customer, read, unit, *\n\
                  p, role:chief, franchisee, customer, read, unit, *, allow";
    let enforcer = casbin(MODEL, policy).await;
    assert_eq!(enforcer.get_model().get_policy("p", "p").len(), 1, "three of four lines are gone");

    for line in ["P, x", "p2, x", "deny, x", "g2, x", "e, x", "pp", "\"p\", x", "p role:chief"] {
        assert_eq!(codes(&with(line)), ["line_type"], "{line}");
    }
}

#[tokio::test]
async fn a_line_with_a_column_too_few_makes_every_question_fail() {
    let policy = "p, role:chief, franchisee, customer, read, unit, *, allow\np, role:chief, hq, customer, read";
    let enforcer = casbin(MODEL, policy).await;
    let request = vec!["user:y", "t:1", "ngo", "tenant", "read", "unit", "contract"];
    assert!(enforcer.enforce(request).is_err());

    assert_eq!(codes(&with("p, role:chief, hq, customer, read")), ["columns"]);
    assert_eq!(codes(&with("p, role:chief, hq, customer, read, unit, *, allow, ")), ["columns"]);
    assert_eq!(codes(&with("g, role:chief, role:sales")), ["columns"]);
}

#[tokio::test]
async fn a_failed_reload_leaves_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("policy.csv");
    let mut handle = std::fs::File::create(&file).expect("a file");
    writeln!(handle, "p, role:chief, franchisee, customer, read, unit, *, allow").expect("a line");
    let model = DefaultModel::from_str(MODEL).await.expect("a model");
    let path = file.to_str().expect("a path").to_owned();
    let mut enforcer = Enforcer::new(model, FileAdapter::new(path)).await.expect("an enforcer");
    assert_eq!(enforcer.get_model().get_policy("p", "p").len(), 1);
    std::fs::remove_file(&file).expect("the file goes");
    assert!(enforcer.load_policy().await.is_err());
    assert_eq!(enforcer.get_model().get_policy("p", "p").len(), 0, "the old policy is gone as well");

    let policy = Policy::open_without_shipped_invariants(parse("x.csv", SOUND), 1).map_err(drop).expect("a policy");
    for broken in ["", "p, role:chief", &with("p, role:chief, hq, customer, raed, unit, *, allow")] {
        assert!(policy.reload(parse("x.csv", broken), 2).is_err());
        assert!(formula(&policy.snapshot(), &["sales"], Action::Read).permits_only(Rel::Unit));
        assert_eq!(policy.epoch(), 1);
    }
}

#[tokio::test]
async fn an_unsupported_effect_panics() {
    let other = MODEL.replace("!some(where (p.eft == deny))", "!some(where (p.eft == denied))");
    assert_ne!(other, MODEL);
    let enforcer = casbin(&other, "p, role:chief, franchisee, customer, read, unit, *, allow").await;
    let request = || vec!["role:chief", "t:1", "franchisee", "customer", "read", "unit", "contract"];
    let asked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| enforcer.enforce(request())));
    assert!(asked.is_err(), "casbin panics");

    // Our model is a constant, and its effect is one that casbin knows.
    let enforcer = casbin(MODEL, "p, role:chief, franchisee, customer, read, unit, *, allow").await;
    assert_eq!(enforcer.enforce(request()).ok(), Some(true));
}

#[tokio::test]
async fn eval_runs_loops() {
    let matcher = MODEL.lines().find(|line| line.starts_with("m = ")).expect("a matcher");
    let evaluating = MODEL.replace(matcher, "m = eval(p.obj)");
    let rule = "\"let n = 0; while n < 100000 { n += 1 }; n == 100000\"";
    let enforcer = casbin(&evaluating, &format!("p, role:chief, hq, {rule}, read, unit, *, allow")).await;
    let request = vec!["x", "t:1", "hq", "customer", "read", "unit", "contract"];
    assert_eq!(enforcer.enforce(request).ok(), Some(true), "a policy line ran a loop");

    assert!(!MODEL.contains("eval"));
    assert_eq!(codes(&with("p, role:chief, hq, eval(true), read, unit, *, allow")), ["object"]);
}

/// What is found beyond ten levels depends on the shape of the graph.
#[test]
fn deep_inheritance_is_followed_or_not() {
    let chain = |manager: &mut DefaultRoleManager| {
        for at in 0..14 {
            manager.add_link(&format!("role:r{at}"), &format!("role:r{}", at + 1), Some("t:1"));
        }
    };
    let mut plain = DefaultRoleManager::new(10);
    chain(&mut plain);
    assert!(!plain.has_link("role:r0", "role:r12", Some("t:1")));
    let mut bushy = DefaultRoleManager::new(10);
    for at in 0..14 {
        bushy.add_link(&format!("role:r{at}"), &format!("role:leaf{at}"), Some("t:1"));
    }
    chain(&mut bushy);
    let reached = bushy.has_link("role:r0", "role:r12", Some("t:1"));
    assert!(reached, "the same chain reaches further when there are side branches");

    let roles = (0..12).map(|at| format!("role, r{at}, hq, contract, R, R"));
    let links = (0..11).map(|at| format!("g, role:r{at}, role:r{}, *", at + 1));
    let text = roles.chain(links).collect::<Vec<_>>().join("\n");
    assert_eq!(codes(&with(&text)), ["depth"]);
}

/// The memory adapter and the library's own defaults are what ours stands on; a new enforcer holds nothing.
#[tokio::test]
async fn a_new_enforcer_is_empty() {
    let model = DefaultModel::from_str(MODEL).await.expect("a model");
    let enforcer = Enforcer::new(model, MemoryAdapter::default()).await.expect("an enforcer");
    assert!(enforcer.get_model().get_policy("p", "p").is_empty());
    assert!(enforcer.get_model().get_policy("g", "g").is_empty());
}
