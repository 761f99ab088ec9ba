//! What the policy calls a customer, and how each relation to one is spelled in SQL.

use kluis_core::access::{Entity, Object};
use kluis_core::{scoped_permissions, tenant_predicates};

/// The entity; its statements use the alias `c`.
#[derive(Debug)]
pub enum Customers {}

impl Entity for Customers {
    const OBJECT: Object = Object::Customer;

    tenant_predicates!(
        "c",
        own: Some("(c.tenant_id = :tenant AND c.owner_id IS NOT NULL AND c.owner_id = :user)"),
        own_record: Some("(c.revision > 0 AND c.id = :self)"),
        // Always true, and what the index across tenants is over: whoever sees one tenant never walks past the others' rows.
        across: "c.revision > 0 AND "
    );

    fn consent() -> Option<&'static str> {
        Some("(c.consents & :consent) <> 0")
    }
}

scoped_permissions! { Customers;
    /// Looking customers up, listing and searching them.
    Read = Customer: Read,
    Create = Customer: Create,
    Update = Customer: Update,
    /// Putting away and bringing back.
    Archive = Customer: Archive,
    /// Making somebody the owner.
    Assign = Customer: Assign,
    /// Changing many in one request.
    Bulk = Customer: Bulk,
    Export = Customer: Export,
    /// Making unreadable for good.
    Erase = Customer: Erase,
    /// Bringing many in, from a file or in one request.
    Import = Customer: Import,
}
