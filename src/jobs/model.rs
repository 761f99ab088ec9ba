//! What a job is: its states, its counts, the result of one row.
//!
//! Must never: hold a value of a person; codes, counts and ids only.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use kluis_core::access::{Purpose, Scope, ScopedPermission};
use kluis_core::kernel::Id;
use kluis_core::kernel::id::{Job, Tenant, User};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where a job is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    Queued,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

impl State {
    pub const ALL: [Self; 5] = [Self::Queued, Self::Running, Self::Succeeded, Self::Failed, Self::Cancelled];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether nothing will change any more.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// What became of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RowOutcome {
    Create,
    Update,
    Unchanged,
    Duplicate,
    Error,
    /// Undo: what the import had created is gone.
    Removed,
    /// Undo: what the import had changed is as it was.
    Restored,
    /// Undo: somebody has worked on it since, so that it stays as it is.
    Conflict,
}

impl RowOutcome {
    pub const ALL: [Self; 8] = [
        Self::Create,
        Self::Update,
        Self::Unchanged,
        Self::Duplicate,
        Self::Error,
        Self::Removed,
        Self::Restored,
        Self::Conflict,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Unchanged => "unchanged",
            Self::Duplicate => "duplicate",
            Self::Error => "error",
            Self::Removed => "removed",
            Self::Restored => "restored",
            Self::Conflict => "conflict",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }
}

/// The result of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowResult {
    /// Line of the file, or index in the list that was sent.
    pub line: i64,
    pub outcome: RowOutcome,
    /// Stable words without blanks: `email`, `iban` …
    pub codes: Vec<String>,
    /// The record that was made or changed, or that was there already.
    pub record: Option<Uuid>,
    /// The earlier line that it is a duplicate of.
    pub of_line: Option<i64>,
}

/// How many rows had which outcome.
pub type Counts = BTreeMap<String, i64>;

/// A job as it stands in the database.
#[derive(Debug, Clone)]
pub struct JobRecord {
    pub tenant: Id<Tenant>,
    pub id: Id<Job>,
    pub kind: String,
    pub state: State,
    pub created_by: Option<Id<User>>,
    pub created_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    pub cancel_asked: bool,
    /// Times in a row that it was taken without getting any further.
    pub attempts: i64,
    /// Where the next step begins, in the job's own measure.
    pub position: i64,
    pub progress: i64,
    pub total: Option<i64>,
    pub counts: Counts,
    /// Why it failed: a code.
    pub failure: Option<String>,
    pub revision: i64,
}

/// On whose behalf a job acts. Rights are looked up again whenever it goes on, so that losing one stops it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Principal {
    /// `None` for the system itself.
    pub user: Option<Id<User>>,
    pub tenant: Id<Tenant>,
    pub purpose: Option<String>,
    /// The restriction of the API token that asked for it.
    pub scopes: Option<Vec<String>>,
}

impl Principal {
    /// The job acts for whoever asks for it, in the tenant that they act for.
    pub fn of<P: ScopedPermission>(scope: &Scope<P>) -> Self {
        let actor = scope.actor();
        Self {
            user: actor.user(),
            tenant: scope.tenant(),
            purpose: scope.purpose().map(|purpose| purpose.as_str().to_owned()),
            scopes: actor.token_scopes().map(|scopes| scopes.texts().map(str::to_owned).collect()),
        }
    }

    pub fn purpose(&self) -> Option<Purpose> {
        self.purpose.as_deref().and_then(Purpose::parse)
    }
}

/// What is sealed with a job: who asked for it, in which request, and what exactly.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Params {
    pub principal: Principal,
    pub request: String,
    pub body: serde_json::Value,
}
