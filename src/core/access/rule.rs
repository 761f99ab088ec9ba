//! What the words of a line mean. A line with a word that isn't understood means nothing and is an error: the
//! library underneath would drop such lines silently.

use std::fmt;

use super::finding::{Finding, Source};
use super::line::Line;
use super::vocabulary::{Action, Object, Purpose, Rel, Role, TenantKind};
use crate::kernel::id::{Tenant, User};
use crate::kernel::{Id, Phrase};

/// Stands for every word of a list.
pub(super) const ANY: &str = "*";

/// Whom a policy line speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Subject {
    Role(Role),
    User(Id<User>),
}

impl Subject {
    /// The role, unless it is a user.
    pub const fn role(&self) -> Option<&Role> {
        match self {
            Self::Role(role) => Some(role),
            Self::User(_) => None,
        }
    }

    /// The user, unless it is a role.
    pub const fn user(&self) -> Option<Id<User>> {
        match self {
            Self::User(user) => Some(*user),
            Self::Role(_) => None,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role(role) => write!(f, "{}{role}", Role::PREFIX),
            Self::User(user) => write!(f, "{USER}{user}"),
        }
    }
}

/// In which tenants a line counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Domain {
    Any,
    Kind(TenantKind),
    Tenant(Id<Tenant>),
}

impl Domain {
    /// The tenant, if it is a single one.
    pub const fn tenant(self) -> Option<Id<Tenant>> {
        match self {
            Self::Tenant(tenant) => Some(tenant),
            Self::Any | Self::Kind(_) => None,
        }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str(ANY),
            Self::Kind(kind) => f.write_str(kind.as_str()),
            Self::Tenant(tenant) => write!(f, "{TENANT}{tenant}"),
        }
    }
}

const USER: &str = "user:";
const TENANT: &str = "t:";

/// A `p` line. `None` is `*`: every word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub source: Source,
    pub subject: Subject,
    pub domain: Domain,
    pub object: Object,
    pub action: Option<Action>,
    pub rel: Option<Rel>,
    pub purpose: Option<Purpose>,
    pub allow: bool,
}

/// Everything of a rule but its place; equal keys are the same rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct RuleKey {
    pub subject: Subject,
    pub domain: Domain,
    pub object: Object,
    pub action: Option<Action>,
    pub rel: Option<Rel>,
    pub purpose: Option<Purpose>,
    pub allow: bool,
}

impl Rule {
    pub fn key(&self) -> RuleKey {
        let Self { source: _, subject, domain, object, action, rel, purpose, allow } = self;
        RuleKey {
            subject: subject.clone(),
            domain: *domain,
            object: *object,
            action: *action,
            rel: *rel,
            purpose: *purpose,
            allow: *allow,
        }
    }

    /// The words after `p`, as Casbin gets them.
    pub fn words(&self) -> Vec<String> {
        vec![
            self.subject.to_string(),
            self.domain.to_string(),
            self.object.to_string(),
            text(self.action.map(Action::as_str)),
            text(self.rel.map(Rel::as_str)),
            text(self.purpose.map(Purpose::as_str)),
            if self.allow { ALLOW } else { DENY }.to_owned(),
        ]
    }
}

fn text(word: Option<&'static str>) -> String {
    word.unwrap_or(ANY).to_owned()
}

/// A `g` line: whoever is `from` is also `to`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Link {
    pub source: Source,
    pub from: Subject,
    pub to: Role,
    pub domain: Domain,
}

/// A `role` line: a role that there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleSpec {
    pub source: Source,
    pub role: Role,
    /// The kinds of tenants in which it can be given to somebody; none for a role of the system itself.
    pub kinds: Vec<TenantKind>,
    /// The purposes for which it usually asks, the usual one first.
    pub purposes: Vec<Purpose>,
    pub en: String,
    pub nl: String,
}

impl RoleSpec {
    /// Whether people can have it, or only the program itself.
    pub fn is_for_people(&self) -> bool {
        !self.kinds.is_empty()
    }
}

/// What an invariant demands of the rows in a relation class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Must {
    /// A row in this class alone is permitted.
    Allow,
    /// A row in this class alone is refused.
    Deny,
    /// A row in this class is refused, in whatever other classes it stands.
    Never,
}

/// A `must` line. `None` is `*`: every word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Invariant {
    pub source: Source,
    pub must: Must,
    pub role: Option<Role>,
    pub kind: Option<TenantKind>,
    pub objects: Vec<Object>,
    pub action: Option<Action>,
    pub rel: Option<Rel>,
    pub purpose: Option<Purpose>,
}

