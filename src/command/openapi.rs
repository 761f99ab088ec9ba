//! `kluis openapi`: the API's document, to write it into a file or to see whether the file is still right.

use std::path::PathBuf;

use clap::Args;
use kluis_core::kernel::Message;

use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use crate::domains;

#[derive(Debug, Args)]
pub struct OpenapiCommand {
    /// Compares instead of writing; the exit code is 1 when they differ
    #[arg(long, requires = "file")]
    check: bool,
    /// The file; without it the document goes to standard output
    file: Option<PathBuf>,
}

pub fn run(command: &OpenapiCommand, terminal: Terminal) -> Result<(), Failure> {
    let document =
        domains::document().map_err(|error| Failure::new(Exit::Failed, Message::plain(error.to_string())))?;
    let findings = document.findings();
    if !findings.is_empty() {
        return Err(Failure::new(Exit::Failed, Message::plain(findings.join("\n"))));
    }
    let text = document.text();
    let Some(file) = &command.file else {
        Terminal::raw(&text);
        return Ok(());
    };
    let name = file.display();
    if !command.check {
        std::fs::write(file, text).map_err(|error| Failure::file(file, &error))?;
        terminal.say(Message::new(format!("{name} is written."), format!("{name} is geschreven.")));
        return Ok(());
    }
    let found = std::fs::read_to_string(file).map_err(|error| Failure::file(file, &error))?;
    let Some(line) = first_difference(&found, &text) else {
        terminal.say(Message::new(format!("{name} is up to date."), format!("{name} is bij.")));
        return Ok(());
    };
    Err(Failure::new(
        Exit::Failed,
        Message::new(
            format!("{name} differs from line {line} on: run kluis openapi {name}"),
            format!("{name} wijkt af vanaf regel {line}: voer kluis openapi {name} uit"),
        ),
    ))
}

/// The first line, counted from 1, in which they differ.
fn first_difference(found: &str, wanted: &str) -> Option<usize> {
    if found == wanted {
        return None;
    }
    let same = found.lines().zip(wanted.lines()).take_while(|(one, other)| one == other).count();
    Some(same + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_named() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some(2));
        assert_eq!(first_difference("a\n", "a\nb\n"), Some(2));
        assert_eq!(first_difference("a\nb", "a\nb\n"), Some(3));
    }
}
