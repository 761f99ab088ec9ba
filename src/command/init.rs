//! `kluis init`: makes an installation, once.
//!
//! Must never: overwrite anything, set a password, or print a secret twice.

use std::path::{Path, PathBuf};

use clap::Args;
use kluis_core::kernel::{Clock, Message, Phrase};
use kluis_core::privacy::Sensitive;
use kluis_core::privacy::keyring::Drill;

use super::exit::{Exit, Failure};
use super::options::Options;
use super::secret;
use super::terminal::{Terminal, p};
use crate::config::{Config, SETTINGS, UnsealSource, template};
use crate::server::open;
use crate::server::setup::{self, NewVault};
use crate::server::stores::Stores;
use crate::tenants;
use crate::tenants::model::{TenantDraft, TenantKind};
use crate::users::links::OneTimeLink;
use crate::users::setup::create_first_administrator;

#[derive(Debug, Args)]
pub struct InitCommand {
    /// Where data, keys and configuration are put
    #[arg(default_value = "kluis-data", hide_default_value = true)]
    directory: PathBuf,
    /// Name of the organisation at the top
    #[arg(long, value_name = "NAME")]
    organisation: String,
    /// Country of the organisation, two letters
    #[arg(long, value_name = "COUNTRY", default_value = "NL", hide_default_value = true)]
    country: String,
    /// E-mail address of the first administrator
    #[arg(long, value_name = "EMAIL")]
    administrator: String,
}

pub async fn run(command: &InitCommand, options: &Options, terminal: Terminal) -> Result<(), Failure> {
    let directory =
        std::path::absolute(&command.directory).map_err(|error| Failure::file(&command.directory, &error))?;
    let file = options.config.clone().unwrap_or_else(|| directory.join("kluis.toml"));
    if file.exists() {
        let name = file.display();
        return Err(Failure::new(
            Exit::Failed,
            Message::new(
                format!("{name} is there already: nothing was done."),
                format!("{name} is er al: er is niets gedaan."),
            ),
        ));
    }
    let place = [("data.directory".to_owned(), directory.display().to_string())];
    let (resolved, config) = options.load_over(None, &place)?;
    let mut chosen = vec![("data.directory", place[0].1.clone())];
    for setting in SETTINGS.iter().filter(|setting| !setting.secret && setting.key != "data.directory") {
        if let Some((_, value)) = options.set.iter().rev().find(|(key, _)| key == setting.key) {
            chosen.push((setting.key, value.clone()));
        }
    }
    let ledger = if resolved.get(LEDGER).is_none() { ledger_beside(&directory) } else { None };
    if let Some(place) = &ledger {
        chosen.push((LEDGER, place.display().to_string()));
    }
    let chosen: Vec<_> = chosen.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let text = template(&chosen, terminal.say_phrase());

    let passphrase = match config.unseal {
        UnsealSource::Manual => secret::choose(&resolved, terminal).await?,
        _ => None,
    };
    setup::make_directory(&directory).map_err(|error| in_the_way(&directory, &error))?;
    let made = match make(command, config, passphrase, (&file, &text)).await {
        Ok(made) => made,
        Err(failure) => {
            // Everything in it was made a moment ago, and opens nothing.
            setup::clear_directory(&directory).map_err(|error| Failure::file(&directory, &error))?;
            if let Some(place) = &ledger {
                std::fs::remove_file(place).map_err(|error| Failure::file(place, &error))?;
            }
            return Err(failure);
        }
    };
    tell(&made, &file, terminal);
    if ledger.is_none() && resolved.get(LEDGER).is_none() {
        terminal.say(NO_LEDGER);
    }
    Ok(())
}

const LEDGER: &str = "erasure.ledger_copy";
const NO_LEDGER: Phrase = p(
    "There is no room for a copy of the erasure ledger beside the data directory: set erasure.ledger_copy to a file on another disk.",
    "Naast de gegevensmap is geen plaats voor een kopie van het wisregister: stel erasure.ledger_copy in op een bestand op een andere schijf.",
);

/// Makes the copy of the erasure ledger, still empty, beside the data directory: no backup of that takes it along. `None`
/// where nothing can be written, as in most containers, or where another installation has left its own.
fn ledger_beside(directory: &Path) -> Option<PathBuf> {
    let mut name = directory.as_os_str().to_owned();
    name.push(".erasures");
    let place = PathBuf::from(name);
    setup::write_private(&place, "").ok().map(|()| place)
}

