//! Events that retention has dropped on purpose: each run is an event itself, which says which ones and how many.
//!
//! Must never: excuse an event that no run has told of.

use super::Finding;
use crate::audit::{Detail, Event};

/// The action of a run of retention over the log. Its detail has three counts: `first` and `last`, the numbers between
/// which events were dropped, and `events`, how many.
pub const DROPPED: &str = "audit_event.expire";

/// What a run of retention says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    pub first: u64,
    pub last: u64,
    pub events: u64,
}

impl Dropped {
    /// `None` for any other event, and for one that doesn't say what it has to.
    pub fn of(event: &Event) -> Option<Self> {
        if event.action != DROPPED {
            return None;
        }
        let count = |name| match event.detail.get(name) {
            Some(Detail::Count(count)) => u64::try_from(*count).ok(),
            _ => None,
        };
        Some(Self { first: count("first")?, last: count("last")?, events: count("events")? })
    }
}

/// Which events are missing, and which of them may be.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    /// Runs of numbers, in order.
    missing: Vec<(u64, u64)>,
    told: Vec<Dropped>,
}

impl Gaps {
    pub fn missing(&mut self, seq: u64) {
        match self.missing.last_mut() {
            Some((_, last)) if *last + 1 == seq => *last = seq,
            _ => self.missing.push((seq, seq)),
        }
    }

    pub fn told(&mut self, dropped: Dropped) {
        self.told.push(dropped);
    }

    pub fn is_empty(&self) -> bool {
        self.missing.is_empty()
    }

    pub fn len(&self) -> u64 {
        self.missing.iter().map(|(first, last)| last - first + 1).sum()
    }

    /// What nobody has dropped.
    pub fn findings(mut self) -> Vec<Finding> {
        self.told.sort_unstable_by_key(|told| told.first);
        let mut findings: Vec<Finding> = self.missing.iter().flat_map(|run| self.unexcused(*run)).collect();
        let told = self.told.iter().fold(0_u64, |sum, told| sum.saturating_add(told.events));
        let missing = self.len();
        if findings.is_empty() && told != missing {
            findings.push(Finding::Dropped { told, missing });
        }
        findings
    }

    /// The parts of a run that no run of retention covers.
    fn unexcused(&self, (first, last): (u64, u64)) -> Vec<Finding> {
        let (mut findings, mut at) = (Vec::new(), first);
        for told in self.told.iter().filter(|told| told.last >= first && told.first <= last) {
            if told.first > at {
                findings.push(Finding::Missing { first: at, last: told.first - 1 });
            }
            at = at.max(told.last.saturating_add(1));
        }
        if at <= last {
            findings.push(Finding::Missing { first: at, last });
        }
        findings
    }
}
