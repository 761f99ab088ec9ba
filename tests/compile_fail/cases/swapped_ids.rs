//! The id of one kind of record in the place of another's.

use kluis_core::kernel::Id;
use kluis_core::kernel::id::{Customer, Tenant};

fn show(_tenant: Id<Tenant>, _customer: Id<Customer>) {}

fn handler(tenant: Id<Tenant>, customer: Id<Customer>) {
    show(customer, tenant);
}

fn main() {
    let _ = handler;
}
