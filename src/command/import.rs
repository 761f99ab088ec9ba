//! `kluis import`: customers out of a table, as the same job that the API runs.
//!
//! Exit code 0: every line has its result, which may be a fault of that line; 1: the import failed or was cancelled from
//! elsewhere; 130: Ctrl-C cancelled it. A second Ctrl-C ends the program at once, and the job goes on with the next one.
//!
//! Must never: print a value of a line. Names of columns are shown, to whoever holds the file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use kluis_core::access::Scope;
use kluis_core::kernel::id::{Job, Tenant};
use kluis_core::kernel::{CountryCode, Id, Message, Problem, ProblemKind};
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::exit::{Exit, Failure};
use super::migrate::must_exist;
use super::options::Options;
use super::secret;
use super::terminal::{Terminal, p};
use crate::app::App;
use crate::customers::model::{CustomerStatus, LegalBasis};
use crate::imports;
use crate::imports::mapping::Field;
use crate::imports::model::{Draft, Opened};
use crate::imports::service::Decision;
use crate::imports::view::ImportSettings;
use crate::jobs::{self, JobRecord, RowOutcome, State};
use crate::server::operator;
use crate::server::stores::Stores;
use crate::web::Failure as Refusal;
use crate::web::body::conform;
use crate::{tenants, worker};

