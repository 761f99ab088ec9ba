//! Signing in and staying signed in: sessions of people, tokens of programs.
//!
//! Must never: keep a token in clear, or let one outlive its end, its user or its roles.

pub mod model;
mod rows;
pub mod throttle;
