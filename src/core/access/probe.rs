//! Two deciders must agree: the compiled table is compared with Casbin's own enforcement before it is used.
//!
//! Every tuple of the shipped policy is compared by a test. When a policy is loaded there is time for a sample only,
//! since Casbin walks every line for each question.

use super::casbin::{Request, link_words};
use super::decisions::Decisions;
use super::finding::Finding;
use super::hierarchy::counts;
use super::rule::{Domain, Link, Rule};
use super::snapshot::Snapshot;
use super::vocabulary::{Action, Purpose, Rel, TenantKind};
use crate::kernel::Phrase;

/// Lines that may be walked for the sample: tens of milliseconds.
const LINES_WALKED: usize = 30_000;
const FEWEST: usize = 8;

const DISAGREE: Phrase = Phrase {
    en: "the compiled policy and casbin disagree about this line",
    nl: "het gecompileerde beleid en casbin zijn het oneens over deze regel",
};

/// Stands for any tenant of a kind that no line names. Not an id, so that it can't be anybody's.
fn tenant_of(kind: TenantKind) -> String {
    format!("t:any_{kind}")
}

/// The links that count in such tenants, written out for Casbin's exact domains.
pub(super) fn links(links: &[Link]) -> Vec<[String; 3]> {
    let mut written = Vec::new();
    for kind in TenantKind::ALL.iter().copied() {
        let counting = links.iter().filter(|link| counts(link.domain, None, kind));
        written.extend(counting.map(|link| link_words(link, &tenant_of(kind))));
    }
    written
}

/// Compares the answers to questions taken from the lines themselves, evenly spread over the policy.
pub(super) fn faults(snapshot: &Snapshot) -> Vec<Finding> {
    let rules = &snapshot.parts().rules;
    let sample = (LINES_WALKED / rules.len().max(1)).max(FEWEST);
    let step = rules.len().div_ceil(sample).max(1);
    rules.iter().step_by(step).filter_map(|rule| fault(snapshot, rule)).collect()
}

fn fault(snapshot: &Snapshot, rule: &Rule) -> Option<Finding> {
    let holder = rule.subject.role()?;
    let kind = match rule.domain {
        Domain::Any => TenantKind::Franchisee,
        Domain::Kind(kind) => kind,
        Domain::Tenant(_) => return None,
    };
    let action = rule.action.unwrap_or(Action::Read);
    let rel = rule.rel.unwrap_or(Rel::Unit);
    let purpose = rule.purpose.unwrap_or(Purpose::Contract);
    let casbin = snapshot.casbin().enforce(Request {
        subject: &holder.prefixed(),
        domain: &tenant_of(kind),
        kind: kind.as_str(),
        object: rule.object.as_str(),
        action: action.as_str(),
        rel: rel.as_str(),
        purpose: purpose.as_str(),
    });
    let table: &Decisions = &snapshot.decisions_of_role(holder, kind);
    let agree = casbin == Ok(table.permits(rule.object, action, rel, purpose));
    (!agree).then(|| Finding::error("disagree", &rule.source, DISAGREE))
}
