//! The parts of a postal address that have a form of their own: postcode and house number, as the Dutch write them
//! (BAG: number, then letter or addition), and the key under which an address is found.
//!
//! Must never: be printed; see [`super::text`].

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::text::{compact, personal_text};
use super::{CountryCode, REQUIRED, Text, TextFault};

const POSTCODE: TextFault = TextFault::new("postcode", "This isn't a postcode.", "Dit is geen geldige postcode.");
const HOUSE_NUMBER: TextFault = TextFault::new(
    "house_number",
    "Use a house number, with an addition if there is one: 12, 12 A, 12-2.",
    "Gebruik een huisnummer, zo nodig met toevoeging: 12, 12 A, 12-2.",
);

/// Additions as long as the BAG has them (a letter and four characters) and as people write them (`2-hoog achter`).
const ADDITION_MAX: usize = 20;

personal_text! {
    /// A postcode: Dutch ones as `1234 AB`, others as typed, in capitals.
    Postcode
}

impl Postcode {
    /// Dutch: four digits without a leading zero and two letters, not SA, SD or SS, in any case and spacing. Elsewhere:
    /// two to twelve letters, digits, blanks and dashes. Faults: `required`, `postcode`.
    pub fn parse(text: &str, country: CountryCode) -> Result<Self, TextFault> {
        let text = text.trim();
        if text.is_empty() {
            return Err(REQUIRED);
        }
        if country == CountryCode::NL { dutch(text) } else { foreign(text) }.map(Self).ok_or(POSTCODE)
    }

    /// The first two digits of a Dutch postcode: coarse enough to stand in a plain column. `None` elsewhere.
    pub fn region(&self, country: CountryCode) -> Option<&str> {
        (country == CountryCode::NL).then(|| self.0.get(..2)).flatten()
    }

    /// Without blanks and dashes: `1234AB`.
    pub fn index_form(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.chars().filter(char::is_ascii_alphanumeric).collect())
    }
}

fn dutch(text: &str) -> Option<String> {
    let code = compact(text)?;
    let (digits, letters) = code.split_at_checked(4)?;
    let sound = digits.bytes().all(|b| b.is_ascii_digit())
        && !digits.starts_with('0')
        && letters.len() == 2
        && letters.bytes().all(|b| b.is_ascii_uppercase())
        // Never given out, because of what they stand for.
        && !matches!(letters, "SA" | "SD" | "SS");
    sound.then(|| format!("{digits} {letters}"))
}

fn foreign(text: &str) -> Option<String> {
    let words: Vec<_> = text.split_whitespace().collect();
    let code = words.join(" ").to_ascii_uppercase();
    let sound = (2..=12).contains(&code.len())
        && code.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'-'))
        && code.bytes().any(|b| b.is_ascii_alphanumeric());
    sound.then_some(code)
}

/// A house number with its addition, `203` `A`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct HouseNumber {
    number: u32,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    addition: String,
}

impl HouseNumber {
    /// `number` may carry the addition as well: `203A`, `203-A`, `12 hs`. Additions keep their spelling.
    /// Faults: `required`, `house_number`, `too_long`, `control_character`.
    pub fn parse(number: &str, addition: &str) -> Result<Self, TextFault> {
        let text = number.trim();
        if text.is_empty() {
            return Err(REQUIRED);
        }
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (digits, rest) = text.split_at(end);
        let number = digits.parse().ok().filter(|number| (1..=99_999).contains(number)).ok_or(HOUSE_NUMBER)?;
        let both = Zeroizing::new(format!("{rest} {addition}"));
        let both = both.trim_matches(|c: char| c.is_whitespace() || matches!(c, '-' | '/' | ',' | '.'));
        let addition = Text::<ADDITION_MAX>::optional(both)?;
        Ok(Self { number, addition: addition.map(|text| text.expose().to_owned()).unwrap_or_default() })
    }

    pub const fn number(&self) -> u32 {
        self.number
    }

    /// As typed; empty if there is none.
    pub fn addition(&self) -> &str {
        &self.addition
    }

    /// As it stands on an envelope: `203 A`.
    pub fn line(&self) -> Zeroizing<String> {
        let separator = if self.addition.is_empty() { "" } else { " " };
        Zeroizing::new(format!("{}{separator}{}", self.number, self.addition))
    }

    /// The one spelling under which an address is indexed and compared: country, postcode, number, addition, `NL|1593BT|112|A`.
    pub fn index_form(&self, country: CountryCode, postcode: &Postcode) -> Zeroizing<String> {
        let postcode = postcode.index_form();
        let addition = addition_key(&self.addition);
        Zeroizing::new(format!("{country}|{}|{}|{}", *postcode, self.number, *addition))
    }
}

