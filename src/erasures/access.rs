//! Who may look up erasures: whoever may erase. How each relation to one is spelled in SQL.

use kluis_core::access::{Entity, Object};
use kluis_core::{scoped_permissions, tenant_predicates};

/// The entity; its statements use the alias `e`. An erasure belongs to the tenant whose customer it was, and to no user.
#[derive(Debug)]
pub enum Erasures {}

impl Entity for Erasures {
    const OBJECT: Object = Object::Customer;

    tenant_predicates!("e", own: None, own_record: None, across: "");
}

scoped_permissions! { Erasures;
    /// Looking erasures up and listing them.
    Oversee = Customer: Erase,
}
