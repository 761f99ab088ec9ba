//! The walk through the database: every event, every hash of the tree, every checkpoint.

use std::collections::VecDeque;

use super::dropped::DROPPED;
use super::judge::{Judge, Record};
use super::{Dropped, Finding, Known, Report, Source};
use crate::args;
use crate::audit::kept::StoredCheckpoint;
use crate::audit::kept::rows::{self, Ends};
use crate::audit::tree::{Builder, Hash, Tile, TileId, WIDTH};
use crate::audit::{Event, chain};
use crate::store::{Db, Ready, StoreError};

const PAGE: i64 = 1_000;
const CHECKPOINTS: i64 = 500;

/// Examines the log with nothing but itself: checkpoints are checked with the key that stands beside the last of them.
pub async fn verify(db: &Db) -> Result<Report, StoreError> {
    examine(db, Known::default()).await
}

/// Examines the log. Events that are recorded meanwhile are left for the next time.
pub async fn examine(db: &Db, known: Known) -> Result<Report, StoreError> {
    let ends = rows::ends(db).await?;
    let last = rows::last_checkpoint(db).await?;
    let own_key = last.as_ref().and_then(|last| last.verifier.parse().ok());
    let judge = Judge::new(known, own_key);
    let mut walk = Walk { db, ends, judge, link: Some([0; 32]), leaves: None, stored: Stored::default() };
    walk.events().await?;
    walk.close(last.as_ref()).await?;
    Ok(walk.judge.finish(ends.size.unsigned_abs()))
}

struct Walk<'a> {
    db: &'a Db,
    ends: Ends,
    judge: Judge,
    /// The chain's link so far; `None` behind an event of which nothing is left.
    link: Option<Hash>,
    /// The tile of leaves that was read last.
    leaves: Option<Tile>,
    stored: Stored,
}

/// Checkpoints of the database that haven't been handed over yet.
#[derive(Default)]
struct Stored {
    waiting: VecDeque<StoredCheckpoint>,
    read_to: i64,
    is_end: bool,
}

impl Stored {
    /// The next one, if it is over at most `size` events.
    async fn next(&mut self, db: &Db, size: i64) -> Result<Option<StoredCheckpoint>, StoreError> {
        if self.waiting.is_empty() && !self.is_end {
            let found = rows::checkpoints_after(db, self.read_to, CHECKPOINTS).await?;
            self.read_to = found.last().map_or(self.read_to, |last| last.size);
            self.is_end = i64::try_from(found.len()) != Ok(CHECKPOINTS);
            self.waiting.extend(found);
        }
        Ok(self.waiting.pop_front_if(|next| next.size <= size))
    }
}

