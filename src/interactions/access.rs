//! What the policy calls an interaction, and how each relation to one is spelled in SQL.

use kluis_core::access::{Entity, Object};
use kluis_core::{scoped_permissions, tenant_predicates};

/// The entity; its statements use the alias `i`. One's own interactions are those that one wrote down.
#[derive(Debug)]
pub enum Interactions {}

impl Entity for Interactions {
    const OBJECT: Object = Object::Interaction;

    tenant_predicates!(
        "i",
        own: Some("(i.tenant_id = :tenant AND i.author_id IS NOT NULL AND i.author_id = :user)"),
        own_record: Some("i.customer_id = :self"),
        // As for customers.
        across: "i.revision > 0 AND "
    );

    fn consent() -> Option<&'static str> {
        Some(
            "EXISTS (SELECT 1 FROM customers AS consenting WHERE consenting.tenant_id = i.tenant_id \
             AND consenting.id = i.customer_id AND (consenting.consents & :consent) <> 0)",
        )
    }
}

scoped_permissions! { Interactions;
    /// Looking interactions up and listing them.
    Read = Interaction: Read,
    Create = Interaction: Create,
    Update = Interaction: Update,
    /// Putting away and bringing back.
    Archive = Interaction: Archive,
}
