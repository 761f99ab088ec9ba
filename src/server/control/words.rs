//! What is said through the door.
//!
//! Must never: put a secret into an answer, or leave one behind in memory.

use kluis_core::kernel::Message;
use kluis_core::privacy::Sensitive;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// More than any key's text or passphrase.
const LONGEST_SECRET: usize = 4096;
/// The word before the secret, and its line end.
pub(super) const LONGEST: usize = LONGEST_SECRET + 16;

/// What the running service is asked.
#[derive(Debug)]
pub enum Request {
    Status,
    Seal,
    Unseal(Sensitive<String>),
}

impl Request {
    /// `None`: longer than anything that is understood.
    pub(super) fn to_bytes(&self) -> Option<Zeroizing<Vec<u8>>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST));
        match self {
            Self::Status => bytes.extend(b"status\n"),
            Self::Seal => bytes.extend(b"seal\n"),
            Self::Unseal(secret) if secret.expose().len() > LONGEST_SECRET => return None,
            Self::Unseal(secret) => {
                bytes.extend(b"unseal\n");
                bytes.extend(secret.expose().as_bytes());
            }
        }
        Some(bytes)
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (word, rest) = std::str::from_utf8(bytes).ok()?.split_once('\n')?;
        match (word, rest) {
            ("status", "") => Some(Self::Status),
            ("seal", "") => Some(Self::Seal),
            ("unseal", secret) if secret.len() <= LONGEST_SECRET => {
                Some(Self::Unseal(Sensitive::new(secret.to_owned())))
            }
            _ => None,
        }
    }
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Done {
    /// The vault is no longer as it was.
    Changed,
    /// There was nothing to do.
    AsBefore,
    /// It was not done; the answer says why.
    Refused,
}

/// What the running service says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub sealed: bool,
    pub done: Done,
    /// Why it was refused, in English and Dutch.
    pub why: Option<(String, String)>,
}

impl Answer {
    pub(super) const fn new(sealed: bool, done: Done) -> Self {
        Self { sealed, done, why: None }
    }

    pub(super) fn refused(sealed: bool, why: Message) -> Self {
        Self { sealed, done: Done::Refused, why: Some((why.en, why.nl)) }
    }

    /// Why it was refused.
    pub fn message(&self) -> Option<Message> {
        self.why.as_ref().map(|(en, nl)| Message::new(en.as_str(), nl.as_str()))
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        // Flags and texts always serialise.
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn there_and_back(request: &Request) -> Option<Request> {
        Request::parse(&request.to_bytes()?)
    }

    proptest! {
        #[test]
        fn a_secret_arrives_as_it_was_sent(secret in "(?s).{0,200}") {
            let sent = Request::Unseal(Sensitive::new(secret.clone()));
            let Some(Request::Unseal(arrived)) = there_and_back(&sent) else { panic!("another request") };
            prop_assert_eq!(arrived.expose(), &secret);
        }

        #[test]
        fn whatever_is_sent_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Request::parse(&bytes);
            let _ = Answer::parse(&bytes);
        }
    }

    #[test]
    fn only_what_is_meant_is_understood() {
        assert!(matches!(there_and_back(&Request::Status), Some(Request::Status)));
        assert!(matches!(there_and_back(&Request::Seal), Some(Request::Seal)));
        assert!(there_and_back(&Request::Unseal(Sensitive::new("x".repeat(LONGEST_SECRET + 1)))).is_none());
        for wrong in [&b""[..], b"seal", b"seal\nnow", b"SEAL\n", b"GET / HTTP/1.1\r\n\r\n", b"unseal\n\xff"] {
            assert!(Request::parse(wrong).is_none());
        }
    }

    #[test]
    fn a_secret_is_in_no_debug_text() {
        assert!(!format!("{:?}", Request::Unseal(Sensitive::new("hunter2".to_owned()))).contains("hunter2"));
    }
}
