//! Names of people as the Dutch register them (BRP): own family name and partner's, each with its prefix
//! (tussenvoegsel), and the choice which of them is used.
//!
//! Must never: be printed; see [`super::text`].

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::fold::{FIELD_BREAK, index_words, sort_form};
use super::prefix::{capitalised, normal_prefix};
use super::{LanguageTag, Text, TextFault};

const NAME: TextFault =
    TextFault::new("name", "A family name or a given name is needed.", "Een achternaam of voornaam is nodig.");
const PARTNER: TextFault = TextFault::new(
    "required",
    "The choice of name asks for the partner's family name.",
    "Bij deze naamkeuze hoort de achternaam van de partner.",
);

/// The BRP keeps family names up to 200 characters.
const NAME_MAX: usize = 200;

/// Which family name somebody goes by (BRP 61.10 aanduiding naamgebruik, where E, P, V, N stand for these).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, Zeroize)]
#[serde(rename_all = "snake_case")]
pub enum NameUse {
    /// Own family name.
    #[default]
    Own,
    /// The partner's.
    Partner,
    /// The partner's, then the own one: `De Vries-van den Berg`.
    PartnerOwn,
    /// The own one, then the partner's.
    OwnPartner,
}

impl NameUse {
    pub const ALL: [Self; 4] = [Self::Own, Self::Partner, Self::PartnerOwn, Self::OwnPartner];

    /// `own`, `partner`, `partner_own`, `own_partner`, or the BRP's letter.
    pub fn parse(text: &str) -> Result<Self, TextFault> {
        match text.trim() {
            "own" | "E" => Ok(Self::Own),
            "partner" | "P" => Ok(Self::Partner),
            "partner_own" | "V" => Ok(Self::PartnerOwn),
            "own_partner" | "N" => Ok(Self::OwnPartner),
            _ => Err(TextFault::new(
                "name_use",
                "Use own, partner, partner_own or own_partner.",
                "Gebruik own, partner, partner_own of own_partner.",
            )),
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Partner => "partner",
            Self::PartnerOwn => "partner_own",
            Self::OwnPartner => "own_partner",
        }
    }
}

/// The fields of a name, to say where a fault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NamePart {
    TitleBefore,
    Initials,
    Given,
    Prefix,
    Family,
    PartnerPrefix,
    PartnerFamily,
    TitleAfter,
}

/// A name as somebody typed it; what isn't known is empty.
#[derive(Clone, Copy, Default)]
pub struct NameParts<'a> {
    pub title_before: &'a str,
    pub initials: &'a str,
    pub given: &'a str,
    pub prefix: &'a str,
    pub family: &'a str,
    pub partner_prefix: &'a str,
    pub partner_family: &'a str,
    pub name_use: NameUse,
    pub title_after: &'a str,
}

/// The name of a person. Stored as JSON within a sealed compartment; `Deserialize` trusts what was sealed.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct PersonName {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    title_before: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    initials: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    given: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    prefix: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    family: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    partner_prefix: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    partner_family: String,
    #[serde(default)]
    name_use: NameUse,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    title_after: String,
}

impl PersonName {
    /// Normalises every part: initials as `J.K.`, known prefixes in lower case, blanks and apostrophes in one form. The
    /// spelling of names stays. All faults, each with its part: `name` (neither family nor given name), `required` (the
    /// partner's name, if `name_use` asks for it), `too_long`, `control_character`.
    pub fn parse(parts: &NameParts<'_>) -> Result<Self, Vec<(NamePart, TextFault)>> {
        let mut faults = Vec::new();
        let mut line = |part, text: &str| match Text::<NAME_MAX>::optional(text) {
            Ok(text) => text.map(|text| text.expose().to_owned()).unwrap_or_default(),
            Err(fault) => {
                faults.push((part, fault));
                String::new()
            }
        };
        let name = Self {
            title_before: line(NamePart::TitleBefore, parts.title_before),
            initials: normal_initials(&Zeroizing::new(line(NamePart::Initials, parts.initials))),
            given: line(NamePart::Given, parts.given),
            prefix: normal_prefix(&Zeroizing::new(line(NamePart::Prefix, parts.prefix))),
            family: line(NamePart::Family, parts.family),
            partner_prefix: normal_prefix(&Zeroizing::new(line(NamePart::PartnerPrefix, parts.partner_prefix))),
            partner_family: line(NamePart::PartnerFamily, parts.partner_family),
            name_use: parts.name_use,
            title_after: line(NamePart::TitleAfter, parts.title_after),
        };
        if name.family.is_empty() && name.given.is_empty() && name.partner_family.is_empty() && faults.is_empty() {
            faults.push((NamePart::Family, NAME));
        } else if name.name_use != NameUse::Own && name.partner_family.is_empty() && faults.is_empty() {
            faults.push((NamePart::PartnerFamily, PARTNER));
        }
        if faults.is_empty() { Ok(name) } else { Err(faults) }
    }

    pub fn title_before(&self) -> &str {
        &self.title_before
    }
    /// `J.K.`
    pub fn initials(&self) -> &str {
        &self.initials
    }
    pub fn given(&self) -> &str {
        &self.given
    }
    /// The own prefix: `van der`.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
    /// The own family name, without prefix.
    pub fn family(&self) -> &str {
        &self.family
    }
    pub fn partner_prefix(&self) -> &str {
        &self.partner_prefix
    }
    pub fn partner_family(&self) -> &str {
        &self.partner_family
    }
    pub const fn name_use(&self) -> NameUse {
        self.name_use
    }
    pub fn title_after(&self) -> &str {
        &self.title_after
    }

