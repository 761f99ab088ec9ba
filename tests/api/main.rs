//! The API as front-ends use it, on both databases.

#[path = "../support/mod.rs"]
mod support;

mod contract;
mod customers;
mod idempotency;
mod identity;
mod idor;
mod pages;
mod partners;
mod sessions;
mod tenants;
mod users;
