//! The command line: `kluis init`, `serve`, `demo` and the tools of an operator. One file per command.
//!
//! Commands make an actor and call the same services as the API. Exit codes are in [`exit::Exit`].
//!
//! Must never: hold a rule of a domain, run SQL, print a secret that wasn't asked for.

mod audit;
mod config;
mod demo;
mod doctor;
mod erasure;
pub mod exit;
mod help;
mod import;
mod init;
mod key;
mod migrate;
mod openapi;
mod options;
mod policy;
mod recover;
mod secret;
mod serve;
mod shares;
mod terminal;
mod user;
mod vault;

use std::process::ExitCode;

use clap::{FromArgMatches, Parser, Subcommand};
use kluis_core::kernel::Message;

use exit::{Exit, Failure};
use options::Options;
use terminal::Terminal;

/// A self-hosted CRM that keeps its customers' data as a vault would
#[derive(Debug, Parser)]
#[command(name = "kluis", version, disable_help_subcommand = true, propagate_version = true)]
struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes an installation: directory, databases, keys, first administrator
    Init(init::InitCommand),
    /// Runs the server
    Serve(serve::ServeCommand),
    /// Opens the vault of the running service
    Unseal,
    /// Closes the vault of the running service
    Seal,
    /// Shows, renews and rotates keys
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Compares the erasure ledger with its copy, and mends what a restore has undone
    #[command(subcommand)]
    Erasure(erasure::ErasureCommand),
    /// Shows a fictitious franchise, on this machine only
    Demo(demo::DemoCommand),
    /// Makes or lists the people who sign in
    #[command(subcommand)]
    User(user::UserCommand),
    /// Brings customers in out of a table
    Import(import::ImportCommand),
    /// Brings the databases to this program's version
    Migrate(migrate::MigrateCommand),
    /// Checks or shows the configuration
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Looks at everything that the installation stands on
    Doctor,
    /// Checks the audit log, or hands it out
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Checks, explains or spells out the access policy
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Writes the API's document, or compares it with a file
    Openapi(openapi::OpenapiCommand),
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    crate::logging::hush_panics();
    // Whatever this program makes on the disk is nobody else's business.
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let arguments: Vec<_> = std::env::args().collect();
    let terminal = Terminal::new(options::language(&arguments, &options::environment()));
    let matches = match help::command::<Cli>(terminal).try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => return help::explain(&error, terminal),
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return help::explain(&error, terminal),
    };
    match run(&cli, terminal) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            for message in failure.messages {
                terminal.note(message);
            }
            failure.exit.into()
        }
    }
}

fn run(cli: &Cli, terminal: Terminal) -> Result<(), Failure> {
    let options = &cli.options;
    match &cli.command {
        Command::Config(command) => config::run(command, options, terminal),
        Command::Policy(command) => policy::run(command, options, terminal),
        Command::Openapi(command) => openapi::run(command, terminal),
        Command::Init(command) => wait(init::run(command, options, terminal)),
        Command::Serve(command) => wait(serve::run(command, options, terminal)),
        Command::Unseal => wait(vault::unseal(options, terminal)),
        Command::Seal => wait(vault::seal(options, terminal)),
        Command::Key(command) => wait(key::run(command, options, terminal)),
        Command::Erasure(command) => wait(erasure::run(command, options, terminal)),
        Command::Demo(command) => wait(demo::run(command, options, terminal)),
        Command::Import(command) => wait(import::run(command, options, terminal)),
        Command::User(command) => wait(user::run(command, options, terminal)),
        Command::Migrate(command) => wait(migrate::run(command, options, terminal)),
        Command::Doctor => wait(doctor::run(options, terminal)),
        Command::Audit(command) => wait(audit::run(command, options, terminal)),
    }
}

/// Runs what waits for databases, files and the network.
fn wait(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let fault = |error: std::io::Error| Failure::new(Exit::Failed, Message::plain(error.kind().to_string()));
    runtime.map_err(fault)?.block_on(work)
}
