//! Erasing with the permission to read.

use kluis_core::access::{Entity, Object, Scope};
use kluis_core::{scoped_permissions, tenant_predicates};

enum Customers {}

impl Entity for Customers {
    const OBJECT: Object = Object::Customer;

    tenant_predicates!("c", own: None, own_record: None, across: "");
}

scoped_permissions! { Customers;
    Read = Customer: Read,
    Erase = Customer: Erase,
}

fn erase(_scope: &Scope<Erase>) {}

fn handler(scope: &Scope<Read>) {
    erase(scope);
}

fn main() {
    let _ = handler;
}
