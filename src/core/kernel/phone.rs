//! Telephone numbers (ITU-T E.164), from any spelling that Dutch people use.
//!
//! Must never: be printed; see [`super::text`].

use phonenumber::{Mode, PhoneNumber, country};
use zeroize::Zeroizing;

use super::text::personal_text;
use super::{REQUIRED, TextFault};

const FAULT: TextFault =
    TextFault::new("phone", "This isn't a telephone number.", "Dit is geen geldig telefoonnummer.");

/// E.164: a plus and at most fifteen digits, and the zero of a trunk prefix that doesn't belong there.
const DIALLED_MAX: usize = 17;

personal_text! {
    /// A telephone number in E.164, `+31612348060`; this is the form for the index as well.
    Phone
}

impl Phone {
    /// `default_country` (ISO 3166 alpha-2) is the country of a number without a country code: the tenant's. Blanks,
    /// dots, slashes, dashes, brackets and `(0)` are taken, letters and extensions aren't. Faults: `required`, `phone`.
    pub fn parse(text: &str, default_country: &str) -> Result<Self, TextFault> {
        if text.trim().is_empty() {
            return Err(REQUIRED);
        }
        let dialled = dialled(text).ok_or(FAULT)?;
        // With a country code the default must stay out of it: the library would apply its trunk prefix and take the
        // zero from an Italian number.
        let national = !dialled.starts_with('+');
        if let Some(number) = plainly_dutch(&dialled, default_country) {
            return Ok(Self(number));
        }
        let country = national.then(|| default_country.to_ascii_uppercase().parse::<country::Id>().ok()).flatten();
        let number = phonenumber::parse(country, dialled.as_str()).map_err(|_| FAULT)?;
        if !number.is_valid() && !is_dutch(&number) {
            return Err(FAULT);
        }
        Ok(Self(number.format().mode(Mode::E164).to_string()))
    }

