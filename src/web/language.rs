//! The caller's language, from `Accept-Language` (RFC 9110, section 12.5.4).
//!
//! Must never fail: a header that can't be read means the default.

use kluis_core::kernel::Phrase;
use poem::http::HeaderMap;
use poem::http::header::ACCEPT_LANGUAGE;

/// The languages of the product. English is the default of the API; pages decide for themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    #[default]
    En,
    Nl,
}

impl Language {
    /// The best of our languages for these headers; ties go to the one that was named first.
    pub fn of(headers: &HeaderMap) -> Self {
        let ranges = headers.get_all(ACCEPT_LANGUAGE).iter().filter_map(|value| value.to_str().ok());
        Self::negotiate(ranges.flat_map(|value| value.split(',')))
    }

    fn negotiate<'a>(ranges: impl Iterator<Item = &'a str>) -> Self {
        let mut best = (0, Self::default());
        for (language, weight) in ranges.filter_map(parse_range) {
            if weight > best.0 {
                best = (weight, language);
            }
        }
        best.1
    }

    /// BCP 47 tag, for `Content-Language` and `<html lang>`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Nl => "nl",
        }
    }

    /// The phrase in this language.
    pub const fn say(self, phrase: Phrase) -> &'static str {
        match self {
            Self::En => phrase.en,
            Self::Nl => phrase.nl,
        }
    }
}

/// `nl-BE;q=0.8` gives Dutch with weight 800; a language that isn't ours gives nothing.
fn parse_range(range: &str) -> Option<(Language, u16)> {
    let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
    let primary = tag.trim().split('-').next().unwrap_or_default();
    let language = if primary.eq_ignore_ascii_case("nl") {
        Language::Nl
    } else if primary.eq_ignore_ascii_case("en") || primary == "*" {
        Language::En
    } else {
        return None;
    };
    Some((language, weight(parameters)))
}

/// The `q` of a list member in thousandths; 1000 when it has none, 0 when it can't be read.
pub(super) fn weight(parameters: &str) -> u16 {
    let quality = parameters
        .split(';')
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
    let Some((_, value)) = quality else { return 1000 };
    let value = value.trim();
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let digits = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    match (whole, digits) {
        ("1", true) => 1000,
        ("0", true) => format!("{fraction:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(header: &str) -> Language {
        Language::negotiate(header.split(','))
    }

    #[test]
    fn weights_decide_and_what_is_unknown_is_skipped() {
        assert_eq!(of("nl"), Language::Nl);
        assert_eq!(of("nl-BE, en;q=0.9"), Language::Nl);
        assert_eq!(of("en;q=0.2, nl;q=0.25"), Language::Nl);
        assert_eq!(of("de, fr;q=0.9, nl;q=0.1"), Language::Nl);
        assert_eq!(of("nl;q=0, *"), Language::En);
        assert_eq!(of("en, nl"), Language::En);
        assert_eq!(of(""), Language::En);
        assert_eq!(of("de"), Language::En);
        assert_eq!(of("nl;q=2"), Language::En, "a weight outside 0..1 counts for nothing");
    }
}
