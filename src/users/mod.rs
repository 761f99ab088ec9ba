//! People who sign in: their account, their roles per tenant, and what they prove themselves with.
//!
//! Must never: tell apart an unknown address and a wrong password, or let somebody give rights they don't have.

pub mod access;
pub mod account;
pub mod api;
mod covers;
pub mod fields;
pub mod grants;
pub mod letters;
pub mod links;
pub mod model;
pub mod password;
mod rows;
pub mod seal;
pub mod service;
pub mod setup;
pub mod token;
pub mod totp;
pub mod view;
