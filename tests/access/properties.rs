//! Laws that hold for every policy, tried on made-up ones.

use std::sync::Arc;

use casbin::CoreApi;
use futures_util::FutureExt;
use kluis_core::access::{Action, Formula, Line, Object, Purpose, Rel, RelSet, Role, Snapshot, SubjectRoles};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::made_up::{ACTIONS, OBJECTS, PURPOSES, policy, subject};
use crate::oracle::Asker;
use crate::subjects::{Question, domain_of, enforcer, name_of};

/// Some hundreds, or in the long form ten thousand.
fn cases() -> ProptestConfig {
    let cases = if std::env::var_os("KLUIS_LONG").is_some() { 10_000 } else { 300 };
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

fn snapshot(lines: &[Line]) -> Snapshot {
    let built = Snapshot::build(lines.to_vec());
    built.map_err(|findings| format!("{findings:?}")).expect("made-up policies have no errors")
}

fn asker(subject: &SubjectRoles) -> Asker {
    Asker {
        user: name_of(subject),
        roles: subject.roles.iter().map(Role::prefixed).collect(),
        tenant: domain_of(subject),
        kind: subject.kind.to_string(),
    }
}

fn what() -> impl Iterator<Item = (Object, Action, Purpose)> {
    OBJECTS.into_iter().flat_map(|object| {
        ACTIONS.into_iter().flat_map(move |action| PURPOSES.into_iter().map(move |purpose| (object, action, purpose)))
    })
}

fn formulas(snapshot: &Snapshot, subject: &SubjectRoles) -> Vec<Formula> {
    let table = snapshot.decisions(subject);
    what().map(|(object, action, purpose)| table.formula(object, action, purpose)).collect()
}

/// Every row that the first formula permits, the second does as well.
fn at_most(less: &[Formula], more: &[Formula]) -> bool {
    let rows = || (0..=RelSet::ALL.bits()).map(RelSet::from_bits);
    less.iter().zip(more).all(|(less, more)| rows().all(|row| !less.permits(row) || more.permits(row)))
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn the_snapshot_decides_as_the_design_says(lines in policy(), subject in subject(), rows in prop::collection::vec(0_u8..64, 6)) {
        let table = snapshot(&lines).decisions(&subject);
        let asker = asker(&subject);
        let names = asker.names(&lines);
        let rows = rows.into_iter().chain(Rel::ALL.iter().map(|rel| RelSet::of(*rel).bits())).map(RelSet::from_bits);
        let rows: Vec<(RelSet, Vec<&str>)> = rows.map(|row| (row, row.iter().map(Rel::as_str).collect())).collect();
        for (object, action, purpose) in what() {
            let formula = table.formula(object, action, purpose);
            for (row, classes) in &rows {
                let expected = asker.permits(&lines, &names, [object.as_str(), action.as_str(), purpose.as_str()], classes);
                prop_assert_eq!(formula.permits(*row), expected, "{} {} {} {:?}", object, action, purpose, row);
            }
        }
    }

    #[test]
    fn the_snapshot_decides_as_casbin_does(lines in policy(), subject in subject(), picks in prop::collection::vec(any::<Index>(), 12)) {
        let snapshot = snapshot(&lines);
        let casbin = enforcer(lines.iter(), &subject).now_or_never().expect("all in memory");
        let questions: Vec<Question> = lines.iter().filter(|line| line.words[0] == "p").map(Question::of_line).collect();
        for pick in picks {
            let question = questions[pick.index(questions.len())];
            let Question { object, action, rel, purpose } = question;
            let (allowed, because) = casbin.enforce_ex(question.request(&subject)).expect("an answer");
            let explanation = snapshot.explain(&subject, object, action, purpose);
            prop_assert_eq!(explanation.formula.permits_only(rel), allowed, "{:?}", question);
            let mut ours: Vec<Vec<String>> = explanation.deciding(rel).iter().map(|line| line.words.clone()).collect();
            // Casbin keeps a line once, however often it is there.
            let mut seen = Vec::new();
            ours.retain(|words| { let new = !seen.contains(words); seen.push(words.clone()); new });
            prop_assert_eq!(ours, because, "{:?}", question);
        }
    }

    #[test]
    fn the_order_of_lines_and_repeated_lines_mean_nothing(lines in policy(), subject in subject(), again in any::<Index>()) {
        let mut other = lines.clone();
        other.push(lines[again.index(lines.len())].clone());
        if other.last().is_some_and(|line| line.words[0] == "role") {
            other.pop();
        }
        other.reverse();
        prop_assert_eq!(formulas(&snapshot(&lines), &subject), formulas(&snapshot(&other), &subject));
    }

    #[test]
    fn a_denial_never_gives_more_and_a_permission_never_less(lines in policy(), subject in subject(), pick in any::<Index>()) {
        let rules: Vec<usize> = (0..lines.len()).filter(|at| lines[*at].words[0] == "p" && lines[*at].words[3] != "job").collect();
        let at = rules[pick.index(rules.len())];
        let allows = lines[at].words[7] == "allow";
        let mut without = lines.clone();
        without.remove(at);
        let (with, without) = (formulas(&snapshot(&lines), &subject), formulas(&snapshot(&without), &subject));
        let (less, more) = if allows { (&without, &with) } else { (&with, &without) };
        prop_assert!(at_most(less, more), "{:?}", lines[at]);
    }

    #[test]
    fn whoever_has_no_role_and_no_line_may_do_nothing(lines in policy(), subject in subject()) {
        let nobody = SubjectRoles { user: Some(crate::subjects::user(99)), roles: Vec::new(), ..subject };
        prop_assert!(formulas(&snapshot(&lines), &nobody).iter().all(|formula| *formula == Formula::NOTHING));
    }

    #[test]
    fn tables_are_shared_by_those_for_whom_they_are_the_same(lines in policy(), subject in subject()) {
        let snapshot = snapshot(&lines);
        let stranger = |number| SubjectRoles {
            user: Some(crate::subjects::user(number)),
            tenant: crate::subjects::tenant(number),
            ..subject.clone()
        };
        let mut turned = stranger(51);
        turned.roles.reverse();
        prop_assert!(Arc::ptr_eq(&snapshot.decisions(&stranger(50)), &snapshot.decisions(&turned)));
        prop_assert_eq!(formulas(&snapshot, &subject), formulas(&snapshot, &subject));
    }
}
