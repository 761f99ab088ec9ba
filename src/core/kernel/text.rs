//! What the text types share: their fault, the declaration of a personal text type, and checked plain text.
//!
//! Must never: print a personal text. Such a type has no `Display`, its `Debug` is its name, and the one way to its
//! content is called `expose`, so that a search finds every place that looks.

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::Phrase;

/// Why a text isn't what it should be: a stable code and a sentence for people. Never carries the text itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextFault {
    /// Snake case: `email`, `iban`, `required` …
    pub code: &'static str,
    pub detail: Phrase,
}

impl TextFault {
    pub const fn new(code: &'static str, en: &'static str, nl: &'static str) -> Self {
        Self { code, detail: Phrase { en, nl } }
    }
}

impl From<TextFault> for (&'static str, Phrase) {
    fn from(fault: TextFault) -> Self {
        (fault.code, fault.detail)
    }
}

/// Nothing, or nothing but blanks, where something is needed.
pub const REQUIRED: TextFault = TextFault::new("required", "Fill this in.", "Vul dit in.");
const TOO_LONG: TextFault = TextFault::new("too_long", "This is too long.", "Dit is te lang.");
const CONTROL_CHARACTER: TextFault = TextFault::new(
    "control_character",
    "This contains control characters, which can't be seen.",
    "Dit bevat onzichtbare besturingstekens.",
);

/// Declares a text type that holds personal data: one normalised string, wiped when it is dropped.
///
/// - `Debug` prints the type's name only, and there is no `Display`.
/// - `Serialize` is there for the sealing path alone, which turns a compartment into the bytes that it encrypts. What
///   leaves the program goes through a disclosure decision instead, never through this.
/// - `Deserialize` keeps the stored text as it is: it was parsed before it was sealed, and a rule that has become
///   stricter since then must not make a record unreadable. Input from outside goes through `parse`.
macro_rules! personal_text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize, zeroize::Zeroize, zeroize::ZeroizeOnDrop,
        )]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The normalised text in clear.
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    };
}
pub(super) use personal_text;

/// One line of text of at most `MAX` characters (Unicode scalar values): trimmed, NFC, every run of blanks one space,
/// without control characters. May be personal, so it is handled as if it were.
///
/// Stored and read back as the personal text types are: `Deserialize` trusts what was sealed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
pub struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    /// Faults: `required`, `too_long`, `control_character`.
    pub fn parse(text: &str) -> Result<Self, TextFault> {
        if text.trim().chars().any(|c| is_control(c) && c != '\t') {
            return Err(CONTROL_CHARACTER);
        }
        let mut line = String::with_capacity(text.len());
        for word in text.split_whitespace() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.extend(word.nfc());
        }
        Ok(Self(measured(line, MAX)?))
    }

    /// As `parse`, but nothing at all is `None` instead of a fault.
    pub fn optional(text: &str) -> Result<Option<Self>, TextFault> {
        if text.trim().is_empty() { Ok(None) } else { Self::parse(text).map(Some) }
    }

    /// The text in clear.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> fmt::Debug for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Text")
    }
}

/// Text of several lines and at most `MAX` characters: trimmed, NFC, lines end in `\n`; tabs stay, other control
/// characters don't. For notes and bodies.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
pub struct LongText<const MAX: usize>(String);

impl<const MAX: usize> LongText<MAX> {
    /// Faults: `required`, `too_long`, `control_character`.
    pub fn parse(text: &str) -> Result<Self, TextFault> {
        let lines = zeroize::Zeroizing::new(text.trim().replace("\r\n", "\n"));
        if lines.chars().any(|c| is_control(c) && !matches!(c, '\n' | '\t')) {
            return Err(CONTROL_CHARACTER);
        }
        Ok(Self(measured(lines.nfc().collect(), MAX)?))
    }

    /// As `parse`, but nothing at all is `None` instead of a fault.
    pub fn optional(text: &str) -> Result<Option<Self>, TextFault> {
        if text.trim().is_empty() { Ok(None) } else { Self::parse(text).map(Some) }
    }

