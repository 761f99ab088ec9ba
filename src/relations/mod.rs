//! How customers belong together: members of a household, partners, parents, contact people and employers.
//!
//! Must never: tell of a relation to a customer whom the caller may not read.

mod access;
pub mod api;
pub mod bulk;
pub mod fields;
pub mod model;
mod rows;
mod seal;
pub mod service;

pub use access::{Create, Delete, Read, Relations, Update};
