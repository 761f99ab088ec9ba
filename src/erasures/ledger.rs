//! The erasure ledger against its copy outside of the database: kept alike, compared when the vault is opened, replayed when
//! older data was put back.
//!
//! Must never: let a database be used whose ledger is behind its copy, or erase by a copy that this installation didn't
//! write.

use std::collections::HashSet;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use kluis_core::kernel::{Id, Phrase, Problem, ProblemKind, id::Customer, id::Tenant};
use kluis_core::privacy::keystore::SubjectKeyState;
use kluis_core::privacy::ledger::{Entry, LedgerCopy, LedgerFault, Linked, broken_at};
use kluis_core::privacy::{KeyId, MacKey, SystemKey, VaultError};
use kluis_core::store::{StoreError, Tx, Unaudited};

use super::{rows_ledger, service};
use crate::app::App;
use crate::customers::erase as customers;

/// Forgets the keys of whom any node has erased after entry `seen`; gives the last entry now. That the record is gone keeps
/// everybody from asking for the key; this takes it out of the memory as well.
pub async fn follow(app: &App, seen: u64) -> Result<u64, Problem> {
    let entries = rows_ledger::after(&app.db, seen, AT_ONCE).await?;
    for Linked { entry, .. } in &entries {
        app.keys.evict(entry.key);
        app.directory.change(entry.tenant, entry.subject, None);
    }
    Ok(entries.last().map_or(seen, |linked| linked.entry.number))
}

/// Why the data may not be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error(transparent)]
    Fault(#[from] LedgerFault),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Problem(#[from] Problem),
}

impl From<StoreError> for LedgerError {
    fn from(error: StoreError) -> Self {
        Self::Problem(error.into())
    }
}

impl From<LedgerError> for VaultError {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Fault(fault) => Self::Ledger(fault),
            LedgerError::Vault(error) => error,
            LedgerError::Problem(problem) => Self::store(problem),
        }
    }
}

/// Enters an erasure into the ledger; gives its number.
pub(super) async fn enter(
    app: &App,
    tx: &mut Tx<Unaudited>,
    (tenant, customer, key): (Id<Tenant>, Id<Customer>, KeyId),
    at: DateTime<Utc>,
) -> Result<u64, Problem> {
    let mac = app.keys.system_mac(SystemKey::Ledger)?;
    let (last, before) = rows_ledger::hold_end(tx).await?;
    let entry = Entry::new(last + 1, at, tenant.uuid(), customer.uuid(), key);
    rows_ledger::add(tx, &Linked::behind(entry, &mac, &before)).await?;
    Ok(entry.number)
}

/// Entries that are added to the copy at once.
const AT_ONCE: i64 = 10_000;

/// Brings the copy up to the ledger; on the disk when this returns. Does nothing where no copy is wanted.
pub(super) async fn copy(app: &App) -> Result<(), Problem> {
    const LATER: Phrase = Phrase {
        en: "The copy of the erasure ledger can't be written. The erasure has begun, and goes on as soon as it can.",
        nl: "De kopie van het wisregister is niet te schrijven. Het wissen is begonnen en gaat door zodra dat kan.",
    };
    match extend(app).await {
        Ok(()) => Ok(()),
        Err(LedgerError::Problem(problem)) => Err(problem),
        Err(LedgerError::Vault(error)) => Err(error.into()),
        Err(LedgerError::Fault(fault)) => {
            tracing::error!(%fault, "the copy of the erasure ledger");
            Err(Problem::new(ProblemKind::Unavailable).detail(LATER))
        }
    }
}

async fn extend(app: &App) -> Result<(), LedgerError> {
    let Some(path) = app.config.ledger_copy.clone() else { return Ok(()) };
    let copy = LedgerCopy::at(path);
    loop {
        let last = on_disk(copy.clone(), LedgerCopy::last).await?;
        // With the last one that is there: if it is another one, the two have nothing to do with each other.
        let entries = rows_ledger::after(&app.db, last.saturating_sub(1), AT_ONCE).await?;
        let is_end = entries.len() < usize::try_from(AT_ONCE).unwrap_or(usize::MAX);
        let mac = app.keys.system_mac(SystemKey::Ledger)?;
        on_disk(copy.clone(), move |copy| copy.extend(&entries, &mac, false)).await?;
        if is_end {
            return Ok(());
        }
    }
}

async fn on_disk<T: Send + 'static>(
    copy: LedgerCopy,
    work: impl FnOnce(&LedgerCopy) -> Result<T, LedgerFault> + Send + 'static,
) -> Result<T, LedgerFault> {
    let done = tokio::task::spawn_blocking(move || work(&copy)).await;
    done.unwrap_or(Err(LedgerFault::File(std::io::ErrorKind::Interrupted)))
}

/// Both, as they stand.
struct Both {
    ledger: Vec<Linked>,
    /// `None` where no copy is wanted.
    copy: Option<(LedgerCopy, Vec<Linked>)>,
}

/// `make`: the first time, an empty copy is made.
async fn read(app: &App, make: bool) -> Result<Both, LedgerError> {
    let key = || -> Result<MacKey, VaultError> { app.keys.system_mac(SystemKey::Ledger) };
    let ledger = rows_ledger::all(&app.db).await?;
    if let Some(number) = broken_at(&ledger, &key()?) {
        return Err(LedgerFault::Ledger(number).into());
    }
    let Some(path) = app.config.ledger_copy.clone() else { return Ok(Both { ledger, copy: None }) };
    let (file, mac, is_first) = (LedgerCopy::at(path), key()?, make && ledger.is_empty());
    let read = on_disk(file.clone(), move |file| match file.read(&mac) {
        // The first time. Later a file that is gone is a fault: somebody may have taken it away.
        Err(LedgerFault::Missing) if is_first => file.extend(&[], &mac, true).map(|()| Vec::new()),
        read => read,
    });
    Ok(Both { ledger, copy: Some((file, read.await?)) })
}

