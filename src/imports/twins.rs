//! Lines of one file that tell of the same customer: by e-mail in one spelling, by telephone in E.164, by number.
//!
//! A line is compared with the accepted lines before it: a line that was an error or a duplicate itself is none that
//! another one could be a duplicate of.
//!
//! Must never: hold a value; keyed by hashes, in memory, for as long as the import runs.

use std::collections::HashMap;

use kluis_core::privacy::IndexField;

use crate::customers::model::{ExactKey, KeyDigest};

/// The accepted lines so far; about 80 bytes for each key of a line.
#[derive(Default)]
pub struct Twins(HashMap<KeyDigest, i64>);

/// The line that was there first, and what the two share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Twin {
    pub line: i64,
    /// `external_id`, or `email`, `phone` or both.
    pub codes: Vec<&'static str>,
}

impl Twins {
    pub fn new() -> Self {
        Self::default()
    }

    /// The accepted line of the same customer; found by number first, then by e-mail, then by telephone.
    pub fn find(&self, keys: &[ExactKey]) -> Option<Twin> {
        if let Some(line) = self.first(keys, IndexField::ExternalId) {
            return Some(Twin { line, codes: vec![IndexField::ExternalId.name()] });
        }
        let shared = [IndexField::Email, IndexField::Phone].map(|field| (self.first(keys, field), field.name()));
        let line = shared.iter().find_map(|(found, _)| *found)?;
        let codes = shared.into_iter().filter(|(found, _)| *found == Some(line)).map(|(_, code)| code);
        Some(Twin { line, codes: codes.collect() })
    }

    fn first(&self, keys: &[ExactKey], field: IndexField) -> Option<i64> {
        keys.iter().filter(|key| key.field == field).find_map(|key| self.0.get(&key.digest()).copied())
    }

    /// Counts the line among those that later ones are compared with.
    pub fn accept(&mut self, line: i64, keys: &[ExactKey]) {
        for key in keys {
            self.0.entry(key.digest()).or_insert(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use kluis_core::kernel::{Email, Phone};
    use zeroize::Zeroizing;

    use super::*;
    use crate::customers::model::external_id_form;

    /// The keys of a line, as its checked form gives them.
    fn line(number: &str, email: &str, phone: &str) -> Vec<ExactKey> {
        let key = |field, value| ExactKey { field, value, pointer: String::new() };
        let number = (!number.is_empty()).then(|| key(IndexField::ExternalId, external_id_form("oud", number)));
        let email = Email::parse(email).ok().map(|email| key(IndexField::Email, email.index_form()));
        let phone = Phone::parse(phone, "NL").ok();
        let phone = phone.map(|phone| key(IndexField::Phone, Zeroizing::new(phone.expose().to_owned())));
        number.into_iter().chain(email).chain(phone).collect()
    }

    fn found(twins: &Twins, keys: &[ExactKey]) -> Option<(i64, Vec<&'static str>)> {
        twins.find(keys).map(|twin| (twin.line, twin.codes))
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
