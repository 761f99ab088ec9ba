//! Signing in and staying signed in: sessions of people, tokens of programs.
//!
//! Must never: keep a token in clear, or let one outlive its end, its user or its roles.

mod again;
mod authenticate;
pub mod model;
mod rows;
mod scoped;
pub mod sign_in;
pub mod throttle;
mod visit;

pub use again::Again;
pub use authenticate::{Sessions, authenticate, catch_up, flush_uses};
pub use scoped::{Caller, PURPOSE_HEADER, Scoped};
pub use visit::Visit;

/// The session's token in the cookie of the pages.
pub fn cookie(request: &poem::Request) -> Option<String> {
    let cookies = request.headers().get_all(poem::http::header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == crate::domains::SESSION_COOKIE).map(|(_, token)| token.to_owned())
}
