//! The running program's vault, opened and sealed by hand; both are on record.
//!
//! Must never: stay open when that can't be put on record, or stay open because it can't be put on record that it was
//! sealed.

use std::collections::BTreeMap;

use kluis_core::access::Channel;
use kluis_core::audit::{Class, Event, Outcome};
use kluis_core::kernel::Problem;
use kluis_core::privacy::{Handed, Result as VaultResult, RootKey, Sensitive, VaultError, by_hand};

use crate::app::App;
use crate::{erasures, tenants};

/// Opens the vault with what somebody handed over. A wrong secret changes nothing, and is on record as well.
pub async fn unseal(app: &App, secret: Sensitive<String>) -> VaultResult<()> {
    let kind = Handed::of(secret.expose()).code();
    let opened = match by_hand(secret, &**app.keys.store()).await {
        Ok(root) => open(app, root).await,
        Err(error) => Err(error),
    };
    let fact = |event: Event| event.code("key", kind);
    if let Err(error) = opened {
        let failed = |event| fact(event).outcome(Outcome::Failed).code("reason", error.code());
        if let Err(problem) = record(app, "vault.unseal", failed).await {
            tracing::error!(%problem, "an attempt to open the vault could not be put on record");
        }
        tracing::warn!(%error, "the vault was not opened");
        return Err(error);
    }
    if let Err(problem) = record(app, "vault.unseal", fact).await {
        app.seal();
        tracing::error!(%problem, "the vault was sealed again: its opening could not be put on record");
        return Err(VaultError::store("the opening could not be put on record"));
    }
    tracing::info!("the vault is open");
    Ok(())
}

/// Opens the vault, unless older data has brought back whom somebody has erased.
async fn open(app: &App, root: RootKey) -> VaultResult<()> {
    let was_sealed = app.keys.is_sealed();
    app.keys.unseal(root).await?;
    let checked = erasures::ledger::check(app).await.map_err(VaultError::from);
    if checked.is_err() && was_sealed {
        app.seal();
    }
    checked
}

/// Closes the vault; false if it was closed.
pub async fn seal(app: &App) -> bool {
    if app.keys.is_sealed() {
        return false;
    }
    // The key store learns which keys were handed out. If not, some of the reserve stay unused: no reason to stay open.
    if let Err(error) = app.keys.flush().await {
        tracing::warn!(%error, "the reserve of keys could not be counted");
    }
    app.seal();
    tracing::warn!("the vault was sealed: personal data answers 503");
    if let Err(problem) = record(app, "vault.seal", |event| event).await {
        tracing::error!(%problem, "that the vault was sealed could not be put on record");
    }
    true
}

/// Puts on record what whoever runs the machine has done with the installation.
pub async fn record(app: &App, action: &'static str, fact: impl FnOnce(Event) -> Event) -> Result<(), Problem> {
    // The vault is the whole installation's: it stands in the log of the organisation at the top. Before there is one,
    // nothing can be opened that is anybody's.
    let Some(top) = tenants::service::roots(app).await?.first().map(|tenant| tenant.id) else { return Ok(()) };
    let event = Event {
        id: app.new_id(),
        at: app.clock.now(),
        tenant: top,
        owner: None,
        actor: "system:operator".into(),
        channel: Channel::CommandLine.as_str().into(),
        request: "".into(),
        class: Class::Security,
        action: action.into(),
        entity: "vault".into(),
        record: None,
        subjects: Vec::new(),
        compartments: 0,
        purpose: "administration".into(),
        outcome: Outcome::Allowed,
        detail: BTreeMap::new(),
    };
    app.db.begin().await?.record(fact(event)).await?.commit().await?;
    Ok(())
}
