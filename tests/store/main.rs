//! The store and the audit log on both databases.

#[path = "../support/mod.rs"]
mod support;

mod attacks;
mod audit;
mod connections;
mod inspect;
mod keys;
mod migrations;
mod readers;
mod register;
mod source;
mod statements;
mod transactions;
mod tree;
