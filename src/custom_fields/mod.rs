//! Fields that a tenant adds to its customers, with all that a field of our own declares: compartment, category,
//! purposes, retention class. Their values stand in the customers' sealed compartments, under the field's key.
//!
//! Must never: let a field change its type or its compartment while values of it are sealed somewhere, or lose what was
//! recorded under a field that is put away.

mod access;
pub mod api;
mod labels;
pub mod model;
mod rows;
mod seal;
pub mod service;
pub mod value;

pub use access::{Archive, Create, CustomFields, Read, Update};
pub use model::FieldRule;
