//! `kluis audit`: the log of what happened, checked, handed out, and checked again where nothing but the file is at hand.
//!
//! Must never: change the log, or call a log whole of which something could not be looked at.

mod export;
mod findings;
mod verify;

use clap::Subcommand;
use kluis_core::audit::kept;
use kluis_core::audit::tree::VerifierKey;
use kluis_core::privacy::VaultError;

use super::exit::Failure;
use super::migrate::must_exist;
use super::options::Options;
use super::terminal::Terminal;
use crate::config::Config;
use crate::server::stores::Stores;

#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Says whether the audit log was changed, shortened or put back: the database's, or that of an exported file
    Verify(verify::VerifyCommand),
    /// Writes the signed part of the audit log to a file that can be checked without a database
    Export(export::ExportCommand),
    /// Shows the public key with which checkpoints of the audit log can be checked
    Key,
}

pub async fn run(command: &AuditCommand, options: &Options, terminal: Terminal) -> Result<(), Failure> {
    match command {
        AuditCommand::Verify(command) => verify::run(command, options, terminal).await,
        AuditCommand::Export(command) => export::run(command, options, terminal).await,
        AuditCommand::Key => {
            let (_, config) = options.load()?;
            must_exist(&config)?;
            let stores = Stores::open(&config).await?;
            let key = key(&config, &stores).await;
            stores.close().await;
            Terminal::line(key?.ok_or(VaultError::Sealed)?);
            Ok(())
        }
    }
}

/// The log's own key, if the vault opens from its source; otherwise the one that stands beside the newest checkpoint, as the
/// database says it. `None` if there is neither.
async fn key(config: &Config, stores: &Stores) -> Result<Option<VerifierKey>, Failure> {
    if stores.unseal(config).await? {
        return Ok(Some(kept::signer(&stores.keyring, &config.audit.origin)?.verifier().clone()));
    }
    let last = kept::last_checkpoint(&stores.data).await?;
    Ok(last.and_then(|last| last.verifier.parse().ok()))
}
