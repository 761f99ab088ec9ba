//! Opaque tokens: 256 random bits behind a prefix that says what they are and lets scanners of source code find them.
//!
//! The database holds only a keyed hash. Must never be logged, put into a query string, or compared as text.

use data_encoding::BASE64URL_NOPAD;
use kluis_core::kernel::Entropy;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// What a token is for. The prefix is part of the text form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// A person's session.
    Session,
    /// A program's access, made by a user.
    Api,
    /// A sign-in that still lacks a step: the second factor, or a password to be chosen.
    Step,
    /// A link that works once.
    Link,
    /// Ties a form to the browser that was given it.
    Form,
}

impl TokenKind {
    pub const ALL: [Self; 5] = [Self::Session, Self::Api, Self::Step, Self::Link, Self::Form];

    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Session => "kls_",
            Self::Api => "klt_",
            Self::Step => "klp_",
            Self::Link => "klo_",
            Self::Form => "klf_",
        }
    }
}

/// Random bytes of a token.
const LENGTH: usize = 32;

/// A token in memory; wiped when dropped.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Token {
    #[zeroize(skip)]
    kind: TokenKind,
    bytes: [u8; LENGTH],
}

impl Token {
    pub fn new(kind: TokenKind, entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; LENGTH];
        entropy.fill(&mut bytes);
        Self { kind, bytes }
    }

    /// Reads the text form; `None` for anything else, also another spelling of the same bytes.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let kind = TokenKind::ALL.into_iter().find(|kind| text.starts_with(kind.prefix()))?;
        let decoded = Zeroizing::new(BASE64URL_NOPAD.decode(&text.as_bytes()[kind.prefix().len()..]).ok()?);
        let bytes = decoded.as_slice().try_into().ok()?;
        Some(Self { kind, bytes })
    }

    /// The same, where only one kind will do.
    pub fn parse_as(kind: TokenKind, text: &str) -> Option<Self> {
        Self::parse(text).filter(|token| token.kind == kind)
    }

    pub const fn kind(&self) -> TokenKind {
        self.kind
    }

    /// The text to hand out, once.
    pub fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{}{}", self.kind.prefix(), BASE64URL_NOPAD.encode(&self.bytes)))
    }

    /// What is hashed: kind and bytes.
    pub fn message(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new([self.kind.prefix().as_bytes(), &self.bytes].concat())
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Token({}…)", self.kind.prefix())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Fixed(u8);
    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn each_kind_reads_its_own_text_only() {
        for kind in TokenKind::ALL {
            let token = Token::new(kind, &Fixed(0xab));
            let text = token.text();
            assert_eq!(Token::parse(&text).as_ref(), Some(&token));
            for other in TokenKind::ALL {
                assert_eq!(Token::parse_as(other, &text).is_some(), other == kind);
            }
            assert!(!format!("{token:?}").contains(&text[4..10]));
        }
        let session = Token::new(TokenKind::Session, &Fixed(1));
        assert_ne!(session.message(), Token::new(TokenKind::Api, &Fixed(1)).message());
    }

    #[test]
    fn other_spellings_are_refused() {
        let text = Token::new(TokenKind::Session, &Fixed(0xff)).text();
        for wrong in [
            "",
            "kls_",
            "kls",
            &text[4..],
            &text.to_uppercase(),
            &format!("{}=", *text),
            &format!("{}A", *text),
            &text[..text.len() - 1],
            // the last character carries bits that count for nothing; they must be zero
            &format!("{}9", &text[..text.len() - 1]),
        ] {
            assert_eq!(Token::parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_parses_is_canonical(text in "kl[stpof]_[A-Za-z0-9_-]{40,46}") {
            if let Some(token) = Token::parse(&text) {
                let again = token.text();
                prop_assert_eq!(again.as_str(), text.as_str());
            }
        }
    }
}
