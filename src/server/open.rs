//! From a configuration to a running program's parts.
//!
//! Must never: start on a schema that isn't this program's, or without a policy.

use std::sync::Arc;

use kluis_core::access::Finding;
use kluis_core::kernel::{Clock, Problem};
use kluis_core::privacy::{RootKey, VaultError};
use kluis_core::store::StoreError;
use kluis_core::store::migrate::{Schema, newer};

use super::control::ControlError;
use super::listen::ListenError;
use super::site::SiteError;
use super::stores::Stores;
use crate::app::{App, AppError};
use crate::config::Config;
use crate::entropy::SystemEntropy;
use crate::erasures;

/// Why the program doesn't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// How many migrations wait.
    #[error("{0} migrations to do")]
    Migrations(usize),
    #[error("the database was made by a newer version of this program")]
    Newer,
    #[error("the policy file can't be read: {0}")]
    PolicyFile(std::io::ErrorKind),
    #[error("the policy has faults")]
    Policy(Vec<Finding>),
    #[error(transparent)]
    Site(#[from] SiteError),
    /// What a service answered while an installation was made.
    #[error(transparent)]
    Problem(#[from] Problem),
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error("the server stopped: {0}")]
    Run(std::io::ErrorKind),
}

impl From<AppError> for StartError {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Store(error) => Self::Store(error),
            AppError::Policy(findings) => Self::Policy(findings),
            AppError::PolicyFile(error) => Self::PolicyFile(error.kind()),
        }
    }
}

/// Checks the schema, opens the vault from its source and puts the parts together.
pub async fn open(config: Config, stores: &Stores, clock: Clock) -> Result<Arc<App>, StartError> {
    require_current(stores).await?;
    if stores.unseal(&config).await? {
        tracing::info!("the vault is open");
    } else {
        tracing::warn!("the vault stays sealed: personal data answers 503");
    }
    let app = assemble(config, stores, clock).await?;
    if !app.keys.is_sealed() {
        // Before anybody can see whom older data has brought back.
        erasures::ledger::check(&app).await.map_err(VaultError::from)?;
    }
    Ok(app)
}

/// The same without the look at the erasure ledger: for the command that mends it.
pub async fn open_unchecked(config: Config, stores: &Stores, clock: Clock) -> Result<Arc<App>, StartError> {
    require_current(stores).await?;
    stores.unseal(&config).await?;
    assemble(config, stores, clock).await
}

/// As [`open`], with a root key that somebody had opened by hand.
pub async fn open_with(config: Config, stores: &Stores, root: RootKey, clock: Clock) -> Result<Arc<App>, StartError> {
    require_current(stores).await?;
    stores.keyring.unseal(root).await?;
    assemble(config, stores, clock).await
}

/// Puts the parts together over a vault as it is.
pub async fn assemble(config: Config, stores: &Stores, clock: Clock) -> Result<Arc<App>, StartError> {
    let (db, keys) = (stores.data.clone(), stores.keyring.clone());
    Ok(App::assemble(config, db, keys, clock, Arc::new(SystemEntropy::default())).await?)
}

async fn require_current(stores: &Stores) -> Result<(), StartError> {
    for (db, schema) in [(&stores.data, Schema::Data), (&stores.keys, Schema::Keys)] {
        if !newer(db, schema).await?.is_empty() {
            return Err(StartError::Newer);
        }
    }
    let open = stores.plan().await?.iter().flatten().filter(|step| !step.applied).count();
    if open > 0 { Err(StartError::Migrations(open)) } else { Ok(()) }
}
