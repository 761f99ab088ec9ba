//! What the policy calls an import, and how each relation to one is spelled in SQL.

use kluis_core::access::{Entity, Object};
use kluis_core::{scoped_permissions, tenant_predicates};

/// The entity; its statements use the alias `i`.
#[derive(Debug)]
pub enum Imports {}

impl Entity for Imports {
    const OBJECT: Object = Object::Import;

    tenant_predicates!(
        "i",
        own: Some("(i.tenant_id = :tenant AND i.created_by IS NOT NULL AND i.created_by = :user)"),
        own_record: None,
        across: ""
    );
}

scoped_permissions! { Imports;
    /// Looking imports up.
    Read = Import: Read,
    /// Handing a file in, saying what it means, and running it.
    Create = Import: Create,
    /// Dropping one before it is run.
    Cancel = Import: Cancel,
    Undo = Import: Undo,
}
