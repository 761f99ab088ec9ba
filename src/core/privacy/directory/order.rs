//! A sorted list of numbers whose order is somebody else's: the numbers stand for names, and only the owner can compare.
//!
//! Must never: hold a name.

/// Longest chunk. An insertion moves at most this many numbers.
const CHUNK_MAX: usize = 512;

/// A list in chunks: 4 bytes for each number and a little more, insertion and removal in microseconds for millions.
#[derive(Default)]
pub(super) struct Order {
    /// None is empty.
    chunks: Vec<Vec<u32>>,
}

/// A place between two numbers, or in front of one. Valid until the list changes.
#[derive(Clone, Copy)]
pub(super) struct Place {
    chunk: usize,
    index: usize,
}

impl Order {
    /// The place in front of the first number that doesn't come `before` what is looked for.
    pub fn seek(&self, before: impl Fn(u32) -> bool) -> Place {
        let chunk = self.chunks.partition_point(|chunk| chunk.last().is_some_and(|last| before(*last)));
        let index = self.chunks.get(chunk).map_or(0, |chunk| chunk.partition_point(|number| before(*number)));
        Place { chunk, index }
    }

    /// The number behind the place.
    pub fn get(&self, place: Place) -> Option<u32> {
        self.chunks.get(place.chunk)?.get(place.index).copied()
    }

    pub fn insert(&mut self, place: Place, number: u32) {
        // Behind the last chunk is the end of the last one.
        let last = self.chunks.len().saturating_sub(1);
        let (chunk, index) = match self.chunks.get(last) {
            None => {
                self.chunks.push(vec![number]);
                return;
            }
            Some(numbers) if place.chunk > last => (last, numbers.len()),
            Some(_) => (place.chunk, place.index),
        };
        let numbers = &mut self.chunks[chunk];
        numbers.insert(index, number);
        if numbers.len() > CHUNK_MAX {
            let half = numbers.split_off(CHUNK_MAX / 2);
            self.chunks.insert(chunk + 1, half);
        }
    }

    /// Takes out the number behind the place.
    pub fn remove(&mut self, place: Place) {
        let Some(numbers) = self.chunks.get_mut(place.chunk).filter(|numbers| place.index < numbers.len()) else {
            return;
        };
        numbers.remove(place.index);
        if numbers.is_empty() {
            self.chunks.remove(place.chunk);
            return;
        }
        self.join(place.chunk);
        if let Some(before) = place.chunk.checked_sub(1) {
            self.join(before);
        }
    }

    /// Makes one chunk of this and the next if both are small.
    fn join(&mut self, chunk: usize) {
        let (Some(this), Some(next)) = (self.chunks.get(chunk), self.chunks.get(chunk + 1)) else {
            return;
        };
        if this.len() + next.len() <= CHUNK_MAX / 2 {
            let next = self.chunks.remove(chunk + 1);
            self.chunks[chunk].extend(next);
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.chunks.iter().flatten().copied()
    }

    /// From the place to the end.
    pub fn from(&self, place: Place) -> impl Iterator<Item = u32> {
        let chunks = self.chunks.iter().skip(place.chunk);
        chunks.flatten().skip(place.index).copied()
    }

    /// From the place back to the beginning.
    pub fn back_from(&self, place: Place) -> impl Iterator<Item = u32> {
        let part = self.chunks.get(place.chunk).map_or(&[][..], |chunk| &chunk[..place.index.min(chunk.len())]);
        let whole = self.chunks[..place.chunk.min(self.chunks.len())].iter().rev();
        part.iter().rev().chain(whole.flat_map(|chunk| chunk.iter().rev())).copied()
    }

    /// The place behind the last number.
    pub fn end(&self) -> Place {
        Place { chunk: self.chunks.len(), index: 0 }
    }

    /// Bytes of memory that the list holds.
    pub fn capacity(&self) -> usize {
        let numbers: usize = self.chunks.iter().map(|chunk| chunk.capacity() * size_of::<u32>()).sum();
        numbers + self.chunks.capacity() * size_of::<Vec<u32>>()
    }

    /// Gives back what growing has left over.
    pub fn shrink(&mut self) {
        self.chunks.iter_mut().for_each(Vec::shrink_to_fit);
        self.chunks.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn chunks_split_and_join() {
        let mut order = Order::default();
        for number in (0..10_000).rev() {
            let place = order.seek(|other| other < number);
            order.insert(place, number);
        }
        assert!(order.iter().eq(0..10_000));
        assert!(order.chunks.iter().all(|chunk| !chunk.is_empty() && chunk.len() <= CHUNK_MAX));
        for number in (0..10_000).filter(|number| number % 100 != 0) {
            order.remove(order.seek(|other| other < number));
        }
        assert!(order.iter().eq((0..10_000).step_by(100)));
        assert!(order.chunks.len() < 10, "{} chunks", order.chunks.len());
    }

    proptest! {
        #[test]
        fn it_is_a_sorted_set(steps in prop::collection::vec((any::<bool>(), 0_u32..3_000), 0..2_000), from in 0_u32..3_000) {
            let (mut order, mut set) = (Order::default(), BTreeSet::new());
            for (add, number) in steps {
                let place = order.seek(|other| other < number);
                let there = order.get(place) == Some(number);
                prop_assert_eq!(there, set.contains(&number));
                match (add, there) {
                    (true, false) => {
                        order.insert(place, number);
                        set.insert(number);
                    }
                    (false, true) => {
                        order.remove(place);
                        set.remove(&number);
                    }
                    _ => {}
                }
            }
            let place = order.seek(|other| other < from);
            prop_assert!(order.iter().eq(set.iter().copied()));
            prop_assert!(order.from(place).eq(set.range(from..).copied()));
            prop_assert!(order.back_from(place).eq(set.range(..from).rev().copied()));
            prop_assert!(order.back_from(order.end()).eq(set.iter().rev().copied()));
        }
    }
}
