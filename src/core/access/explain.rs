//! Why may somebody, or may not: the lines that decide, the roles they come by, and what follows for rows.
//!
//! Must never: decide by itself. It tells what the compiled table says, and which lines made it say so.

use std::fmt::Write;

use super::finding::Source;
use super::formula::Formula;
use super::snapshot::{Held, Snapshot, SubjectRoles};
use super::vocabulary::{Action, Object, Purpose, Rel, RelSet, Role};
use crate::kernel::Phrase;

/// An answer, as data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    pub object: Object,
    pub action: Action,
    pub purpose: Purpose,
    /// What the purpose would be if none were named.
    pub default_purpose: Option<Purpose>,
    pub formula: Formula,
    /// Every role, each with the way it came.
    pub roles: Vec<RoleChain>,
    /// The lines that speak about this, in their order.
    pub lines: Vec<DecidingLine>,
    /// For a compartment: what is decided about its entity. Both must permit.
    pub entity: Option<Box<Explanation>>,
}

/// A role, and the roles over which it came; the assigned one first, the role itself last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleChain(pub Vec<Role>);

/// A line that speaks about what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecidingLine {
    pub source: Source,
    /// The role that the line is for; `None` for a line about the user alone.
    pub role: Option<Role>,
    /// The relation classes that it speaks about.
    pub rels: RelSet,
    pub allow: bool,
    /// As it stands, without its type.
    pub words: Vec<String>,
}

impl Explanation {
    /// The relation classes of an answer for which rows are permitted.
    pub fn classes(&self) -> RelSet {
        let own = self.formula.classes();
        self.entity.as_ref().map_or(own, |entity| own.intersection(entity.formula.classes()))
    }

    /// The lines that decide about a row in exactly this class: up to and with the first that denies.
    pub fn deciding(&self, rel: Rel) -> Vec<&DecidingLine> {
        let mut lines: Vec<&DecidingLine> = self.lines.iter().filter(|line| line.rels.contains(rel)).collect();
        if let Some(at) = lines.iter().position(|line| !line.allow) {
            lines.truncate(at + 1);
        }
        lines
    }

    /// The answer for a terminal. `say` picks the language.
    pub fn text(&self, say: impl Fn(Phrase) -> &'static str) -> String {
        let mut text = String::new();
        self.write(&mut text, &say);
        if let Some(entity) = &self.entity {
            let _ = writeln!(text, "\n{}:\n", say(ENTITY));
            entity.write(&mut text, &say);
        }
        text
    }

    fn write(&self, text: &mut String, say: &impl Fn(Phrase) -> &'static str) {
        let Self { object, action, purpose, formula, .. } = self;
        let _ = writeln!(text, "{}: {action} {object} ({}: {purpose})", say(ASKED), say(PURPOSE));
        let _ = writeln!(text, "  {} {}; {}", say(action.label()), say(object.label()), say(purpose.label()));
        let verdict = if formula.is_empty() { say(NEVER) } else { say(FOR_ROWS) };
        let _ = writeln!(text, "{}: {verdict}", say(ANSWER));
        for rel in Rel::ALL.iter().copied() {
            let sign = match (formula.deny.contains(rel), formula.allow.contains(rel)) {
                (true, _) => DENIED,
                (false, true) => ALLOWED,
                (false, false) => continue,
            };
            let _ = writeln!(text, "  {:<7} {} ({})", rel.as_str(), say(sign), say(rel.label()));
        }
        let _ = writeln!(text, "{}:", say(LINES));
        for line in &self.lines {
            let _ = writeln!(text, "  {}  {}", line.source, line.words.join(", "));
        }
        if self.lines.is_empty() {
            let _ = writeln!(text, "  {}", say(NO_LINE));
        }
        let _ = writeln!(text, "{}:", say(ROLES));
        for RoleChain(chain) in &self.roles {
            let _ = writeln!(text, "  {}", chain.iter().map(Role::as_str).collect::<Vec<_>>().join(" > "));
        }
        if self.roles.is_empty() {
            let _ = writeln!(text, "  {}", say(NO_ROLE));
        }
        if let Some(default) = self.default_purpose.filter(|default| default != purpose) {
            let _ = writeln!(text, "{}: {default}", say(DEFAULT));
        }
    }
}

const ASKED: Phrase = Phrase { en: "Asked", nl: "Gevraagd" };
const PURPOSE: Phrase = Phrase { en: "purpose", nl: "doel" };
const ANSWER: Phrase = Phrase { en: "Answer", nl: "Antwoord" };
const NEVER: Phrase = Phrase { en: "no, for no row", nl: "nee, voor geen enkel gegeven" };
const FOR_ROWS: Phrase = Phrase { en: "yes, for rows that are", nl: "ja, voor gegevens die" };
const ALLOWED: Phrase = Phrase { en: "allowed", nl: "toegestaan" };
const DENIED: Phrase = Phrase { en: "denied, whatever else they are", nl: "geweigerd, wat ze verder ook zijn" };
const LINES: Phrase = Phrase { en: "Because of", nl: "Op grond van" };
const NO_LINE: Phrase = Phrase { en: "no line speaks about it", nl: "geen regel gaat hierover" };
const ROLES: Phrase = Phrase { en: "Roles", nl: "Rollen" };
const NO_ROLE: Phrase = Phrase { en: "none", nl: "geen" };
const DEFAULT: Phrase = Phrase { en: "Without a named purpose it would be", nl: "Zonder genoemd doel zou het zijn" };
const ENTITY: Phrase = Phrase {
    en: "A compartment is seen only where its entity is; about that",
    nl: "Een onderdeel is alleen zichtbaar waar het geheel dat is; daarover",
};

impl Snapshot {
    /// Explains the decision about somebody for an object, an action and a purpose.
    pub fn explain(&self, subject: &SubjectRoles, object: Object, action: Action, purpose: Purpose) -> Explanation {
        let table = self.decisions(subject);
        let held = self.held(subject.user, Some(subject.tenant), subject.kind, &subject.roles);
        let about = |rule: &&super::rule::Rule| {
            rule.object == object
                && rule.action.is_none_or(|named| named == action)
                && rule.purpose.is_none_or(|named| named == purpose)
        };
        let rules = self.rules_for(subject.user, Some(subject.tenant), subject.kind, &held).filter(about);
        let lines = rules.map(|rule| DecidingLine {
            source: rule.source.clone(),
            role: rule.subject.role().cloned(),
            rels: rule.rel.map_or(RelSet::ALL, RelSet::of),
            allow: rule.allow,
            words: rule.words(),
        });
        let lines = lines.collect();
        let entity = object.compartment().is_some().then(|| {
            // Whoever writes a compartment must be able to see the record that it belongs to.
            Box::new(self.explain(subject, object.entity(), Action::Read, purpose))
        });
        Explanation {
            object,
            action,
            purpose,
            default_purpose: table.default_purpose(object.entity(), action),
            formula: table.formula(object, action, purpose),
            roles: (0..held.len()).map(|at| chain(&held, at)).collect(),
            lines,
            entity,
        }
    }
}

fn chain(held: &[Held], at: usize) -> RoleChain {
    let mut chain = Vec::new();
    let mut next = held.get(at);
    while let Some(link) = next {
        chain.push(link.role.clone());
        next = link.through.and_then(|through| held.get(through));
    }
    chain.reverse();
    RoleChain(chain)
}
