//! Imports, from the bytes of a file to the customers and back.

#[path = "../support/mod.rs"]
mod support;

mod brought;
mod killed;
mod killed_bulk;
mod killed_erasing;
mod running;
mod sample;
mod sealed;
