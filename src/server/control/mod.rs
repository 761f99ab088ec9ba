//! The door for whoever runs the machine: a Unix socket in the data directory, by which the running service is opened and
//! sealed without a restart.
//!
//! Who may come in is decided by the system: the socket is its owner's alone (mode 600, in a directory of mode 700), and
//! both sides look who the other one is. What is said: a word, a line end, and for `unseal` the secret up to the end; the
//! answer is one line of JSON.
//!
//! Must never: be reachable over the network, or take a secret from anybody but the service's own user and root.

pub mod ask;
mod serve;
mod words;

use std::io;
use std::path::{Path, PathBuf};

pub use serve::Control;
pub use words::{Answer, Done, Request};

/// Name of the socket in the data directory.
pub const SOCKET: &str = "control.sock";

/// Why there is no door, or why it can't be gone through.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error("{0} can't be made: {1}")]
    Make(PathBuf, io::ErrorKind),
    #[error("another process serves {0}")]
    Taken(PathBuf),
    #[error("no service runs on {0}")]
    Nobody(PathBuf),
    /// Somebody else's process answers.
    #[error("{0} belongs to another user")]
    Stranger(PathBuf),
    #[error("{0}: {1}")]
    Talk(PathBuf, io::ErrorKind),
}

fn socket(directory: &Path) -> PathBuf {
    directory.join(SOCKET)
}
