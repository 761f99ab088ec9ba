//! Kluis.

pub mod config;
pub mod sessions;
pub mod tenants;
pub mod users;
pub mod imports;
pub mod web;
