//! Values of custom fields: checked where they are written, read from texts of an import, compared in searches.
//!
//! Must never: check again what somebody else recorded before: a field that was put away, a choice that was, or a rule
//! that has become stricter don't stand in the way of a change that is about something else.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use kluis_core::kernel::{Faults, Phrase, REQUIRED, Text, TextFault, WebAddress, bsn};
use kluis_core::privacy::Compartment;
use serde_json::Value;

use super::model::{FieldChoice, FieldKind, FieldRule};

/// Values by key, as they stand in a compartment.
pub type Values = BTreeMap<String, Value>;

/// What one compartment's values are checked against.
#[derive(Debug, Clone, Copy)]
pub struct Check<'a> {
    /// All fields of the tenant, those that are put away among them.
    pub rules: &'a [FieldRule],
    pub compartment: Compartment,
    /// What stood there before; nothing in a new record.
    pub before: Option<&'a Values>,
    /// Whether every required field must have a value: whoever makes a record and may write this compartment.
    pub filled: bool,
}

const UNKNOWN: Phrase =
    Phrase { en: "There is no such custom field in this compartment.", nl: "Dit eigen veld bestaat niet in dit deel." };
const ARCHIVED: Phrase = Phrase {
    en: "This field was put away; it takes no new values.",
    nl: "Dit veld is gearchiveerd; het krijgt geen nieuwe waarden meer.",
};

impl Check<'_> {
    /// Normalises the values in place, and notes every fault with its pointer.
    pub fn run(&self, values: &mut Values, faults: &mut Faults) {
        for (key, value) in values.iter_mut() {
            let before = self.before.and_then(|before| before.get(key));
            if before == Some(value) {
                continue;
            }
            let at = self.pointer(key);
            match self.rules.iter().find(|rule| rule.key == *key && rule.compartment == self.compartment) {
                None => faults.add(at, "unknown_field", UNKNOWN),
                Some(rule) if rule.archived => faults.add(at, "archived_field", ARCHIVED),
                Some(rule) => check(rule, value, before, &at, faults),
            }
        }
        self.require(values, faults);
    }

    /// Notes required fields that have no value, or no longer have one.
    pub fn require(&self, values: &Values, faults: &mut Faults) {
        let in_use = |rule: &&FieldRule| rule.required && !rule.archived && rule.compartment == self.compartment;
        for rule in self.rules.iter().filter(in_use) {
            let was_there = self.before.is_some_and(|before| before.contains_key(&rule.key));
            if !values.contains_key(&rule.key) && (self.filled || was_there) {
                faults.add(self.pointer(&rule.key), REQUIRED.code, REQUIRED.detail);
            }
        }
    }

    fn pointer(&self, key: &str) -> String {
        format!("/{}/customFields/{}", self.compartment.name(), key.replace('~', "~0").replace('/', "~1"))
    }
}

const TYPE: TextFault =
    TextFault::new("type", "The value doesn't fit the field's kind.", "De waarde past niet bij het soort veld.");
const DATE: TextFault = TextFault::new("date", "This isn't a date (YYYY-MM-DD).", "Dit is geen datum (JJJJ-MM-DD).");
const CHOICE: TextFault = TextFault::new("choice", "This isn't one of the choices.", "Dit is niet een van de keuzes.");
const TWICE: TextFault = TextFault::new("duplicate", "This stands here twice.", "Dit staat hier twee keer.");

fn check(rule: &FieldRule, value: &mut Value, before: Option<&Value>, at: &str, faults: &mut Faults) {
    match (rule.kind, value) {
        (FieldKind::Text, Value::String(text)) => set(text, at, faults, line),
        (FieldKind::Url, Value::String(text)) => set(text, at, faults, web_address),
        (FieldKind::Date, Value::String(text)) => set(text, at, faults, date),
        (FieldKind::Boolean, Value::Bool(_)) => {}
        (FieldKind::Number, Value::Number(number)) => {
            faults.check(at, bsn::refuse(&number.to_string()));
        }
        (FieldKind::Choice, Value::String(code)) => {
            faults.check(at, choice(rule, code, before));
        }
        (FieldKind::MultipleChoice, Value::Array(items)) if !items.is_empty() => {
            choices(rule, items, before, at, faults);
        }
        _ => faults.add(at, TYPE.code, TYPE.detail),
    }
}

fn set(text: &mut String, at: &str, faults: &mut Faults, parse: impl FnOnce(&str) -> Result<String, TextFault>) {
    if let Some(parsed) = faults.check(at, parse(text)) {
        *text = parsed;
    }
}

fn line(text: &str) -> Result<String, TextFault> {
    let parsed = Text::<2000>::parse(text)?;
    bsn::refuse(parsed.expose())?;
    Ok(parsed.expose().to_owned())
}

