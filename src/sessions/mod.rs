//! Signing in and staying signed in: sessions of people, tokens of programs.
//!
//! Must never: keep a token in clear, or let one outlive its end, its user or its roles.

pub mod model;
mod rows;
mod scoped;
pub mod throttle;

pub use scoped::{Caller, PURPOSE_HEADER, Scoped};

use std::sync::Arc;
pub fn cookie(_r: &poem::Request) -> Option<String> {
    None
}
pub async fn catch_up(_a: &crate::app::App) -> Result<(), kluis_core::kernel::Problem> {
    Ok(())
}
pub async fn authenticate(
    _a: &crate::app::App,
    _t: &str,
) -> Result<Arc<kluis_core::access::Actor>, kluis_core::kernel::Problem> {
    Err(kluis_core::kernel::Problem::new(kluis_core::kernel::ProblemKind::Unauthenticated))
}
