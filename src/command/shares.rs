//! `kluis key shares`: shares of a recovery secret, for people to keep apart.
//!
//! Must never: show two shares at a time, print them where they are caught together, or leave one on the screen.

use std::io::{IsTerminal, stdin, stdout};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use kluis_core::kernel::Message;
use kluis_core::privacy::{RootKey, Share, SharePlan, Sharing};
use zeroize::Zeroizing;

use super::exit::{Exit, Failure};
use super::secret;
use super::terminal::{Terminal, p};
use crate::app::App;
use crate::server::{recovery, setup};

#[derive(Debug, Subcommand)]
pub enum SharesCommand {
    /// Makes new shares; those that were made before are void
    Make(MakeShares),
}

#[derive(Debug, Args)]
pub struct MakeShares {
    /// How many shares open the vault together, 2 or more
    #[arg(long, value_name = "NUMBER")]
    threshold: u8,
    /// How many shares are made, 16 at most
    #[arg(long, value_name = "NUMBER")]
    count: u8,
    /// Writes each share to a file of its own there, instead of showing one after the other
    #[arg(long, value_name = "DIRECTORY")]
    directory: Option<PathBuf>,
}

impl MakeShares {
    /// Before anything is opened.
    pub fn plan(&self) -> Result<SharePlan, Failure> {
        let Some(plan) = SharePlan::new(self.threshold, self.count) else {
            let most = SharePlan::MOST;
            let why = Message::new(
                format!("The threshold is 2 or more, and no more than the count; the count is {most} at most."),
                format!("De drempel is 2 of meer, en niet meer dan het aantal; het aantal is hoogstens {most}."),
            );
            return Err(Failure::new(Exit::Usage, why));
        };
        if self.directory.is_none() && !(stdin().is_terminal() && stdout().is_terminal()) {
            return Err(Failure::new(
                Exit::Usage,
                p(
                    "Shares are shown on a terminal, one after the other. Without one, name a --directory for their files.",
                    "Delen worden op een terminal getoond, een voor een. Noem anders een --directory voor hun bestanden.",
                ),
            ));
        }
        Ok(plan)
    }
}

pub async fn make(app: &App, root: &RootKey, command: &MakeShares, terminal: Terminal) -> Result<(), Failure> {
    let sharing = Sharing::make(command.plan()?, app.clock.now())?;
    // First to people, then in force: whatever breaks this off, one set of shares opens the vault.
    let drill = if let Some(directory) = &command.directory {
        let files = write(&sharing, directory, terminal)?;
        let done = match returned(&sharing, &files) {
            Ok(shares) => recovery::share(app, root, &sharing, &shares).await.map_err(Failure::from),
            Err(failure) => Err(failure),
        };
        if done.is_err() {
            take_away(&files);
        }
        let drill = done?;
        for file in &files {
            Terminal::line(file.display());
        }
        drill
    } else {
        show(&sharing, terminal).await?;
        let needed = usize::from(sharing.plan().threshold());
        recovery::share(app, root, &sharing, &sharing.shares()[..needed]).await?
    };
    let (plan, set) = (sharing.plan(), sharing.set());
    let (threshold, count) = (plan.threshold(), plan.count());
    terminal.say(Message::new(
        format!(
            "Set {set}: any {threshold} of these {count} shares open the vault together. Shares made before are void."
        ),
        format!(
            "Reeks {set}: elke {threshold} van deze {count} delen openen samen de kluis. Eerdere delen zijn vervallen."
        ),
    ));
    let (keys, tenants) = (drill.keys, drill.tenants);
    terminal.say(Message::new(
        format!("Drill: {threshold} of them opened the key store ({keys} keys of {tenants} tenants)."),
        format!("Proef: {threshold} ervan openden de sleutelopslag ({keys} sleutels van {tenants} tenants)."),
    ));
    Ok(())
}

/// What its holder should know when years have passed.
fn heading(sharing: &Sharing, share: &Share) -> Message {
    let (number, set) = (share.number(), share.set());
    let (threshold, count) = (sharing.plan().threshold(), sharing.plan().count());
    Message::new(
        format!(
            "Kluis, share {number} of {count}, set {set}. Any {threshold} of them open the vault: kluis key recover"
        ),
        format!(
            "Kluis, deel {number} van {count}, reeks {set}. Elke {threshold} ervan openen de kluis: kluis key recover"
        ),
    )
}

fn write(sharing: &Sharing, directory: &Path, terminal: Terminal) -> Result<Vec<PathBuf>, Failure> {
    if !directory.is_dir() {
        setup::make_directory(directory).map_err(|error| Failure::file(directory, &error))?;
    }
    let mut files = Vec::new();
    for share in sharing.shares() {
        let (number, count) = (share.number(), sharing.plan().count());
        let file = directory.join(format!("kluis-share-{}-{number}-of-{count}.txt", share.set()));
        let heading = heading(sharing, share);
        let text = Zeroizing::new(format!("# {}\n{}\n", terminal.text(&heading), *share.to_text()));
        if let Err(error) = setup::write_private(&file, &text) {
            take_away(&files);
            return Err(Failure::file(&file, &error));
        }
        files.push(file);
    }
    Ok(files)
}

/// As many as are needed, read again: the last ones, since the first were tried when they were made.
fn returned(sharing: &Sharing, files: &[PathBuf]) -> Result<Vec<Share>, Failure> {
    let needed = usize::from(sharing.plan().threshold());
    let text = secret::of_files(&files[files.len() - needed..])?;
    Ok(Share::parse_several(text.expose()).map_err(kluis_core::privacy::VaultError::from)?)
}

/// They open nothing: the ones before are still in force.
fn take_away(files: &[PathBuf]) {
    for file in files {
        if let Err(error) = std::fs::remove_file(file) {
            tracing::warn!(file = %file.display(), kind = %error.kind(), "a share that opens nothing stays");
        }
    }
}

/// Clears the screen, and what can be scrolled back to.
const CLEAR: &str = "\x1b[3J\x1b[2J\x1b[H";

async fn show(sharing: &Sharing, terminal: Terminal) -> Result<(), Failure> {
    for share in sharing.shares() {
        Terminal::raw(CLEAR);
        terminal.say(heading(sharing, share));
        Terminal::line(format!("\n    {}\n", *share.to_text()));
        let next = p(
            "Write it down; nobody else should see it. Enter clears the screen. ",
            "Schrijf het op; niemand anders hoort het te zien. Enter maakt het scherm leeg. ",
        );
        let gone_on = secret::entered(next, terminal).await;
        Terminal::raw(CLEAR);
        gone_on?;
    }
    Ok(())
}
