//! What the policy calls a relation, and how each relation class to one is spelled in SQL.

use kluis_core::access::{Entity, Object};
use kluis_core::{scoped_permissions, tenant_predicates};

/// The entity; its statements use the alias `r`. One's own are those in which one stands oneself.
#[derive(Debug)]
pub enum Relations {}

impl Entity for Relations {
    const OBJECT: Object = Object::Relation;

    tenant_predicates!("r", own: None, own_record: Some("(r.from_id = :self OR r.to_id = :self)"), across: "");
}

scoped_permissions! { Relations;
    /// Looking relations up and listing them.
    Read = Relation: Read,
    Create = Relation: Create,
    Update = Relation: Update,
    Delete = Relation: Delete,
}
