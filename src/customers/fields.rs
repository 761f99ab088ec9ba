//! The declaration of a customer's data: each field and each column, with its compartment, category and purposes.
//!
//! Must never: hold a value, or leave out what a view shows or a table keeps.

use kluis_core::privacy::{ColumnDeclaration as Column, Compartment, FieldDeclaration};

const CUSTOMER: &str = "customer";
const TABLE: &str = "customers";
/// Why people's data is held at all; billing is added where money is concerned.
const USUAL: &[&str] = &["contract", "service", "marketing", "compliance", "self_service"];
const MONEY: &[&str] = &["contract", "billing", "compliance", "self_service"];

const fn of(compartment: Compartment, category: &'static str) -> FieldDeclaration {
    FieldDeclaration {
        entity: CUSTOMER,
        field: "",
        compartment: Some(compartment),
        category,
        purposes: USUAL,
        retention_class: "customer",
    }
}

const PLAIN: FieldDeclaration =
    FieldDeclaration { compartment: None, ..of(Compartment::Identity, "dpv-pd:Preference") };
const NAME: FieldDeclaration = of(Compartment::Identity, "dpv-pd:Name");
const NUMBER: FieldDeclaration = of(Compartment::Identity, "dpv-pd:UID");
const EMAIL: FieldDeclaration = of(Compartment::Contact, "dpv-pd:EmailAddress");
const PHONE: FieldDeclaration = of(Compartment::Contact, "dpv-pd:TelephoneNumber");
const ADDRESS: FieldDeclaration = of(Compartment::Contact, "dpv-pd:PhysicalAddress");
const HANDLE: FieldDeclaration = of(Compartment::Contact, "dpv-pd:Username");
const BANK: FieldDeclaration = FieldDeclaration { purposes: MONEY, ..of(Compartment::Financial, "dpv-pd:BankAccount") };
const PROFILE: FieldDeclaration = of(Compartment::Profile, "dpv-pd:Interest");

/// Every field of a customer.
pub const FIELDS: &[FieldDeclaration] = &[
    NAME.named("displayName"),
    NUMBER.named("externalIds[].system"),
    NUMBER.named("externalIds[].id"),
    NAME.named("household.name"),
    NAME.named("organisation.name"),
    NUMBER.named("organisation.kvkNumber"),
    NUMBER.named("organisation.branchNumber"),
    NUMBER.named("organisation.vatNumber"),
    NAME.named("person.title"),
    NAME.named("person.initials"),
    NAME.named("person.givenName"),
    NAME.named("person.prefix"),
    NAME.named("person.familyName"),
    NAME.named("person.partnerPrefix"),
    NAME.named("person.partnerFamilyName"),
    NAME.named("person.nameUse"),
    NAME.in_category("dpv-pd:BirthDate").named("person.birthDate"),
    NAME.in_category("dpv-pd:Gender").named("person.gender"),
    EMAIL.named("emails[].address"),
    EMAIL.named("emails[].label"),
    EMAIL.named("emails[].primary"),
    EMAIL.named("emails[].verified"),
    EMAIL.named("emails[].invalid"),
    PHONE.named("phones[].number"),
    PHONE.named("phones[].label"),
    PHONE.named("phones[].primary"),
    PHONE.named("phones[].verified"),
    PHONE.named("phones[].invalid"),
    ADDRESS.named("addresses[].street"),
    ADDRESS.named("addresses[].houseNumber"),
    ADDRESS.named("addresses[].addition"),
    ADDRESS.named("addresses[].postcode"),
    ADDRESS.named("addresses[].city"),
    ADDRESS.named("addresses[].country"),
    ADDRESS.named("addresses[].label"),
    ADDRESS.named("addresses[].primary"),
    ADDRESS.named("addresses[].verified"),
    ADDRESS.named("addresses[].invalid"),
    HANDLE.named("socialHandles[].network"),
    HANDLE.named("socialHandles[].handle"),
    BANK.named("bankAccounts[].iban"),
    BANK.named("bankAccounts[].holder"),
    BANK.named("bankAccounts[].primary"),
    BANK.in_category("dpv-pd:Transactional").named("paymentNotes"),
    PROFILE.named("interests"),
    // The tenant declares category and purposes of each of its own fields.
    PROFILE.in_category("dpv:PersonalData").named("customFields"),
    of(Compartment::Special, "dpv:SpecialCategoryPersonalData").named("customFields"),
    of(Compartment::Notes, "dpv-pd:Communication").named("remarks"),
    PLAIN.in_category("dpv-pd:Identifying").named("kind"),
    PLAIN.in_category("dpv-pd:Transactional").named("status"),
    PLAIN.in_category("dpv-pd:Professional").named("ownerId"),
    PLAIN.named("preferredChannel"),
    PLAIN.in_category("dpv-pd:Language").named("language"),
    PLAIN.in_category("dpv-pd:Location").named("region"),
    PLAIN.in_category("dpv-pd:Transactional").named("source"),
    PLAIN.in_category("dpv-pd:Transactional").named("legalBasis"),
    PLAIN.named("consentedPurposes"),
    PLAIN.in_category("dpv-pd:CommunicationsMetadata").named("lastContactAt"),
];

const fn plain(column: &'static str, field: &'static str) -> Column {
    Column::plain(TABLE, column, CUSTOMER, field)
}

/// Every column of customers and of the index by which they are found.
pub const COLUMNS: &[Column] = &[
    Column::sealed(TABLE, CUSTOMER, Compartment::Identity),
    Column::sealed(TABLE, CUSTOMER, Compartment::Contact),
    Column::sealed(TABLE, CUSTOMER, Compartment::Financial),
    Column::sealed(TABLE, CUSTOMER, Compartment::Profile),
    Column::sealed(TABLE, CUSTOMER, Compartment::Notes),
    Column::sealed(TABLE, CUSTOMER, Compartment::Special),
    Column::keyed(TABLE, "fingerprints", "nonce and tag of each sealed compartment"),
    plain("kind", "kind"),
    plain("status", "status"),
    plain("owner_id", "ownerId"),
    plain("preferred_channel", "preferredChannel"),
    plain("language", "language"),
    plain("region", "region"),
    plain("source", "source"),
    plain("legal_basis", "legalBasis"),
    plain("consents", "consentedPurposes"),
    plain("last_contact_at", "lastContactAt"),
    Column::impersonal("customer_index", "field", "which field it is that can be found"),
    Column::impersonal("customer_index", "version", "version of the index key"),
    Column::keyed("customer_index", "hash", "blind index: HMAC of the normalised value, cut short"),
    Column::impersonal("customer_index", "customer_id", "an id"),
];
