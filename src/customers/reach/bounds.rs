//! What a scope of customers says of all customers alike, so that whoever lists what hangs on customers needn't walk past
//! those out of reach.
//!
//! Must never: be narrower than the scope, or call anything within reach that the scope would keep out.

use kluis_core::access::{Rel, RelSet, Scope, ScopedPermission};
use kluis_core::kernel::{Id, id::Tenant, id::User};

use crate::customers::access::Read;

/// What all customers in a scope have in common. Whether one is in it is still asked of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bounds {
    /// All are this tenant's.
    pub tenant: Option<Id<Tenant>>,
    /// All are assigned to this user.
    pub owner: Option<Id<User>>,
}

impl Bounds {
    pub fn of(scope: &Scope<Read>) -> Self {
        let all = |rel| standings().filter(|rels| scope.permits(*rels)).all(|rels| rels.contains(rel));
        Self { tenant: all(Rel::Unit).then(|| scope.tenant()), owner: scope.actor().user().filter(|_| all(Rel::Own)) }
    }
}

/// Whether every row of another entity that its scope holds hangs on a customer within reach, by the decisions alone. For
/// entities whose rows are their customer's in everything but whose own they are, consent included.
pub fn is_implied<P: ScopedPermission>(scope: &Scope<P>, customers: &Scope<Read>) -> bool {
    standings().filter(|rels| !rels.contains(Rel::Own)).all(|rels| {
        let own = if rels.contains(Rel::Unit) { rels.with(Rel::Own) } else { rels };
        let either = [rels, own];
        !either.iter().any(|rels| scope.permits(*rels)) || either.iter().all(|rels| customers.permits(*rels))
    })
}

/// How anybody can stand to a row: one's own is of one's own tenant, which isn't below itself.
fn standings() -> impl Iterator<Item = RelSet> {
    let all = (0..=RelSet::ALL.bits()).map(RelSet::from_bits);
    all.filter(|rels| if rels.contains(Rel::Unit) { !rels.contains(Rel::Sub) } else { !rels.contains(Rel::Own) })
}
