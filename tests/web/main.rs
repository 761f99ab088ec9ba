//! The poem kit against a small API of its own: every rule of HTTP that needs no database.

mod answers;
mod bodies;
mod documents;
mod errors;
mod pages;
mod sample;
