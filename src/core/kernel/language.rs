//! Languages by BCP 47 (RFC 5646): language, optional script, optional region.
//!
//! Must never: hold personal data; the language of address stands in plain columns, so this type may be printed.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::TextFault;

const FAULT: TextFault = TextFault::new(
    "language",
    "Use a language tag such as nl, en-GB or zh-Hant.",
    "Gebruik een taalcode zoals nl, en-GB of zh-Hant.",
);

/// A language, `nl-BE`, in the case that RFC 5646 section 2.1.1 advises.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LanguageTag(String);

impl LanguageTag {
    /// Any case, with `-` or `_` between the parts. Variants, extensions and private use aren't taken. Fault: `language`.
    pub fn parse(text: &str) -> Result<Self, TextFault> {
        let text = text.trim();
        let mut parts = text.split(['-', '_']);
        let language = parts.next().filter(|part| letters(part, 2..=3)).ok_or(FAULT)?;
        let mut tag = language.to_ascii_lowercase();
        let mut next = parts.next();
        if let Some(script) = next.filter(|part| letters(part, 4..=4)) {
            tag.push('-');
            tag.push_str(&script[..1].to_ascii_uppercase());
            tag.push_str(&script[1..].to_ascii_lowercase());
            next = parts.next();
        }
        if let Some(region) = next.filter(|part| letters(part, 2..=2) || digits(part)) {
            tag.push('-');
            tag.push_str(&region.to_ascii_uppercase());
            next = parts.next();
        }
        if next.is_some() { Err(FAULT) } else { Ok(Self(tag)) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The language without script and region: `nl` of `nl-BE`.
    pub fn primary(&self) -> &str {
        self.0.split('-').next().unwrap_or_default()
    }
}

fn letters(part: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    length.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphabetic())
}

fn digits(part: &str) -> bool {
    part.len() == 3 && part.bytes().all(|b| b.is_ascii_digit())
}

impl fmt::Display for LanguageTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_get_their_usual_case() {
        for (text, tag) in
            [("NL", "nl"), ("nl_be", "nl-BE"), ("ZH-hant-tw", "zh-Hant-TW"), ("es-419", "es-419"), ("fry", "fry")]
        {
            assert_eq!(LanguageTag::parse(text).as_ref().map(LanguageTag::as_str), Ok(tag));
        }
        for wrong in ["", "n", "dutch", "nl-", "nl-BE-", "nl-BE-Latn", "nl-x-a", "12", "nl BE", "é1"] {
            assert_eq!(LanguageTag::parse(wrong), Err(FAULT), "{wrong}");
        }
        assert_eq!(LanguageTag::parse("nl-BE").as_ref().map(LanguageTag::primary), Ok("nl"));
    }
}
