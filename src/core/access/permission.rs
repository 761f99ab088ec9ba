//! Permissions as types: a function that erases takes a scope of `Erase`, and a scope of `Read` doesn't fit.

use super::vocabulary::{Action, Object};

/// One permission of a domain: an action on an object. Has no values; it only marks types.
pub trait Permission: Send + Sync + 'static {
    const OBJECT: Object;
    const ACTION: Action;
}

/// Declares the permissions of a domain, one type each.
///
/// ```
/// kluis_core::permissions! {
///     /// Looking customers up, listing and searching them.
///     Read = Customer: Read,
///     /// Registering a customer.
///     Create = Customer: Create,
/// }
/// ```
///
/// A permission for an action that the object doesn't take refuses to compile:
///
/// ```compile_fail
/// kluis_core::permissions! {
///     /// Nobody imports the audit log.
///     Import = AuditEvent: Import,
/// }
/// ```
#[macro_export]
macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $object:ident : $action:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {}

        impl $crate::access::Permission for $name {
            const OBJECT: $crate::access::Object = $crate::access::Object::$object;
            const ACTION: $crate::access::Action = $crate::access::Action::$action;
        }

        const _: () = assert!($crate::access::Object::$object.takes($crate::access::Action::$action));
    )+};
}
