//! The sequencer: takes committed events into the tree, in their order, and signs what it has become.
//!
//! Any number of nodes may do that at the same time. Each reads and computes outside of a transaction, so that nobody waits
//! who records events. Then the tree's end is moved, tiles and checkpoint are written in one transaction, if the end is
//! still where it was found: one node wins, the others have done nothing. What dies before the commit has left no trace.
//!
//! Must never: sign a tree that doesn't begin with the one that was signed before, take an event whose link of the chain is
//! wrong, or leave one out.

use chrono::{DateTime, Utc};

use super::rows::{self, Ends, StoredCheckpoint};
use crate::args;
use crate::audit::tree::{Builder, Checkpoint, Hash, Signer, Tile};
use crate::audit::{Event, chain};
use crate::store::{Db, Ready, StoreError};

/// Events that are read at once.
const PAGE: i64 = 1_000;
/// Events between two checkpoints at most; 2 MB of leaves.
const MOST: i64 = 65_536;

/// What one step has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sequenced {
    /// All events are in the tree.
    Nothing,
    /// The tree has grown and was signed. There may be more events.
    Grown { from: i64, size: i64 },
    /// Another node was faster.
    Lost,
    /// The log, or the tree, isn't as it was: nothing was signed, and nothing will be until that has been looked into.
    Broken(Breach),
}

/// Where something was changed outside of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breach {
    /// The number of the event, or for the tree its size.
    pub at: i64,
    pub kind: BreachKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreachKind {
    /// An event isn't the one that was recorded.
    Edited,
    /// An event isn't there.
    Missing,
    /// The end of the chain isn't that of the events, or the log is shorter than the tree.
    End,
    /// The tree isn't the one that was signed last, or nobody has signed it.
    Tree,
}

impl BreachKind {
    /// For the event and the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Edited => "edited",
            Self::Missing => "missing",
            Self::End => "end",
            Self::Tree => "tree",
        }
    }
}

/// Takes as many events as one checkpoint covers. Whoever wants all of them asks until it says [`Sequenced::Nothing`].
pub async fn sequence(db: &Db, signer: &Signer, now: DateTime<Utc>) -> Result<Sequenced, StoreError> {
    let ends = rows::ends(db).await?;
    let broken = |at, kind| Ok(Sequenced::Broken(Breach { at, kind }));
    if ends.head < ends.size || (ends.head == ends.size && ends.head_link != ends.link) {
        return broken(ends.head, BreachKind::End);
    }
    if ends.head == ends.size {
        return Ok(Sequenced::Nothing);
    }
    let Some(mut builder) = signed_before(db, signer, &ends).await? else {
        // Another node has written since the ends were read, or the tree was changed: that shows when one looks again.
        let is_same = rows::ends(db).await?.size == ends.size;
        return if is_same { broken(ends.size, BreachKind::Tree) } else { Ok(Sequenced::Lost) };
    };
    let (taken, fault) = take(db, &ends).await?;
    match fault {
        Some(breach) if taken.leaves.is_empty() => return Ok(Sequenced::Broken(breach)),
        None if taken.seq == ends.head && taken.link != ends.head_link => return broken(ends.head, BreachKind::End),
        _ => {}
    }
    let mut tiles: Vec<Tile> = taken.leaves.iter().flat_map(|leaf| builder.push(*leaf)).collect();
    tiles.extend(builder.unfinished());
    let checkpoint =
        Checkpoint { origin: signer.verifier().name().to_owned(), size: builder.size(), root: builder.root() };
    let note = checkpoint.sign(signer).map_err(|_| StoreError::Row(0))?;
    let made = StoredCheckpoint { size: taken.seq, at: now, note, verifier: signer.verifier().to_string() };
    write(db, &ends, &taken, &tiles, &made).await
}

/// The tree as it was signed last, by this key under whatever name; `None` if it isn't that tree any more.
async fn signed_before(db: &Db, signer: &Signer, ends: &Ends) -> Result<Option<Builder>, StoreError> {
    let last = rows::last_checkpoint(db).await?;
    let (size, Some(last)) = (ends.size.unsigned_abs(), last) else {
        return Ok((ends.size == 0).then(Builder::new));
    };
    let tiles = rows::tiles(db, &Builder::needs(size)).await?;
    let builder = Builder::resume(size, &tiles);
    let signed = Checkpoint::open_any_name(&last.note, signer.verifier()).ok();
    let is_signed = |builder: &Builder| {
        let said = |signed: &Checkpoint| last.size == ends.size && signed.size == size && signed.root == builder.root();
        signed.as_ref().is_some_and(said)
    };
    Ok(builder.filter(is_signed))
}

/// Events that were read and found right.
struct Taken {
    leaves: Vec<Hash>,
    seq: i64,
    link: Hash,
}

/// Reads on behind the tree's end, up to the first event that isn't as it was recorded.
async fn take(db: &Db, ends: &Ends) -> Result<(Taken, Option<Breach>), StoreError> {
    let mut taken = Taken { leaves: Vec::new(), seq: ends.size, link: ends.link };
    let last = ends.head.min(ends.size + MOST);
    while taken.seq < last {
        let page = PAGE.min(last - taken.seq);
        let rows = db.fetch_all(Ready::Static(Event::SELECT_AFTER), args![taken.seq, page]).await?;
        if rows.is_empty() {
            let breach = Breach { at: taken.seq + 1, kind: BreachKind::Missing };
            return Ok((taken, Some(breach)));
        }
        for row in rows {
            let at = taken.seq + 1;
            let Ok((seq, event, stored)) = Event::from_row(&row) else {
                return Ok((taken, Some(Breach { at, kind: BreachKind::Edited })));
            };
            if seq != at {
                return Ok((taken, Some(Breach { at, kind: BreachKind::Missing })));
            }
            let leaf = chain::leaf(seq, &event);
            let link = chain::link(&taken.link, &leaf);
            if link != stored {
                return Ok((taken, Some(Breach { at, kind: BreachKind::Edited })));
            }
            taken.leaves.push(leaf);
            (taken.seq, taken.link) = (seq, link);
        }
    }
    Ok((taken, None))
}

async fn write(
    db: &Db,
    ends: &Ends,
    taken: &Taken,
    tiles: &[Tile],
    made: &StoredCheckpoint,
) -> Result<Sequenced, StoreError> {
    let mut tx = db.begin().await?;
    if !rows::grow(&mut tx, ends, taken.seq, taken.link).await? {
        return Ok(Sequenced::Lost);
    }
    for tile in tiles {
        rows::put_tile(&mut tx, tile).await?;
    }
    rows::put_checkpoint(&mut tx, made).await?;
    tx.commit_without_event("the tree over events that were recorded before").await?;
    Ok(Sequenced::Grown { from: ends.size, size: taken.seq })
}
