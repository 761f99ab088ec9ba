//! The names of one tenant: found by their words, listed in their order.
//!
//! Must never: be printed, serialised or written to a disk; give more than an id for a search.

use std::collections::{HashMap, HashSet};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use uuid::Uuid;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::dictionary::Dictionary;
use super::order::{Order, Place};
use super::pool::{Pool, Span, clip};
use super::search::{Hit, ranked};

/// What the directory keeps of a person or an organisation.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct NameEntry {
    /// Folded words, as `tokens()` of the name types gives them.
    pub tokens: Vec<String>,
    /// As `sort_key()` of the name types gives it.
    pub sort_key: String,
}

/// The names of one tenant, behind one lock: many may read at a time, or one may write.
///
/// Once wiped it stays empty: what a request or the change feed still brings is dropped, so that nothing personal comes
/// back into memory after sealing.
#[derive(Default)]
pub struct TenantDirectory {
    names: RwLock<Names>,
}

#[derive(Default)]
pub(super) struct Names {
    closed: bool,
    /// While the names are being filled from the rows: what was changed meanwhile, which the rows may show as it was.
    changed: Option<HashSet<Uuid>>,
    slots: HashMap<Uuid, u32>,
    /// By slot, as are `keys` and `words`. What a free slot has is not used.
    pub(super) ids: Vec<Uuid>,
    keys: Vec<Span>,
    words: Vec<Box<[u32]>>,
    free: Vec<u32>,
    key_texts: Pool,
    /// Slots by sort key, then id.
    pub(super) order: Order,
    pub(super) dictionary: Dictionary,
}

impl TenantDirectory {
    /// A complete directory without names.
    pub fn new() -> Self {
        Self::default()
    }

    /// A directory whose names are still to be filled in.
    pub(super) fn filling() -> Self {
        let names = Names { changed: Some(HashSet::new()), ..Names::default() };
        Self { names: RwLock::new(names) }
    }

    /// Adds a name as it was read from the rows, unless it has been changed since the filling began: a change is newer
    /// than what was read, and who has been erased must not come back. Without effect once the directory is complete.
    #[expect(clippy::needless_pass_by_value, reason = "taken by value, so that the entry is wiped here")]
    pub fn fill(&self, id: Uuid, entry: NameEntry) {
        let mut names = self.write();
        if names.changed.as_ref().is_some_and(|changed| !changed.contains(&id)) {
            names.remove(id);
            names.insert(id, &entry);
        }
    }

    /// Every row has been filled in: from now on the names may be searched.
    pub fn complete(&self) {
        let mut names = self.write();
        if names.changed.take().is_some() {
            names.shrink();
        }
    }

    pub fn is_complete(&self) -> bool {
        let names = self.read();
        names.changed.is_none() && !names.closed
    }

    /// Adds a name, or replaces it.
    #[expect(clippy::needless_pass_by_value, reason = "taken by value, so that the entry is wiped here")]
    pub fn upsert(&self, id: Uuid, entry: NameEntry) {
        let mut names = self.write();
        if names.closed {
            return;
        }
        names.note(id);
        names.remove(id);
        names.insert(id, &entry);
    }

    /// Takes a name out; whether it was there.
    pub fn remove(&self, id: Uuid) -> bool {
        let mut names = self.write();
        names.note(id);
        names.remove(id)
    }

    /// The best `limit` names for what somebody typed, best first: every word must be equal to a word of the name, begin
    /// it, or be within its typing errors (one from four letters, two from eight; in the last word also one error in the
    /// beginning of a longer word, from six letters). A hit is as good as its worst word, then as all its words
    /// together; equals stand in sort order, so the answer is always the same for the same names.
    ///
    /// `accept` is asked best first, until there are enough, whether the caller may see the name. It is asked under the
    /// lock: it must be quick and must not come back to this directory.
    pub fn search(&self, query: &str, limit: usize, accept: &mut dyn FnMut(Uuid) -> bool) -> Vec<Hit> {
        ranked(&self.read(), query).filter(|hit| accept(hit.id)).take(limit).collect()
    }

    /// The `count` names next to `after` (sort key and id of the last name of the page before, which need not be there any
    /// more), in sort order or against it; without `after` from the beginning, or the end.
    ///
    /// A sort key is personal: in a cursor it must be sealed, or left out and looked up by id ([`Self::sort_key`]).
    pub fn page_after(
        &self,
        after: Option<(&str, Uuid)>,
        descending: bool,
        count: usize,
    ) -> Vec<(Zeroizing<String>, Uuid)> {
        let names = self.read();
        let row = |slot| (names.key(slot), names.ids[slot as usize]);
        if descending {
            let place = after.map_or_else(|| names.order.end(), |after| names.seek(after));
            names.order.back_from(place).take(count).map(row).collect()
        } else {
            let skip = after.filter(|after| names.is_at(names.seek(*after), *after)).map_or(0, |_| 1);
            let place = after.map_or_else(|| names.order.seek(|_| false), |after| names.seek(after));
            names.order.from(place).skip(skip).take(count).map(row).collect()
        }
    }

