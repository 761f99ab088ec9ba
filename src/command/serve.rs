//! `kluis serve`: runs the server.

use clap::Args;
use kluis_core::kernel::{Clock, Message};

use super::exit::{Exit, Failure};
use super::migrate::must_exist;
use super::options::Options;
use super::terminal::{Terminal, p};
use crate::logging;
use crate::server;
use crate::server::control::Control;
use crate::server::listen::{ListenError, Listening};
use crate::server::open::{self, StartError};
use crate::server::stores::Stores;

#[derive(Debug, Args)]
pub struct ServeCommand {
    /// Brings the databases to this program's version first
    #[arg(long)]
    migrate: bool,
}

pub async fn run(command: &ServeCommand, options: &Options, terminal: Terminal) -> Result<(), Failure> {
    let (_, config) = options.load()?;
    logging::start(&config).map_err(|fault| Failure::from(vec![fault]))?;
    must_exist(&config)?;
    let listening = Listening::bind(config.listen, config.tls.as_ref()).await.map_err(StartError::from)?;
    let stores = Stores::open(&config).await?;
    if command.migrate {
        stores.migrate().await?;
    }
    let control = Control::for_service(&config).map_err(StartError::from)?;
    let url = config.public_url.clone();
    let app = open::open(config, &stores, Clock::System).await?;
    let address = listening.address();
    terminal.note(Message::new(
        format!("Kluis answers on {address}; people reach it at {url}"),
        format!("Kluis antwoordt op {address}; mensen bereiken het op {url}"),
    ));
    if app.keys.is_sealed() {
        terminal.note(p(
            "The vault is sealed: open it with kluis unseal.",
            "De kluis is gesloten: open haar met kluis unseal.",
        ));
    }
    let ended = server::run(app, listening, control).await;
    stores.close().await;
    Ok(ended?)
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let (exit, message) = match error {
            StartError::Store(error) => return error.into(),
            StartError::Vault(error) => return error.into(),
            StartError::Listen(error) => return error.into(),
            StartError::Policy(findings) => {
                let message = |finding: kluis_core::access::Finding| {
                    Message::new(finding.text(|phrase| phrase.en), finding.text(|phrase| phrase.nl))
                };
                return Self { exit: Exit::Configuration, messages: findings.into_iter().map(message).collect() };
            }
            StartError::Migrations(open) => (
                Exit::Database,
                Message::new(
                    format!("{open} migrations to do: run kluis migrate (or kluis serve --migrate) first."),
                    format!("Nog {open} migraties te doen: voer eerst kluis migrate uit (of kluis serve --migrate)."),
                ),
            ),
            StartError::Newer => (
                Exit::Database,
                p(
                    "The database was made by a newer version of this program.",
                    "De database is door een nieuwere versie van dit programma gemaakt.",
                )
                .into(),
            ),
            StartError::PolicyFile(kind) => (
                Exit::Configuration,
                Message::new(
                    format!("policy.file can't be read: {kind}"),
                    format!("policy.file is niet leesbaar: {kind}"),
                ),
            ),
            StartError::Site(error) => (Exit::Failed, Message::plain(error.to_string())),
            StartError::Problem(problem) => return problem.into(),
            StartError::Control(error) => return error.into(),
            StartError::Run(kind) => (
                Exit::Failed,
                Message::new(format!("The server stopped: {kind}."), format!("De server is gestopt: {kind}.")),
            ),
        };
        Self::new(exit, message)
    }
}

impl From<ListenError> for Failure {
    fn from(error: ListenError) -> Self {
        let message = match error {
            ListenError::Address(address, kind) => Message::new(
                format!("{address} can't be listened on: {kind}."),
                format!("Op {address} kan niet geluisterd worden: {kind}."),
            ),
            ListenError::Certificate(path) => Message::new(
                format!("{} holds no usable certificate or key.", path.display()),
                format!("{} bevat geen bruikbaar certificaat of sleutel.", path.display()),
            ),
            ListenError::Pair => {
                p("Certificate and key don't fit together.", "Certificaat en sleutel horen niet bij elkaar.").into()
            }
        };
        Self::new(Exit::Configuration, message)
    }
}
