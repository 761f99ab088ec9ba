//! The sample export through the text types: exactly the lines that its truth calls faulty are, with its codes.

use chrono::NaiveDate;

use super::*;

#[test]
fn the_sample_export_has_the_faults_of_its_truth() {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/klanten-nl");
    let rows = std::fs::read_to_string(format!("{fixtures}.csv")).unwrap();
    let truth = std::fs::read_to_string(format!("{fixtures}.truth.csv")).unwrap();
    let mut lines = 0;
    for (row, truth) in rows.lines().zip(truth.lines()).skip(1) {
        let columns: Vec<_> = row.split(';').collect();
        let truth: Vec<_> = truth.split(',').collect();
        let expected = if truth[1] == "error" { vec![truth[3]] } else { Vec::new() };
        assert_eq!(codes(&columns), expected, "line {}", truth[0]);
        lines += 1;
    }
    assert_eq!(lines, 2000);
}

/// The faults of one line, as an import would find them.
fn codes(columns: &[&str]) -> Vec<&'static str> {
    let today = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
    let parts = NameParts {
        initials: columns[2],
        given: columns[3],
        prefix: columns[4],
        family: columns[5],
        ..NameParts::default()
    };
    let mut faults = Faults::new();
    for (_, fault) in PersonName::parse(&parts).err().unwrap_or_default() {
        faults.add("", fault.code, fault.detail);
    }
    faults.check("", unless_empty(columns[6], |text| BirthDate::parse(text, today).map(drop)));
    faults.check("", unless_empty(columns[7], |text| Email::parse(text).map(drop)));
    faults.check("", unless_empty(columns[8], |text| Phone::parse(text, "NL").map(drop)));
    faults.check("", unless_empty(columns[10], |text| HouseNumber::parse(text, columns[11]).map(drop)));
    faults.check("", unless_empty(columns[12], |text| Postcode::parse(text, CountryCode::NL).map(drop)));
    faults.check("", unless_empty(columns[14], |text| Iban::parse(text).map(drop)));
    faults.check("", bsn::refuse(columns[16]));
    faults.into_vec().into_iter().map(|fault| fault.code).collect()
}

fn unless_empty(text: &str, parse: impl Fn(&str) -> Result<(), TextFault>) -> Result<(), TextFault> {
    if text.is_empty() { Ok(()) } else { parse(text) }
}

#[test]
fn duplicates_of_the_sample_share_an_index_form_with_their_original() {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/klanten-nl");
    let rows = std::fs::read_to_string(format!("{fixtures}.csv")).unwrap();
    let truth = std::fs::read_to_string(format!("{fixtures}.truth.csv")).unwrap();
    let rows: Vec<Vec<&str>> = rows.lines().map(|row| row.split(';').collect()).collect();
    let keys = |row: &[&str]| {
        let email = Email::parse(row[7]).ok().map(|email| email.index_form());
        (email, Phone::parse(row[8], "NL").ok())
    };
    let mut duplicates = 0;
    for (index, line) in truth.lines().enumerate().filter(|(_, line)| line.contains(",duplicate,")) {
        let of: usize = line.split(',').nth(2).unwrap().parse().unwrap();
        let ((email, phone), (first_email, first_phone)) = (keys(&rows[index]), keys(&rows[of - 1]));
        let same_email = email.is_some() && email == first_email;
        let same_phone = phone.is_some() && phone == first_phone;
        assert!(same_email || same_phone, "{line}");
        duplicates += 1;
    }
    assert_eq!(duplicates, 152);
}
