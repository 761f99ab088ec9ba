//! Kluis: a self-hosted CRM that keeps its customers' data as a vault would.

pub mod config;
pub mod demo;
pub mod web;
