//! The laws of weighing: both ways round the same, nobody more than a copy, nothing for what isn't seen.

use kluis_core::kernel::CountryCode;
use proptest::prelude::*;

use super::traits::Traits;
use super::{ReasonCode, compare};
use crate::customers::model::{
    Address, BankAccount, Contact, EmailAddress, ExternalId, Financial, Identity, Organisation, Person, PhoneNumber,
};

/// What is known of somebody, compartment by compartment.
type Known = (Option<Identity>, Option<Contact>, Option<Financial>);

fn traits((identity, contact, financial): &Known) -> Traits {
    Traits::of(identity.clone(), contact.clone(), financial.clone(), CountryCode::NL)
}

/// Made-up values to draw from: personal structures can't be printed, so that a test's own can be.
#[derive(Debug, Clone)]
struct Sample {
    /// Given name, initials, prefix, family name, partner's name, date of birth.
    person: Option<[Option<&'static str>; 6]>,
    organisation: Option<(&'static str, Option<&'static str>)>,
    external_id: Option<&'static str>,
    contact: Option<(Vec<&'static str>, Option<&'static str>, Option<&'static str>)>,
    iban: Option<Option<&'static str>>,
}

fn maybe(words: &'static [&'static str]) -> impl Strategy<Value = Option<&'static str>> {
    prop::option::of(prop::sample::select(words))
}

fn sample() -> impl Strategy<Value = Sample> {
    let person = (
        maybe(&["Jan", "Johan", "Jan Peter", "Sanne", "Zoë"]),
        maybe(&["J.", "J.P.", "S.", "Z."]),
        maybe(&["van der", "de", "v.d."]),
        maybe(&["Berg", "Bergh", "Vries", "van den Berg", "Jansen", "Janssen"]),
        maybe(&["Smit", "Berg"]),
        maybe(&["1980-02-03", "1980-03-02", "1981-02-03", "1955-12-31"]),
    );
    let organisation = (
        prop::sample::select(vec!["Bakkerij Zon B.V.", "Bakkerij Zon", "Stichting Maan", "Zon"]),
        maybe(&["12345678", "87654321"]),
    );
    let emails = prop::sample::select(vec!["a@klant.example", "A@KLANT.example", "b@klant.example"]);
    let contact = (
        prop::collection::vec(emails, 0..3),
        maybe(&["06-12345678", "+31612345678", "0201234567"]),
        maybe(&["1234 AB", "1234ab", "9999 ZZ"]),
    );
    let person = person.prop_map(|(a, b, c, d, e, f)| [a, b, c, d, e, f]);
    let who = prop_oneof![
        4 => person.prop_map(|person| (Some(person), None)),
        1 => organisation.prop_map(|organisation| (None, Some(organisation))),
        1 => Just((None, None)),
    ];
    let iban = maybe(&["NL91ABNA0417164300", "NL88TRIO9564212325"]);
    (who, maybe(&["K1", "K2"]), prop::option::of(contact), prop::option::of(iban)).prop_map(
        |((person, organisation), external_id, contact, iban)| Sample {
            person,
            organisation,
            external_id,
            contact,
            iban,
        },
    )
}

impl Sample {
    fn known(&self) -> Known {
        let own = |text: Option<&str>| text.map(str::to_owned);
        let person = self.person.map(|[given, initials, prefix, family, partner, birth_date]| Person {
            given_name: own(given),
            initials: own(initials),
            prefix: own(prefix),
            family_name: own(family),
            partner_family_name: own(partner),
            birth_date: own(birth_date),
            ..Person::default()
        });
        let organisation = self.organisation.map(|(name, kvk_number)| Organisation {
            name: name.to_owned(),
            kvk_number: own(kvk_number),
            branch_number: None,
            vat_number: None,
        });
        let external = self.external_id.map(|id| ExternalId { system: "kassa".to_owned(), id: id.to_owned() });
        let is_somebody = person.is_some() || organisation.is_some() || external.is_some();
        let identity =
            Identity { person, organisation, external_ids: external.into_iter().collect(), ..Identity::default() };
        let contact = self.contact.as_ref().map(|(emails, phone, postcode)| Contact {
            emails: emails.iter().map(|address| email(address)).collect(),
            phones: phone.iter().map(|number| phone_number(number)).collect(),
            addresses: postcode.iter().map(|postcode| address(postcode)).collect(),
            social_handles: Vec::new(),
        });
        let account = |iban: &str| BankAccount { iban: iban.to_owned(), holder: None, primary: true };
        let financial = self
            .iban
            .map(|iban| Financial { bank_accounts: iban.into_iter().map(account).collect(), payment_notes: None });
        (is_somebody.then_some(identity), contact, financial)
    }

