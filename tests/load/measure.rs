//! One measurement: fill, start, compare the bytes, ask, tell.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use kluis::config::{Config, Sources, resolve};
use kluis::demo::random::Random;
use kluis::server::{open, setup, stores::Stores};
use kluis_core::kernel::Clock;

use crate::Result;
use crate::cases::{Case, type_ahead};
use crate::client::{Connection, ask_all};
use crate::copy::copy;
use crate::databases::{Databases, Engine};
use crate::decision;
use crate::program::{Program, database_time};
use crate::report::{Figure, Report};
use crate::seed::{Size, fill};
use crate::world::World;

/// The bounds of a measurement.
#[derive(Args)]
pub struct MeasureCommand {
    /// Which databases; may be given more than once. Without it: both.
    #[arg(long, value_enum)]
    database: Vec<Engine>,
    #[arg(long, default_value_t = 200_000)]
    customers: usize,
    #[arg(long, default_value_t = 300)]
    tenants: usize,
    /// Requests of each kind to each program.
    #[arg(long, default_value_t = 8_000)]
    requests: usize,
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Keeps what was filled here, and uses it again. Nothing is created then: both programs would no longer hold the same.
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Writes the figures between the markers of this file.
    #[arg(long)]
    readme: Option<PathBuf>,
    /// Only these kinds of requests; without it: all.
    #[arg(long, value_enum)]
    case: Vec<Case>,
    /// Only looks whether everything works and both programs give the same bytes; misses no target.
    #[arg(long)]
    smoke: bool,
}

impl MeasureCommand {
    fn cases(&self) -> impl Iterator<Item = Case> {
        let asked = |case: &Case| self.case.is_empty() || self.case.contains(case);
        Case::ALL.into_iter().filter(asked).filter(|case| self.keep.is_none() || case.comparable())
    }
}

pub async fn run(command: &MeasureCommand) -> Result<()> {
    let engines = if command.database.is_empty() { &[Engine::Sqlite, Engine::Postgres][..] } else { &command.database };
    let mut report = Report::new(command.customers, command.tenants, command.connections);
    for engine in engines {
        let temporary = tempfile::tempdir()?;
        let directory = command.keep.as_deref().unwrap_or(temporary.path());
        measure(command, &Databases::new(*engine, &directory.join(folder(*engine)))?, &mut report).await?;
    }
    for (lines, time) in decision::LENGTHS.into_iter().zip(decision::measure()?) {
        report.decision(lines, time);
    }
    writeln!(std::io::stdout(), "{}", report.table())?;
    if let Some(readme) = &command.readme {
        report.write_into(readme)?;
    }
    let missed = report.missed();
    if command.smoke || missed.is_empty() {
        return Ok(());
    }
    Err(format!("missed: {}", missed.join("; ")).into())
}

const fn folder(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "sqlite",
        Engine::Postgres => "postgres",
    }
}

async fn measure(command: &MeasureCommand, databases: &Databases, report: &mut Report) -> Result<()> {
    let list = databases.directory.join("world.json");
    let filled = list.is_file();
    if !filled {
        databases.make().await?;
        std::fs::create_dir_all(&databases.directory)?;
        let size = Size { customers: command.customers, tenants: command.tenants };
        let world = fill_kluis(databases, size).await?;
        std::fs::write(&list, serde_json::to_vec(&world)?)?;
    }
    let world: World = serde_json::from_slice(&std::fs::read(&list)?)?;
    let begun = Instant::now();
    let kluis = Program::kluis(databases).await?;
    report.started(databases.name(), begun.elapsed());
    if !filled {
        copy(kluis.address, &databases.make_limit().await?, &world).await?;
    }
    let mut programs = vec![Program::limit(databases, false).await?, kluis];
    if databases.engine == Engine::Sqlite {
        programs.push(Program::limit(databases, true).await?);
    }
    compare(&programs, &world).await?;
    // Names come first: afterwards Kluis is in the state of a server in use, with directories and keys in memory.
    if let Some(kluis) = programs.iter().find(|program| program.name == "Kluis") {
        report.typing(databases.name(), typing(command, kluis, &world).await?);
    }
    for case in command.cases() {
        let mut asked: Vec<Asked> = programs.iter().map(|_| Asked::default()).collect();
        for turn in 0..=TURNS {
            for (program, asked) in programs.iter().zip(&mut asked) {
                asked.take_turn(command, program, case, &world, turn).await?;
            }
        }
        for (program, asked) in programs.iter().zip(asked) {
            let figure = asked.figure()?;
            eprintln!(
                "{} {} {}: {:?} + {:?} of the database",
                databases.name(),
                program.name,
                case.name(),
                figure.processor,
                figure.database
            );
            report.add(databases.name(), program.name, case, figure);
        }
    }
    for program in programs {
        if program.name == "Kluis" {
            report.memory(databases.name(), program.memory()?);
        }
        program.stop().await?;
    }
    Ok(())
}

