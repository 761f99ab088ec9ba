//! The log as a file: lines of JSON that can be checked without a database.
//!
//! The first line says which log it is and how many events there are. Then comes a line for each event, with its leaf in
//! the tree; where retention has dropped the event, with its leaf alone. The last line is the checkpoint over all of them,
//! with the key that it can be checked with.
//!
//! Must never: hold an event that isn't in the signed tree, or leave one out.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::io::Write;

use chrono::{DateTime, SecondsFormat, Utc};
use data_encoding::{BASE64, HEXLOWER};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::event::SUBJECT_HASH;
use super::kept::rows;
use super::tree::{Hash, Tile, TileId, WIDTH};
use super::{Class, Detail, Event, Outcome};
use crate::args;
use crate::kernel::Id;
use crate::store::{Db, Ready, StoreError};

/// Version of the format.
pub const FORMAT: u32 = 1;
const PAGE: u64 = 1_024;

/// A line of the file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Line {
    #[serde(rename_all = "camelCase")]
    Start { kluis_audit_log: u32, origin: String, events: u64 },
    Event {
        seq: u64,
        /// RFC 6962's hash of the leaf, in base64.
        leaf: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        event: Option<Box<Facts>>,
    },
    #[serde(rename_all = "camelCase")]
    End { checkpoint: String, verifier_key: String },
}

/// The fields of an event that its leaf is the hash of, in their order. The number belongs to them as well.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    id: Uuid,
    /// RFC 3339 with microseconds.
    at: String,
    tenant: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<Uuid>,
    actor: String,
    channel: String,
    request: String,
    class: String,
    action: String,
    entity: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    record: Option<Uuid>,
    /// Keyed hashes, in hexadecimal.
    subjects: Vec<String>,
    /// A bit for each.
    compartments: i64,
    purpose: String,
    outcome: String,
    detail: BTreeMap<Cow<'static, str>, Detail>,
}

impl Facts {
    pub fn of(event: &Event) -> Self {
        Self {
            id: event.id.uuid(),
            at: event.at.to_rfc3339_opts(SecondsFormat::Micros, true),
            tenant: event.tenant.uuid(),
            owner: event.owner.map(Id::uuid),
            actor: event.actor.to_string(),
            channel: event.channel.to_string(),
            request: event.request.to_string(),
            class: event.class.as_str().to_owned(),
            action: event.action.to_string(),
            entity: event.entity.to_string(),
            record: event.record,
            subjects: event.subjects.iter().map(|subject| HEXLOWER.encode(subject)).collect(),
            compartments: event.compartments,
            purpose: event.purpose.to_string(),
            outcome: event.outcome.as_str().to_owned(),
            detail: event.detail.clone(),
        }
    }

    /// `None` if it is no event.
    pub fn event(self) -> Option<Event> {
        let subject = |text: &String| <[u8; SUBJECT_HASH]>::try_from(HEXLOWER.decode(text.as_bytes()).ok()?).ok();
        Some(Event {
            id: Id::from_uuid(self.id),
            at: DateTime::parse_from_rfc3339(&self.at).ok()?.with_timezone(&Utc),
            tenant: Id::from_uuid(self.tenant),
            owner: self.owner.map(Id::from_uuid),
            actor: self.actor.into(),
            channel: self.channel.into(),
            request: self.request.into(),
            class: Class::parse(&self.class)?,
            action: self.action.into(),
            entity: self.entity.into(),
            record: self.record,
            subjects: self.subjects.iter().map(subject).collect::<Option<_>>()?,
            compartments: self.compartments,
            purpose: self.purpose.into(),
            outcome: Outcome::parse(&self.outcome)?,
            detail: self.detail,
        })
    }
}

/// What was exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exported {
    pub events: u64,
    /// Of them, those of which there is only the leaf.
    pub dropped: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the file can't be written: {}", .0.kind())]
    File(#[from] std::io::Error),
    /// Nothing was signed yet.
    #[error("there is no checkpoint yet")]
    NoCheckpoint,
    #[error("the tree lacks the leaf of event {0}")]
    NoLeaf(u64),
}

/// Writes the signed part of the log. `progress` hears how many events of how many were written.
pub async fn export(
    db: &Db,
    out: &mut (impl Write + Send),
    mut progress: impl FnMut(u64, u64) + Send,
) -> Result<Exported, ExportError> {
    let last = rows::last_checkpoint(db).await?.ok_or(ExportError::NoCheckpoint)?;
    let size = last.size.unsigned_abs();
    let origin = last.note.lines().next().unwrap_or_default().to_owned();
    write(out, &Line::Start { kluis_audit_log: FORMAT, origin, events: size })?;
    let (mut seq, mut dropped, mut tile) =
        (0, 0, Tile { id: TileId { level: 0, index: u64::MAX }, hashes: Vec::new() });
    while seq < size {
        let page = PAGE.min(size - seq);
        let mut events = page_of(db, seq, page).await?;
        for _ in 0..page {
            seq += 1;
            let event = events.pop_front_if(|(at, _)| *at == seq).and_then(|(_, event)| event);
            dropped += u64::from(event.is_none());
            let leaf = leaf(db, &mut tile, seq).await?;
            let event = event.map(|event| Box::new(Facts::of(&event)));
            write(out, &Line::Event { seq, leaf: BASE64.encode(&leaf), event })?;
        }
        progress(seq, size);
    }
    write(out, &Line::End { checkpoint: last.note, verifier_key: last.verifier })?;
    Ok(Exported { events: size, dropped })
}

/// Events behind `after`, up to `count` numbers further. One that can't be read is left out: there is its leaf.
async fn page_of(db: &Db, after: u64, count: u64) -> Result<VecDeque<(u64, Option<Event>)>, StoreError> {
    let args = args![rows::number(after)?, rows::number(count)?];
    let found = db.fetch_all(Ready::Static(Event::SELECT_AFTER), args).await?;
    let entry = |row: &crate::store::Row| {
        let event = Event::from_row(row).ok().map(|(_, event, _)| event);
        Ok((row.int(0)?.unsigned_abs(), event))
    };
    found.iter().map(entry).collect()
}

async fn leaf(db: &Db, tile: &mut Tile, seq: u64) -> Result<Hash, ExportError> {
    let place = seq - 1;
    let id = TileId { level: 0, index: place / WIDTH as u64 };
    if tile.id != id {
        *tile = rows::tiles(db, &[id]).await?.pop().ok_or(ExportError::NoLeaf(seq))?;
    }
    let at = usize::try_from(place % WIDTH as u64).unwrap_or(WIDTH);
    tile.hashes.get(at).copied().ok_or(ExportError::NoLeaf(seq))
}

fn write(out: &mut impl Write, line: &Line) -> Result<(), ExportError> {
    let mut text = serde_json::to_vec(line).map_err(std::io::Error::from)?;
    text.push(b'\n');
    Ok(out.write_all(&text)?)
}
