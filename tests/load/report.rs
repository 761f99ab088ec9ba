//! Figures, as a table for people and for the README.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::Result;
use crate::cases::Case;

const BEGIN: &str = "<!-- performance:begin -->";
const END: &str = "<!-- performance:end -->";
/// Most memory of the server under load, in bytes.
const MEMORY: u64 = 200_000_000;
/// Longest type-ahead at the 99th percentile.
const TYPE_AHEAD: Duration = Duration::from_millis(10);
/// Longest decision of the compiled policy.
const DECISION: Duration = Duration::from_nanos(200);
/// Longest time from start to the first answer.
const START: Duration = Duration::from_secs(5);

/// What one request cost.
#[derive(Clone, Copy)]
pub struct Figure {
    /// Processor time of the server.
    pub processor: Duration,
    /// Processor time of PostgreSQL; zero for SQLite, which works inside the server.
    pub database: Duration,
    pub per_second: f64,
    pub p99: Duration,
}

struct Line {
    database: &'static str,
    program: &'static str,
    case: Case,
    figure: Figure,
}

pub struct Report {
    customers: usize,
    tenants: usize,
    connections: usize,
    lines: Vec<Line>,
    typing: Vec<(&'static str, [Duration; 2])>,
    memory: Vec<(&'static str, u64)>,
    started: Vec<(&'static str, Duration)>,
    /// Lines of the policy, and the time of one decision.
    decisions: Vec<(usize, Duration)>,
}

impl Report {
    pub const fn new(customers: usize, tenants: usize, connections: usize) -> Self {
        Self {
            customers,
            tenants,
            connections,
            lines: Vec::new(),
            typing: Vec::new(),
            memory: Vec::new(),
            started: Vec::new(),
            decisions: Vec::new(),
        }
    }

    pub fn add(&mut self, database: &'static str, program: &'static str, case: Case, figure: Figure) {
        self.lines.push(Line { database, program, case, figure });
    }

    pub fn typing(&mut self, database: &'static str, times: [Duration; 2]) {
        self.typing.push((database, times));
    }

    pub fn memory(&mut self, database: &'static str, bytes: u64) {
        self.memory.push((database, bytes));
    }

    pub fn started(&mut self, database: &'static str, time: Duration) {
        self.started.push((database, time));
    }

    pub fn decision(&mut self, lines: usize, time: Duration) {
        self.decisions.push((lines, time));
    }

    /// The server's processor time over that of the limit program through sqlx.
    fn ratio(&self, line: &Line) -> Option<f64> {
        let limit = self
            .lines
            .iter()
            .find(|other| other.program == "sqlx" && other.case == line.case && other.database == line.database)?;
        Some(line.figure.processor.as_secs_f64() / limit.figure.processor.as_secs_f64())
    }

    /// Targets that were not met.
    pub fn missed(&self) -> Vec<String> {
        let mut missed = Vec::new();
        for line in self.lines.iter().filter(|line| line.program == "Kluis") {
            let ratio = self.ratio(line).unwrap_or(f64::INFINITY);
            if ratio > line.case.target() {
                let target = line.case.target();
                missed.push(format!("{}, {}: {ratio:.2} instead of {target}", line.case.name(), line.database));
            }
        }
        let typing = self.typing.iter().filter(|(_, [_, p99])| *p99 > TYPE_AHEAD);
        missed.extend(typing.map(|(database, [_, p99])| format!("type-ahead, {database}: {p99:.1?}")));
        let memory = self.memory.iter().filter(|(_, bytes)| *bytes > MEMORY);
        missed.extend(memory.map(|(database, bytes)| format!("memory, {database}: {} MB", bytes / 1_000_000)));
        let started = self.started.iter().filter(|(_, time)| *time > START);
        missed.extend(started.map(|(database, time)| format!("start, {database}: {time:.1?}")));
        let decisions = self.decisions.iter().filter(|(_, time)| *time > DECISION);
        missed.extend(decisions.map(|(lines, time)| format!("a decision among {lines} lines: {time:.0?}")));
        missed
    }

    pub fn table(&self) -> String {
        let mut text = format!(
            "{} customers in {} tenants, asked over {} connections at a time; {}.\n\n\
             | database | request | program | processor time | ratio | target | database's own | requests/s | p99 |\n\
             |---|---|---|---:|---:|---:|---:|---:|---:|\n",
            self.customers,
            self.tenants,
            self.connections,
            machine()
        );
        for line in &self.lines {
            let Line { database, program, case, figure } = line;
            let target = if *program == "Kluis" { case.target().to_string() } else { String::new() };
            let own = if figure.database.is_zero() { String::new() } else { format!("{:.0?}", figure.database) };
            // Writing to a String can't fail.
            let _ = writeln!(
                text,
                "| {database} | {} | {program} | {} µs | {:.2} | {target} | {own} | {:.0} | {:.1?} |",
                case.name(),
                figure.processor.as_micros(),
                self.ratio(line).unwrap_or_default(),
                figure.per_second,
                figure.p99,
            );
        }
        text.push('\n');
        for (database, [p50, p99]) in &self.typing {
            let _ = writeln!(
                text,
                "- Type-ahead by name, {database}: {p50:.1?} in the middle, {p99:.1?} at p99 (target 10 ms)."
            );
        }
        for (database, bytes) in &self.memory {
            let _ = writeln!(
                text,
                "- Memory of the server after all of it, {database}: {} MB (target 200 MB).",
                bytes / 1_000_000
            );
        }
        for (database, time) in &self.started {
            let _ = writeln!(text, "- From start to the first answer, {database}: {time:.1?} (target 5 s).");
        }
        for (lines, time) in &self.decisions {
            let _ = writeln!(text, "- One decision of a policy of {lines} lines: {time:.0?} (target 200 ns).");
        }
        text
    }

    /// Puts the table between the markers.
    pub fn write_into(&self, readme: &Path) -> Result<()> {
        let text = std::fs::read_to_string(readme)?;
        let (before, rest) = text.split_once(BEGIN).ok_or("the README has no place for figures")?;
        let (_, after) = rest.split_once(END).ok_or("the place for figures has no end")?;
        std::fs::write(readme, format!("{before}{BEGIN}\n{}{END}{after}", self.table()))?;
        Ok(())
    }
}

/// Processor, cores and day.
fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let model = model.trim_start_matches([' ', '\t', ':']);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    format!("{model}, {cores} cores, {}", kluis_core::kernel::Clock::System.now().format("%-d %B %Y"))
}
