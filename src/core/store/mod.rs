//! The store: SQLite and PostgreSQL behind one small set of statement, argument and row types.
//!
//! This is the only folder that names sqlx (and rusqlite, which reads SQLite's files and writes groups of events faster),
//! so that a driver can be exchanged without touching a domain.
//! SQL is written once, portably, with `$1…$n`; true differences are [`Sql::both`].
//!
//! Must never: put SQL together from what people sent, let an error text of the database leave the program.

mod arg;
mod db;
mod error;
pub mod inspect;
mod join;
pub mod keystore;
pub mod migrate;
mod reader;
mod row;
mod scribe;
mod server;
mod sql;
mod tx;

pub use arg::{Arg, Args};
pub use db::{Db, DbOptions, Engine};
pub use error::{Constraint, StoreError};
pub use keystore::DbKeyStore;
pub use row::Row;
pub(crate) use scribe::{Group, Scribe};
pub(crate) use server::Connections;
pub(crate) use sql::Ready;
pub use sql::Sql;
pub use tx::{Audited, Tx, Unaudited};
