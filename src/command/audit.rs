//! `kluis audit`: the log of what happened, checked.

use clap::Subcommand;
use kluis_core::audit;
use kluis_core::kernel::Message;

use super::exit::{Exit, Failure};
use super::migrate::must_exist;
use super::options::Options;
use super::terminal::Terminal;
use crate::server::stores::Stores;

#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Recomputes the chain of the audit log and says whether it was changed
    Verify,
}

pub async fn run(command: &AuditCommand, options: &Options, terminal: Terminal) -> Result<(), Failure> {
    let AuditCommand::Verify = command;
    let (_, config) = options.load()?;
    must_exist(&config)?;
    let stores = Stores::open(&config).await?;
    let report = audit::verify(&stores.data).await;
    stores.close().await;
    let report = report?;
    let events = report.events;
    match report.broken_at {
        None => {
            let en = format!("{events} events; the chain holds.");
            let nl = format!("{events} gebeurtenissen; de keten klopt.");
            terminal.say(Message::new(en, nl));
            Ok(())
        }
        Some(at) => {
            let en = format!("The chain breaks at event {at}: the log was changed outside the program.");
            let nl = format!("De keten breekt bij gebeurtenis {at}: het logboek is buiten het programma om gewijzigd.");
            Err(Failure::new(Exit::Failed, Message::new(en, nl)))
        }
    }
}
