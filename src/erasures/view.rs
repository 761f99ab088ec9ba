//! Erasures as they leave: ids, counts and times.

use kluis_core::kernel::id::{Customer, Tenant, User};
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};

use super::model::{Erasure, ErasureRecord, Ground, Removed, State};
use super::service::Preview;
use crate::web::{Ident, Timestamp};

/// Why a customer is erased: the letters of GDPR Art. 17(1), in their order.
#[derive(Enum, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum ErasureGround {
    NoLongerNecessary,
    ConsentWithdrawn,
    Objection,
    UnlawfullyProcessed,
    LegalObligation,
    ChildConsent,
}

impl From<Ground> for ErasureGround {
    fn from(ground: Ground) -> Self {
        match ground {
            Ground::NoLongerNecessary => Self::NoLongerNecessary,
            Ground::ConsentWithdrawn => Self::ConsentWithdrawn,
            Ground::Objection => Self::Objection,
            Ground::UnlawfullyProcessed => Self::UnlawfullyProcessed,
            Ground::LegalObligation => Self::LegalObligation,
            Ground::ChildConsent => Self::ChildConsent,
        }
    }
}

impl From<ErasureGround> for Ground {
    fn from(ground: ErasureGround) -> Self {
        match ground {
            ErasureGround::NoLongerNecessary => Self::NoLongerNecessary,
            ErasureGround::ConsentWithdrawn => Self::ConsentWithdrawn,
            ErasureGround::Objection => Self::Objection,
            ErasureGround::UnlawfullyProcessed => Self::UnlawfullyProcessed,
            ErasureGround::LegalObligation => Self::LegalObligation,
            ErasureGround::ChildConsent => Self::ChildConsent,
        }
    }
}

/// How far an erasure is.
#[derive(Enum, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum ErasureState {
    /// The record is gone; its key perhaps not yet.
    Fenced,
    /// The key is destroyed: what is left of the record anywhere is unreadable.
    Complete,
}

impl From<State> for ErasureState {
    fn from(state: State) -> Self {
        match state {
            State::Fenced => Self::Fenced,
            State::Complete => Self::Complete,
        }
    }
}

impl From<ErasureState> for State {
    fn from(state: ErasureState) -> Self {
        match state {
            ErasureState::Fenced => Self::Fenced,
            ErasureState::Complete => Self::Complete,
        }
    }
}

/// Why somebody is to be erased.
#[derive(Object, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[oai(rename_all = "camelCase", example)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ErasureDraft {
    pub ground: ErasureGround,
}

impl Example for ErasureDraft {
    fn example() -> Self {
        Self { ground: ErasureGround::NoLongerNecessary }
    }
}

/// What an erasure would remove, with the record itself.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct ErasurePreview {
    pub customer_id: Ident<Customer>,
    pub tenant_id: Ident<Tenant>,
    pub interactions: i64,
    pub relations: i64,
    /// Entries by which the record is found.
    pub index_entries: i64,
    /// Whether the erasure will stand in a ledger outside of the database, so that it survives the restore of a backup.
    pub ledger_copied: bool,
}

impl ErasurePreview {
    pub fn of(preview: &Preview, ledger_copied: bool) -> Self {
        let Preview { standing, hanging } = preview;
        Self {
            customer_id: standing.id.into(),
            tenant_id: standing.tenant.into(),
            interactions: hanging.interactions,
            relations: hanging.relations,
            index_entries: hanging.index,
            ledger_copied,
        }
    }
}

/// How much of what was removed, beside the record itself.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase")]
pub struct ErasureRemoved {
    pub interactions: i64,
    pub relations: i64,
    /// Entries by which the record was found.
    pub index_entries: i64,
    /// What would have taken back an import's or a bulk change's work on it.
    pub undo_records: i64,
    /// Uploaded files in which a line of it stood.
    pub files: i64,
    /// Answers that were kept for requests that are sent again.
    pub answers: i64,
    /// Uploads that nobody has read yet, and answers about uploads, are gone by then at the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uploads_until: Option<Timestamp>,
}

impl From<&Removed> for ErasureRemoved {
    fn from(removed: &Removed) -> Self {
        Self {
            interactions: removed.interactions,
            relations: removed.relations,
            index_entries: removed.index,
            undo_records: removed.undo,
            files: removed.files,
            answers: removed.answers,
            uploads_until: removed.uploads_until.map(Into::into),
        }
    }
}

/// The erasure of a customer.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase")]
pub struct ErasureView {
    pub id: Ident<Erasure>,
    pub tenant_id: Ident<Tenant>,
    pub customer_id: Ident<Customer>,
    /// Absent where the erasure came back out of the ledger, after older data was restored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ground: Option<ErasureGround>,
    pub state: ErasureState,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<Ident<User>>,
    pub removed: ErasureRemoved,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// When the key was destroyed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// The signed statement about it (C2SP signed note), once it is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    pub revision: i64,
}

impl From<&ErasureRecord> for ErasureView {
    fn from(record: &ErasureRecord) -> Self {
        Self {
            id: record.id.into(),
            tenant_id: record.tenant.into(),
            customer_id: record.customer.into(),
            ground: record.ground.map(Into::into),
            state: record.state.into(),
            requested_by: record.requested_by.map(Into::into),
            removed: (&record.removed).into(),
            created_at: record.created_at.into(),
            updated_at: record.updated_at.into(),
            completed_at: record.completed_at.map(Into::into),
            certificate: record.certificate.clone(),
            revision: record.revision,
        }
    }
}
