//! `kluis key recover`: out of the recovery key, or out of shares, what opens the vault at each start is made anew.
//!
//! Must never: print a root key, take a secret from the arguments, or write over a file.

use std::path::PathBuf;

use clap::Args;
use kluis_core::kernel::{Clock, Message};
use kluis_core::privacy::{Handed, by_hand};

use super::exit::Failure;
use super::secret;
use super::terminal::{Terminal, p};
use crate::config::{Config, Resolved, UnsealSource};
use crate::server::open::open_with;
use crate::server::recovery::{self, Restored};
use crate::server::stores::Stores;

#[derive(Debug, Args)]
pub struct RecoverCommand {
    /// File with a share; may be given more than once. Otherwise shares or the recovery key are asked for
    #[arg(long = "share", value_name = "FILE")]
    shares: Vec<PathBuf>,
}

pub async fn run(
    command: &RecoverCommand,
    (resolved, config): (&Resolved, Config),
    stores: &Stores,
    terminal: Terminal,
) -> Result<(), Failure> {
    // Not from the settings: what stands there is what is to be made anew.
    let secret =
        if command.shares.is_empty() { secret::given(terminal).await? } else { secret::of_files(&command.shares)? };
    let (by, store) = (Handed::of(secret.expose()), &**stores.keyring.store());
    let root = by_hand(secret.clone(), store).await?;
    let passphrase = match &config.unseal {
        UnsealSource::Passphrase(_) => Some(secret::new_passphrase(resolved, terminal).await?),
        UnsealSource::Manual if stores.keyring.has_passphrase().await? => {
            Some(secret::new_passphrase(resolved, terminal).await?)
        }
        _ => None,
    };
    let app = open_with(config, stores, by_hand(secret, store).await?, Clock::System).await?;
    let restored = recovery::restore(&app, root, by, passphrase).await?;
    terminal.say(match &restored {
        Restored::AsBefore(path) => Message::new(
            format!("{} opens the vault: nothing was done.", path.display()),
            format!("{} opent de kluis: er is niets gedaan.", path.display()),
        ),
        Restored::KeyFile(path) => Message::new(
            format!("The root key is in {} again, and opens the vault.", path.display()),
            format!("De hoofdsleutel staat weer in {}, en opent de kluis.", path.display()),
        ),
        Restored::Passphrase => p("The passphrase opens the vault.", "De wachtwoordzin opent de kluis.").into(),
        Restored::TakeAway(path) => Message::new(
            format!("The root key is in {}; put it where it belongs, and take it away from here.", path.display()),
            format!("De hoofdsleutel staat in {}; zet haar waar zij hoort, en haal haar hier weg.", path.display()),
        ),
    });
    if !matches!(restored, Restored::AsBefore(_)) {
        terminal.say(p(
            "If somebody else may have the old key file, passphrase or secret: kluis key rotate root.",
            "Kan iemand anders het oude sleutelbestand, de wachtwoordzin of het geheim hebben: kluis key rotate root.",
        ));
    }
    Ok(())
}
