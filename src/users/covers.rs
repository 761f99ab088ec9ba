//! Whether somebody may give a role: nobody gives, or takes over, rights that they don't have themselves.
//!
//! Without this rule whoever manages users would have every right there is, by way of a second account.

use kluis_core::access::{Action, Decisions, Formula, Object, Purpose, Rel, RelSet};

/// A right that the giver lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    pub object: Object,
    pub action: Action,
    pub purpose: Purpose,
    pub rel: Rel,
}

/// Where the role would count, seen from the giver's acting tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Same,
    Below,
}

/// The first right that `given` has in `place` and `giver` has not.
///
/// A row is looked at through the eyes of both. What is `unit` to somebody in a tenant below is `sub` to the giver. What
/// is one's own record or assigned to oneself is judged as a row of the tenant: the new user's own are not the giver's.
/// Everybody has the rights of `everybody` over their own account; those aren't given.
///
/// `giver` is asked as a function, because an API token narrows what its user may do.
pub fn first_missing(
    giver: impl Fn(Object, Action, Purpose) -> Formula,
    given: &Decisions,
    place: Place,
    everybody: &Decisions,
) -> Option<Missing> {
    let purposes = Purpose::ALL.iter().copied();
    for object in Object::ALL.iter().copied() {
        for action in object.actions().iter().copied() {
            for purpose in purposes.clone() {
                let own = everybody.formula(object, action, purpose);
                let wanted = given.formula(object, action, purpose);
                let held = giver(object, action, purpose);
                if let Some(rel) = Rel::ALL.iter().copied().find(|rel| lacks(held, wanted, own, *rel, place)) {
                    return Some(Missing { object, action, purpose, rel });
                }
            }
        }
    }
    None
}

fn lacks(held: Formula, wanted: Formula, own: Formula, rel: Rel, place: Place) -> bool {
    if !wanted.permits_only(rel) || own.permits_only(rel) {
        return false;
    }
    !held.permits(seen_by_giver(rel, place))
}

/// How the giver stands to a row to which the new holder of the role stands in `rel`.
fn seen_by_giver(rel: Rel, place: Place) -> RelSet {
    let row = match (rel, place) {
        (Rel::Myself | Rel::Own | Rel::Unit, Place::Same) => Rel::Unit,
        (Rel::Myself | Rel::Own | Rel::Unit | Rel::Sub, Place::Below) | (Rel::Sub, Place::Same) => Rel::Sub,
        // Shared with a tenant below isn't shared with the giver; the right to what is shared is asked for as such.
        (Rel::Shared, _) => Rel::Shared,
        (Rel::Net, _) => Rel::Net,
    };
    RelSet::of(row)
}
