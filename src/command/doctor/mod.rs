//! `kluis doctor`: looks at everything that an installation stands on, and says what to do.
//!
//! Exit code 0: everything is in order, or only worth a look; 1: something is wrong.
//!
//! Must never: change anything, or stop at the first fault.

mod database;
mod files;
mod machine;
mod policy;
mod report;
mod vault;

use kluis_core::kernel::{Clock, Message, Phrase};

use super::exit::Failure;
use super::migrate::must_exist;
use super::options::{Options, environment};
use super::terminal::{Terminal, p};
use crate::config::{Config, Resolved, strangers};
use crate::logging;
use crate::server::stores::Stores;
use report::{Report, Verdict};

const CONFIGURATION: Phrase = p("configuration", "configuratie");
const DATABASE: Phrase = p("database", "database");

pub async fn run(options: &Options, terminal: Terminal) -> Result<(), Failure> {
    let mut report = Report::default();
    if let Some((resolved, config)) = configuration(options, &mut report) {
        files::check(&resolved, &config, &mut report);
        machine::check_reach(&config, &mut report);
        machine::check_disk(&config, &mut report);
        policy::check(&config, &mut report);
        stores(&config, &mut report).await;
    }
    report.print(terminal);
    let (faults, warnings) = (report.count(Verdict::Fail), report.count(Verdict::Warn));
    terminal.say(Message::new(
        format!("{faults} wrong, {warnings} worth a look."),
        format!("{faults} fout, {warnings} aandachtspunten."),
    ));
    if report.worst() == Verdict::Fail { Err(Failure::told()) } else { Ok(()) }
}

fn configuration(options: &Options, report: &mut Report) -> Option<(Resolved, Config)> {
    let file = options.file();
    for name in strangers(&environment()) {
        report.warn(
            CONFIGURATION,
            Message::new(
                format!("{name} is no setting; a typing error?"),
                format!("{name} is geen instelling; een typefout?"),
            ),
        );
    }
    let loaded = options.load_over(file.as_deref(), &[]).and_then(|loaded| match logging::check(&loaded.1) {
        Ok(()) => Ok(loaded),
        Err(fault) => Err(vec![fault]),
    });
    match loaded {
        Ok(loaded) => {
            let name = file.map(|file| file.display().to_string());
            report.ok(CONFIGURATION, name.map_or_else(|| p("no file", "geen bestand").into(), Message::plain));
            Some(loaded)
        }
        Err(faults) => {
            for message in Failure::from(faults).messages {
                report.fail(CONFIGURATION, message);
            }
            None
        }
    }
}

async fn stores(config: &Config, report: &mut Report) {
    let opened = match must_exist(config) {
        Ok(()) => Stores::open(config).await.map_err(Failure::from),
        Err(failure) => Err(failure),
    };
    let stores = match opened {
        Ok(stores) => stores,
        Err(failure) => {
            for message in failure.messages {
                report.fail(DATABASE, message);
            }
            return;
        }
    };
    database::check(&stores, report).await;
    vault::check(&stores, config, report).await;
    let last = database::last_event(&stores.data).await;
    machine::check_clock(Clock::System.now(), &stores.data, last, report).await;
    stores.close().await;
}
