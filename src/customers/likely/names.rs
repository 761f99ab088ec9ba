//! How alike two names are, the Dutch way: prefixes don't tell people apart, accents and case don't either, the partner's
//! name is as good as the own one, and a letter may be mistyped.
//!
//! Must never: be asked about a name that the caller can't see; keep or log one.

use kluis_core::kernel::fold::{fold, index_words};
use kluis_core::kernel::split_family;
use rapidfuzz::distance::damerau_levenshtein;
use zeroize::Zeroizing;

use crate::customers::model::{Identity, Person};

/// Forms of prefixes that people write in short; the full ones are known to the kernel.
const SHORT_PREFIXES: [&str; 6] = ["v", "vd", "vdr", "vh", "vt", "d"];
/// Words that say what kind of organisation it is, not which one.
const LEGAL_FORMS: [&str; 14] = [
    "bv",
    "nv",
    "vof",
    "cv",
    "ua",
    "wa",
    "stichting",
    "vereniging",
    "cooperatie",
    "maatschap",
    "eenmanszaak",
    "holding",
    "gmbh",
    "ltd",
];

/// A name in the form in which it is compared.
pub enum Name {
    Person(PersonName),
    /// The words of an organisation's name, without its legal form.
    Organisation(Zeroizing<String>),
    Household(Zeroizing<String>),
}

pub struct PersonName {
    /// Own family name and partner's, folded, without prefixes. Not empty.
    families: Vec<Zeroizing<String>>,
    given: Option<Zeroizing<String>>,
    initial: Option<char>,
}

/// How alike two names are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alike {
    /// 0 to 1: how alike the family names, or the names of organisations, are.
    pub name: f64,
    pub given: Given,
}

/// What the given names say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Given {
    /// There is none to compare.
    Unknown,
    /// The first letters agree, and more isn't known.
    Initial,
    /// 0 to 1.
    Names(f64),
    /// They contradict each other.
    Other,
}

/// Given names that are less alike than this are those of two people.
const SAME_GIVEN: f64 = 0.6;

impl Name {
    /// `None` when there is nothing to compare.
    pub fn of(identity: &Identity) -> Option<Self> {
        if let Some(person) = &identity.person {
            return PersonName::of(person).map(Self::Person);
        }
        if let Some(organisation) = &identity.organisation {
            let words = index_words(&organisation.name);
            let telling: Vec<_> = words.iter().filter(|word| !LEGAL_FORMS.contains(&word.as_str())).cloned().collect();
            // An organisation that is called nothing else than "Stichting" is still called that.
            let words = if telling.is_empty() { words } else { telling };
            return filled(words.join(" ")).map(Self::Organisation);
        }
        let household = identity.household.as_ref()?;
        filled(index_words(&without_prefixes(&household.name)).join(" ")).map(Self::Household)
    }

    /// The texts under which the directory knows who could be alike, the most telling first.
    pub fn queries(&self) -> Vec<Zeroizing<String>> {
        match self {
            Self::Person(person) => {
                let given = person.given.as_ref().map_or("", |given| given.as_str());
                let first = person.families.iter().map(|family| Zeroizing::new(format!("{given} {}", family.as_str())));
                first.chain(person.families.iter().cloned()).collect()
            }
            Self::Organisation(words) | Self::Household(words) => {
                let longest = words.split(' ').max_by_key(|word| word.len()).unwrap_or_default();
                vec![words.clone(), Zeroizing::new(longest.to_owned())]
            }
        }
    }

    /// How alike two names are; `None` when they are names of different kinds of customers.
    pub fn alike(&self, other: &Self) -> Option<Alike> {
        match (self, other) {
            (Self::Person(one), Self::Person(other)) => {
                let pairs = one.families.iter().flat_map(|a| other.families.iter().map(move |b| likeness(a, b)));
                Some(Alike { name: pairs.fold(0.0, f64::max), given: one.given(other) })
            }
            (Self::Organisation(one), Self::Organisation(other)) | (Self::Household(one), Self::Household(other)) => {
                Some(Alike { name: likeness(one, other), given: Given::Names(1.0) })
            }
            _ => None,
        }
    }
}

impl PersonName {
    fn of(person: &Person) -> Option<Self> {
        let family = |text: &Option<String>| text.as_deref().and_then(|text| filled(family_core(text)));
        let families: Vec<_> =
            [family(&person.family_name), family(&person.partner_family_name)].into_iter().flatten().collect();
        let given = person.given_name.as_deref().and_then(|text| filled(index_words(text).join(" ")));
        let first = |text: &str| fold(text).chars().find(|c| c.is_alphanumeric());
        let initial = given.as_deref().and_then(|text| first(text)).or_else(|| first(person.initials.as_deref()?));
        match (families.is_empty(), &given) {
            (true, None) => None,
            // Somebody who goes by a single name is compared by it.
            (true, Some(only)) => Some(Self { families: vec![only.clone()], given: None, initial: None }),
            _ => Some(Self { families, given, initial }),
        }
    }