fn web_address(text: &str) -> Result<String, TextFault> {
    let parsed = WebAddress::parse(text)?;
    bsn::refuse(parsed.expose())?;
    Ok(parsed.expose().to_owned())
}

fn date(text: &str) -> Result<String, TextFault> {
    let date = NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").map_err(|_| DATE)?;
    // Years of other than four digits sort wrongly, and are typing errors.
    let written = date.to_string();
    if written.len() == 10 { Ok(written) } else { Err(DATE) }
}

/// A choice that is in use, or that the record had already.
fn choice(rule: &FieldRule, code: &str, before: Option<&Value>) -> Result<(), TextFault> {
    let in_use = rule.choices.iter().any(|choice| choice.code == code && !choice.archived);
    if in_use || before.is_some_and(|value| texts(value).iter().any(|text| text == code)) {
        Ok(())
    } else {
        Err(CHOICE)
    }
}

fn choices(rule: &FieldRule, items: &mut [Value], before: Option<&Value>, at: &str, faults: &mut Faults) {
    for index in 0..items.len() {
        let (earlier, rest) = items.split_at(index);
        let pointer = format!("{at}/{index}");
        match &rest[0] {
            Value::String(_) if earlier.contains(&rest[0]) => {
                faults.add(pointer, TWICE.code, TWICE.detail);
            }
            Value::String(code) => {
                faults.check(pointer, choice(rule, code, before));
            }
            _ => faults.add(pointer, TYPE.code, TYPE.detail),
        }
    }
    // One order for the same set, so that equal values are equal.
    let rank = |value: &Value| rule.choices.iter().position(|choice| value.as_str() == Some(&choice.code));
    items.sort_by_key(rank);
}

/// Reads a value from a text of an import, as far as choices and addresses go: codes or labels in either language,
/// several divided by `,`, `;` or `|`. What doesn't fit stays as it is, which the check refuses.
pub fn from_text(rule: &FieldRule, text: &str) -> Value {
    match rule.kind {
        FieldKind::Choice => Value::String(code_of(rule, text)),
        FieldKind::MultipleChoice => {
            let parts = text.split([',', ';', '|']).map(str::trim).filter(|part| !part.is_empty());
            Value::Array(parts.map(|part| Value::String(code_of(rule, part))).collect())
        }
        FieldKind::Url if !text.contains("://") => Value::String(format!("https://{}", text.trim())),
        _ => Value::String(text.to_owned()),
    }
}

fn code_of(rule: &FieldRule, text: &str) -> String {
    let wanted = text.trim().to_lowercase();
    let named = |choice: &&FieldChoice| {
        [&choice.code, &choice.labels.nl, &choice.labels.en].iter().any(|name| name.to_lowercase() == wanted)
    };
    let found = rule.choices.iter().filter(|choice| !choice.archived).find(named);
    found.map_or_else(|| text.to_owned(), |choice| choice.code.clone())
}

