//! Whether two words are the same but for typing errors: a letter more, a letter less, another letter, or two neighbours
//! swapped (the Damerau-Levenshtein distance).
//!
//! Must never: keep or log a word.

use rapidfuzz::distance::damerau_levenshtein::{Args, BatchComparator};

use super::dictionary::Fit;

/// A word of a search that may have errors.
pub(super) struct Misspelt {
    pub shape: Shape,
    pub letters: Vec<char>,
    /// Present if two errors are forgiven.
    pub two_errors: Option<BatchComparator<char>>,
    /// Whether an error in the beginning of a longer word is forgiven.
    pub in_beginning: bool,
}

impl Misspelt {
    /// False only if no word of this shape fits.
    pub fn may_fit(&self, word: Shape) -> bool {
        let errors = if self.two_errors.is_some() { 2 } else { 1 };
        self.shape.may_equal(word, errors) || (self.in_beginning && self.shape.may_begin(word))
    }

    /// How well another word fits, one with an error.
    pub fn fit(&self, word: &str) -> Option<Fit> {
        match after_one_error(&self.letters, word) {
            Some(true) => return Some(Fit::OneError),
            Some(false) if self.in_beginning => return Some(Fit::BeginsWithError),
            _ => {}
        }
        let comparator = self.two_errors.as_ref()?;
        let within_two = Args::default().score_cutoff(2);
        comparator
            .distance_with_args(word.chars(), &within_two)
            .is_some_and(|errors| errors > 0)
            .then_some(Fit::TwoErrors)
    }
}

/// Whether the query, with one error put right, is the word (`true`) or its beginning (`false`).
///
/// An error, if there is only one, can be taken to lie where the two differ first: everything before it is equal, and so
/// must be everything behind it.
fn after_one_error(query: &[char], word: &str) -> Option<bool> {
    let mut word = word.chars();
    let mut same = 0;
    let rest = loop {
        let here = word.clone();
        match (query.get(same), word.next()) {
            (Some(wanted), Some(letter)) if *wanted == letter => same += 1,
            _ => break here,
        }
    };
    let query = &query[same..];
    let mut beyond = rest.clone();
    let next = beyond.next();
    let (Some(first), Some(next)) = (query.first(), next) else {
        // One is the beginning of the other: a last letter more, or one left out, or nothing but the beginning.
        return match query.len() {
            0 => next.map(|_| beyond.next().is_none()),
            1 => Some(true),
            _ => None,
        };
    };
    let mut behind = beyond.clone();
    let swapped = behind.next().filter(|letter| letter == first && query.get(1) == Some(&next)).map(|_| behind);
    let ends = [
        begins(&query[1..], beyond.clone()),
        begins(&query[1..], rest),
        begins(query, beyond),
        swapped.and_then(|behind| begins(&query[2..], behind)),
    ];
    ends.into_iter().flatten().max()
}

/// Whether the letters are all that is left of the word (`true`) or its next ones (`false`).
fn begins(letters: &[char], mut word: std::str::Chars<'_>) -> Option<bool> {
    for letter in letters {
        if word.next() != Some(*letter) {
            return None;
        }
    }
    Some(word.next().is_none())
}

/// What can be said about the distance of two words without reading them.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// A bit for each letter that occurs, and one for each that occurs again: a to z, digits, five for all others.
    letters: u64,
    /// In characters; 255 stands for more as well. A word that is gone has none.
    length: u8,
}

/// Kinds of letters that a shape tells apart; twice as many bits.
const KINDS: u32 = 32;

impl Shape {
    pub fn of(text: &str) -> Self {
        let mut letters = 0_u64;
        for c in text.chars() {
            let once = 1 << kind(c);
            letters |= if letters & once == 0 { once } else { once << KINDS };
        }
        Self { letters, length: u8::try_from(text.chars().count()).unwrap_or(u8::MAX) }
    }

    /// False only if two words of these shapes are more than so many errors apart: an error changes the length by one at
    /// most, brings in one letter at most, and takes out one at most.
    fn may_equal(self, other: Self, errors: u32) -> bool {
        u32::from(self.length.abs_diff(other.length)) <= errors
            && (self.letters & !other.letters).count_ones() <= errors
            && (other.letters & !self.letters).count_ones() <= errors
    }

    /// False only if no beginning of a word of the other shape is within one error.
    fn may_begin(self, other: Self) -> bool {
        other.length.saturating_add(1) >= self.length && (self.letters & !other.letters).count_ones() <= 1
    }
}

fn kind(c: char) -> u32 {
    match c {
        'a'..='z' => c as u32 - 'a' as u32,
        '0'..='9' => 26,
        _ => 27 + c as u32 % 5,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rapidfuzz::distance::damerau_levenshtein::distance;

    use super::*;

    proptest! {
        #[test]
        fn one_error_is_what_the_distance_says(query in "[abcé]{0,7}", word in "[abcé]{0,8}") {
            prop_assume!(query != word);
            let letters: Vec<char> = query.chars().collect();
            let others: Vec<char> = word.chars().collect();
            let near = |end: usize| distance(query.chars(), others[..end].iter().copied()) <= 1;
            let expected = if near(others.len()) {
                Some(true)
            } else {
                (0..others.len()).any(near).then_some(false)
            };
            prop_assert_eq!(after_one_error(&letters, &word), expected);
        }

        #[test]
        fn shapes_never_hide_a_word_that_is_near(query in "[a-d1é]{1,9}", word in "[a-d1é]{1,9}") {
            let (a, b) = (Shape::of(&query), Shape::of(&word));
            let errors = u32::try_from(distance(query.chars(), word.chars())).unwrap();
            prop_assert!(a.may_equal(b, errors));
            let longer = format!("{word}abé1");
            prop_assert!(errors > 1 || a.may_begin(Shape::of(&longer)));
        }
    }
}
