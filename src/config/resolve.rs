//! Puts file, environment and flags over each other and keeps where each value came from.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use kluis_core::kernel::Message;

use super::settings::SETTINGS;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Default,
    File(PathBuf),
    Environment(String),
    /// The file that an environment variable names.
    EnvironmentFile(String),
    Flag,
}

/// What is wrong with the configuration; never holds a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {}", what.en)]
pub struct ConfigFault {
    /// The key, or the file.
    pub place: String,
    pub what: Message,
}

impl ConfigFault {
    pub fn new(place: impl Into<String>, en: impl Into<String>, nl: impl Into<String>) -> Self {
        Self { place: place.into(), what: Message::new(en, nl) }
    }

    fn unknown(place: impl Into<String>) -> Self {
        Self::new(place, "there is no such setting", "deze instelling bestaat niet")
    }

    fn unreadable(place: impl Into<String>, kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::NotFound => Self::new(place, "there is no such file", "dit bestand bestaat niet"),
            ErrorKind::PermissionDenied => Self::new(place, "may not be read", "mag niet gelezen worden"),
            ErrorKind::InvalidData => Self::new(place, "is not UTF-8 text", "is geen tekst in UTF-8"),
            kind => Self::new(place, format!("can't be read: {kind}"), format!("is niet leesbaar: {kind}")),
        }
    }
}

/// Key to value and origin; absent keys have no value.
#[derive(Debug, Default)]
pub struct Resolved(BTreeMap<&'static str, (String, Origin)>);

impl Resolved {
    /// The value; `None` when it is empty or absent.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|(value, _)| value.as_str()).filter(|v| !v.is_empty())
    }

    pub fn origin(&self, key: &str) -> Option<&Origin> {
        self.0.get(key).map(|(_, origin)| origin)
    }
}

/// What the values are taken from; the environment is a parameter, so that tests need not change the process's own.
pub struct Sources<'a> {
    pub file: Option<&'a Path>,
    pub environment: &'a BTreeMap<String, String>,
    /// `key=value` pairs of the command line.
    pub flags: &'a [(String, String)],
}

/// Resolves all settings; gives every fault, not only the first.
pub fn resolve(sources: &Sources<'_>) -> Result<Resolved, Vec<ConfigFault>> {
    let (resolved, faults) = resolve_all(sources);
    if faults.is_empty() { Ok(resolved) } else { Err(faults) }
}

/// What could be resolved, beside the faults.
pub(super) fn resolve_all(sources: &Sources<'_>) -> (Resolved, Vec<ConfigFault>) {
    let mut faults = Vec::new();
    let mut resolved = Resolved::default();
    for setting in SETTINGS {
        resolved.0.insert(setting.key, (setting.default.to_owned(), Origin::Default));
    }
    if let Some(path) = sources.file {
        from_file(path, &mut resolved, &mut faults);
    }
    from_environment(sources.environment, &mut resolved, &mut faults);
    for (key, value) in sources.flags {
        match known(key) {
            Some(key) => set(&mut resolved, key, value.clone(), Origin::Flag),
            None => faults.push(ConfigFault::unknown(key)),
        }
    }
    (resolved, faults)
}

/// Variables of the environment that look like settings and are none: most likely a typing error.
pub fn strangers(environment: &BTreeMap<String, String>) -> Vec<&str> {
    const OTHERS: [&str; 1] = ["KLUIS_CONFIG"];
    let known = |name: &str| {
        let of = |setting: &super::Setting| variable(setting.key);
        OTHERS.contains(&name) || SETTINGS.iter().map(of).any(|own| name.strip_suffix("_FILE").unwrap_or(name) == own)
    };
    let names = environment.keys().map(String::as_str);
    names.filter(|name| name.starts_with("KLUIS_") && !name.starts_with("KLUIS_TEST_") && !known(name)).collect()
}

fn known(key: &str) -> Option<&'static str> {
    SETTINGS.iter().map(|s| s.key).find(|k| *k == key)
}

fn set(resolved: &mut Resolved, key: &'static str, value: String, origin: Origin) {
    resolved.0.insert(key, (value, origin));
}

fn from_file(path: &Path, resolved: &mut Resolved, faults: &mut Vec<ConfigFault>) {
    let place = path.display().to_string();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return faults.push(ConfigFault::unreadable(place, error.kind())),
    };
    let table: toml::Table = match text.parse() {
        Ok(table) => table,
        // The parser's own text may quote the line, which may hold a secret: only its position is told.
        Err(error) => {
            let at = error.span().map_or(0, |span| text[..span.start.min(text.len())].lines().count());
            let told =
                ConfigFault::new(place, format!("is not TOML near line {at}"), format!("is geen TOML bij regel {at}"));
            return faults.push(told);
        }
    };
    for (section, values) in table {
        let toml::Value::Table(values) = values else {
            faults.push(ConfigFault::new(section, "stands outside a section", "staat buiten een sectie"));
            continue;
        };
        for (name, value) in values {
            let full = format!("{section}.{name}");
            match (known(&full), plain(&value)) {
                (None, _) => faults.push(ConfigFault::unknown(full)),
                (Some(_), None) => faults.push(ConfigFault::new(
                    full,
                    "must be text, a number or true/false",
                    "moet tekst, een getal of true/false zijn",
                )),
                (Some(key), Some(text)) => set(resolved, key, text, Origin::File(path.to_owned())),
            }
        }
    }
}

