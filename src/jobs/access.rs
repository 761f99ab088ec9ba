//! What the policy calls a job, and how each relation to one is spelled in SQL.

use kluis_core::access::{Entity, Object};
use kluis_core::{scoped_permissions, tenant_predicates};

/// The entity; its statements use the alias `j`.
#[derive(Debug)]
pub enum Jobs {}

impl Entity for Jobs {
    const OBJECT: Object = Object::Job;

    tenant_predicates!(
        "j",
        own: Some("(j.tenant_id = :tenant AND j.created_by IS NOT NULL AND j.created_by = :user)"),
        own_record: None,
        across: ""
    );
}

scoped_permissions! { Jobs;
    /// Looking jobs up, with their rows' results and their progress.
    Read = Job: Read,
    Cancel = Job: Cancel,
}
