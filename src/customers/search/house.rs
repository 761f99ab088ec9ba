//! An address as one types it to find it: postcode and house number in one text, abroad with the country in front.
//!
//! Must never: keep or log what was typed.

use kluis_core::kernel::{CountryCode, HouseNumber, Postcode};
use zeroize::Zeroizing;

/// The keys of the addresses that a text may stand for, none if it is no address. Without a country of its own it is
/// read by the `usual` one. Abroad nobody can tell for sure where a postcode ends, so that there may be several.
pub fn keys(text: &str, usual: CountryCode) -> Vec<Zeroizing<String>> {
    let named = with_country(text);
    let readings = [(usual, text)].into_iter().chain(named);
    readings.flat_map(|(country, address)| keys_in(address, country)).collect()
}

/// `BE 2000 12`, `NL-1234 AB 12`
fn with_country(text: &str) -> Option<(CountryCode, &str)> {
    let (letters, address) = text.trim().split_once(|c: char| c.is_whitespace() || c == '-')?;
    Some((CountryCode::parse(letters).ok()?, address))
}

fn keys_in(text: &str, country: CountryCode) -> impl Iterator<Item = Zeroizing<String>> {
    splits(text).filter_map(move |(code, number)| {
        // Only a Dutch postcode has an end that one can see without a blank.
        if country != CountryCode::NL && !code.ends_with(is_gap) {
            return None;
        }
        let postcode = Postcode::parse(code.trim_end_matches(is_gap), country).ok()?;
        Some(HouseNumber::parse(number, "").ok()?.index_form(country, &postcode))
    })
}

/// Every place where a number begins, with what stands before it.
fn splits(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let begins = move |at: &usize| !text[..*at].ends_with(|c: char| c.is_ascii_digit());
    let digits = text.char_indices().filter(|(_, c)| c.is_ascii_digit()).map(|(at, _)| at);
    digits.filter(begins).map(move |at| text.split_at(at))
}

fn is_gap(c: char) -> bool {
    c.is_whitespace() || c == ','
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, country: &str) -> Vec<String> {
        keys(text, CountryCode::parse(country).unwrap()).iter().map(|key| key.to_string()).collect()
    }

    #[test]
    fn dutch_addresses_in_any_spelling() {
        let spellings =
            ["1234 AB 12", "1234ab 12", " 1234AB12 ", "1234 AB, 12", "1234-AB-12", "NL 1234 AB 12", "nl-1234ab 12"];
        for text in spellings {
            assert_eq!(read(text, "NL"), ["NL|1234AB|12|"], "{text}");
        }
        for text in ["1234AB 12-a", "1234 AB 12 A", "1234ab12a"] {
            assert_eq!(read(text, "NL"), ["NL|1234AB|12|A"], "{text}");
        }
        assert_eq!(read("1234 AB 12 2-hoog", "NL"), ["NL|1234AB|12|2"]);
    }

    #[test]
    fn foreign_addresses_by_the_usual_country_or_by_their_own() {
        assert_eq!(read("2000 12-a", "BE"), ["BE|2000|12|A"]);
        assert_eq!(read("BE 2000 12", "NL"), ["BE|2000|12|"]);
        assert!(read("NL 1234 AB 12", "BE").contains(&"NL|1234AB|12|".to_owned()));
        assert!(read("SW1A 1AA 10", "GB").contains(&"GB|SW1A1AA|10|".to_owned()));
    }

    #[test]
    fn what_is_no_address_has_no_key() {
        for text in ["", "1234 AB", "12", "1234 SS 12", "Dorpsstraat 12", "2000 12", "1234 AB 0", "é 1", "XX 2000 12"]
        {
            assert_eq!(read(text, "NL"), [""; 0], "{text}");
        }
    }
}
