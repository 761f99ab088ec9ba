//! What is asked about duplicates, and what is answered.

use kluis_core::kernel::id::Customer;
use poem_openapi::Object;
use poem_openapi::types::Example;
use serde::{Deserialize, Serialize};

use super::weight::{Likeness, ReasonCode};
use crate::customers::model::{Contact, EmailAddress, Financial, Identity, Person};
use crate::customers::view::CustomerView;
use crate::web::Ident;

/// Somebody who is about to be written down, as far as that has got.
#[derive(Object, Serialize, Deserialize, Clone, Default)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DuplicateDraft {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Contact>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub financial: Option<Financial>,
}

/// Whose duplicates to find: those of a customer, or those of a draft.
#[derive(Object, Serialize, Deserialize, Clone, Default)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, example)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DuplicateSearch {
    /// A customer that is there already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<Ident<Customer>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<DuplicateDraft>,
    /// Who weighs less is left out, per cent; otherwise 40.
    #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_weight: Option<u32>,
    #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_size: Option<u32>,
    /// The `nextCursor` of the page before.
    #[oai(validator(max_length = 2048))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl Example for DuplicateSearch {
    fn example() -> Self {
        let person = Person {
            given_name: Some("Voor".to_owned()),
            prefix: Some("van".to_owned()),
            family_name: Some("Beeld".to_owned()),
            ..Person::default()
        };
        let email = EmailAddress {
            address: "info@example.org".to_owned(),
            label: None,
            primary: true,
            verified: false,
            invalid: false,
        };
        let contact =
            Contact { emails: vec![email], phones: Vec::new(), addresses: Vec::new(), social_handles: Vec::new() };
        let identity = Identity { person: Some(person), ..Identity::default() };
        let draft = DuplicateDraft { identity: Some(identity), contact: Some(contact), financial: None };
        Self { draft: Some(draft), page_size: Some(20), ..Self::default() }
    }
}

/// Why somebody may be the same.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct DuplicateReason {
    pub code: ReasonCode,
    /// How much it weighs by itself, per cent; below 0 where it speaks against it.
    pub weight: i32,
}

/// Somebody who may be the same.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub struct DuplicateView {
    /// How likely it is, per cent.
    pub weight: i32,
    pub reasons: Vec<DuplicateReason>,
    pub customer: CustomerView,
}

impl DuplicateView {
    #[expect(clippy::cast_possible_truncation, reason = "between -100 and 100")]
    pub(super) fn of(customer: CustomerView, likeness: &Likeness) -> Self {
        let reasons = likeness.reasons.iter();
        let reasons =
            reasons.map(|reason| DuplicateReason { code: reason.code, weight: (100.0 * reason.weight).round() as i32 });
        Self { weight: likeness.weight.into(), reasons: reasons.collect(), customer }
    }
}
