//! A secret that opens the vault, asked for: from the settings (a variable, or the file that one names), typed without being
//! shown, or from standard input.
//!
//! Must never: take a secret from the arguments, where every process of the machine can read it, or show it.

use std::io::{IsTerminal, Read, Write, stdin};
use std::path::PathBuf;
use std::sync::Arc;

use kluis_core::kernel::{Clock, Message, Phrase};
use kluis_core::privacy::shares::ShareFault;
use kluis_core::privacy::{Handed, Sensitive, Share, VaultError};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::exit::{Exit, Failure};
use super::terminal::{Terminal, p};
use crate::app::App;
use crate::config::{Config, Origin, Resolved, UnsealSource};
use crate::server::open;
use crate::server::stores::Stores;

/// Settings that may hold what opens the vault.
const HOLDERS: [&str; 2] = ["unseal.passphrase", "unseal.root_key"];
/// More than any key's text or passphrase.
const LONGEST: usize = 4096;

pub const OPENS: Phrase =
    p("Passphrase, root key, recovery key or share: ", "Wachtwoordzin, hoofdsleutel, herstelsleutel of deel: ");
const CHOOSE: Phrase = p(
    "A passphrase to open the vault with, 12 characters or more (none: a key file is written): ",
    "Een wachtwoordzin om de kluis mee te openen, minstens 12 tekens (geen: er komt een sleutelbestand): ",
);
const NEXT: Phrase = p("The next share: ", "Het volgende deel: ");
const NEW: Phrase = p("The new passphrase, 12 characters or more: ", "De nieuwe wachtwoordzin, minstens 12 tekens: ");
const AGAIN: Phrase = p("Once more: ", "Nog eens: ");

/// What opens the vault.
pub async fn ask(resolved: &Resolved, terminal: Terminal) -> Result<Sensitive<String>, Failure> {
    match of_settings(resolved)?.filter(|secret| !secret.expose().is_empty()) {
        Some(secret) => Ok(secret),
        None => given(terminal).await,
    }
}

/// What opens the vault, typed or from standard input: a line, or as many shares as it takes.
pub async fn given(terminal: Terminal) -> Result<Sensitive<String>, Failure> {
    if !stdin().is_terminal() {
        return some(piped()?);
    }
    let first = some(typed(OPENS, terminal).await?)?;
    if Handed::of(first.expose()) == Handed::Shares { gathered(first, terminal).await } else { Ok(first) }
}

fn some(secret: Sensitive<String>) -> Result<Sensitive<String>, Failure> {
    if !secret.expose().trim().is_empty() {
        return Ok(secret);
    }
    let nothing = p("Nothing was given that opens the vault.", "Er is niets gegeven dat de kluis opent.");
    Err(Failure::new(Exit::Usage, nothing))
}

/// The first share, and the others of its set, one after the other: what is wrong with one is told at once.
async fn gathered(first: Sensitive<String>, terminal: Terminal) -> Result<Sensitive<String>, Failure> {
    let (mut next, mut good) = (first, Vec::new());
    loop {
        match accepted(next.expose(), &good) {
            Ok(share) => good.push(share),
            Err(message) => terminal.note(message),
        }
        let needed = good.first().map_or(0, Share::threshold);
        if needed > 0 && good.len() >= usize::from(needed) {
            let texts: Vec<_> = good.iter().map(Share::to_text).collect();
            let mut all = String::with_capacity(2 * LONGEST);
            texts.iter().for_each(|text| all.extend([text.as_str(), "\n"]));
            return Ok(Sensitive::new(all));
        }
        next = some(typed(NEXT, terminal).await?)?;
    }
}

