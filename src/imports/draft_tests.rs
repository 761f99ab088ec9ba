use super::*;

const TODAY: &str = "2026-11-22";

fn read(columns: &[(&str, &str)]) -> Result<ImportedCustomer, Codes> {
    let fields = columns.iter().map(|(_, value)| (*value).to_owned()).collect();
    let mapping = Mapping {
        columns: columns.iter().map(|(field, _)| Field::parse(field).unwrap()).collect(),
        country: CountryCode::NL,
    };
    draft(&mapping, columns.len(), &Record { line: 2, fields, fault: None }, TODAY.parse().unwrap())
}

fn codes(columns: &[(&str, &str)]) -> Codes {
    read(columns).err().unwrap_or_default()
}

#[test]
fn a_line_becomes_a_customer() {
    let draft = read(&[
        ("externalId:oud", "K1"),
        ("gender", "mevr."),
        ("initials", "zm"),
        ("givenName", " Zeynep "),
        ("prefixedFamilyName", "van der Berg"),
        ("birthDate", "3-9-1984"),
        ("email", "z@example.com"),
        ("email", "work@example.com"),
        ("phone", "0470 12 34 56"),
        ("streetAndNumber", "Casweg 112 A"),
        ("postcode", "b-1000"),
        ("city", "Brussel"),
        ("country", "België"),
        ("iban", "nl91 abna 0417 1643 00"),
        ("newsletter", "Ja"),
        ("remarks", "eerste"),
        ("remarks", "tweede"),
        ("custom.maat", "43"),
        ("ignore", "weg"),
    ])
    .unwrap();
    let name = draft.name.as_ref().unwrap();
    assert_eq!((name.initials(), name.prefix(), name.family()), ("Z.M.", "van der", "Berg"));
    assert_eq!(draft.gender, Some(Gender::Female));
    assert_eq!(draft.emails.len(), 2);
    assert_eq!(draft.phones[0].expose(), "+32470123456");
    let address = draft.address.as_ref().unwrap();
    assert_eq!(*address.number.as_ref().unwrap().line(), "112 A");
    assert_eq!(address.postcode.as_ref().unwrap().expose(), "B-1000");
    assert_eq!(draft.newsletter, Some(true));
    assert_eq!(draft.remarks.as_ref().unwrap().expose(), "eerste\ntweede");
    assert_eq!(draft.custom[0].1.expose(), "43");
    assert_eq!(format!("{draft:?}"), "ImportedCustomer");
}

#[test]
fn all_faults_of_a_line_are_told_once_each() {
    let found = codes(&[
        ("familyName", ""),
        ("email", "jan"),
        ("email", "piet"),
        ("phone", "12"),
        ("birthDate", "31-02-1980"),
        ("iban", "NL00"),
        ("houseNumber", "x"),
        ("postcode", "12"),
        ("newsletter", "misschien"),
        ("gender", "fam."),
        ("kvkNumber", "1"),
        ("remarks", "BSN 756125352"),
    ]);
    let expected = [
        "email",
        "phone",
        "date",
        "iban",
        "newsletter",
        "gender",
        "kvk_number",
        "bsn",
        "name",
        "house_number",
        "postcode",
    ];
    assert_eq!(found, expected);
}

#[test]
fn service_numbers_are_refused_in_every_free_text() {
    for field in
        ["externalId:oud", "custom.maat", "remarks", "street", "city", "organisationName", "accountHolder", "givenName"]
    {
        assert_eq!(codes(&[("familyName", "Jansen"), (field, "bsn 756125352")]), ["bsn"], "{field}");
    }
}

#[test]
fn organisations_need_no_person_and_may_have_one() {
    let firm = read(&[("organisationName", "Bakkerij B.V."), ("familyName", ""), ("kvkNumber", "12345678")]).unwrap();
    assert!(firm.name.is_none() && firm.organisation.is_some());
    let contact = read(&[("organisationName", "Bakkerij B.V."), ("familyName", "Jansen")]).unwrap();
    assert!(contact.name.is_some() && contact.organisation.is_some());
    assert_eq!(codes(&[("organisationName", ""), ("familyName", "")]), ["name"]);
}

#[test]
fn a_line_of_another_form_is_not_guessed_at() {
    let mapping = Mapping { columns: vec![Field::FamilyName, Field::City], country: CountryCode::NL };
    let read = |fields: &[&str], fault| {
        let record = Record { line: 2, fields: fields.iter().map(|f| (*f).to_owned()).collect(), fault };
        draft(&mapping, 2, &record, TODAY.parse().unwrap()).err().unwrap_or_default()
    };
    assert_eq!(read(&["Jansen"], None), ["columns"]);
    assert_eq!(read(&["Jansen", "Ede", "x"], None), ["columns"]);
    assert_eq!(read(&["Jansen", "Ede", ""], None), Codes::new());
    assert_eq!(read(&["Jan\u{FFFD}", "Ede"], None), ["encoding"]);
    assert_eq!(read(&["Jansen", "\"Ede"], Some(RecordFault::Quote)), ["quote"]);
    assert_eq!(read(&[], Some(RecordFault::TooLong)), ["too_long"]);
}