impl Walk<'_> {
    /// All numbers up to the end of the log or of the tree, whichever is further.
    async fn events(&mut self) -> Result<(), StoreError> {
        let end = self.ends.head.max(self.ends.size);
        let mut seq = 0;
        while seq < end {
            let page = PAGE.min(end - seq);
            let found = self.db.fetch_all(Ready::Static(Event::SELECT_AFTER), args![seq, page]).await?;
            let mut found =
                found.iter().map(|row| Ok((row.int(0)?, row))).collect::<Result<VecDeque<_>, StoreError>>()?;
            let is_full = i64::try_from(found.len()) == Ok(page);
            let up_to = found.back().filter(|_| is_full).map_or(end, |(last, _)| end.min(*last));
            while seq < up_to {
                seq += 1;
                match found.pop_front_if(|(at, _)| *at == seq) {
                    None => self.event(seq, &Record::Gone, None).await?,
                    Some((_, row)) => match Event::from_row(row) {
                        Ok((_, event, stored)) => self.event(seq, &Record::Event(&event), Some(stored)).await?,
                        Err(_) => self.event(seq, &Record::Nonsense, None).await?,
                    },
                }
            }
        }
        Ok(())
    }

    async fn event(&mut self, seq: i64, record: &Record<'_>, stored: Option<Hash>) -> Result<(), StoreError> {
        while let Some(checkpoint) = self.stored.next(self.db, seq).await? {
            let size = self.judge.signed(Source::Stored, &checkpoint.note);
            if size.is_some_and(|size| rows::number(size).ok() != Some(checkpoint.size)) {
                self.judge.find(Finding::Signature { source: Source::Stored });
            }
        }
        let leaf = self.leaf(seq).await?;
        let (taken, full) = self.judge.hear(leaf, record);
        if seq <= self.ends.size {
            for tile in full {
                self.compare(&tile).await?;
            }
        }
        self.follow(seq, taken, stored);
        if seq == self.ends.size {
            let edge = self.judge.tree().map(Builder::unfinished).unwrap_or_default();
            for tile in edge {
                self.compare(&tile).await?;
            }
            if self.link.is_some_and(|link| link != self.ends.link) {
                self.judge.find(Finding::End { seq: seq.unsigned_abs() });
            }
        }
        Ok(())
    }

    /// The chain: what an event's link must be follows from its leaf, as the tree has kept it where it has.
    fn follow(&mut self, seq: i64, leaf: Option<Hash>, stored: Option<Hash>) {
        let expected = self.link.zip(leaf).map(|(before, leaf)| chain::link(&before, &leaf));
        self.link = stored.or(expected);
        if let (Some(expected), Some(stored)) = (expected, stored)
            && expected != stored
        {
            let seq = seq.unsigned_abs();
            // Without a leaf in the tree nobody can tell whether it was the event or its link.
            let is_in_tree = seq <= self.ends.size.unsigned_abs();
            self.judge.find(if is_in_tree { Finding::Chain { seq } } else { Finding::Edited { seq } });
        }
    }

    /// The leaf that the tree has kept.
    async fn leaf(&mut self, seq: i64) -> Result<Option<Hash>, StoreError> {
        if seq > self.ends.size {
            return Ok(None);
        }
        let place = seq.unsigned_abs() - 1;
        let id = TileId { level: 0, index: place / WIDTH as u64 };
        if self.leaves.as_ref().is_none_or(|tile| tile.id != id) {
            let found = rows::tiles(self.db, &[id]).await?.pop();
            let tile = found.unwrap_or(Tile { id, hashes: Vec::new() });
            let wanted =
                WIDTH.min(usize::try_from(self.ends.size.unsigned_abs() - id.index * WIDTH as u64).unwrap_or(WIDTH));
            if tile.hashes.len() < wanted {
                self.judge.find(Finding::Tile { level: 0, index: id.index });
            }
            self.leaves = Some(tile);
        }
        let at = usize::try_from(place % WIDTH as u64).unwrap_or(WIDTH);
        Ok(self.leaves.as_ref().and_then(|tile| tile.hashes.get(at)).copied())
    }

    /// A tile as it follows from the leaves, with the one that is kept. That one may have become wider since.
    async fn compare(&mut self, tile: &Tile) -> Result<(), StoreError> {
        if tile.id.level == 0 {
            // These are the leaves that were heard.
            return Ok(());
        }
        let kept = rows::tiles(self.db, &[tile.id]).await?.pop();
        if !kept.is_some_and(|kept| kept.hashes.starts_with(&tile.hashes)) {
            self.judge.find(Finding::Tile { level: tile.id.level, index: tile.id.index });
        }
        Ok(())
    }

    /// What stands behind the last event.
    async fn close(&mut self, last: Option<&StoredCheckpoint>) -> Result<(), StoreError> {
        let (size, now) = (self.ends.size, rows::ends(self.db).await?.size);
        while let Some(left) = self.stored.next(self.db, i64::MAX).await? {
            // One that another node has written since the examination began is left for the next time.
            if left.size > now {
                self.judge.signed(Source::Stored, &left.note);
            }
        }
        if let Some(last) = last.filter(|last| last.size > now && last.size <= self.ends.head) {
            let size = last.size.unsigned_abs();
            self.judge.find(Finding::Shorter { source: Source::Stored, size, events: now.unsigned_abs() });
        }
        if size > 0 && last.is_none_or(|last| last.size < size) {
            self.judge.find(Finding::Unsigned { size: size.unsigned_abs() });
        }
        let is_head = self.link.is_none_or(|link| link == self.ends.head_link);
        if self.ends.head < size || !is_head {
            self.judge.find(Finding::End { seq: self.ends.head.unsigned_abs() });
        }
        if let Some(seq) = beyond(self.db).await? {
            self.judge.find(Finding::Beyond { seq: seq.unsigned_abs() });
        }
        let kept = rows::count_tiles(self.db).await?;
        if kept > tiles_of(size) && rows::ends(self.db).await?.size == size {
            self.judge.find(Finding::MoreTiles);
        }
        if self.judge.has_gaps() {
            for dropped in dropped_since(self.db, self.ends.head).await? {
                self.judge.told(dropped);
            }
        }
        Ok(())
    }
}

/// How many tiles a tree of that size has.
fn tiles_of(size: i64) -> i64 {
    let (mut hashes, mut tiles) = (size, 0);
    while hashes > 0 {
        // A last one that isn't full has no root in the level above.
        tiles += (hashes + 255) / 256;
        hashes /= 256;
    }
    tiles
}

/// An event with a number that was never given.
async fn beyond(db: &Db) -> Result<Option<i64>, StoreError> {
    const SQL: &str = "SELECT MIN(e.seq) FROM audit_events AS e WHERE e.seq > (SELECT seq FROM audit_head WHERE id = 1) \
                       OR e.seq < 1";
    db.fetch_optional(Ready::Static(SQL), args![]).await?.map_or(Ok(None), |row| row.opt_int(0))
}

/// Runs of retention that have ended since this examination began: what they have dropped may be missing already.
async fn dropped_since(db: &Db, head: i64) -> Result<Vec<Dropped>, StoreError> {
    const SQL: &str = "SELECT seq, id, at, tenant_id, owner_id, actor, channel, request_id, class, action, entity, \
        record_id, subjects, compartments, purpose, outcome, detail, chain FROM audit_events \
        WHERE seq > $1 AND action = $2 ORDER BY seq";
    let rows = db.fetch_all(Ready::Static(SQL), args![head, DROPPED]).await?;
    Ok(rows
        .iter()
        .filter_map(|row| Event::from_row(row).ok())
        .filter_map(|(_, event, _)| Dropped::of(&event))
        .collect())
}
