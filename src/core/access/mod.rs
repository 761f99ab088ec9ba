//! Access: who may do what to which rows. Casbin's policy decides over a finite vocabulary, SQL spells it out.
//!
//! A policy line never names a customer. It names a relation class (`own`, `unit`, `sub` …), and each class is one SQL
//! predicate per entity. The policy is compiled once into a [`Snapshot`]; each request looks a [`Formula`] up in it.
//!
//! Must never: allow when anything is wrong. A word that is unknown, a file that can't be read, an error: all deny.

mod actor;
mod casbin;
mod decisions;
mod entity;
mod explain;
mod fill;
mod finding;
mod formula;
mod hierarchy;
mod invariant;
mod line;
mod lint;
mod matrix;
mod permission;
mod policy;
mod probe;
mod rule;
mod scope;
mod snapshot;
mod token;
pub mod vocabulary;

pub use actor::{Actor, Channel, Seat};
pub use decisions::Decisions;
pub use entity::{Entity, ScopedPermission};
pub use explain::{DecidingLine, Explanation, RoleChain};
pub use finding::{Finding, Severity, Source};
pub use formula::Formula;
pub use line::{Line, MODEL, parse, shipped, shipped_invariants};
pub use lint::lint;
pub use permission::Permission;
pub use policy::Policy;
pub use rule::RoleSpec;
pub use scope::{AccessError, Scope, current_epoch};
pub use snapshot::{Snapshot, SubjectRoles};
pub use token::{TokenScopeError, TokenScopes};
pub use vocabulary::{Action, Object, Purpose, Rel, RelSet, Role, RoleError, TenantKind};
