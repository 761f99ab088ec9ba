//! Interactions: every e-mail, call, visit, chat with a customer, sealed under the customer's own key.
//!
//! Must never: show one whose customer the caller may not read, or keep a citizen service number in what was said.

mod access;
pub mod api;
pub mod bulk;
pub mod fields;
pub mod model;
mod rows;
mod seal;
pub mod service;
pub mod view;
mod walk;

pub use access::{Archive, Create, Interactions, Read, Update};
