//! Lines of one file that tell of the same customer: by e-mail in one spelling, by telephone in E.164, by number.
//!
//! A line is compared with the accepted lines before it: a line that was an error or a duplicate itself is none that
//! another one could be a duplicate of.
//!
//! Must never: hold a value; keyed by hashes, in memory, for as long as the import runs.

use std::collections::HashMap;

use ring::digest::{Context, SHA256};

use super::draft::{ImportedCustomer, spelling};

type Hash = [u8; 16];

#[derive(Clone, Copy)]
struct Seen {
    line: u64,
    spelling: u64,
}

/// The accepted lines so far; about 150 bytes for each.
#[derive(Default)]
pub struct Twins(HashMap<Hash, Seen>);

/// The line that was there first, and how the two resemble each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Twin {
    pub line: u64,
    /// `external_id`; or `mail_case` and `phone_format` for what is written differently, `same` if nothing is.
    pub codes: Vec<&'static str>,
}

impl Twins {
    pub fn new() -> Self {
        Self::default()
    }

    /// The accepted line of the same customer; found by number first, then by e-mail, then by telephone.
    pub fn find(&self, draft: &ImportedCustomer) -> Option<Twin> {
        if let Some(seen) = number(draft).and_then(|hash| self.0.get(&hash)) {
            return Some(Twin { line: seen.line, codes: vec!["external_id"] });
        }
        let email = self.first(emails(draft));
        let phone = self.first(phones(draft));
        let line = email.or(phone).map(|(seen, _)| seen.line)?;
        let mut codes = Vec::new();
        if email.is_some_and(|(seen, spelling)| seen.spelling != spelling) {
            codes.push("mail_case");
        }
        if phone.is_some_and(|(seen, spelling)| seen.spelling != spelling) {
            codes.push("phone_format");
        }
        if codes.is_empty() {
            codes.push("same");
        }
        Some(Twin { line, codes })
    }

    /// The first of these keys that an accepted line has, with this line's spelling of it.
    fn first(&self, mut keys: impl Iterator<Item = (Hash, u64)>) -> Option<(Seen, u64)> {
        keys.find_map(|(hash, spelling)| self.0.get(&hash).map(|seen| (*seen, spelling)))
    }

    /// Counts the line among those that later ones are compared with.
    pub fn accept(&mut self, line: u64, draft: &ImportedCustomer) {
        let number = number(draft).map(|hash| (hash, 0));
        for (hash, spelling) in number.into_iter().chain(emails(draft)).chain(phones(draft)) {
            self.0.entry(hash).or_insert(Seen { line, spelling });
        }
    }
}

fn number(draft: &ImportedCustomer) -> Option<Hash> {
    draft.external_id.as_ref().map(|key| hash(&["number", &key.system, key.id.expose()]))
}

fn emails(draft: &ImportedCustomer) -> impl Iterator<Item = (Hash, u64)> + '_ {
    draft.emails.iter().map(|email| (hash(&["email", &email.index_form()]), spelling(email.expose())))
}

fn phones(draft: &ImportedCustomer) -> impl Iterator<Item = (Hash, u64)> + '_ {
    draft.phones.iter().map(|phone| (hash(&["phone", phone.phone.expose()]), phone.spelling))
}

/// Half of SHA-256 over the parts, each with its length in front.
fn hash(parts: &[&str]) -> Hash {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    let digest = context.finish();
    std::array::from_fn(|at| digest.as_ref().get(at).copied().unwrap_or_default())
}
