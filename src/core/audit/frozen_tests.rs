//! A log that was written with version 1 of the chain verifies for ever: `tests/data/frozen`, made with other libraries.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use serde::Deserialize;
use uuid::Uuid;

use super::event::SUBJECT_HASH;
use super::{Class, Event, Outcome, chain};
use crate::kernel::Id;

const AUDIT: &str = include_str!("../../../tests/data/frozen/v1/audit.json");

#[derive(Deserialize)]
struct Link {
    seq: i64,
    event: Stored,
    leaf: String,
    link: String,
}

/// The columns of a row.
#[derive(Deserialize)]
struct Stored {
    id: Uuid,
    at: i64,
    tenant: Uuid,
    owner: Option<Uuid>,
    actor: String,
    channel: String,
    request: String,
    class: String,
    action: String,
    entity: String,
    record: Option<Uuid>,
    subjects: String,
    compartments: i64,
    purpose: String,
    outcome: String,
    detail: String,
}

impl Stored {
    fn event(self) -> Event {
        let subjects = HEXLOWER.decode(self.subjects.as_bytes()).unwrap();
        Event {
            id: Id::from_uuid(self.id),
            at: DateTime::<Utc>::from_timestamp_micros(self.at).unwrap(),
            tenant: Id::from_uuid(self.tenant),
            owner: self.owner.map(Id::from_uuid),
            actor: self.actor.into(),
            channel: self.channel.into(),
            request: self.request.into(),
            class: [Class::Read, Class::Write, Class::Security].into_iter().find(|c| c.as_str() == self.class).unwrap(),
            action: self.action.into(),
            entity: self.entity.into(),
            record: self.record,
            subjects: subjects.as_chunks::<SUBJECT_HASH>().0.to_vec(),
            compartments: self.compartments,
            purpose: self.purpose.into(),
            outcome: [Outcome::Allowed, Outcome::Denied].into_iter().find(|o| o.as_str() == self.outcome).unwrap(),
            detail: serde_json::from_str::<BTreeMap<_, _>>(&self.detail).unwrap(),
        }
    }
}

#[test]
fn leaves_and_links_are_as_they_were_written() {
    let links: Vec<Link> = serde_json::from_str(AUDIT).unwrap();
    assert_eq!(links.len(), 2);
    let mut before = [0; 32];
    for Link { seq, event, leaf, link } in links {
        let made = chain::leaf(seq, &event.event());
        assert_eq!(HEXLOWER.encode(&made), leaf, "event {seq}");
        before = chain::link(&before, &made);
        assert_eq!(HEXLOWER.encode(&before), link, "event {seq}");
    }
}
