//! `kluis key`: what opens the vault, shown, renewed and rotated.
//!
//! Must never: print a root key that is in use, or take a secret from the arguments.

use clap::Subcommand;
use indicatif::ProgressBar;
use kluis_core::kernel::id::Tenant;
use kluis_core::kernel::{Clock, Id, Message, Phrase};
use kluis_core::privacy::keyring::Drill;
use kluis_core::privacy::shares::SharesInfo;
use kluis_core::privacy::{Handed, RecoveryKey, RootKey, Sensitive, VaultError, by_hand};

use super::exit::{Exit, Failure};
use super::migrate::must_exist;
use super::options::Options;
use super::recover::{self, RecoverCommand};
use super::secret;
use super::shares::{self, SharesCommand};
use super::terminal::{Terminal, p};
use crate::app::App;
use crate::config::{Config, Resolved, UnsealSource};
use crate::server::open::open;
use crate::server::recovery;
use crate::server::rotation::{self, Rotated, RotationError};
use crate::server::stores::{Stores, root_key};

#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Shows what opens the vault, and how many keys there are
    Status,
    /// Prints a new root key, for a secret store; nothing uses it yet
    Make,
    /// Makes a new recovery key in place of the present one
    Recovery,
    /// Sets the passphrase that opens the vault
    Passphrase,
    /// Shares of a recovery secret, for people to keep apart
    #[command(subcommand)]
    Shares(SharesCommand),
    /// Has HashiCorp Vault encrypt the root key, or put it under the newest version of its key
    Transit,
    /// Makes anew what opens the vault, with the recovery key or with shares
    Recover(RecoverCommand),
    /// Puts a new key in place of one that is in use
    #[command(subcommand)]
    Rotate(RotateCommand),
}

#[derive(Debug, Subcommand)]
pub enum RotateCommand {
    /// The key above all others; services that run go on
    Root,
    /// The keys above those of the customers; services that run go on
    Tenant {
        /// Of one organisation, by its id; otherwise of all
        #[arg(long, value_name = "TENANT")]
        tenant: Option<String>,
    },
}

pub async fn run(command: &KeyCommand, options: &Options, terminal: Terminal) -> Result<(), Failure> {
    if matches!(command, KeyCommand::Make) {
        Terminal::line(RootKey::generate()?.to_text().as_str());
        return Ok(());
    }
    if let KeyCommand::Shares(SharesCommand::Make(make)) = command {
        make.plan()?;
    }
    let (resolved, config) = options.load()?;
    must_exist(&config)?;
    let stores = Stores::open(&config).await?;
    let done = work(command, (&resolved, config), &stores, terminal).await;
    stores.close().await;
    done
}

async fn work(
    command: &KeyCommand,
    (resolved, config): (&Resolved, Config),
    stores: &Stores,
    terminal: Terminal,
) -> Result<(), Failure> {
    if matches!(command, KeyCommand::Status) {
        return status(stores, terminal).await;
    }
    if let KeyCommand::Recover(command) = command {
        return recover::run(command, (resolved, config), stores, terminal).await;
    }
    let opener = Opener::of(resolved, &config, stores, terminal).await?;
    stores.keyring.unseal(opener.root(&config, stores).await?).await?;
    let app = open(config, stores, Clock::System).await?;
    match command {
        KeyCommand::Rotate(RotateCommand::Root) => rotate(&app, opener, stores, terminal).await,
        KeyCommand::Rotate(RotateCommand::Tenant { tenant }) => rotate_tenants(&app, tenant.as_deref(), terminal).await,
        KeyCommand::Recovery => {
            let root = opener.root(&app.config, stores).await?;
            let (recovery, drill) = rotation::renew_recovery(&app, &root).await?;
            tell_recovery(&recovery, drill, terminal);
            Ok(())
        }
        KeyCommand::Passphrase => {
            let root = opener.root(&app.config, stores).await?;
            let new = secret::passphrase(NEW_PASSPHRASE, terminal).await?;
            rotation::change_passphrase(&app, root, new).await?;
            terminal.say(p("The passphrase opens the vault from now on.", "Vanaf nu opent de wachtwoordzin de kluis."));
            Ok(())
        }
        KeyCommand::Shares(SharesCommand::Make(command)) => {
            let root = opener.root(&app.config, stores).await?;
            shares::make(&app, &root, command, terminal).await
        }
        KeyCommand::Transit => {
            let root = opener.root(&app.config, stores).await?;
            to_transit(&app, &root, terminal).await
        }
        KeyCommand::Status | KeyCommand::Make | KeyCommand::Recover(_) => Ok(()),
    }
}

const NEW_PASSPHRASE: Phrase = p("The passphrase, 12 characters or more: ", "De wachtwoordzin, minstens 12 tekens: ");

