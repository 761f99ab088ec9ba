//! `kluis config`: what the program would run with.

use clap::Subcommand;

use super::exit::Failure;
use super::options::{Options, environment};
use super::terminal::{Terminal, p};
use crate::config::{dump, strangers};
use crate::logging;
use kluis_core::kernel::Message;

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Says whether the configuration is sound, and names every fault
    Check,
    /// Shows every setting, its value and where it came from; secrets are masked
    Dump,
}

pub fn run(command: &ConfigCommand, options: &Options, terminal: Terminal) -> Result<(), Failure> {
    let (resolved, config) = options.load()?;
    match command {
        ConfigCommand::Dump => Terminal::raw(&dump(&resolved, terminal.say_phrase())),
        ConfigCommand::Check => {
            logging::check(&config).map_err(|fault| Failure::from(vec![fault]))?;
            for name in strangers(&environment()) {
                terminal.note(Message::new(
                    format!("Warning: {name} is no setting; a typing error?"),
                    format!("Waarschuwing: {name} is geen instelling; een typefout?"),
                ));
            }
            terminal.say(p("The configuration is sound.", "De configuratie is in orde."));
        }
    }
    Ok(())
}
