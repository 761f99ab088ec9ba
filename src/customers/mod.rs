//! Customers: persons, organisations and households of a tenant, sealed per compartment.
//!
//! Must never: show a compartment without a disclosure, write without a legal basis, keep a citizen service number.

mod access;
pub mod api;
pub mod bulk;
pub mod changes;
pub mod duplicates;
pub mod erase;
pub mod fields;
pub mod follow;
mod index;
pub mod likely;
pub mod model;
pub mod names;
pub mod reach;
mod rows;
mod rows_index;
mod rows_settings;
mod rows_undo;
mod rules;
mod seal;
pub mod search;
pub mod service;
pub mod text;
pub mod undo;
pub mod upsert;
pub mod view;

pub use access::{Archive, Assign, Bulk, Create, Customers, Erase, Export, Import, Read, Update};