fn plain(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn from_environment(environment: &BTreeMap<String, String>, resolved: &mut Resolved, faults: &mut Vec<ConfigFault>) {
    for setting in SETTINGS {
        let name = variable(setting.key);
        let by_file = format!("{name}_FILE");
        match (environment.get(&name), environment.get(&by_file)) {
            (Some(_), Some(_)) => faults.push(ConfigFault::new(
                name,
                format!("is set together with {by_file}"),
                format!("staat er samen met {by_file}"),
            )),
            (Some(value), None) => set(resolved, setting.key, value.clone(), Origin::Environment(name)),
            (None, Some(path)) => match std::fs::read_to_string(path) {
                Ok(text) => {
                    let value = text.trim_end_matches(['\r', '\n']).to_owned();
                    set(resolved, setting.key, value, Origin::EnvironmentFile(by_file));
                }
                Err(error) => faults.push(ConfigFault::unreadable(by_file, error.kind())),
            },
            (None, None) => {}
        }
    }
}

/// `server.public_url` → `KLUIS_SERVER_PUBLIC_URL`.
pub(super) fn variable(key: &str) -> String {
    format!("KLUIS_{}", key.replace('.', "_").to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn flags_beat_the_environment_which_beats_the_file() {
        let file = file("[server]\nlisten = \"a\"\n[log]\nlevel = \"b\"\nformat = \"c\"\n");
        let environment = BTreeMap::from([
            ("KLUIS_LOG_LEVEL".to_owned(), "d".to_owned()),
            ("KLUIS_LOG_FORMAT".to_owned(), "e".to_owned()),
        ]);
        let flags = [("log.format".to_owned(), "f".to_owned())];
        let sources = Sources { file: Some(file.path()), environment: &environment, flags: &flags };
        let resolved = resolve(&sources).unwrap();
        assert_eq!(resolved.get("server.listen"), Some("a"));
        assert_eq!(resolved.get("log.level"), Some("d"));
        assert_eq!(resolved.get("log.format"), Some("f"));
        assert_eq!(resolved.origin("server.listen"), Some(&Origin::File(file.path().to_owned())));
        assert_eq!(resolved.origin("log.level"), Some(&Origin::Environment("KLUIS_LOG_LEVEL".to_owned())));
        assert_eq!(resolved.origin("session.hours"), Some(&Origin::Default));
    }

    #[test]
    fn every_fault_is_named_and_no_value_is_told() {
        let file = file("[server]\nlisten = [1]\nport = 5\n[mail]\npasswort = \"hunter2\"\n");
        let environment = BTreeMap::from([
            ("KLUIS_MAIL_PASSWORD".to_owned(), "x".to_owned()),
            ("KLUIS_MAIL_PASSWORD_FILE".to_owned(), "/nowhere".to_owned()),
        ]);
        let sources = Sources { file: Some(file.path()), environment: &environment, flags: &[] };
        let faults = resolve(&sources).unwrap_err();
        let places: Vec<_> = faults.iter().map(|f| f.place.as_str()).collect();
        assert_eq!(places, ["mail.passwort", "server.listen", "server.port", "KLUIS_MAIL_PASSWORD"]);
        assert!(!format!("{faults:?}").contains("hunter2"));
    }

    #[test]
    fn mistyped_variables_are_noticed() {
        let names = ["KLUIS_LOG_LEVEL", "KLUIS_MAIL_PASSWORD_FILE", "KLUIS_CONFIG", "KLUIS_LOG_LEVL", "PATH"];
        let environment = names.map(|name| (name.to_owned(), String::new())).into();
        assert_eq!(strangers(&environment), ["KLUIS_LOG_LEVL"]);
    }

    #[test]
    fn a_secret_can_stand_in_a_file_of_its_own() {
        let secret = file("s3cret\n");
        let path = secret.path().display().to_string();
        let environment = BTreeMap::from([("KLUIS_UNSEAL_PASSPHRASE_FILE".to_owned(), path)]);
        let resolved = resolve(&Sources { file: None, environment: &environment, flags: &[] }).unwrap();
        assert_eq!(resolved.get("unseal.passphrase"), Some("s3cret"));
    }
}
