//! `kluis audit export`: the signed log as lines of JSON.
//!
//! Must never: leave half a file under the name that was asked for.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::ProgressBar;
use kluis_core::audit::export::{ExportError, Exported, export};
use kluis_core::audit::kept::{self, Sequenced, sequence};
use kluis_core::kernel::{Clock, Message};

use super::findings::bar_style;
use crate::command::exit::{Exit, Failure};
use crate::command::migrate::must_exist;
use crate::command::options::Options;
use crate::command::terminal::{Terminal, p};
use crate::config::Config;
use crate::server::open::open;
use crate::server::stores::Stores;
use crate::server::vault;

#[derive(Debug, Args)]
pub struct ExportCommand {
    /// The file
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub async fn run(command: &ExportCommand, options: &Options, terminal: Terminal) -> Result<(), Failure> {
    let (_, config) = options.load()?;
    must_exist(&config)?;
    let stores = Stores::open(&config).await?;
    let done = work(&command.out, config, &stores, terminal).await;
    stores.close().await;
    let Exported { events, dropped } = done?;
    let out = command.out.display();
    terminal.say(Message::new(
        format!("{out}: {events} events, {dropped} of them as a hash only."),
        format!("{out}: {events} gebeurtenissen, waarvan {dropped} alleen als hash."),
    ));
    Ok(())
}

async fn work(out: &Path, config: Config, stores: &Stores, terminal: Terminal) -> Result<Exported, Failure> {
    let app = open(config, stores, Clock::System).await?;
    vault::record(&app, "audit_event.export", |event| event).await?;
    if app.keys.is_sealed() {
        terminal.note(p(
            "The vault is sealed: what has happened since the newest checkpoint isn't in the file.",
            "De kluis is gesloten: wat er na het nieuwste controlepunt gebeurde, staat niet in het bestand.",
        ));
    } else {
        let signer = kept::signer(&app.keys, &app.config.audit.origin)?;
        let mut last = Sequenced::Lost;
        while matches!(last, Sequenced::Lost | Sequenced::Grown { .. }) {
            last = sequence(&app.db, &signer, app.clock.now()).await?;
        }
        if let Sequenced::Broken(breach) = last {
            let at = breach.at;
            terminal.note(Message::new(
                format!("The log was changed at event {at}: what is behind it isn't signed, and isn't in the file."),
                format!(
                    "Het logboek is gewijzigd bij gebeurtenis {at}: wat erna komt is niet ondertekend en staat niet in \
                         het bestand."
                ),
            ));
        }
    }
    let bar = ProgressBar::new(0).with_style(bar_style());
    let done = write(&app.db, out, &bar).await;
    bar.finish_and_clear();
    done
}

/// Under another name first; it gets its own when all of it is on the disk.
async fn write(db: &kluis_core::store::Db, out: &Path, bar: &ProgressBar) -> Result<Exported, Failure> {
    let mut name = out.as_os_str().to_owned();
    name.push(".part");
    let part = PathBuf::from(name);
    let fault = |error: std::io::Error| Failure::file(&part, &error);
    let mut file = BufWriter::new(File::create(&part).map_err(fault)?);
    let progress = |done: u64, all: u64| {
        bar.set_length(all);
        bar.set_position(done);
    };
    let exported = match export(db, &mut file, progress).await {
        Ok(exported) => exported,
        Err(error) => {
            // What is left of it is of no use; if it can't be removed, its name says so.
            let _ = std::fs::remove_file(&part);
            return Err(failure(error, &part));
        }
    };
    file.flush().map_err(fault)?;
    file.get_ref().sync_all().map_err(fault)?;
    std::fs::rename(&part, out).map_err(|error| Failure::file(out, &error))?;
    if let Some(directory) = out.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        let synced = File::open(directory).and_then(|directory| directory.sync_all());
        synced.map_err(|error| Failure::file(directory, &error))?;
    }
    Ok(exported)
}

fn failure(error: ExportError, part: &Path) -> Failure {
    match error {
        ExportError::Store(error) => error.into(),
        ExportError::File(error) => Failure::file(part, &error),
        ExportError::NoCheckpoint => Failure::new(
            Exit::Failed,
            p(
                "There is no checkpoint yet: nothing was signed.",
                "Er is nog geen controlepunt: er is nog niets ondertekend.",
            ),
        ),
        ExportError::NoLeaf(seq) => Failure::new(
            Exit::Failed,
            Message::new(
                format!("The tree lacks the hash of event {seq}; kluis audit verify tells more."),
                format!("In de boom ontbreekt de hash van gebeurtenis {seq}; kluis audit verify vertelt meer."),
            ),
        ),
    }
}
