//! A scope that no policy has decided.

use std::marker::PhantomData;

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

fn main() {
    let _ = Scope::<Erase> { permission: PhantomData };
}
