//! The design's sentences, as plainly as they can be written down: no table, no casbin, no types of the policy.
//!
//! Must never use anything of the access floor but the texts of words and the lines as they were cut.

use std::collections::BTreeSet;

use kluis_core::access::Line;

/// Somebody who asks, in words.
#[derive(Debug, Clone)]
pub struct Asker {
    pub user: String,
    pub roles: Vec<String>,
    pub tenant: String,
    pub kind: String,
}

impl Asker {
    /// "`dom` is always the acting tenant of the subject; `kind` its kind", and `*` is any.
    fn is_in(&self, domain: &str) -> bool {
        domain == "*" || domain == self.kind || domain == self.tenant
    }

    /// The user, the assigned roles, and whatever `g` lines add, until nothing is added any more.
    pub fn names(&self, lines: &[Line]) -> BTreeSet<String> {
        let mut names: BTreeSet<String> = self.roles.iter().cloned().collect();
        names.insert(self.user.clone());
        loop {
            let before = names.len();
            for line in lines.iter().filter(|line| line.words[0] == "g") {
                if names.contains(&line.words[1]) && self.is_in(&line.words[3]) {
                    names.insert(line.words[2].clone());
                }
            }
            if names.len() == before {
                return names;
            }
        }
    }

    /// Whether a line with this effect speaks about a class.
    fn spoken(&self, lines: &[Line], names: &BTreeSet<String>, what: [&str; 3], class: &str, effect: &str) -> bool {
        let [object, action, purpose] = what;
        lines.iter().filter(|line| line.words[0] == "p").any(|line| {
            let [subject, domain, obj, act, rel, purp, eft] = [1, 2, 3, 4, 5, 6, 7].map(|at| line.words[at].as_str());
            names.contains(subject)
                && self.is_in(domain)
                && obj == object
                && (act == action || act == "*")
                && (rel == class || rel == "*")
                && (purp == purpose || purp == "*")
                && eft == effect
        })
    }

    /// "Scope = (OR of allowed classes not denied) AND NOT (OR of denied classes)", for a row in these classes.
    pub fn permits(&self, lines: &[Line], names: &BTreeSet<String>, what: [&str; 3], row: &[&str]) -> bool {
        let allowed = |class: &&&str| self.spoken(lines, names, what, class, "allow");
        let denied = |class: &&&str| self.spoken(lines, names, what, class, "deny");
        let let_in = row.iter().any(|class| allowed(&class) && !denied(&class));
        let kept_out = row.iter().any(|class| denied(&class));
        let_in && !kept_out
    }
}
