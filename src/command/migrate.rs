//! `kluis migrate`: brings both databases to this program's version, or says what that would do.

use clap::Args;
use kluis_core::kernel::{Message, Phrase};
use kluis_core::store::inspect;
use kluis_core::store::migrate::Schema;
use kluis_core::store::migrate::{Step, newer};

use super::exit::{Exit, Failure};
use super::options::Options;
use super::terminal::{Terminal, p};
use crate::config::{Config, DatabaseConfig};
use crate::server::stores::{Stores, files};

#[derive(Debug, Args)]
pub struct MigrateCommand {
    /// Only says what would be done
    #[arg(long)]
    plan: bool,
}

pub async fn run(command: &MigrateCommand, options: &Options, terminal: Terminal) -> Result<(), Failure> {
    let (_, config) = options.load()?;
    must_exist(&config)?;
    let stores = Stores::open(&config).await?;
    let done = migrate(&stores, command.plan, terminal).await;
    stores.close().await;
    done
}

async fn migrate(stores: &Stores, plan_only: bool, terminal: Terminal) -> Result<(), Failure> {
    for db in [&stores.data, &stores.keys] {
        let version = inspect::version(db).await?;
        if !version.is_supported() {
            let en = format!("{version} is too old: PostgreSQL 15 or newer is needed.");
            let nl = format!("{version} is te oud: PostgreSQL 15 of nieuwer is nodig.");
            return Err(Failure::new(Exit::Database, Message::new(en, nl)));
        }
    }
    let before = stores.plan().await?;
    let mut open = 0;
    for (name, steps) in [p("data", "gegevens"), p("keys", "sleutels")].into_iter().zip(&before) {
        open += steps.iter().filter(|step| !step.applied).count();
        for step in steps {
            terminal.say(line(name, step, plan_only));
        }
    }
    if !plan_only {
        stores.migrate().await?;
    }
    let more = newer(&stores.data, Schema::Data).await?.len() + newer(&stores.keys, Schema::Keys).await?.len();
    if more > 0 {
        return Err(Failure::new(
            Exit::Database,
            p(
                "The database was made by a newer version of this program.",
                "De database is door een nieuwere versie van dit programma gemaakt.",
            ),
        ));
    }
    match (plan_only, open) {
        (_, 0) => terminal.say(p("Nothing to do.", "Er is niets te doen.")),
        (true, open) => terminal.say(Message::new(format!("{open} to do."), format!("Nog {open} te doen."))),
        (false, open) => terminal.say(Message::new(format!("{open} done."), format!("{open} uitgevoerd."))),
    }
    Ok(())
}

fn line(database: Phrase, step: &Step, plan_only: bool) -> Message {
    let (en, nl) = match (step.applied, plan_only) {
        (true, _) => ("is there", "is er al"),
        (false, true) => ("to do", "te doen"),
        (false, false) => ("now", "nu"),
    };
    let text = |database: &str, state: &str| format!("{database:<9} {:04} {:<24} {state}", step.version, step.name);
    Message::new(text(database.en, en), text(database.nl, nl))
}

/// Opening an embedded database would make it; only `init` and `demo` may.
pub fn must_exist(config: &Config) -> Result<(), Failure> {
    let DatabaseConfig::Sqlite { directory, .. } = &config.database else { return Ok(()) };
    let (data, _) = files(directory);
    if data.is_file() {
        return Ok(());
    }
    let data = data.display();
    let en = format!("There is no database at {data}: run kluis init first, or name the configuration with --config.");
    let nl = format!("Er is geen database op {data}: voer eerst kluis init uit, of noem de configuratie met --config.");
    Err(Failure::new(Exit::Database, Message::new(en, nl)))
}
