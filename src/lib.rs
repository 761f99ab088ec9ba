//! Kluis.

pub mod config;
