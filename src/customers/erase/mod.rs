//! A customer's own part of an erasure: the row goes, with everything that hangs on it.
//!
//! That the row is gone is the fence as well: whoever still has it in hand finds nothing to write to, since every write
//! names the row and its revision, and what hangs on a customer can't be written without it.
//!
//! Must never: remove a row that the decision doesn't cover, or leave anything that is found by its values.

mod rows;

use kluis_core::access::RelSet;
use kluis_core::kernel::{Id, id::Customer, id::Tenant};
use kluis_core::privacy::KeyId;

pub use rows::{find, hanging, remove, remove_again, walk};

/// A customer that is to be erased.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    pub tenant: Id<Tenant>,
    pub id: Id<Customer>,
    pub key: KeyId,
    pub revision: i64,
    pub rels: RelSet,
}

/// What hangs on a customer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hanging {
    pub interactions: i64,
    pub relations: i64,
    pub index: i64,
}
