//! The erasure ledger: an entry for each subject whose key was destroyed, each bound to the one before it by a MAC.
//!
//! It stands in the database and, as a copy, in a file outside of it. Whoever puts back an old backup of data and keys gets
//! a ledger that is shorter than the copy: the program sees that, and erases once more what the copy names.
//!
//! Must never: name a person (ids are random), take an entry that this installation's key didn't sign, or lose one that
//! was acknowledged.

mod copy;

use chrono::{DateTime, SubsecRound as _, Utc};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{KeyId, MacKey};

pub use copy::{LedgerCopy, LedgerFault};

/// What the first entry stands behind.
pub const BEGIN: [u8; 32] = [0; 32];

/// One erasure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// From 1, without gaps.
    pub number: u64,
    /// To the microsecond, as the databases keep it.
    pub at: DateTime<Utc>,
    pub tenant: Uuid,
    pub subject: Uuid,
    pub key: KeyId,
}

impl Entry {
    pub fn new(number: u64, at: DateTime<Utc>, tenant: Uuid, subject: Uuid, key: KeyId) -> Self {
        Self { number, at: at.trunc_subsecs(6), tenant, subject, key }
    }

    /// The MAC over the one before and all fields, which have fixed lengths.
    pub fn link(&self, key: &MacKey, before: &[u8; 32]) -> [u8; 32] {
        let mut message = Vec::with_capacity(128);
        message.extend_from_slice(b"kluis erasure 1\0");
        message.extend_from_slice(before);
        message.extend_from_slice(&self.number.to_be_bytes());
        message.extend_from_slice(&self.at.timestamp_micros().to_be_bytes());
        message.extend_from_slice(self.tenant.as_bytes());
        message.extend_from_slice(self.subject.as_bytes());
        message.extend_from_slice(self.key.as_bytes());
        key.sign(&message)
    }
}

/// An entry with its link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Linked {
    pub entry: Entry,
    pub link: [u8; 32],
}

impl Linked {
    /// Puts an entry behind another one.
    pub fn behind(entry: Entry, key: &MacKey, before: &[u8; 32]) -> Self {
        Self { entry, link: entry.link(key, before) }
    }

    /// Whether it stands behind the one with this number and link.
    fn follows(&self, key: &MacKey, (number, link): (u64, &[u8; 32])) -> bool {
        self.entry.number == number + 1 && self.entry.link(key, link) == self.link
    }
}

/// Where a chain of entries breaks: the number of the first one that doesn't stand behind the one before it.
pub fn broken_at(entries: &[Linked], key: &MacKey) -> Option<u64> {
    let mut end = (0, BEGIN);
    for linked in entries {
        if !linked.follows(key, (end.0, &end.1)) {
            return Some(end.0 + 1);
        }
        end = (linked.entry.number, linked.link);
    }
    None
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    n: u64,
    /// Microseconds since 1970.
    at: i64,
    tenant: Uuid,
    subject: Uuid,
    key: String,
    mac: String,
}

impl Line {
    fn of(linked: &Linked) -> Self {
        let Entry { number, at, tenant, subject, key } = linked.entry;
        let mac = HEXLOWER.encode(&linked.link);
        Self { n: number, at: at.timestamp_micros(), tenant, subject, key: HEXLOWER.encode(key.as_bytes()), mac }
    }

    fn into_linked(self) -> Option<Linked> {
        let key = HEXLOWER.decode(self.key.as_bytes()).ok()?.try_into().ok()?;
        let link = HEXLOWER.decode(self.mac.as_bytes()).ok()?.try_into().ok()?;
        let at = DateTime::from_timestamp_micros(self.at)?;
        let key = KeyId::from_bytes(key);
        Some(Linked { entry: Entry { number: self.n, at, tenant: self.tenant, subject: self.subject, key }, link })
    }
}
