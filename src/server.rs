//! The running server: it listens, starts the workers, and stops in good order.

pub mod listen;
pub mod setup;
pub mod site;
pub mod stores;
