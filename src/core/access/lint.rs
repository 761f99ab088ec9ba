//! Reads a policy as a careful colleague would: what can't be meant, what does nothing, what says a thing twice.
//!
//! An error refuses the policy; a warning doesn't. Must never let anything pass that Casbin would drop in silence.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::finding::{Finding, Source};
use super::hierarchy;
use super::line::Line;
use super::rule::{Domain, Link, Parts, Rule, RuleKey, Subject, read};
use super::vocabulary::{Action, Object, Rel, Role, TenantKind};
use crate::kernel::Phrase;

const EMPTY: Phrase = Phrase { en: "nothing is allowed to anybody", nl: "niemand mag iets" };
const UNKNOWN_ROLE: Phrase = Phrase { en: "no role line declares this role", nl: "geen role-regel noemt deze rol" };
const ROLE_TWICE: Phrase = Phrase { en: "this role was declared before", nl: "deze rol is al eerder genoemd" };
const UNUSED_ROLE: Phrase = Phrase { en: "this role may do nothing", nl: "deze rol mag niets" };
const USER_EVERYWHERE: Phrase = Phrase {
    en: "a user's role must name the tenant it holds in",
    nl: "een rol van een gebruiker moet de vestiging noemen",
};
const SYSTEM_ROLE: Phrase = Phrase {
    en: "a role of the program itself can't be given to people",
    nl: "een rol van het programma zelf kan niet aan mensen worden gegeven",
};
const NET_PEOPLE: Phrase = Phrase {
    en: "the whole network is for figures: with net (or *) only aggregate can be allowed here",
    nl: "het hele netwerk is voor cijfers: met net (of *) kan hier alleen aggregate worden toegestaan",
};
const DUPLICATE: Phrase = Phrase { en: "the same line stands elsewhere", nl: "dezelfde regel staat al elders" };
const SHADOWED: Phrase = Phrase { en: "a wider line already says this", nl: "een ruimere regel zegt dit al" };
const DENIED: Phrase = Phrase {
    en: "this allows nothing: a line that denies covers it",
    nl: "dit staat niets toe: een weigerende regel omvat het",
};
const NOT_TAKEN: Phrase = Phrase {
    en: "this can't be done to the object, so the line does nothing",
    nl: "dit kan niet met het object, dus de regel doet niets",
};
const NOT_THERE: Phrase = Phrase {
    en: "nobody can have the role in tenants of this kind, so the line does nothing",
    nl: "niemand kan de rol hebben in zo'n vestiging, dus de regel doet niets",
};

/// All findings, in the order of files and lines.
pub fn lint(lines: &[Line]) -> Vec<Finding> {
    examine(lines).1
}

/// The policy as far as it is understood, and all findings.
pub(super) fn examine(lines: &[Line]) -> (Parts, Vec<Finding>) {
    let (parts, mut findings) = read(lines);
    findings.extend(roles(&parts));
    findings.extend(parts.rules.iter().filter_map(net_people));
    findings.extend(hierarchy::check(&parts.links));
    findings.extend(doing_nothing(&parts));
    findings.extend(said_before(&parts));
    if !parts.rules.iter().any(|rule| rule.allow) {
        let file = lines.first().map_or_else(|| "policy".into(), |line| line.source.file.clone());
        findings.push(Finding::error("empty", &Source { file, line: 0 }, EMPTY));
    }
    findings.sort_by(|a, b| (&a.source, a.code).cmp(&(&b.source, b.code)));
    (parts, findings)
}

