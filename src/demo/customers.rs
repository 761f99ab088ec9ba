//! The generator: an iterator of customers with their history, in blocks that belong together.
//!
//! A block holds nineteen people, two households made of five of them (the smaller one a couple), and four organisations, three of which have one
//! of them as contact person. Each block is drawn from a stream of its own.

use chrono::{DateTime, Days, NaiveDate, Utc};

use super::contact;
use super::draft::{AddressDraft, CustomerDraft, Labelled, PersonDraft, RelationDraft, Who};
use super::network::{NETWORK, Unit};
use super::random::Random;
use super::stories;
use super::words::{self, ascii};

/// Customers in a block.
pub const BLOCK: u32 = 25;
const PEOPLE: u32 = 19;
/// Each household with the positions of its people in the block.
const HOUSEHOLDS: [&[u32]; 2] = [&[0, 1, 2], &[3, 4]];
/// Each organisation with the position of its contact person.
const ORGANISATIONS: [Option<u32>; 4] = [Some(5), Some(6), Some(7), None];
/// Kept free so that e-mail and telephone numbers of one customer don't meet those of the next.
const NUMBERS_EACH: u32 = 4;

/// All customers of the network, tenant by tenant; those that others relate to come first.
/// `today` is the day on which the history ends and from which ages count.
pub fn customers(seed: u64, today: DateTime<Utc>) -> impl Iterator<Item = CustomerDraft> {
    let units = NETWORK.iter().enumerate();
    let blocks = units.flat_map(|(position, unit)| (0..unit.blocks).map(move |_| (position, unit)));
    (0_u32..).zip(blocks).flat_map(move |(number, (position, unit))| {
        let random = Random::new(seed, u64::from(number));
        Block { first: number * BLOCK, position, unit, today, random }.draw()
    })
}

struct Block {
    first: u32,
    position: usize,
    unit: &'static Unit,
    today: DateTime<Utc>,
    random: Random,
}

impl Block {
    fn draw(mut self) -> Vec<CustomerDraft> {
        let mut drawn: Vec<CustomerDraft> = Vec::with_capacity(BLOCK as usize);
        for place in 0..PEOPLE {
            let person = self.person(place, &drawn);
            drawn.push(person);
        }
        for members in HOUSEHOLDS {
            let household = self.household(members, &drawn);
            drawn.push(household);
        }
        for contact_person in ORGANISATIONS {
            let organisation = self.organisation(drawn.len(), contact_person);
            drawn.push(organisation);
        }
        drawn
    }

    fn person(&mut self, place: u32, before: &[CustomerDraft]) -> CustomerDraft {
        let random = &mut self.random;
        // People of one household live together, and most share the name of its first one.
        let head = HOUSEHOLDS.iter().find(|members| members.contains(&place)).map(|members| members[0]);
        let head = head.filter(|head| *head < place).and_then(|head| before.get(head as usize));
        let (female, unknown) = (random.chance(51), random.chance(3));
        let given_name = random.pick(if female { words::WOMEN } else { words::MEN });
        let (mut prefix, mut family_name) = random.pick(words::FAMILIES);
        if let Some(CustomerDraft { who: Who::Person(head), .. }) = head
            && random.chance(70)
        {
            (prefix, family_name) = (head.prefix, head.family_name);
        }
        let partner = random.chance(18).then(|| random.pick(words::FAMILIES));
        let name_use = match partner {
            Some(_) => random.pick(&["own_partner", "partner_own", "partner"]),
            None => "own",
        };
        let who = PersonDraft {
            initials: initials(given_name, random),
            given_name,
            prefix,
            family_name,
            partner,
            name_use,
            birth_date: birth_date(self.today.date_naive(), random),
            gender: if unknown {
                "unknown"
            } else if female {
                "female"
            } else {
                "male"
            },
        };
        let before_at = format!("{}.{}{}", ascii(given_name), ascii(prefix), ascii(family_name));
        let addresses = match head {
            Some(head) => head.addresses.clone(),
            None => vec![self.address("home")],
        };
        let mut draft = self.draft(place, Who::Person(who), addresses);
        self.reach(&mut draft, &before_at, ["home", "mobile"]);
        if let [first, second] = HOUSEHOLDS[1]
            && place == *second
        {
            draft.relations = vec![RelationDraft { kind: "partner", to: self.first + first }];
        }
        draft
    }

