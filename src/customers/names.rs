//! Names for people to read, to sort by and to search: from the identity as it was sent to the kernel's names.

use kluis_core::kernel::name::{NameParts, NameUse as KernelUse};
use kluis_core::kernel::{OrganisationName, PersonName};
use kluis_core::privacy::directory::NameEntry;

use super::model::{Identity, NameUse, Person};

/// The kernel's form of a person's name; `None` when there is neither family name nor given name.
pub fn person_name(person: &Person) -> Option<PersonName> {
    let has_partner = !text(person.partner_family_name.as_ref()).trim().is_empty();
    // Who goes by a partner's name that isn't there is called, found and sorted by their own.
    let name_use = match person.name_use.filter(|_| has_partner) {
        None | Some(NameUse::Own) => KernelUse::Own,
        Some(NameUse::Partner) => KernelUse::Partner,
        Some(NameUse::PartnerOwn) => KernelUse::PartnerOwn,
        Some(NameUse::OwnPartner) => KernelUse::OwnPartner,
    };
    let parts = NameParts {
        title_before: text(person.title.as_ref()),
        initials: text(person.initials.as_ref()),
        given: text(person.given_name.as_ref()),
        prefix: text(person.prefix.as_ref()),
        family: text(person.family_name.as_ref()),
        partner_prefix: text(person.partner_prefix.as_ref()),
        partner_family: text(person.partner_family_name.as_ref()),
        name_use,
        title_after: "",
    };
    PersonName::parse(&parts).ok()
}

/// The name as people read it.
pub fn display(identity: &Identity) -> Option<String> {
    if let Some(person) = &identity.person {
        return person_name(person).map(|name| name.display().to_string());
    }
    identity
        .organisation
        .as_ref()
        .map(|o| o.name.clone())
        .or_else(|| identity.household.as_ref().map(|household| household.name.clone()))
}

/// What the directory holds of a customer.
pub fn entry(identity: &Identity) -> Option<NameEntry> {
    if let Some(name) = identity.person.as_ref().and_then(person_name) {
        return Some(NameEntry { tokens: name.tokens(), sort_key: name.sort_key() });
    }
    let organisation = identity.organisation.as_ref().map(|o| o.name.as_str());
    let name = organisation.or_else(|| identity.household.as_ref().map(|h| h.name.as_str()))?;
    let name = OrganisationName::parse(name).ok()?;
    Some(NameEntry { tokens: name.tokens(), sort_key: name.sort_key() })
}

fn text(part: Option<&String>) -> &str {
    part.map_or("", String::as_str)
}
