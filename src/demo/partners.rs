//! The generator of franchise partners: who runs each franchisee, under which contract, and whom to talk to there.
//!
//! Must never: use a number, an address or a name of anybody real.

use chrono::{DateTime, Datelike, NaiveDate, Utc};

use super::contact;
use super::network::{NETWORK, Unit};
use super::random::Random;
use super::words;
use crate::partners::model::{
    ContactDraft, ContactNames, Function, PartnerDraft, PartnerIdentity, PartnerStatus, Reach,
};
use crate::tenants::model::TenantKind;

/// A stream of its own, so that the customers don't change with it.
const STREAM: u64 = 1 << 32;
/// Numbers of telephones that no customer has.
const FIRST_NUMBER: u32 = 90_000;
const NUMBERS_EACH: u32 = 4;

/// A partner to be made.
pub struct Drawn {
    /// Position of the tenant in [`NETWORK`].
    pub unit: usize,
    pub partner: PartnerDraft,
    /// The first one is asked first.
    pub people: Vec<ContactDraft>,
}

/// The partners of all franchisees, without their tenants' ids.
pub fn partners(seed: u64, today: DateTime<Utc>) -> Vec<Drawn> {
    let franchisees = NETWORK.iter().enumerate().filter(|(_, unit)| unit.kind == TenantKind::Franchisee);
    (0_u32..).zip(franchisees).map(|(number, (position, unit))| draw(seed, today, number, (position, unit))).collect()
}

fn draw(seed: u64, today: DateTime<Utc>, number: u32, (position, unit): (usize, &Unit)) -> Drawn {
    let mut random = Random::new(seed, STREAM + u64::from(number));
    let phone = FIRST_NUMBER + number * NUMBERS_EACH;
    let began = today.year() - i32::try_from(random.between(1, 9)).unwrap_or(1);
    let partner = PartnerDraft {
        tenant_id: None,
        status: PartnerStatus::Active,
        country: "NL".to_owned(),
        contract_starts: NaiveDate::from_ymd_opt(began, 1, 1),
        contract_ends: NaiveDate::from_ymd_opt(began + 10, 12, 31),
        identity: PartnerIdentity {
            legal_name: format!("Voorbeeld Exploitatie {} B.V.", unit.town),
            trade_name: Some(format!("Voorbeeld Wonen {}", unit.name)),
            kvk_number: Some(unit.kvk_number.to_owned()),
            vat_number: Some(contact::vat_number(&mut random)),
            contract_number: Some(format!("FR-{began}-{:03}", number + 1)),
            terms: Some("Fictief contract: verzorgingsgebied, huisstijl en afdracht volgens het handboek.".to_owned()),
        },
        contact: Some(Reach {
            emails: vec![format!("directie@{}.example", unit.key)],
            phones: vec![contact::mobile(phone, &mut random)],
            postal_address: Some(format!(
                "{} {}, {} {}",
                contact::street(&mut random),
                random.between(1, 240),
                contact::postcode(unit.postcode_region, &mut random),
                unit.town
            )),
        }),
        financial: None,
    };
    let second = random.pick(&[Function::Manager, Function::Finance, Function::Director]);
    let functions = [Function::Owner, second];
    let count = if random.chance(60) { 2 } else { 1 };
    let people = functions.into_iter().zip(phone + 1..).take(count);
    let people = people.map(|(function, phone)| person(unit, function, phone, &mut random)).collect();
    Drawn { unit: position, partner, people }
}

fn person(unit: &Unit, function: Function, phone: u32, random: &mut Random) -> ContactDraft {
    let is_woman = random.chance(50);
    let given_name = random.pick(if is_woman { words::WOMEN } else { words::MEN });
    let (prefix, family_name) = random.pick(words::FAMILIES);
    let before_at = format!("{}.{}{}", words::ascii(given_name), words::ascii(prefix), words::ascii(family_name));
    ContactDraft {
        function,
        language: "nl".to_owned(),
        primary: function == Function::Owner,
        identity: ContactNames {
            given_name: Some(given_name.to_owned()),
            prefix: Some(prefix.to_owned()).filter(|prefix| !prefix.is_empty()),
            family_name: family_name.to_owned(),
            ..ContactNames::default()
        },
        contact: Some(Reach {
            emails: vec![format!("{before_at}@{}.example", unit.key)],
            phones: vec![contact::mobile(phone, random)],
            postal_address: None,
        }),
    }
}

#[cfg(test)]
mod tests {
    use kluis_core::kernel::clock::from_micros;

    use super::super::SEED;
    use super::*;

    fn all() -> Vec<Drawn> {
        partners(SEED, from_micros(1_795_000_000_000_000))
    }

    #[test]
    fn every_franchisee_has_one_with_somebody_to_talk_to() {
        let all = all();
        assert_eq!(all.len(), 8);
        for drawn in &all {
            assert!((1..=2).contains(&drawn.people.len()));
            assert!(drawn.people[0].primary && drawn.people.iter().filter(|person| person.primary).count() == 1);
            assert!(drawn.partner.identity.kvk_number.as_ref().is_some_and(|number| number.starts_with("99")));
        }
    }

    #[test]
    fn no_mail_can_reach_anybody_and_the_same_seed_gives_the_same() {
        for (one, other) in all().iter().zip(all()) {
            assert!(one.partner == other.partner && one.people == other.people);
            let reached = one.people.iter().filter_map(|person| person.contact.as_ref());
            for reach in reached.chain(one.partner.contact.as_ref()) {
                assert!(reach.emails.iter().all(|email| email.ends_with(".example") && email.is_ascii()));
            }
        }
    }
}
