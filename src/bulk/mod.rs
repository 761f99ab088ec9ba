//! Bulk changes: one change to many customers, or many customers in one request, as a job that can be tried first, watched,
//! cancelled and taken back.
//!
//! Must never: do to a record what whoever asked may not do to it now, one by one; write in a preview.

pub mod api;
pub mod bring;
pub mod model;
mod rows;
pub mod run;
pub mod service;
pub mod undo;
pub mod view;