async fn fill_kluis(databases: &Databases, size: Size) -> Result<World> {
    let flags: Vec<_> = databases.settings().into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let environment = std::collections::BTreeMap::new();
    let resolved = resolve(&Sources { file: None, environment: &environment, flags: &flags });
    let resolved = resolved.map_err(|faults| format!("{} faults in the settings", faults.len()))?;
    let config =
        Config::from_resolved(&resolved).map_err(|faults| format!("{} faults in the settings", faults.len()))?;
    make_directory(&databases.kluis_directory())?;
    let stores = Stores::open(&config).await?;
    stores.migrate().await?;
    setup::make_vault(&stores, &config, None).await?;
    let app = open::assemble(config, &stores, Clock::System).await?;
    let world = fill(&app, size).await?;
    drop(app);
    stores.close().await;
    Ok(world)
}

fn make_directory(path: &Path) -> Result<()> {
    Ok(setup::make_directory(path)?)
}

/// Both programs must answer the same; cursors are sealed in one of them, and as long as the other's at least.
async fn compare(programs: &[Program], world: &World) -> Result<()> {
    let mut random = Random::new(3, 0);
    for case in Case::ALL.into_iter().filter(|case| case.comparable()) {
        for _ in 0..20 {
            let (place, ask) = case.draw(world, &mut random, 0);
            let mut answers = Vec::new();
            for program in programs {
                let (status, body) = Connection::open(program.address).await?.ask(&place, &ask).await?;
                let text = String::from_utf8(body.to_vec())?;
                let text = text.split(",\"nextCursor\"").next().unwrap_or_default().trim_end_matches('}').to_owned();
                answers.push((program.name, status, text));
            }
            for (name, status, text) in &answers[1..] {
                if (status, text) != (&answers[0].1, &answers[0].2) {
                    return Err(difference(case, (answers[0].0, &answers[0].2), (name, text)).into());
                }
            }
        }
    }
    Ok(())
}

/// The programs take turns: whatever else the machine does meanwhile meets all of them alike. The first turn, which warms
/// up, doesn't count.
const TURNS: usize = 8;

/// What the turns of one program have cost.
#[derive(Default)]
struct Asked {
    processor: Duration,
    database: Duration,
    wall: Duration,
    times: Vec<Duration>,
}

impl Asked {
    async fn take_turn(
        &mut self,
        command: &MeasureCommand,
        program: &Program,
        case: Case,
        world: &World,
        turn: usize,
    ) -> Result<()> {
        // Fresh records must be new to each program, also in a database that is used again.
        let base = usize::try_from(Clock::System.now().timestamp())? % 80_000 * 1_000;
        let count = (command.requests / TURNS).max(1);
        let mut random = Random::new(11, u64::try_from(turn)?);
        let asks = (0..count).map(|number| case.draw(world, &mut random, base + turn * count + number)).collect();
        let (own, database) = (program.processor_time()?, database_time()?);
        let begun = Instant::now();
        let times = ask_all(program.address, command.connections, asks).await?;
        if turn > 0 {
            self.wall += begun.elapsed();
            self.processor += program.processor_time()?.saturating_sub(own);
            self.database += database_time()?.saturating_sub(database);
            self.times.extend(times);
        }
        Ok(())
    }

    fn figure(self) -> Result<Figure> {
        let count = u32::try_from(self.times.len())?;
        Ok(Figure {
            processor: self.processor / count,
            database: self.database / count,
            per_second: f64::from(count) / self.wall.as_secs_f64(),
            p99: percentile(self.times, 99),
        })
    }
}

/// The largest tenant's manager types names, one connection, so that only the search is measured.
async fn typing(command: &MeasureCommand, program: &Program, world: &World) -> Result<[Duration; 2]> {
    let mut random = Random::new(13, 0);
    let draw = |_| (world.places[0].clone(), type_ahead(&mut random));
    let asks: Vec<_> = (0..command.requests / 4).map(draw).collect();
    // The directory of names is made at the first search.
    ask_all(program.address, 1, asks.iter().take(20).cloned().collect()).await?;
    let times = ask_all(program.address, 1, asks).await?;
    Ok([percentile(times.clone(), 50), percentile(times, 99)])
}

fn percentile(mut times: Vec<Duration>, share: usize) -> Duration {
    times.sort_unstable();
    times.get(times.len().saturating_sub(1) * share / 100).copied().unwrap_or_default()
}

/// Where two answers part, and a little of what follows.
fn difference(case: Case, left: (&str, &str), right: (&str, &str)) -> String {
    const SHOWN: usize = 120;
    let equal = left.1.chars().zip(right.1.chars()).take_while(|(a, b)| a == b).count();
    let rest = |text: &str| text.chars().skip(equal).take(SHOWN).collect::<String>();
    format!(
        "{}: different answers after {equal} characters: {}: {:?}, {}: {:?}",
        case.name(),
        left.0,
        rest(left.1),
        right.0,
        rest(right.1)
    )
}
