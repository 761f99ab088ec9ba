//! Conditions on custom fields: where their values stand in the tenants that a search reaches, and how they compare.
//!
//! Must never: take a value that is withheld for one that is absent.

use std::collections::HashMap;

use kluis_core::access::Scope;
use kluis_core::kernel::{Faults, Id, Phrase, Problem, ProblemKind, id::Tenant};
use kluis_core::privacy::Compartment;
use serde_json::Value;

use super::condition::{Condition, Operator};
use super::field::Field;
use crate::app::App;
use crate::custom_fields;
use crate::customers::access::Read;
use crate::customers::rows;
use crate::customers::view::CustomerView;

/// The compartment of each custom field that a search asks about, by tenant and key.
#[derive(Default)]
pub struct Places(HashMap<(Id<Tenant>, Box<str>), Compartment>);

impl Places {
    /// Looks the fields up that the condition names. A field that no tenant in reach has is a fault (of the condition
    /// that stands `at` this place of the body); one that the caller can see nowhere is 403.
    pub async fn of(
        app: &App,
        scope: &Scope<Read>,
        condition: Option<&Condition>,
        at: &str,
        faults: &mut Faults,
    ) -> Result<Self, Problem> {
        let fields = condition.map(Condition::fields).unwrap_or_default();
        let mut keys: Vec<Box<str>> = fields.into_iter().filter_map(custom_key).collect();
        keys.sort();
        keys.dedup();
        let mut places = Self::default();
        if keys.is_empty() {
            return Ok(places);
        }
        for tenant in rows::tenants_in_scope(&app.db, scope).await? {
            for rule in custom_fields::service::rules(app, tenant).await? {
                if keys.iter().any(|key| **key == *rule.key) {
                    places.0.insert((tenant, rule.key.into()), rule.compartment);
                }
            }
        }
        places.require_visible(scope, &keys, at, faults)?;
        Ok(places)
    }

    fn require_visible(
        &self,
        scope: &Scope<Read>,
        keys: &[Box<str>],
        at: &str,
        faults: &mut Faults,
    ) -> Result<(), Problem> {
        const UNKNOWN: Phrase = Phrase { en: "There is no such custom field.", nl: "Dit eigen veld bestaat niet." };
        let mut hidden = None;
        for key in keys {
            let mut declared = self.0.iter().filter(|((_, of), _)| of == key).map(|(_, place)| *place).peekable();
            match declared.peek().copied() {
                None => faults.add(at, "unknown_field", UNKNOWN),
                Some(first) if !declared.any(|place| scope.ever_visible().contains(place)) => hidden = Some(first),
                Some(_) => {}
            }
        }
        match hidden {
            None => Ok(()),
            Some(place) => Err(Problem::new(ProblemKind::FieldNotPermitted).member("compartment", place.name())),
        }
    }

    /// The compartments in which the values stand.
    pub fn compartments(&self) -> impl Iterator<Item = Compartment> {
        self.0.values().copied()
    }

    /// Whether the condition holds for a record; `None` where the value is withheld.
    pub fn holds(&self, key: &str, operator: Operator, wanted: &str, view: &CustomerView) -> Option<bool> {
        let Some(place) = self.0.get(&(view.tenant_id.0, key.into())) else {
            // The record's tenant has no such field: there is nothing that could be withheld.
            return Some(false);
        };
        if view.withheld.iter().any(|name| name == place.name()) {
            return None;
        }
        let values = match place {
            Compartment::Special => view.special.as_ref().map(|special| &special.custom_fields),
            _ => view.profile.as_ref().map(|profile| &profile.custom_fields),
        };
        Some(values.and_then(|values| values.get(key)).is_some_and(|value| fits(value, operator, wanted)))
    }
}

fn custom_key(field: Field) -> Option<Box<str>> {
    match field {
        Field::Custom(key) => Some(key),
        _ => None,
    }
}

/// Compares as the value's own type does: numbers by size, texts without regard to case, any of several choices.
fn fits(value: &Value, operator: Operator, wanted: &str) -> bool {
    let wanted = wanted.trim();
    match (value, operator) {
        (Value::Null | Value::Object(_), _) => false,
        (_, Operator::Exists) => true,
        (Value::Array(items), _) => items.iter().any(|item| fits(item, operator, wanted)),
        (Value::Number(number), _) => {
            let (Some(number), Ok(wanted)) = (number.as_f64(), wanted.replace(',', ".").parse::<f64>()) else {
                return false;
            };
            match operator {
                Operator::Eq => number.total_cmp(&wanted).is_eq(),
                Operator::Before => number < wanted,
                Operator::After => number > wanted,
                _ => false,
            }
        }
        (Value::Bool(flag), Operator::Eq) => wanted.parse() == Ok(*flag),
        (Value::Bool(_), _) => false,
        (Value::String(text), _) => {
            let (text, wanted) = (text.to_lowercase(), wanted.to_lowercase());
            match operator {
                Operator::Eq => text == wanted,
                Operator::StartsWith => text.starts_with(&wanted),
                Operator::Contains => text.contains(&wanted),
                Operator::Before => text < wanted,
                Operator::After => text > wanted,
                Operator::Exists => true,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_compare_as_their_type_does() {
        use Operator::{After, Before, Contains, Eq, Exists, StartsWith};
        for (value, operator, wanted, expected) in [
            (json!(10), After, "9", true),
            (json!(10), Eq, "10,0", true),
            (json!(10), Before, "x", false),
            (json!(10), StartsWith, "1", false),
            (json!("2026-02-01"), After, "2026-01-31", true),
            (json!("Rood"), Eq, " rOOd ", true),
            (json!("Rood"), Contains, "oo", true),
            (json!(true), Eq, "true", true),
            (json!(false), Eq, "true", false),
            (json!(["a", "b"]), Eq, "b", true),
            (json!(["a", "b"]), Eq, "c", false),
            (json!(false), Exists, "", true),
        ] {
            assert_eq!(fits(&value, operator, wanted), expected, "{value} {operator:?} {wanted}");
        }
    }
}
