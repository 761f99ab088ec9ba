//! What an erasure is.

use chrono::{DateTime, Utc};
use kluis_core::kernel::Id;
use kluis_core::kernel::id::{Customer, Tenant, User};
use kluis_core::privacy::KeyId;
use serde::{Deserialize, Serialize};

kluis_core::kinds! {
    /// The erasure of a customer.
    Erasure = "era",
}

/// Why a customer is erased: the letters of GDPR Art. 17(1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// (a)
    NoLongerNecessary,
    /// (b)
    ConsentWithdrawn,
    /// (c)
    Objection,
    /// (d)
    UnlawfullyProcessed,
    /// (e)
    LegalObligation,
    /// (f)
    ChildConsent,
}

impl Ground {
    pub const ALL: [Self; 6] = [
        Self::NoLongerNecessary,
        Self::ConsentWithdrawn,
        Self::Objection,
        Self::UnlawfullyProcessed,
        Self::LegalObligation,
        Self::ChildConsent,
    ];

    pub const fn code(self) -> &'static str {
        match self {
            Self::NoLongerNecessary => "no_longer_necessary",
            Self::ConsentWithdrawn => "consent_withdrawn",
            Self::Objection => "objection",
            Self::UnlawfullyProcessed => "unlawfully_processed",
            Self::LegalObligation => "legal_obligation",
            Self::ChildConsent => "child_consent",
        }
    }

    /// Where it stands in the law.
    pub const fn article(self) -> &'static str {
        match self {
            Self::NoLongerNecessary => "GDPR Art. 17(1)(a)",
            Self::ConsentWithdrawn => "GDPR Art. 17(1)(b)",
            Self::Objection => "GDPR Art. 17(1)(c)",
            Self::UnlawfullyProcessed => "GDPR Art. 17(1)(d)",
            Self::LegalObligation => "GDPR Art. 17(1)(e)",
            Self::ChildConsent => "GDPR Art. 17(1)(f)",
        }
    }

    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ground| ground.code() == code)
    }
}

/// How far an erasure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The record is gone; its key perhaps not yet.
    Fenced,
    /// The key is destroyed.
    Complete,
}

impl State {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fenced => "fenced",
            Self::Complete => "complete",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Fenced, Self::Complete].into_iter().find(|state| state.as_str() == text)
    }
}

/// How much of what was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Removed {
    pub interactions: i64,
    pub relations: i64,
    /// Entries by which the record was found.
    pub index: i64,
    /// What would have taken back an import's or a bulk change's work on it.
    pub undo: i64,
    /// Uploaded files in which a line of it stood.
    pub files: i64,
    /// Kept answers to requests.
    pub answers: i64,
    /// Uploads that nobody has read yet, and answers about uploads, are gone by then at the latest.
    #[serde(default)]
    pub uploads_until: Option<DateTime<Utc>>,
}

/// An erasure as it stands in the database.
#[derive(Debug, Clone)]
pub struct ErasureRecord {
    pub tenant: Id<Tenant>,
    pub id: Id<Erasure>,
    pub customer: Id<Customer>,
    pub key: KeyId,
    /// Absent where the erasure came back out of the ledger's copy.
    pub ground: Option<Ground>,
    pub state: State,
    pub requested_by: Option<Id<User>>,
    pub removed: Removed,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub completed_at: Option<DateTime<Utc>>,
    pub certificate: Option<String>,
    pub revision: i64,
}
