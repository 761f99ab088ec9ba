//! Words that stand for something in exports: yes and no, forms of address, countries, languages, house numbers behind a
//! street. Dutch and English.
//!
//! Must never: take an unknown word for one of these.

use kluis_core::kernel::{CountryCode, LanguageTag, TextFault};

use super::draft::Gender;

const YES_OR_NO: TextFault = TextFault::new("newsletter", "Use yes or no.", "Gebruik ja of nee.");
const GENDER: TextFault = TextFault::new("gender", "Use m, f or x.", "Gebruik m, v of x.");

fn plain(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '.' | ' ')).flat_map(char::to_lowercase).collect()
}

/// `Ja`, `j`, `yes`, `1`, `x` …; `nee`, `n`, `no`, `0` … Fault: `newsletter`.
pub fn yes_or_no(text: &str) -> Result<bool, TextFault> {
    match plain(text).as_str() {
        "ja" | "j" | "yes" | "y" | "true" | "waar" | "1" | "x" | "aan" | "on" => Ok(true),
        "nee" | "n" | "neen" | "no" | "false" | "onwaar" | "0" | "-" | "uit" | "off" => Ok(false),
        _ => Err(YES_OR_NO),
    }
}

/// A letter, a word or a form of address. Fault: `gender`.
pub fn gender(text: &str) -> Result<Gender, TextFault> {
    match plain(text).as_str() {
        "v" | "f" | "vrouw" | "female" | "mevr" | "mevrouw" | "mw" | "mrs" | "ms" | "miss" => Ok(Gender::Female),
        "m" | "man" | "male" | "dhr" | "deheer" | "heer" | "mr" => Ok(Gender::Male),
        "x" | "o" | "anders" | "other" | "onbekend" | "unknown" | "divers" => Ok(Gender::Other),
        _ => Err(GENDER),
    }
}

/// Two letters, or the name of a neighbour. Fault: `country`.
pub fn country(text: &str) -> Result<CountryCode, TextFault> {
    let code = match plain(text).as_str() {
        "nederland" | "netherlands" | "thenetherlands" | "holland" | "nld" => "NL",
        "belgië" | "belgie" | "belgium" | "belgique" | "bel" => "BE",
        "duitsland" | "germany" | "deutschland" | "deu" => "DE",
        "luxemburg" | "luxembourg" | "lux" => "LU",
        "frankrijk" | "france" | "fra" => "FR",
        "verenigdkoninkrijk" | "unitedkingdom" | "engeland" | "uk" | "gbr" => "GB",
        _ => text,
    };
    CountryCode::parse(code)
}

/// A tag, or the name of a language that is common here. Fault: `language`.
pub fn language(text: &str) -> Result<LanguageTag, TextFault> {
    let tag = match plain(text).as_str() {
        "nederlands" | "dutch" | "nld" | "ned" => "nl",
        "engels" | "english" | "eng" => "en",
        "duits" | "german" | "deutsch" | "deu" => "de",
        "frans" | "french" | "français" | "fra" => "fr",
        "fries" | "frysk" | "frisian" => "fy",
        _ => text,
    };
    LanguageTag::parse(tag)
}

/// Splits `Casweg 112 A` before the number that ends it: `Casweg` and `112 A`. A number that begins the line belongs to
/// the street (`1e Dwarsstraat 5`). Without a number the second part is empty.
pub fn street_and_number(line: &str) -> (&str, &str) {
    let mut words = line.char_indices().filter(|(at, c)| {
        let before = line.get(..*at).unwrap_or_default();
        c.is_ascii_digit() && before.ends_with(char::is_whitespace) && !before.trim().is_empty()
    });
    match words.next() {
        Some((at, _)) => (line.get(..at).unwrap_or(line).trim_end(), line.get(at..).unwrap_or_default()),
        None => (line, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yes_and_no() {
        for text in ["Ja", "ja", "J", "YES", "1", "x"] {
            assert_eq!(yes_or_no(text), Ok(true), "{text}");
        }
        for text in ["nee", "N", "no", "0", "False"] {
            assert_eq!(yes_or_no(text), Ok(false), "{text}");
        }
        assert_eq!(yes_or_no("misschien"), Err(YES_OR_NO));
    }

    #[test]
    fn forms_of_address_countries_and_languages() {
        assert_eq!(gender("Dhr."), Ok(Gender::Male));
        assert_eq!(gender("mevr."), Ok(Gender::Female));
        assert_eq!(gender("fam."), Err(GENDER));
        assert_eq!(country("België").map(CountryCode::as_str), Ok("BE"));
        assert_eq!(country("nl").map(CountryCode::as_str), Ok("NL"));
        assert_eq!(country("Nergens").map_err(|f| f.code), Err("country"));
        assert_eq!(language("Nederlands").map(|l| l.as_str().to_owned()).as_deref(), Ok("nl"));
    }

    #[test]
    fn house_numbers_behind_streets() {
        assert_eq!(street_and_number("Casweg 112 A"), ("Casweg", "112 A"));
        assert_eq!(street_and_number("1e Dwarsstraat 5"), ("1e Dwarsstraat", "5"));
        assert_eq!(street_and_number("Plein 1944"), ("Plein", "1944"));
        assert_eq!(street_and_number("Postbus"), ("Postbus", ""));
        assert_eq!(street_and_number(""), ("", ""));
    }
}
