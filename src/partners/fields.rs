//! The declaration of the data of franchise partners and their contact people.
//!
//! Must never: hold a value, or leave out what a view shows or a table keeps.

use kluis_core::privacy::{ColumnDeclaration as Column, Compartment, FieldDeclaration};

const PARTNER: &str = "partner";
const CONTACT: &str = "partner_contact";
const PARTNERS: &str = "partners";
const CONTACTS: &str = "partner_contacts";

const fn of(
    entity: &'static str,
    compartment: Option<Compartment>,
    category: &'static str,
    field: &'static str,
) -> FieldDeclaration {
    FieldDeclaration {
        entity,
        field,
        compartment,
        category,
        purposes: &["contract", "billing", "compliance", "administration"],
        retention_class: "partner",
    }
}

const fn identity(category: &'static str, field: &'static str) -> FieldDeclaration {
    of(PARTNER, Some(Compartment::Identity), category, field)
}

const fn reach(entity: &'static str, category: &'static str, field: &'static str) -> FieldDeclaration {
    of(entity, Some(Compartment::Contact), category, field)
}

const fn name(field: &'static str) -> FieldDeclaration {
    of(CONTACT, Some(Compartment::Identity), "dpv-pd:Name", field)
}

const fn plain(entity: &'static str, field: &'static str) -> FieldDeclaration {
    of(entity, None, "dpv-pd:Professional", field)
}

/// Every field of a partner and of a contact person.
pub const FIELDS: &[FieldDeclaration] = &[
    identity("dpv-pd:Name", "legalName"),
    identity("dpv-pd:Name", "tradeName"),
    identity("dpv-pd:UID", "kvkNumber"),
    identity("dpv-pd:UID", "vatNumber"),
    identity("dpv-pd:UID", "contractNumber"),
    identity("dpv-pd:Transactional", "terms"),
    reach(PARTNER, "dpv-pd:EmailAddress", "emails"),
    reach(PARTNER, "dpv-pd:TelephoneNumber", "phones"),
    reach(PARTNER, "dpv-pd:PhysicalAddress", "postalAddress"),
    of(PARTNER, Some(Compartment::Financial), "dpv-pd:BankAccount", "iban"),
    of(PARTNER, Some(Compartment::Financial), "dpv-pd:BankAccount", "accountHolder"),
    plain(PARTNER, "status"),
    plain(PARTNER, "country"),
    plain(PARTNER, "contractStarts"),
    plain(PARTNER, "contractEnds"),
    name("displayName"),
    name("initials"),
    name("givenName"),
    name("prefix"),
    name("familyName"),
    reach(CONTACT, "dpv-pd:EmailAddress", "emails"),
    reach(CONTACT, "dpv-pd:TelephoneNumber", "phones"),
    reach(CONTACT, "dpv-pd:PhysicalAddress", "postalAddress"),
    plain(CONTACT, "partnerId"),
    plain(CONTACT, "function"),
    plain(CONTACT, "language"),
    plain(CONTACT, "primary"),
];

/// Every column of partners and contact people.
pub const COLUMNS: &[Column] = &[
    Column::sealed(PARTNERS, PARTNER, Compartment::Identity),
    Column::sealed(PARTNERS, PARTNER, Compartment::Contact),
    Column::sealed(PARTNERS, PARTNER, Compartment::Financial),
    Column::plain(PARTNERS, "status", PARTNER, "status"),
    Column::plain(PARTNERS, "country", PARTNER, "country"),
    Column::plain(PARTNERS, "contract_starts", PARTNER, "contractStarts"),
    Column::plain(PARTNERS, "contract_ends", PARTNER, "contractEnds"),
    Column::sealed(CONTACTS, CONTACT, Compartment::Identity),
    Column::sealed(CONTACTS, CONTACT, Compartment::Contact),
    Column::plain(CONTACTS, "partner_id", CONTACT, "partnerId"),
    Column::plain(CONTACTS, "function", CONTACT, "function"),
    Column::plain(CONTACTS, "language", CONTACT, "language"),
    Column::plain(CONTACTS, "is_primary", CONTACT, "primary"),
];
