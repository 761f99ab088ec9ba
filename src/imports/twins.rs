//! Lines of one file that tell of the same customer: by e-mail in one spelling, by telephone in E.164, by number.
//!
//! A line is compared with the accepted lines before it: a line that was an error or a duplicate itself is none that
//! another one could be a duplicate of.
//!
//! Must never: hold a value; keyed by hashes, in memory, for as long as the import runs.

use std::collections::HashMap;

use ring::digest::{Context, SHA256};

use super::draft::ImportedCustomer;

type Hash = [u8; 16];

/// The accepted lines so far; about 80 bytes for each key of a line.
#[derive(Default)]
pub struct Twins(HashMap<Hash, u64>);

/// The line that was there first, and what the two share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Twin {
    pub line: u64,
    /// `external_id`, or `email`, `phone` or both.
    pub codes: Vec<&'static str>,
}

impl Twins {
    pub fn new() -> Self {
        Self::default()
    }

    /// The accepted line of the same customer; found by number first, then by e-mail, then by telephone.
    pub fn find(&self, draft: &ImportedCustomer) -> Option<Twin> {
        if let Some(line) = self.first(number(draft)) {
            return Some(Twin { line, codes: vec!["external_id"] });
        }
        let (email, phone) = (self.first(emails(draft)), self.first(phones(draft)));
        let line = email.or(phone)?;
        let shared = [(email, "email"), (phone, "phone")];
        let codes = shared.into_iter().filter(|(found, _)| *found == Some(line)).map(|(_, code)| code);
        Some(Twin { line, codes: codes.collect() })
    }

    fn first(&self, keys: impl IntoIterator<Item = Hash>) -> Option<u64> {
        keys.into_iter().find_map(|hash| self.0.get(&hash).copied())
    }

    /// Counts the line among those that later ones are compared with.
    pub fn accept(&mut self, line: u64, draft: &ImportedCustomer) {
        for hash in number(draft).into_iter().chain(emails(draft)).chain(phones(draft)) {
            self.0.entry(hash).or_insert(line);
        }
    }
}

fn number(draft: &ImportedCustomer) -> Option<Hash> {
    draft.external_id.as_ref().map(|key| hash(&["number", &key.system, key.id.expose()]))
}

fn emails(draft: &ImportedCustomer) -> impl Iterator<Item = Hash> + '_ {
    draft.emails.iter().map(|email| hash(&["email", &email.index_form()]))
}

fn phones(draft: &ImportedCustomer) -> impl Iterator<Item = Hash> + '_ {
    draft.phones.iter().map(|phone| hash(&["phone", phone.expose()]))
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

#[cfg(test)]
mod tests {
    use kluis_core::kernel::{Email, Phone, Text};

    use super::super::draft::ExternalId;
    use super::*;

    fn line(number: &str, email: &str, phone: &str) -> ImportedCustomer {
        ImportedCustomer {
            external_id: Text::parse(number).ok().map(|id| ExternalId { system: "oud".to_owned(), id }),
            emails: Email::parse(email).into_iter().collect(),
            phones: Phone::parse(phone, "NL").into_iter().collect(),
            ..ImportedCustomer::default()
        }
    }

    fn found(twins: &Twins, draft: &ImportedCustomer) -> Option<(u64, Vec<&'static str>)> {
        twins.find(draft).map(|twin| (twin.line, twin.codes))
    }

    #[test]
    fn lines_are_compared_by_number_email_and_phone_in_any_spelling() {
        let mut twins = Twins::new();
        twins.accept(2, &line("K1", "jan@example.com", "06-12348060"));
        twins.accept(3, &line("K2", "piet@example.com", ""));
        assert_eq!(found(&twins, &line("K1", "kees@example.com", "")), Some((2, vec!["external_id"])));
        assert_eq!(found(&twins, &line("", "JAN@EXAMPLE.COM", "")), Some((2, vec!["email"])));
        assert_eq!(found(&twins, &line("", "", "+31 (0)6 12 34 80 60")), Some((2, vec!["phone"])));
        assert_eq!(found(&twins, &line("", "jan@example.com", "0612348060")), Some((2, vec!["email", "phone"])));
        assert_eq!(found(&twins, &line("", "piet@example.com", "0612348060")), Some((3, vec!["email"])));
        assert_eq!(found(&twins, &line("K3", "kees@example.com", "0612348061")), None);
        assert_eq!(found(&twins, &line("", "", "")), None);
    }

    #[test]
    fn the_first_line_stays_the_first() {
        let mut twins = Twins::new();
        twins.accept(2, &line("", "jan@example.com", ""));
        twins.accept(9, &line("K9", "jan@example.com", ""));
        assert_eq!(found(&twins, &line("", "jan@example.com", "")), Some((2, vec!["email"])));
    }
}
