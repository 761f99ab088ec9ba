//! `kluis unseal` and `kluis seal`: the vault of the running service, opened and closed without a restart.
//!
//! Must never: open the databases, or keep what was typed.

use kluis_core::kernel::Message;

use super::exit::{Exit, Failure};
use super::options::Options;
use super::secret;
use super::terminal::{Terminal, p};
use crate::server::control::ask::ask;
use crate::server::control::{Answer, ControlError, Done, Request};

pub async fn unseal(options: &Options, terminal: Terminal) -> Result<(), Failure> {
    let (resolved, config) = options.load()?;
    // Before anybody types a secret: somebody must be there to take it, and it must be wanted.
    let now = ask(&config.data_directory, &Request::Status).await?;
    if !now.sealed {
        terminal.say(p("The vault was open already.", "De kluis was al open."));
        return Ok(());
    }
    let secret = secret::ask(&resolved, terminal).await?;
    let answer = ask(&config.data_directory, &Request::Unseal(secret)).await?;
    match answer.done {
        Done::Changed => terminal.say(p("The vault is open.", "De kluis is open.")),
        Done::AsBefore => terminal.say(p("The vault was open already.", "De kluis was al open.")),
        Done::Refused => return Err(refused(&answer)),
    }
    Ok(())
}

pub async fn seal(options: &Options, terminal: Terminal) -> Result<(), Failure> {
    let (_, config) = options.load()?;
    let answer = ask(&config.data_directory, &Request::Seal).await?;
    match answer.done {
        Done::Changed => terminal.say(p(
            "The vault is sealed. Personal data answers 503 until kluis unseal.",
            "De kluis is gesloten. Persoonsgegevens geven 503 tot kluis unseal.",
        )),
        Done::AsBefore => terminal.say(p("The vault was sealed already.", "De kluis was al gesloten.")),
        Done::Refused => return Err(refused(&answer)),
    }
    Ok(())
}

fn refused(answer: &Answer) -> Failure {
    let mut failure = Failure::new(Exit::Sealed, p("The vault stays sealed.", "De kluis blijft gesloten."));
    failure.messages.extend(answer.message());
    failure
}

impl From<ControlError> for Failure {
    fn from(error: ControlError) -> Self {
        let message = match error {
            ControlError::Nobody(path) => Message::new(
                format!("No service runs on {}: start it with kluis serve.", path.display()),
                format!("Er draait geen dienst op {}: start die met kluis serve.", path.display()),
            ),
            ControlError::Taken(path) => Message::new(
                format!("Another process serves {}.", path.display()),
                format!("Een ander proces bedient {}.", path.display()),
            ),
            ControlError::Stranger(path) => Message::new(
                format!("{} belongs to another user: nothing was sent.", path.display()),
                format!("{} is van een andere gebruiker: er is niets verzonden.", path.display()),
            ),
            ControlError::Make(path, kind) => Message::new(
                format!("{} can't be made: {kind}.", path.display()),
                format!("{} kan niet gemaakt worden: {kind}.", path.display()),
            ),
            ControlError::Talk(path, kind) => Message::plain(format!("{}: {kind}", path.display())),
        };
        Self::new(Exit::Failed, message)
    }
}
