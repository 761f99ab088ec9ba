//! Opening what the program stands on: the data's database, the keys' database, and the vault.
//!
//! Must never: open the keys' database on the data's, migrate without being told, or fall back to another key source.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use kluis_core::privacy::keyring::RootSource;
use kluis_core::privacy::unseal::{ProcessEnvironment, the_fitting};
use kluis_core::privacy::{
    KeyStore, Keyring, KeyringOptions, Result as VaultResult, RootKey, Sensitive, UnsealSource as Source, by_hand,
};
use kluis_core::store::migrate::{self, Schema, Step};
use kluis_core::store::{Db, DbKeyStore, DbOptions, StoreError};

use super::transit;
use crate::config::{Config, DatabaseConfig, UnsealSource};

/// Name of the systemd credential (`LoadCredentialEncrypted=kluis-root-key`).
pub const CREDENTIAL: &str = "kluis-root-key";
/// The keys' database is asked for a few rows at a time.
const KEY_CONNECTIONS: u32 = 4;

/// Both databases and the sealed vault over one of them.
pub struct Stores {
    pub data: Db,
    pub keys: Db,
    pub keyring: Keyring,
}

/// Where the databases are.
pub fn options(config: &Config) -> (DbOptions, DbOptions) {
    match &config.database {
        DatabaseConfig::Sqlite { directory, readers } => {
            let (data, keys) = files(directory);
            (
                DbOptions::Sqlite { file: data, readers: *readers },
                DbOptions::Sqlite { file: keys, readers: KEY_CONNECTIONS },
            )
        }
        DatabaseConfig::Postgres { url, keys_url, connections } => (
            DbOptions::Postgres { url: url.to_string(), connections: *connections },
            DbOptions::Postgres { url: keys_url.to_string(), connections: KEY_CONNECTIONS },
        ),
    }
}

/// The files of the embedded databases: data, keys.
pub fn files(directory: &std::path::Path) -> (PathBuf, PathBuf) {
    (directory.join("kluis.db"), directory.join("keys.db"))
}

impl Stores {
    /// Opens both; makes the files of the embedded ones if they aren't there.
    pub async fn open(config: &Config) -> Result<Self, StoreError> {
        let (data, keys) = options(config);
        let (data, keys) = (Db::open(&data).await?, Db::open(&keys).await?);
        let options = KeyringOptions { cached_keys: config.key_cache, ..KeyringOptions::default() };
        let keyring = Keyring::new(Arc::new(DbKeyStore::new(keys.clone())), options);
        keyring.set_source(Box::new(Configured(config.unseal.clone())));
        Ok(Self { data, keys, keyring })
    }

    /// Brings both schemas up to date.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        migrate::run(&self.data, Schema::Data).await?;
        migrate::run(&self.keys, Schema::Keys).await
    }

    /// Every migration of both databases, data first.
    pub async fn plan(&self) -> Result<[Vec<Step>; 2], StoreError> {
        Ok([migrate::plan(&self.data, Schema::Data).await?, migrate::plan(&self.keys, Schema::Keys).await?])
    }

    /// Opens the vault from the source that the configuration names. `false`: it is to stay sealed until somebody comes.
    pub async fn unseal(&self, config: &Config) -> VaultResult<bool> {
        let Some(root) = root_key(config, &self.keyring).await? else { return Ok(false) };
        self.keyring.unseal(root).await.map(|()| true)
    }

    /// Opens the vault with what somebody handed over: passphrase, root key or recovery key.
    pub async fn unseal_by_hand(&self, secret: Sensitive<String>) -> VaultResult<()> {
        let root = by_hand(secret, &**self.keyring.store()).await?;
        self.keyring.unseal(root).await
    }

    /// Waits for what is under way, folds logs into files, closes.
    pub async fn close(&self) {
        self.keyring.seal();
        self.data.close().await;
        self.keys.close().await;
    }
}

/// `None` for a vault that is opened by hand.
pub async fn root_key(config: &Config, keyring: &Keyring) -> VaultResult<Option<RootKey>> {
    Configured(config.unseal.clone()).root_key(&**keyring.store()).await
}

/// All root keys that stand in the source, the wanted one first; none where a passphrase or a person opens the vault.
pub async fn root_keys(unseal: &UnsealSource) -> VaultResult<Vec<RootKey>> {
    match unseal {
        UnsealSource::Transit(config) => transit::root_keys(config).await,
        UnsealSource::Environment(text) => Ok(RootKey::parse_several(text)?),
        other => read_from(other).map_or(Ok(Vec::new()), |source| source.root_keys(&ProcessEnvironment)),
    }
}

/// `None` for what the configuration has read already, and for a person.
fn read_from(unseal: &UnsealSource) -> Option<Source> {
    Some(match unseal {
        // The configuration has read the variable, or the file that it names.
        UnsealSource::Manual | UnsealSource::Environment(_) | UnsealSource::Transit(_) => return None,
        UnsealSource::KeyFile(path) => Source::KeyFile(path.clone()),
        UnsealSource::Credential => Source::SystemdCredential(CREDENTIAL.to_owned()),
        UnsealSource::Passphrase(text) => Source::Passphrase(Sensitive::new(text.to_string())),
    })
}

/// The source that the configuration names; asked again when the root key was rotated.
struct Configured(UnsealSource);

#[async_trait]
impl RootSource for Configured {
    async fn root_key(&self, store: &dyn KeyStore) -> VaultResult<Option<RootKey>> {
        match (&self.0, read_from(&self.0)) {
            (_, Some(source)) => source.root_key(store, &ProcessEnvironment).await.map(Some),
            (UnsealSource::Environment(text), None) => {
                the_fitting(RootKey::parse_several(text)?, store).await.map(Some)
            }
            (UnsealSource::Transit(config), None) => {
                the_fitting(transit::root_keys(config).await?, store).await.map(Some)
            }
            _ => Ok(None),
        }
    }
}
