//! The demonstration: a fictitious franchise, made from a fixed seed.
//!
//! The generator ([`customers`]) is a pure iterator of drafts: the same seed and day give the same people. Seeding
//! hands them to the same services as the API does.
//!
//! Must never: write around a service, name a real person, use an address that could be written to.

pub mod contact;
mod convert;
pub mod customers;
pub mod draft;
pub mod network;
mod office;
pub mod partners;
pub mod random;
mod seed;
pub mod stories;
pub mod words;

pub use seed::{Place, Visitor, seed, visitors};

/// The seed of `kluis demo`.
pub const SEED: u64 = 20_261_122;
/// Rises when the same seed gives more or other records: a demonstration of before is made anew.
pub const EDITION: u32 = 2;
