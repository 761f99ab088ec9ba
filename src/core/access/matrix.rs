//! The whole effect of a policy as a text: what each role may do, where, to what, for what. A change of the policy is
//! reviewed by the difference of this text.

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
# A row is permitted that stands in one of the relations, and in none of those after \"not\". \"*\" is all of them,
# \"others\" the purposes that aren't named before it.
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
    let mut groups: Vec<(Formula, Vec<&str>)> = Vec::new();
    for purpose in Purpose::ALL.iter().copied() {
        let formula = decisions.formula(object, action, purpose);
        match groups.iter_mut().find(|(known, _)| *known == formula) {
            Some((_, purposes)) => purposes.push(purpose.as_str()),
            None => groups.push((formula, vec![purpose.as_str()])),
        }
    }
    let all_speak = groups.iter().all(|(formula, _)| *formula != Formula::NOTHING);
    let mut texts: Vec<String> = Vec::new();
    // Where every purpose has an answer, the one of most purposes comes last and needn't name them.
    if let Some(most) = groups.iter().map(|(_, purposes)| purposes.len()).max().filter(|most| all_speak && *most > 3) {
        let at = groups.iter().position(|(_, purposes)| purposes.len() == most)?;
        let (formula, purposes) = groups.remove(at);
        texts.push(format!("{}: {}", classes(formula), if purposes.len() == Purpose::COUNT { "*" } else { "others" }));
    }
    groups.retain(|(formula, _)| *formula != Formula::NOTHING);
    let named = groups.into_iter().map(|(formula, purposes)| format!("{}: {}", classes(formula), purposes.join(" ")));
    let texts: Vec<String> = named.chain(texts).collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}

fn classes(formula: Formula) -> String {
    let mut text = rels(formula.classes());
    if !formula.deny.is_empty() {
        let space = if text.is_empty() { "" } else { " " };
        let _ = write!(text, "{space}not {}", rels(formula.deny));
    }
    text
}

fn rels(set: RelSet) -> String {
    if set == RelSet::ALL {
        return "*".to_owned();
    }
    set.iter().map(Rel::as_str).collect::<Vec<_>>().join(" ")
}
