//! `kluis demo`: a fictitious franchise to look around in, on this machine only.
//!
//! Must never: listen on an address that others can reach, or touch a directory that isn't its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use kluis_core::kernel::{Clock, Message};

use super::exit::{Exit, Failure};
use super::options::Options;
use super::terminal::{Terminal, p};
use crate::app::App;
use crate::config::{Config, Origin};
use crate::demo::{EDITION, SEED, Visitor, seed, visitors};
use crate::logging;
use crate::server::control::{Control, SOCKET};
use crate::server::listen::Listening;
use crate::server::open::{self, StartError};
use crate::server::stores::Stores;
use crate::server::{self, setup};

#[derive(Debug, Args)]
pub struct DemoCommand {
    /// Where the demonstration is kept; otherwise KLUIS_DATA_DIRECTORY, or demo-data
    #[arg(long, value_name = "DIRECTORY")]
    directory: Option<PathBuf>,
    /// Makes everything anew
    #[arg(long)]
    fresh: bool,
    /// Prints the address and the tokens of the roles as one line of JSON, once the server answers
    #[arg(long)]
    json: bool,
}

/// Says that a directory holds a complete demonstration, and which one.
const MARK: &str = "demonstration";
/// Everything that a demonstration keeps; nothing else is ever removed.
const FILES: [&str; 9] =
    [MARK, SOCKET, "root.key", "kluis.db", "kluis.db-wal", "kluis.db-shm", "keys.db", "keys.db-wal", "keys.db-shm"];
const CUSTOMERS: u64 = 2_000;
/// Where it is kept when nothing else was said.
const DIRECTORY: &str = "demo-data";

pub async fn run(command: &DemoCommand, options: &Options, terminal: Terminal) -> Result<(), Failure> {
    let started = Instant::now();
    let mut config = configuration(command.directory.as_deref(), options)?;
    logging::start(&config).map_err(|fault| Failure::from(vec![fault]))?;
    let listening = Listening::bind(config.listen, config.tls.as_ref()).await.map_err(StartError::from)?;
    if config.public_url.is_empty() {
        // Known only now: with port 0 the system has chosen one.
        let scheme = if config.tls.is_some() { "https" } else { "http" };
        config.public_url = format!("{scheme}://{}", listening.address());
    }
    let directory = config.data_directory.clone();
    let is_new = prepare(&directory, command.fresh)?;
    let control = Control::for_service(&config).map_err(StartError::from)?;
    let stores = Stores::open(&config).await?;
    stores.migrate().await?;
    let opened = if is_new { make(config, &stores, &directory).await } else { reopen(config, &stores).await };
    let app = opened?;
    let visitors = visitors(&app).await?;
    if command.json {
        tell_programs(&app, &visitors);
    } else {
        tell(&app, &visitors, started, terminal);
    }
    let ended = server::run(app, listening, control).await;
    stores.close().await;
    Ok(ended?)
}

/// The demonstration's own settings: the environment and `--set` overrule them, as long as nobody else can reach it.
/// Databases of the environment are somebody's own, and not for playing. A public address that wasn't chosen is left
/// empty.
fn configuration(directory: Option<&Path>, options: &Options) -> Result<Config, Failure> {
    let own = ["database.url", "keys.url"].map(|key| (key.to_owned(), String::new()));
    let mut presets = Vec::from(own);
    presets.push(("unseal.source".to_owned(), "key-file".to_owned()));
    let (resolved, config) = options.load_over(None, &presets)?;
    let is_default = |key: &str| matches!(resolved.origin(key), None | Some(Origin::Default));
    if !config.listen.ip().is_loopback() {
        return Err(Failure::new(
            Exit::Configuration,
            p(
                "The demonstration only listens on this machine: choose a loopback address for server.listen.",
                "De demonstratie luistert alleen op deze machine: kies een loopback-adres voor server.listen.",
            ),
        ));
    }
    let otherwise = if is_default("data.directory") { Path::new(DIRECTORY) } else { &config.data_directory };
    let directory = directory.unwrap_or(otherwise);
    let directory = std::path::absolute(directory).map_err(|error| Failure::file(directory, &error))?;
    presets.push(("data.directory".to_owned(), directory.display().to_string()));
    if is_default("log.level") {
        presets.push(("log.level".to_owned(), "warn".to_owned()));
    }
    let (_, mut config) = options.load_over(None, &presets)?;
    if is_default("server.public_url") {
        config.public_url.clear();
    }
    Ok(config)
}