/// The parts of a value as texts, for comparisons.
pub fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Bool(flag) => vec![flag.to_string()],
        Value::Number(number) => vec![number.to_string()],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Null | Value::Object(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::model::FieldLabels;
    use super::*;

    fn rule(key: &str, kind: FieldKind) -> FieldRule {
        let labels = |text: &str| FieldLabels { nl: text.to_owned(), en: text.to_owned() };
        let choice = |code: &str, label: &str, archived| FieldChoice {
            code: code.to_owned(),
            labels: FieldLabels { nl: label.to_owned(), en: format!("{label} en") },
            archived,
        };
        let choices = vec![choice("a", "Aap", false), choice("b", "Beer", false), choice("old", "Oud", true)];
        FieldRule {
            key: key.to_owned(),
            labels: labels(key),
            kind,
            choices: if kind.has_choices() { choices } else { Vec::new() },
            compartment: Compartment::Profile,
            required: false,
            archived: false,
        }
    }

    fn rules() -> Vec<FieldRule> {
        FieldKind::ALL.iter().map(|kind| rule(kind.code(), *kind)).collect()
    }

    fn run(
        rules: &[FieldRule],
        before: Option<&Value>,
        filled: bool,
        values: Value,
    ) -> (Value, Vec<(String, &'static str)>) {
        let map = |value: &Value| serde_json::from_value::<Values>(value.clone()).unwrap();
        let (mut values, before) = (map(&values), before.map(map));
        let mut faults = Faults::new();
        let check = Check { rules, compartment: Compartment::Profile, before: before.as_ref(), filled };
        check.run(&mut values, &mut faults);
        let faults = faults.into_vec().into_iter();
        let named = faults.map(|f| (f.pointer.trim_start_matches("/profile/customFields/").to_owned(), f.code));
        (serde_json::to_value(values).unwrap(), named.collect())
    }

    #[test]
    fn each_kind_takes_its_values_in_one_spelling() {
        let sent = json!({
            "text": "  twee   woorden ", "number": 4.5, "date": "2026-01-31", "boolean": false, "choice": "b",
            "multiple_choice": ["b", "a"], "url": "HTTPS://Example.ORG/x",
        });
        let (kept, faults) = run(&rules(), None, true, sent);
        assert_eq!(faults, []);
        assert_eq!(kept["text"], "twee woorden");
        assert_eq!((&kept["multiple_choice"], &kept["url"]), (&json!(["a", "b"]), &json!("https://example.org/x")));
    }

    #[test]
    fn all_faults_are_named_at_once() {
        let sent = json!({
            "text": "bsn 111222333", "number": 111_222_333, "date": "31-01-2026", "boolean": "ja", "choice": "old",
            "multiple_choice": ["a", "a", "c", 1], "url": "javascript:x", "nothing": 1,
        });
        let (_, faults) = run(&rules(), None, true, sent);
        let expected = [
            ("boolean", "type"),
            ("choice", "choice"),
            ("date", "date"),
            ("multiple_choice/1", "duplicate"),
            ("multiple_choice/2", "choice"),
            ("multiple_choice/3", "type"),
            ("nothing", "unknown_field"),
            ("number", "bsn"),
            ("text", "bsn"),
            ("url", "url"),
        ];
        assert_eq!(faults, expected.map(|(at, code)| (at.to_owned(), code)));
        let (_, faults) =
            run(&rules(), None, true, json!({ "multiple_choice": [], "date": "+12026-01-01", "text": " " }));
        let codes: Vec<_> = faults.iter().map(|(_, code)| *code).collect();
        assert_eq!(codes, ["date", "type", "required"]);
    }

    #[test]
    fn what_was_there_before_is_no_fault() {
        let mut rules = rules();
        rules.iter_mut().filter(|rule| rule.kind == FieldKind::Number).for_each(|rule| rule.archived = true);
        let before = json!({ "number": 5, "gone": true, "choice": "old", "multiple_choice": ["a", "old"] });
        let (_, faults) = run(&rules, Some(&before), false, before.clone());
        assert_eq!(faults, []);
        let after = json!({ "number": 6, "choice": "a", "multiple_choice": ["old"] });
        let (_, faults) = run(&rules, Some(&before), false, after);
        assert_eq!(faults, [("number".to_owned(), "archived_field")]);
        let (_, faults) = run(&rules, Some(&json!({})), false, json!({ "choice": "old" }));
        assert_eq!(faults, [("choice".to_owned(), "choice")]);
        let (_, faults) = run(&rules, Some(&before), false, json!({}));
        assert_eq!(faults, [], "values of fields that were put away can be taken away");
    }

    #[test]
    fn a_required_field_is_filled_at_the_beginning_and_stays_so() {
        let mut rules = rules();
        rules[0].required = true;
        let missing = [("text".to_owned(), "required")];
        assert_eq!(run(&rules, None, true, json!({})).1, missing);
        assert_eq!(run(&rules, None, false, json!({})).1, [], "by somebody who may not write there");
        assert_eq!(run(&rules, Some(&json!({})), false, json!({ "number": 1 })).1, [], "a customer from before");
        assert_eq!(run(&rules, Some(&json!({ "text": "x" })), false, json!({})).1, missing);
        rules[0].archived = true;
        assert_eq!(run(&rules, None, true, json!({})).1, []);
    }

    #[test]
    fn texts_of_an_import_are_codes_or_labels() {
        let one = rule("x", FieldKind::Choice);
        for (text, code) in [("a", "a"), (" AAP", "a"), ("beer EN", "b"), ("Oud", "Oud"), ("kat", "kat")] {
            assert_eq!(from_text(&one, text), json!(code), "{text}");
        }
        let several = rule("x", FieldKind::MultipleChoice);
        assert_eq!(from_text(&several, "Beer; aap | kat,"), json!(["b", "a", "kat"]));
        assert_eq!(from_text(&rule("x", FieldKind::Url), "www.example.org"), json!("https://www.example.org"));
    }

    proptest! {
        #[test]
        fn what_was_checked_once_passes_again(kind in 0..FieldKind::ALL.len(), value in prop_oneof![
            any::<i32>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            "[a-zé 0-9:/.-]{0,30}".prop_map(Value::from),
            prop::collection::vec(prop_oneof!["a", "b", "old", "z"], 0..4).prop_map(Value::from),
        ]) {
            let rules = rules();
            let key = rules[kind].key.clone();
            let (kept, faults) = run(&rules, None, true, json!({ key.as_str(): value }));
            if faults.is_empty() {
                let (again, faults) = run(&rules, None, true, kept.clone());
                prop_assert!(faults.is_empty());
                prop_assert_eq!(again, kept);
            }
        }
    }
}
