//! How much it weighs that two descriptions agree, and in what.
//!
//! Each thing that agrees is evidence of its own: together they weigh `1 - (1-a)(1-b)…`. What contradicts (another given
//! name, another date of birth) takes away a part. So the weight is the same both ways round, and nobody weighs more than
//! a copy.
//!
//! Must never: look at anything but what was disclosed of both sides.

use kluis_core::privacy::IndexField;
use poem_openapi::Enum;
use serde::{Deserialize, Serialize};

use super::names::{Alike, Given};
use super::traits::Traits;

/// What two customers have in common, or what tells them apart.
#[derive(Enum, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    ExternalId,
    Email,
    Phone,
    Iban,
    KvkNumber,
    VatNumber,
    /// The same postcode and house number.
    Address,
    /// The same name, or one that is spelled nearly the same.
    Name,
    BirthDate,
    /// Against it: the given names are those of two people.
    OtherGivenName,
    /// Against it.
    OtherBirthDate,
}

/// One reason, and how much it weighs by itself, per cent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reason {
    pub code: ReasonCode,
    /// 0 to 1; below 0 for what speaks against it.
    pub weight: f64,
}

/// How likely it is that two descriptions are of the same one.
#[derive(Debug, Clone, PartialEq)]
pub struct Likeness {
    /// 0 to 100.
    pub weight: u8,
    pub reasons: Vec<Reason>,
}

/// What it weighs to have a value in common.
const fn of_key(field: IndexField) -> (ReasonCode, f64) {
    match field {
        IndexField::ExternalId => (ReasonCode::ExternalId, 0.98),
        IndexField::Email => (ReasonCode::Email, 0.9),
        IndexField::Phone => (ReasonCode::Phone, 0.75),
        IndexField::Iban => (ReasonCode::Iban, 0.8),
        IndexField::Kvk => (ReasonCode::KvkNumber, 0.85),
        IndexField::VatNumber => (ReasonCode::VatNumber, 0.85),
        IndexField::PostcodeHouse => (ReasonCode::Address, 0.3),
    }
}

const SAME_NAME: f64 = 0.55;
/// Names that are less alike than this say nothing.
const LEAST_ALIKE: f64 = 0.6;
const SAME_BIRTH_DATE: f64 = 0.35;
/// Day and month swapped, or one digit mistyped.
const NEARLY_SAME_BIRTH_DATE: f64 = 0.15;
/// Father and son live at one address and have one telephone.
const OTHER_GIVEN_NAME: f64 = -0.5;
const OTHER_BIRTH_DATE: f64 = -0.6;

/// Compares two descriptions.
pub fn compare(one: &Traits, other: &Traits) -> Likeness {
    let mut reasons = Vec::new();
    for field in IndexField::ALL {
        if one.keys_of(field).any(|key| other.keys_of(field).any(|there| there == key)) {
            let (code, weight) = of_key(field);
            reasons.push(Reason { code, weight });
        }
    }
    if let (Some(a), Some(b)) = (&one.name, &other.name)
        && let Some(alike) = a.alike(b)
    {
        reasons.extend(of_name(alike));
    }
    if let (Some(a), Some(b)) = (&one.birth_date, &other.birth_date) {
        reasons.push(of_birth_dates(a, b));
    }
    // In one order, so that the sum is the same both ways round to the last bit.
    reasons.sort_by_key(|reason| reason.code);
    Likeness { weight: together(&reasons), reasons }
}

fn of_name(alike: Alike) -> Vec<Reason> {
    // One mistyped letter in a short name is less of a difference than its share of the letters says.
    let close = ((alike.name - LEAST_ALIKE) / (1.0 - LEAST_ALIKE)).max(0.0).sqrt();
    if close == 0.0 {
        return Vec::new();
    }
    let given = match alike.given {
        Given::Names(likeness) => likeness,
        Given::Initial => 0.7,
        Given::Unknown => 0.6,
        Given::Other => 0.2,
    };
    let name = Reason { code: ReasonCode::Name, weight: SAME_NAME * close * given };
    match alike.given {
        Given::Other => vec![name, Reason { code: ReasonCode::OtherGivenName, weight: OTHER_GIVEN_NAME }],
        _ => vec![name],
    }
}

/// Both are `YYYY-MM-DD`.
fn of_birth_dates(one: &str, other: &str) -> Reason {
    if one == other {
        return Reason { code: ReasonCode::BirthDate, weight: SAME_BIRTH_DATE };
    }
    let swapped = match other.split('-').collect::<Vec<_>>()[..] {
        [year, month, day] => format!("{year}-{day}-{month}") == one,
        _ => false,
    };
    let mistyped = one.len() == other.len() && one.bytes().zip(other.bytes()).filter(|(a, b)| a != b).count() == 1;
    if swapped || mistyped {
        return Reason { code: ReasonCode::BirthDate, weight: NEARLY_SAME_BIRTH_DATE };
    }
    Reason { code: ReasonCode::OtherBirthDate, weight: OTHER_BIRTH_DATE }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 100")]
fn together(reasons: &[Reason]) -> u8 {
    let (mut doubt, mut left) = (1.0, 1.0);
    for reason in reasons {
        if reason.weight < 0.0 {
            left *= 1.0 + reason.weight;
        } else {
            doubt *= 1.0 - reason.weight;
        }
    }
    (100.0 * (1.0 - doubt) * left).round().clamp(0.0, 100.0) as u8
}
