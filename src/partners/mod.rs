//! Franchise partners: who stands behind a tenant, under which contract, and whom one talks to there.
//!
//! Must never: keep a contact person's data under another key than their own, or after they were removed.

pub mod access;
pub mod api;
pub mod contacts;
pub mod fields;
pub mod model;
mod rows;
mod rows_contacts;
mod seal;
pub mod service;
pub mod view;
