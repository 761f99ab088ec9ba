//! Bank account numbers (ISO 13616).
//!
//! Must never: be printed; see [`super::text`].

use iban::{Iban as Checked, IbanLike};

use super::text::{compact, personal_text};
use super::{REQUIRED, TextFault};

const FAULT: TextFault = TextFault::new("iban", "This isn't a valid IBAN.", "Dit is geen geldig IBAN.");

personal_text! {
    /// An IBAN in its electronic form, `NL91ABNA0417164300`; this is the form for the index as well.
    Iban
}

impl Iban {
    /// Any case and spacing, also with `IBAN` in front. Checks the country's structure and the check digits.
    /// Faults: `required`, `iban`.
    pub fn parse(text: &str) -> Result<Self, TextFault> {
        if text.trim().is_empty() {
            return Err(REQUIRED);
        }
        let code = compact(&text.replace(':', " ")).ok_or(FAULT)?;
        // No country has the code IB, so the word in front can't be part of a number.
        let number = code.strip_prefix("IBAN").unwrap_or(&code);
        let checked: Checked = number.parse().map_err(|_| FAULT)?;
        Ok(Self(checked.electronic_str().to_owned()))
    }

    /// The first two letters.
    pub fn country(&self) -> &str {
        self.0.get(..2).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_gives_the_electronic_form() {
        for text in
            ["NL91ABNA0417164300", "nl91 abna 0417 1643 00", "IBAN: NL91-ABNA-0417.1643.00", " NL91 ABNA0417164300\t"]
        {
            assert_eq!(Iban::parse(text).unwrap().expose(), "NL91ABNA0417164300", "{text}");
        }
        assert_eq!(Iban::parse("BE68 5390 0754 7034").unwrap().country(), "BE");
        assert_eq!(format!("{:?}", Iban::parse("NL91ABNA0417164300").unwrap()), "Iban");
    }

    #[test]
    fn wrong_digits_lengths_and_countries_are_refused() {
        for text in [
            "NL92ABNA0417164300",
            "NL91ABNA041716430",
            "NL91ABNA04171643000",
            "XX91ABNA0417164300",
            "417164300",
            "NL91ABNA0417164300é",
        ] {
            assert_eq!(Iban::parse(text), Err(FAULT), "{text}");
        }
        assert_eq!(Iban::parse(""), Err(REQUIRED));
    }
}