/// Whether the demonstration has to be made; removes one that is incomplete, of another version or not wanted any more.
fn prepare(directory: &Path, fresh: bool) -> Result<bool, Failure> {
    let fault = |error: std::io::Error| Failure::file(directory, &error);
    if directory.is_dir() {
        let is_complete = std::fs::read_to_string(directory.join(MARK)).is_ok_and(|text| text == mark());
        if is_complete && !fresh {
            return Ok(false);
        }
        require_own(directory)?;
        for name in FILES {
            match std::fs::remove_file(directory.join(name)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(fault(error)),
                _ => {}
            }
        }
    }
    setup::make_directory(directory).map_err(fault)?;
    Ok(true)
}

/// Refuses a directory in which anything else is kept.
fn require_own(directory: &Path) -> Result<(), Failure> {
    let fault = |error: std::io::Error| Failure::file(directory, &error);
    for entry in std::fs::read_dir(directory).map_err(fault)? {
        let name = entry.map_err(fault)?.file_name();
        if !FILES.iter().any(|own| name == *own) {
            let directory = directory.display();
            return Err(Failure::new(
                Exit::Failed,
                Message::new(
                    format!("{directory} holds something else than a demonstration: nothing was touched."),
                    format!("{directory} bevat iets anders dan een demonstratie: er is niets aangeraakt."),
                ),
            ));
        }
    }
    Ok(())
}

/// Changes whenever the demonstration would be made differently.
fn mark() -> String {
    format!("{} {SEED} {EDITION}\n", env!("CARGO_PKG_VERSION"))
}

async fn make(config: Config, stores: &Stores, directory: &Path) -> Result<Arc<App>, Failure> {
    // Nothing of value hangs on the recovery key of a demonstration.
    drop(setup::make_vault(stores, &config, None).await?);
    let app = open::assemble(config, stores, Clock::System).await?;
    let bar = ProgressBar::new(CUSTOMERS).with_style(bar_style());
    seed(&app, SEED, |count| bar.set_position(count as u64)).await?;
    bar.finish_and_clear();
    setup::write_private(&directory.join(MARK), &mark()).map_err(|error| Failure::file(directory, &error))?;
    Ok(app)
}

fn bar_style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:40} {pos}/{len}").unwrap_or_else(|_| ProgressStyle::default_bar())
}

async fn reopen(config: Config, stores: &Stores) -> Result<Arc<App>, Failure> {
    Ok(open::open(config, stores, Clock::System).await?)
}

/// One line, for programs that want to try the service: the connection is taken from now on.
fn tell_programs(app: &App, visitors: &[Visitor]) {
    let tokens: BTreeMap<_, _> = visitors.iter().map(|visitor| (visitor.person.role, visitor.token.as_str())).collect();
    Terminal::line(serde_json::json!({ "url": app.config.public_url, "tokens": tokens }));
}

fn tell(app: &App, visitors: &[Visitor], started: Instant, terminal: Terminal) {
    let (url, seconds) = (&app.config.public_url, started.elapsed().as_secs_f32());
    terminal.say(Message::new(
        format!("Kluis shows a fictitious franchise on {url} (ready after {seconds:.1} s).\n"),
        format!("Kluis toont een fictieve franchise op {url} (klaar na {seconds:.1} s).\n"),
    ));
    for visitor in visitors {
        let person = visitor.person;
        Terminal::line(format!("{} · {} · {}", terminal.language.say(person.title), person.name, person.unit));
        let (link, token) = (visitor.link.as_str(), visitor.token.as_str());
        terminal.say(Message::new(format!("  sign in   {link}"), format!("  aanmelden {link}")));
        Terminal::line(format!("  token     {token}"));
    }
    let token = visitors.get(1).map_or("", |visitor| visitor.token.as_str());
    terminal.say(Message::new(
        format!("\nThe API:    {url}/docs\nFor example:"),
        format!("\nDe API:     {url}/docs\nBijvoorbeeld:"),
    ));
    Terminal::line(format!("  curl -s -H 'Authorization: Bearer {token}' '{url}/v1/customers?pageSize=3'\n"));
    terminal.say(p(
        "Links work once and for 30 minutes, tokens for 12 hours. Ctrl-C stops it.",
        "Links werken één keer en 30 minuten, tokens 12 uur. Ctrl-C stopt alles.",
    ));
}
