//! The words that a policy may use: finite, declared once, each with its text and its labels for people.
//!
//! A policy never names a customer or a row; it names objects, actions, relation classes and purposes. Because all of
//! them are finite, a policy can be compiled into a table, checked word by word, and shown whole to a reviewer.
//!
//! Must never: depend on what a database holds. A word that isn't declared here doesn't exist.

mod action;
mod object;
mod purpose;
mod rel;
mod role;
mod tenant;

pub use action::Action;
pub use object::Object;
pub use purpose::Purpose;
pub use rel::{Rel, RelSet};
pub use role::{Role, RoleError};
pub use tenant::TenantKind;

/// Declares one list of words: the variant, its text in policies, its English and its Dutch label.
///
/// One table per list, so that the text, the labels, the order and the list of all can't drift apart.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $word:ident = $text:literal, $en:literal, $nl:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$about])* $word,)+ }

        impl $name {
            /// Every word, in the order of [`Self::index`].
            pub const ALL: &'static [Self] = &[$(Self::$word,)+];
            /// How many there are: one side of a dense table.
            pub const COUNT: usize = Self::ALL.len();

            /// The text in policies, tokens and audit events.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$word => $text,)+ }
            }

            /// What people read.
            pub const fn label(self) -> $crate::kernel::Phrase {
                match self { $(Self::$word => $crate::kernel::Phrase { en: $en, nl: $nl },)+ }
            }

            /// Position in [`Self::ALL`].
            pub const fn index(self) -> usize {
                self as usize
            }

            /// Only the exact spelling is a word: no other case, no spaces.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(super) use words;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Every list: texts are distinct, parse back, are in order, and can stand in a policy as they are.
    macro_rules! check {
        ($($list:ident),+) => {$(
            let texts: HashSet<_> = $list::ALL.iter().map(|word| word.as_str()).collect();
            assert_eq!(texts.len(), $list::COUNT, "{}", stringify!($list));
            for (at, word) in $list::ALL.iter().enumerate() {
                assert_eq!(word.index(), at);
                assert_eq!($list::parse(word.as_str()), Some(*word));
                assert_eq!(word.to_string(), word.as_str());
                assert!(word.as_str().bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b == b'.'), "{word}");
                assert!(!word.label().en.is_empty() && !word.label().nl.is_empty(), "{word}");
            }
            for wrong in ["", "*", "Read", " read", "read ", "CUSTOMER", "customer.", ".contact", "rol\u{0435}"] {
                assert_eq!($list::parse(wrong), None, "{wrong:?}");
            }
        )+};
    }

    #[test]
    fn words_and_texts_are_one_to_one() {
        check!(Object, Action, Purpose, Rel, TenantKind);
    }
}
