//! The vault: opens from its source, or is meant to be opened by hand.

use kluis_core::kernel::{Message, Phrase};
use kluis_core::privacy::VaultError;

use super::report::Report;
use crate::command::exit::Failure;
use crate::command::terminal::p;
use crate::config::Config;
use crate::server::stores::Stores;

const VAULT: Phrase = p("vault", "kluis");
const STORE: Phrase = p("key store", "sleutelopslag");

pub async fn check(stores: &Stores, config: &Config, report: &mut Report) {
    match stores.unseal(config).await {
        Ok(true) => report.ok(VAULT, p("opens from its source", "gaat open vanuit de bron")),
        Ok(false) => report.warn(
            VAULT,
            p(
                "stays sealed until somebody opens it (unseal.source = manual)",
                "blijft gesloten tot iemand haar opent (unseal.source = manual)",
            ),
        ),
        Err(error) => report.fail(VAULT, why(error)),
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

fn why(error: VaultError) -> Message {
    Failure::from(error).messages.pop().unwrap_or_else(|| Message::plain(""))
}
