//! The tree of organisations that work in Kluis: headquarters, regions, franchisees, member organisations, charities.
//!
//! Must never: make a circle in the tree, or drop a tenant while rows still name it.

pub mod access;
pub mod api;
pub mod model;
mod rows;
pub mod service;
