//! `kluis audit verify`: the database's log, or an exported file with nothing else at hand.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::ProgressBar;
use kluis_core::audit::examine::{ExamineError, Known, Report, Source, examine, examine_file, key_of};
use kluis_core::audit::tree::{VerifierKey, read_all};
use kluis_core::kernel::Message;

use super::findings::{bar_style, tell};
use crate::command::exit::{Exit, Failure};
use crate::command::migrate::must_exist;
use crate::command::options::Options;
use crate::command::terminal::{Terminal, p};
use crate::server::stores::Stores;

/// The last line of a file is looked for in so much of its end.
const LAST_LINE: u64 = 64 * 1024;

#[derive(Debug, Args)]
pub struct VerifyCommand {
    /// An exported log; without it, the log of the database
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The public key that checkpoints must be signed with, as kluis audit key has shown it
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// File with checkpoints that were kept elsewhere; may be given more than once
    #[arg(long = "checkpoint", value_name = "FILE")]
    checkpoints: Vec<PathBuf>,
}

pub async fn run(command: &VerifyCommand, options: &Options, terminal: Terminal) -> Result<(), Failure> {
    let key = command.key.as_deref().map(|text| text.parse().map_err(|_| not_a_key())).transpose()?;
    let mut known = Known { key, checkpoints: Vec::new() };
    for path in &command.checkpoints {
        known.checkpoints.extend(kept_in(path)?);
    }
    match &command.file {
        Some(file) => in_file(file, known, terminal),
        None => in_database(known, options, terminal).await,
    }
}

/// Checkpoints of one file, in their order.
fn kept_in(path: &Path) -> Result<Vec<(Source, String)>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    let name = path.display().to_string();
    let found: Vec<_> = read_all(&text)
        .into_iter()
        .map(|kept| (Source::Kept { name: name.clone(), line: kept.line }, kept.note))
        .collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let en = format!("{name}: there is no checkpoint in it.");
    Err(Failure::new(Exit::Failed, Message::new(en, format!("{name}: er staat geen controlepunt in."))))
}

async fn in_database(mut known: Known, options: &Options, terminal: Terminal) -> Result<(), Failure> {
    let (_, config) = options.load()?;
    must_exist(&config)?;
    if let Some(path) = config.audit.witness_file.as_ref().filter(|path| path.exists()) {
        known.checkpoints.extend(kept_in(path)?);
    }
    let stores = Stores::open(&config).await?;
    if known.key.is_none() {
        // A vault that doesn't open is no reason not to look: then the key of the newest checkpoint is believed.
        match super::key(&config, &stores).await {
            Ok(key) if !stores.keyring.is_sealed() => known.key = key,
            _ => terminal.note(p(
                "The vault is sealed: the key that the database names is believed, unless --key names another.",
                "De kluis is gesloten: de sleutel die de database noemt wordt geloofd, tenzij --key een andere noemt.",
            )),
        }
    }
    let report = examine(&stores.data, known).await;
    stores.close().await;
    tell(&report?, terminal)
}

fn in_file(path: &Path, known: Known, terminal: Terminal) -> Result<(), Failure> {
    let fault = |error: std::io::Error| Failure::file(path, &error);
    let own_key = key_in(path).map_err(fault)?;
    if known.key.is_none() {
        terminal.note(p(
            "Checked with the key in the file itself: --key tells whether it is the log's own.",
            "Gecontroleerd met de sleutel uit het bestand zelf: --key vertelt of het die van het logboek is.",
        ));
    }
    let bar = ProgressBar::new(0).with_style(bar_style());
    let mut progress = |done: u64, all: u64| {
        bar.set_length(all);
        bar.set_position(done);
    };
    let file = BufReader::new(File::open(path).map_err(fault)?);
    let examined: Result<Report, _> = examine_file(file, known, own_key, &mut progress);
    bar.finish_and_clear();
    match examined {
        Ok(report) => tell(&report, terminal),
        Err(ExamineError::File(error)) => Err(fault(error)),
        Err(ExamineError::NoLog) => {
            let path = path.display();
            let en = format!("{path} is no exported audit log.");
            Err(Failure::new(Exit::Failed, Message::new(en, format!("{path} is geen geëxporteerd logboek."))))
        }
    }
}

/// The key that the file's last line names.
fn key_in(path: &Path) -> std::io::Result<Option<VerifierKey>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LAST_LINE)))?;
    let mut bytes = Vec::new();
    file.take(LAST_LINE).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).lines().next_back().and_then(key_of))
}

fn not_a_key() -> Failure {
    let message = p("--key: this is no verifier key (name+id+key).", "--key: dit is geen sleutel (naam+id+sleutel).");
    Failure::new(Exit::Usage, message)
}
