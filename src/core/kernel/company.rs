//! The numbers under which organisations are registered: KvK, KvK branch, VAT.
//!
//! A sole trader's number points at a person, and the old Dutch VAT number of a sole trader holds the citizen service
//! number; so these are handled as personal data. Must never: be printed; see [`super::text`].

use super::text::{compact, personal_text};
use super::{REQUIRED, TextFault};

const KVK: TextFault =
    TextFault::new("kvk_number", "A KvK number has eight digits.", "Een KvK-nummer heeft acht cijfers.");
const BRANCH: TextFault = TextFault::new(
    "branch_number",
    "A branch number (vestigingsnummer) has twelve digits.",
    "Een vestigingsnummer heeft twaalf cijfers.",
);
const VAT: TextFault = TextFault::new(
    "vat_number",
    "This isn't a VAT number of the European Union.",
    "Dit is geen geldig btw-nummer uit de Europese Unie.",
);

personal_text! {
    /// A number in the Dutch trade register, eight digits (Handelsregisterbesluit 2008).
    KvkNumber
}

impl KvkNumber {
    /// Blanks, dots and dashes are taken. Faults: `required`, `kvk_number`.
    pub fn parse(text: &str) -> Result<Self, TextFault> {
        digits(text, 8, KVK).map(Self)
    }
}

personal_text! {
    /// The number of one branch in the Dutch trade register (vestigingsnummer), twelve digits.
    BranchNumber
}

impl BranchNumber {
    /// Blanks, dots and dashes are taken. Faults: `required`, `branch_number`.
    pub fn parse(text: &str) -> Result<Self, TextFault> {
        digits(text, 12, BRANCH).map(Self)
    }
}

fn digits(text: &str, length: usize, fault: TextFault) -> Result<String, TextFault> {
    if text.trim().is_empty() {
        return Err(REQUIRED);
    }
    let code = compact(text).ok_or(fault)?;
    let sound = code.len() == length && code.bytes().all(|b| b.is_ascii_digit()) && code.bytes().any(|b| b != b'0');
    if sound { Ok(code.to_string()) } else { Err(fault) }
}

personal_text! {
    /// A VAT number with its country, `NL123456789B13`.
    VatNumber
}

impl VatNumber {
    /// Any case and spacing. Dutch numbers are checked by their digits, and may come without `NL`; others by the pattern
    /// of their country. Faults: `required`, `vat_number`.
    pub fn parse(text: &str) -> Result<Self, TextFault> {
        if text.trim().is_empty() {
            return Err(REQUIRED);
        }
        let mut code = compact(text).ok_or(VAT)?;
        if fits(&code, DUTCH) {
            code.insert_str(0, "NL");
        }
        let (country, number) = code.split_at_checked(2).ok_or(VAT)?;
        let sound = match country {
            "NL" => fits(number, DUTCH) && is_dutch(number),
            _ => PATTERNS.iter().any(|(code, patterns)| *code == country && patterns.iter().any(|p| fits(number, p))),
        };
        if sound { Ok(Self(code.to_string())) } else { Err(VAT) }
    }
}

const DUTCH: &str = "999999999B99";

/// The structure of VAT numbers by country, as the VIES service of the European Commission publishes it.
/// `9` is a digit, `A` a letter, `X` either; other characters stand for themselves.
const PATTERNS: [(&str, &[&str]); 27] = [
    ("AT", &["U99999999"]),
    ("BE", &["0999999999", "1999999999"]),
    ("BG", &["999999999", "9999999999"]),
    ("CY", &["99999999A"]),
    ("CZ", &["99999999", "999999999", "9999999999"]),
    ("DE", &["999999999"]),
    ("DK", &["99999999"]),
    ("EE", &["999999999"]),
    ("EL", &["999999999"]),
    ("ES", &["X9999999X"]),
    ("FI", &["99999999"]),
    ("FR", &["XX999999999"]),
    ("HR", &["99999999999"]),
    ("HU", &["99999999"]),
    ("IE", &["9X99999A", "9999999AA"]),
    ("IT", &["99999999999"]),
    ("LT", &["999999999", "999999999999"]),
    ("LU", &["99999999"]),
    ("LV", &["99999999999"]),
    ("MT", &["99999999"]),
    ("PL", &["9999999999"]),
    ("PT", &["999999999"]),
    ("RO", &["99", "999", "9999", "99999", "999999", "9999999", "99999999", "999999999", "9999999999"]),
    ("SE", &["999999999999"]),
    ("SI", &["99999999"]),
    ("SK", &["9999999999"]),
    // Northern Ireland follows the rules of the Union for goods.
    ("XI", &["999999999", "999999999999", "GD999", "HA999"]),
];

