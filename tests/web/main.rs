//! The poem kit against a small API of its own: every rule of HTTP that needs no database.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails says so by a panic")]

mod answers;
mod bodies;
mod documents;
mod errors;
mod limits;
mod pages;
mod pages_for_people;
mod sample;
mod secure;