#[derive(Debug, Args)]
pub struct ImportCommand {
    /// The table: CSV with semicolons, commas or tabs, in UTF-8 or Windows-1252
    file: PathBuf,
    /// The organisation that the customers belong to, by its id
    #[arg(long, value_name = "TENANT")]
    tenant: String,
    /// Legal basis: consent, contract, legal_obligation, vital_interest, public_interest or legitimate_interest
    #[arg(long, value_name = "BASIS")]
    legal_basis: String,
    /// Where the data comes from, in one word: webshop, fair …
    #[arg(long)]
    source: String,
    /// Status of new customers: prospect, active or former
    #[arg(long, default_value = "active", hide_default_value = true)]
    status: String,
    /// What a column means, where the proposal is wrong; may be given more than once
    #[arg(long = "map", value_name = "COLUMN=FIELD")]
    map: Vec<String>,
    /// Says what would happen to each line, and writes nothing
    #[arg(long)]
    dry_run: bool,
    /// File for what became of each line; otherwise only the sums are shown
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// Proposals that are less sure are left to a person.
const SURE: u8 = 50;
const LOOK: Duration = Duration::from_millis(200);
/// Results are read this many at a time.
const PAGE: u32 = 1_000;

pub async fn run(command: &ImportCommand, options: &Options, terminal: Terminal) -> Result<(), Failure> {
    let tenant = Id::parse(&command.tenant).ok_or_else(|| unknown("--tenant", &command.tenant))?;
    let settings = Settings::of(command)?;
    let mut file = tokio::fs::File::open(&command.file).await.map_err(|error| Failure::file(&command.file, &error))?;
    let (resolved, config) = options.load()?;
    must_exist(&config)?;
    let stores = Stores::open(&config).await?;
    let done = match secret::opened((&resolved, config), &stores, terminal).await {
        Ok(app) => bring_in(&app, command, tenant, settings, &mut file, terminal).await,
        Err(failure) => Err(failure),
    };
    stores.close().await;
    done
}

/// The words of the command line that are no text of the operator's own.
struct Settings {
    legal_basis: LegalBasis,
    status: CustomerStatus,
}

impl Settings {
    fn of(command: &ImportCommand) -> Result<Self, Failure> {
        let legal_basis = LegalBasis::from_code(&command.legal_basis);
        let status = CustomerStatus::from_code(&command.status);
        Ok(Self {
            legal_basis: legal_basis.ok_or_else(|| unknown("--legal-basis", &command.legal_basis))?,
            status: status.ok_or_else(|| unknown("--status", &command.status))?,
        })
    }
}

async fn bring_in(
    app: &Arc<App>,
    command: &ImportCommand,
    tenant: Id<Tenant>,
    settings: Settings,
    file: &mut tokio::fs::File,
    terminal: Terminal,
) -> Result<(), Failure> {
    let mut interrupt = signal(SignalKind::interrupt())
        .map_err(|error| Failure::new(Exit::Failed, Message::plain(error.kind().to_string())))?;
    let record = tenants::service::find(app, tenant).await?.ok_or_else(|| unknown("--tenant", &command.tenant))?;
    let scope: Scope<imports::Create> = operator::scope(app, tenant).await?;
    let uploaded = imports::service::upload(app, &scope, file).await?;
    let columns = columns(&uploaded.draft, &command.map)?;
    for (header, field) in uploaded.draft.headers.iter().zip(&columns) {
        Terminal::line(format!("  {header:<24} → {field}"));
    }
    let decision = decision(&columns, record.valid.country, &command.source, &settings)?;
    let id = uploaded.row.id;
    let decided = imports::service::decide(app, &scope, id, |_| Ok(()), |_: &Draft| Ok(decision)).await;
    decided.map_err(|refusal: Refusal| Failure::from(refusal.problem().clone()))?;
    let background = worker::start(app);
    let job = work(app, &scope, id, command.dry_run, &mut interrupt, terminal).await;
    background.stop().await;
    let (job, interrupted) = job?;
    let sums: Vec<_> = RowOutcome::ALL
        .into_iter()
        .filter_map(|outcome| Some(format!("{} {}", job.counts.get(outcome.as_str())?, outcome.as_str())))
        .collect();
    Terminal::line(format!("{}: {}", job.state.as_str(), sums.join(", ")));
    if let Some(report) = &command.report {
        write_report(app, &scope, job.id, report).await?;
    }
    if command.dry_run {
        terminal.say(p("This was a dry run: nothing was written.", "Dit was een proef: er is niets geschreven."));
    } else {
        terminal.say(Message::new(
            format!("Import {id}; it can be undone for 30 days."),
            format!("Import {id}; die kan 30 dagen lang ongedaan worden gemaakt."),
        ));
    }
    match (job.state, job.failure) {
        (State::Succeeded, _) => Ok(()),
        (State::Cancelled, _) if interrupted => Err(Failure { exit: Exit::Interrupted, messages: Vec::new() }),
        (_, Some(code)) => Err(Failure::new(Exit::Failed, Message::plain(code))),
        _ => Err(Failure::told()),
    }
}

/// The proposals that are sure, with what the operator says over them.
fn columns(draft: &Draft, told: &[String]) -> Result<Vec<Field>, Failure> {
    let proposed = draft.suggestions.iter();
    let mut columns: Vec<_> = proposed
        .map(|proposal| if proposal.confidence >= SURE { proposal.field.clone() } else { Field::Ignore })
        .collect();
    for text in told {
        let (header, name) = text.split_once('=').ok_or_else(|| unknown("--map", text))?;
        let field = Field::parse(name.trim()).ok_or_else(|| unknown("--map", name))?;
        let position = draft.headers.iter().position(|known| known.eq_ignore_ascii_case(header.trim()));
        let column = position.and_then(|position| columns.get_mut(position));
        *column.ok_or_else(|| unknown("--map", header))? = field;
    }
    Ok(columns)
}

/// The same rules as in the API.
fn decision(columns: &[Field], country: CountryCode, source: &str, settings: &Settings) -> Result<Decision, Problem> {
    let columns: Vec<_> = columns.iter().map(ToString::to_string).collect();
    let wanted = json!({
        "columns": columns, "country": country.as_str(), "legalBasis": settings.legal_basis.code(), "source": source,
        "status": settings.status.code(), "language": "nl",
    });
    conform::<ImportSettings>(wanted)?.decision()
}

/// Runs the job to its end, with a bar that tells how far it is; and whether Ctrl-C was pressed.
async fn work(
    app: &Arc<App>,
    scope: &Scope<imports::Create>,
    id: Id<imports::model::Import>,
    dry: bool,
    interrupt: &mut Signal,
    terminal: Terminal,
) -> Result<(JobRecord, bool), Failure> {
    let (Opened { draft, .. }, job) = imports::service::start(app, scope, id, dry).await?;
    let bar = ProgressBar::new(draft.rows.unsigned_abs()).with_style(bar_style());
    let mut interrupted = false;
    loop {
        let record = jobs::service::show(app, &scope.also(), job).await?;
        bar.set_position(record.progress.unsigned_abs());
        if record.state.is_final() {
            bar.finish_and_clear();
            return Ok((record, interrupted));
        }
        // Nothing that is pressed meanwhile is lost: the signal is kept until somebody asks for it.
        if tokio::time::timeout(LOOK, interrupt.recv()).await.is_err() {
            continue;
        }
        if interrupted {
            return Err(Failure { exit: Exit::Interrupted, messages: Vec::new() });
        }
        interrupted = true;
        terminal.note(p("Stopping after the lines in hand …", "Stopt na de regels die onderhanden zijn …"));
        match jobs::service::cancel(app, &scope.also(), job).await {
            // It has ended by itself just now.
            Err(problem) if problem.kind == ProblemKind::Conflict => {}
            cancelled => drop(cancelled?),
        }
    }
}

fn bar_style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:40} {pos}/{len}  {eta}").unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Line, outcome, codes, the earlier line that it repeats, and the record: no values.
async fn write_report(app: &App, scope: &Scope<imports::Create>, job: Id<Job>, path: &Path) -> Result<(), Failure> {
    let fault = |error: std::io::Error| Failure::file(path, &error);
    let mut out = csv::Writer::from_writer(std::fs::File::create(path).map_err(fault)?);
    let csv_fault = |error: csv::Error| fault(error.into());
    out.write_record(["line", "outcome", "codes", "of_line", "record"]).map_err(csv_fault)?;
    let scope = scope.also();
    let mut after = None;
    loop {
        let found = jobs::service::results(app, &scope, (job, None), (after, PAGE, false)).await?;
        for row in found.rows {
            let of_line = row.of_line.map(|line| line.to_string()).unwrap_or_default();
            let record = row.record.map(|id| Id::<kluis_core::kernel::id::Customer>::from_uuid(id).to_string());
            let columns = [
                row.line.to_string(),
                row.outcome.as_str().to_owned(),
                row.codes.join(" "),
                of_line,
                record.unwrap_or_default(),
            ];
            out.write_record(columns).map_err(csv_fault)?;
        }
        after = found.next;
        if after.is_none() {
            return out.flush().map_err(fault);
        }
    }
}

fn unknown(place: &str, word: &str) -> Failure {
    let message = Message::new(format!("{place}: there is no {word}"), format!("{place}: {word} bestaat niet"));
    Failure::new(Exit::Usage, message)
}
