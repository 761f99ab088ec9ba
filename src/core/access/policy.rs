//! The policy in force: one snapshot, swapped whole.
//!
//! Must never: be without a policy, hold half of one, or go back to an older epoch. If anything fails on the way to a
//! new one, the one before stays.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use super::actor::{Actor, Seat};
use super::finding::{Finding, Source};
use super::line::{Line, shipped, shipped_invariants};
use super::snapshot::{Snapshot, SubjectRoles};
use crate::kernel::Phrase;

const PANIC: Phrase = Phrase { en: "the policy could not be compiled", nl: "het beleid kon niet worden gecompileerd" };

/// The policy in force, and the epoch for which it is known to be.
pub struct Policy {
    current: ArcSwap<InForce>,
    /// One reload at a time; readers never wait.
    reload: Mutex<()>,
    /// What every policy must keep.
    invariants: Vec<Line>,
}

struct InForce {
    snapshot: Arc<Snapshot>,
    epoch: i64,
}

impl Policy {
    /// The policy that ships with the program.
    pub fn shipped(epoch: i64) -> Result<Self, Vec<Finding>> {
        Self::open(shipped(), epoch)
    }

    /// A policy from elsewhere. It must keep the shipped invariants, whatever it says.
    pub fn open(lines: Vec<Line>, epoch: i64) -> Result<Self, Vec<Finding>> {
        Self::with_invariants(lines, shipped_invariants(), epoch)
    }

    /// For tests with made-up policies, and for trying one out: only its own invariants count.
    pub fn open_without_shipped_invariants(lines: Vec<Line>, epoch: i64) -> Result<Self, Vec<Finding>> {
        Self::with_invariants(lines, Vec::new(), epoch)
    }

    fn with_invariants(lines: Vec<Line>, invariants: Vec<Line>, epoch: i64) -> Result<Self, Vec<Finding>> {
        let snapshot = Arc::new(build(complete(lines, &invariants))?);
        let current = ArcSwap::from_pointee(InForce { snapshot, epoch });
        Ok(Self { current, reload: Mutex::new(()), invariants })
    }

    /// Puts other lines into force, whole or not at all. `epoch` is `authz_epoch` in the transaction in which they were
    /// read. Lines that haven't changed are only confirmed; lines that are older than those in force are ignored.
    ///
    /// On an error the policy before stays, under its own epoch: statements under the new epoch find it stale, and are
    /// refused until a policy loads or [`Self::confirm`] says that the old one is meant.
    pub fn reload(&self, lines: Vec<Line>, epoch: i64) -> Result<(), Vec<Finding>> {
        let _one = self.reload.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.current.load_full();
        if epoch < current.epoch {
            return Ok(());
        }
        let lines = complete(lines, &self.invariants);
        let unchanged = current.snapshot.lines() == lines;
        let snapshot = if unchanged { Arc::clone(&current.snapshot) } else { Arc::new(build(lines)?) };
        self.current.store(Arc::new(InForce { snapshot, epoch }));
        Ok(())
    }

    /// Says that the policy in force is still the one that is meant at a later epoch: only roles or agreements changed.
    pub fn confirm(&self, epoch: i64) {
        let _one = self.reload.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.current.load_full();
        if epoch > current.epoch {
            self.current.store(Arc::new(InForce { snapshot: Arc::clone(&current.snapshot), epoch }));
        }
    }

    /// Whether lines could be put into force: all findings, warnings among them, and nothing changes.
    pub fn check(&self, lines: Vec<Line>) -> Vec<Finding> {
        match build(complete(lines, &self.invariants)) {
            Ok(snapshot) => snapshot.findings().to_vec(),
            Err(findings) => findings,
        }
    }

    /// Decides about somebody. The actor is as old as the older of the policy and what the seat was read from.
    pub fn actor(&self, seat: Seat) -> Actor {
        let current = self.current.load();
        let subject = SubjectRoles { user: seat.user, tenant: seat.tenant, kind: seat.kind, roles: seat.roles.clone() };
        let decisions = current.snapshot.decisions(&subject);
        Actor::new(seat, decisions, current.epoch)
    }

    /// The snapshot in force.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.load().snapshot)
    }

    /// The epoch for which the policy in force is known to be the one that is meant.
    pub fn epoch(&self) -> i64 {
        self.current.load().epoch
    }
}

/// The lines with the invariants that aren't among them.
fn complete(mut lines: Vec<Line>, invariants: &[Line]) -> Vec<Line> {
    let missing: Vec<Line> =
        invariants.iter().filter(|line| !lines.iter().any(|known| known.words == line.words)).cloned().collect();
    lines.extend(missing);
    lines
}

/// A panic of the library underneath is an error like any other.
fn build(lines: Vec<Line>) -> Result<Snapshot, Vec<Finding>> {
    let source =
        Source { file: lines.first().map_or_else(|| "policy".into(), |l| Arc::clone(&l.source.file)), line: 0 };
    catch_unwind(AssertUnwindSafe(|| Snapshot::build(lines)))
        .unwrap_or_else(|_| Err(vec![Finding::error("panic", &source, PANIC)]))
}
