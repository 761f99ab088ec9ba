//! Kluis.

pub mod config;
pub mod imports;
pub mod web;