fn roles(parts: &Parts) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut declared: HashMap<&Role, &Source> = HashMap::new();
    for spec in &parts.roles {
        if let Some(first) = declared.get(&spec.role) {
            findings
                .push(Finding::error("role_twice", &spec.source, ROLE_TWICE).word(spec.role.prefixed()).other(first));
        }
        declared.entry(&spec.role).or_insert(&spec.source);
    }
    let ruled = parts.rules.iter().map(|rule| (rule.subject.role(), &rule.source));
    let linked = parts.links.iter().flat_map(|l| [(l.from.role(), &l.source), (Some(&l.to), &l.source)]);
    let demanded = parts.invariants.iter().map(|i| (i.role.as_ref(), &i.source));
    let errors = ruled.chain(linked).map(|(role, at)| (role, at, true));
    for (role, at, error) in errors.chain(demanded.map(|(role, at)| (role, at, false))) {
        let Some(role) = role.filter(|role| !declared.contains_key(role)) else { continue };
        // An invariant about a role that isn't there can't be broken.
        let finding = if error { Finding::error } else { Finding::warning };
        findings.push(finding("unknown_role", at, UNKNOWN_ROLE).word(role.prefixed()));
    }
    findings.extend(links(parts));
    findings.extend(unused(parts));
    findings
}

fn links(parts: &Parts) -> Vec<Finding> {
    let system: HashSet<&Role> =
        parts.roles.iter().filter(|spec| !spec.is_for_people()).map(|spec| &spec.role).collect();
    let mut findings = Vec::new();
    for link in &parts.links {
        let by_people = link.from.role().is_none_or(|from| !system.contains(from));
        if by_people && system.contains(&link.to) {
            findings.push(Finding::error("system_role", &link.source, SYSTEM_ROLE).word(link.to.prefixed()));
        }
        if matches!(link.from, Subject::User(_)) && !matches!(link.domain, Domain::Tenant(_)) {
            findings
                .push(Finding::error("user_everywhere", &link.source, USER_EVERYWHERE).word(link.domain.to_string()));
        }
    }
    findings
}

fn unused(parts: &Parts) -> Vec<Finding> {
    let useful: HashSet<&Role> =
        parts.rules.iter().filter(|rule| rule.allow).filter_map(|rule| rule.subject.role()).collect();
    let inherits: HashSet<&Role> = parts.links.iter().filter_map(|link| link.from.role()).collect();
    let idle = parts.roles.iter().filter(|spec| !useful.contains(&spec.role) && !inherits.contains(&spec.role));
    idle.map(|spec| Finding::warning("unused_role", &spec.source, UNUSED_ROLE).word(spec.role.prefixed())).collect()
}

/// Headquarters sees numbers, not people: records of people are never open to the whole network.
fn net_people(rule: &Rule) -> Option<Finding> {
    let everywhere = rule.rel.is_none_or(|rel| rel == Rel::Net);
    let figures = rule.action == Some(Action::Aggregate);
    let forbidden = rule.allow && everywhere && !figures && rule.object.is_about_people();
    forbidden.then(|| Finding::error("net_people", &rule.source, NET_PEOPLE).word(rule.object.as_str()))
}

/// Lines that can never apply.
fn doing_nothing(parts: &Parts) -> Vec<Finding> {
    let places = Places::new(parts);
    let mut findings = Vec::new();
    for rule in &parts.rules {
        if let Some(action) = rule.action.filter(|action| !rule.object.takes(*action)) {
            findings.push(Finding::warning("dead", &rule.source, NOT_TAKEN).word(action.as_str()));
        }
        if let (Subject::Role(role), Domain::Kind(kind)) = (&rule.subject, rule.domain)
            && !places.possible(role, kind)
        {
            findings.push(Finding::warning("dead", &rule.source, NOT_THERE).word(kind.as_str()));
        }
    }
    findings
}

/// The kinds of tenants in which somebody can have a role, by being given it or another one that brings it along.
struct Places<'a> {
    kinds: HashMap<&'a Role, BTreeSet<TenantKind>>,
}

impl<'a> Places<'a> {
    fn new(parts: &'a Parts) -> Self {
        let mut places = Self { kinds: HashMap::new() };
        for spec in &parts.roles {
            let all = if spec.is_for_people() { spec.kinds.as_slice() } else { TenantKind::ALL };
            places.kinds.entry(&spec.role).or_default().extend(all);
        }
        let between: Vec<(&Role, &Link)> =
            parts.links.iter().filter_map(|l| l.from.role().map(|from| (from, l))).collect();
        // Each round carries the kinds one link further; chains are short.
        for _ in 0..=hierarchy::DEEPEST {
            for (from, link) in &between {
                let brought: BTreeSet<TenantKind> = places.kinds.get(from).into_iter().flatten().copied().collect();
                let held = brought.into_iter().filter(|kind| hierarchy::counts(link.domain, None, *kind));
                places.kinds.entry(&link.to).or_default().extend(held);
            }
        }
        for link in &parts.links {
            if matches!(link.domain, Domain::Tenant(_)) {
                // The kind of a single tenant isn't known here.
                places.kinds.entry(&link.to).or_default().extend(TenantKind::ALL);
            }
        }
        places
    }

