//! The audit log as those may read it who oversee: who did what to which record, when, for what.
//!
//! Must never: change an event, show one of an organisation that the caller doesn't oversee, or be read without a trace.

mod access;
pub mod api;
pub mod api_checkpoints;
pub mod keeper;
pub mod proofs;
mod rows;
pub mod service;
pub mod view;
pub mod view_proofs;
mod witness_file;
mod witness_url;

pub use access::{AuditEvents, Read};
