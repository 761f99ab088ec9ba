//! The command line's help and complaints, in Dutch as well.
//!
//! clap has English texts only: they are the keys of [`DUTCH`], and a test demands that every one is there.

use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command, CommandFactory, Error};
use kluis_core::kernel::Message;

use super::exit::Exit;
use super::terminal::Terminal;
use crate::web::Language;

const DUTCH: &[(&str, &str)] = &[
    (
        "A self-hosted CRM that keeps its customers' data as a vault would",
        "Een CRM op eigen servers dat klantgegevens bewaart als in een kluis",
    ),
    ("Print help", "Toont deze hulp"),
    ("Print version", "Toont de versie"),
    (
        "Configuration file; otherwise kluis.toml here, in kluis-data, or in /etc/kluis",
        "Configuratiebestand; anders kluis.toml hier, in kluis-data of in /etc/kluis",
    ),
    ("Overrules one setting; may be given more than once", "Overstemt één instelling; mag vaker voorkomen"),
    (
        "Language of what is printed, nl or en; otherwise that of the environment (LANG)",
        "Taal van wat er getoond wordt, nl of en; anders die van de omgeving (LANG)",
    ),
    ("Brings the databases to this program's version", "Brengt de databases naar de versie van dit programma"),
    ("Only says what would be done", "Zegt alleen wat er zou gebeuren"),
    ("Looks at everything that the installation stands on", "Bekijkt alles waar de installatie op steunt"),
    ("Checks the audit log", "Controleert het logboek"),
    (
        "Recomputes the chain of the audit log and says whether it was changed",
        "Rekent de keten van het logboek na en zegt of het gewijzigd is",
    ),
    ("Checks or shows the configuration", "Controleert of toont de configuratie"),
    (
        "Says whether the configuration is sound, and names every fault",
        "Zegt of de configuratie in orde is, en noemt elke fout",
    ),
    (
        "Shows every setting, its value and where it came from; secrets are masked",
        "Toont elke instelling, de waarde en waar die vandaan komt; geheimen zijn gemaskeerd",
    ),
];

/// The command line of `C` in the reader's language.
pub fn command<C: CommandFactory>(terminal: Terminal) -> Command {
    let flag = |name: &'static str, short, action, text: &'static str| {
        Arg::new(name).long(name).short(short).action(action).help(text).global(true)
    };
    let command = C::command()
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(flag("help", 'h', ArgAction::Help, "Print help"))
        .arg(flag("version", 'V', ArgAction::Version, "Print version"));
    match terminal.language {
        Language::En => command,
        Language::Nl => translated(command),
    }
}

fn translated(mut command: Command) -> Command {
    if let Some(text) = command.get_about().and_then(|text| dutch(&text.to_string())) {
        command = command.about(text);
    }
    command = command
        .help_template("{about-with-newline}\nGebruik: {usage}\n\n{all-args}{after-help}")
        .subcommand_help_heading("Opdrachten")
        .subcommand_value_name("OPDRACHT")
        .mut_args(|argument| {
            let heading = if argument.is_positional() { "Argumenten" } else { "Opties" };
            let text = argument.get_help().and_then(|text| dutch(&text.to_string()));
            let argument = argument.help_heading(heading);
            match text {
                Some(text) => argument.help(text),
                None => argument,
            }
        });
    let names: Vec<_> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, translated))
}

fn dutch(english: &str) -> Option<&'static str> {
    DUTCH.iter().find(|(text, _)| *text == english).map(|(_, text)| *text)
}

/// Prints what clap has to say: the help that was asked for, or what is wrong with the call.
pub fn explain(error: &Error, terminal: Terminal) -> ExitCode {
    let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let is_help = error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    let rendered = error.render().to_string();
    let text = match terminal.language {
        Language::En => rendered,
        // The one word that clap doesn't let us choose.
        Language::Nl if asked || is_help => rendered.replace("[OPTIONS]", "[OPTIES]"),
        Language::Nl => complaint(error),
    };
    if asked {
        Terminal::raw(&text);
        return ExitCode::SUCCESS;
    }
    terminal.note(Message::plain(text.trim_end()));
    Exit::Usage.into()
}

fn complaint(error: &Error) -> String {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        _ => String::new(),
    };
    let argument = context(ContextKind::InvalidArg);
    let what = match error.kind() {
        ErrorKind::UnknownArgument => format!("onbekende optie: {argument}"),
        ErrorKind::InvalidSubcommand => format!("onbekende opdracht: {}", context(ContextKind::InvalidSubcommand)),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation | ErrorKind::NoEquals => {
            format!("ongeldige waarde voor {argument}")
        }
        ErrorKind::MissingSubcommand => "hier ontbreekt een opdracht".to_owned(),
        ErrorKind::MissingRequiredArgument => format!("hier ontbreekt: {argument}"),
        ErrorKind::ArgumentConflict => {
            format!("{argument} gaat niet samen met {}", context(ContextKind::PriorArg))
        }
        ErrorKind::TooManyValues | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            format!("verkeerd aantal waarden voor {argument}")
        }
        _ => "de opdracht klopt niet".to_owned(),
    };
    format!("fout: {what}\n\nMeer hulp geeft --help.")
}

#[cfg(test)]
mod tests {
    use super::super::Cli;
    use super::*;

    fn texts(command: &Command, found: &mut Vec<String>) {
        found.extend(command.get_about().map(ToString::to_string));
        found.extend(command.get_arguments().filter_map(|argument| argument.get_help()).map(ToString::to_string));
        for sub in command.get_subcommands() {
            texts(sub, found);
        }
    }

    #[test]
    fn every_text_is_there_in_dutch_and_none_is_left_over() {
        let mut found = Vec::new();
        texts(&command::<Cli>(Terminal::new(Language::En)), &mut found);
        for text in &found {
            assert!(dutch(text).is_some(), "no Dutch for: {text}");
        }
        for (english, _) in DUTCH {
            assert!(found.iter().any(|text| text == english), "nobody says: {english}");
        }
    }

    #[test]
    fn complaints_name_what_is_wrong() {
        let complain = |arguments: &[&str]| {
            let command = command::<Cli>(Terminal::new(Language::Nl));
            complaint(&command.try_get_matches_from(arguments).unwrap_err())
        };
        assert!(complain(&["kluis", "dans"]).contains("onbekende opdracht: dans"));
        assert!(complain(&["kluis", "config", "check", "--hoog"]).contains("onbekende optie: --hoog"));
        assert!(complain(&["kluis", "--set", "x", "config", "check"]).contains("ongeldige waarde voor --set"));
    }

    #[test]
    fn the_command_line_is_sound() {
        command::<Cli>(Terminal::new(Language::Nl)).debug_assert();
        command::<Cli>(Terminal::new(Language::En)).debug_assert();
    }
}
