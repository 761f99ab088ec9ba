//! The whole effect of a policy as a text: what each role may do, where, to what, for what. A change of the policy is
//! reviewed by the difference of this text.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::decisions::Decisions;
use super::formula::Formula;
use super::invariant::places;
use super::rule::RoleSpec;
use super::snapshot::Snapshot;
use super::vocabulary::{Action, Object, Purpose, Rel, RelSet, TenantKind};

const TITLE: &str = "\
# What each role may do. Made from policy.csv by the program; a test compares it. Don't edit.
#
# role @ kinds of organisations
#   object action  relations: purposes; relations: purposes
#
# A row is permitted that stands in one of the relations, and in none of those after \"not\". \"*\" is all of them.
";

impl Snapshot {
    /// One line for each role, object and action of which something is allowed or denied.
    pub fn matrix(&self) -> String {
        let mut text = TITLE.to_owned();
        for spec in self.roles() {
            for (table, kinds) in self.tables_of(spec) {
                let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
                let _ = write!(text, "\n{} @ {}\n{table}", spec.role.prefixed(), kinds.join(" "));
            }
        }
        text
    }

    /// Kinds in which the role may do the same stand together.
    fn tables_of(&self, spec: &RoleSpec) -> Vec<(String, Vec<TenantKind>)> {
        let mut tables: Vec<(String, Vec<TenantKind>)> = Vec::new();
        for kind in places(spec).iter().copied() {
            let table = table(&self.decisions_of_role(&spec.role, kind));
            match tables.iter_mut().find(|(known, _)| *known == table) {
                Some((_, kinds)) => kinds.push(kind),
                None => tables.push((table, vec![kind])),
            }
        }
        tables
    }
}

fn table(decisions: &Decisions) -> String {
    let mut text = String::new();
    for object in Object::ALL.iter().copied() {
        for action in Action::ALL.iter().copied() {
            if let Some(cell) = cell(decisions, object, action) {
                let _ = writeln!(text, "  {:<20} {:<10} {cell}", object.as_str(), action.as_str());
            }
        }
    }
    text
}

fn cell(decisions: &Decisions, object: Object, action: Action) -> Option<String> {
    let mut purposes: BTreeMap<usize, (Formula, Vec<&str>)> = BTreeMap::new();
    let mut first: Vec<Formula> = Vec::new();
    for purpose in Purpose::ALL.iter().copied() {
        let formula = decisions.formula(object, action, purpose);
        if formula == Formula::NOTHING {
            continue;
        }
        let at = first.iter().position(|known| *known == formula).unwrap_or_else(|| {
            first.push(formula);
            first.len() - 1
        });
        purposes.entry(at).or_insert((formula, Vec::new())).1.push(purpose.as_str());
    }
    let groups: Vec<String> = purposes.into_values().map(|(formula, purposes)| group(formula, &purposes)).collect();
    (!groups.is_empty()).then(|| groups.join("; "))
}

fn group(formula: Formula, purposes: &[&str]) -> String {
    let mut text = rels(formula.classes());
    if !formula.deny.is_empty() {
        let space = if text.is_empty() { "" } else { " " };
        let _ = write!(text, "{space}not {}", rels(formula.deny));
    }
    let purposes = if purposes.len() == Purpose::COUNT { "*".to_owned() } else { purposes.join(" ") };
    format!("{text}: {purposes}")
}

fn rels(set: RelSet) -> String {
    if set == RelSet::ALL {
        return "*".to_owned();
    }
    set.iter().map(Rel::as_str).collect::<Vec<_>>().join(" ")
}
