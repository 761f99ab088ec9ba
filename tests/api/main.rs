//! The API as front-ends use it, on both databases.

#[path = "../support/mod.rs"]
mod support;

mod customers;
mod imports;
