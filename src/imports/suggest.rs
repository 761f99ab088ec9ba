//! Proposes a field for each column, from its header and from what a sample of its values looks like.
//!
//! A proposal only: a person confirms the mapping before anything is imported.
//!
//! Must never: keep or show a value; percentages only.

use kluis_core::kernel::{BirthDate, CountryCode, Email, Iban, KvkNumber, Phone, Postcode};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::mapping::{Field, is_name};
use super::table::Record;

/// What a column may be, how sure that is, and how many lines of the sample have a value in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Suggestion {
    pub field: Field,
    /// Per cent; 0 for a column that nothing is known about.
    pub confidence: u8,
    /// Per cent of the sample's lines.
    pub filled: u8,
}

/// A field that the tenant has defined: its key, and its labels in both languages.
#[derive(Debug, Clone, Copy)]
pub struct CustomField<'a> {
    pub name: &'a str,
    pub labels: [&'a str; 2],
}

const HEADER_AND_VALUES: u8 = 98;
const HEADER: u8 = 90;
const PART_OF_HEADER: u8 = 70;
const VALUES: u8 = 60;
const HEADER_AGAINST_VALUES: u8 = 40;

/// One suggestion per column; a field that takes one column is proposed once, for the surest.
pub fn suggest(
    headers: &[String],
    sample: &[Record],
    custom: &[CustomField<'_>],
    country: CountryCode,
) -> Vec<Suggestion> {
    let mut found: Vec<Suggestion> = headers
        .iter()
        .enumerate()
        .map(|(column, header)| {
            let values: Vec<&str> = sample
                .iter()
                .filter_map(|r| r.fields.get(column))
                .map(|v| v.trim())
                .filter(|v| !v.is_empty())
                .collect();
            let (field, confidence) = propose(header, &values, custom, country);
            Suggestion { field, confidence, filled: per_cent(values.len(), sample.len()) }
        })
        .collect();
    for column in 0..found.len() {
        if is_beaten(&found, column)
            && let Some(suggestion) = found.get_mut(column)
        {
            suggestion.field = Field::Ignore;
            suggestion.confidence = 0;
        }
    }
    found
}

/// Whether another column has a better claim to the same field.
fn is_beaten(found: &[Suggestion], column: usize) -> bool {
    let Some(mine) = found.get(column) else { return false };
    if matches!(mine.field, Field::Ignore | Field::Email | Field::Phone | Field::Remarks) {
        return false;
    }
    found.iter().enumerate().any(|(other, suggestion)| {
        let same = suggestion.field == mine.field
            || matches!((&suggestion.field, &mine.field), (Field::ExternalId { .. }, Field::ExternalId { .. }));
        let better = (suggestion.confidence, other < column) > (mine.confidence, column < other);
        other != column && same && better
    })
}

fn propose(header: &str, values: &[&str], custom: &[CustomField<'_>], country: CountryCode) -> (Field, u8) {
    let key = key(header);
    if let Some(field) = custom.iter().find(|f| f.labels.iter().chain([&f.name]).any(|label| self::key(label) == key)) {
        return (Field::Custom { name: field.name.to_owned() }, HEADER);
    }
    if EXTERNAL.contains(&key.as_str()) {
        let system = if is_name(&key) { key } else { "import".to_owned() };
        return (Field::ExternalId { system }, HEADER);
    }
    let by_values = look(values, country);
    let exact = SYNONYMS.iter().find(|(_, words)| words.contains(&key.as_str()));
    if let Some(field) = exact.and_then(|(name, _)| Field::parse(name)) {
        let confidence = match by_values {
            Some(seen) if seen == field => HEADER_AND_VALUES,
            None if !values.is_empty() && has_a_look(&field) => HEADER_AGAINST_VALUES,
            _ => HEADER,
        };
        return (field, confidence);
    }
    if let Some(seen) = by_values {
        return (seen, VALUES);
    }
    let part = SYNONYMS.iter().find(|(_, words)| words.iter().any(|word| word.len() >= 5 && key.contains(word)));
    part.and_then(|(name, _)| Field::parse(name)).map_or((Field::Ignore, 0), |field| (field, PART_OF_HEADER))
}

/// Letters and digits in lower case without accents, `E-mailadres` → `emailadres`.
fn key(header: &str) -> String {
    header.nfd().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Fields whose values can be told by their look.
const fn has_a_look(field: &Field) -> bool {
    matches!(field, Field::Email | Field::Iban | Field::Postcode | Field::BirthDate | Field::Phone)
}

/// Per cent of the values that have to look like it: exports have faults.
const ENOUGH: u8 = 75;

fn look(values: &[&str], country: CountryCode) -> Option<Field> {
    let found = LOOKS.iter().find(|(_, test)| {
        let alike = values.iter().filter(|value| test(value, country)).count();
        per_cent(alike, values.len()) >= ENOUGH
    });
    found.map(|(field, _)| field.clone())
}

type Look = fn(&str, CountryCode) -> bool;

/// In the order of how little else looks like it.
const LOOKS: [(Field, Look); 5] = [
    (Field::Email, |text, _| Email::parse(text).is_ok()),
    (Field::Iban, |text, _| Iban::parse(text).is_ok()),
    (Field::Postcode, |text, country| {
        Postcode::parse(text, country).is_ok() && text.bytes().any(|b| b.is_ascii_digit())
    }),
    (Field::BirthDate, |text, _| BirthDate::parse(text, chrono::NaiveDate::MAX).is_ok()),
    (Field::Phone, |text, country| Phone::parse(text, country.as_str()).is_ok() && KvkNumber::parse(text).is_err()),
];

fn per_cent(part: usize, whole: usize) -> u8 {
    u8::try_from((part * 100).checked_div(whole).unwrap_or(0)).unwrap_or(100)
}

/// Headers of a customer's number in the system that the export came from.
const EXTERNAL: [&str; 18] = [
    "klantnummer",
    "klantnr",
    "klantid",
    "klantcode",
    "debiteurnummer",
    "debiteurnr",
    "debiteur",
    "relatienummer",
    "relatienr",
    "relatieid",
    "lidnummer",
    "lidnr",
    "id",
    "externalid",
    "customernumber",
    "customerid",
    "clientid",
    "membernumber",
];

/// Headers in Dutch and English, as [`key`] makes them.
const SYNONYMS: [(&str, &[&str]); 27] = [
    ("gender", &["geslacht", "aanhef", "gender", "sex", "salutation", "aanspreektitel"]),
    ("initials", &["voorletters", "voorletter", "initialen", "initials"]),
    ("givenName", &["voornaam", "voornamen", "roepnaam", "firstname", "givenname", "forename", "first"]),
    (
        "prefix",
        &[
            "tussenvoegsel",
            "tussenvoegsels",
            "tussenv",
            "tv",
            "voorvoegsel",
            "voorvoegsels",
            "prefix",
            "infix",
            "insertion",
        ],
    ),
    (
        "familyName",
        &["achternaam", "familienaam", "geslachtsnaam", "lastname", "surname", "familyname", "last", "naam", "name"],
    ),
    ("partnerPrefix", &["tussenvoegselpartner", "partnertussenvoegsel", "voorvoegselpartner", "partnerprefix"]),
    ("partnerFamilyName", &["achternaampartner", "partnernaam", "naampartner", "partnerachternaam", "partnername"]),
    (
        "birthDate",
        &["geboortedatum", "gebdatum", "geborenop", "geboren", "dateofbirth", "birthdate", "birthday", "dob"],
    ),
    (
        "organisationName",
        &[
            "bedrijf",
            "bedrijfsnaam",
            "organisatie",
            "organisatienaam",
            "firma",
            "firmanaam",
            "company",
            "companyname",
            "organisation",
            "organization",
            "account",
            "accountname",
        ],
    ),
    ("kvkNumber", &["kvk", "kvknummer", "kvknr", "handelsregister", "chamberofcommerce", "cocnumber", "coc"]),
    ("branchNumber", &["vestigingsnummer", "vestigingsnr", "branchnumber"]),
    ("vatNumber", &["btw", "btwnummer", "btwnr", "btwid", "vat", "vatnumber", "vatid"]),
    (
        "email",
        &["email", "emailadres", "mail", "mailadres", "emailaddress", "email1", "emailprive", "emailwerk", "epost"],
    ),
    (
        "phone",
        &[
            "telefoon",
            "telefoonnummer",
            "telefoonnr",
            "tel",
            "telnr",
            "mobiel",
            "mobielnummer",
            "gsm",
            "telefoonprive",
            "telefoonwerk",
            "phone",
            "phonenumber",
            "mobile",
            "mobilephone",
            "cell",
            "telephone",
        ],
    ),
    ("street", &["straat", "straatnaam", "street", "streetname"]),
    (
        "streetAndNumber",
        &[
            "adres",
            "adresregel",
            "adresregel1",
            "straatennummer",
            "straathuisnummer",
            "address",
            "address1",
            "addressline1",
            "streetaddress",
        ],
    ),
    ("houseNumber", &["huisnummer", "huisnr", "hnr", "nummer", "housenumber", "number", "streetnumber"]),
    (
        "houseAddition",
        &[
            "toevoeging",
            "huisnummertoevoeging",
            "huisnrtoevoeging",
            "toev",
            "huisletter",
            "addition",
            "housenumberaddition",
            "suffix",
        ],
    ),
    ("postcode", &["postcode", "pc", "postalcode", "zip", "zipcode"]),
    ("city", &["plaats", "plaatsnaam", "woonplaats", "stad", "city", "town", "place"]),
    ("country", &["land", "landcode", "country", "countrycode"]),
    (
        "iban",
        &[
            "iban",
            "ibannummer",
            "rekeningnummer",
            "rekening",
            "bankrekening",
            "bankrekeningnummer",
            "bankaccount",
            "accountnumber",
        ],
    ),
    ("accountHolder", &["rekeninghouder", "tennamevan", "tenaamstelling", "accountholder"]),
    (
        "newsletter",
        &["nieuwsbrief", "mailing", "optin", "toestemmingnieuwsbrief", "newsletter", "marketingoptin", "subscribed"],
    ),
    ("language", &["taal", "taalcode", "voorkeurstaal", "language", "lang", "preferredlanguage"]),
    (
        "remarks",
        &[
            "opmerking",
            "opmerkingen",
            "notitie",
            "notities",
            "memo",
            "toelichting",
            "bijzonderheden",
            "notes",
            "note",
            "remarks",
            "remark",
            "comment",
            "comments",
        ],
    ),
    ("ignore", &["vestiging", "filiaal", "branch", "vestigingsnaam"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn records(rows: &[&[&str]]) -> Vec<Record> {
        let record =
            |row: &&[&str]| Record { line: 2, fields: row.iter().map(|v| (*v).to_owned()).collect(), fault: None };
        rows.iter().map(record).collect()
    }

    fn proposed(headers: &[&str], rows: &[&[&str]]) -> Vec<(String, u8)> {
        let headers: Vec<String> = headers.iter().map(|h| (*h).to_owned()).collect();
        let custom = [CustomField { name: "maat", labels: ["Schoenmaat", "Shoe size"] }];
        let found = suggest(&headers, &records(rows), &custom, CountryCode::NL);
        found.into_iter().map(|s| (s.field.to_string(), s.confidence)).collect()
    }

    fn fields(headers: &[&str]) -> Vec<String> {
        proposed(headers, &[]).into_iter().map(|(field, _)| field).collect()
    }

    #[test]
    fn dutch_and_english_headers_in_any_spelling() {
        assert_eq!(
            fields(&["Klant-nr.", "Voorletters", "E-mail adres", "TELEFOON", "Geboorte datum", "Schoen-maat"]),
            ["externalId:klantnr", "initials", "email", "phone", "birthDate", "custom.maat"]
        );
        assert_eq!(
            fields(&["First name", "Surname", "Zip code", "Company", "VAT number", "e-mail (privé)", "Vestiging"]),
            ["givenName", "familyName", "postcode", "organisationName", "vatNumber", "email", "ignore"]
        );
    }

    #[test]
    fn values_tell_what_headers_do_not() {
        let rows: [&[&str]; 2] =
            [&["a@example.com", "06-12348060", "1593BT", "x"], &["b@example.nl", "020 123 4567", "", "y"]];
        assert_eq!(
            proposed(&["veld1", "veld2", "veld3", "veld4"], &rows),
            [
                ("email".to_owned(), VALUES),
                ("phone".to_owned(), VALUES),
                ("postcode".to_owned(), VALUES),
                ("ignore".to_owned(), 0)
            ]
        );
        assert_eq!(
            proposed(&["e-mail", "iban", "pc", "land"], &rows),
            [
                ("email".to_owned(), HEADER_AND_VALUES),
                ("iban".to_owned(), HEADER),
                ("postcode".to_owned(), HEADER_AND_VALUES),
                ("country".to_owned(), HEADER)
            ]
        );
        assert_eq!(proposed(&["mail"], &[&["nee"], &["ja"]]), [("email".to_owned(), HEADER_AGAINST_VALUES)]);
    }

    #[test]
    fn one_column_per_field_and_the_surest_wins() {
        assert_eq!(fields(&["naam", "achternaam", "mail", "email"]), ["familyName", "ignore", "email", "email"]);
        assert_eq!(fields(&["id", "klantnummer"]), ["externalId:id", "ignore"]);
    }

    #[test]
    fn fill_rates() {
        let headers = ["a".to_owned(), "b".to_owned()];
        let found = suggest(&headers, &records(&[&["x", ""], &["y", " "], &["", "z"]]), &[], CountryCode::NL);
        assert_eq!(found.iter().map(|s| s.filled).collect::<Vec<_>>(), [66, 33]);
    }

    #[test]
    fn every_synonym_leads_to_a_field_and_is_a_key() {
        for (name, words) in SYNONYMS {
            assert!(Field::parse(name).is_some(), "{name}");
            assert!(words.iter().all(|word| key(word) == *word), "{name}");
        }
    }
}
