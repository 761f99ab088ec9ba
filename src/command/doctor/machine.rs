//! The machine: space on the disk, the clock, how it can be reached.

use chrono::{DateTime, Datelike, Utc};
use kluis_core::kernel::{Message, Phrase};
use kluis_core::store::{Db, inspect};

use super::report::Report;
use crate::command::terminal::p;
use crate::config::Config;

const DISK: Phrase = p("disk space", "schijfruimte");
const CLOCK: Phrase = p("clock", "klok");
const REACH: Phrase = p("connections", "verbindingen");
const MAIL: Phrase = p("mail", "mail");

/// Below this nothing can be relied on.
const LEAST_MIB: u64 = 256;
const LITTLE_MIB: u64 = 2048;
/// This program was written in that year; a clock before it is wrong.
const WRITTEN: i32 = 2026;
/// One-time codes live thirty seconds, and two nodes must agree on what has expired.
const SECONDS_APART: i64 = 5;

pub fn check_disk(config: &Config, report: &mut Report) {
    let Some(free) = free_mib(&config.data_directory) else {
        return report.warn(DISK, p("can't be determined", "is niet vast te stellen"));
    };
    let detail = Message::new(format!("{free} MiB free"), format!("{free} MiB vrij"));
    match free {
        0..LEAST_MIB => report.fail(DISK, detail),
        LEAST_MIB..LITTLE_MIB => report.warn(DISK, detail),
        _ => report.ok(DISK, detail),
    }
}

#[cfg(unix)]
fn free_mib(path: &std::path::Path) -> Option<u64> {
    let space = rustix::fs::statvfs(path).ok()?;
    Some(space.f_bavail.saturating_mul(space.f_frsize) >> 20)
}

#[cfg(not(unix))]
fn free_mib(_: &std::path::Path) -> Option<u64> {
    None
}

/// Compares the clock with the year, with the database server's, and with the last event in the audit log.
pub async fn check_clock(now: DateTime<Utc>, db: &Db, last_event: Option<DateTime<Utc>>, report: &mut Report) {
    if now.year() < WRITTEN {
        return report.fail(CLOCK, p("stands in the past", "loopt jaren achter"));
    }
    if last_event.is_some_and(|last| (last - now).num_seconds() > SECONDS_APART) {
        return report.fail(
            CLOCK,
            p("stands before the last event in the audit log", "loopt achter op de laatste gebeurtenis in het logboek"),
        );
    }
    match inspect::clock(db).await {
        Ok(None) => report.ok(CLOCK, Message::plain(now.format("%Y-%m-%d %H:%M:%S UTC").to_string())),
        Ok(Some(server)) => {
            let apart = (now.timestamp_micros() - server).abs() / 1_000_000;
            let detail = Message::new(
                format!("{apart} s from the database server's"),
                format!("{apart} s verschil met de databaseserver"),
            );
            if apart > SECONDS_APART { report.fail(CLOCK, detail) } else { report.ok(CLOCK, detail) }
        }
        Err(_) => report.warn(CLOCK, p("the database server's is unknown", "die van de databaseserver is onbekend")),
    }
}

pub fn check_reach(config: &Config, report: &mut Report) {
    let public = !config.listen.ip().is_loopback();
    if public && config.tls.is_none() && !config.is_https() {
        report.fail(REACH, p(
            "open to the network without TLS: set server.tls_certificate, or listen on 127.0.0.1 behind a proxy",
            "open voor het netwerk zonder TLS: stel server.tls_certificate in, of luister op 127.0.0.1 achter een proxy",
        ));
    } else if config.tls.is_none() && config.is_https() && config.trusted_proxies.is_empty() {
        report.warn(
            REACH,
            p(
                "no server.trusted_proxies: every client will look like the proxy",
                "geen server.trusted_proxies: elke bezoeker lijkt de proxy te zijn",
            ),
        );
    } else {
        report.ok(REACH, Message::plain(format!("{} · {}", config.listen, config.public_url)));
    }
    match &config.mail {
        Some(mail) => report.ok(MAIL, Message::plain(mail.host.clone())),
        None => report.warn(
            MAIL,
            p("no mail.host: links go by way of an administrator", "geen mail.host: links gaan via een beheerder"),
        ),
    }
}