/// Where the root key comes from: the source of the configuration, or what somebody gave.
enum Opener {
    Source,
    Given(Sensitive<String>),
}

impl Opener {
    async fn of(resolved: &Resolved, config: &Config, stores: &Stores, terminal: Terminal) -> Result<Self, Failure> {
        if config.unseal != UnsealSource::Manual {
            return Ok(Self::Source);
        }
        let given = secret::ask(resolved, terminal).await?;
        // Before anything else: a wrong one ends it.
        by_hand(given.clone(), &**stores.keyring.store()).await?;
        Ok(Self::Given(given))
    }

    async fn root(&self, config: &Config, stores: &Stores) -> Result<RootKey, Failure> {
        match self {
            Self::Given(secret) => Ok(by_hand(secret.clone(), &**stores.keyring.store()).await?),
            Self::Source => Ok(root_key(config, &stores.keyring).await?.ok_or(VaultError::Sealed)?),
        }
    }

    /// The passphrase that opens the vault after a rotation, if one opens it now.
    async fn passphrase(&self, app: &App, terminal: Terminal) -> Result<Option<Sensitive<String>>, Failure> {
        if let UnsealSource::Passphrase(text) = &app.config.unseal {
            return Ok(Some(Sensitive::new(text.to_string())));
        }
        match self {
            Self::Given(secret) if Handed::of(secret.expose()) == Handed::Passphrase => Ok(Some(secret.clone())),
            _ if app.keys.has_passphrase().await? => secret::passphrase(STILL, terminal).await.map(Some),
            _ => Ok(None),
        }
    }
}

const STILL: Phrase =
    p("The passphrase that is to open the vault from now on: ", "De wachtwoordzin die de kluis van nu af aan opent: ");

async fn rotate(app: &App, opener: Opener, stores: &Stores, terminal: Terminal) -> Result<(), Failure> {
    let handed = match &app.config.unseal {
        UnsealSource::Manual | UnsealSource::Passphrase(_) => Some(opener.root(&app.config, stores).await?),
        _ => None,
    };
    let passphrase = opener.passphrase(app, terminal).await?;
    let Rotated { version, recovery, drill, key_file, went_on } =
        rotation::rotate_root(app, handed, passphrase).await?;
    terminal.say(if went_on {
        Message::new(
            format!("An earlier rotation was ended: version {version} of the root key opens the vault."),
            format!("Een eerdere vervanging is afgemaakt: versie {version} van de hoofdsleutel opent de kluis."),
        )
    } else {
        Message::new(
            format!("Version {version} of the root key opens the vault. The one before opens nothing any more."),
            format!("Versie {version} van de hoofdsleutel opent de kluis. Die ervoor opent niets meer."),
        )
    });
    if let Some(path) = key_file {
        let path = path.display();
        terminal.say(Message::new(
            format!("The root key is in {path}; keep it somewhere else, and take it away from here."),
            format!("De hoofdsleutel staat in {path}; bewaar haar ergens anders, en haal haar hier weg."),
        ));
    }
    if matches!(app.config.unseal, UnsealSource::Environment(_) | UnsealSource::Credential) {
        terminal.say(p(
            "Take the old key out of its source, and start every service anew when it suits.",
            "Haal de oude sleutel uit haar bron, en start elke dienst opnieuw wanneer het uitkomt.",
        ));
    }
    tell_recovery(&recovery, drill, terminal);
    if let Some(shares) = app.keys.shares().await? {
        let set = shares.set;
        terminal.say(Message::new(
            format!("The shares of set {set} open the new key as well."),
            format!("De delen van reeks {set} openen ook de nieuwe sleutel."),
        ));
    }
    Ok(())
}

async fn rotate_tenants(app: &App, only: Option<&str>, terminal: Terminal) -> Result<(), Failure> {
    let mut tenants = rotation::tenants(app).await?;
    if let Some(text) = only {
        let wanted: Option<Id<Tenant>> = Id::parse(text);
        tenants.retain(|tenant| wanted.is_some_and(|wanted| wanted.uuid() == *tenant));
        if tenants.is_empty() {
            return Err(Failure::new(
                Exit::Usage,
                p("There is no such organisation.", "Deze organisatie bestaat niet."),
            ));
        }
    }
    let counts = app.keys.store().counts().await?;
    let bar = only.map_or_else(|| ProgressBar::new(counts.used + counts.reserved), |_| ProgressBar::no_length());
    for tenant in &tenants {
        rotation::rotate_tenant(app, *tenant, |some| bar.inc(some as u64)).await?;
    }
    let (keys, tenants) = (bar.position(), tenants.len());
    bar.finish_and_clear();
    terminal.say(Message::new(
        format!("{keys} keys of {tenants} tenants are under a new key; the ones before are gone."),
        format!("{keys} sleutels van {tenants} tenants vallen onder een nieuwe sleutel; de vorige zijn weg."),
    ));
    Ok(())
}

