//! What was signed, and what follows from it: checkpoints and proofs for those who may read events.
//!
//! Checkpoints, and proofs that one is the continuation of another, are about the whole installation: they hold hashes,
//! which say nothing about anybody. An event's place in the tree is shown to those who may see the event.
//!
//! Must never: prove the place of an event that the caller may not see.

use data_encoding::BASE64;
use kluis_core::access::Scope;
use kluis_core::audit::kept::{self, StoredCheckpoint, TreeError};
use kluis_core::audit::tree::Hash;
use kluis_core::kernel::id::AuditEvent;
use kluis_core::kernel::{Faults, Id, Phrase, Problem, ProblemKind};

use super::access::Read;
use super::rows;
use super::view_proofs::{AuditCheckpointView, ConsistencyProofView, InclusionProofView};
use crate::app::App;

const NOT_SIGNED: Phrase = Phrase {
    en: "No checkpoint covers this event yet; one is made every minute or so.",
    nl: "Nog geen controlepunt omvat deze gebeurtenis; er komt er ongeveer elke minuut een.",
};
const NO_SUCH_SIZE: Phrase = Phrase { en: "The log has no such size.", nl: "Deze grootte heeft het logboek niet." };
const NOT_BEFORE: Phrase =
    Phrase { en: "Must not be above the other size.", nl: "Mag niet boven de andere grootte liggen." };
const WITHOUT_IT: Phrase =
    Phrase { en: "The log had not come to this event yet.", nl: "Zo groot was het logboek voor deze gebeurtenis." };

/// A page of checkpoints, the newest first, and the size before which the next page starts.
pub async fn list(
    app: &App,
    scope: &Scope<Read>,
    before: Option<i64>,
    size: u32,
) -> Result<(Vec<AuditCheckpointView>, Option<i64>), Problem> {
    scope.require_any()?;
    let mut found = kept::checkpoints_before(&app.db, before.unwrap_or(i64::MAX), i64::from(size) + 1).await?;
    let more = found.len() > size as usize;
    found.truncate(size as usize);
    let next = found.last().filter(|_| more).map(|last| last.size);
    Ok((found.into_iter().map(view).collect::<Result<_, _>>()?, next))
}

/// The newest one; 404 before anything was signed.
pub async fn latest(app: &App, scope: &Scope<Read>) -> Result<AuditCheckpointView, Problem> {
    scope.require_any()?;
    view(kept::last_checkpoint(&app.db).await?.ok_or(Problem::not_found())?)
}

/// That the log of `to` events begins with the one of `from`; without `to`, the log as it was signed last.
pub async fn consistency(
    app: &App,
    scope: &Scope<Read>,
    from: u64,
    to: Option<u64>,
) -> Result<ConsistencyProofView, Problem> {
    scope.require_any()?;
    let tree = kept::size(&app.db).await?;
    let to = to.unwrap_or(tree);
    let mut faults = Faults::new();
    if to > tree {
        faults.add("query:to", "size", NO_SUCH_SIZE);
    }
    if from > to {
        faults.add("query:from", "size", if from > tree { NO_SUCH_SIZE } else { NOT_BEFORE });
    }
    faults.into_result()?;
    let hashes = kept::consistency(&app.db, from, to).await?;
    Ok(ConsistencyProofView { from: shown(from), to: shown(to), hashes: texts(&hashes) })
}

/// That an event is in the log as it was with `size` events; without, as it was signed last. 404 for an event that the
/// caller may not see.
pub async fn inclusion(
    app: &App,
    scope: &Scope<Read>,
    id: Id<AuditEvent>,
    size: Option<u64>,
) -> Result<InclusionProofView, Problem> {
    let (seq, event) = rows::get(&app.db, scope, id.uuid()).await?.ok_or(Problem::not_found())?;
    app.record_read(app.event(scope).record(id, event.tenant)).await?;
    let (seq, tree) = (seq.unsigned_abs(), kept::size(&app.db).await?);
    if seq > tree {
        return Err(Problem::new(ProblemKind::Conflict).detail(NOT_SIGNED));
    }
    let size = size.unwrap_or(tree);
    let mut faults = Faults::new();
    if size > tree {
        faults.add("query:size", "size", NO_SUCH_SIZE);
    } else if size < seq {
        faults.add("query:size", "size", WITHOUT_IT);
    }
    faults.into_result()?;
    let (leaf, hashes) = (kept::leaf(&app.db, seq).await?, kept::inclusion(&app.db, seq, size).await?);
    Ok(InclusionProofView {
        size: shown(size),
        index: shown(seq - 1),
        leaf: BASE64.encode(&leaf),
        hashes: texts(&hashes),
    })
}

fn view(stored: StoredCheckpoint) -> Result<AuditCheckpointView, Problem> {
    // Our own: origin, size, root.
    let mut lines = stored.note.lines();
    let (Some(origin), Some(_), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
        return Err(TreeError::Tile.into());
    };
    let (origin, root) = (origin.to_owned(), root.to_owned());
    let (size, at, verifier_key) = (stored.size, stored.at.into(), stored.verifier);
    Ok(AuditCheckpointView { size, at, origin, root, note: stored.note, verifier_key })
}

fn texts(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(|hash| BASE64.encode(hash)).collect()
}

fn shown(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
