//! From the generator's drafts to what the API takes.

use std::collections::HashMap;

use kluis_core::kernel::{Id, id::Customer};

use super::draft::{AddressDraft, CustomerDraft as Draft, Labelled, PersonDraft, Who};
use crate::customers::model::{
    Address, BankAccount, Channel, Contact, CustomerDraft, CustomerKind, CustomerStatus, EmailAddress, ExternalId,
    Financial, Gender, Household, Identity, LegalBasis, NameUse, Notes, Organisation, Person, PhoneNumber, Profile,
};
use crate::interactions::model::{Direction, InteractionDraft, Sensitivity};
use crate::relations::model::{RelationDraft, RelationKind};
use crate::web::Ident;

/// The contacts with a customer, as a front-end would send them.
pub fn interactions(draft: &Draft, customer: Id<Customer>) -> impl Iterator<Item = InteractionDraft> {
    draft.interactions.iter().map(move |contact| InteractionDraft {
        customer_id: Ident(customer),
        channel: Channel::from_code(contact.channel).unwrap_or(Channel::Phone),
        direction: if contact.direction == "in" { Direction::Inbound } else { Direction::Outbound },
        occurred_at: contact.at.into(),
        sensitivity: Sensitivity::Normal,
        subject: Some(contact.subject.clone()),
        body: Some(contact.body.clone()),
        participants: Vec::new(),
    })
}

/// The relations of a customer with those that were made before, or together with it.
pub fn relations(
    draft: &Draft,
    known: &HashMap<u32, Id<Customer>>,
) -> impl Iterator<Item = (Id<Customer>, RelationDraft)> {
    draft.relations.iter().filter_map(|relation| {
        let (other, own) = (known.get(&relation.to)?, known.get(&draft.number)?);
        let kind = RelationKind::from_code(relation.kind)?;
        Some((*other, RelationDraft { kind, to_id: Ident(*own), starts_on: None, ends_on: None }))
    })
}

/// A customer as a front-end would send it.
pub fn customer(draft: &Draft) -> CustomerDraft {
    let is_prospect = draft.status == "prospect";
    CustomerDraft {
        kind: match draft.who {
            Who::Person(_) => CustomerKind::Person,
            Who::Organisation { .. } => CustomerKind::Organisation,
            Who::Household { .. } => CustomerKind::Household,
        },
        status: CustomerStatus::from_code(draft.status).unwrap_or(CustomerStatus::Active),
        owner_id: None,
        language: draft.language.to_owned(),
        preferred_channel: draft.preferred_channel.and_then(Channel::from_code),
        source: draft.source.to_owned(),
        legal_basis: if is_prospect { LegalBasis::Consent } else { LegalBasis::Contract },
        consented_purposes: if draft.takes_marketing { vec!["marketing".to_owned()] } else { Vec::new() },
        identity: identity(draft),
        contact: Some(contact(draft)),
        financial: financial(draft),
        profile: profile(draft),
        notes: draft.remark.map(|remark| Notes { remarks: Some(remark.to_owned()) }),
        special: None,
    }
}

fn identity(draft: &Draft) -> Identity {
    let mut identity = Identity {
        external_ids: vec![ExternalId { system: "kassa".to_owned(), id: draft.till_number.clone() }],
        ..Identity::default()
    };
    match &draft.who {
        Who::Person(who) => identity.person = Some(person(who)),
        Who::Organisation { name, kvk_number, vat_number } => {
            identity.organisation = Some(Organisation {
                name: name.clone(),
                kvk_number: Some(kvk_number.clone()),
                branch_number: None,
                vat_number: vat_number.clone(),
            });
        }
        Who::Household { name } => identity.household = Some(Household { name: name.clone() }),
    }
    identity
}

fn person(who: &PersonDraft) -> Person {
    let (partner_prefix, partner_family_name) = who.partner.unzip();
    Person {
        initials: Some(who.initials.clone()),
        given_name: Some(who.given_name.to_owned()),
        prefix: filled(who.prefix),
        family_name: Some(who.family_name.to_owned()),
        partner_prefix: partner_prefix.and_then(filled),
        partner_family_name: partner_family_name.and_then(filled),
        name_use: Some(match who.name_use {
            "partner" => NameUse::Partner,
            "partner_own" => NameUse::PartnerOwn,
            "own_partner" => NameUse::OwnPartner,
            _ => NameUse::Own,
        }),
        title: None,
        birth_date: Some(who.birth_date.to_string()),
        gender: Some(match who.gender {
            "female" => Gender::Female,
            "male" => Gender::Male,
            _ => Gender::NotStated,
        }),
    }
}

fn contact(draft: &Draft) -> Contact {
    let email = |(nth, email): (usize, &Labelled)| EmailAddress {
        address: email.value.clone(),
        label: Some(email.label.to_owned()),
        primary: nth == 0,
        verified: email.verified,
        invalid: false,
    };
    let phone = |(nth, phone): (usize, &Labelled)| PhoneNumber {
        number: phone.value.clone(),
        label: Some(phone.label.to_owned()),
        primary: nth == 0,
        verified: phone.verified,
        invalid: false,
    };
    let address = |(nth, address): (usize, &AddressDraft)| Address {
        label: Some(address.label.to_owned()),
        street: Some(address.street.clone()),
        house_number: Some(address.house_number.to_string()),
        addition: filled(address.addition),
        postcode: Some(address.postcode.clone()),
        city: Some(address.town.to_owned()),
        country: "NL".to_owned(),
        primary: nth == 0,
        verified: false,
        invalid: false,
    };
    Contact {
        emails: draft.emails.iter().enumerate().map(email).collect(),
        phones: draft.phones.iter().enumerate().map(phone).collect(),
        addresses: draft.addresses.iter().enumerate().map(address).collect(),
        social_handles: Vec::new(),
    }
}

fn financial(draft: &Draft) -> Option<Financial> {
    let iban = draft.iban.clone()?;
    let account = BankAccount { iban, holder: None, primary: true };
    Some(Financial { bank_accounts: vec![account], payment_notes: None })
}

fn profile(draft: &Draft) -> Option<Profile> {
    let interests: Vec<_> = draft.interests.iter().map(|interest| (*interest).to_owned()).collect();
    (!interests.is_empty()).then(|| Profile { interests, ..Profile::default() })
}

fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use kluis_core::kernel::CountryCode;
    use kluis_core::kernel::clock::from_micros;
    use kluis_core::privacy::CompartmentSet;

    use super::super::{SEED, customers::customers};
    use super::*;
    use crate::customers::model::{Rules, Valid};

    #[test]
    fn the_api_would_take_every_one_of_them() {
        let today = from_micros(1_795_000_000_000_000);
        let rules = Rules {
            today: today.date_naive(),
            country: CountryCode::NL,
            fields: &[],
            special_allowed: false,
            before: None,
            filled: CompartmentSet::EMPTY,
        };
        for draft in customers(SEED, today) {
            let faults = Valid::parse(customer(&draft), &rules).err().map(|problem| problem.faults);
            assert_eq!(faults, None, "{}", draft.number);
        }
    }
}
