//! Signing in and staying signed in: sessions of people, tokens of programs.
//!
//! Must never: keep a token in clear, or let one outlive its end, its user or its roles.

mod again;
mod alarm;
pub mod api;
pub mod api_me;
mod authenticate;
mod behalf;
pub mod console;
mod console_text;
pub mod cookies;
pub mod credentials;
mod me;
pub mod model;
pub mod own;
mod rows;
mod scoped;
pub mod sign_in;
pub mod throttle;
mod visit;

pub use again::Again;
pub use alarm::Alarm;
pub use authenticate::{Sessions, authenticate, catch_up, flush_uses};
pub use behalf::{on_behalf, operator};
pub use me::Me;
pub use scoped::{Caller, PURPOSE_HEADER, Scoped};
pub use visit::Visit;

/// The session's token in the cookie of the pages.
pub fn cookie(request: &poem::Request, app: &crate::app::App) -> Option<String> {
    cookies::read(request, cookies::session_name(app))
}
