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
    (
        "Makes an installation: directory, databases, keys, first administrator",
        "Maakt een installatie: map, databases, sleutels, eerste beheerder",
    ),
    ("Where data, keys and configuration are put", "Waar gegevens, sleutels en configuratie komen; anders kluis-data"),
    ("Name of the organisation at the top", "Naam van de organisatie bovenaan"),
    ("Country of the organisation, two letters", "Land van de organisatie, twee letters; anders NL"),
    ("E-mail address of the first administrator", "E-mailadres van de eerste beheerder"),
    ("Runs the server", "Draait de server"),
    ("Opens the vault of the running service", "Opent de kluis van de draaiende dienst"),
    ("Closes the vault of the running service", "Sluit de kluis van de draaiende dienst"),
    ("Shows, renews and rotates keys", "Toont, vernieuwt en vervangt sleutels"),
    (
        "Shows what opens the vault, and how many keys there are",
        "Toont wat de kluis opent, en hoeveel sleutels er zijn",
    ),
    (
        "Prints a new root key, for a secret store; nothing uses it yet",
        "Toont een nieuwe hoofdsleutel, voor een geheimenopslag; nog niets gebruikt haar",
    ),
    (
        "Makes a new recovery key in place of the present one",
        "Maakt een nieuwe herstelsleutel in plaats van de huidige",
    ),
    ("Sets the passphrase that opens the vault", "Stelt de wachtwoordzin in die de kluis opent"),
    (
        "Shares of a recovery secret, for people to keep apart",
        "Delen van een herstelgeheim, die mensen apart van elkaar bewaren",
    ),
    ("Makes new shares; those that were made before are void", "Maakt nieuwe delen; eerder gemaakte vervallen"),
    ("How many shares open the vault together, 2 or more", "Hoeveel delen samen de kluis openen, 2 of meer"),
    ("How many shares are made, 16 at most", "Hoeveel delen er gemaakt worden, hoogstens 16"),
    (
        "Writes each share to a file of its own there, instead of showing one after the other",
        "Schrijft elk deel daar in een eigen bestand, in plaats van ze een voor een te tonen",
    ),
    (
        "Has HashiCorp Vault encrypt the root key, or put it under the newest version of its key",
        "Laat HashiCorp Vault de hoofdsleutel versleutelen, of onder de nieuwste versie van zijn sleutel brengen",
    ),
    (
        "Makes anew what opens the vault, with the recovery key or with shares",
        "Maakt met de herstelsleutel of met delen opnieuw wat de kluis opent",
    ),
    (
        "File with a share; may be given more than once. Otherwise shares or the recovery key are asked for",
        "Bestand met een deel; mag vaker voorkomen. Anders wordt om delen of de herstelsleutel gevraagd",
    ),
    ("Puts a new key in place of one that is in use", "Vervangt een sleutel die in gebruik is door een nieuwe"),
    ("The key above all others; services that run go on", "De sleutel boven alle andere; draaiende diensten gaan door"),
    (
        "The keys above those of the customers; services that run go on",
        "De sleutels boven die van de klanten; draaiende diensten gaan door",
    ),
    ("Of one organisation, by its id; otherwise of all", "Van één organisatie, met haar id; anders van alle"),
    (
        "Brings the databases to this program's version first",
        "Brengt eerst de databases naar de versie van dit programma",
    ),
    (
        "Compares the erasure ledger with its copy, and mends what a restore has undone",
        "Vergelijkt het wisregister met zijn kopie, en herstelt wat een teruggezette reservekopie ongedaan maakte",
    ),
    ("Compares the erasure ledger with its copy", "Vergelijkt het wisregister met zijn kopie"),
    ("Erases once more whom older data has brought back", "Wist opnieuw wie met oudere gegevens is teruggekomen"),
    ("Only says what would be erased", "Zegt alleen wat er gewist zou worden"),
    ("Writes the copy of the ledger to a new place", "Schrijft de kopie van het register naar een nieuwe plek"),
    ("Shows a fictitious franchise, on this machine only", "Toont een fictieve franchise, alleen op deze machine"),
    (
        "Where the demonstration is kept; otherwise KLUIS_DATA_DIRECTORY, or demo-data",
        "Waar de demonstratie bewaard wordt; anders KLUIS_DATA_DIRECTORY, of demo-data",
    ),
    (
        "Prints the address and the tokens of the roles as one line of JSON, once the server answers",
        "Drukt het adres en de tokens van de rollen af als één regel JSON, zodra de server antwoordt",
    ),
    ("Makes everything anew", "Maakt alles opnieuw"),
    ("Brings customers in out of a table", "Haalt klanten binnen uit een tabel"),
    (
        "The table: CSV with semicolons, commas or tabs, in UTF-8 or Windows-1252",
        "De tabel: CSV met puntkomma's, komma's of tabs, in UTF-8 of Windows-1252",
    ),
    (
        "The organisation that the customers belong to, by its id",
        "De organisatie waar de klanten bij horen, met haar id",
    ),
    (
        "Legal basis: consent, contract, legal_obligation, vital_interest, public_interest or legitimate_interest",
        "Rechtsgrond: consent, contract, legal_obligation, vital_interest, public_interest of legitimate_interest",
    ),
    (
        "Where the data comes from, in one word: webshop, fair …",
        "Waar de gegevens vandaan komen, in één woord: webshop, fair …",
    ),
    (
        "Status of new customers: prospect, active or former",
        "Status van nieuwe klanten: prospect, active of former; anders active",
    ),
    (
        "What a column means, where the proposal is wrong; may be given more than once",
        "Wat een kolom betekent, waar het voorstel niet klopt; mag vaker voorkomen",
    ),
    (
        "Says what would happen to each line, and writes nothing",
        "Zegt wat er met elke regel zou gebeuren, en schrijft niets",
    ),
    (
        "File for what became of each line; otherwise only the sums are shown",
        "Bestand voor wat er van elke regel geworden is; anders alleen de aantallen",
    ),
    ("Makes or lists the people who sign in", "Maakt of toont de mensen die zich aanmelden"),
    (
        "Makes a user, and the one-time link by which they choose a password",
        "Maakt een gebruiker, met de eenmalige link om een wachtwoord te kiezen",
    ),
    ("Lists the users of the whole network", "Toont de gebruikers van het hele netwerk"),
    ("E-mail address; the user signs in with it", "E-mailadres; daarmee meldt de gebruiker zich aan"),
    ("Name as colleagues see it", "Naam zoals collega's die zien"),
    ("The organisation, by its id; otherwise the one at the top", "De organisatie, met haar id; anders die bovenaan"),
    ("Role in that organisation; may be given more than once", "Rol in die organisatie; mag vaker voorkomen"),
    ("Checks, explains or spells out the access policy", "Controleert, verklaart of toont het toegangsbeleid"),
    ("Looks for unknown words, dead lines and broken rules", "Zoekt onbekende woorden, dode regels en gebroken regels"),
    ("Shows what each role may do, as one text", "Toont wat elke rol mag, als één tekst"),
    ("Checks what must hold whatever the policy says", "Controleert wat moet gelden wat het beleid ook zegt"),
    ("Says why a role may, or may not, do something", "Zegt waarom een rol iets wel of niet mag"),
    (
        "The policy; otherwise the one that the configuration names, or the one inside the program",
        "Het beleid; anders dat uit de configuratie, of dat in het programma",
    ),
    ("The role, as policy.csv names it, without role:", "De rol, zoals policy.csv haar noemt, zonder role:"),
    (
        "Kind of the organisation: hq, region, franchisee, member_org or ngo",
        "Soort organisatie: hq, region, franchisee, member_org of ngo",
    ),
    ("What is done: read, create, update …", "Wat er gebeurt: read, create, update …"),
    (
        "An entity or a compartment of it: customer, customer.contact …",
        "Een soort gegeven of een onderdeel ervan: customer, customer.contact …",
    ),
    (
        "Purpose of the processing; otherwise the usual one of the role",
        "Doel van de verwerking; anders het gebruikelijke van de rol",
    ),
    (
        "Writes the API's document, or compares it with a file",
        "Schrijft het document van de API, of vergelijkt het met een bestand",
    ),
    (
        "Compares instead of writing; the exit code is 1 when they differ",
        "Vergelijkt in plaats van te schrijven; de exitcode is 1 bij verschil",
    ),
    (
        "The file; without it the document goes to standard output",
        "Het bestand; zonder gaat het document naar de standaarduitvoer",
    ),
    ("Brings the databases to this program's version", "Brengt de databases naar de versie van dit programma"),
    ("Only says what would be done", "Zegt alleen wat er zou gebeuren"),
    ("Looks at everything that the installation stands on", "Bekijkt alles waar de installatie op steunt"),
    ("Checks the audit log, or hands it out", "Controleert het logboek, of geeft het mee"),
    (
        "Says whether the audit log was changed, shortened or put back: the database's, or that of an exported file",
        "Zegt of het logboek gewijzigd, ingekort of teruggezet is: dat van de database, of dat van een geëxporteerd bestand",
    ),
    (
        "An exported log; without it, the log of the database",
        "Een geëxporteerd logboek; anders het logboek van de database",
    ),
    (
        "The public key that checkpoints must be signed with, as kluis audit key has shown it",
        "De openbare sleutel waarmee controlepunten ondertekend moeten zijn, zoals kluis audit key die toonde",
    ),
    (
        "File with checkpoints that were kept elsewhere; may be given more than once",
        "Bestand met controlepunten die elders bewaard zijn; mag vaker voorkomen",
    ),
    (
        "Writes the signed part of the audit log to a file that can be checked without a database",
        "Schrijft het ondertekende deel van het logboek naar een bestand dat zonder database te controleren is",
    ),
    ("The file", "Het bestand"),
    (
        "Shows the public key with which checkpoints of the audit log can be checked",
        "Toont de openbare sleutel waarmee controlepunten van het logboek te controleren zijn",
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
