//! The words of all names of a tenant, each once, with the names that it stands in.
//!
//! Must never: be printed or written to a disk; its strings lie in a [`Pool`], which wipes them.

use rapidfuzz::distance::damerau_levenshtein::BatchComparator;

use super::misspelt::{Misspelt, Shape};
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
        let query = Misspelt {
            shape: Shape::of(query),
            letters: query.chars().collect(),
            two_errors: (length >= TWO_ERRORS_FROM).then(|| BatchComparator::new(query.chars())),
            in_beginning: being_typed && length >= ERROR_IN_BEGINNING_FROM,
        };
        for (word, shape) in self.words.iter().zip(&self.shapes) {
            if query.may_fit(*shape)
                && let Some(fit) = query.fit(self.texts.text(word.text))
            {
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