impl fmt::Debug for HouseNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HouseNumber")
    }
}

/// Letters and digits in capitals; `2-hoog` is `2` and `huis` is `HS`, as the two spellings name the same door.
/// Roman numbers stay letters: `V` may be either.
fn addition_key(addition: &str) -> Zeroizing<String> {
    let mut key = Zeroizing::new(String::with_capacity(addition.len()));
    for c in addition.chars().filter(|c| c.is_alphanumeric()) {
        key.extend(c.to_uppercase());
    }
    if let Some(floor) = key.strip_suffix("HOOG").filter(|floor| floor.bytes().all(|b| b.is_ascii_digit())) {
        return Zeroizing::new(floor.to_owned());
    }
    if *key == "HUIS" { Zeroizing::new("HS".to_owned()) } else { key }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BE: &str = "BE";

    fn postcode(text: &str) -> Result<String, TextFault> {
        Postcode::parse(text, CountryCode::NL).map(|code| code.expose().to_owned())
    }

    #[test]
    fn dutch_postcodes() {
        for text in ["1593BT", "1593 bt", " 1593  Bt ", "1593-BT"] {
            assert_eq!(postcode(text).as_deref(), Ok("1593 BT"), "{text}");
        }
        for text in [
            "0593BT", "1593", "1593B", "1593BTX", "15930 BT", "BT1593", "1593SA", "1593 sd", "1593ss", "1593 ÀB",
            "159é BT",
        ] {
            assert_eq!(postcode(text), Err(POSTCODE), "{text}");
        }
        assert_eq!(postcode(""), Err(REQUIRED));
        let code = Postcode::parse("1593BT", CountryCode::NL).unwrap();
        assert_eq!(code.region(CountryCode::NL), Some("15"));
        assert_eq!(*code.index_form(), "1593BT");
    }

    #[test]
    fn foreign_postcodes_are_kept() {
        let belgium = CountryCode::parse(BE).unwrap();
        let code = Postcode::parse(" b-1000 ", belgium).unwrap();
        assert_eq!(code.expose(), "B-1000");
        assert_eq!(code.region(belgium), None);
        assert_eq!(Postcode::parse("sw1a  1aa", belgium).unwrap().expose(), "SW1A 1AA");
        for text in ["1", "--", "1234567890123", "1000/2"] {
            assert_eq!(Postcode::parse(text, belgium), Err(POSTCODE), "{text}");
        }
    }

    #[test]
    fn house_numbers_take_their_addition_from_either_field() {
        for (number, addition, line) in [
            ("203", "A", "203 A"),
            ("203A", "", "203 A"),
            ("203-A", "", "203 A"),
            ("203", "-A", "203 A"),
            (" 12 hs", " ", "12 hs"),
            ("12", "2-hoog", "12 2-hoog"),
            ("7", "", "7"),
        ] {
            assert_eq!(*HouseNumber::parse(number, addition).unwrap().line(), line);
        }
        for wrong in ["A", "0", "-3", "100000", "99999999999999"] {
            assert_eq!(HouseNumber::parse(wrong, ""), Err(HOUSE_NUMBER), "{wrong}");
        }
        assert_eq!(HouseNumber::parse("1", "een heel lange toevoeging").unwrap_err().code, "too_long");
        assert_eq!(HouseNumber::parse("", "A"), Err(REQUIRED));
    }

    #[test]
    fn one_door_has_one_key() {
        let key = |number, addition, code| {
            let code = Postcode::parse(code, CountryCode::NL).unwrap();
            HouseNumber::parse(number, addition).unwrap().index_form(CountryCode::NL, &code).to_string()
        };
        assert_eq!(key("112", "A", "1593BT"), "NL|1593BT|112|A");
        assert_eq!(key("112a", "", "1593 bt"), key("112", "-A", "1593BT"));
        assert_eq!(key("12", "2-hoog", "1593BT"), key("12-2", "", "1593BT"));
        assert_eq!(key("12", "huis", "1593BT"), key("12", "HS", "1593BT"));
        assert_eq!(key("12", "III", "1593BT"), "NL|1593BT|12|III");
        assert_ne!(key("1", "12", "1593BT"), key("11", "2", "1593BT"));
    }

    #[test]
    fn json_keeps_both_parts() {
        let number = HouseNumber::parse("203", "A").unwrap();
        let json = serde_json::to_string(&number).unwrap();
        assert_eq!(json, r#"{"number":203,"addition":"A"}"#);
        assert_eq!(serde_json::from_str::<HouseNumber>(&json).unwrap(), number);
        assert_eq!(serde_json::from_str::<HouseNumber>(r#"{"number":7}"#).unwrap().addition(), "");
    }
}