    fn given(&self, other: &Self) -> Given {
        let same_initial = match (self.initial, other.initial) {
            (Some(one), Some(other)) => Some(one == other),
            _ => None,
        };
        let names = self.given.as_ref().zip(other.given.as_ref()).map(|(one, other)| given_likeness(one, other));
        match (names, same_initial) {
            (Some(alike), _) if alike >= SAME_GIVEN => Given::Names(alike),
            // Johannes goes by Jan.
            (Some(_), Some(true)) | (None, None) => Given::Unknown,
            (None, Some(true)) => Given::Initial,
            (Some(_), _) | (None, Some(false)) => Given::Other,
        }
    }
}

/// Somebody registered as Anna Maria goes by Anna.
fn given_likeness(one: &str, other: &str) -> f64 {
    const FIRST_ONLY: f64 = 0.95;
    let first = |text: &str| text.split(' ').next().unwrap_or_default().to_owned();
    likeness(one, other).max(FIRST_ONLY * likeness(&Zeroizing::new(first(one)), &Zeroizing::new(first(other))))
}

/// A family name as one folded text without its prefix, wherever that was written: `van der Berg`, `Berg, v.d.`.
fn family_core(text: &str) -> String {
    let turned = match text.split_once(',') {
        Some((name, prefix)) if !prefix.trim().is_empty() => format!("{} {}", prefix.trim(), name.trim()),
        _ => text.to_owned(),
    };
    index_words(&without_prefixes(&turned)).concat()
}

fn without_prefixes(text: &str) -> String {
    let mut rest = text.trim();
    // `v.d. Berg`, `v/d Berg`: short forms first, since the kernel knows the full ones only.
    while let Some((word, more)) = rest.split_once(' ') {
        let letters: String = fold(word).chars().filter(|c| c.is_alphanumeric()).collect();
        if !SHORT_PREFIXES.contains(&letters.as_str()) || more.trim().is_empty() {
            break;
        }
        rest = more.trim();
    }
    split_family(rest).1
}

fn filled(text: String) -> Option<Zeroizing<String>> {
    (!text.is_empty()).then(|| Zeroizing::new(text))
}

/// 1 for the same text, down to 0 for one that has nothing of the other.
fn likeness(one: &str, other: &str) -> f64 {
    // The same both ways round, whatever the order of the arguments does inside the library.
    let (one, other) = if one <= other { (one, other) } else { (other, one) };
    damerau_levenshtein::normalized_similarity(one.chars(), other.chars())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(given: &str, prefix: &str, family: &str) -> Name {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let person =
            Person { given_name: some(given), prefix: some(prefix), family_name: some(family), ..Person::default() };
        Name::of(&Identity { person: Some(person), ..Identity::default() }).unwrap()
    }

    #[test]
    fn prefixes_accents_and_case_do_not_tell_people_apart() {
        let berg = person("Zoë", "van der", "Berg");
        for (given, prefix, family) in [
            ("zoe", "", "van der Berg"),
            ("Zoë", "v.d.", "Berg"),
            ("Zoë", "", "v.d. Berg"),
            ("ZOË", "", "Berg, van der"),
            ("Zoë", "", "BERG"),
        ] {
            let other = person(given, prefix, family).alike(&berg).unwrap();
            assert_eq!(other, Alike { name: 1.0, given: Given::Names(1.0) }, "{prefix} {family}");
        }
    }

    #[test]
    fn a_mistyped_letter_is_nearly_the_same_and_another_given_name_is_somebody_else() {
        let alike = person("Maaike", "", "Jansen").alike(&person("Maaike", "", "Janssen")).unwrap();
        assert!(alike.name > 0.8 && alike.name < 1.0);
        let sister = person("Sanne", "", "Jansen").alike(&person("Maaike", "", "Jansen")).unwrap();
        assert_eq!(sister.given, Given::Other);
        let initials = Person { initials: Some("M.".into()), family_name: Some("Jansen".into()), ..Person::default() };
        let initials = Name::of(&Identity { person: Some(initials), ..Identity::default() }).unwrap();
        assert_eq!(initials.alike(&person("Maaike", "", "Jansen")).unwrap().given, Given::Initial);
    }

    #[test]
    fn a_legal_form_is_no_name() {
        let named = |name: &str| {
            let organisation = crate::customers::model::Organisation {
                name: name.to_owned(),
                kvk_number: None,
                branch_number: None,
                vat_number: None,
            };
            Name::of(&Identity { organisation: Some(organisation), ..Identity::default() }).unwrap()
        };
        assert_eq!(named("Bakkerij Zon B.V.").alike(&named("bakkerij zon")).unwrap().name, 1.0);
        assert!(named("Stichting").alike(&named("Stichting Zon")).unwrap().name < 0.5);
        assert!(named("Zon").alike(&person("", "", "Zon")).is_none());
    }
}
