//! What the generator gives: plain values, before any rule of the product has looked at them.

use chrono::{DateTime, NaiveDate, Utc};

/// One customer to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerDraft {
    /// Counts from 0 over the whole network.
    pub number: u32,
    /// Position of the tenant in [`super::network::NETWORK`].
    pub unit: usize,
    pub who: Who,
    /// `prospect`, `active` or `former`.
    pub status: &'static str,
    /// `web`, `phone`, `fair`, `referral` or `shop`.
    pub source: &'static str,
    /// BCP 47.
    pub language: &'static str,
    /// Agreed to get advertising.
    pub takes_marketing: bool,
    /// `email`, `phone` or `letter`.
    pub preferred_channel: Option<&'static str>,
    /// The first one is the primary one.
    pub emails: Vec<Labelled>,
    pub phones: Vec<Labelled>,
    pub addresses: Vec<AddressDraft>,
    pub iban: Option<String>,
    pub interests: Vec<&'static str>,
    pub remark: Option<&'static str>,
    /// Number in the till of the shop, an external id.
    pub till_number: String,
    pub relations: Vec<RelationDraft>,
    /// Oldest first.
    pub interactions: Vec<InteractionDraft>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    Person(PersonDraft),
    Organisation { name: String, kvk_number: String, vat_number: Option<String> },
    Household { name: String },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonDraft {
    pub initials: String,
    pub given_name: &'static str,
    /// Empty when the name has none.
    pub prefix: &'static str,
    pub family_name: &'static str,
    /// Prefix and family name of the partner, when they are used.
    pub partner: Option<(&'static str, &'static str)>,
    /// `own`, `partner`, `own_partner` or `partner_own`.
    pub name_use: &'static str,
    pub birth_date: NaiveDate,
    /// `female`, `male` or `unknown`.
    pub gender: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labelled {
    /// `home`, `work` or `mobile`.
    pub label: &'static str,
    pub value: String,
    pub verified: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressDraft {
    /// `home`, `visit` or `billing`.
    pub label: &'static str,
    pub street: String,
    pub house_number: u32,
    pub addition: &'static str,
    /// `1234 AB`.
    pub postcode: String,
    pub town: &'static str,
}

/// How this customer belongs to one with a smaller number, of the same tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelationDraft {
    /// `household_member`, `contact_person` or `partner`: what the other one is for this one.
    pub kind: &'static str,
    pub to: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InteractionDraft {
    /// `email`, `phone`, `visit`, `chat`, `social`, `letter` or `web`.
    pub channel: &'static str,
    /// `in` or `out`.
    pub direction: &'static str,
    pub at: DateTime<Utc>,
    pub subject: String,
    pub body: String,
}