/// A policy, understood.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub rules: Vec<Rule>,
    pub links: Vec<Link>,
    pub roles: Vec<RoleSpec>,
    pub invariants: Vec<Invariant>,
}

const ALLOW: &str = "allow";
const DENY: &str = "deny";

const LINE_TYPE: Phrase = Phrase {
    en: "unknown type of line: there are p, g, role and must",
    nl: "onbekend soort regel: er zijn p, g, role en must",
};
const COLUMNS: Phrase = Phrase { en: "wrong number of columns", nl: "verkeerd aantal kolommen" };
const SUBJECT: Phrase = Phrase {
    en: "not a subject: write role:<name> or user:usr_<id>",
    nl: "geen onderwerp: schrijf role:<naam> of user:usr_<id>",
};
const ROLE: Phrase = Phrase { en: "not a role: write role:<name>", nl: "geen rol: schrijf role:<naam>" };
const ROLE_NAME: Phrase = Phrase {
    en: "not the name of a role: lower-case letters, digits and _",
    nl: "geen rolnaam: kleine letters, cijfers en _",
};
const DOMAIN: Phrase = Phrase {
    en: "not a kind of tenant, not t:ten_<id> and not *",
    nl: "geen soort vestiging, geen t:ten_<id> en geen *",
};
const KIND: Phrase = Phrase { en: "no such kind of tenant", nl: "deze soort vestiging bestaat niet" };
const OBJECT: Phrase = Phrase { en: "no such object", nl: "dit object bestaat niet" };
const ACTION: Phrase = Phrase { en: "no such action", nl: "deze handeling bestaat niet" };
const REL: Phrase = Phrase { en: "no such relation class", nl: "deze relatieklasse bestaat niet" };
const PURPOSE: Phrase = Phrase { en: "no such purpose", nl: "dit doel bestaat niet" };
const EFFECT: Phrase = Phrase {
    en: "the effect is neither allow nor deny, in small letters",
    nl: "het effect is niet allow of deny, in kleine letters",
};
const MUST: Phrase =
    Phrase { en: "an invariant says allow, deny or never", nl: "een vaste eis is allow, deny of never" };
const LABEL: Phrase = Phrase { en: "a role needs a name for people", nl: "een rol heeft een naam voor mensen nodig" };

/// Understands the lines. What isn't understood is a finding and no part of the result.
pub(super) fn read(lines: &[Line]) -> (Parts, Vec<Finding>) {
    let mut parts = Parts::default();
    let mut reader = Reader { findings: Vec::new() };
    for line in lines {
        let words: Vec<&str> = line.words.iter().skip(1).map(String::as_str).collect();
        match line.first() {
            "p" => parts.rules.extend(reader.rule(&line.source, &words)),
            "g" => parts.links.extend(reader.link(&line.source, &words)),
            "role" => parts.roles.extend(reader.role_spec(&line.source, &words)),
            "must" => parts.invariants.extend(reader.invariant(&line.source, &words)),
            other => reader.findings.push(Finding::error("line_type", &line.source, LINE_TYPE).word(other)),
        }
    }
    (parts, reader.findings)
}

/// A word that couldn't be read; the finding is made already.
struct Unread;

/// Collects what it can't read. All words of a line are looked at, so that every fault is named at once.
struct Reader {
    findings: Vec<Finding>,
}

impl Reader {
    fn rule(&mut self, at: &Source, words: &[&str]) -> Option<Rule> {
        let &[subject, domain, object, action, rel, purpose, effect] = words else {
            return self.fault("columns", at, COLUMNS, "p");
        };
        let subject = self.subject(at, subject);
        let domain = self.domain(at, domain);
        let object = self.word(at, "object", OBJECT, object, Object::parse);
        let action = self.word_or_any(at, "action", ACTION, action, Action::parse);
        let rel = self.word_or_any(at, "relation", REL, rel, Rel::parse);
        let purpose = self.word_or_any(at, "purpose", PURPOSE, purpose, Purpose::parse);
        let allow = self.word(at, "effect", EFFECT, effect, |word| match word {
            ALLOW => Some(true),
            DENY => Some(false),
            _ => None,
        });
        Some(Rule {
            source: at.clone(),
            subject: subject?,
            domain: domain?,
            object: object?,
            action: action.ok()?,
            rel: rel.ok()?,
            purpose: purpose.ok()?,
            allow: allow?,
        })
    }

    fn link(&mut self, at: &Source, words: &[&str]) -> Option<Link> {
        let &[from, to, domain] = words else {
            return self.fault("columns", at, COLUMNS, "g");
        };
        let from = self.subject(at, from);
        let to = self.word(at, "prefix", ROLE, to, |word| Role::parse_prefixed(word).ok());
        let domain = self.domain(at, domain);
        Some(Link { source: at.clone(), from: from?, to: to?, domain: domain? })
    }

