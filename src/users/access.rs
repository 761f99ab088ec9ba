//! What the policy calls a user, and how each relation to one is spelled in SQL.

use kluis_core::access::{Entity, Object};
use kluis_core::{scoped_permissions, tenant_predicates};

/// The entity; its statements use the alias `u`. A user belongs to the home tenant; one's own account is "self".
#[derive(Debug)]
pub enum Users {}

impl Entity for Users {
    const OBJECT: Object = Object::User;

    tenant_predicates!("u", own: None, own_record: Some("COALESCE(u.id = :user, FALSE)"), across: "");
}

scoped_permissions! { Users;
    /// Looking users up and listing them.
    Read = User: Read,
    Create = User: Create,
    Update = User: Update,
    /// Disabling and enabling an account.
    Disable = User: Archive,
    /// One-time links and a new second factor.
    Reset = User: Reset,
    /// Ending all sessions of somebody.
    SignOut = Session: Revoke,
    ReadRoles = RoleGrant: Read,
    Grant = RoleGrant: Grant,
    Revoke = RoleGrant: Revoke,
}