    /// The sort key of a name, to go on from it.
    pub fn sort_key(&self, id: Uuid) -> Option<Zeroizing<String>> {
        let names = self.read();
        names.slots.get(&id).map(|slot| names.key(*slot))
    }

    pub fn contains(&self, id: Uuid) -> bool {
        self.read().slots.contains_key(&id)
    }

    pub fn len(&self) -> usize {
        self.read().slots.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory held, by the capacity of every part.
    pub fn capacity(&self) -> usize {
        self.read().capacity()
    }

    /// Wipes every name, for good.
    pub fn wipe(&self) {
        *self.write() = Names { closed: true, ..Names::default() };
    }

    // A panic under the lock (out of memory) leaves at worst one name half known; refusing all the others helps nobody.
    fn read(&self) -> RwLockReadGuard<'_, Names> {
        self.names.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Names> {
        self.names.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Names {
    /// Remembers, while the names are being filled, that this one has been changed.
    fn note(&mut self, id: Uuid) {
        if let Some(changed) = &mut self.changed {
            changed.insert(id);
        }
    }

    fn insert(&mut self, id: Uuid, entry: &NameEntry) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.ids.push(Uuid::nil());
            self.keys.push(Span::default());
            self.words.push(Box::default());
            u32::try_from(self.ids.len() - 1).unwrap_or(u32::MAX)
        });
        let tokens = entry.tokens.iter().filter(|token| !token.is_empty());
        let mut words: Vec<u32> = tokens.map(|token| self.dictionary.add(token, slot)).collect();
        words.sort_unstable();
        words.dedup();
        let place = self.seek((&entry.sort_key, id));
        self.order.insert(place, slot);
        self.ids[slot as usize] = id;
        self.keys[slot as usize] = self.key_texts.add(&entry.sort_key);
        self.words[slot as usize] = words.into_boxed_slice();
        self.slots.insert(id, slot);
    }

    fn remove(&mut self, id: Uuid) -> bool {
        let Some(slot) = self.slots.remove(&id) else {
            return false;
        };
        let key = self.key(slot);
        let place = self.seek((&key, id));
        self.order.remove(place);
        for word in std::mem::take(&mut self.words[slot as usize]) {
            self.dictionary.remove(word, slot);
        }
        self.key_texts.wipe(self.keys[slot as usize]);
        self.keys[slot as usize] = Span::default();
        self.ids[slot as usize] = Uuid::nil();
        self.free.push(slot);
        if self.key_texts.is_wasteful() {
            self.key_texts.repack(self.keys.iter_mut());
        }
        true
    }

    /// The place of the first name that doesn't come before this key and id.
    fn seek(&self, (key, id): (&str, Uuid)) -> Place {
        let wanted = (clip(key).as_bytes(), id);
        self.order.seek(|slot| self.position(slot) < wanted)
    }

    fn is_at(&self, place: Place, (key, id): (&str, Uuid)) -> bool {
        self.order.get(place).is_some_and(|slot| self.position(slot) == (clip(key).as_bytes(), id))
    }

    fn position(&self, slot: u32) -> (&[u8], Uuid) {
        (self.key_texts.bytes(self.keys[slot as usize]), self.ids[slot as usize])
    }

    fn key(&self, slot: u32) -> Zeroizing<String> {
        Zeroizing::new(self.key_texts.text(self.keys[slot as usize]).to_owned())
    }

    /// Gives back the memory that growing has left over.
    fn shrink(&mut self) {
        self.slots.shrink_to_fit();
        self.ids.shrink_to_fit();
        self.keys.shrink_to_fit();
        self.words.shrink_to_fit();
        self.free.shrink_to_fit();
        self.order.shrink();
        self.dictionary.shrink();
    }

    fn capacity(&self) -> usize {
        let words: usize = self.words.iter().map(|words| words.len() * size_of::<u32>()).sum();
        // A hash table holds at most seven entries in eight places, each with a byte of its own.
        let table = (self.slots.capacity() * 8 / 7).next_power_of_two() * (size_of::<(Uuid, u32)>() + 1);
        table
            + words
            + self.ids.capacity() * size_of::<Uuid>()
            + self.keys.capacity() * size_of::<Span>()
            + self.words.capacity() * size_of::<Box<[u32]>>()
            + self.free.capacity() * size_of::<u32>()
            + self.key_texts.capacity()
            + self.order.capacity()
            + self.dictionary.capacity()
    }
}