fn accepted(text: &str, good: &[Share]) -> Result<Share, Message> {
    let share = Share::parse(text).map_err(|fault| fault.message())?;
    let number = share.number();
    match good.first().map(Share::set).filter(|wanted| *wanted != share.set()) {
        Some(wanted) => Err(ShareFault::OtherSet { number, set: share.set(), wanted }.message()),
        None if good.iter().any(|before| before.number() == number) => Err(ShareFault::Twice { number }.message()),
        None => Ok(share),
    }
}

/// What stands in these files, one after the other. They come from people's own disks: whoever may read them there isn't our
/// business.
pub fn of_files(paths: &[PathBuf]) -> Result<Sensitive<String>, Failure> {
    let mut all = Zeroizing::new(Vec::with_capacity((LONGEST + 1) * paths.len()));
    for path in paths {
        let file = std::fs::File::open(path).map_err(|error| Failure::file(path, &error))?;
        file.take(LONGEST as u64).read_to_end(&mut all).map_err(|error| Failure::file(path, &error))?;
        all.push(b'\n');
    }
    let text = std::str::from_utf8(&all).map_err(|_| unreadable(&std::io::ErrorKind::InvalidData.into()))?;
    some(Sensitive::new(text.to_owned()))
}

/// The passphrase that is to open the vault: from the settings, or typed twice.
pub async fn new_passphrase(resolved: &Resolved, terminal: Terminal) -> Result<Sensitive<String>, Failure> {
    if let Some(secret) = of_settings(resolved)?.filter(|secret| Handed::of(secret.expose()) == Handed::Passphrase) {
        return Ok(secret);
    }
    if stdin().is_terminal()
        && let Some(chosen) = twice(NEW, terminal).await?
    {
        return Ok(chosen);
    }
    Err(Failure::new(Exit::Usage, p("No passphrase was given.", "Er is geen wachtwoordzin gegeven.")))
}

/// Waits for a line, whatever is in it.
pub async fn entered(prompt: Phrase, terminal: Terminal) -> Result<(), Failure> {
    typed(prompt, terminal).await.map(drop)
}

/// The passphrase of a vault that is to be made; `None` where a key file is wanted instead.
pub async fn choose(resolved: &Resolved, terminal: Terminal) -> Result<Option<Sensitive<String>>, Failure> {
    if let Some(secret) = of_settings(resolved)? {
        return Ok(Some(secret));
    }
    if !stdin().is_terminal() {
        return Ok(None);
    }
    twice(CHOOSE, terminal).await
}

/// A new passphrase; it is typed twice, or is the first line of standard input.
pub async fn passphrase(prompt: Phrase, terminal: Terminal) -> Result<Sensitive<String>, Failure> {
    let given = if stdin().is_terminal() { twice(prompt, terminal).await? } else { Some(piped()?) };
    let given = given.filter(|given| !given.expose().is_empty());
    given.ok_or_else(|| Failure::new(Exit::Usage, p("No passphrase was given.", "Er is geen wachtwoordzin gegeven.")))
}

async fn twice(prompt: Phrase, terminal: Terminal) -> Result<Option<Sensitive<String>>, Failure> {
    let chosen = typed(prompt, terminal).await?;
    if chosen.expose().is_empty() {
        return Ok(None);
    }
    if typed(AGAIN, terminal).await?.expose() == chosen.expose() {
        return Ok(Some(chosen));
    }
    Err(Failure::new(Exit::Usage, p("The two are not the same.", "De twee zijn niet gelijk.")))
}

/// For a command that works on the databases by itself: opens the vault from its source, or by what is asked for.
pub async fn opened(
    (resolved, config): (&Resolved, Config),
    stores: &Stores,
    terminal: Terminal,
) -> Result<Arc<App>, Failure> {
    if config.unseal == UnsealSource::Manual {
        let secret = ask(resolved, terminal).await?;
        stores.unseal_by_hand(secret).await.map_err(|error: VaultError| Failure::new(Exit::Sealed, error.message()))?;
    }
    Ok(open::open(config, stores, Clock::System).await?)
}

