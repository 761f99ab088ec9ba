//! An event as it is shown: ids and codes, never a value of a person.

use std::collections::BTreeMap;

use kluis_core::audit::{Class, Detail, Event, Outcome};
use kluis_core::kernel::id::{AuditEvent, Tenant};
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::web::{Ident, Timestamp};

/// What kind of fact an event is.
#[derive(Enum, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum EventClass {
    /// Somebody looked at personal data.
    Read,
    /// Somebody changed something.
    Write,
    /// Sign-in, keys, policy, refused access.
    Security,
}

impl EventClass {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Security => "security",
        }
    }
}

/// What was decided.
#[derive(Enum, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum EventOutcome {
    Allowed,
    Denied,
    Failed,
}

/// An event of the audit log. It names people in the file by keyed hashes only, which tell nothing without the key.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, skip_serializing_if_is_empty, example)]
#[serde(rename_all = "camelCase")]
pub struct AuditEventView {
    pub id: Ident<AuditEvent>,
    /// Its place in the log; without gaps.
    pub seq: i64,
    pub at: Timestamp,
    /// The organisation that acted.
    pub tenant_id: Ident<Tenant>,
    /// The organisation whose record it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<Ident<Tenant>>,
    /// Who acted: a user's id, or `system:` and a name.
    pub actor: String,
    /// By which door: `api`, `console`, `command_line`, `job`.
    pub channel: String,
    /// The request, as the answer's `X-Request-Id` named it.
    pub request_id: String,
    pub class: EventClass,
    /// What was done: `customer.read`.
    pub action: String,
    pub entity: String,
    /// The record's UUID, where one record was meant: an id without its prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_id: Option<String>,
    /// How many people or organisations in the file it was about.
    pub subjects: i64,
    /// The compartments that were shown or changed.
    #[oai(default)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compartments: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    pub outcome: EventOutcome,
    /// Counts, codes and names of fields; never a value.
    #[oai(default)]
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub detail: BTreeMap<String, serde_json::Value>,
}

impl AuditEventView {
    /// The view of an event at its place in the log.
    pub fn new(seq: i64, event: &Event) -> Self {
        Self {
            id: event.id.into(),
            seq,
            at: event.at.into(),
            tenant_id: event.tenant.into(),
            owner_id: event.owner.map(Into::into),
            actor: event.actor.to_string(),
            channel: event.channel.to_string(),
            request_id: event.request.to_string(),
            class: match event.class {
                Class::Read => EventClass::Read,
                Class::Write => EventClass::Write,
                Class::Security => EventClass::Security,
            },
            action: event.action.to_string(),
            entity: event.entity.to_string(),
            record_id: event.record.map(|id| id.as_hyphenated().to_string()),
            subjects: i64::try_from(event.subjects.len()).unwrap_or(i64::MAX),
            compartments: event.compartment_names().into_iter().map(str::to_owned).collect(),
            purpose: Some(event.purpose.to_string()).filter(|purpose| !purpose.is_empty()),
            outcome: match event.outcome {
                Outcome::Allowed => EventOutcome::Allowed,
                Outcome::Denied => EventOutcome::Denied,
                Outcome::Failed => EventOutcome::Failed,
            },
            detail: event.detail.iter().map(|(name, detail)| (name.to_string(), value(detail))).collect(),
        }
    }
}

fn value(detail: &Detail) -> serde_json::Value {
    match detail {
        Detail::Count(count) => (*count).into(),
        Detail::Code(code) => code.to_string().into(),
        Detail::Names(names) => names.iter().map(ToString::to_string).collect::<Vec<_>>().into(),
    }
}

impl Example for AuditEventView {
    fn example() -> Self {
        const ID: Uuid = Uuid::from_u128(0x0193_2f5e_8a70_7abc_8def_0123_4567_89ab);
        let tenant = kluis_core::kernel::Id::from_uuid(ID);
        Self {
            id: kluis_core::kernel::Id::from_uuid(ID).into(),
            seq: 4711,
            at: chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap_or_default().into(),
            tenant_id: tenant.into(),
            owner_id: Some(tenant.into()),
            actor: "usr_01932f5e-8a70-7abc-8def-0123456789ab".to_owned(),
            channel: "api".to_owned(),
            request_id: "req_01932f5e-8a70-7abc-8def-0123456789ab".to_owned(),
            class: EventClass::Read,
            action: "customer.read".to_owned(),
            entity: "customer".to_owned(),
            record_id: Some(ID.as_hyphenated().to_string()),
            subjects: 1,
            compartments: vec!["identity".to_owned(), "contact".to_owned()],
            purpose: Some("contract".to_owned()),
            outcome: EventOutcome::Allowed,
            detail: BTreeMap::from([("records".to_owned(), 1.into())]),
        }
    }
}