    /// Whether a text has the form that [`Self::expose`] gives, which nobody needs to parse again.
    pub fn is_e164(text: &str) -> bool {
        let digits = text.strip_prefix('+').unwrap_or_default();
        (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    }
}

/// Only what is dialled: digits, with a plus in front if there was one or `00`, its spelling on the keypad.
fn dialled(text: &str) -> Option<Zeroizing<String>> {
    let text = text.trim();
    let text = text.strip_prefix("tel:").unwrap_or(text).trim_start();
    let international = text.starts_with(['+', '＋']) || text.starts_with("(+") || text.starts_with("00");
    // `+31 (0)6`: the zero in brackets is dialled within the country only.
    let text = Zeroizing::new(if international { text.replacen("(0)", " ", 1) } else { text.to_owned() });
    let mut dialled = Zeroizing::new(String::with_capacity(text.len()));
    for c in text.chars() {
        match c {
            '0'..='9' => dialled.push(c),
            '+' | '＋' if dialled.is_empty() => dialled.push('+'),
            '.' | '-' | '/' | '(' | ')' | '\u{2010}'..='\u{2015}' | '\u{2212}' => {}
            _ if c.is_whitespace() => {}
            _ => return None,
        }
    }
    if let Some(rest) = dialled.strip_prefix("00") {
        dialled = Zeroizing::new(format!("+{rest}"));
    }
    (dialled.len() <= DIALLED_MAX).then_some(dialled)
}

/// What most customers' numbers look like, and what needs no library: `+31` or the Dutch trunk prefix before nine digits
/// that are a Dutch number.
fn plainly_dutch(dialled: &str, default_country: &str) -> Option<String> {
    let trunk = || dialled.strip_prefix('0').filter(|_| default_country.eq_ignore_ascii_case("NL"));
    let national = dialled.strip_prefix("+31").or_else(trunk)?;
    is_dutch_shape(national).then(|| format!("+31{national}"))
}

/// The shape of a Dutch number of nine digits (Nummerplan telefoon- en ISDN-diensten): 1 to 5 and 7 geographic, 6 mobile,
/// 84, 85, 87, 88 and 91 for companies. The library knows the ranges in use today; new ones must not be refused.
fn is_dutch(number: &PhoneNumber) -> bool {
    number.code().value() == 31 && is_dutch_shape(&number.national().to_string())
}

fn is_dutch_shape(national: &str) -> bool {
    let known =
        matches!(national.as_bytes(), [b'1'..=b'7', ..] | [b'8', b'4' | b'5' | b'7' | b'8', ..] | [b'9', b'1', ..]);
    national.len() == 9 && known && national.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn e164(text: &str) -> Result<String, TextFault> {
        Phone::parse(text, "NL").map(|phone| phone.expose().to_owned())
    }

    #[test]
    fn dutch_spellings_give_one_number() {
        for text in [
            "06-12348060",
            "0612348060",
            "06 12 34 80 60",
            "06 - 12 34 80 60",
            "06.12.34.80.60",
            "06/12348060",
            "(06) 1234 8060",
            "(06)12348060",
            "0031612348060",
            "0031 6 12348060",
            "0031 (0)6 12348060",
            "00 31 6 1234 8060",
            "+31612348060",
            "+31 6 12348060",
            "+31 (0)6 12 34 80 60",
            "+31(0)612348060",
            "+31 06 12348060",
            "(+31) 6 12348060",
            "+31-6-12348060",
            "31612348060",
            "31 6 12348060",
            "612348060",
            "tel:+31612348060",
            "06\u{a0}1234\u{a0}8060",
            "06–12348060",
        ] {
            assert_eq!(e164(text).as_deref(), Ok("+31612348060"), "{text}");
        }
    }

    #[test]
    fn landlines_service_numbers_and_foreign_numbers() {
        for (text, number) in [
            ("020 123 4567", "+31201234567"),
            ("(020) 123 45 67", "+31201234567"),
            ("0475-123456", "+31475123456"),
            ("088 123 45 67", "+31881234567"),
            ("085-1234567", "+31851234567"),
            ("0800-1234", "+318001234"),
            ("0900 1884", "+319001884"),
            ("+32 470 12 34 56", "+32470123456"),
            ("0032 (0)470 12 34 56", "+32470123456"),
            ("+49 30 123456", "+4930123456"),
            ("+39 06 6982 1234", "+390669821234"),
            ("+44 (0)20 7946 0958", "+442079460958"),
            ("+1 202 555 0123", "+12025550123"),
        ] {
            assert_eq!(e164(text).as_deref(), Ok(number), "{text}");
        }
        assert_eq!(Phone::parse("0470 12 34 56", "be").unwrap().expose(), "+32470123456");
    }

    #[test]
    fn what_cannot_be_dialled_is_refused() {
        for text in [
            "06-1234806",
            "06-123480601",
            "1234567",
            "112",
            "0123456789012345678",
            "+31",
            "+31 6",
            "+999 123456789",
            "0000000000",
            "06-1234806O",
            "06 12348060 tst 12",
            "bel mij",
            "06+12348060",
            "jan@example.com",
            "12/34/56",
        ] {
            assert_eq!(e164(text), Err(FAULT), "{text}");
        }
        assert_eq!(e164("  "), Err(REQUIRED));
        assert!(Phone::parse("06-12348060", "??").is_err());
        assert!(Phone::parse("+31612348060", "??").is_ok());
    }

    proptest! {
        #[test]
        fn what_is_plainly_dutch_is_what_the_library_reads(nine in "[1-9][0-9]{8}", foreign: bool) {
            let text = if foreign { format!("+31{nine}") } else { format!("0{nine}") };
            let plain = plainly_dutch(&text, "nl");
            prop_assert_eq!(plain.is_some(), is_dutch_shape(&nine));
            let read = phonenumber::parse((!foreign).then_some(country::NL), &text).unwrap();
            prop_assert_eq!(plain.unwrap_or_else(|| format!("+31{nine}")), read.format().mode(Mode::E164).to_string());
        }
    }
}
