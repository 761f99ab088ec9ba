//! The prefixes of family names (voorvoegsels, tussenvoegsels): recognising them, and taking them off a name.
//!
//! Must never: decide how a name is spelled; it only tells the two parts apart.

/// The words that prefixes are made of, in lower case (BRP table 36, voorvoegsels, without its rarest entries). A prefix is
/// any row of them: `van de`, `van der`, `in 't`, `von und zu`.
const WORDS: [&str; 84] = [
    "'s", "'t", "a", "aan", "ab", "af", "al", "am", "auf", "aus", "av", "bei", "ben", "bij", "bin", "boven", "buiten",
    "d", "da", "dal", "dalla", "das", "de", "degli", "dei", "del", "della", "den", "der", "des", "di", "do", "don",
    "dos", "du", "el", "het", "i", "im", "in", "la", "las", "le", "les", "li", "lo", "los", "mac", "o", "of", "onder",
    "op", "over", "s", "t", "te", "ten", "ter", "tho", "thoe", "thor", "to", "toe", "tot", "uijt", "uit", "uyt", "van",
    "vande", "vanden", "vander", "ver", "vom", "von", "voor", "vor", "y", "zu", "zum", "zur", "und", "dem", "e", "et",
];

/// Words that make no prefix by themselves, only beside another: a first letter alone is an initial, not a prefix.
const NEVER_ALONE: [&str; 13] = ["a", "d", "e", "et", "i", "mac", "o", "of", "s", "t", "und", "ver", "y"];

/// What clings to the name behind it.
const ELISIONS: [&str; 6] = ["d'", "l'", "dell'", "all'", "dall'", "de l'"];

/// Tells the prefix of a family name from the name: `van der Berg` is `van der` and `Berg`, `d'Ancona` is `d'` and
/// `Ancona`. The prefix is in its usual form; what has none, or is nothing but one, stays whole.
pub fn split_family(text: &str) -> (String, String) {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = one_apostrophe(&text);
    let mut end = 0;
    for (start, word) in word_starts(&text) {
        if start + word.len() == text.len() || !is_word(word) {
            break;
        }
        end = start + word.len() + 1;
    }
    let words: Vec<&str> = text[..end].split_whitespace().collect();
    if let [only] = words.as_slice()
        && NEVER_ALONE.contains(&only.to_lowercase().as_str())
    {
        end = 0;
    }
    end += elision(&text[end..]);
    let (prefix, family) = text.split_at(end);
    (normal_prefix(prefix), family.to_owned())
}

/// A prefix in its usual form: known words in lower case, one kind of apostrophe, `t` as `'t`. Unknown ones as typed.
pub fn normal_prefix(text: &str) -> String {
    let text = one_apostrophe(text.trim());
    let known = text.split_whitespace().all(|word| is_word(word) || ELISIONS.contains(&word.to_lowercase().as_str()));
    if !known {
        return text;
    }
    let words: Vec<String> = text
        .split_whitespace()
        .map(|word| match word.to_lowercase().as_str() {
            "t" => "'t".to_owned(),
            "s" => "'s".to_owned(),
            "d" => "d'".to_owned(),
            lower => lower.to_owned(),
        })
        .collect();
    words.join(" ")
}

/// With a capital at its first letter, the digraph IJ at both: `Van der Berg`, `'T Hart` isn't written, so `'t Hart` stays.
pub fn capitalised(text: &str) -> String {
    if text.starts_with('\'') {
        return text.to_owned();
    }
    let start = text.find(char::is_alphabetic).unwrap_or(text.len());
    let (before, word) = text.split_at(start);
    if let Some(rest) = word.strip_prefix("ij") {
        return format!("{before}IJ{rest}");
    }
    let mut letters = word.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{before}{first}{}", letters.as_str())
}

fn is_word(word: &str) -> bool {
    WORDS.contains(&word.to_lowercase().as_str())
}

fn word_starts(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    text.split(' ').map(move |word| {
        let at = start;
        start += word.len() + 1;
        (at, word)
    })
}

/// The length of the elision at the start of a name, if a name follows.
fn elision(name: &str) -> usize {
    let lower = name.to_lowercase();
    let found = ELISIONS.iter().filter(|elision| lower.starts_with(**elision)).map(|elision| elision.len()).max();
    found.filter(|length| *length < name.len()).unwrap_or(0)
}

/// Typographic apostrophes, accents and back-ticks as the plain apostrophe.
fn one_apostrophe(text: &str) -> String {
    text.chars().map(|c| if matches!(c, '’' | '‘' | 'ʼ' | '`' | '´' | '′') { '\'' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn prefixes_are_told_from_names() {
        for (text, prefix, family) in [
            ("van der Berg", "van der", "Berg"),
            ("Van Der Berg", "van der", "Berg"),
            ("VAN DE VELDE", "van de", "VELDE"),
            ("de Vries", "de", "Vries"),
            ("'t Hart", "'t", "Hart"),
            ("’t Hart", "'t", "Hart"),
            ("in 't Veld", "in 't", "Veld"),
            ("van 't Hof", "van 't", "Hof"),
            ("van ’t Hof", "van 't", "Hof"),
            ("op den Dries", "op den", "Dries"),
            ("ter Horst", "ter", "Horst"),
            ("von Berg", "von", "Berg"),
            ("von und zu Berg", "von und zu", "Berg"),
            ("d'Ancona", "d'", "Ancona"),
            ("D’Ancona", "d'", "Ancona"),
            ("de l'Isle", "de l'", "Isle"),
            ("de la Cruz", "de la", "Cruz"),
            ("dell'Acqua", "dell'", "Acqua"),
            ("uit den Bogaard", "uit den", "Bogaard"),
            ("Jansen", "", "Jansen"),
            ("Jansen van Dam", "", "Jansen van Dam"),
            ("van den", "van", "den"),
            ("Van", "", "Van"),
            ("d'", "", "d'"),
            ("O'Brien", "", "O'Brien"),
            ("A Marca", "", "A Marca"),
            ("Vander Elst", "vander", "Elst"),
            ("Vanderelst", "", "Vanderelst"),
            ("", "", ""),
            ("  de   Boer ", "de", "Boer"),
        ] {
            assert_eq!(split_family(text), (prefix.to_owned(), family.to_owned()), "{text}");
        }
    }

    #[test]
    fn prefixes_have_one_form() {
        assert_eq!(normal_prefix(" Van  Der "), "van der");
        assert_eq!(normal_prefix("v/d"), "v/d");
        assert_eq!(normal_prefix("t"), "'t");
        assert_eq!(normal_prefix("D’"), "d'");
        assert_eq!(normal_prefix("Freiherr von"), "Freiherr von");
    }

    #[test]
    fn capitals() {
        assert_eq!(capitalised("van der Berg"), "Van der Berg");
        assert_eq!(capitalised("'t Hart"), "'t Hart");
        assert_eq!(capitalised("ijsbrand"), "IJsbrand");
        assert_eq!(capitalised("élise"), "Élise");
    }

    proptest! {
        #[test]
        fn nothing_is_lost(text in "([vV]an|de|'t|d'|[A-Z][a-zëé]{0,6})( ([vV]an|de|'t|d'|[A-Z][a-zëé]{0,6})){0,4}") {
            let (prefix, family) = split_family(&text);
            let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).collect::<String>().to_lowercase();
            prop_assert_eq!(letters(&text), [letters(&prefix), letters(&family)].concat());
            prop_assert!(!family.is_empty());
            prop_assert_eq!(normal_prefix(&prefix), prefix);
        }
    }
}
