//! Which role brings which other role along, and whether that ends.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::finding::{Finding, Source};
use super::rule::{Domain, Link};
use super::vocabulary::{Role, TenantKind};
use crate::kernel::Id;
use crate::kernel::Phrase;
use crate::kernel::id::Tenant;

/// Casbin's role manager looks this many links far, one of which leads from the user to the first role. Beyond, what it
/// finds depends on the shape of the graph, so nothing deeper is accepted.
pub(super) const DEEPEST: usize = 9;

const CYCLE: Phrase =
    Phrase { en: "the inheritance of roles runs in a circle", nl: "de overerving van rollen loopt rond" };
const DEPTH: Phrase = Phrase {
    en: "roles are inherited over more than 9 steps, counted from the user",
    nl: "rollen worden over meer dan 9 stappen geërfd, geteld vanaf de gebruiker",
};

/// Where a link counts for a tenant: everywhere, in tenants of its kind, in the tenant itself.
pub(super) fn counts(link: Domain, tenant: Option<Id<Tenant>>, kind: TenantKind) -> bool {
    match link {
        Domain::Any => true,
        Domain::Kind(named) => named == kind,
        Domain::Tenant(named) => Some(named) == tenant,
    }
}

/// Circles and chains that are too long, in any tenant.
pub(super) fn check(links: &[Link]) -> Vec<Finding> {
    let tenants: BTreeSet<Option<Id<Tenant>>> =
        links.iter().filter_map(between_roles).map(|(_, _, d)| d.tenant()).collect();
    let mut findings: BTreeMap<(Source, &'static str), Finding> = BTreeMap::new();
    for tenant in tenants {
        for kind in TenantKind::ALL.iter().copied() {
            for finding in check_in(links, tenant, kind) {
                findings.entry((finding.source.clone(), finding.code)).or_insert(finding);
            }
        }
    }
    findings.into_values().collect()
}

fn between_roles(link: &Link) -> Option<(&Role, &Link, Domain)> {
    link.from.role().map(|from| (from, link, link.domain))
}

type Graph<'a> = HashMap<&'a Role, Vec<&'a Link>>;

fn check_in(links: &[Link], tenant: Option<Id<Tenant>>, kind: TenantKind) -> Vec<Finding> {
    let mut graph = Graph::new();
    for (from, link, domain) in links.iter().filter_map(between_roles) {
        if counts(domain, tenant, kind) {
            graph.entry(from).or_default().push(link);
        }
    }
    let mut walk = Walk { graph: &graph, longest: HashMap::new(), findings: Vec::new() };
    let mut roles: Vec<&Role> = graph.keys().copied().collect();
    roles.sort();
    for role in roles {
        walk.depth(role);
    }
    walk.findings
}

/// A walk through all chains, each role once.
struct Walk<'a> {
    graph: &'a Graph<'a>,
    /// The longest chain of links that starts at a role; `None` while the walk is inside of it.
    longest: HashMap<&'a Role, Option<usize>>,
    findings: Vec<Finding>,
}

impl<'a> Walk<'a> {
    fn depth(&mut self, role: &'a Role) -> usize {
        if let Some(known) = self.longest.get(role) {
            return known.unwrap_or(0);
        }
        self.longest.insert(role, None);
        let mut deepest = 0;
        for link in self.graph.get(role).into_iter().flatten().copied() {
            if self.longest.get(&link.to) == Some(&None) {
                self.findings.push(Finding::error("cycle", &link.source, CYCLE).word(link.to.prefixed()));
                continue;
            }
            let depth = 1 + self.depth(&link.to);
            // Reported where the chain becomes too long, not again by everything above it.
            if depth + 1 == DEEPEST + 1 {
                self.findings.push(Finding::error("depth", &link.source, DEPTH).word(role.prefixed()));
            }
            deepest = deepest.max(depth);
        }
        self.longest.insert(role, Some(deepest));
        deepest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::line::parse;
    use crate::access::rule::read;

    fn codes(text: &str) -> Vec<String> {
        let (parts, findings) = read(&parse("x", text));
        assert_eq!(findings, []);
        check(&parts.links).iter().map(|f| format!("{}:{}", f.code, f.source.line)).collect()
    }

    fn chain(links: usize, domain: &str) -> String {
        let written = (0..links).map(|at| format!("g, role:r{at}, role:r{}, {domain}\n", at + 1));
        written.collect::<Vec<_>>().concat()
    }

    #[test]
    fn eight_steps_between_roles_are_the_most() {
        assert_eq!(codes(&chain(8, "*")), Vec::<String>::new());
        assert_eq!(codes(&chain(9, "*")), ["depth:1"]);
        assert_eq!(codes(&chain(20, "*")).len(), 1);
        assert_eq!(codes(&chain(9, "t:ten_01932f5e-8a70-7abc-8def-0123456789ab")), ["depth:1"]);
    }

    #[test]
    fn circles_are_found_where_they_close() {
        assert_eq!(codes("g, role:a, role:a, *"), ["cycle:1"]);
        assert_eq!(codes("g, role:a, role:b, *\ng, role:b, role:c, hq\ng, role:c, role:a, hq"), ["cycle:3"]);
    }

    #[test]
    fn links_that_never_count_together_make_no_circle_and_no_chain() {
        assert_eq!(codes("g, role:a, role:b, hq\ng, role:b, role:a, ngo"), Vec::<String>::new());
        let apart = "g, role:a, role:b, t:ten_01932f5e-8a70-7abc-8def-0123456789ab\n\
                     g, role:b, role:a, t:ten_01932f5e-8a70-7abc-8def-0123456789ac";
        assert_eq!(codes(apart), Vec::<String>::new());
        let other = chain(10, "ngo");
        let rest: Vec<&str> = other.lines().skip(5).collect();
        let halves = [chain(5, "hq"), rest.join("\n")].concat();
        assert_eq!(codes(&halves), Vec::<String>::new());
    }
}
