//! The compiled snapshot says what Casbin says, and because of the same lines, on every tuple of the shipped policy.
//!
//! Casbin walks every line for every question, so that all tuples against all lines would take hours. The matcher is a
//! conjunction, and two of its parts are settled first, for all lines at once: that a line is about the object
//! (`r.obj == p.obj`), and that it is for a role that the subject has (`g`, compared with Casbin's in a test of its
//! own). What is left out of the enforcer can't match; all the rest of the matcher is Casbin's to decide.

use casbin::{CoreApi, Enforcer};
use kluis_core::access::{Line, Object, Role, RoleChain, Snapshot, SubjectRoles, TenantKind, shipped};

use crate::subjects::{Question, domain_of, enforcer, name_of, subject};

fn snapshot() -> Snapshot {
    Snapshot::build(shipped()).map_err(|findings| format!("{findings:?}")).expect("the shipped policy")
}

/// Every role in the kinds of tenants where it can be had, and some people with several. In the long form: every role
/// in every kind.
fn subjects(snapshot: &Snapshot) -> Vec<SubjectRoles> {
    let everywhere = std::env::var_os("KLUIS_LONG").is_some();
    let mut subjects = Vec::new();
    for kind in TenantKind::ALL.iter().copied() {
        subjects.push(subject(kind, &[]));
        let here = |kinds: &[TenantKind]| everywhere || kinds.is_empty() || kinds.contains(&kind);
        let roles = snapshot.roles().iter().filter(|spec| here(&spec.kinds));
        subjects.extend(roles.map(|spec| subject(kind, &[spec.role.as_str()])));
    }
    subjects.push(subject(TenantKind::Franchisee, &["sales", "partner_owner"]));
    subjects.push(subject(TenantKind::Franchisee, &["manager", "privacy_officer"]));
    subjects.push(subject(TenantKind::Hq, &["hq_analyst", "privacy_officer", "hq_admin"]));
    subjects
}

/// The lines about an object that are for one of these roles, and all links.
fn concerning(lines: &[Line], object: Object, roles: &[String]) -> Vec<Line> {
    let rule = |line: &Line| line.words[3] == object.as_str() && roles.contains(&line.words[1]);
    lines.iter().filter(|line| line.words[0] != "p" || rule(line)).cloned().collect()
}

/// The names of all roles of a subject, as policies write them.
fn roles_of(snapshot: &Snapshot, subject: &SubjectRoles) -> Vec<String> {
    snapshot.decisions(subject).roles().iter().map(Role::prefixed).collect()
}

fn compare(
    snapshot: &Snapshot,
    casbin: &Enforcer,
    subject: &SubjectRoles,
    questions: impl Iterator<Item = Question>,
) -> usize {
    let decisions = snapshot.decisions(subject);
    let somebody = [name_of(subject), domain_of(subject), subject.kind.to_string()];
    let mut asked = 0;
    for question in questions {
        let Question { object, action, rel, purpose } = question;
        let (allowed, because) = casbin.enforce_ex(question.asked_by(somebody.clone())).expect("an answer");
        let formula = decisions.formula(object, action, purpose);
        assert_eq!(formula.permits_only(rel), allowed, "{subject:?} {question:?}");
        assert_eq!(decisions.permits(object, action, rel, purpose), allowed);
        if allowed || !because.is_empty() {
            let explanation = snapshot.explain(subject, object, action, purpose);
            let ours: Vec<Vec<String>> = explanation.deciding(rel).iter().map(|line| line.words.clone()).collect();
            assert_eq!(ours, because, "{subject:?} {question:?}");
            assert_eq!(explanation.formula, formula);
        } else {
            assert!(!formula.allow.contains(rel) && !formula.deny.contains(rel), "{subject:?} {question:?}");
        }
        asked += 1;
    }
    asked
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_every_tuple_of_the_shipped_policy() {
    let halves = [0, 1].map(|half| {
        tokio::spawn(async move {
            let (snapshot, lines) = (snapshot(), shipped());
            let mut asked = 0;
            for object in Object::ALL.iter().copied().filter(|object| object.index() % 2 == half) {
                for subject in subjects(&snapshot) {
                    let lines = concerning(&lines, object, &roles_of(&snapshot, &subject));
                    let casbin = enforcer(lines.iter(), &subject).await;
                    asked += compare(&snapshot, &casbin, &subject, Question::all_about(object));
                }
            }
            asked
        })
    });
    let mut asked = 0;
    for half in halves {
        asked += half.await.expect("no disagreement");
    }
    let tuples = Object::ALL.iter().flat_map(|object| Question::all_about(*object)).count();
    assert_eq!(asked, tuples * subjects(&snapshot()).len());
}

/// With all lines in the enforcer: the tuples that the lines themselves name.
#[tokio::test]
async fn on_the_tuples_that_lines_name_with_every_line_loaded() {
    let (snapshot, lines) = (snapshot(), shipped());
    for subject in subjects(&snapshot) {
        let casbin = enforcer(lines.iter(), &subject).await;
        let roles = roles_of(&snapshot, &subject);
        let own = lines.iter().filter(|line| line.words[0] == "p" && roles.contains(&line.words[1]));
        let step = if std::env::var_os("KLUIS_LONG").is_some() { 1 } else { 7 };
        let questions: Vec<Question> = own.step_by(step).map(Question::of_line).collect();
        compare(&snapshot, &casbin, &subject, questions.into_iter());
    }
}

#[tokio::test]
async fn who_has_which_role() {
    let (snapshot, lines) = (snapshot(), shipped());
    for subject in subjects(&snapshot) {
        let casbin = enforcer(lines.iter(), &subject).await;
        let manager = casbin.get_role_manager();
        let question = Question::all_about(Object::Customer).next().expect("a question");
        let explanation = snapshot.explain(&subject, question.object, question.action, question.purpose);
        for spec in snapshot.roles() {
            let theirs = manager.read().has_link(&name_of(&subject), &spec.role.prefixed(), Some(&domain_of(&subject)));
            let chain = explanation.roles.iter().find(|RoleChain(chain)| chain.last() == Some(&spec.role));
            assert_eq!(snapshot.decisions(&subject).roles().contains(&spec.role), theirs, "{subject:?} {}", spec.role);
            assert_eq!(chain.is_some(), theirs);
            if let Some(RoleChain(chain)) = chain {
                assert!(subject.roles.contains(&chain[0]), "a chain begins with an assigned role");
            }
        }
    }
}
