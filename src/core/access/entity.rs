//! What the access floor knows of an entity: how each relation class is spelled in SQL.

use super::{Object, Permission, Rel};

/// An entity whose rows are read and written under a scope.
pub trait Entity: 'static {
    const OBJECT: Object;

    /// A predicate over one row; `None` where the entity doesn't know the class, so that nobody gets anything by it.
    ///
    /// It may use `:tenant` (the acting tenant), `:user` and `:self` (the actor's own record), and must be true or
    /// false, never NULL: a denial is its negation.
    fn predicate(rel: Rel) -> Option<&'static str>;

    /// Whether the person consented to the purpose whose bit is `:consent`; `None` where the entity has no such column,
    /// so that nothing of it is used for a purpose that requires consent.
    fn consent() -> Option<&'static str> {
        None
    }

    /// `unit` and `sub` in one, so that the index can be used where both are allowed.
    fn unit_and_sub() -> &'static str;
}

/// A permission whose rows are restricted: `Scope<Read>` can't be passed where `Scope<Erase>` is asked for.
pub trait ScopedPermission: Permission {
    type Entity: Entity;
}

/// Declares scoped permissions of an entity: `scoped_permissions! { Customers: Read = Customer: Read }`.
#[macro_export]
macro_rules! scoped_permissions {
    ($entity:ty; $($(#[$doc:meta])* $name:ident = $object:ident : $action:ident),+ $(,)?) => {
        $crate::permissions! { $($(#[$doc])* $name = $object: $action),+ }
        $(impl $crate::access::ScopedPermission for $name {
            type Entity = $entity;
        })+
    };
}

/// The predicates of an entity whose rows carry `tenant_id`; the alias is that of its statements. `across` stands before what
/// speaks of several tenants.
#[macro_export]
macro_rules! tenant_predicates {
    ($alias:literal, own: $own:expr, own_record: $self_record:expr, across: $across:literal) => {
        fn predicate(rel: $crate::access::Rel) -> Option<&'static str> {
            use $crate::access::Rel;
            match rel {
                Rel::Own => $own,
                Rel::Myself => $self_record,
                Rel::Unit => Some(concat!($alias, ".tenant_id = :tenant")),
                Rel::Sub => Some(concat!(
                    $across,
                    $alias,
                    ".tenant_id IN (SELECT descendant_id FROM tenant_tree WHERE ancestor_id = :tenant AND depth > 0)"
                )),
                Rel::Net => Some(concat!(
                    $across,
                    $alias,
                    ".tenant_id IN (SELECT d.descendant_id FROM tenant_tree a JOIN tenant_tree d \
                     ON d.ancestor_id = a.ancestor_id WHERE a.descendant_id = :tenant)"
                )),
                // Sharing agreements are not there yet: nothing is shared.
                Rel::Shared => None,
            }
        }

        fn unit_and_sub() -> &'static str {
            concat!(
                $across,
                $alias,
                ".tenant_id IN (SELECT descendant_id FROM tenant_tree WHERE ancestor_id = :tenant)"
            )
        }
    };
}
