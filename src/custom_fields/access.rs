//! What the policy calls a custom field, and how each relation class to one is spelled in SQL.

use kluis_core::access::{Entity, Object};
use kluis_core::{scoped_permissions, tenant_predicates};

/// The entity; its statements use the alias `f`.
#[derive(Debug)]
pub enum CustomFields {}

impl Entity for CustomFields {
    const OBJECT: Object = Object::CustomField;

    tenant_predicates!("f", own: None, own_record: None, across: "");
}

scoped_permissions! { CustomFields;
    /// Looking fields up and listing them.
    Read = CustomField: Read,
    Create = CustomField: Create,
    Update = CustomField: Update,
    /// Putting away and taking back.
    Archive = CustomField: Archive,
}
