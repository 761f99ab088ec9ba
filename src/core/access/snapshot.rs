//! A policy, compiled: made aside from lines, checked against Casbin and its own invariants, then never changed.
//!
//! Must never: be half a policy. Whatever is wrong with a line, there is no snapshot.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use quick_cache::sync::Cache;

use super::casbin::{Casbin, link_words};
use super::decisions::Decisions;
use super::finding::{Finding, Source};
use super::hierarchy::counts;
use super::line::Line;
use super::lint::examine;
use super::probe;
use super::rule::{Domain, Parts, RoleSpec, Rule, Subject};
use super::vocabulary::{Action, Purpose, RelSet, Role, TenantKind};
use crate::kernel::id::{Tenant, User};
use crate::kernel::{Id, Phrase};

/// Compiled tables that are kept; beyond, the ones used least are made again. A table takes about 14 kB.
const TABLES: usize = 1024;

const CASBIN: Phrase = Phrase { en: "casbin refuses the policy", nl: "casbin weigert het beleid" };

/// Somebody, as far as a policy looks: where they act, and with which roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectRoles {
    /// `None` for the system itself.
    pub user: Option<Id<User>>,
    /// The acting tenant.
    pub tenant: Id<Tenant>,
    pub kind: TenantKind,
    /// As assigned there; what they bring along is for the policy to say.
    pub roles: Vec<Role>,
}

/// A compiled policy.
pub struct Snapshot {
    lines: Vec<Line>,
    parts: Parts,
    findings: Vec<Finding>,
    casbin: Casbin,
    /// Positions in `parts.rules`, by subject.
    rules: HashMap<Subject, Vec<usize>>,
    /// The tenants and users that lines name; nobody else needs a table of their own.
    tenants: HashSet<Id<Tenant>>,
    users: HashSet<Id<User>>,
    tables: Cache<TableKey, Arc<Decisions>>,
}

/// What a table depends on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct TableKey {
    kind: TenantKind,
    /// Only where a line names the tenant or the user.
    tenant: Option<Id<Tenant>>,
    user: Option<Id<User>>,
    /// As assigned, sorted.
    roles: Vec<Role>,
}

/// A role that somebody has, and over which other role: `None` for an assigned one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub role: Role,
    /// Position of the role that brought it along, in the same list.
    pub through: Option<usize>,
}

impl Snapshot {
    /// Compiles lines. On any error there is no snapshot but all findings, warnings among them.
    pub fn build(lines: Vec<Line>) -> Result<Self, Vec<Finding>> {
        let (parts, findings) = examine(&lines);
        if findings.iter().any(Finding::is_error) {
            return Err(findings);
        }
        let mut snapshot = Self::compile(lines, parts, findings)?;
        let faults = probe::faults(&snapshot);
        let broken = snapshot.broken_invariants();
        snapshot.findings.extend(faults.into_iter().chain(broken));
        if snapshot.findings.iter().any(Finding::is_error) {
            return Err(snapshot.findings);
        }
        Ok(snapshot)
    }

    fn compile(lines: Vec<Line>, parts: Parts, findings: Vec<Finding>) -> Result<Self, Vec<Finding>> {
        let as_written = parts.links.iter().map(|link| link_words(link, &link.domain.to_string()));
        let written_out = as_written.chain(probe::links(&parts.links)).collect();
        let casbin = Casbin::load(parts.rules.iter(), written_out).map_err(|fault| {
            let file = lines.first().map_or_else(|| "policy".into(), |line| Arc::clone(&line.source.file));
            let fault = Finding::error("casbin", &Source { file, line: 0 }, CASBIN).word(fault.to_string());
            findings.iter().cloned().chain([fault]).collect::<Vec<_>>()
        })?;
        let mut rules: HashMap<Subject, Vec<usize>> = HashMap::new();
        for (at, rule) in parts.rules.iter().enumerate() {
            rules.entry(rule.subject.clone()).or_default().push(at);
        }
        let domains = parts.rules.iter().map(|rule| rule.domain).chain(parts.links.iter().map(|link| link.domain));
        let tenants = domains.filter_map(Domain::tenant).collect();
        let subjects = parts.rules.iter().map(|rule| &rule.subject).chain(parts.links.iter().map(|link| &link.from));
        let users = subjects.filter_map(Subject::user).collect();
        Ok(Self { lines, parts, findings, casbin, rules, tenants, users, tables: Cache::new(TABLES) })
    }

    /// All decisions about somebody; shared with everybody for whom they are the same.
    pub fn decisions(&self, subject: &SubjectRoles) -> Arc<Decisions> {
        let mut roles = subject.roles.clone();
        roles.sort();
        roles.dedup();
        let key = TableKey {
            kind: subject.kind,
            tenant: Some(subject.tenant).filter(|tenant| self.tenants.contains(tenant)),
            user: subject.user.filter(|user| self.users.contains(user)),
            roles,
        };
        if let Some(table) = self.tables.get(&key) {
            return table;
        }
        let table = Arc::new(self.table(&key));
        self.tables.insert(key, Arc::clone(&table));
        table
    }