    fn role_spec(&mut self, at: &Source, words: &[&str]) -> Option<RoleSpec> {
        let &[name, kinds, purposes, en, nl] = words else {
            return self.fault("columns", at, COLUMNS, "role");
        };
        let role = self.word(at, "role_name", ROLE_NAME, name, |word| Role::parse(word).ok());
        let kinds = self.list(at, "domain", KIND, kinds, TenantKind::parse);
        let purposes = self.list(at, "purpose", PURPOSE, purposes, Purpose::parse);
        let label = |word: &str| (!word.is_empty()).then(|| word.to_owned());
        let en = self.word(at, "label", LABEL, en, label);
        let nl = self.word(at, "label", LABEL, nl, label);
        Some(RoleSpec { source: at.clone(), role: role?, kinds: kinds?, purposes: purposes?, en: en?, nl: nl? })
    }

    fn invariant(&mut self, at: &Source, words: &[&str]) -> Option<Invariant> {
        let &[must, role, kind, object, action, rel, purpose] = words else {
            return self.fault("columns", at, COLUMNS, "must");
        };
        let must = self.word(at, "must", MUST, must, |word| match word {
            ALLOW => Some(Must::Allow),
            DENY => Some(Must::Deny),
            "never" => Some(Must::Never),
            _ => None,
        });
        let role = self.word_or_any(at, "prefix", ROLE, role, |word| Role::parse_prefixed(word).ok());
        let kind = self.word_or_any(at, "domain", KIND, kind, TenantKind::parse);
        let objects = self.word(at, "object", OBJECT, object, objects);
        let action = self.word_or_any(at, "action", ACTION, action, Action::parse);
        let rel = self.word_or_any(at, "relation", REL, rel, Rel::parse);
        let purpose = self.word_or_any(at, "purpose", PURPOSE, purpose, Purpose::parse);
        Some(Invariant {
            source: at.clone(),
            must: must?,
            role: role.ok()?,
            kind: kind.ok()?,
            objects: objects?,
            action: action.ok()?,
            rel: rel.ok()?,
            purpose: purpose.ok()?,
        })
    }

    fn subject(&mut self, at: &Source, word: &str) -> Option<Subject> {
        self.word(at, "prefix", SUBJECT, word, |word| match word.strip_prefix(USER) {
            Some(id) => Id::parse(id).map(Subject::User),
            None => Role::parse_prefixed(word).ok().map(Subject::Role),
        })
    }

    fn domain(&mut self, at: &Source, word: &str) -> Option<Domain> {
        self.word(at, "domain", DOMAIN, word, |word| match word.strip_prefix(TENANT) {
            Some(id) => Id::parse(id).map(Domain::Tenant),
            None if word == ANY => Some(Domain::Any),
            None => TenantKind::parse(word).map(Domain::Kind),
        })
    }

    /// Words separated by spaces, or `-` for none. There is no `*`: it would take in what is added later.
    fn list<T>(
        &mut self,
        at: &Source,
        code: &'static str,
        message: Phrase,
        words: &str,
        parse: fn(&str) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.word(at, code, message, words, |words| {
            if words == "-" {
                return Some(Vec::new());
            }
            let list: Option<Vec<T>> = words.split_whitespace().map(parse).collect();
            list.filter(|list| !list.is_empty())
        })
    }

    /// `None` for `*`.
    fn word_or_any<T>(
        &mut self,
        at: &Source,
        code: &'static str,
        message: Phrase,
        word: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Unread> {
        if word == ANY { Ok(None) } else { self.word(at, code, message, word, parse).map(Some).ok_or(Unread) }
    }

    fn word<T>(
        &mut self,
        at: &Source,
        code: &'static str,
        message: Phrase,
        word: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let read = parse(word);
        if read.is_none() {
            self.findings.push(Finding::error(code, at, message).word(word));
        }
        read
    }

    fn fault<T>(&mut self, code: &'static str, at: &Source, message: Phrase, word: &str) -> Option<T> {
        self.findings.push(Finding::error(code, at, message).word(word));
        None
    }
}

/// An object, `*`, or all compartments of an entity (`customer.*`).
fn objects(word: &str) -> Option<Vec<Object>> {
    if word == ANY {
        return Some(Object::ALL.to_vec());
    }
    match word.strip_suffix(".*") {
        Some(entity) => Some(Object::parse(entity)?.parts().to_vec()).filter(|parts| !parts.is_empty()),
        None => Object::parse(word).map(|object| vec![object]),
    }
}
