//! What a custom field is: its key, its labels, what its values look like, and how they are protected.

use chrono::{DateTime, Utc};
use kluis_core::access::Purpose;
use kluis_core::kernel::{Faults, Id, Phrase, Problem, bsn, id::Tenant};
use kluis_core::privacy::Compartment;
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};

pub use super::labels::{FieldChoice, FieldLabels};
use crate::web::{Ident, Timestamp};

kluis_core::kinds! {
    /// A field that a tenant added.
    CustomField = "fld",
}

/// Version of the shape of the sealed texts.
pub const SCHEMA: u16 = 1;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal),+ $(,)? })+) => {
        $($(#[$doc])*
        #[derive(Enum, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
        #[oai(rename_all = "snake_case")]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// As stored and as sent.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.code() == code)
            }
        })+
    };
}

codes! {
    /// What a value looks like.
    FieldKind {
        /// One line of text.
        Text = "text",
        Number = "number",
        /// A date without a time.
        Date = "date",
        Boolean = "boolean",
        /// One of the choices.
        Choice = "choice",
        /// Any number of the choices.
        MultipleChoice = "multiple_choice",
        /// A page on the web.
        Url = "url",
    }
    /// The compartment in which the values are sealed: whoever may see it sees them.
    FieldCompartment {
        Profile = "profile",
        /// Data of GDPR Art. 9 and 10; values are refused until the tenant has recorded a legal ground.
        Special = "special",
    }
    /// When the values go.
    FieldRetention {
        /// With the customer's record.
        Customer = "customer",
        /// When the consent that they rest on is withdrawn, or else with the record.
        Consent = "consent",
    }
}

impl FieldKind {
    /// Whether its values are taken from a list.
    pub const fn has_choices(self) -> bool {
        matches!(self, Self::Choice | Self::MultipleChoice)
    }
}

impl FieldCompartment {
    pub const fn compartment(self) -> Compartment {
        match self {
            Self::Profile => Compartment::Profile,
            Self::Special => Compartment::Special,
        }
    }
}

/// The longest key.
const LONGEST_KEY: usize = 40;

/// Whether a text can be the key of a field: a letter in lower case, then letters and digits.
pub fn is_key(text: &str) -> bool {
    text.len() <= LONGEST_KEY
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_alphanumeric())
}

/// A custom field to be written.
#[derive(Object, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_empty, example)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FieldDraft {
    /// Under which values stand in `customFields`, in imports and in searches (`custom.<key>`); unique in the tenant,
    /// for good, and can't be changed later.
    #[oai(validator(min_length = 1, max_length = 40, pattern = "^[a-z][A-Za-z0-9]*$"))]
    pub key: String,
    pub labels: FieldLabels,
    /// Can't be changed later.
    pub kind: FieldKind,
    /// For choices: what there is to choose from. More can be added later; one that is no longer wanted is archived.
    #[oai(default, validator(max_items = 200))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<FieldChoice>,
    /// A new customer must have a value, and nobody takes it away; customers from before may do without.
    #[oai(default)]
    #[serde(default)]
    pub required: bool,
    /// Can't be changed later.
    pub compartment: FieldCompartment,
    /// Category of personal data, a term of the W3C Data Privacy Vocabulary.
    #[oai(validator(min_length = 5, max_length = 80, pattern = "^(dpv|dpv-pd|eu-gdpr):[A-Za-z][A-Za-z0-9]*$"))]
    pub category: String,
    /// What the values may be used for.
    #[oai(validator(min_items = 1, max_items = 20))]
    pub purposes: Vec<String>,
    pub retention: FieldRetention,
}

impl Example for FieldDraft {
    fn example() -> Self {
        Self {
            key: "shoeSize".to_owned(),
            labels: FieldLabels { nl: "Schoenmaat".to_owned(), en: "Shoe size".to_owned() },
            kind: FieldKind::Number,
            choices: Vec::new(),
            required: false,
            compartment: FieldCompartment::Profile,
            category: "dpv-pd:PhysicalCharacteristic".to_owned(),
            purposes: vec!["contract".to_owned(), "service".to_owned()],
            retention: FieldRetention::Customer,
        }
    }
}

