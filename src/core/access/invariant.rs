//! What must hold whatever a policy says: checked on the compiled table, before the policy counts.

use std::sync::Arc;

use super::decisions::Decisions;
use super::finding::Finding;
use super::formula::Formula;
use super::rule::{Invariant, Must, RoleSpec};
use super::snapshot::{Snapshot, SubjectRoles};
use super::vocabulary::{Action, Object, Purpose, Rel, Role, TenantKind};
use crate::kernel::{Id, Phrase};

const BROKEN_ALLOW: Phrase = Phrase { en: "this must be allowed", nl: "dit moet zijn toegestaan" };
const BROKEN_DENY: Phrase = Phrase { en: "this must not be allowed", nl: "dit mag niet zijn toegestaan" };
const BROKEN_NEVER: Phrase = Phrase {
    en: "this must be denied expressly, or not be allowed for any row",
    nl: "dit moet uitdrukkelijk worden geweigerd, of voor geen enkel gegeven zijn toegestaan",
};

impl Snapshot {
    /// The invariants that this policy breaks, one finding for each line of them, with the first case as its word.
    pub fn broken_invariants(&self) -> Vec<Finding> {
        self.parts().invariants.iter().filter_map(|invariant| self.broken(invariant)).collect()
    }

    fn broken(&self, invariant: &Invariant) -> Option<Finding> {
        let about = |spec: &&RoleSpec| invariant.role.as_ref().is_none_or(|role| *role == spec.role);
        for spec in self.roles().iter().filter(about) {
            for kind in places(spec).iter().filter(|kind| invariant.kind.is_none_or(|named| named == **kind)) {
                let table = self.decisions_of_role(&spec.role, *kind);
                if let Some((object, action, rel, purpose)) = broken_in(&table, invariant) {
                    let case = format!("{} {kind} {object} {action} {rel} {purpose}", spec.role.prefixed());
                    let message = match invariant.must {
                        Must::Allow => BROKEN_ALLOW,
                        Must::Deny => BROKEN_DENY,
                        Must::Never => BROKEN_NEVER,
                    };
                    return Some(Finding::error("invariant", &invariant.source, message).word(case));
                }
            }
        }
        None
    }

    /// What somebody may do who has this role only, in a tenant of this kind that no line names.
    pub(super) fn decisions_of_role(&self, role: &Role, kind: TenantKind) -> Arc<Decisions> {
        let nobody = Id::from_uuid(uuid::Uuid::nil());
        self.decisions(&SubjectRoles { user: None, tenant: nobody, kind, roles: vec![role.clone()] })
    }
}

/// Where a role can be had; the program's own roles act anywhere.
pub(super) fn places(spec: &RoleSpec) -> &[TenantKind] {
    if spec.is_for_people() { &spec.kinds } else { TenantKind::ALL }
}

/// The first case in which a demand isn't met.
fn broken_in(table: &Decisions, invariant: &Invariant) -> Option<(Object, Action, Rel, Purpose)> {
    for object in invariant.objects.iter().copied() {
        for action in words(invariant.action.as_ref(), Action::ALL) {
            for purpose in words(invariant.purpose.as_ref(), Purpose::ALL) {
                let formula = table.formula(object, *action, *purpose);
                let broken =
                    words(invariant.rel.as_ref(), Rel::ALL).iter().find(|rel| !met(invariant.must, formula, **rel));
                if let Some(rel) = broken {
                    return Some((object, *action, *rel, *purpose));
                }
            }
        }
    }
    None
}

fn words<'a, W>(one: Option<&'a W>, all: &'static [W]) -> &'a [W]
where
    W: 'static,
{
    one.map_or(all, std::slice::from_ref)
}

fn met(must: Must, formula: Formula, rel: Rel) -> bool {
    match must {
        Must::Allow => formula.permits_only(rel),
        Must::Deny => !formula.permits_only(rel),
        Must::Never => formula.is_empty() || formula.deny.contains(rel),
    }
}
