//! What stands on every answer, errors included.

use uuid::Uuid;

/// Names one request in the answer's headers, in problems and in the log. Always made here, never taken from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestId(Uuid);

impl RequestId {
    pub fn urn(self) -> String {
        self.0.urn().to_string()
    }
}
