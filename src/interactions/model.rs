//! What an interaction is: when and how, and the sealed content.

use chrono::{DateTime, TimeDelta, Utc};
use kluis_core::kernel::{Faults, LongText, Phrase, Problem, Text, TextFault, bsn};
use kluis_core::kernel::{Id, id::Customer};
use kluis_core::privacy::Compartment;
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};

use crate::customers::model::Channel;
use crate::web::{Ident, Timestamp};

/// Version of the shape of the sealed content.
pub const SCHEMA: u16 = 1;

/// Who began it.
#[derive(Enum, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The customer got in touch.
    Inbound,
    /// We got in touch.
    Outbound,
}

impl Direction {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Inbound, Self::Outbound].into_iter().find(|value| value.code() == code)
    }
}

/// How carefully the content is to be handled.
#[derive(Enum, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Sensitivity {
    /// Seen by whoever may see the contents of interactions.
    #[default]
    Normal,
    /// Seen only by whoever may see sensitive contents.
    Sensitive,
}

impl Sensitivity {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Sensitive => "sensitive",
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Normal, Self::Sensitive].into_iter().find(|value| value.code() == code)
    }

    /// The compartment in which the content is sealed.
    pub const fn compartment(self) -> Compartment {
        match self {
            Self::Normal => Compartment::Notes,
            Self::Sensitive => Compartment::Special,
        }
    }
}

/// Somebody who took part: a customer in the file, or somebody who is only named.
#[derive(Object, Serialize, Deserialize, Clone, PartialEq, Eq, Default)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Participant {
    /// A customer that you may read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<Ident<Customer>>,
    #[oai(validator(min_length = 1, max_length = 200))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// An interaction to be written.
#[derive(Object, Serialize, Deserialize, Clone, PartialEq, Eq)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, skip_serializing_if_is_empty, example)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InteractionDraft {
    /// With whom; can't be changed later.
    pub customer_id: Ident<Customer>,
    pub channel: Channel,
    pub direction: Direction,
    /// When it took place; not in the future.
    pub occurred_at: Timestamp,
    /// Sensitive content has a permission of its own.
    #[oai(default)]
    #[serde(default)]
    pub sensitivity: Sensitivity,
    /// What it was about, in one line.
    #[oai(validator(min_length = 1, max_length = 200))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What was said.
    #[oai(validator(min_length = 1, max_length = 20_000))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Who took part besides the customer and the author.
    #[oai(default, validator(max_items = 50))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub participants: Vec<Participant>,
}

impl Example for InteractionDraft {
    fn example() -> Self {
        const NOON: i64 = 1_789_992_000;
        Self {
            customer_id: Ident(Id::from_uuid(uuid::Uuid::from_u128(0x0193_2f5e_8a70_7abc_8def_0123_4567_89ab))),
            channel: Channel::Phone,
            direction: Direction::Inbound,
            occurred_at: DateTime::from_timestamp(NOON, 0).unwrap_or_default().into(),
            sensitivity: Sensitivity::Normal,
            subject: Some("Asked about opening hours".to_owned()),
            body: None,
            participants: Vec::new(),
        }
    }
}

/// What is sealed of an interaction.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Default)]
pub struct Content {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub participants: Vec<Participant>,
}

/// A draft that has been parsed and normalised; the only form that can be sealed.
pub struct Valid(InteractionDraft);

/// Clocks differ a little; what is later than this is a typing error.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

impl Valid {
    /// Checks and normalises; on failure one problem names every fault by its JSON pointer.
    pub fn parse(mut draft: InteractionDraft, now: DateTime<Utc>) -> Result<Self, Problem> {
        const FUTURE: Phrase = Phrase { en: "This lies in the future.", nl: "Dit ligt in de toekomst." };
        const NOBODY: Phrase = Phrase { en: "Give a name or a customer.", nl: "Geef een naam of een klant." };
        let mut faults = Faults::new();
        if draft.occurred_at.0 > now + AHEAD {
            faults.add("/occurredAt", "future", FUTURE);
        }
        normal(&mut draft.subject, "/subject", &mut faults, |text| Ok(Text::<200>::parse(text)?.expose().to_owned()));
        normal(&mut draft.body, "/body", &mut faults, |text| Ok(LongText::<20_000>::parse(text)?.expose().to_owned()));
        for (at, participant) in draft.participants.iter_mut().enumerate() {
            normal(&mut participant.name, &format!("/participants/{at}/name"), &mut faults, |text| {
                Ok(Text::<200>::parse(text)?.expose().to_owned())
            });
            if participant.name.is_none() && participant.customer_id.is_none() {
                faults.add(format!("/participants/{at}"), "required", NOBODY);
            }
        }
        faults.into_result()?;
        Ok(Self(draft))
    }

    pub const fn draft(&self) -> &InteractionDraft {
        &self.0
    }

    /// What of it is sealed.
    pub fn content(&self) -> Content {
        content(&self.0)
    }
}

/// What of a draft would be sealed.
pub fn content(draft: &InteractionDraft) -> Content {
    Content { subject: draft.subject.clone(), body: draft.body.clone(), participants: draft.participants.clone() }
}

/// Blank counts as absent; a citizen service number is refused (UAVG Art. 46).
fn normal(
    text: &mut Option<String>,
    at: &str,
    faults: &mut Faults,
    parse: impl FnOnce(&str) -> Result<String, TextFault>,
) {
    let Some(sent) = text.take().filter(|text| !text.trim().is_empty()) else { return };
    let parsed = parse(&sent).and_then(|parsed| bsn::refuse(&parsed).map(|()| parsed));
    *text = faults.check(at, parsed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_named_and_a_service_number_refused() {
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let mut draft = InteractionDraft::example();
        draft.occurred_at = (now + TimeDelta::hours(1)).into();
        draft.subject = Some("bsn 111222333".to_owned());
        draft.body = Some("  ".to_owned());
        draft.participants = vec![Participant::default()];
        let problem = Valid::parse(draft, now).err().unwrap();
        let found: Vec<_> = problem.faults.iter().map(|fault| (fault.pointer.as_str(), fault.code)).collect();
        assert_eq!(found, [("/occurredAt", "future"), ("/subject", "bsn"), ("/participants/0", "required")]);
    }

    #[test]
    fn blanks_go_and_lines_stay() {
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let mut draft = InteractionDraft::example();
        draft.body = Some(" a\r\nb ".to_owned());
        draft.subject = Some(" ".to_owned());
        let content = Valid::parse(draft, now).unwrap().content();
        assert_eq!((content.subject, content.body.as_deref()), (None, Some("a\nb")));
    }
}
