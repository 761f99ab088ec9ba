//! Kluis: a self-hosted CRM that keeps its customers' data as a vault would.

pub mod app;
pub mod audit_events;
pub mod bulk;
pub mod command;
pub mod config;
pub mod custom_fields;
pub mod customers;
pub mod demo;
pub mod domains;
pub mod entropy;
pub mod idempotency;
pub mod imports;
pub mod interactions;
pub mod jobs;
pub mod logging;
pub mod mail;
pub mod partners;
pub mod relations;
pub mod server;
pub mod sessions;
pub mod tenants;
pub mod users;
pub mod web;
pub mod worker;