/// What the operator is told, once.
struct Made {
    vault: NewVault,
    drill: Drill,
    link: OneTimeLink,
    public_url: String,
    /// The vault is opened by hand.
    by_hand: bool,
}

async fn make(
    command: &InitCommand,
    config: Config,
    passphrase: Option<Sensitive<String>>,
    (file, text): (&Path, &str),
) -> Result<Made, Failure> {
    let stores = Stores::open(&config).await?;
    let made = fill(command, config, passphrase, &stores).await;
    stores.close().await;
    let made = made?;
    // Last of all: an installation with a configuration is complete.
    setup::write_private(file, text).map_err(|error| Failure::file(file, &error))?;
    Ok(made)
}

async fn fill(
    command: &InitCommand,
    config: Config,
    passphrase: Option<Sensitive<String>>,
    stores: &Stores,
) -> Result<Made, Failure> {
    let by_hand = config.unseal == UnsealSource::Manual;
    stores.migrate().await?;
    let vault = setup::make_vault(stores, &config, passphrase).await?;
    let public_url = config.public_url.clone();
    let app = open::assemble(config, stores, Clock::System).await?;
    let draft = TenantDraft {
        kind: TenantKind::Hq,
        parent_id: None,
        name: command.organisation.clone(),
        country: command.country.to_uppercase(),
        kvk_number: None,
        branch_number: None,
        contract_starts: None,
        contract_ends: None,
        special_ground: None,
    };
    let tenant = tenants::service::create_root(&app, &draft).await?;
    let link = create_first_administrator(&app, tenant.id, &command.administrator).await?;
    app.keys.flush().await?;
    let drill = stores.keyring.drill(&vault.recovery).await?;
    Ok(Made { vault, drill, link, public_url, by_hand })
}

const APART: Phrase =
    p("leave it out of every backup of the data", "neem haar niet mee in reservekopieën van de gegevens");
const AWAY: Phrase =
    p("keep it somewhere else, and take it away from here", "bewaar haar ergens anders, en haal haar hier weg");

fn tell(made: &Made, file: &Path, terminal: Terminal) {
    let Made { vault, drill, link, public_url, by_hand } = made;
    terminal.say(p(
        "RECOVERY KEY. It is shown this once. Write it down, and keep it away from this machine:",
        "HERSTELSLEUTEL. U ziet haar alleen nu. Schrijf haar op, en bewaar haar niet bij deze machine:",
    ));
    Terminal::line(format!("\n    {}\n", *vault.recovery.to_text()));
    terminal.say(Message::new(
        format!("Drill: it opened the key store ({} keys of {} tenants).", drill.keys, drill.tenants),
        format!("Proef: zij opende de sleutelopslag ({} sleutels van {} tenants).", drill.keys, drill.tenants),
    ));
    if let Some(path) = &vault.key_file {
        let path = path.display();
        terminal.say(Message::new(
            format!("The root key is in {path}; {}.", if *by_hand { AWAY.en } else { APART.en }),
            format!("De hoofdsleutel staat in {path}; {}.", if *by_hand { AWAY.nl } else { APART.nl }),
        ));
    }
    if *by_hand {
        terminal
            .say(p("After each start, kluis unseal opens the vault.", "Na elke start opent kluis unseal de kluis."));
    }
    terminal.say(p(
        "\nThe first administrator chooses a password here; the link works once, for 30 minutes:",
        "\nDe eerste beheerder kiest hier een wachtwoord; de link werkt één keer, 30 minuten lang:",
    ));
    Terminal::line(format!("\n    {}\n", *link.url(public_url)));
    let file = file.display();
    terminal.say(Message::new(
        format!("Configuration: {file}\nStart:         kluis serve --config {file}\nLook it over:  kluis doctor --config {file}"),
        format!("Configuratie:  {file}\nStarten:       kluis serve --config {file}\nNalopen:       kluis doctor --config {file}"),
    ));
}

fn in_the_way(directory: &Path, error: &std::io::Error) -> Failure {
    if error.kind() != std::io::ErrorKind::DirectoryNotEmpty {
        return Failure::file(directory, error);
    }
    let name = directory.display();
    Failure::new(
        Exit::Failed,
        Message::new(
            format!("{name} isn't empty: nothing was done."),
            format!("{name} is niet leeg: er is niets gedaan."),
        ),
    )
}