async fn to_transit(app: &App, root: &RootKey, terminal: Terminal) -> Result<(), Failure> {
    let Some(config) = app.config.transit_config() else {
        return Err(Failure::new(
            Exit::Configuration,
            p("unseal.transit_address is not set.", "unseal.transit_address is niet ingesteld."),
        ));
    };
    recovery::hand_to_transit(app, root, config).await?;
    let path = config.file.display();
    terminal.say(Message::new(
        format!("{path} holds the root key, for Vault to decrypt. With unseal.source = transit it opens the vault."),
        format!("{path} bevat de hoofdsleutel, die Vault ontsleutelt. Met unseal.source = transit opent dat de kluis."),
    ));
    if !matches!(app.config.unseal, UnsealSource::Transit(_)) {
        terminal.say(p(
            "Once it does, take the present source away.",
            "Haal daarna de huidige bron van de hoofdsleutel weg.",
        ));
    }
    Ok(())
}

fn tell_recovery(recovery: &RecoveryKey, drill: Drill, terminal: Terminal) {
    terminal.say(p(
        "RECOVERY KEY. It is shown this once, and the one before is void. Keep it away from this machine:",
        "HERSTELSLEUTEL. U ziet haar alleen nu, en de vorige vervalt. Bewaar haar niet bij deze machine:",
    ));
    Terminal::line(format!("\n    {}\n", *recovery.to_text()));
    terminal.say(Message::new(
        format!("Drill: it opened the key store ({} keys of {} tenants).", drill.keys, drill.tenants),
        format!("Proef: zij opende de sleutelopslag ({} sleutels van {} tenants).", drill.keys, drill.tenants),
    ));
}

async fn status(stores: &Stores, terminal: Terminal) -> Result<(), Failure> {
    let (ring, store) = (&stores.keyring, stores.keyring.store());
    let (version, counts) = (ring.root_version().await?, store.counts().await?);
    let passphrase = ring.has_passphrase().await?;
    terminal
        .say(Message::new(format!("Root key       version {version}"), format!("Hoofdsleutel     versie {version}")));
    terminal.say(if passphrase {
        p("Passphrase     set", "Wachtwoordzin    ingesteld")
    } else {
        p("Passphrase     none", "Wachtwoordzin    geen")
    });
    terminal.say(match ring.shares().await? {
        Some(SharesInfo { set, threshold, count, made }) => {
            let day = made.format("%Y-%m-%d");
            Message::new(
                format!("Shares         {threshold} of {count}, set {set}, since {day}"),
                format!("Delen            {threshold} van {count}, reeks {set}, sinds {day}"),
            )
        }
        None => p("Shares         none", "Delen            geen").into(),
    });
    let tenants = counts.tenants;
    terminal.say(Message::new(format!("Tenants        {tenants}"), format!("Tenants          {tenants}")));
    let (used, reserved, destroyed) = (counts.used, counts.reserved, counts.destroyed);
    terminal.say(Message::new(
        format!("Subject keys   {used} used, {reserved} in reserve or handed out lately, {destroyed} destroyed"),
        format!("Persoonssleutels {used} in gebruik, {reserved} in voorraad of pas uitgegeven, {destroyed} vernietigd"),
    ));
    Ok(())
}

impl From<RotationError> for Failure {
    fn from(error: RotationError) -> Self {
        let message = match error {
            RotationError::Vault(error) => return error.into(),
            RotationError::Problem(problem) => return problem.into(),
            RotationError::NoNewKey => p(
                "The root key comes from a secret store. Print a new one with kluis key make, put it there in front of \
                 the present one, and run this again.",
                "De hoofdsleutel komt uit een geheimenopslag. Maak een nieuwe met kluis key make, zet die daar vóór de \
                 huidige, en voer dit opnieuw uit.",
            ),
            RotationError::Done => p(
                "The vault has the first key of its source already: take the second one away. kluis key recovery makes \
                 a new recovery key.",
                "De kluis heeft de eerste sleutel van haar bron al: haal de tweede weg. kluis key recovery maakt een \
                 nieuwe herstelsleutel.",
            ),
            RotationError::InTheWay(path) => {
                let path = path.display();
                let why = Message::new(
                    format!("{path} is there already, and doesn't open the vault: put it somewhere else first."),
                    format!("{path} is er al, en opent de kluis niet: zet dat eerst ergens anders."),
                );
                return Self::new(Exit::Failed, why);
            }
            RotationError::NoPassphrase => p(
                "A passphrase opens the vault: it has to be given, since nothing else can open the new key with it.",
                "Een wachtwoordzin opent de kluis: die is nodig, want anders opent zij de nieuwe sleutel niet.",
            ),
        };
        Self::new(Exit::Failed, message)
    }
}
