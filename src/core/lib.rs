//! `kluis-core`: the trusted core, small enough to be audited as a whole.
//!
//! Floors, from the ground up; a floor may only use the floors below it:
//!
//! 1. [`kernel`]: ids, time, problems, and the text types that parse what people write. No I/O.
//! 2. [`privacy`]: compartments, sealed values, keys, blind indexes, disclosure.
//! 3. [`store`]: SQLite and PostgreSQL behind one small set of statement, argument and row types.
//! 4. [`access`]: who may do what to which rows, decided by Casbin's policy, spelled out by SQL.
//! 5. [`audit`]: what happened, chained; the only door through which a change can be committed.
//!
//! The domains live in the crate `kluis`; they can't get around any of this, because the constructors are private here.

pub mod access;
pub mod audit;
pub mod kernel;
pub mod privacy;
pub mod store;