    fn household(&mut self, members: &[u32], people: &[CustomerDraft]) -> CustomerDraft {
        let head = &people[members[0] as usize];
        let name = match &head.who {
            Who::Person(person) if person.prefix.is_empty() => format!("Familie {}", person.family_name),
            Who::Person(person) => format!("Familie {} {}", person.prefix, person.family_name),
            Who::Organisation { name, .. } | Who::Household { name } => name.clone(),
        };
        let place = PEOPLE + HOUSEHOLDS.iter().position(|other| *other == members).map_or(0, |p| u32::from(p > 0));
        let mut draft = self.draft(place, Who::Household { name }, head.addresses.clone());
        let member = |place: &u32| RelationDraft { kind: "household_member", to: self.first + place };
        draft.relations = members.iter().map(member).collect();
        draft
    }

    fn organisation(&mut self, place: usize, contact_person: Option<u32>) -> CustomerDraft {
        let random = &mut self.random;
        let (firm, trade, legal) = (random.pick(words::FIRMS), random.pick(words::TRADES), random.pick(words::FORMS));
        let place = u32::try_from(place).unwrap_or(0);
        let name = match legal {
            "Stichting" => format!("Stichting {firm} {trade}"),
            "Eenmanszaak" => format!("{firm} {trade}"),
            _ => format!("{firm} {trade} {legal}"),
        };
        // Numbers that start with 98 aren't given out yet.
        let kvk_number = format!("{}", 98_000_000 + self.first + place);
        let vat_number = random.chance(70).then(|| contact::vat_number(random));
        let before_at = format!("info.{}{}", ascii(firm), ascii(trade));
        let addresses = vec![self.address("visit")];
        let mut draft = self.draft(place, Who::Organisation { name, kvk_number, vat_number }, addresses);
        self.reach(&mut draft, &before_at, ["work", "work"]);
        let contact_person = contact_person.map(|to| RelationDraft { kind: "contact_person", to: self.first + to });
        draft.relations = contact_person.into_iter().collect();
        draft
    }

    /// What every customer has, whoever it is.
    fn draft(&mut self, place: u32, who: Who, addresses: Vec<AddressDraft>) -> CustomerDraft {
        let random = &mut self.random;
        let number = self.first + place;
        let status = random.pick(&["prospect", "active", "active", "active", "active", "active", "former"]);
        let interests = words::INTERESTS.iter().copied().filter(|_| random.chance(20)).collect();
        CustomerDraft {
            number,
            unit: self.position,
            status,
            source: random.pick(&["web", "web", "phone", "fair", "referral", "shop"]),
            language: if random.chance(94) { "nl" } else { "en" },
            // Who hasn't bought anything is in the file because they asked for news.
            takes_marketing: status == "prospect" || random.chance(45),
            preferred_channel: random.chance(60).then(|| random.pick(&["email", "email", "phone", "letter"])),
            emails: Vec::new(),
            phones: Vec::new(),
            addresses,
            iban: (status != "prospect" && random.chance(55)).then(|| contact::iban(random)),
            interests,
            remark: random.chance(25).then(|| random.pick(words::REMARKS)),
            till_number: format!("{}-{:05}", self.unit.key.to_uppercase(), number),
            relations: Vec::new(),
            interactions: stories::history(&who, status, self.today, random),
            who,
        }
    }

