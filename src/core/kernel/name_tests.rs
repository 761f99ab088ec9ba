//! How names are shown, sorted and found.

use proptest::prelude::*;

use super::*;
use crate::kernel::fold::query_words;

fn name(prefix: &str, family: &str, given: &str) -> PersonName {
    PersonName::parse(&NameParts { given, prefix, family, ..NameParts::default() }).unwrap()
}

fn married(name_use: NameUse) -> PersonName {
    let parts = NameParts {
        title_before: "drs.",
        initials: "zk",
        given: "Zeynep",
        prefix: "van den",
        family: "Berg",
        partner_prefix: "De",
        partner_family: "Vries",
        name_use,
        title_after: "MSc",
    };
    PersonName::parse(&parts).unwrap()
}

fn tag(text: &str) -> LanguageTag {
    LanguageTag::parse(text).unwrap()
}

#[test]
fn the_chosen_name_is_shown() {
    for (name_use, shown, addressed) in [
        (NameUse::Own, "Zeynep van den Berg", "Van den Berg"),
        (NameUse::Partner, "Zeynep de Vries", "De Vries"),
        (NameUse::PartnerOwn, "Zeynep de Vries-van den Berg", "De Vries-van den Berg"),
        (NameUse::OwnPartner, "Zeynep van den Berg-de Vries", "Van den Berg-de Vries"),
    ] {
        assert_eq!(*married(name_use).display(), shown);
        assert_eq!(*married(name_use).addressed(), addressed);
    }
}

#[test]
fn formal_names_have_titles_and_the_language_s_first_name() {
    let name = married(NameUse::Own);
    assert_eq!(*name.formal(&tag("nl-BE")), "drs. Z.K. van den Berg MSc");
    assert_eq!(*name.formal(&tag("en")), "drs. Zeynep van den Berg MSc");
    let given_only = self::name("'t", "Hart", "Micha");
    assert_eq!(*given_only.formal(&tag("nl")), "Micha 't Hart");
    assert_eq!(*given_only.addressed(), "'t Hart");
    assert_eq!(*self::name("d'", "Ancona", "").display(), "d'Ancona");
}

#[test]
fn initials_have_one_form() {
    for (text, initials) in [
        ("Z.", "Z."),
        ("z", "Z."),
        ("JK", "J.K."),
        ("j k", "J.K."),
        ("J.K", "J.K."),
        ("J. K.", "J.K."),
        ("Th.J.", "Th.J."),
        ("Theo", "Theo."),
        ("IJ", "IJ."),
        ("ijm", "IJ.M."),
        ("J.-P.", "J.-P."),
        ("é", "É."),
        ("", ""),
    ] {
        assert_eq!(normal_initials(text), initials, "{text}");
    }
}

#[test]
fn faults_name_their_part() {
    let faults = |parts: NameParts<'_>| {
        let faults = PersonName::parse(&parts).unwrap_err();
        faults.into_iter().map(|(part, fault)| (part, fault.code)).collect::<Vec<_>>()
    };
    let empty = NameParts::default();
    assert_eq!(faults(empty), [(NamePart::Family, "name")]);
    assert_eq!(faults(NameParts { initials: "J.", prefix: "de", ..empty }), [(NamePart::Family, "name")]);
    assert_eq!(
        faults(NameParts { family: "Berg", name_use: NameUse::Partner, ..empty }),
        [(NamePart::PartnerFamily, "required")]
    );
    let long = "x".repeat(201);
    assert_eq!(
        faults(NameParts { family: &long, given: "a\u{1}b", ..empty }),
        [(NamePart::Given, "control_character"), (NamePart::Family, "too_long")]
    );
}

#[test]
fn dutch_sorting_ignores_the_prefix_at_first() {
    let mut names = [
        name("van der", "Berg", "Anna"),
        name("", "Bergen", "Aad"),
        name("van den", "Berg", "Zoë"),
        name("", "Berg", "Zoe"),
        name("", "Berg", "Anna"),
        name("", "Vries", "Anna"),
        name("de", "Vries", "Aad"),
        name("", "Bérg", "Bo"),
        name("", "", "Cher"),
        name("", "IJsbrand", "A"),
        name("", "Ingen", "A"),
        name("", "Yperen", "A"),
    ];
    names.sort_by_key(PersonName::sort_key);
    let shown: Vec<_> = names.iter().map(|name| name.display().to_string()).collect();
    assert_eq!(
        shown,
        [
            "Anna Berg",
            "Bo Bérg",
            "Zoe Berg",
            "Zoë van den Berg",
            "Anna van der Berg",
            "Aad Bergen",
            "Cher",
            "A IJsbrand",
            "A Ingen",
            "Anna Vries",
            "Aad de Vries",
            "A Yperen",
        ]
    );
}

#[test]
fn sorting_follows_the_name_in_use() {
    assert_eq!(married(NameUse::Own).sort_key(), "berg\u{1}van den\u{1}zeynep");
    assert_eq!(married(NameUse::Partner).sort_key(), "vries\u{1}de\u{1}zeynep");
    assert_eq!(married(NameUse::PartnerOwn).sort_key(), "vries van den berg\u{1}de\u{1}zeynep");
}

#[test]
fn both_family_names_are_found() {
    let tokens = married(NameUse::Partner).tokens();
    assert_eq!(tokens, ["zeynep", "zk", "van", "den", "berg", "de", "vries"]);
}

#[test]
fn debug_and_json() {
    let name = married(NameUse::PartnerOwn);
    assert_eq!(format!("{name:?}"), "PersonName");
    let json = serde_json::to_string(&name).unwrap();
    assert_eq!(serde_json::from_str::<PersonName>(&json).unwrap(), name);
    let short = self::name("", "Jager", "Zeynep");
    assert_eq!(serde_json::to_string(&short).unwrap(), r#"{"given":"Zeynep","family":"Jager","name_use":"own"}"#);
    for name_use in NameUse::ALL {
        assert_eq!(NameUse::parse(name_use.as_str()), Ok(name_use));
        assert_eq!(serde_json::to_string(&name_use).unwrap(), format!("\"{}\"", name_use.as_str()));
    }
}

proptest! {
    #[test]
    fn parsing_twice_changes_nothing(
        initials in "[A-Za-zé. -]{0,6}",
        given in "[A-Za-zë '-]{0,12}",
        prefix in "(van|de|'t|d'|Van Der|t|x)?",
        family in "[A-Z][a-zé '-]{0,12}",
    ) {
        let parts = NameParts { initials: &initials, given: &given, prefix: &prefix, family: &family, ..NameParts::default() };
        let once = PersonName::parse(&parts).unwrap();
        let again = NameParts {
            initials: once.initials(),
            given: once.given(),
            prefix: once.prefix(),
            family: once.family(),
            ..NameParts::default()
        };
        prop_assert_eq!(&PersonName::parse(&again).unwrap(), &once);
        let tokens = once.tokens();
        for word in query_words(&once.display()) {
            prop_assert!(tokens.iter().any(|token| token.starts_with(&word)), "{}", word);
        }
    }
}
