//! Strong entity tags from a record's revision, and the preconditions of writes (RFC 9110, sections 8.8 and 13).
//!
//! Must never let a write through that doesn't say which revision it was made for.

use std::fmt;

/// The tag of one revision of a record: `"r7"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ETag(i64);

impl ETag {
    pub const fn of(revision: i64) -> Self {
        Self(revision)
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"r{}\"", self.0)
    }
}