    fn traits(&self) -> Traits {
        traits(&self.known())
    }
}

fn email(address: &str) -> EmailAddress {
    EmailAddress { address: address.to_owned(), label: None, primary: false, verified: false, invalid: false }
}

fn phone_number(number: &str) -> PhoneNumber {
    PhoneNumber { number: number.to_owned(), label: None, primary: false, verified: false, invalid: false }
}

fn address(postcode: &str) -> Address {
    Address {
        label: None,
        street: None,
        house_number: Some("7".to_owned()),
        addition: None,
        postcode: Some(postcode.to_owned()),
        city: None,
        country: "NL".to_owned(),
        primary: true,
        verified: false,
        invalid: false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn both_ways_round_it_weighs_the_same(one in sample(), other in sample()) {
        let (one, other) = (one.traits(), other.traits());
        prop_assert_eq!(compare(&one, &other), compare(&other, &one));
    }

    #[test]
    fn nobody_weighs_more_than_a_copy(one in sample(), other in sample()) {
        let (one, copy, other) = (one.traits(), one.traits(), other.traits());
        prop_assert!(compare(&one, &copy).weight >= compare(&one, &other).weight);
        prop_assert!(compare(&one, &copy).reasons.iter().all(|reason| reason.weight > 0.0));
    }

    #[test]
    fn what_is_not_seen_says_nothing(one in sample(), other in sample(), hide in 0..3_u8) {
        let one = one.traits();
        let (identity, contact, financial) = other.known();
        let (shown, reasons): (Known, &[ReasonCode]) = match hide {
            0 => ((None, contact, financial), &[
                ReasonCode::Name, ReasonCode::OtherGivenName, ReasonCode::BirthDate, ReasonCode::OtherBirthDate,
                ReasonCode::ExternalId, ReasonCode::KvkNumber, ReasonCode::VatNumber,
            ]),
            1 => ((identity, None, financial), &[ReasonCode::Email, ReasonCode::Phone, ReasonCode::Address]),
            _ => ((identity, contact, None), &[ReasonCode::Iban]),
        };
        let likeness = compare(&one, &traits(&shown));
        prop_assert!(likeness.reasons.iter().all(|reason| !reasons.contains(&reason.code)));
    }

    #[test]
    fn one_more_thing_in_common_never_weighs_less(one in sample(), other in sample()) {
        let (one, other) = (one.known(), other.known());
        let (mut with_one, mut with_other) = (one.clone(), other.clone());
        for contact in [&mut with_one.1, &mut with_other.1] {
            let none = Contact { emails: vec![], phones: vec![], addresses: vec![], social_handles: vec![] };
            contact.get_or_insert(none).emails.push(email("both@klant.example"));
        }
        let (without, with) = (compare(&traits(&one), &traits(&other)), compare(&traits(&with_one), &traits(&with_other)));
        prop_assert!(with.weight >= without.weight);
    }
}

/// The cases that people meet, in their order.
#[test]
fn more_alike_weighs_more() {
    let person = |given: &str, family: &str, birth_date: &str| {
        let person = Person {
            given_name: Some(given.to_owned()),
            family_name: Some(family.to_owned()),
            birth_date: Some(birth_date.to_owned()),
            ..Person::default()
        };
        Some(Identity { person: Some(person), ..Identity::default() })
    };
    let at = |postcode: &str| {
        let address = address(postcode);
        Some(Contact { emails: vec![], phones: vec![], addresses: vec![address], social_handles: vec![] })
    };
    let known = traits(&(person("Maaike", "van der Berg", "1980-02-03"), at("1234 AB"), None));
    let weight = |given, family, date, postcode| {
        compare(&known, &traits(&(person(given, family, date), at(postcode), None))).weight
    };
    let copy = weight("Maaike", "van der Berg", "1980-02-03", "1234AB");
    let mistyped = weight("Maaike", "v.d. Bergh", "1980-02-03", "1234AB");
    let moved = weight("Maaike", "Berg", "1980-02-03", "9999ZZ");
    let namesake = weight("Maaike", "van der Berg", "1955-12-31", "9999ZZ");
    let sister = weight("Sanne", "van der Berg", "1983-06-07", "1234AB");
    assert!(copy > mistyped && mistyped > moved && moved > namesake, "{copy} {mistyped} {moved} {namesake}");
    assert!(sister < 40 && namesake < 40 && moved > 40, "{sister} {namesake} {moved}");
}
