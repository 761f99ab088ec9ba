//! The API as front-ends use it, on both databases.

#[path = "../support/mod.rs"]
mod support;

mod contract;
mod customers;
mod identity;
mod sessions;
mod tenants;
mod users;
mod idempotency;
mod idor;
