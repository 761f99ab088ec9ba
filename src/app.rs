//! The composition root: what the running program consists of.
//!
//! Must never hold a global: everything is handed on from here, so that tests can put together another one.

use std::sync::Arc;

use kluis_core::access::{Policy, Scope, ScopedPermission};
use kluis_core::audit::{Event, ReadLog};
use kluis_core::kernel::{Clock, Entropy, Id, Kind, Problem};
use kluis_core::privacy::Keyring;
use kluis_core::privacy::directory::Directory;
use kluis_core::store::Db;

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
    pub directory: Directory,
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

    /// Commits the event of a read; the answer may leave afterwards, and not before.
    pub async fn record_read(&self, event: Event) -> Result<(), Problem> {
        self.reads.record(event).await
    }
}
