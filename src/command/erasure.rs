//! `kluis erasure`: the erasure ledger and its copy, looked at and brought together.
//!
//! Must never: erase anybody whom neither the ledger's copy nor the key store names.

use std::sync::Arc;

use clap::Subcommand;
use kluis_core::kernel::{Clock, Message, Phrase};
use kluis_core::privacy::VaultError;

use super::exit::{Exit, Failure};
use super::migrate::must_exist;
use super::options::Options;
use super::secret;
use super::terminal::{Terminal, p};
use crate::app::App;
use crate::config::UnsealSource;
use crate::erasures::ledger::{self, LedgerError, Replayed};
use crate::server::open::open_unchecked;
use crate::server::stores::Stores;

#[derive(Debug, Subcommand)]
pub enum ErasureCommand {
    /// Compares the erasure ledger with its copy
    Check,
    /// Erases once more whom older data has brought back
    Replay {
        /// Only says what would be erased
        #[arg(long)]
        dry_run: bool,
    },
    /// Writes the copy of the ledger to a new place
    Copy,
}

pub async fn run(command: &ErasureCommand, options: &Options, terminal: Terminal) -> Result<(), Failure> {
    let (resolved, config) = options.load()?;
    must_exist(&config)?;
    let stores = Stores::open(&config).await?;
    if config.unseal == UnsealSource::Manual {
        let given = secret::ask(&resolved, terminal).await?;
        let opened = stores.unseal_by_hand(given).await;
        opened.map_err(|error: VaultError| Failure::new(Exit::Sealed, error.message()))?;
    }
    let done = match open_unchecked(config, &stores, Clock::System).await {
        Ok(app) => work(command, &app, terminal).await,
        Err(error) => Err(error.into()),
    };
    stores.close().await;
    done
}

async fn work(command: &ErasureCommand, app: &Arc<App>, terminal: Terminal) -> Result<(), Failure> {
    match command {
        ErasureCommand::Check => {
            ledger::check(app).await?;
            terminal.say(if app.config.ledger_copy.is_some() { ALIKE } else { NO_COPY });
        }
        ErasureCommand::Replay { dry_run } => {
            let (replayed, aside) = ledger::replay(app, *dry_run).await?;
            tell(replayed, *dry_run, terminal);
            if let Some(path) = aside.filter(|_| !dry_run) {
                let path = path.display();
                terminal.say(Message::new(
                    format!("The copy as it was is in {path}."),
                    format!("De kopie zoals zij was staat in {path}."),
                ));
            }
        }
        ErasureCommand::Copy => match ledger::make_copy(app).await? {
            Some(entries) => terminal.say(Message::new(
                format!("The copy has {entries} entries."),
                format!("De kopie heeft {entries} regels."),
            )),
            None => return Err(Failure::new(Exit::Configuration, NO_PLACE)),
        },
    }
    Ok(())
}

const ALIKE: Phrase = p("The erasure ledger and its copy are alike.", "Het wisregister en zijn kopie zijn gelijk.");
const NO_COPY: Phrase = p(
    "The erasure ledger holds. There is no copy (erasure.ledger_copy): a backup of data and keys would bring back whom somebody has erased.",
    "Het wisregister klopt. Er is geen kopie (erasure.ledger_copy): een reservekopie van gegevens en sleutels brengt terug wie gewist is.",
);
const NO_PLACE: Phrase = p(
    "Set erasure.ledger_copy first: a file outside of the data directory.",
    "Stel eerst erasure.ledger_copy in: een bestand buiten de gegevensmap.",
);

fn tell(replayed: Replayed, dry: bool, terminal: Terminal) {
    let Replayed { from_copy, from_keys, .. } = replayed;
    terminal.say(if dry {
        Message::new(
            format!(
                "Would be erased once more: {from_copy} by the copy of the ledger, {from_keys} whose keys are destroyed."
            ),
            format!(
                "Zouden opnieuw gewist worden: {from_copy} volgens de kopie van het register, {from_keys} van wie de sleutel vernietigd is."
            ),
        )
    } else {
        Message::new(
            format!("Erased once more: {from_copy} by the copy of the ledger, {from_keys} whose keys were destroyed."),
            format!(
                "Opnieuw gewist: {from_copy} volgens de kopie van het register, {from_keys} van wie de sleutel vernietigd was."
            ),
        )
    });
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Problem(problem) => problem.into(),
            other => VaultError::from(other).into(),
        }
    }
}
