//! Jobs and their rows' results as they leave.

use std::collections::BTreeMap;

use kluis_core::kernel::Id;
use kluis_core::kernel::id::{Customer, Job, Tenant, User};
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};

use super::model::{JobRecord, RowOutcome, RowResult, State};
use crate::web::{Ident, Timestamp};

/// Where a job is in its life.
#[derive(Enum, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    Queued,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

impl From<State> for JobState {
    fn from(state: State) -> Self {
        match state {
            State::Queued => Self::Queued,
            State::Running => Self::Running,
            State::Succeeded => Self::Succeeded,
            State::Failed => Self::Failed,
            State::Cancelled => Self::Cancelled,
        }
    }
}

impl From<JobState> for State {
    fn from(state: JobState) -> Self {
        match state {
            JobState::Queued => Self::Queued,
            JobState::Running => Self::Running,
            JobState::Succeeded => Self::Succeeded,
            JobState::Failed => Self::Failed,
            JobState::Cancelled => Self::Cancelled,
        }
    }
}

/// Long work, and how far it is.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, example)]
#[serde(rename_all = "camelCase")]
pub struct JobView {
    pub id: Ident<Job>,
    pub tenant_id: Ident<Tenant>,
    /// What it does: `customer_import`, `customer_import_undo` …
    pub kind: String,
    pub state: JobState,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<Ident<User>>,
    pub created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// Rows that are done.
    pub progress: i64,
    /// Rows in all, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<i64>,
    /// How many rows had which outcome.
    pub counts: BTreeMap<String, i64>,
    /// Why it failed: a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Somebody has asked it to stop.
    pub cancellation_requested: bool,
    pub revision: i64,
}

impl Example for JobView {
    fn example() -> Self {
        let at = Timestamp(chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap_or_default());
        Self {
            id: Id::from_uuid(uuid::Uuid::from_u128(0x0193_2f5e_8a70_7abc_8def_0123_4567_89ab)).into(),
            tenant_id: Id::from_uuid(uuid::Uuid::from_u128(0x0193_2f5e_8a70_7abc_8def_0123_4567_89ac)).into(),
            kind: "customer_import".to_owned(),
            state: JobState::Running,
            created_by: None,
            created_at: at,
            started_at: Some(at),
            finished_at: None,
            progress: 1200,
            total: Some(2000),
            counts: BTreeMap::from([("create".to_owned(), 1100), ("error".to_owned(), 100)]),
            failure: None,
            cancellation_requested: false,
            revision: 13,
        }
    }
}

impl From<&JobRecord> for JobView {
    fn from(job: &JobRecord) -> Self {
        Self {
            id: job.id.into(),
            tenant_id: job.tenant.into(),
            kind: job.kind.clone(),
            state: job.state.into(),
            created_by: job.created_by.map(Into::into),
            created_at: job.created_at.into(),
            started_at: job.started_at.map(Into::into),
            finished_at: job.finished_at.map(Into::into),
            progress: job.progress,
            total: job.total,
            counts: job.counts.clone(),
            failure: job.failure.clone(),
            cancellation_requested: job.cancel_asked,
            revision: job.revision,
        }
    }
}

/// What became of a row.
#[derive(Enum, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Create,
    Update,
    Unchanged,
    Duplicate,
    Error,
    Removed,
    Restored,
    Conflict,
}

impl Outcome {
    pub fn of(outcome: RowOutcome) -> Self {
        match outcome {
            RowOutcome::Create => Self::Create,
            RowOutcome::Update => Self::Update,
            RowOutcome::Unchanged => Self::Unchanged,
            RowOutcome::Duplicate => Self::Duplicate,
            RowOutcome::Error => Self::Error,
            RowOutcome::Removed => Self::Removed,
            RowOutcome::Restored => Self::Restored,
            RowOutcome::Conflict => Self::Conflict,
        }
    }
}

impl From<Outcome> for RowOutcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Create => Self::Create,
            Outcome::Update => Self::Update,
            Outcome::Unchanged => Self::Unchanged,
            Outcome::Duplicate => Self::Duplicate,
            Outcome::Error => Self::Error,
            Outcome::Removed => Self::Removed,
            Outcome::Restored => Self::Restored,
            Outcome::Conflict => Self::Conflict,
        }
    }
}

/// The result of one row.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, skip_serializing_if_is_empty, example)]
#[serde(rename_all = "camelCase")]
pub struct JobRowView {
    /// Line of the file (the header is line 1), or index in the list that was sent.
    pub line: i64,
    pub outcome: Outcome,
    /// Why: `iban`, `email`, `duplicate` …
    #[oai(default)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<String>,
    /// The record that was made or changed, or that was there already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_id: Option<String>,
    /// The earlier line that it is a duplicate of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of_line: Option<i64>,
}

impl Example for JobRowView {
    fn example() -> Self {
        let (line, of_line) = (23, Some(22));
        Self { line, outcome: Outcome::Duplicate, codes: vec!["email".to_owned()], record_id: None, of_line }
    }
}

impl JobRowView {
    /// The records of every kind of job so far are customers.
    pub fn of(row: &RowResult) -> Self {
        Self {
            line: row.line,
            outcome: Outcome::of(row.outcome),
            codes: row.codes.clone(),
            record_id: row.record.map(|record| Id::<Customer>::from_uuid(record).to_string()),
            of_line: row.of_line,
        }
    }
}