fn of_settings(resolved: &Resolved) -> Result<Option<Sensitive<String>>, Failure> {
    let Some((key, secret)) = HOLDERS.iter().find_map(|key| Some((*key, resolved.get(key)?))) else { return Ok(None) };
    if resolved.origin(key) == Some(&Origin::Flag) {
        let name = key.replace('.', "_").to_uppercase();
        return Err(Failure::new(
            Exit::Usage,
            Message::new(
                format!("{key} isn't taken from the arguments, which others can read: use KLUIS_{name}_FILE."),
                format!("{key} mag niet in de argumenten staan, want die zijn te lezen: gebruik KLUIS_{name}_FILE."),
            ),
        ));
    }
    Ok(Some(Sensitive::new(secret.to_owned())))
}

/// The first line; the rest is nobody's business, unless these are shares.
fn piped() -> Result<Sensitive<String>, Failure> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * LONGEST));
    stdin().lock().take(LONGEST as u64 + 2).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    first_line(&bytes)
}

fn first_line(bytes: &[u8]) -> Result<Sensitive<String>, Failure> {
    let text = std::str::from_utf8(bytes).map_err(|_| unreadable(&std::io::ErrorKind::InvalidData.into()))?;
    if Handed::of(text) == Handed::Shares {
        return Ok(Sensitive::new(text.to_owned()));
    }
    Ok(Sensitive::new(text.lines().next().unwrap_or_default().to_owned()))
}

/// Asks on the terminal, without showing what is typed. Ctrl-C leaves the terminal as it was.
async fn typed(prompt: Phrase, terminal: Terminal) -> Result<Sensitive<String>, Failure> {
    let _ = write!(std::io::stderr().lock(), "{}", terminal.language.say(prompt));
    let hidden = Hidden::begin().map_err(|error| unreadable(&error))?;
    let (sender, line) = oneshot::channel();
    // A thread of its own, which nobody waits for when the operator gives up.
    std::thread::spawn(move || {
        let mut bytes = Zeroizing::new(Vec::with_capacity(2 * LONGEST));
        let read = read_line(&mut bytes);
        // Whoever gave up doesn't want it any more.
        let _ = sender.send(read.map(|()| bytes));
    });
    let read = tokio::select! {
        read = line => read.unwrap_or_else(|_| Err(std::io::ErrorKind::UnexpectedEof.into())),
        _ = tokio::signal::ctrl_c() => Err(std::io::ErrorKind::Interrupted.into()),
    };
    drop(hidden);
    let _ = writeln!(std::io::stderr().lock());
    match read {
        Ok(bytes) => first_line(&bytes),
        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {
            Err(Failure { exit: Exit::Interrupted, messages: Vec::new() })
        }
        Err(error) => Err(unreadable(&error)),
    }
}

/// A line as the terminal hands it over, which is at most 4,095 characters.
fn read_line(bytes: &mut Vec<u8>) -> std::io::Result<()> {
    let mut part = Zeroizing::new([0; LONGEST]);
    while !bytes.contains(&b'\n') && bytes.len() < LONGEST {
        // Not through the buffer of `stdin()`, which would keep what was typed.
        let count = rustix::io::read(stdin(), &mut part[..])?;
        if count == 0 {
            break;
        }
        bytes.extend(&part[..count]);
    }
    Ok(())
}

fn unreadable(error: &std::io::Error) -> Failure {
    let kind = error.kind();
    Failure::new(
        Exit::Failed,
        Message::new(format!("What was given can't be read: {kind}."), format!("De invoer is niet leesbaar: {kind}.")),
    )
}

/// While it lives, the terminal doesn't show what is typed.
struct Hidden(Termios);

impl Hidden {
    fn begin() -> std::io::Result<Self> {
        let before = tcgetattr(stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(stdin(), OptionalActions::Flush, &quiet)?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let _ = tcsetattr(stdin(), OptionalActions::Flush, &self.0);
    }
}
