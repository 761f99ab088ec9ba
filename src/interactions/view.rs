//! An interaction as one caller may see it.

use kluis_core::access::{self, Scope, ScopedPermission};
use kluis_core::kernel::{Id, Problem, ProblemKind, id::Customer, id::Interaction, id::Tenant, id::User};
use kluis_core::privacy::{DataKey, Shown};
use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use super::model::{Direction, InteractionDraft, Participant, Sensitivity};
use super::rows::InteractionRow;
use super::seal;
use crate::customers::model::Channel;
use crate::web::{Ident, Timestamp};

/// An interaction. Subject, body and participants are absent when there are none, or when `withheld` names their
/// compartment.
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, skip_serializing_if_is_empty)]
#[serde(rename_all = "camelCase")]
pub struct InteractionView {
    pub id: Ident<Interaction>,
    pub tenant_id: Ident<Tenant>,
    pub customer_id: Ident<Customer>,
    /// Who wrote it down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author_id: Option<Ident<User>>,
    pub channel: Channel,
    pub direction: Direction,
    pub sensitivity: Sensitivity,
    pub occurred_at: Timestamp,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// When it was put away; absent while it is on the timeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived_at: Option<Timestamp>,
    pub revision: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    #[oai(default)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub participants: Vec<Participant>,
    /// The compartment of the content, if you may not see it.
    #[oai(default)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withheld: Vec<String>,
}

/// Opens a row for one caller: checked, disclosed, never more than the decision gives.
pub fn open<P: ScopedPermission>(
    scope: &Scope<P>,
    key: &DataKey,
    row: &InteractionRow,
) -> Result<InteractionView, Problem> {
    checked(scope, key, row).map_err(|problem| about(problem, row))
}

/// Names the record that a problem is about.
pub(super) fn about(problem: impl Into<Problem>, row: &InteractionRow) -> Problem {
    problem.into().about(access::Object::Interaction.as_str(), row.id, row.tenant)
}

fn checked<P: ScopedPermission>(
    scope: &Scope<P>,
    key: &DataKey,
    row: &InteractionRow,
) -> Result<InteractionView, Problem> {
    seal::verify(key, row)?;
    let plain = &row.plain;
    let compartment = seal::compartment(plain)?;
    let place = seal::place(row.tenant, row.id, plain, compartment);
    let shown = scope.disclosure(row.rels).open(compartment, &row.content, key, &place)?;
    let withheld = if shown.is_withheld() { vec![compartment.name().to_owned()] } else { Vec::new() };
    let content = Shown::into_clear(shown).unwrap_or_default();
    Ok(InteractionView {
        id: row.id.into(),
        tenant_id: row.tenant.into(),
        customer_id: plain.customer.into(),
        author_id: plain.author.map(Into::into),
        channel: known(Channel::from_code(&plain.channel))?,
        direction: known(Direction::from_code(&plain.direction))?,
        sensitivity: known(Sensitivity::from_code(&plain.sensitivity))?,
        occurred_at: plain.occurred_at.into(),
        created_at: plain.created_at.into(),
        updated_at: plain.updated_at.into(),
        archived_at: plain.archived_at.map(Into::into),
        revision: plain.revision,
        subject: content.subject,
        body: content.body,
        participants: content.participants,
        withheld,
    })
}

fn known<T>(value: Option<T>) -> Result<T, Problem> {
    value.ok_or(Problem::new(ProblemKind::Integrity))
}

/// The writable form of what was shown, for a merge patch.
impl From<&InteractionView> for InteractionDraft {
    fn from(view: &InteractionView) -> Self {
        Self {
            customer_id: view.customer_id,
            channel: view.channel,
            direction: view.direction,
            occurred_at: view.occurred_at,
            sensitivity: view.sensitivity,
            subject: view.subject.clone(),
            body: view.body.clone(),
            participants: view.participants.clone(),
        }
    }
}

/// Where an interaction is.
pub fn location(id: Id<Interaction>) -> String {
    format!("/v1/interactions/{id}")
}
