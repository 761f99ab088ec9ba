//! The sample export with its obvious mapping gives exactly what its truth says, line by line.

use kluis::customers::model::{CustomerStatus, LegalBasis, exact_keys};
use kluis::imports::draft::draft;
use kluis::imports::encoding::{Encoding, Sniffer};
use kluis::imports::mapping::{Field, Mapping};
use kluis::imports::merge::{Terms, fresh};
use kluis::imports::source::{Format, SAMPLE_BYTES, Source};
use kluis::imports::suggest::suggest;
use kluis::imports::twins::Twins;
use kluis_core::kernel::CountryCode;

pub const CSV: &[u8] = include_bytes!("../fixtures/klanten-nl.csv");
pub const TRUTH: &str = include_str!("../fixtures/klanten-nl.truth.csv");

pub const OBVIOUS: [&str; 17] = [
    "externalId:klantnummer",
    "ignore",
    "initials",
    "givenName",
    "prefix",
    "familyName",
    "birthDate",
    "email",
    "phone",
    "street",
    "houseNumber",
    "houseAddition",
    "postcode",
    "city",
    "iban",
    "newsletter",
    "remarks",
];

fn format(bytes: &[u8]) -> Format {
    let mut sniffer = Sniffer::new();
    bytes.chunks(1000).for_each(|piece| sniffer.push(piece));
    Format::detect(sniffer.verdict().expect("a text"), &bytes[..SAMPLE_BYTES.min(bytes.len())])
}

/// What becomes of each line in an empty file of customers, in the words of the truth.
fn outcomes(bytes: &[u8], piece: usize) -> String {
    let mut source = Source::new(format(bytes));
    let mapping = Mapping {
        columns: OBVIOUS.iter().map(|field| Field::parse(field).expect("a field")).collect(),
        country: CountryCode::NL,
    };
    let terms = Terms {
        legal_basis: LegalBasis::Contract,
        source: "export".to_owned(),
        status: CustomerStatus::Active,
        language: "nl".to_owned(),
    };
    let mut twins = Twins::new();
    let mut out = String::from("line,expect,of_line,codes\n");
    let mut left = bytes.len();
    for piece in bytes.chunks(piece) {
        left -= piece.len();
        source.push(piece, left == 0);
        while let Some(record) = source.next() {
            let width = source.headers().expect("a header").len();
            let line = record.line;
            out += &match draft(&mapping, width, &record, "2026-11-22".parse().expect("a date")) {
                Err(codes) => format!("{line},error,,{}\n", codes.join(" ")),
                Ok(draft) => {
                    let keys = exact_keys(&fresh(&draft, &terms, &[]));
                    match twins.find(&keys) {
                        Some(twin) => format!("{line},duplicate,{},{}\n", twin.line, how_it_was_made(&twin.codes)),
                        None => {
                            twins.accept(i64::try_from(line).expect("few lines"), &keys);
                            format!("{line},create,,\n")
                        }
                    }
                }
            };
        }
    }
    out
}

/// The truth tells how each duplicate was made: the e-mail address in capitals and no number, the number in another
/// spelling and no address, or both as they were.
fn how_it_was_made(codes: &[&'static str]) -> &'static str {
    match codes {
        ["email"] => "mail_case",
        ["phone"] => "phone_format",
        ["email", "phone"] => "same",
        _ => "unknown",
    }
}

fn assert_truth(found: &str) {
    let truth = TRUTH.replace("\r\n", "\n");
    for (found, truth) in found.lines().zip(truth.lines()) {
        assert_eq!(found, truth);
    }
    assert_eq!(found.len(), truth.len());
}

#[test]
fn the_result_is_the_truth() {
    assert_truth(&outcomes(CSV, 4096));
}

#[test]
fn other_encodings_delimiters_and_pieces_change_nothing() {
    let text = std::str::from_utf8(CSV).expect("UTF-8").trim_start_matches('\u{feff}');
    assert_truth(&outcomes(text.as_bytes(), 7));
    let (windows, _, lossy) = encoding_rs::WINDOWS_1252.encode(text);
    assert!(!lossy);
    assert_eq!(format(&windows).encoding, Encoding::Windows1252);
    assert_truth(&outcomes(&windows, 1 << 20));
    for delimiter in [",", "\t"] {
        assert_truth(&outcomes(text.replace(';', delimiter).as_bytes(), 9999));
    }
    let utf16: Vec<u8> = format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_truth(&outcomes(&utf16, 999));
}

#[test]
fn the_obvious_mapping_is_the_one_proposed() {
    let mut source = Source::new(format(CSV));
    source.push(CSV, true);
    let sample: Vec<_> = std::iter::from_fn(|| source.next()).take(100).collect();
    let found = suggest(source.headers().expect("a header"), &sample, &[], CountryCode::NL);
    assert_eq!(found.iter().map(|s| s.field.to_string()).collect::<Vec<_>>(), OBVIOUS);
    assert!(found.iter().filter(|s| s.field.to_string() != "ignore").all(|s| s.confidence >= 90));
}