impl FieldDraft {
    /// Normalises texts and names every fault by its JSON pointer.
    pub fn checked(mut self) -> Result<Self, Problem> {
        const CHOICES: Phrase = Phrase {
            en: "A choice needs choices, and nothing else has any.",
            nl: "Een keuzeveld heeft keuzes nodig; andere velden hebben er geen.",
        };
        const TWICE: Phrase = Phrase { en: "This stands here twice.", nl: "Dit staat hier twee keer." };
        const PURPOSE: Phrase = Phrase { en: "There is no such purpose.", nl: "Dit doel bestaat niet." };
        let mut faults = Faults::new();
        faults.check("/key", bsn::refuse(&self.key));
        self.labels.check("/labels", &mut faults);
        if self.kind.has_choices() == self.choices.is_empty() {
            faults.add("/choices", "choices", CHOICES);
        }
        super::labels::check_choices(&mut self.choices, &mut faults);
        for (at, purpose) in self.purposes.iter().enumerate() {
            if Purpose::parse(purpose).is_none() {
                faults.add(format!("/purposes/{at}"), "purpose", PURPOSE);
            } else if self.purposes[..at].contains(purpose) {
                faults.add(format!("/purposes/{at}"), "duplicate", TWICE);
            }
        }
        faults.into_result()?;
        Ok(self)
    }

    /// Faults of a change: values that are sealed already must stay what they are.
    pub fn check_change(&self, before: &Self) -> Result<(), Problem> {
        const FIXED: Phrase = Phrase {
            en: "This can't be changed, since customers may have values already.",
            nl: "Dit kan niet veranderen, omdat klanten al waarden kunnen hebben.",
        };
        const KEPT: Phrase = Phrase {
            en: "A choice can't be taken away, since customers may have it; archive it.",
            nl: "Een keuze kan niet weg, omdat klanten haar kunnen hebben; archiveer haar.",
        };
        let mut faults = Faults::new();
        let fixed = [
            ("/key", self.key != before.key),
            ("/kind", self.kind != before.kind),
            ("/compartment", self.compartment != before.compartment),
        ];
        for (pointer, _) in fixed.iter().filter(|(_, differs)| *differs) {
            faults.add(*pointer, "fixed", FIXED);
        }
        let lost = |choice: &FieldChoice| !self.choices.iter().any(|kept| kept.code == choice.code);
        if before.choices.iter().any(lost) {
            faults.add("/choices", "fixed", KEPT);
        }
        faults.into_result()
    }

    /// Names of what differs, for the audit event.
    pub fn changed_names(&self, before: &Self) -> Vec<&'static str> {
        let all = [
            ("labels", self.labels != before.labels),
            ("choices", self.choices != before.choices),
            ("required", self.required != before.required),
            ("category", self.category != before.category),
            ("purposes", self.purposes != before.purposes),
            ("retention", self.retention != before.retention),
        ];
        all.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name).collect()
    }
}

/// A custom field.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, skip_serializing_if_is_empty, example)]
#[serde(rename_all = "camelCase")]
pub struct CustomFieldView {
    pub id: Ident<CustomField>,
    pub tenant_id: Ident<Tenant>,
    pub key: String,
    pub labels: FieldLabels,
    pub kind: FieldKind,
    #[oai(default)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<FieldChoice>,
    pub required: bool,
    pub compartment: FieldCompartment,
    pub category: String,
    pub purposes: Vec<String>,
    pub retention: FieldRetention,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// When it was put away; it takes no new values since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived_at: Option<Timestamp>,
    pub revision: i64,
}

impl Example for CustomFieldView {
    fn example() -> Self {
        let (made, tenant, id) = (Timestamp::example().0, Ident::example().0, Ident::example().0);
        let draft = FieldDraft::example();
        Self::from(&FieldRecord {
            tenant,
            id,
            draft,
            created_at: made,
            updated_at: made,
            archived_at: None,
            revision: 7,
        })
    }
}

