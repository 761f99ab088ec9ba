//! Putting a record away and taking it back: the body of every `PUT …/archival`.

use poem_openapi::Object;
use poem_openapi::types::Example;
use serde::{Deserialize, Serialize};

/// Whether a record is put away.
#[derive(Object, Serialize, Deserialize, Clone, Copy, PartialEq, Eq)]
#[oai(example)]
#[serde(deny_unknown_fields)]
pub struct Archival {
    /// True puts the record away, false takes it back.
    pub archived: bool,
}

impl Example for Archival {
    fn example() -> Self {
        Self { archived: true }
    }
}
