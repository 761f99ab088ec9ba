//! The load program: fills Kluis and the limit program with the same customers, asks both the same things, and tells
//! what Kluis costs as a ratio.
//!
//! Must never: send anything to another machine, go on without a bound, or call a timing a test.

mod cases;
mod client;
mod copy;
mod databases;
mod decision;
mod limit;
mod measure;
mod program;
mod report;
mod seed;
mod world;

use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What can go wrong ends the program; it is for developers, who see where.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
pub type Result<T> = std::result::Result<T, Error>;

/// Measures what access, audit and decryption cost.
#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the bare program that Kluis is compared with.
    Limit(limit::LimitCommand),
    /// Fills, asks, compares.
    Measure(measure::MeasureCommand),
}

#[tokio::main]
async fn main() -> Result<()> {
    match Options::parse().command {
        Command::Limit(command) => limit::run(&command).await,
        Command::Measure(command) => measure::run(&command).await,
    }
}
