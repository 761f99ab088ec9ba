//! The log: what the operator needs to know, on standard error, as text or as JSON lines.
//!
//! Must never: get a value of a person or a secret (that is up to everyone who writes to it: ids, codes and counts
//! only), or go to standard output, where commands write their results.

use std::io::Write as _;
use std::panic::PanicHookInfo;

use kluis_core::kernel::Message;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{Layer, Registry, fmt};

use crate::config::{Config, ConfigFault, LogFormat};

/// What libraries say below this level tells nothing to an operator, and might quote what it was given: sqlx logs
/// statements at `debug`. Never their arguments, but names of columns are noise enough.
const QUIET: &str = "poem=warn,sqlx=warn,h2=warn,hyper=warn,rustls=warn,lettre=warn";

/// Starts the log; once per process.
pub fn start(config: &Config) -> Result<(), ConfigFault> {
    let filter = filter(&config.log_level)?;
    let layer = match config.log_format {
        LogFormat::Text => fmt::layer().with_writer(std::io::stderr).with_ansi(false).boxed(),
        LogFormat::Json => fmt::layer().with_writer(std::io::stderr).json().flatten_event(true).boxed(),
    };
    let started: Result<(), TryInitError> = Registry::default().with(filter).with(layer).try_init();
    // It is there already when two servers run in one process, as tests do: then the first one's settings hold.
    drop(started);
    Ok(())
}

/// From now on a panic tells where it happened and nothing else: its message may quote what was being worked on.
pub fn hush_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = place(panic);
        if tracing::dispatcher::has_been_set() {
            tracing::error!(place, "a fault in the program");
        } else {
            // Nowhere is left to say it when standard error is closed.
            let _ = writeln!(std::io::stderr(), "kluis: a fault in the program at {place}");
        }
    }));
}

fn place(panic: &PanicHookInfo<'_>) -> String {
    panic.location().map_or_else(|| "an unknown place".to_owned(), |at| format!("{}:{}", at.file(), at.line()))
}

/// Says whether [`start`] will take the level.
pub fn check(config: &Config) -> Result<(), ConfigFault> {
    filter(&config.log_level).map(drop)
}

fn filter(level: &str) -> Result<EnvFilter, ConfigFault> {
    let faulty = |_| {
        let Message { en, nl } = Message::new(
            "must be error, warn, info, debug, trace, or a filter such as info,kluis=debug",
            "moet error, warn, info, debug, trace zijn, of een filter zoals info,kluis=debug",
        );
        ConfigFault::new("log.level", en, nl)
    };
    // What the operator writes stands last and wins.
    EnvFilter::try_new(format!("{QUIET},{level}")).map_err(faulty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_tells_its_place_and_not_its_message() {
        static TOLD: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(|panic| TOLD.lock().unwrap().push(place(panic))));
        let fallen = std::thread::spawn(|| panic!("Fenna van Voorbeeld, +31 6 1234 5678")).join();
        std::panic::set_hook(before);
        assert!(fallen.is_err());
        let told = TOLD.lock().unwrap().join("\n");
        assert!(told.contains("logging.rs:") && !told.contains("Fenna"), "{told}");
    }

    #[test]
    fn levels_and_filters_are_taken_and_nonsense_is_a_fault() {
        for level in ["error", "info", "debug,sqlx=debug", "info,kluis=trace"] {
            assert!(filter(level).is_ok(), "{level}");
        }
        assert_eq!(filter("info,kluis=loud").unwrap_err().place, "log.level");
    }
}
