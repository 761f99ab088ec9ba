//! From the validator's errors to faults that people and programs understand.
//!
//! Must never carry the validator's own text: it repeats the value that was sent.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use kluis_core::kernel::{Fault, Faults, Phrase};
use serde_json::Value;

use super::json::{MAX_FAULTS, push_pointer};

/// Adds each error as one or more faults, up to [`MAX_FAULTS`].
pub fn collect<'a>(errors: impl Iterator<Item = ValidationError<'a>>, base: &str, faults: &mut Faults) {
    let mut found = Vec::new();
    for error in errors.take(MAX_FAULTS) {
        translate(&error, base, &mut found);
    }
    found.truncate(MAX_FAULTS);
    for fault in found {
        faults.add(fault.pointer, fault.code, fault.detail);
    }
}

fn translate(error: &ValidationError<'_>, base: &str, found: &mut Vec<Fault>) {
    let here = format!("{base}{}", error.instance_path().as_str());
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            found.extend(unexpected.iter().map(|name| at(&here, name, UNKNOWN_FIELD)));
        }
        ValidationErrorKind::Required { property } => {
            found.push(at(&here, property.as_str().unwrap_or_default(), REQUIRED));
        }
        ValidationErrorKind::OneOfNotValid { context } | ValidationErrorKind::AnyOf { context } => {
            match closest(context) {
                Some(branch) => branch.iter().for_each(|error| translate(error, base, found)),
                None => found.push(fault(here, NO_VARIANT)),
            }
        }
        kind => found.push(fault(here, what(kind, error.instance().as_ref()))),
    }
}

/// The variant that was most likely meant: not the `null` of a nullable, then one whose fixed values (the
/// discriminator) fit, then the one with the fewest faults.
fn closest<'e>(branches: &'e [Vec<ValidationError<'static>>]) -> Option<&'e Vec<ValidationError<'static>>> {
    let wrong_variant = |error: &ValidationError<'_>| {
        matches!(error.kind(), ValidationErrorKind::Enum { .. } | ValidationErrorKind::Constant { .. })
    };
    branches
        .iter()
        .filter(|errors| !errors.is_empty() && !is_null_branch(errors))
        .min_by_key(|errors| (errors.iter().any(wrong_variant), errors.len()))
}

fn is_null_branch(errors: &[ValidationError<'_>]) -> bool {
    let expects_null = |error: &ValidationError<'_>| match error.kind() {
        ValidationErrorKind::Type { kind } => format!("{kind:?}").contains("Null"),
        _ => false,
    };
    matches!(errors, [single] if expects_null(single))
}

type What = (&'static str, Phrase);

const fn w(code: &'static str, en: &'static str, nl: &'static str) -> What {
    (code, Phrase { en, nl })
}

pub const REQUIRED: What = w("required", "This is required.", "Dit is verplicht.");
pub const UNKNOWN_FIELD: What = w("unknown_field", "There is no such field.", "Dit veld bestaat niet.");
const NO_VARIANT: What = w("no_variant", "Fits none of the allowed forms.", "Past bij geen van de toegestane vormen.");
pub const UNREADABLE: What = w("invalid", "This value isn't allowed.", "Deze waarde is niet toegestaan.");

fn what(kind: &ValidationErrorKind, instance: &Value) -> What {
    use ValidationErrorKind as Kind;
    match kind {
        Kind::Type { .. } if instance.is_null() => w("null", "This can't be null.", "Dit mag niet null zijn."),
        Kind::Type { .. } => w("type", "The wrong type of value.", "Het verkeerde soort waarde."),
        Kind::Enum { .. } | Kind::Constant { .. } => {
            w("unknown_value", "Not one of the allowed values.", "Geen van de toegestane waarden.")
        }
        Kind::Format { format } => of_format(format),
        Kind::Pattern { .. } => w("pattern", "Doesn't have the required form.", "Heeft niet de vereiste vorm."),
        Kind::MinLength { .. } => w("too_short", "Too short.", "Te kort."),
        Kind::MaxLength { .. } => w("too_long", "Too long.", "Te lang."),
        Kind::Minimum { .. } | Kind::ExclusiveMinimum { .. } => w("too_small", "Too small.", "Te klein."),
        Kind::Maximum { .. } | Kind::ExclusiveMaximum { .. } => w("too_large", "Too large.", "Te groot."),
        Kind::MultipleOf { .. } => w("not_a_multiple", "Not a multiple of the step.", "Geen veelvoud van de stap."),
        Kind::MinItems { .. } => w("too_few", "Too few items.", "Te weinig onderdelen."),
        Kind::MaxItems { .. } | Kind::AdditionalItems { .. } => w("too_many", "Too many items.", "Te veel onderdelen."),
        Kind::MinProperties { .. } => w("too_few", "Too few fields.", "Te weinig velden."),
        Kind::MaxProperties { .. } => w("too_many", "Too many fields.", "Te veel velden."),
        Kind::UniqueItems => w("not_unique", "An item stands here twice.", "Een onderdeel staat hier dubbel."),
        Kind::OneOfMultipleValid { .. } => w(
            "ambiguous",
            "Fits more than one of the allowed forms.",
            "Past bij meer dan één van de toegestane vormen.",
        ),
        Kind::FalseSchema | Kind::UnevaluatedProperties { .. } => UNKNOWN_FIELD,
        _ => UNREADABLE,
    }
}

fn of_format(format: &str) -> What {
    match format {
        "date" => w("date", "Not a date (YYYY-MM-DD).", "Geen datum (JJJJ-MM-DD)."),
        "date-time" => w(
            "date_time",
            "Not a time by RFC 3339 with its zone (2026-01-31T09:00:00Z).",
            "Geen tijdstip volgens RFC 3339 met zone (2026-01-31T09:00:00Z).",
        ),
        "time" => w("time", "Not a time of day.", "Geen tijd van de dag."),
        "email" => w("email", "Not an e-mail address.", "Geen e-mailadres."),
        "uuid" => w("uuid", "Not a UUID.", "Geen UUID."),
        "uri" => w("uri", "Not an absolute URI.", "Geen absolute URI."),
        _ => w("format", "Doesn't have the required form.", "Heeft niet de vereiste vorm."),
    }
}

fn fault(pointer: String, (code, detail): What) -> Fault {
    Fault { pointer, code, detail }
}

fn at(parent: &str, name: &str, what: What) -> Fault {
    let mut pointer = parent.to_owned();
    push_pointer(&mut pointer, name);
    fault(pointer, what)
}
