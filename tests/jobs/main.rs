//! The queue on both databases: leases, take-over, cancelling, back-off, killed processes, sealed files.

#[path = "../support/mod.rs"]
mod support;

mod bench;
mod files;
mod killed;
mod leases;