/// Whether the data may be used. A copy that lacks entries is brought up to the ledger.
pub async fn check(app: &App) -> Result<(), LedgerError> {
    compare(&read(app, true).await?)?;
    extend(app).await
}

/// The same, and nothing is written.
pub async fn look(app: &App) -> Result<(), LedgerError> {
    compare(&read(app, false).await?)
}

fn compare(both: &Both) -> Result<(), LedgerError> {
    let Both { ledger, copy: Some((_, copy)) } = both else { return Ok(()) };
    if let Some((mine, _)) = ledger.iter().zip(copy).find(|(mine, other)| mine.link != other.link) {
        return Err(LedgerFault::Forked(mine.entry.number).into());
    }
    if copy.len() > ledger.len() {
        return Err(LedgerFault::Behind((copy.len() - ledger.len()) as u64).into());
    }
    Ok(())
}

/// Makes the copy at a new place, from the ledger as it stands; refused where there is one. How many entries it has.
pub async fn make_copy(app: &App) -> Result<Option<usize>, LedgerError> {
    let Some(path) = app.config.ledger_copy.clone() else { return Ok(None) };
    let copy = LedgerCopy::at(path);
    if copy.exists() {
        return Err(LedgerFault::File(std::io::ErrorKind::AlreadyExists).into());
    }
    let ledger = rows_ledger::all(&app.db).await?;
    let (mac, entries) = (app.keys.system_mac(SystemKey::Ledger)?, ledger.len());
    if let Some(number) = broken_at(&ledger, &mac) {
        return Err(LedgerFault::Ledger(number).into());
    }
    on_disk(copy, move |copy| copy.extend(&ledger, &mac, true)).await?;
    Ok(Some(entries))
}

/// What a replay did, or would do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Erasures that the copy names and the ledger lacked.
    pub from_copy: usize,
    /// Customers who were still in the data although their keys are destroyed.
    pub from_keys: usize,
    /// Where the copy went that had nothing more in common with the ledger.
    pub set_aside: bool,
}

/// Erases once more whom the copy names and the ledger lacks, and whose keys are destroyed already. `dry`: only says so.
pub async fn replay(app: &App, dry: bool) -> Result<(Replayed, Option<PathBuf>), LedgerError> {
    let Both { ledger, copy } = read(app, !dry).await?;
    let held: HashSet<_> = ledger.iter().map(|linked| linked.entry.key).collect();
    let copied = copy.iter().flat_map(|(_, entries)| entries);
    let lacking: Vec<_> = copied.map(|linked| linked.entry).filter(|entry| !held.contains(&entry.key)).collect();
    let mut done = Replayed { from_copy: lacking.len(), ..Replayed::default() };
    let forked = copy.as_ref().is_some_and(|(_, copy)| ledger.iter().zip(copy).any(|(a, b)| a.link != b.link));
    done.set_aside = forked;
    let aside = copy.filter(|_| forked).map(|(file, _)| (file.clone(), beside(&file, app.clock.now())));
    if !dry {
        // All of them into the ledger first: only then may the copy that names them be set aside.
        for entry in &lacking {
            service::again(app, entry).await?;
        }
        if let Some((file, aside)) = &aside {
            std::fs::rename(file.path(), aside).map_err(LedgerFault::from)?;
            let mac = app.keys.system_mac(SystemKey::Ledger)?;
            on_disk(file.clone(), move |file| file.extend(&[], &mac, true)).await?;
        }
        extend(app).await?;
        service::go_on(app).await?;
    }
    done.from_keys = sweep(app, dry).await?;
    Ok((done, aside.map(|(_, path)| path)))
}

fn beside(file: &LedgerCopy, now: DateTime<Utc>) -> PathBuf {
    let mut name = file.path().as_os_str().to_owned();
    name.push(now.format(".%Y%m%dT%H%M%SZ").to_string());
    name.into()
}

/// Customers that are looked at at once.
const CUSTOMERS_AT_ONCE: i64 = 1_000;

/// Erases customers whose keys are destroyed: older data was put back beside newer keys.
async fn sweep(app: &App, dry: bool) -> Result<usize, LedgerError> {
    let (mut after, mut found) = (None, 0);
    loop {
        let some = customers::walk(&app.db, after, CUSTOMERS_AT_ONCE).await?;
        let Some(last) = some.last() else { break };
        after = Some(last.id);
        for erased in destroyed(app, &some).await? {
            found += 1;
            if !dry {
                let (at, key) = (app.clock.now(), erased.key);
                service::again(app, &Entry::new(0, at, erased.tenant.uuid(), erased.id.uuid(), key)).await?;
            }
        }
    }
    if found > 0 && !dry {
        service::go_on(app).await?;
    }
    Ok(found)
}

async fn destroyed(app: &App, some: &[customers::Standing]) -> Result<Vec<customers::Standing>, LedgerError> {
    let mut found = Vec::new();
    for run in some.chunk_by(|a, b| a.tenant == b.tenant) {
        let keys: Vec<_> = run.iter().map(|one| one.key).collect();
        let records = app.keys.store().subject_keys(run[0].tenant.uuid(), &keys).await?;
        let gone = |record: &&_| -> bool {
            let record: &kluis_core::privacy::keystore::SubjectKeyRecord = record;
            record.state == SubjectKeyState::Destroyed
        };
        let gone: HashSet<_> = records.iter().filter(gone).map(|record| record.id).collect();
        found.extend(run.iter().filter(|one| gone.contains(&one.key)));
    }
    Ok(found)
}