fn fits(number: &str, pattern: &str) -> bool {
    number.len() == pattern.len()
        && number.bytes().zip(pattern.bytes()).all(|(byte, wanted)| match wanted {
            b'9' => byte.is_ascii_digit(),
            b'A' => byte.is_ascii_uppercase(),
            b'X' => byte.is_ascii_alphanumeric(),
            _ => byte == wanted,
        })
}

/// Either check of the Belastingdienst: since 2020 the whole number modulo 97 (letters count as A = 10 … Z = 35, as in
/// ISO 7064 MOD 97-10) is one; before that, and for legal persons still, the nine digits pass the eleven-test.
fn is_dutch(number: &str) -> bool {
    let remainder = "NL".bytes().chain(number.bytes()).fold(0_u32, |remainder, byte| match byte {
        b'0'..=b'9' => (remainder * 10 + u32::from(byte - b'0')) % 97,
        _ => (remainder * 100 + u32::from(byte.saturating_sub(b'A')) + 10) % 97,
    });
    let suffix = &number[number.len().saturating_sub(2)..];
    let nine: Vec<u8> = number.bytes().take(9).map(|byte| byte.saturating_sub(b'0')).collect();
    suffix != "00" && (remainder == 1 || is_rsin(&nine))
}

/// The number of a legal person (RSIN) passes the same eleven-test as that of a citizen, but may begin with two noughts.
fn is_rsin(nine: &[u8]) -> bool {
    let weights = (2_i32..=9).rev().chain([-1]);
    let sum: i32 = nine.iter().zip(weights).map(|(digit, weight)| i32::from(*digit) * weight).sum();
    nine.len() == 9 && nine.iter().any(|digit| *digit != 0) && sum % 11 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trade_register_numbers() {
        assert_eq!(KvkNumber::parse(" 1234 5678 ").unwrap().expose(), "12345678");
        assert_eq!(BranchNumber::parse("0000.1234.5678").unwrap().expose(), "000012345678");
        for wrong in ["1234567", "123456789", "1234567A", "00000000", "１２３４５６７８"] {
            assert_eq!(KvkNumber::parse(wrong), Err(KVK), "{wrong}");
        }
        assert_eq!(BranchNumber::parse("12345678"), Err(BRANCH));
        assert_eq!(BranchNumber::parse(""), Err(REQUIRED));
    }

    #[test]
    fn dutch_vat_numbers_have_two_checks() {
        // Eleven-test over 111222333, and modulo 97 of the whole.
        for text in ["NL111222333B01", "nl 1112.22.333.B.01", "111222333b01", "NL000099998B57", "NL004495445B01"] {
            let number = VatNumber::parse(text).unwrap();
            assert!(number.expose().starts_with("NL") && number.expose().len() == 14, "{text}");
        }
        for wrong in
            ["NL111222334B01", "NL000099998B58", "NL111222333B00", "NL111222333B1", "NL111222333C01", "NL11122233B01"]
        {
            assert_eq!(VatNumber::parse(wrong), Err(VAT), "{wrong}");
        }
    }

    #[test]
    fn other_countries_have_their_pattern() {
        for text in [
            "ATU12345678",
            "BE0123.456.789",
            "DE 123456789",
            "FRXX123456789",
            "ESX1234567X",
            "IE1234567WA",
            "EL123456789",
            "SE123456789001",
            "RO12",
            "XIGD123",
        ] {
            assert!(VatNumber::parse(text).is_ok(), "{text}");
        }
        for text in [
            "AT12345678",
            "BE2123456789",
            "DE12345678",
            "GR123456789",
            "US123456789",
            "GB123456789",
            "DE",
            "D",
            "ÀÀ123456789",
        ] {
            assert_eq!(VatNumber::parse(text), Err(VAT), "{text}");
        }
    }
}
