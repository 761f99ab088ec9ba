//! Names of organisations.
//!
//! A firm is often named after its owner, so this is handled as personal data. Must never: be printed; see
//! [`super::text`].

use super::fold::{index_words, sort_form};
use super::text::personal_text;
use super::{Text, TextFault};

/// The trade register takes names of up to 200 characters.
const NAME_MAX: usize = 200;

/// Articles that a list of names is not sorted by.
const ARTICLES: [&str; 5] = ["de", "het", "een", "t", "the"];

personal_text! {
    /// The name of an organisation as it writes itself.
    OrganisationName
}

impl OrganisationName {
    /// One line of at most 200 characters. Faults: `required`, `too_long`, `control_character`.
    pub fn parse(text: &str) -> Result<Self, TextFault> {
        Text::<NAME_MAX>::parse(text).map(|text| Self(text.expose().to_owned()))
    }

    /// Under which the name is sorted: folded, numbers by value, a leading article left out (`De Bakkerij` under B).
    /// Compared byte by byte; of one form with the sort key of a person, so that both can stand in one list.
    pub fn sort_key(&self) -> String {
        let form = sort_form(&self.0);
        match form.split_once(' ') {
            Some((article, rest)) if ARTICLES.contains(&article) => rest.to_owned(),
            _ => form,
        }
    }

    /// The words under which the name is found.
    pub fn tokens(&self) -> Vec<String> {
        index_words(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn articles_do_not_sort_unless_they_are_all_there_is() {
        let key = |text| OrganisationName::parse(text).unwrap().sort_key();
        assert_eq!(key("De Bakkerij B.V."), "bakkerij bv");
        assert_eq!(key("'t Hoekje"), "hoekje");
        assert_eq!(key("The"), "the");
        assert_eq!(key("Dekkers"), "dekkers");
        assert!(key("Club 9") < key("Club 10"));
        assert_eq!(OrganisationName::parse("Bakkerij B.V.").unwrap().tokens(), ["bakkerij", "bv"]);
    }
}
