//! Ranks the names of a tenant for what somebody typed.
//!
//! Must never: keep or log what was typed.

use uuid::Uuid;
use zeroize::Zeroizing;

use super::tenant::Names;
use crate::kernel::fold::query_words;

/// More words than this are left out: no name has so many, and each costs a walk through all words.
const WORDS_MAX: usize = 8;

/// Of a longer text only the beginning is looked for, in bytes.
const QUERY_MAX: usize = 512;

/// A name that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    pub id: Uuid,
    /// The greater, the better: 256 times the fit of the worst word, plus the fits of all words. A fit is 5 for an equal
    /// word, 4 for the beginning of one, and less with errors.
    pub score: u32,
}

/// Every name that fits, best first; equals in sort order.
pub(super) fn ranked(names: &Names, query: &str) -> impl Iterator<Item = Hit> {
    let query = &query[..query.floor_char_boundary(QUERY_MAX)];
    let words: Vec<_> = query_words(query).into_iter().map(Zeroizing::new).collect();
    let count = words.len().min(WORDS_MAX);
    // By slot: the fit of the worst word so far, and of all words together.
    let mut worst = vec![if count == 0 { 0 } else { u8::MAX }; names.ids.len()];
    let mut sum = vec![0_u8; names.ids.len()];
    let mut best = vec![0_u8; names.ids.len()];
    for (index, word) in words[..count].iter().enumerate() {
        best.fill(0);
        names.dictionary.matches(word, index + 1 == words.len(), &mut |fit, slots| {
            for slot in slots {
                let best = &mut best[*slot as usize];
                *best = (*best).max(fit as u8);
            }
        });
        for ((worst, sum), best) in worst.iter_mut().zip(&mut sum).zip(&best) {
            *worst = (*worst).min(*best);
            *sum += *best;
        }
    }
    let score = |slot: u32| u32::from(worst[slot as usize]) * 256 + u32::from(sum[slot as usize]);
    let fitting = names.order.iter().filter(|slot| worst[*slot as usize] > 0);
    let mut hits: Vec<(u32, u32)> = fitting.map(|slot| (score(slot), slot)).collect();
    // Stable: what is equally good stays in sort order.
    hits.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    hits.into_iter().map(|(score, slot)| Hit { id: names.ids[slot as usize], score })
}
