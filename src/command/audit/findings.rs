//! What an examination of the log has found, in words.

use indicatif::ProgressStyle;
use kluis_core::audit::examine::{Finding, Report, Source};
use kluis_core::kernel::Message;

use crate::command::exit::{Exit, Failure};
use crate::command::terminal::Terminal;

/// The result, or every finding.
pub fn tell(report: &Report, terminal: Terminal) -> Result<(), Failure> {
    if !report.is_whole() {
        let mut messages: Vec<_> = report.findings.iter().map(message).collect();
        if report.more > 0 {
            let more = report.more;
            messages.push(Message::new(format!("And {more} more."), format!("En nog {more}.")));
        }
        return Err(Failure { exit: Exit::Failed, messages });
    }
    let Report { events, tree, checkpoints, dropped, .. } = report;
    terminal.say(Message::new(
        format!("{events} events; the chain holds. {tree} are in the signed tree, {checkpoints} checkpoints fit."),
        format!(
            "{events} gebeurtenissen; de keten klopt. {tree} staan in de ondertekende boom, {checkpoints} controlepunten \
             kloppen."
        ),
    ));
    if *dropped > 0 {
        terminal.say(Message::new(
            format!("{dropped} events were dropped by retention; their hashes are there."),
            format!("{dropped} gebeurtenissen zijn na hun bewaartermijn verwijderd; hun hashes zijn er nog."),
        ));
    }
    if let Some(key) = &report.key {
        terminal.say(Message::new(format!("Key: {key}"), format!("Sleutel: {key}")));
    }
    Ok(())
}

/// What it is, where, and what it means.
pub fn message(finding: &Finding) -> Message {
    let m = |en: String, nl: String| Message::new(en, nl);
    match finding {
        Finding::Edited { seq } => m(
            format!("Event {seq} was changed: it isn't the one that was recorded."),
            format!("Gebeurtenis {seq} is gewijzigd: dit is niet wat er is vastgelegd."),
        ),
        Finding::Missing { first, last } if first == last => {
            m(format!("Event {first} is missing."), format!("Gebeurtenis {first} ontbreekt."))
        }
        Finding::Missing { first, last } => m(
            format!("Events {first} to {last} are missing."),
            format!("Gebeurtenissen {first} tot en met {last} ontbreken."),
        ),
        Finding::Dropped { told, missing } => m(
            format!("Retention has dropped {told} events, but {missing} are missing."),
            format!("Na hun bewaartermijn zijn {told} gebeurtenissen verwijderd, maar er ontbreken er {missing}."),
        ),
        Finding::Beyond { seq } => m(
            format!(
                "Event {seq} stands behind the end of the log: the log's end was put back, or the event was added."
            ),
            format!(
                "Gebeurtenis {seq} staat achter het einde van het logboek: het einde is teruggezet, of de gebeurtenis is \
                 toegevoegd."
            ),
        ),
        Finding::Chain { seq } => m(
            format!("The chain breaks at event {seq}: the log was changed outside the program."),
            format!("De keten breekt bij gebeurtenis {seq}: het logboek is buiten het programma om gewijzigd."),
        ),
        Finding::End { seq } => m(
            format!("The end of the log, at event {seq}, isn't where its events end."),
            format!("Het einde van het logboek, bij gebeurtenis {seq}, is niet waar de gebeurtenissen eindigen."),
        ),
        Finding::Tile { level, index } => m(
            format!("Hashes of the tree were changed or are missing: level {level}, tile {index}."),
            format!("Hashes van de boom zijn gewijzigd of ontbreken: niveau {level}, tegel {index}."),
        ),
        Finding::MoreTiles => m(
            "The tree has hashes that belong to no event.".to_owned(),
            "De boom bevat hashes die bij geen gebeurtenis horen.".to_owned(),
        ),
        Finding::Unsigned { size } => m(
            format!("Nobody has signed the tree of {size} events: its checkpoint is missing."),
            format!("De boom van {size} gebeurtenissen is niet ondertekend: het controlepunt ontbreekt."),
        ),
        Finding::NoEnd => m(
            "The file was cut off: its end isn't there.".to_owned(),
            "Het bestand is afgekapt: het einde ontbreekt.".to_owned(),
        ),
        Finding::Line { line } => m(format!("Line {line} can't be read."), format!("Regel {line} is niet leesbaar.")),
        Finding::Order { line, expected, found } => m(
            format!("Line {line}: event {found} stands where event {expected} belongs."),
            format!("Regel {line}: gebeurtenis {found} staat waar gebeurtenis {expected} hoort."),
        ),
        Finding::Signature { source } => not_signed(source),
        Finding::Root { source, since, size } => another_root(source, *since, *size),
        Finding::Shorter { source, size, events } => shorter(source, *size, *events),
    }
}

fn another_root(source: &Source, since: u64, size: u64) -> Message {
    let (place, first) = (place(source), since + 1);
    Message::new(
        format!(
            "{}: the log isn't the one that was signed over {size} events. Up to event {since} it is; one from {first} to \
             {size} was changed, removed, added or moved.",
            place.en
        ),
        format!(
            "{}: het logboek is niet wat er over {size} gebeurtenissen is ondertekend. Tot en met gebeurtenis {since} wel; \
             één van {first} tot en met {size} is gewijzigd, weggehaald, toegevoegd of verplaatst.",
            place.nl
        ),
    )
}

fn shorter(source: &Source, size: u64, events: u64) -> Message {
    let place = place(source);
    Message::new(
        format!(
            "{}: the log had {size} events when this was signed, and has {events} now: it was cut off, or an old one was \
             put back.",
            place.en
        ),
        format!(
            "{}: het logboek had {size} gebeurtenissen toen dit werd ondertekend, en heeft er nu {events}: het is \
             afgekapt, of er is een oud logboek teruggezet.",
            place.nl
        ),
    )
}

fn not_signed(source: &Source) -> Message {
    let place = place(source);
    Message::new(
        format!("{}: this isn't signed by the log's key, or stands in a wrong place.", place.en),
        format!("{}: dit is niet met de sleutel van het logboek ondertekend, of staat verkeerd.", place.nl),
    )
}

fn place(source: &Source) -> Message {
    match source {
        Source::Stored => Message::new("Checkpoint in the database", "Controlepunt in de database"),
        Source::Exported => Message::new("Checkpoint at the file's end", "Controlepunt aan het einde van het bestand"),
        Source::Kept { name, line } => {
            Message::new(format!("Checkpoint in {name}, line {line}"), format!("Controlepunt in {name}, regel {line}"))
        }
    }
}

pub fn bar_style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:40} {pos}/{len}  {eta}").unwrap_or_else(|_| ProgressStyle::default_bar())
}
