//! Imports: customers out of the tables that other programs export.
//!
//! The pure part turns bytes into drafts of customers with all their faults, line by line: [`encoding`] → [`table`] →
//! [`mapping`] (proposed by [`suggest`]) → [`draft`], beside it [`twins`] for lines that tell of the same customer.
//!
//! Must never: write a file, keep a field outside a sealed value, guess where a person has to decide.

mod access;
pub mod api;
pub mod bring;
pub mod draft;
pub mod encoding;
pub mod erase;
pub mod mapping;
pub mod merge;
pub mod model;
mod reader;
mod result;
mod rows;
pub mod run;
pub mod service;
pub mod source;
pub mod suggest;
pub mod table;
pub mod twins;
pub mod undo;
pub mod view;
mod words;

pub use access::{Cancel, Create, Imports, Read, Undo};
