//! All decisions about one kind of subject, as one dense table: a decision is one look-up, however long the policy is.
//!
//! Must never: be changed after it was compiled. A new policy makes new decisions; the old ones stay as they were.

use std::fmt;

use super::formula::Formula;
use super::vocabulary::{Action, Object, Purpose, Rel, RelSet, Role, TenantKind};

/// What subjects with the same roles, in tenants of the same kind, may do.
pub struct Decisions {
    kind: TenantKind,
    roles: Box<[Role]>,
    purposes: Box<[Purpose]>,
    table: Box<[Formula]>,
}

impl Decisions {
    /// Nothing is allowed to anybody.
    pub fn nothing(kind: TenantKind) -> Self {
        Self::new(kind, Vec::new(), Vec::new())
    }

    /// An empty table for subjects with these roles (inherited ones included) and default purposes, the first first.
    pub(super) fn new(kind: TenantKind, roles: Vec<Role>, purposes: Vec<Purpose>) -> Self {
        let cells = Object::COUNT * Action::COUNT * Purpose::COUNT;
        Self { kind, roles: roles.into(), purposes: purposes.into(), table: vec![Formula::NOTHING; cells].into() }
    }

    /// Enters what one policy line says.
    pub(super) fn enter(&mut self, object: Object, action: Action, purpose: Purpose, rels: RelSet, allow: bool) {
        if let Some(cell) = self.table.get_mut(position(object, action, purpose)) {
            let side = if allow { &mut cell.allow } else { &mut cell.deny };
            *side = side.union(rels);
        }
    }

    /// The decision: one look-up.
    pub fn formula(&self, object: Object, action: Action, purpose: Purpose) -> Formula {
        self.table.get(position(object, action, purpose)).copied().unwrap_or(Formula::NOTHING)
    }

    /// Whether a row in exactly this class may be dealt with so.
    pub fn permits(&self, object: Object, action: Action, rel: Rel, purpose: Purpose) -> bool {
        self.formula(object, action, purpose).permits_only(rel)
    }

    /// The purpose when none is named: the object's own where it is about running the system, otherwise the first
    /// default of the roles for which something is permitted. `None` without any role.
    pub fn default_purpose(&self, object: Object, action: Action) -> Option<Purpose> {
        if let Some(own) = object.own_purpose() {
            return Some(own);
        }
        let useful = |purpose: &Purpose| !self.formula(object, action, *purpose).is_empty();
        self.purposes.iter().copied().find(useful).or_else(|| self.purposes.first().copied())
    }

    /// The kind of tenant that these decisions are for.
    pub const fn kind(&self) -> TenantKind {
        self.kind
    }

    /// The roles, inherited ones included, sorted.
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }
}

const fn position(object: Object, action: Action, purpose: Purpose) -> usize {
    (object.index() * Action::COUNT + action.index()) * Purpose::COUNT + purpose.index()
}

impl fmt::Debug for Decisions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, roles, purposes, table: _ } = self;
        f.debug_struct("Decisions").field("kind", kind).field("roles", roles).field("purposes", purposes).finish()
    }
}