/// A field in clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldRecord {
    pub tenant: Id<Tenant>,
    pub id: Id<CustomField>,
    pub draft: FieldDraft,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub archived_at: Option<DateTime<Utc>>,
    pub revision: i64,
}

impl From<&FieldRecord> for CustomFieldView {
    fn from(record: &FieldRecord) -> Self {
        let draft = record.draft.clone();
        Self {
            id: record.id.into(),
            tenant_id: record.tenant.into(),
            key: draft.key,
            labels: draft.labels,
            kind: draft.kind,
            choices: draft.choices,
            required: draft.required,
            compartment: draft.compartment,
            category: draft.category,
            purposes: draft.purposes,
            retention: draft.retention,
            created_at: record.created_at.into(),
            updated_at: record.updated_at.into(),
            archived_at: record.archived_at.map(Into::into),
            revision: record.revision,
        }
    }
}

/// What a field demands of its values, for whoever writes or looks for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldRule {
    pub key: String,
    pub labels: FieldLabels,
    pub kind: FieldKind,
    pub choices: Vec<FieldChoice>,
    pub compartment: Compartment,
    pub required: bool,
    /// Its values can be read and taken away, and not written.
    pub archived: bool,
}

impl From<&FieldRecord> for FieldRule {
    fn from(record: &FieldRecord) -> Self {
        let draft = &record.draft;
        Self {
            key: draft.key.clone(),
            labels: draft.labels.clone(),
            kind: draft.kind,
            choices: draft.choices.clone(),
            compartment: draft.compartment.compartment(),
            required: draft.required,
            archived: record.archived_at.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(result: Result<impl Sized, Problem>) -> Vec<(String, &'static str)> {
        let problem = result.err().unwrap_or_else(|| Problem::invalid(Vec::new()));
        problem.faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    fn choice(code: &str, label: &str) -> FieldChoice {
        let labels = FieldLabels { nl: label.to_owned(), en: label.to_owned() };
        FieldChoice { code: code.to_owned(), labels, archived: false }
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let mut draft = FieldDraft::example();
        assert!(draft.clone().checked().is_ok());
        draft.labels.nl = "  ".to_owned();
        draft.choices = vec![choice("a", "A"), choice("a", "bsn 111222333")];
        draft.purposes = vec!["contract".into(), "contract".into(), "fun".into()];
        let found = faults(draft.checked());
        for expected in [
            ("/labels/nl", "required"),
            ("/choices", "choices"),
            ("/choices/1/code", "duplicate"),
            ("/choices/1/labels/nl", "bsn"),
            ("/purposes/1", "duplicate"),
            ("/purposes/2", "purpose"),
        ] {
            assert!(found.contains(&(expected.0.to_owned(), expected.1)), "{expected:?} {found:?}");
        }
    }

    #[test]
    fn what_is_sealed_already_stays_what_it_is() {
        let mut before = FieldDraft::example();
        (before.kind, before.choices) = (FieldKind::Choice, vec![choice("a", "A"), choice("b", "B")]);
        let mut after = before.clone();
        after.labels.en = "Size".to_owned();
        after.choices.push(choice("c", "C"));
        after.choices[0].archived = true;
        assert!(after.check_change(&before).is_ok());
        assert_eq!(after.changed_names(&before), ["labels", "choices"]);
        after.choices.remove(1);
        (after.key, after.compartment) = ("other".to_owned(), FieldCompartment::Special);
        let expected = [("/key", "fixed"), ("/compartment", "fixed"), ("/choices", "fixed")];
        assert_eq!(faults(after.check_change(&before)), expected.map(|(at, code)| (at.to_owned(), code)));
    }

    #[test]
    fn keys_begin_with_a_small_letter() {
        for (text, fits) in
            [("shoeSize", true), ("a1", true), ("Size", false), ("1a", false), ("a-b", false), ("", false)]
        {
            assert_eq!(is_key(text), fits, "{text}");
        }
        assert!(!is_key(&"a".repeat(41)));
    }
}
