//! The configuration as text: the commented file that `init` writes, and what `config dump` shows.

use std::fmt::Write as _;

use super::resolve::{Origin, Resolved, variable};
use super::settings::{SETTINGS, Setting};

/// The commented file; `chosen` are the values that `init` sets, all others stand as comments with their default.
pub fn template(chosen: &[(&str, &str)]) -> String {
    let mut out = String::from(
        "# Kluis. Each value may also come from the environment (KLUIS_SECTION_NAME, or KLUIS_SECTION_NAME_FILE\n\
         # for the name of a file that holds it) or from a flag (--set section.name=value), which win over this file.\n",
    );
    let mut section = "";
    for setting in SETTINGS {
        let (own_section, name) = split(setting);
        if own_section != section {
            section = own_section;
            let _ = write!(out, "\n[{section}]\n");
        }
        let _ = writeln!(out, "# {}", setting.help);
        let value = chosen.iter().find(|(key, _)| *key == setting.key).map(|(_, value)| *value);
        // Quoting by the TOML library, so that any path stays one value.
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let _ = match value {
            Some(value) => writeln!(out, "{name} = {}", quoted(value)),
            None if setting.secret => writeln!(out, "# {name}: better by {}_FILE", variable(setting.key)),
            None => writeln!(out, "# {name} = {}", quoted(setting.default)),
        };
    }
    out
}

/// A line per setting: key, value (secrets masked), origin.
pub fn dump(resolved: &Resolved) -> String {
    let mut out = String::new();
    for setting in SETTINGS {
        let value = match resolved.get(setting.key) {
            None => "(not set)",
            Some(_) if setting.secret => "••••••",
            Some(value) => value,
        };
        let origin = match resolved.origin(setting.key) {
            None | Some(Origin::Default) => "default".to_owned(),
            Some(Origin::File(path)) => path.display().to_string(),
            Some(Origin::Environment(name) | Origin::EnvironmentFile(name)) => name.clone(),
            Some(Origin::Flag) => "flag".to_owned(),
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

    #[test]
    fn the_template_is_read_back_without_a_fault() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = template(&[("data.directory", "/srv/with \"quotes\""), ("unseal.source", "passphrase")]);
        std::fs::write(file.path(), text).unwrap();
        let sources = Sources { file: Some(file.path()), environment: &BTreeMap::new(), flags: &[] };
        let resolved = resolve(&sources).unwrap();
        assert_eq!(resolved.get("data.directory"), Some("/srv/with \"quotes\""));
        assert_eq!(resolved.get("unseal.source"), Some("passphrase"));
    }

    #[test]
    fn a_dump_shows_no_secret() {
        let environment = BTreeMap::from([
            ("KLUIS_MAIL_PASSWORD".to_owned(), "hunter2".to_owned()),
            ("KLUIS_DATABASE_URL".to_owned(), "postgres://kluis:hunter2@db/kluis".to_owned()),
        ]);
        let resolved = resolve(&Sources { file: None, environment: &environment, flags: &[] }).unwrap();
        let text = dump(&resolved);
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("KLUIS_MAIL_PASSWORD"), "{text}");
    }
}
