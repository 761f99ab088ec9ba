//! The words of a custom field: its labels in both languages, and its choices.

use kluis_core::kernel::{Faults, Phrase, Text, bsn};
use poem_openapi::Object;
use serde::{Deserialize, Serialize};

/// What people read.
#[derive(Object, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub struct FieldLabels {
    /// In Dutch.
    #[oai(validator(min_length = 1, max_length = 80))]
    pub nl: String,
    /// In English.
    #[oai(validator(min_length = 1, max_length = 80))]
    pub en: String,
}

impl FieldLabels {
    /// Normalises both; a citizen service number is refused here, too.
    pub(super) fn check(&mut self, at: &str, faults: &mut Faults) {
        for (name, text) in [("nl", &mut self.nl), ("en", &mut self.en)] {
            let pointer = format!("{at}/{name}");
            if let Some(parsed) = faults.check(pointer.as_str(), Text::<80>::parse(text)) {
                parsed.expose().clone_into(text);
            }
            faults.check(pointer, bsn::refuse(text));
        }
    }
}

/// One of the values of a choice.
#[derive(Object, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub struct FieldChoice {
    /// What stands in a customer's record; it stays what it is, whatever the labels become.
    #[oai(validator(min_length = 1, max_length = 40, pattern = "^[a-z0-9]+([-_.][a-z0-9]+)*$"))]
    pub code: String,
    pub labels: FieldLabels,
    /// Not to be chosen any more; records that have it keep it.
    #[oai(default)]
    #[serde(default)]
    pub archived: bool,
}

/// Checks the choices of one field together.
pub(super) fn check_choices(choices: &mut [FieldChoice], faults: &mut Faults) {
    const TWICE: Phrase = Phrase { en: "This stands here twice.", nl: "Dit staat hier twee keer." };
    for at in 0..choices.len() {
        let (before, rest) = choices.split_at_mut(at);
        let Some(choice) = rest.first_mut() else { continue };
        choice.labels.check(&format!("/choices/{at}/labels"), faults);
        faults.check(format!("/choices/{at}/code"), bsn::refuse(&choice.code));
        if before.iter().any(|other| other.code == choice.code) {
            faults.add(format!("/choices/{at}/code"), "duplicate", TWICE);
        }
    }
}
