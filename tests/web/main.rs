//! The poem kit against a small API of its own: every rule of HTTP that needs no database.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails says so by a panic")]
#![expect(
    clippy::unused_async,
    reason = "poem-openapi wants asynchronous handlers; the sample's have nothing to wait for"
)]

mod answers;
mod bodies;
mod documents;
mod errors;
mod limits;
mod logs;
mod pages;
mod pages_for_people;
mod sample;
mod secure;
