//! What a relation is: two customers, what the first is to the second, and from when until when.

use chrono::{DateTime, NaiveDate, Utc};
use kluis_core::kernel::id::{Customer, Tenant};
use kluis_core::kernel::{Faults, Id, Phrase, Problem};
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::customers::model::CustomerKind;
use crate::web::{Ident, Timestamp};

kluis_core::kinds! {
    /// A relation between two customers.
    Relation = "rel",
}

/// What the first customer is to the second.
#[derive(Enum, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum RelationKind {
    /// A person, of a household.
    HouseholdMember,
    /// A person, of an organisation.
    ContactPerson,
    /// Of a person; the same the other way round.
    Partner,
    /// Of a person.
    Parent,
    /// Of a person who can't act alone.
    Guardian,
    /// An organisation, of a person.
    Employer,
    /// Who brought the other in.
    Referrer,
    /// An organisation, of another one that belongs to it.
    ParentOrganisation,
}

impl RelationKind {
    const ALL: [Self; 8] = [
        Self::HouseholdMember,
        Self::ContactPerson,
        Self::Partner,
        Self::Parent,
        Self::Guardian,
        Self::Employer,
        Self::Referrer,
        Self::ParentOrganisation,
    ];

    pub const fn code(self) -> &'static str {
        match self {
            Self::HouseholdMember => "household_member",
            Self::ContactPerson => "contact_person",
            Self::Partner => "partner",
            Self::Parent => "parent",
            Self::Guardian => "guardian",
            Self::Employer => "employer",
            Self::Referrer => "referrer",
            Self::ParentOrganisation => "parent_organisation",
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Whether it is the same the other way round, so that it may stand only once.
    pub const fn is_mutual(self) -> bool {
        matches!(self, Self::Partner)
    }

    /// Whether customers of these kinds can stand in it.
    pub fn fits(self, from: CustomerKind, to: CustomerKind) -> bool {
        use CustomerKind::{Household, Organisation, Person};
        match self {
            Self::HouseholdMember => (from, to) == (Person, Household),
            Self::ContactPerson => (from, to) == (Person, Organisation),
            Self::Partner | Self::Parent => (from, to) == (Person, Person),
            Self::Guardian => from != Household && to == Person,
            Self::Employer => (from, to) == (Organisation, Person),
            Self::Referrer => true,
            Self::ParentOrganisation => (from, to) == (Organisation, Organisation),
        }
    }
}

/// A relation to be written: the customer of the path is the `kind` of the customer `toId`.
#[derive(Object, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, example)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RelationDraft {
    /// Can't be changed later.
    pub kind: RelationKind,
    /// The second customer; can't be changed later.
    pub to_id: Ident<Customer>,
    /// The first day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_on: Option<NaiveDate>,
    /// The last day; a relation that has ended is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_on: Option<NaiveDate>,
}

const EXAMPLE: Uuid = Uuid::from_u128(0x0193_2f5e_8a70_7abc_8def_0123_4567_89ab);

impl Example for RelationDraft {
    fn example() -> Self {
        Self {
            kind: RelationKind::HouseholdMember,
            to_id: Id::from_uuid(EXAMPLE).into(),
            starts_on: NaiveDate::from_ymd_opt(2026, 1, 1),
            ends_on: None,
        }
    }
}

impl RelationDraft {
    /// Faults of the dates.
    pub fn check(&self) -> Result<(), Problem> {
        const ORDER: Phrase = Phrase { en: "It ends before it starts.", nl: "Het einde ligt voor het begin." };
        let mut faults = Faults::new();
        if self.starts_on.zip(self.ends_on).is_some_and(|(start, end)| end < start) {
            faults.add("/endsOn", "order", ORDER);
        }
        faults.into_result()
    }
}

/// A relation: the customer `fromId` is the `kind` of the customer `toId`.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase")]
pub struct RelationView {
    pub id: Ident<Relation>,
    pub tenant_id: Ident<Tenant>,
    pub kind: RelationKind,
    pub from_id: Ident<Customer>,
    pub to_id: Ident<Customer>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_on: Option<NaiveDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_on: Option<NaiveDate>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub revision: i64,
}

/// A relation as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelationRecord {
    pub tenant: Id<Tenant>,
    pub id: Id<Relation>,
    pub from: Id<Customer>,
    pub to: Id<Customer>,
    pub kind: RelationKind,
    pub starts_on: Option<NaiveDate>,
    pub ends_on: Option<NaiveDate>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub revision: i64,
}

impl RelationRecord {
    /// The end that isn't `customer`.
    pub fn other(&self, customer: Id<Customer>) -> Id<Customer> {
        if self.from == customer { self.to } else { self.from }
    }

    /// The writable form.
    pub fn draft(&self) -> RelationDraft {
        RelationDraft { kind: self.kind, to_id: self.to.into(), starts_on: self.starts_on, ends_on: self.ends_on }
    }
}

impl From<&RelationRecord> for RelationView {
    fn from(record: &RelationRecord) -> Self {
        Self {
            id: record.id.into(),
            tenant_id: record.tenant.into(),
            kind: record.kind,
            from_id: record.from.into(),
            to_id: record.to.into(),
            starts_on: record.starts_on,
            ends_on: record.ends_on,
            created_at: record.created_at.into(),
            updated_at: record.updated_at.into(),
            revision: record.revision,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_code_and_fits_somebody() {
        let kinds = CustomerKind::ALL;
        for kind in RelationKind::ALL {
            assert_eq!(RelationKind::from_code(kind.code()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.code());
            assert!(kinds.iter().any(|a| kinds.iter().any(|b| kind.fits(*a, *b))), "{kind:?}");
        }
        assert!(!RelationKind::Partner.fits(CustomerKind::Person, CustomerKind::Organisation));
    }

    #[test]
    fn an_end_lies_after_its_beginning() {
        let mut draft = RelationDraft::example();
        draft.ends_on = draft.starts_on;
        assert!(draft.check().is_ok());
        draft.ends_on = NaiveDate::from_ymd_opt(2025, 12, 31);
        assert_eq!(draft.check().unwrap_err().faults[0].pointer, "/endsOn");
    }
}
