//! The vault: whether it opens from its source, and whether that of the running service is open.

use kluis_core::kernel::{Clock, Message, Phrase};
use kluis_core::privacy::VaultError;

use super::report::Report;
use crate::command::exit::Failure;
use crate::command::terminal::p;
use crate::config::Config;
use crate::erasures::ledger;
use crate::server::control::ask::ask;
use crate::server::control::{ControlError, Request};
use crate::server::open;
use crate::server::stores::{self, Stores};

const VAULT: Phrase = p("vault", "kluis");
const TWO: Phrase = p(
    "opens, but its source holds two root keys: a rotation was broken off. kluis key rotate root goes on with it",
    "gaat open, maar haar bron bevat twee hoofdsleutels: een vervanging is afgebroken. kluis key rotate root gaat verder",
);
const SERVICE: Phrase = p("running service", "draaiende dienst");
const STORE: Phrase = p("key store", "sleutelopslag");

pub async fn check(stores: &Stores, config: &Config, report: &mut Report) {
    let opened = stores.unseal(config).await;
    let is_two = matches!(opened, Ok(true)) && stores::root_keys(&config.unseal).await.is_ok_and(|keys| keys.len() > 1);
    match opened {
        Ok(true) if is_two => report.warn(VAULT, TWO),
        Ok(true) => {
            report.ok(VAULT, p("opens from its source", "gaat open vanuit de bron"));
            erasures(stores, config, report).await;
        }
        Ok(false) => report
            .ok(VAULT, p("opened by hand (unseal.source = manual)", "gaat met de hand open (unseal.source = manual)")),
        Err(error) => report.fail(VAULT, why(error)),
    }
    match ask(&config.data_directory, &Request::Status).await {
        Ok(answer) if answer.sealed => report.warn(
            SERVICE,
            p("runs, and its vault is sealed: kluis unseal", "draait, en haar kluis is gesloten: kluis unseal"),
        ),
        Ok(_) => report.ok(SERVICE, p("runs, and its vault is open", "draait, en haar kluis is open")),
        Err(ControlError::Nobody(_)) => report.ok(SERVICE, p("does not run here", "draait hier niet")),
        Err(error) => report.fail(SERVICE, Failure::from(error).messages.pop().unwrap_or_else(|| Message::plain(""))),
    }
    match stores.keyring.store().counts().await {
        Ok(counts) => {
            let (tenants, used, destroyed) = (counts.tenants, counts.used + counts.reserved, counts.destroyed);
            report.ok(
                STORE,
                Message::new(
                    format!("{tenants} tenants, {used} keys, {destroyed} destroyed"),
                    format!("{tenants} tenants, {used} sleutels, {destroyed} vernietigd"),
                ),
            );
        }
        Err(error) => report.fail(STORE, why(error)),
    }
}

const ERASURES: Phrase = p("erasure ledger", "wisregister");

/// Whether older data was put back, as far as the copy of the ledger tells.
async fn erasures(stores: &Stores, config: &Config, report: &mut Report) {
    let app = match open::assemble(config.clone(), stores, Clock::System).await {
        Ok(app) => app,
        Err(error) => return report.fail(ERASURES, last(Failure::from(error))),
    };
    match ledger::look(&app).await {
        Ok(()) if config.ledger_copy.is_none() => report.warn(
            ERASURES,
            p(
                "has no copy outside of the data directory (erasure.ledger_copy): a restored backup brings back whom somebody has erased",
                "heeft geen kopie buiten de gegevensmap (erasure.ledger_copy): een teruggezette reservekopie brengt terug wie gewist is",
            ),
        ),
        Ok(()) => report.ok(ERASURES, p("is like its copy", "is gelijk aan zijn kopie")),
        Err(error) => report.fail(ERASURES, last(Failure::from(error))),
    }
}

fn last(mut failure: Failure) -> Message {
    failure.messages.pop().unwrap_or_else(|| Message::plain(""))
}

fn why(error: VaultError) -> Message {
    last(Failure::from(error))
}