    /// The text in clear.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> fmt::Debug for LongText<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LongText")
    }
}

fn measured(mut text: String, max: usize) -> Result<String, TextFault> {
    let fault = match text.chars().count() {
        0 => REQUIRED,
        length if length > max => TOO_LONG,
        _ => return Ok(text),
    };
    text.zeroize();
    Err(fault)
}

/// Control characters, line and paragraph separators, and the marks that turn the direction of the text around them
/// (UAX #9 explicit formatting: they make a text read otherwise than it is stored). Joiners stay: names in Persian and
/// many symbols need them.
pub(super) fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Besides [`is_control`], what can't be seen at all; has no place in addresses and codes.
pub(super) fn is_invisible(c: char) -> bool {
    is_control(c) || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}')
}

/// The letters and digits of a code in upper case, without the blanks, dots, dashes and slashes that people write
/// between them. `None` if anything else is in it.
pub(super) fn compact(text: &str) -> Option<zeroize::Zeroizing<String>> {
    let mut code = zeroize::Zeroizing::new(String::with_capacity(text.len()));
    for c in text.trim().chars() {
        match c {
            _ if c.is_ascii_alphanumeric() => code.push(c.to_ascii_uppercase()),
            '.' | '-' | '/' | '\u{2010}'..='\u{2013}' => {}
            _ if c.is_whitespace() => {}
            _ => return None,
        }
    }
    Some(code)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code<T>(result: Result<T, TextFault>) -> Option<&'static str> {
        result.err().map(|fault| fault.code)
    }

    #[test]
    fn a_line_is_trimmed_composed_and_measured_in_characters() {
        assert_eq!(
            Text::<20>::parse("  Zoe\u{308}  van\tDam ").map(|t| t.expose().to_owned()),
            Ok("Zoë van Dam".to_owned())
        );
        assert_eq!(Text::<3>::parse("ë\u{301}ab").map(|t| t.expose().chars().count()), Ok(4 - 1));
        assert_eq!(code(Text::<3>::parse(" \u{a0} ")), Some("required"));
        assert_eq!(code(Text::<3>::parse("abcd")), Some("too_long"));
        assert_eq!(code(Text::<9>::parse("a\nb")), Some("control_character"));
        assert_eq!(code(Text::<9>::parse("a\u{202e}b")), Some("control_character"));
        assert_eq!(code(Text::<9>::parse("a\0")), Some("control_character"));
        assert_eq!(Text::<3>::optional("  "), Ok(None));
    }

    #[test]
    fn several_lines_keep_their_breaks_and_nothing_else() {
        let text = LongText::<40>::parse("\r\nEen\r\n\ttwee \r\n").map(|t| t.expose().to_owned());
        assert_eq!(text, Ok("Een\n\ttwee".to_owned()));
        assert_eq!(code(LongText::<9>::parse("a\u{8}b")), Some("control_character"));
        assert_eq!(code(LongText::<9>::parse("\n")), Some("required"));
        assert_eq!(code(LongText::<3>::parse("abcd")), Some("too_long"));
    }

    #[test]
    fn debug_says_nothing() {
        let text = Text::<20>::parse("geheim").map(|t| format!("{t:?}"));
        assert_eq!(text.as_deref(), Ok("Text"));
    }

    #[test]
    fn stored_text_is_read_back_even_if_the_rule_is_stricter_now() {
        let stored: Text<3> = serde_json::from_str("\"langer dan drie\"").unwrap();
        assert_eq!(stored.expose(), "langer dan drie");
        assert_eq!(serde_json::to_string(&stored).unwrap(), "\"langer dan drie\"");
    }

    proptest! {
        #[test]
        fn parsing_twice_changes_nothing(text in "\\PC{0,30}") {
            if let Ok(once) = Text::<60>::parse(&text) {
                prop_assert_eq!(Text::<60>::parse(once.expose()), Ok(once.clone()));
            }
        }
    }
}
