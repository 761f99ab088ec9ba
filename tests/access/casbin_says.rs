//! The compiled snapshot says what Casbin says, and for the same lines, on every tuple of the shipped policy.

use casbin::CoreApi;
use kluis_core::access::{Line, Object, Snapshot, SubjectRoles, TenantKind, shipped};

use crate::subjects::{Question, enforcer, subject};

/// Every role in every kind of tenant, whether it can be given there or not, and some who have several.
fn subjects(snapshot: &Snapshot) -> Vec<SubjectRoles> {
    let mut subjects = Vec::new();
    for kind in TenantKind::ALL.iter().copied() {
        subjects.push(subject(kind, &[]));
        for spec in snapshot.roles() {
            subjects.push(subject(kind, &[spec.role.as_str()]));
        }
        for several in [["sales", "partner_owner"], ["manager", "privacy_officer"], ["hq_analyst", "privacy_officer"]] {
            subjects.push(subject(kind, &several));
        }
    }
    subjects
}

/// Lines about one object only: a line about another one can't match, since the matcher begins with `r.obj == p.obj`.
fn about(lines: &[Line], object: Object) -> Vec<Line> {
    let concerns = |line: &&Line| line.words[0] != "p" || line.words[3] == object.as_str();
    lines.iter().filter(concerns).cloned().collect()
}

async fn compare(snapshot: &Snapshot, lines: &[Line], subject: &SubjectRoles, object: Object) -> usize {
    let casbin = enforcer(lines.iter(), subject).await;
    let mut asked = 0;
    for question in Question::all_about(object) {
        let Question { action, rel, purpose, .. } = question;
        let (allowed, because) = casbin.enforce_ex(question.request(subject)).expect("an answer");
        let formula = snapshot.decisions(subject).formula(object, action, purpose);
        assert_eq!(formula.permits_only(rel), allowed, "{subject:?} {question:?}");
        if allowed || !because.is_empty() {
            let explanation = snapshot.explain(subject, object, action, purpose);
            let ours: Vec<Vec<String>> = explanation.deciding(rel).iter().map(|line| line.words.clone()).collect();
            assert_eq!(ours, because, "{subject:?} {question:?}");
            assert_eq!(explanation.formula, formula);
        }
        asked += 1;
    }
    asked
}

#[tokio::test]
async fn on_every_tuple_of_the_shipped_policy() {
    let lines = shipped();
    let snapshot = Snapshot::build(lines.clone()).map_err(|f| format!("{f:?}")).expect("the shipped policy");
    let mut asked = 0;
    let started = std::time::Instant::now();
    for object in Object::ALL.iter().copied() {
        let concerning = about(&lines, object);
        for subject in subjects(&snapshot) {
            asked += compare(&snapshot, &concerning, &subject, object).await;
        }
        println!("{object}: {asked} in {:?}", started.elapsed());
    }
}
