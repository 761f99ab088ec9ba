//! The configuration as text: the commented file that `init` writes, and what `config dump` shows.

use std::fmt::Write as _;

use kluis_core::kernel::Phrase;

use super::resolve::{Origin, Resolved, variable};
use super::settings::{SETTINGS, Setting};

/// Chooses the reader's language.
pub type Say = fn(Phrase) -> &'static str;

const HEAD: Phrase = Phrase {
    en: "# Kluis. Each value may also come from the environment (KLUIS_SECTION_NAME, or KLUIS_SECTION_NAME_FILE\n\
         # for the name of a file that holds it) or from a flag (--set section.name=value), which win over this file.\n",
    nl: "# Kluis. Elke waarde mag ook uit de omgeving komen (KLUIS_SECTION_NAME, of KLUIS_SECTION_NAME_FILE met de\n\
         # naam van een bestand waar zij in staat) of uit een vlag (--set section.name=waarde); die winnen het van dit bestand.\n",
};
const BETTER: Phrase = Phrase { en: "better by", nl: "liever met" };
const UNSET: Phrase = Phrase { en: "(not set)", nl: "(niet ingesteld)" };
const DEFAULT: Phrase = Phrase { en: "default", nl: "standaard" };
const FLAG: Phrase = Phrase { en: "flag", nl: "vlag" };

/// The commented file; `chosen` are the values that `init` sets, all others stand as comments with their default.
pub fn template(chosen: &[(&str, &str)], say: Say) -> String {
    let mut out = String::from(say(HEAD));
    let mut section = "";
    for setting in SETTINGS {
        let (own_section, name) = split(setting);
        if own_section != section {
            section = own_section;
            let _ = write!(out, "\n[{section}]\n");
        }
        let _ = writeln!(out, "# {}", say(setting.help));
        let value = chosen.iter().find(|(key, _)| *key == setting.key).map(|(_, value)| *value);
        // Quoting by the TOML library, so that any path stays one value.
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let _ = match value {
            Some(value) => writeln!(out, "{name} = {}", quoted(value)),
            None if setting.secret => writeln!(out, "# {name}: {} {}_FILE", say(BETTER), variable(setting.key)),
            None => writeln!(out, "# {name} = {}", quoted(setting.default)),
        };
    }
    out
}

/// A line per setting: key, value (secrets masked), origin.
pub fn dump(resolved: &Resolved, say: Say) -> String {
    let mut out = String::new();
    for setting in SETTINGS {
        let value = match resolved.get(setting.key) {
            None => say(UNSET),
            Some(_) if setting.secret => "••••••",
            Some(value) => value,
        };
        let origin = match resolved.origin(setting.key) {
            None | Some(Origin::Default) => say(DEFAULT).to_owned(),
            Some(Origin::File(path)) => path.display().to_string(),
            Some(Origin::Environment(name) | Origin::EnvironmentFile(name)) => name.clone(),
            Some(Origin::Flag) => say(FLAG).to_owned(),
        };
        let _ = writeln!(out, "{:<26} {value:<32} {origin}", setting.key);
    }
    out
}

fn split(setting: &Setting) -> (&'static str, &'static str) {
    setting.key.split_once('.').unwrap_or(("", setting.key))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::{Sources, resolve};
    use super::*;

    const ENGLISH: Say = |phrase| phrase.en;
    const DUTCH: Say = |phrase| phrase.nl;

    #[test]
    fn the_template_is_read_back_without_a_fault() {
        for say in [ENGLISH, DUTCH] {
            let file = tempfile::NamedTempFile::new().unwrap();
            let chosen = [("data.directory", "/srv/with \"quotes\""), ("unseal.source", "passphrase")];
            std::fs::write(file.path(), template(&chosen, say)).unwrap();
            let sources = Sources { file: Some(file.path()), environment: &BTreeMap::new(), flags: &[] };
            let resolved = resolve(&sources).unwrap();
            assert_eq!(resolved.get("data.directory"), Some("/srv/with \"quotes\""));
            assert_eq!(resolved.get("unseal.source"), Some("passphrase"));
        }
    }

    #[test]
    fn a_dump_shows_no_secret() {
        let environment = BTreeMap::from([
            ("KLUIS_MAIL_PASSWORD".to_owned(), "hunter2".to_owned()),
            ("KLUIS_DATABASE_URL".to_owned(), "postgres://kluis:hunter2@db/kluis".to_owned()),
        ]);
        let resolved = resolve(&Sources { file: None, environment: &environment, flags: &[] }).unwrap();
        let text = dump(&resolved, ENGLISH);
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("KLUIS_MAIL_PASSWORD"), "{text}");
    }
}
