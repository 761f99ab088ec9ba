//! The composition root: what the running program consists of.
//!
//! Must never hold a global: everything is handed on from here, so that tests can put together another one.

use std::sync::Arc;

use kluis_core::access::{Finding, Policy, Scope, ScopedPermission, current_epoch};
use kluis_core::audit::{Event, Feed, ReadLog};
use kluis_core::kernel::{Clock, Entropy, Id, Kind, Problem};
use kluis_core::privacy::Keyring;
use kluis_core::privacy::directory::Directory;
use kluis_core::store::{Db, StoreError};

use crate::config::Config;
use crate::sessions::Sessions;

/// The running program; shared as `Arc<App>`.
pub struct App {
    pub db: Db,
    pub keys: Keyring,
    pub policy: Policy,
    pub clock: Clock,
    pub entropy: Arc<dyn Entropy>,
    pub reads: ReadLog,
    /// Names in memory; follows the feed.
    pub directory: Directory,
    /// How far this node has followed what all nodes write.
    pub feed: Feed,
    pub sessions: Sessions,
    pub config: Config,
}

impl App {
    /// A new id, by this program's clock and entropy.
    pub fn new_id<K: Kind>(&self) -> Id<K> {
        Id::new(self.clock.now(), &*self.entropy)
    }

    /// An event about what the scope's actor does with this entity.
    pub fn event<P: ScopedPermission>(&self, scope: &Scope<P>) -> Event {
        Event::of(scope, self.new_id(), self.clock.now())
    }

    /// Closes the vault: keys, names and actors leave the memory. From now on personal data answers 503.
    pub fn seal(&self) {
        self.keys.seal();
        self.directory.drop_all();
        self.sessions.clear();
    }

    /// Commits the event of a read; the answer may leave afterwards, and not before.
    pub async fn record_read(&self, event: Event) -> Result<(), Problem> {
        self.reads.record(event).await
    }
}

/// Why the program can't be put together.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the policy has faults")]
    Policy(Vec<Finding>),
    #[error("the policy file can't be read")]
    PolicyFile(#[source] std::io::Error),
}

impl App {
    /// Puts the program together over open stores. The vault may still be sealed.
    pub async fn assemble(
        config: Config,
        db: Db,
        keys: Keyring,
        clock: Clock,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Arc<Self>, AppError> {
        let epoch = current_epoch(&db).await?;
        let policy = match &config.policy_file {
            None => Policy::shipped(epoch),
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(AppError::PolicyFile)?;
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("policy");
                Policy::open(kluis_core::access::parse(name, &text), epoch)
            }
        };
        let policy = policy.map_err(AppError::Policy)?;
        Ok(Arc::new(Self {
            reads: ReadLog::start(db.clone())?,
            db,
            keys,
            policy,
            clock,
            entropy,
            directory: Directory::new(),
            feed: Feed::new(),
            sessions: Sessions::default(),
            config,
        }))
    }
}
