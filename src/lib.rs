//! Kluis: a self-hosted CRM that keeps its customers' data as a vault would.
//!
//! **Floors**, from below; what stands higher may use what stands lower, and nothing else:
//! - `kluis_core`, a crate of its own: kernel (values and their checks), privacy (keys, sealing, row MACs, blind indexes),
//!   store (two databases behind one), access (policy, decisions, scopes), audit (events and their chain)
//! - [`app`] (what every request is made with), [`config`], [`logging`], [`entropy`], [`mail`]
//! - [`web`]: everything between HTTP and a domain, without knowing one
//! - the domains, each one folder of `model` (types and rules), `service` (what can be done), `rows` (all its SQL), `api`:
//!   [`tenants`], [`users`], [`sessions`] (signing in, and who asks), [`customers`] with [`relations`],
//!   [`custom_fields`] and [`interactions`], [`partners`], [`jobs`] with [`imports`] and [`bulk`], [`idempotency`],
//!   [`erasures`], [`audit_events`]
//! - [`domains`]: the list of all operations, from which the API's document is made
//! - [`server`], [`worker`], [`demo`], [`command`]: what starts, and what people type
//!
//! **One request**: token or session → `Actor` → `Scope` (a decision of the policy, [`sessions`]) → `api` parses → `service`
//! → `rows`, a fixed statement with the scope's predicate → row MAC checked, compartments opened as far as the disclosure
//! goes → an event is committed → the answer leaves. API, pages, command line and jobs all take this way.
//!
//! Must never: read a row without a scope, open a compartment without a disclosure, change anything without an event.

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
pub mod erasures;
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