    fn table(&self, key: &TableKey) -> Decisions {
        let held = self.held(key.user, key.tenant, key.kind, &key.roles);
        let roles: Vec<Role> = held.iter().map(|held| held.role.clone()).collect();
        let mut table = Decisions::new(key.kind, roles, self.usual_purposes(&held));
        for rule in self.rules_for(key.user, key.tenant, key.kind, &held) {
            enter(&mut table, rule);
        }
        table
    }

    /// All roles of somebody: first the assigned ones, then what Casbin's role manager says they bring along.
    pub(super) fn held(
        &self,
        user: Option<Id<User>>,
        tenant: Option<Id<Tenant>>,
        kind: TenantKind,
        roles: &[Role],
    ) -> Vec<Held> {
        let mut domains = vec![Domain::Any.to_string(), Domain::Kind(kind).to_string()];
        domains.extend(tenant.map(|tenant| Domain::Tenant(tenant).to_string()));
        let domains: Vec<&str> = domains.iter().map(String::as_str).collect();
        let mut held: Vec<Held> = Vec::new();
        let take = |held: &mut Vec<Held>, role: Role, through: Option<usize>| {
            if !held.iter().any(|known| known.role == role) {
                held.push(Held { role, through });
            }
        };
        for role in roles {
            take(&mut held, role.clone(), None);
        }
        if let Some(user) = user {
            for role in self.brought(&Subject::User(user).to_string(), &domains) {
                take(&mut held, role, None);
            }
        }
        let mut at = 0;
        while let Some(role) = held.get(at).map(|held| held.role.prefixed()) {
            for role in self.brought(&role, &domains) {
                take(&mut held, role, Some(at));
            }
            at += 1;
        }
        held
    }

    fn brought(&self, name: &str, domains: &[&str]) -> Vec<Role> {
        let mut roles: Vec<Role> =
            self.casbin.roles_of(name, domains).iter().filter_map(|role| Role::parse_prefixed(role).ok()).collect();
        // Casbin gives them in the order of a hash.
        roles.sort();
        roles
    }

    /// The rules that speak of somebody, in the order of their lines.
    pub(super) fn rules_for(
        &self,
        user: Option<Id<User>>,
        tenant: Option<Id<Tenant>>,
        kind: TenantKind,
        held: &[Held],
    ) -> impl Iterator<Item = &Rule> {
        let subjects = held.iter().map(|held| Subject::Role(held.role.clone())).chain(user.map(Subject::User));
        let mut positions: Vec<usize> =
            subjects.filter_map(|subject| self.rules.get(&subject)).flatten().copied().collect();
        positions.sort_unstable();
        let rules = positions.into_iter().filter_map(|at| self.parts.rules.get(at));
        rules.filter(move |rule| counts(rule.domain, tenant, kind))
    }

    /// The usual purposes of the roles: of assigned ones before inherited ones, in the order of the role lines.
    fn usual_purposes(&self, held: &[Held]) -> Vec<Purpose> {
        let mut purposes = Vec::new();
        for assigned in [true, false] {
            let has = |role: &Role| held.iter().any(|h| h.role == *role && h.through.is_none() == assigned);
            for purpose in self.parts.roles.iter().filter(|spec| has(&spec.role)).flat_map(|spec| &spec.purposes) {
                if !purposes.contains(purpose) {
                    purposes.push(*purpose);
                }
            }
        }
        purposes
    }

    /// The roles that there are, in the order of their lines.
    pub fn roles(&self) -> &[RoleSpec] {
        &self.parts.roles
    }

    /// The role with that name.
    pub fn role(&self, role: &Role) -> Option<&RoleSpec> {
        self.parts.roles.iter().find(|spec| spec.role == *role)
    }

    /// The warnings; errors there are none, or there would be no snapshot.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The lines that it was made from.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    pub(super) fn parts(&self) -> &Parts {
        &self.parts
    }

    pub(super) fn casbin(&self) -> &Casbin {
        &self.casbin
    }
}

fn enter(table: &mut Decisions, rule: &Rule) {
    let actions = rule.action.as_ref().map_or(Action::ALL, std::slice::from_ref);
    let purposes = rule.purpose.as_ref().map_or(Purpose::ALL, std::slice::from_ref);
    let rels = rule.rel.map_or(RelSet::ALL, RelSet::of);
    for action in actions {
        for purpose in purposes {
            table.enter(rule.object, *action, *purpose, rels, rule.allow);
        }
    }
}
