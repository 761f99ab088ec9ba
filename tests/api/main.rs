//! The API as front-ends use it, on both databases.

#[path = "../access/oracle.rs"]
mod oracle;
#[path = "../support/mod.rs"]
mod support;

mod audit_events;
mod audit_tree;
mod bulk;
mod bulk_breaks;
mod bulk_rows;
mod canary;
mod contract;
mod custom_fields;
mod customers;
mod duplicates;
mod erasures;
mod hidden;
mod idempotency;
mod identity;
mod idor;
mod idor_inside;
mod imports;
mod interactions;
mod layers;
mod network;
mod nodes;
mod pages;
mod partners;
mod reach;
mod relations;
mod scopes;
mod search_order;
mod sessions;
mod taken;
mod tampering;
mod tenants;
mod users;
