//! A customer's row and its JSON: the bytes that Kluis gives.

use chrono::DateTime;
use kluis::entropy::SystemEntropy;
use kluis::web::{Ident, Timestamp};
use kluis_core::kernel::id::{Customer, Tenant, User};
use kluis_core::kernel::{Clock, Id};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

/// The header in which the load program says for whom it asks.
pub const TENANT: &str = "tenant";

/// A row as it is stored. Compartments are JSON, handed on as they stand.
pub struct Row {
    pub tenant_id: Uuid,
    pub id: Uuid,
    pub kind: String,
    pub status: String,
    pub owner_id: Option<Uuid>,
    pub created_at: i64,
    pub updated_at: i64,
    pub archived_at: Option<i64>,
    pub preferred_channel: Option<String>,
    pub language: String,
    pub region: Option<String>,
    pub source: String,
    pub legal_basis: String,
    pub consented_purposes: Option<String>,
    pub last_contact_at: Option<i64>,
    pub revision: i64,
    /// Identity, contact, financial, profile, notes, special.
    pub parts: [Option<String>; 6],
    pub withheld: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RowView<'a> {
    id: Ident<Customer>,
    tenant_id: Ident<Tenant>,
    kind: &'a str,
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner_id: Option<Ident<User>>,
    language: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_channel: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
    source: &'a str,
    legal_basis: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    consented_purposes: Option<&'a RawValue>,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    archived_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_contact_at: Option<Timestamp>,
    revision: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    financial: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    special: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    withheld: Option<&'a RawValue>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PageView<'a> {
    items: Vec<RowView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl<'a> PageView<'a> {
    pub fn of(rows: &'a [Row], next_cursor: Option<String>) -> Self {
        Self { items: rows.iter().map(Row::view).collect(), next_cursor }
    }
}

impl Row {
    pub fn view(&self) -> RowView<'_> {
        let [identity, contact, financial, profile, notes, special] =
            self.parts.each_ref().map(|part| raw(part.as_deref()));
        RowView {
            id: Ident(Id::from_uuid(self.id)),
            tenant_id: Ident(Id::from_uuid(self.tenant_id)),
            kind: &self.kind,
            status: &self.status,
            owner_id: self.owner_id.map(|id| Ident(Id::from_uuid(id))),
            language: &self.language,
            preferred_channel: self.preferred_channel.as_deref(),
            region: self.region.as_deref(),
            source: &self.source,
            legal_basis: &self.legal_basis,
            consented_purposes: raw(self.consented_purposes.as_deref()),
            created_at: time(self.created_at),
            updated_at: time(self.updated_at),
            archived_at: self.archived_at.map(time),
            last_contact_at: self.last_contact_at.map(time),
            revision: self.revision,
            identity,
            contact,
            financial,
            profile,
            notes,
            special,
            withheld: raw(self.withheld.as_deref()),
        }
    }

    /// A new row out of what was sent.
    pub fn new(tenant_id: Uuid, draft: &Draft<'_>) -> Self {
        let at = Clock::System.now();
        let id: Id<Customer> = Id::new(at, &SystemEntropy::default());
        let now = at.timestamp_micros();
        let part = |part: Option<&RawValue>| part.map(|json| json.get().to_owned());
        Self {
            tenant_id,
            id: id.uuid(),
            kind: draft.kind.to_owned(),
            status: draft.status.to_owned(),
            owner_id: None,
            created_at: now,
            updated_at: now,
            archived_at: None,
            preferred_channel: None,
            language: draft.language.to_owned(),
            region: draft.region(),
            source: draft.source.to_owned(),
            legal_basis: draft.legal_basis.to_owned(),
            consented_purposes: None,
            last_contact_at: None,
            revision: 1,
            parts: [
                part(Some(draft.identity)),
                serde_json::to_string(&draft.contact).ok(),
                None,
                part(draft.profile),
                None,
                None,
            ],
            withheld: None,
        }
    }
}

/// What is stored was JSON when it came; anything else is left out.
fn raw(text: Option<&str>) -> Option<&RawValue> {
    text.and_then(|text| serde_json::from_str(text).ok())
}

fn time(micros: i64) -> Timestamp {
    Timestamp(DateTime::from_timestamp_micros(micros).unwrap_or_default())
}

/// What the load program sends to make a customer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Draft<'a> {
    kind: &'a str,
    status: &'a str,
    language: &'a str,
    source: &'a str,
    legal_basis: &'a str,
    #[serde(borrow)]
    identity: &'a RawValue,
    #[serde(borrow)]
    contact: Contact<'a>,
    #[serde(borrow, default)]
    profile: Option<&'a RawValue>,
}

/// The part of contact data that something is found by.
#[derive(Deserialize, Serialize)]
pub struct Contact<'a> {
    #[serde(borrow)]
    emails: Vec<Email<'a>>,
    #[serde(borrow)]
    phones: Vec<Phone<'a>>,
    #[serde(borrow)]
    addresses: Vec<Address<'a>>,
}

#[derive(Deserialize, Serialize)]
struct Email<'a> {
    address: &'a str,
    primary: bool,
}

#[derive(Deserialize, Serialize)]
struct Phone<'a> {
    number: &'a str,
    primary: bool,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Address<'a> {
    street: &'a str,
    house_number: &'a str,
    postcode: &'a str,
    city: &'a str,
    country: &'a str,
    primary: bool,
}

impl Contact<'_> {
    /// What the customer is found by: as many rows as Kluis writes for it.
    pub fn values(&self) -> Vec<(&'static str, String)> {
        let emails = self.emails.iter().map(|email| ("email", email.address.to_lowercase()));
        let phones = self.phones.iter().map(|phone| ("phone", phone.number.to_owned()));
        let addresses = self.addresses.iter();
        let addresses = addresses.map(|address| ("address", format!("{} {}", address.postcode, address.house_number)));
        emails.chain(phones).chain(addresses).collect()
    }
}

impl Draft<'_> {
    pub fn values(&self) -> Vec<(&'static str, String)> {
        self.contact.values()
    }

    fn region(&self) -> Option<String> {
        self.contact.addresses.first().and_then(|address| address.postcode.get(..2)).map(str::to_owned)
    }
}
