//! What happened: every change and every look at personal data, in one chain.
//!
//! A change can only be committed through [`Tx::record`](crate::store::Tx::record); a read is committed before its
//! answer leaves, through [`ReadLog`]. Events hold ids, codes and counts. The writes among them are the change feed, which
//! every node follows: [`Feed`].
//!
//! Must never: hold a value that says something about a person, be written after the answer has left.

mod behind;
mod chain;
mod event;
pub mod examine;
pub mod export;
mod feed;
#[cfg(test)]
mod frozen_tests;
pub mod kept;
mod reads;
mod record;
pub mod tree;

pub use event::{Class, Detail, Event, Outcome};
pub use examine::{last, verify};
pub use feed::{Change, Feed, Portion, Turn};
pub use reads::ReadLog;
