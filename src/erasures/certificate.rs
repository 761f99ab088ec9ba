//! The signed statement about an erasure: a C2SP signed note, so that any tool for such notes checks it.
//!
//! Must never: name a person, or say that something is gone which is not.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use kluis_core::audit::tree::Signer;
use kluis_core::kernel::{Problem, ProblemKind};
use kluis_core::privacy::SystemKey;

use super::model::ErasureRecord;
use crate::app::App;

/// The day on which the last backup of the key store that still holds the key has expired, if the configuration says for
/// how long those are kept.
pub fn final_at(app: &App, completed: DateTime<Utc>) -> Option<DateTime<Utc>> {
    app.config.key_backup_days.map(|days| completed + TimeDelta::days(i64::from(days)))
}

/// What signs certificates; the same as long as the installation lives.
pub fn signer(app: &App) -> Result<Signer, Problem> {
    let seed = app.keys.system_mac(SystemKey::Certificate)?.sign(b"ed25519");
    Signer::new(&name(app), &seed).ok_or(Problem::new(ProblemKind::Internal))
}

/// Host and port, as people know the installation.
fn name(app: &App) -> String {
    let url = &app.config.public_url;
    let host = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest).trim_end_matches('/');
    format!("{host}/erasures")
}

/// The statement, for an erasure whose key was destroyed at `completed`. `ledger` is the number of its entry.
pub fn of(app: &App, done: &ErasureRecord, completed: DateTime<Utc>, ledger: u64) -> Result<String, Problem> {
    let removed = &done.removed;
    let copy = if app.config.ledger_copy.is_some() { "yes" } else { "no" };
    let ground = done.ground.map_or("of an earlier decision", super::model::Ground::article);
    let day = |at: Option<DateTime<Utc>>| at.map_or_else(|| "not known".to_owned(), time);
    let text = format!(
        "kluis erasure certificate 1\n\
         erasure: {}\n\
         organisation: {}\n\
         record: {}\n\
         ground: {ground}\n\
         removed at: {}\n\
         key destroyed at: {}\n\
         removed: the record with all compartments, {} interactions, {} relations, {} index entries, {} undo records, \
         {} uploaded files, {} kept answers\n\
         kept: the audit log, which names the record by a keyed hash\n\
         uploads and answers that nobody can tell apart are gone by: {}\n\
         ledger entry: {ledger}, copied outside of the database: {copy}\n\
         backups of the key store that hold the key are gone by: {}\n",
        done.id,
        done.tenant,
        done.customer,
        time(done.created_at),
        time(completed),
        removed.interactions,
        removed.relations,
        removed.index,
        removed.undo,
        removed.files,
        removed.answers,
        removed.uploads_until.map_or_else(|| "there are none".to_owned(), time),
        day(final_at(app, completed)),
    );
    signer(app)?.sign(&text).map_err(|_| Problem::new(ProblemKind::Internal))
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
