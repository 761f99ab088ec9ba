//! Folding: the forms of a name under which it is sorted and found, without accents and case.
//!
//! Must never: be shown to people; what is shown is what was typed.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Stands between the fields of a sort key: below everything that [`sort_form`] yields, so that `Berg` comes before
/// `Bergen` whatever follows.
pub const FIELD_BREAK: char = '\u{1}';

/// Lower case, without marks (NFKD): `Zoë` is `zoe`, `Øster` is `oster`, `Strauß` is `strauss`. The digraph `ij` stays two
/// letters, and the letter `ĳ` becomes them.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
        match c {
            'ß' => folded.push_str("ss"),
            'ø' => folded.push('o'),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'đ' | 'ð' => folded.push('d'),
            'ł' => folded.push('l'),
            'þ' => folded.push_str("th"),
            'ħ' => folded.push('h'),
            'ŧ' => folded.push('t'),
            'ı' => folded.push('i'),
            'ŋ' => folded.push('n'),
            'ς' => folded.push('σ'),
            // Lower case may leave a mark of its own (İ).
            _ if is_combining_mark(c) => {}
            _ => folded.push(c),
        }
    }
    folded
}

/// The form that sorts: folded, apostrophes and dots dropped, other punctuation a blank, and numbers by their value
/// (`2` before `10`). Compared byte by byte: blanks before digits before letters.
pub fn sort_form(text: &str) -> String {
    let mut form = String::with_capacity(text.len());
    let mut number = String::new();
    for c in fold(text).chars() {
        if c.is_ascii_digit() {
            number.push(c);
            continue;
        }
        push_number(&mut form, &mut number);
        if c.is_alphanumeric() {
            form.push(c);
        } else if !is_joiner(c) && !form.is_empty() && !form.ends_with(' ') {
            form.push(' ');
        }
    }
    push_number(&mut form, &mut number);
    form.truncate(form.trim_end().len());
    form
}

/// Appends the number behind its length, so that the longer of two is the greater: `7` is `17`, `10` is `210`. A length
/// of nine or more is spelled with nines in front.
fn push_number(form: &mut String, number: &mut String) {
    if number.is_empty() {
        return;
    }
    let value = number.trim_start_matches('0');
    form.extend(std::iter::repeat_n('9', value.len() / 9));
    form.push(char::from_digit(u32::try_from(value.len() % 9).unwrap_or(0), 10).unwrap_or('0'));
    form.push_str(value);
    number.clear();
}

/// Characters that stand within a word: `O'Brien`, `B.V.`, `bol.com`, `V&D`.
fn is_joiner(c: char) -> bool {
    matches!(c, '\'' | '’' | '‘' | 'ʼ' | '`' | '´' | '.' | '&')
}

/// The words under which a name is found: each word in one piece (`obrien`, `bv`, `bolcom`), and where a joiner stands in
/// it its longer parts too (`brien`; `bol`, `com`). Without repetition, in the order of the text.
pub fn index_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (whole, parts) in pieces(text) {
        push_new(&mut words, whole);
        for part in parts {
            push_new(&mut words, part);
        }
    }
    words
}

/// The words that a search text asks for, each of which must be found: the parts of a joined word, or the word in one
/// piece if it has no longer parts. For every text, each of these begins or is one of its [`index_words`].
pub fn query_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (whole, parts) in pieces(text) {
        if parts.is_empty() {
            push_new(&mut words, whole);
        }
        for part in parts {
            push_new(&mut words, part);
        }
    }
    words
}

/// Each word without its joiners, and the parts between them of two letters or more.
fn pieces(text: &str) -> Vec<(String, Vec<String>)> {
    let folded = fold(text);
    let chunks = folded.split(|c: char| !c.is_alphanumeric() && !is_joiner(c));
    let mut pieces = Vec::new();
    for chunk in chunks {
        let parts: Vec<&str> = chunk.split(is_joiner).filter(|part| !part.is_empty()).collect();
        let whole: String = parts.concat();
        let longer = parts.iter().filter(|part| parts.len() > 1 && part.chars().nth(1).is_some());
        let longer = longer.map(|part| (*part).to_owned()).collect();
        if !whole.is_empty() {
            pieces.push((whole, longer));
        }
    }
    pieces
}

fn push_new(words: &mut Vec<String>, word: String) {
    if !words.contains(&word) {
        words.push(word);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn accents_and_case_fall_away() {
        for (text, folded) in [
            ("Zoë", "zoe"),
            ("Bökenkamp", "bokenkamp"),
            ("François", "francois"),
            ("STRAUß", "strauss"),
            ("Østergård", "ostergard"),
            ("Æbelø", "aebelo"),
            ("ĲSSELMEER", "ijsselmeer"),
            ("IJssel", "ijssel"),
            ("Łódź", "lodz"),
            ("İnan", "inan"),
            ("Ångström", "angstrom"),
            ("Пётр", "петр"),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
    }

    #[test]
    fn numbers_sort_by_value_and_before_letters() {
        let mut names =
            ["Club 10", "Club 9", "Club A", "Club", "Club 007", "Clubs", "Club 123456789", "Club 1234567890", "Club 0"];
        names.sort_by_key(|name| sort_form(name));
        assert_eq!(
            names,
            ["Club", "Club 0", "Club 007", "Club 9", "Club 10", "Club 123456789", "Club 1234567890", "Club A", "Clubs"]
        );
    }

    #[test]
    fn punctuation_does_not_sort() {
        assert_eq!(sort_form("Jansen-Smit"), "jansen smit");
        assert_eq!(sort_form("O'Brien"), "obrien");
        assert_eq!(sort_form("  Bakker  B.V. "), "bakker bv");
        assert_eq!(sort_form("(--)"), "");
    }

    #[test]
    fn words_to_find_and_to_ask_for() {
        assert_eq!(index_words("O'Brien-Smit"), ["obrien", "brien", "smit"]);
        assert_eq!(query_words("O'Brien-Smit"), ["brien", "smit"]);
        assert_eq!(index_words("Bakker B.V."), ["bakker", "bv"]);
        assert_eq!(query_words("b.v."), ["bv"]);
        assert_eq!(index_words("bol.com"), ["bolcom", "bol", "com"]);
        assert_eq!(index_words("'t Hart 't"), ["t", "hart"]);
        assert!(index_words(" .'& ").is_empty());
    }

    proptest! {
        #[test]
        fn whoever_types_a_name_as_it_stands_finds_it(text in "[a-zA-ZÀ-ɏ'.& -]{0,30}") {
            let indexed = index_words(&text);
            for word in query_words(&text) {
                prop_assert!(indexed.iter().any(|token| token.starts_with(&word)));
            }
        }

        #[test]
        fn natural_order_of_numbers(a in 0_u64.., b in 0_u64..) {
            prop_assert_eq!(sort_form(&a.to_string()).cmp(&sort_form(&b.to_string())), a.cmp(&b));
        }

        #[test]
        fn folding_twice_changes_nothing(text in "\\PC{0,20}") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }
    }
}
