//! One event: who did what to which record, for what, and whether it was allowed. No values of people.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::access::{Action, Purpose, Scope, ScopedPermission};
use crate::kernel::id::{AuditEvent, Tenant};
use crate::kernel::{Id, Kind};
use crate::privacy::{Compartment, CompartmentSet};
use crate::store::{Args, Row, StoreError};

/// What kind of fact it is; the change feed follows the writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Read,
    Write,
    /// Sign-in, keys, policy, refused access.
    Security,
}

impl Class {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Security => "security",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::Read, Self::Write, Self::Security].into_iter().find(|class| class.as_str() == text)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Allowed,
    Denied,
    Failed,
}

impl Outcome {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::Allowed, Self::Denied, Self::Failed].into_iter().find(|outcome| outcome.as_str() == text)
    }
}

/// A detail that can't identify anybody: a count, a code, names of fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Detail {
    Count(i64),
    Code(Cow<'static, str>),
    Names(Vec<Cow<'static, str>>),
}

/// Length of a keyed subject hash in bytes.
pub const SUBJECT_HASH: usize = 16;

/// One fact. Subjects are keyed hashes, so that the log tells nothing without the tenant's key.
#[derive(Debug, Clone)]
pub struct Event {
    pub id: Id<AuditEvent>,
    pub at: DateTime<Utc>,
    /// The tenant that acted.
    pub tenant: Id<Tenant>,
    /// The tenant whose record it is, where there is one.
    pub owner: Option<Id<Tenant>>,
    /// `usr_…`, `job_…`, `system:…`.
    pub actor: Cow<'static, str>,
    pub channel: Cow<'static, str>,
    pub request: Cow<'static, str>,
    pub class: Class,
    /// `customer.read`, `session.create` …
    pub action: Cow<'static, str>,
    pub entity: Cow<'static, str>,
    pub record: Option<Uuid>,
    pub subjects: Vec<[u8; SUBJECT_HASH]>,
    /// Bit set of compartments that were disclosed or changed.
    pub compartments: i64,
    pub purpose: Cow<'static, str>,
    pub outcome: Outcome,
    pub detail: BTreeMap<Cow<'static, str>, Detail>,
}

impl Event {
    pub(crate) const SELECT_AFTER: &'static str = "SELECT seq, id, at, tenant_id, owner_id, actor, channel, request_id, \
        class, action, entity, record_id, subjects, compartments, purpose, outcome, detail, chain \
        FROM audit_events WHERE seq > $1 ORDER BY seq LIMIT $2";

    /// What the actor of a scope does with its entity: `customer.read`.
    pub fn of<P: ScopedPermission>(scope: &Scope<P>, id: Id<AuditEvent>, at: DateTime<Utc>) -> Self {
        let entity = P::OBJECT.as_str();
        let class = match P::ACTION {
            Action::Read | Action::Export | Action::Aggregate | Action::Reveal => Class::Read,
            _ => Class::Write,
        };
        Self {
            id,
            at,
            tenant: scope.tenant(),
            owner: None,
            actor: scope.actor().label().to_owned().into(),
            channel: scope.actor().channel().as_str().into(),
            request: scope.request().to_owned().into(),
            class,
            action: format!("{entity}.{}", P::ACTION.as_str()).into(),
            entity: entity.into(),
            record: None,
            subjects: Vec::new(),
            compartments: 0,
            purpose: scope.purpose().map_or("", Purpose::as_str).into(),
            outcome: Outcome::Allowed,
            detail: BTreeMap::new(),
        }
    }

    #[must_use]
    pub fn class(mut self, class: Class) -> Self {
        self.class = class;
        self
    }

    /// Names the record and the tenant that owns it.
    #[must_use]
    pub fn record<K: Kind>(mut self, record: Id<K>, owner: Id<Tenant>) -> Self {
        self.record = Some(record.uuid());
        self.owner = Some(owner);
        self
    }

    #[must_use]
    pub fn owner(mut self, owner: Id<Tenant>) -> Self {
        self.owner = Some(owner);
        self
    }

    /// Keyed hashes of the people or organisations that the event is about.
    #[must_use]
    pub fn subjects(mut self, subjects: impl IntoIterator<Item = [u8; SUBJECT_HASH]>) -> Self {
        self.subjects.extend(subjects);
        self
    }

    #[must_use]
    pub fn compartments(mut self, set: CompartmentSet) -> Self {
        self.compartments = set.iter().fold(0, |bits, c| bits | (1 << c.index()));
        self
    }

    #[must_use]
    pub const fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    #[must_use]
    pub fn count(mut self, name: &'static str, count: usize) -> Self {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.detail.insert(name.into(), Detail::Count(count));
        self
    }

    /// A code out of a fixed list, never what somebody typed.
    #[must_use]
    pub fn code(mut self, name: &'static str, code: impl Into<Cow<'static, str>>) -> Self {
        self.detail.insert(name.into(), Detail::Code(code.into()));
        self
    }

    /// Names of fields that changed or were asked for.
    #[must_use]
    pub fn names<N: Into<Cow<'static, str>>>(mut self, name: &'static str, names: impl IntoIterator<Item = N>) -> Self {
        self.detail.insert(name.into(), Detail::Names(names.into_iter().map(Into::into).collect()));
        self
    }

    /// The compartments of the bit set, in their order.
    pub fn compartment_names(&self) -> Vec<&'static str> {
        let held = |c: &Compartment| self.compartments & (1 << c.index()) != 0;
        Compartment::ALL.into_iter().filter(held).map(Compartment::name).collect()
    }

    pub(super) fn subject_bytes(&self) -> Vec<u8> {
        self.subjects.concat()
    }

    pub(super) fn detail_json(&self) -> String {
        // Maps of strings to strings and numbers always serialise.
        serde_json::to_string(&self.detail).unwrap_or_default()
    }

    pub(super) fn columns(&self, seq: i64, chain: &[u8; 32]) -> Args {
        let mut columns = crate::args![seq];
        columns.append(self.facts());
        columns.with(*chain)
    }

    /// All columns but the number and the link, which tell its place.
    pub(super) fn facts(&self) -> Args {
        crate::args![
            self.id,
            self.at,
            self.tenant,
            self.owner,
            &*self.actor,
            &*self.channel,
            &*self.request,
            self.class.as_str(),
            &*self.action,
            &*self.entity,
            self.record,
            self.subject_bytes(),
            self.compartments,
            &*self.purpose,
            self.outcome.as_str(),
            self.detail_json(),
        ]
    }

    /// Reads a row as the statements of this type select it: sequence number, event, stored chain hash.
    pub fn from_row(row: &Row) -> Result<(i64, Self, [u8; 32]), StoreError> {
        let class = Class::parse(&row.text(8)?).ok_or(StoreError::Row(8))?;
        let outcome = Outcome::parse(&row.text(15)?).ok_or(StoreError::Row(15))?;
        let (subjects, rest) = {
            let bytes = row.blob(12)?;
            let (chunks, rest) = bytes.as_chunks::<SUBJECT_HASH>();
            (chunks.to_vec(), rest.len())
        };
        if rest != 0 {
            return Err(StoreError::Row(12));
        }
        let event = Self {
            id: row.id(1)?,
            at: row.time(2)?,
            tenant: row.id(3)?,
            owner: row.opt_id(4)?,
            actor: row.text(5)?.into(),
            channel: row.text(6)?.into(),
            request: row.text(7)?.into(),
            class,
            action: row.text(9)?.into(),
            entity: row.text(10)?.into(),
            record: row.opt_uuid(11)?,
            subjects,
            compartments: row.int(13)?,
            purpose: row.text(14)?.into(),
            outcome,
            detail: serde_json::from_str(&row.text(16)?).map_err(|_| StoreError::Row(16))?,
        };
        Ok((row.int(0)?, event, row.array(17)?))
    }
}
