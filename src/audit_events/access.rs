//! What the policy calls the audit log, and how each relation to an event is spelled in SQL.

use kluis_core::access::{Entity, Object, Rel};
use kluis_core::scoped_permissions;

/// The entity; its statements use the alias `e`. An event belongs to the tenant that acted and to the one whose record
/// it was: both oversee it. The index over owners holds only those that are somebody else.
#[derive(Debug)]
pub enum AuditEvents {}

impl Entity for AuditEvents {
    const OBJECT: Object = Object::AuditEvent;

    fn predicate(rel: Rel) -> Option<&'static str> {
        match rel {
            Rel::Unit => Some("(e.tenant_id = :tenant OR (e.owner_id <> e.tenant_id AND e.owner_id = :tenant))"),
            Rel::Sub => Some(
                "(e.tenant_id IN (SELECT descendant_id FROM tenant_tree WHERE ancestor_id = :tenant AND depth > 0) \
                 OR (e.owner_id <> e.tenant_id AND e.owner_id IN \
                 (SELECT descendant_id FROM tenant_tree WHERE ancestor_id = :tenant AND depth > 0)))",
            ),
            // Figures and shared records have no events of their own, and nobody's own events are told apart here.
            Rel::Net | Rel::Own | Rel::Myself | Rel::Shared => None,
        }
    }

    fn unit_and_sub() -> &'static str {
        "(e.tenant_id IN (SELECT descendant_id FROM tenant_tree WHERE ancestor_id = :tenant) \
         OR (e.owner_id <> e.tenant_id AND e.owner_id IN \
         (SELECT descendant_id FROM tenant_tree WHERE ancestor_id = :tenant)))"
    }
}

scoped_permissions! { AuditEvents;
    /// Looking events up and listing them.
    Read = AuditEvent: Read,
}
