//! An import as a record: an uploaded file, what it looks like, what is to become of it, what was done.
//!
//! Must never: hold a value of a line. Headers and mapping are sealed all the same: people write anything into a header.

use chrono::{DateTime, TimeDelta, Utc};
use kluis_core::access::RelSet;
use kluis_core::kernel::Id;
use kluis_core::kernel::id::{Customer, Job, Tenant, User};
use kluis_core::privacy::Sealed;
use serde::{Deserialize, Serialize};

use super::mapping::Mapping;
use super::merge::Terms;
use super::source::Format;
use super::suggest::Suggestion;
use crate::jobs::files::{FileSize, JobFile};

kluis_core::kinds! {
    /// A file of customers that is brought in.
    Import = "imp",
}

/// For how long an import can be undone.
pub const UNDO_WINDOW: TimeDelta = TimeDelta::days(30);
/// For how long an uploaded file is kept that nothing is done with.
pub const DRAFT_LIFE: TimeDelta = TimeDelta::days(7);

/// What is known of the file, and what was decided about it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Draft {
    pub format: Format,
    pub size: FileSize,
    /// Lines that say something, without the header.
    pub rows: i64,
    pub headers: Vec<String>,
    pub suggestions: Vec<Suggestion>,
    #[serde(default)]
    pub mapping: Option<Mapping>,
    #[serde(default)]
    pub terms: Option<Terms>,
}

/// An import as it stands in the database.
pub struct ImportRow {
    pub tenant: Id<Tenant>,
    pub id: Id<Import>,
    pub created_by: Option<Id<User>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub file: Option<Id<JobFile>>,
    pub draft: Sealed<Draft>,
    pub dry_job: Option<Id<Job>>,
    pub run_job: Option<Id<Job>>,
    pub undo_job: Option<Id<Job>>,
    pub undo_until: Option<DateTime<Utc>>,
    pub revision: i64,
    /// How the actor who asked stands to it.
    pub rels: RelSet,
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Nothing was written yet.
    Draft,
    Run,
    /// Taken back, or being taken back.
    Reversed,
}

impl Stage {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Run => "run",
            Self::Reversed => "reversed",
        }
    }
}

impl ImportRow {
    pub const fn stage(&self) -> Stage {
        match (self.run_job, self.undo_job) {
            (_, Some(_)) => Stage::Reversed,
            (Some(_), None) => Stage::Run,
            (None, None) => Stage::Draft,
        }
    }
}

/// An import with its draft opened.
pub struct Opened {
    pub row: ImportRow,
    pub draft: Draft,
}

/// What an import did to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    Create,
    Update,
}

impl ChangeKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Create, Self::Update].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What was done to a record, and what it takes to undo it.
pub struct Change {
    pub line: i64,
    pub record: Id<Customer>,
    pub kind: ChangeKind,
    /// The record's revision after the change.
    pub revision: i64,
    /// The record before the change, sealed; none when it was made.
    pub before: Option<Vec<u8>>,
}