    fn possible(&self, role: &Role, kind: TenantKind) -> bool {
        self.kinds.get(role).is_none_or(|kinds| kinds.contains(&kind))
    }
}

/// Lines that another line makes superfluous.
fn said_before(parts: &Parts) -> Vec<Finding> {
    let mut first: HashMap<RuleKey, &Rule> = HashMap::new();
    for rule in &parts.rules {
        first.entry(rule.key()).or_insert(rule);
    }
    let mut heirs = Heirs::new(&parts.links);
    let mut findings = Vec::new();
    for rule in &parts.rules {
        if let Some(same) = first.get(&rule.key()).filter(|same| same.source != rule.source) {
            findings.push(Finding::warning("duplicate", &rule.source, DUPLICATE).other(&same.source));
            continue;
        }
        let wider = wider(rule, heirs.subjects(&rule.subject, rule.domain));
        let find = |allow: bool| {
            let known = wider.iter().filter_map(|key| first.get(&RuleKey { allow, ..key.clone() }));
            known.copied().find(|found| found.source != rule.source)
        };
        if let Some(found) = rule.allow.then(|| find(false)).flatten() {
            findings.push(Finding::warning("dead", &rule.source, DENIED).other(&found.source));
        } else if let Some(found) = find(rule.allow) {
            findings.push(Finding::warning("shadowed", &rule.source, SHADOWED).other(&found.source));
        }
    }
    findings
}

/// The rules that would cover this one, itself included: each word as it is or `*`, for each of the subjects.
fn wider(rule: &Rule, subjects: &[Subject]) -> Vec<RuleKey> {
    let mut keys = Vec::with_capacity(16 * subjects.len());
    for subject in subjects {
        for bits in 0..16_u8 {
            let wide = |bit: u8| bits & (1 << bit) != 0;
            let key = RuleKey {
                subject: subject.clone(),
                domain: if wide(0) { Domain::Any } else { rule.domain },
                object: rule.object,
                action: rule.action.filter(|_| !wide(1)),
                rel: rule.rel.filter(|_| !wide(2)),
                purpose: rule.purpose.filter(|_| !wide(3)),
                allow: rule.allow,
            };
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    keys
}

/// The subject of a rule and all roles that it brings along wherever the rule counts.
struct Heirs<'a> {
    links: HashMap<&'a Subject, Vec<&'a Link>>,
    known: HashMap<(Subject, Domain), Vec<Subject>>,
}

impl<'a> Heirs<'a> {
    fn new(links: &'a [Link]) -> Self {
        let mut by_subject: HashMap<&Subject, Vec<&Link>> = HashMap::new();
        for link in links {
            by_subject.entry(&link.from).or_default().push(link);
        }
        Self { links: by_subject, known: HashMap::new() }
    }

    fn subjects(&mut self, subject: &Subject, domain: Domain) -> &[Subject] {
        let links = &self.links;
        self.known.entry((subject.clone(), domain)).or_insert_with(|| {
            let mut found = vec![subject.clone()];
            let mut at = 0;
            while let Some(from) = found.get(at).cloned() {
                let all = links.get(&from).into_iter().flatten();
                let wide = all.filter(|link| link.domain == Domain::Any || link.domain == domain);
                for to in wide.map(|link| Subject::Role(link.to.clone())) {
                    if !found.contains(&to) {
                        found.push(to);
                    }
                }
                at += 1;
            }
            found
        })
    }
}

impl Object {
    /// Whether its rows are about people in the file.
    fn is_about_people(self) -> bool {
        matches!(self.entity(), Self::Customer | Self::Relation | Self::Interaction)
    }
}
