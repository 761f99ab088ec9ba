//! What the policy calls a tenant, and how each relation to one is spelled in SQL.

use kluis_core::access::{Entity, Object, Rel};
use kluis_core::scoped_permissions;

/// The entity; its statements use the alias `t`. A tenant is its own unit.
#[derive(Debug)]
pub enum Tenants {}

impl Entity for Tenants {
    const OBJECT: Object = Object::Tenant;

    fn predicate(rel: Rel) -> Option<&'static str> {
        match rel {
            Rel::Unit => Some("t.id = :tenant"),
            Rel::Sub => {
                Some("t.id IN (SELECT descendant_id FROM tenant_tree WHERE ancestor_id = :tenant AND depth > 0)")
            }
            Rel::Net => Some(
                "t.id IN (SELECT d.descendant_id FROM tenant_tree a JOIN tenant_tree d \
                 ON d.ancestor_id = a.ancestor_id WHERE a.descendant_id = :tenant)",
            ),
            Rel::Own | Rel::Myself | Rel::Shared => None,
        }
    }

    fn unit_and_sub() -> &'static str {
        "t.id IN (SELECT descendant_id FROM tenant_tree WHERE ancestor_id = :tenant)"
    }
}

scoped_permissions! { Tenants;
    /// Looking tenants up and listing them.
    Read = Tenant: Read,
    Create = Tenant: Create,
    Update = Tenant: Update,
    /// Closing and opening again.
    Close = Tenant: Archive,
}
