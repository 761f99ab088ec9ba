//! Options that every command takes: the language, and where the settings come from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::exit::Failure;
use crate::config::{Config, ConfigFault, Resolved, Sources};
use crate::web::Language;

/// Looked for in this order when no file is named.
const PLACES: [&str; 3] = ["kluis.toml", "kluis-data/kluis.toml", "/etc/kluis/kluis.toml"];

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum LanguageChoice {
    En,
    Nl,
}

#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Configuration file; otherwise kluis.toml here, in kluis-data, or in /etc/kluis
    #[arg(long, global = true, value_name = "FILE", env = "KLUIS_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,
    /// Overrules one setting; may be given more than once
    #[arg(long = "set", global = true, value_name = "SECTION.NAME=VALUE", value_parser = pair)]
    pub set: Vec<(String, String)>,
    /// Language of what is printed, nl or en; otherwise that of the environment (LANG)
    #[arg(long, global = true, value_name = "LANGUAGE", hide_possible_values = true)]
    pub language: Option<LanguageChoice>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("SECTION.NAME=VALUE")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

impl Options {
    /// The file that is read: the one that was named, or the first that is there.
    pub fn file(&self) -> Option<PathBuf> {
        let found = || PLACES.iter().map(PathBuf::from).find(|place| place.is_file());
        self.config.clone().or_else(found)
    }

    /// All settings with their origin, as values and as types.
    pub fn load(&self) -> Result<(Resolved, Config), Failure> {
        self.load_over(self.file().as_deref(), &[]).map_err(Failure::from)
    }

    /// As [`Self::load`], with a file or none, and with values that flags may still overrule.
    pub fn load_over(
        &self,
        file: Option<&Path>,
        presets: &[(String, String)],
    ) -> Result<(Resolved, Config), Vec<ConfigFault>> {
        let flags: Vec<_> = presets.iter().chain(&self.set).cloned().collect();
        Config::load(&Sources { file, environment: &environment(), flags: &flags })
    }
}

/// The environment of the process. What isn't Unicode can be no setting.
pub fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// The language, before anything else is known: `--language` if it can be seen, or the environment's (POSIX order).
pub fn language(arguments: &[String], environment: &BTreeMap<String, String>) -> Language {
    let named = arguments.iter().enumerate().find_map(|(position, argument)| match argument.as_str() {
        "--language" => arguments.get(position + 1).map(String::as_str),
        other => other.strip_prefix("--language="),
    });
    let set = |name: &&str| environment.get(*name).filter(|value| !value.is_empty()).map(String::as_str);
    let locale = || ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(set);
    match named.or_else(locale) {
        Some(text) if text.to_ascii_lowercase().starts_with("nl") => Language::Nl,
        _ => Language::En,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(arguments: &[&str], environment: &[(&str, &str)]) -> Language {
        let arguments: Vec<_> = arguments.iter().map(|text| (*text).to_owned()).collect();
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        language(&arguments, &environment)
    }

    #[test]
    fn the_option_beats_the_environment_in_its_order() {
        assert_eq!(of(&[], &[]), Language::En);
        assert_eq!(of(&[], &[("LANG", "nl_NL.UTF-8")]), Language::Nl);
        assert_eq!(of(&[], &[("LANG", "nl_NL.UTF-8"), ("LC_ALL", "C")]), Language::En);
        assert_eq!(of(&[], &[("LANG", "nl_BE"), ("LC_ALL", "")]), Language::Nl);
        assert_eq!(of(&["doctor", "--language", "en"], &[("LANG", "nl_NL")]), Language::En);
        assert_eq!(of(&["--language=nl"], &[]), Language::Nl);
    }
}
