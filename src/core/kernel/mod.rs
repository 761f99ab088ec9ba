//! Ground floor: types without I/O that every other floor speaks in.
//!
//! Must never: read a clock or a random source by itself, touch a file or the network, know a domain.

pub mod clock;
pub mod id;
pub mod problem;

pub use clock::{Clock, Entropy};
pub use id::{Id, Kind};
pub use problem::{Fault, Faults, Phrase, Problem, ProblemKind};
