//! A text for people that was put together when it was needed: a [`Phrase`] with names, numbers or paths in it.
//!
//! Must never: hold personal data or a secret.

use super::Phrase;

/// A text in both languages of the product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub en: String,
    pub nl: String,
}

impl Message {
    pub fn new(en: impl Into<String>, nl: impl Into<String>) -> Self {
        Self { en: en.into(), nl: nl.into() }
    }

    /// What reads the same in both languages: a name, a path, a line of figures.
    pub fn plain(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { en: text.clone(), nl: text }
    }
}

impl From<Phrase> for Message {
    fn from(phrase: Phrase) -> Self {
        Self::new(phrase.en, phrase.nl)
    }
}