    /// For lists and headings, without titles: `Zeynep van der Berg`, or `Z. van der Berg` if only initials are known.
    pub fn display(&self) -> Zeroizing<String> {
        let first = if self.given.is_empty() { &self.initials } else { &self.given };
        words([first, &self.surname()])
    }

    /// For letters and addresses, with titles. Dutch, German and the like use initials: `drs. Z. van der Berg MSc`; other
    /// languages the given name: `drs. Zeynep van der Berg MSc`. Takes what there is if the one it prefers is missing.
    pub fn formal(&self, language: &LanguageTag) -> Zeroizing<String> {
        let by_initials = matches!(language.primary(), "nl" | "fy" | "af" | "de" | "lb");
        let first = match (by_initials, self.initials.is_empty(), self.given.is_empty()) {
            (true, false, _) | (false, _, true) => &self.initials,
            _ => &self.given,
        };
        words([&self.title_before, first, &self.surname(), &self.title_after])
    }

    /// The family name in use with its prefix: `van der Berg`, `de Vries-van den Berg`.
    pub fn surname(&self) -> Zeroizing<String> {
        let names: Vec<_> = self.families().iter().map(|(prefix, family)| with_prefix(prefix, family)).collect();
        let mut surname = Zeroizing::new(String::new());
        for name in &names {
            if !surname.is_empty() {
                surname.push('-');
            }
            surname.push_str(name);
        }
        surname
    }

    /// The family name after a form of address and nothing else, where Dutch writes the prefix with a capital:
    /// `(mevrouw) Van der Berg`.
    pub fn addressed(&self) -> Zeroizing<String> {
        Zeroizing::new(capitalised(&self.surname()))
    }

    /// Under which the name is sorted, the Dutch way: by family name without its prefix, then prefix, then given name
    /// (or initials); folded. Compared byte by byte. Without a family name, by given name.
    pub fn sort_key(&self) -> String {
        let first = if self.given.is_empty() { &self.initials } else { &self.given };
        let surname = self.surname();
        let prefix = self.families().first().map_or("", |(prefix, _)| *prefix);
        let rest = surname.strip_prefix(prefix).unwrap_or(&surname);
        let leading = if rest.is_empty() { first.as_str() } else { rest };
        format!("{}{FIELD_BREAK}{}{FIELD_BREAK}{}", sort_form(leading), sort_form(prefix), sort_form(first))
    }

    /// The words under which the name is found: given name, initials, prefixes and both family names, whatever is in use.
    pub fn tokens(&self) -> Vec<String> {
        let own = with_prefix(&self.prefix, &self.family);
        let partner = with_prefix(&self.partner_prefix, &self.partner_family);
        let parts = [self.given.as_str(), &self.initials, &own, &partner];
        let mut tokens: Vec<String> = Vec::new();
        for word in parts.into_iter().flat_map(index_words) {
            if !tokens.contains(&word) {
                tokens.push(word);
            }
        }
        tokens
    }

    /// The family names in use with their prefixes, in their order. What is missing is left out, and if that leaves
    /// nothing, the other name is taken: an imported record may have only the partner's.
    fn families(&self) -> Vec<(&str, &str)> {
        let own = (self.prefix.as_str(), self.family.as_str());
        let partner = (self.partner_prefix.as_str(), self.partner_family.as_str());
        let order: &[(&str, &str)] = match self.name_use {
            NameUse::Own => &[own],
            NameUse::Partner => &[partner],
            NameUse::PartnerOwn => &[partner, own],
            NameUse::OwnPartner => &[own, partner],
        };
        let known = |names: &[(&'_ str, &'_ str)]| names.iter().any(|(_, family)| !family.is_empty());
        let order = if known(order) { order } else { &[own, partner] };
        order.iter().copied().filter(|(_, family)| !family.is_empty()).collect()
    }
}

impl fmt::Debug for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonName")
    }
}

/// A prefix that ends in an apostrophe clings to the name: `d'Ancona`, but `'t Hart`.
fn with_prefix(prefix: &str, family: &str) -> Zeroizing<String> {
    let blank = if prefix.is_empty() || prefix.ends_with('\'') { "" } else { " " };
    Zeroizing::new(format!("{prefix}{blank}{family}"))
}

fn words<const N: usize>(parts: [&str; N]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::new());
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(part);
    }
    text
}

/// `jk`, `J K`, `J.K`, `J.K.` all become `J.K.`; `Th.J.` and `IJ.` stay, `J.-P.` keeps its dash.
fn normal_initials(text: &str) -> String {
    let pieces: Vec<&str> = text.split(|c: char| c == '.' || c.is_whitespace()).filter(|p| !p.is_empty()).collect();
    let in_one_piece = pieces.len() == 1 && !text.contains('.');
    let mut initials = String::with_capacity(text.len() * 2);
    for piece in pieces {
        let one_case = piece.chars().all(char::is_uppercase) || piece.chars().all(char::is_lowercase);
        if in_one_piece && one_case {
            push_letters(&mut initials, &piece.to_uppercase());
        } else {
            initials.push_str(&capitalised(piece));
            initials.push('.');
        }
    }
    initials
}

/// Each letter an initial of its own, the digraph IJ one.
fn push_letters(initials: &mut String, letters: &str) {
    let mut rest = letters.chars().peekable();
    while let Some(letter) = rest.next() {
        initials.push(letter);
        if letter == 'I' {
            initials.extend(rest.next_if_eq(&'J'));
        }
        initials.push('.');
    }
}

#[cfg(test)]
#[path = "name_tests.rs"]
mod tests;
