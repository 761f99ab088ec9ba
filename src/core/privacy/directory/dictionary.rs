//! The words of all names of a tenant, each once, with the names that it stands in.
//!
//! Must never: be printed or written to a disk; its strings lie in a [`Pool`], which wipes them.

use rapidfuzz::distance::damerau_levenshtein::{Args, BatchComparator};

use super::order::Order;
use super::pool::{Pool, Span, clip};

/// How well a word of a search fits a word of a name. The greater, the better.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Fit {
    /// Two typing errors.
    TwoErrors = 1,
    /// The name's word begins with the search's, but for one typing error.
    BeginsWithError = 2,
    /// One typing error.
    OneError = 3,
    /// The name's word begins with the search's.
    Begins = 4,
    Equal = 5,
}

/// From how many letters of the search's word on an error is forgiven.
const ONE_ERROR_FROM: usize = 4;
const ERROR_IN_BEGINNING_FROM: usize = 6;
const TWO_ERRORS_FROM: usize = 8;

#[derive(Default)]
pub(super) struct Dictionary {
    texts: Pool,
    words: Vec<Word>,
    /// As many as `words`, apart because every search with errors reads them all.
    shapes: Vec<Shape>,
    /// Numbers of words that are gone, to be used again.
    free: Vec<u32>,
    /// By text.
    order: Order,
}

#[derive(Default)]
struct Word {
    text: Span,
    /// The slots of the names with this word, in ascending order.
    slots: Vec<u32>,
}

/// What can be said about the distance of two words without reading them.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Shape {
    /// One bit for each of a to z, one for digits, five for all others together.
    letters: u32,
    /// In characters; 255 stands for more as well. A word that is gone has none.
    length: u8,
}

impl Dictionary {
    /// Notes that the name in this slot has this word; gives the word's number.
    pub fn add(&mut self, text: &str, slot: u32) -> u32 {
        let text = clip(text);
        let place = self.order.seek(|word| self.bytes(word) < text.as_bytes());
        let found = self.order.get(place).filter(|word| self.bytes(*word) == text.as_bytes());
        let word = found.unwrap_or_else(|| {
            let word = self.free.pop().unwrap_or_else(|| {
                self.words.push(Word::default());
                self.shapes.push(Shape::default());
                u32::try_from(self.words.len() - 1).unwrap_or(u32::MAX)
            });
            self.words[word as usize].text = self.texts.add(text);
            self.shapes[word as usize] = Shape::of(text);
            self.order.insert(place, word);
            word
        });
        let slots = &mut self.words[word as usize].slots;
        if let Err(at) = slots.binary_search(&slot) {
            slots.insert(at, slot);
        }
        word
    }

    /// Takes that back. A word that no name has any more is wiped.
    pub fn remove(&mut self, word: u32, slot: u32) {
        let slots = &mut self.words[word as usize].slots;
        if let Ok(at) = slots.binary_search(&slot) {
            slots.remove(at);
        }
        if slots.capacity() > 4 * slots.len() {
            slots.shrink_to_fit();
        }
        if !slots.is_empty() {
            return;
        }
        let place = self.order.seek(|other| self.bytes(other) < self.bytes(word));
        self.order.remove(place);
        self.texts.wipe(self.words[word as usize].text);
        self.words[word as usize].text = Span::default();
        self.shapes[word as usize] = Shape::default();
        self.free.push(word);
        if self.texts.is_wasteful() {
            self.texts.repack(self.words.iter_mut().map(|word| &mut word.text));
        }
    }

    /// Every word that the search's word fits, with how well and the slots of its names. A word may come twice, the
    /// better fit counts. Errors in the beginning are forgiven only in a word that is still `being_typed`.
    pub fn matches(&self, query: &str, being_typed: bool, found: &mut dyn FnMut(Fit, &[u32])) {
        let query = clip(query);
        let place = self.order.seek(|word| self.bytes(word) < query.as_bytes());
        for word in self.order.from(place) {
            let bytes = self.bytes(word);
            if !bytes.starts_with(query.as_bytes()) {
                break;
            }
            let fit = if bytes.len() == query.len() { Fit::Equal } else { Fit::Begins };
            found(fit, &self.words[word as usize].slots);
        }
        let length = query.chars().count();
        if length >= ONE_ERROR_FROM {
            self.near(query, length, being_typed, found);
        }
    }

    /// Words within a typing error or two (Damerau-Levenshtein: a letter more, less, other, or two swapped).
    fn near(&self, query: &str, length: usize, being_typed: bool, found: &mut dyn FnMut(Fit, &[u32])) {
        let errors = if length >= TWO_ERRORS_FROM { 2 } else { 1 };
        let beginnings = being_typed && length >= ERROR_IN_BEGINNING_FROM;
        let shape = Shape::of(query);
        let letters: Vec<char> = query.chars().collect();
        let comparator = BatchComparator::new(letters);
        for (word, other) in self.words.iter().zip(&self.shapes) {
            let whole = shape.may_equal(*other, errors);
            let beginning = beginnings && shape.may_begin(*other);
            if !whole && !beginning {
                continue;
            }
            let text = self.texts.text(word.text);
            let distance = whole.then(|| distance(&comparator, text, errors)).flatten();
            let fit = match distance {
                // Equal words have been found already.
                Some(0) => None,
                Some(1) => Some(Fit::OneError),
                _ if beginning && begins_with_error(&comparator, text, length) => Some(Fit::BeginsWithError),
                Some(_) => Some(Fit::TwoErrors),
                None => None,
            };
            if let Some(fit) = fit {
                found(fit, &word.slots);
            }
        }
    }

    fn bytes(&self, word: u32) -> &[u8] {
        self.texts.bytes(self.words[word as usize].text)
    }

    /// Bytes of memory that the dictionary holds.
    pub fn capacity(&self) -> usize {
        let slots: usize = self.words.iter().map(|word| word.slots.capacity() * size_of::<u32>()).sum();
        self.texts.capacity()
            + self.order.capacity()
            + slots
            + self.words.capacity() * size_of::<Word>()
            + self.shapes.capacity() * size_of::<Shape>()
            + self.free.capacity() * size_of::<u32>()
    }

    /// Gives back what growing has left over.
    pub fn shrink(&mut self) {
        self.words.iter_mut().for_each(|word| word.slots.shrink_to_fit());
        self.words.shrink_to_fit();
        self.shapes.shrink_to_fit();
        self.free.shrink_to_fit();
        self.order.shrink();
    }
}

impl Shape {
    fn of(text: &str) -> Self {
        let bit = |c: char| match c {
            'a'..='z' => c as u32 - 'a' as u32,
            '0'..='9' => 26,
            _ => 27 + c as u32 % 5,
        };
        let letters = text.chars().fold(0, |letters, c| letters | 1 << bit(c));
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

/// The distance, if it is at most so much.
fn distance(query: &BatchComparator<char>, text: &str, errors: u32) -> Option<usize> {
    query.distance_with_args(text.chars(), &Args::default().score_cutoff(errors as usize))
}

/// Whether a beginning of the text, a letter shorter or longer or as long as the query, is within one error of it.
fn begins_with_error(query: &BatchComparator<char>, text: &str, length: usize) -> bool {
    let ends = text.char_indices().map(|(end, _)| end).chain([text.len()]);
    let mut ends = ends.skip(length - 1).take(3);
    ends.any(|end| distance(query, &text[..end], 1).is_some())
}
