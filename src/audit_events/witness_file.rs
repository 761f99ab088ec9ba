//! Checkpoints in a file outside of the database: whoever puts an old database back can't make them unsaid.
//!
//! Must never: take anything out of the file, or add to it when the log isn't the one that is in there.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use kluis_core::audit::kept::{self, StoredCheckpoint, checkpoints_after};
use kluis_core::audit::tree::{Checkpoint, VerifierKey, read_all};
use kluis_core::kernel::{Problem, ProblemKind};

use crate::app::App;

/// So much of the end of the file is read; a checkpoint has some 250 bytes.
const END: u64 = 64 * 1024;
/// Checkpoints that are added at once.
const PORTION: i64 = 500;

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    All,
    /// The file has a checkpoint over so many events that this log hasn't, or has otherwise.
    Differs(i64),
}

/// Adds what the file hasn't yet, up to the newest checkpoint. It is on the disk afterwards.
pub async fn add(app: &App, path: &Path, newest: &StoredCheckpoint) -> Result<Added, Problem> {
    let key = kept::signer(&app.keys, &app.config.audit.origin)?.verifier().clone();
    let place = path.to_owned();
    let last = on_disk(move || last_in(&place, &key)).await?;
    let mut after = 0;
    if let Some(last) = last {
        after = i64::try_from(last.size).unwrap_or(i64::MAX);
        let own = kept::checkpoint(&app.db, after).await?;
        let key = kept::signer(&app.keys, &app.config.audit.origin)?.verifier().clone();
        let own = own.and_then(|own| Checkpoint::open_any_name(&own.note, &key).ok());
        if own.is_none_or(|own| own.root != last.root) {
            return Ok(Added::Differs(after));
        }
    }
    while after < newest.size {
        let portion = checkpoints_after(&app.db, after, PORTION).await?;
        let Some(last) = portion.last() else { break };
        after = last.size;
        // What a power cut has torn off stays by itself: its line is ended, and an empty one stands before the next.
        let notes: String = portion.iter().map(|one| format!("\n{}", one.note)).collect();
        let text = format!("\n{notes}");
        let place = path.to_owned();
        on_disk(move || append(&place, &text)).await?;
    }
    Ok(Added::All)
}

/// The last one that our key has signed; `None` for a file that has none, or isn't there.
fn last_in(path: &PathBuf, key: &VerifierKey) -> io::Result<Option<Checkpoint>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(END)))?;
    let mut bytes = Vec::new();
    file.take(END).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let opened = read_all(&text).into_iter().filter_map(|one| Checkpoint::open_any_name(&one.note, key).ok());
    Ok(opened.max_by_key(|checkpoint| checkpoint.size))
}

fn append(path: &PathBuf, text: &str) -> io::Result<()> {
    let is_new = !path.exists();
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    if let Some(directory) = path.parent().filter(|parent| is_new && !parent.as_os_str().is_empty()) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

async fn on_disk<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, Problem> {
    let unavailable = || Problem::new(ProblemKind::Unavailable);
    let done = tokio::task::spawn_blocking(work).await.map_err(|_| unavailable())?;
    done.map_err(|error| {
        tracing::error!(kind = %error.kind(), "the audit log's witness file can't be read or written");
        unavailable()
    })
}