    fn reach(&mut self, draft: &mut CustomerDraft, before_at: &str, [email_label, phone_label]: [&'static str; 2]) {
        let random = &mut self.random;
        let number = draft.number * NUMBERS_EACH;
        // A few old people have neither; then a letter is the way.
        let emails = [0, 1, 1, 1, 1, 1, 1, 1, 1, 2][random.below(10) as usize];
        let phones = [0, 1, 1, 1, 1, 1, 1, 1, 2, 2][random.below(10) as usize];
        draft.emails = (0..emails)
            .map(|nth| Labelled {
                label: if nth == 0 { email_label } else { "work" },
                value: contact::email(before_at, number + nth, random),
                verified: random.chance(60),
            })
            .collect();
        draft.phones = (0..phones)
            .map(|nth| Labelled {
                label: if nth == 0 { phone_label } else { "work" },
                value: contact::mobile(number + nth, random),
                verified: random.chance(30),
            })
            .collect();
    }

    fn address(&mut self, label: &'static str) -> AddressDraft {
        let random = &mut self.random;
        AddressDraft {
            label,
            street: contact::street(random),
            house_number: random.between(1, 240),
            addition: random.pick(&["", "", "", "", "A", "B", "bis", "2"]),
            postcode: contact::postcode(self.unit.postcode_region, random),
            town: self.unit.town,
        }
    }
}

fn initials(given_name: &str, random: &mut Random) -> String {
    let first: String = given_name.chars().take(1).collect();
    let more = random.below(3);
    let others = (0..more).map(|_| random.pick(&["A.", "C.", "E.", "H.", "J.", "M.", "P.", "W."]));
    std::iter::once(format!("{first}.")).chain(others.map(str::to_owned)).collect()
}

/// Between 19 and 93 years ago.
fn birth_date(today: NaiveDate, random: &mut Random) -> NaiveDate {
    let days = u64::from(random.between(19 * 366, 93 * 365));
    today.checked_sub_days(Days::new(days)).unwrap_or(today)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kluis_core::kernel::clock::from_micros;

    use super::super::SEED;
    use super::*;

    fn today() -> DateTime<Utc> {
        from_micros(1_795_000_000_000_000)
    }

    fn all() -> Vec<CustomerDraft> {
        customers(SEED, today()).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_people() {
        let (one, two) = (all(), all());
        assert_eq!(one.len(), 2_000);
        assert_eq!(one, two);
        assert_ne!(one[0], customers(SEED + 1, today()).next().unwrap());
    }

    #[test]
    fn numbers_count_and_relations_point_back_within_the_tenant() {
        let all = all();
        for (position, draft) in all.iter().enumerate() {
            assert_eq!(draft.number as usize, position);
            for relation in &draft.relations {
                let other = &all[relation.to as usize];
                assert!(relation.to < draft.number);
                assert_eq!(other.unit, draft.unit);
                assert!(matches!(other.who, Who::Person(_)));
            }
        }
        let related = all.iter().map(|draft| draft.relations.len()).sum::<usize>();
        assert_eq!(related, 80 * 9);
    }

    #[test]
    fn nothing_by_which_people_are_found_is_there_twice() {
        let all = all();
        let once = |values: Vec<&str>| assert_eq!(values.iter().collect::<BTreeSet<_>>().len(), values.len());
        once(all.iter().flat_map(|draft| &draft.emails).map(|email| email.value.as_str()).collect());
        once(all.iter().flat_map(|draft| &draft.phones).map(|phone| phone.value.as_str()).collect());
        once(all.iter().filter_map(|draft| draft.iban.as_deref()).collect());
        once(all.iter().map(|draft| draft.till_number.as_str()).collect());
    }

    #[test]
    fn no_mail_can_reach_anybody() {
        for email in all().iter().flat_map(|draft| &draft.emails) {
            let (local, domain) = email.value.split_once('@').unwrap();
            assert!(["example.com", "example.org"].contains(&domain) || domain.ends_with(".example"), "{domain}");
            assert!(local.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.'), "{local}");
        }
    }

    #[test]
    fn dutch_names_of_every_kind_occur() {
        let all = all();
        let people: Vec<_> = all
            .iter()
            .filter_map(|draft| match &draft.who {
                Who::Person(person) => Some(person),
                _ => None,
            })
            .collect();
        assert_eq!(people.len(), 80 * 19);
        for prefix in ["van der", "in 't", "'t", "de", "ter", ""] {
            assert!(people.iter().any(|person| person.prefix == prefix), "{prefix}");
        }
        assert!(people.iter().filter(|person| person.partner.is_some()).count() > 100);
        assert!(people.iter().all(|person| person.partner.is_some() == (person.name_use != "own")));
    }
}
