//! Erasures (GDPR Art. 17): a customer goes for good, everywhere, and stays gone after a restore.
//!
//! 1. **Fence.** One transaction removes the record with everything that hangs on it or speaks of it, and enters it into the
//!    ledger. From its commit on nothing can be found, opened or written; it is on record.
//! 2. **Copy.** The ledger's copy outside of the database gets the entry, on the disk.
//! 3. **Shred.** The record's key is destroyed: what backups, logs and deleted pages still hold of it is noise.
//! 4. **Certificate.** Only now is the erasure complete, with a signed statement of what was done.
//!
//! Whatever stops the program in between, steps 2 to 4 are done again by the next one that runs: each may be repeated.
//!
//! Must never: say that somebody is erased before the key is destroyed, or keep a value of whom was erased.

mod access;
pub mod api;
mod certificate;
pub mod ledger;
pub mod model;
mod rows;
mod rows_ledger;
pub mod service;
mod view;

pub use access::{Erasures, Oversee};
