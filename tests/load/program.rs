//! A server under measurement: a process of its own, whose processor time and memory the system tells.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use hyper::Method;
use tokio::process::{Child, Command};

use crate::Result;
use crate::client::{Ask, Connection};
use crate::databases::Databases;
use crate::world::Place;

/// Longest wait for a server to answer.
const START: Duration = Duration::from_mins(1);

pub struct Program {
    pub name: &'static str,
    pub address: SocketAddr,
    child: Child,
}

impl Program {
    /// The Kluis that was built beside this program.
    pub async fn kluis(databases: &Databases) -> Result<Self> {
        let program = beside("kluis")?;
        let address = free_address()?;
        let mut command = Command::new(program);
        command.arg("serve").env("KLUIS_SERVER_LISTEN", address.to_string());
        for (key, value) in databases.settings() {
            command.env(format!("KLUIS_{}", key.to_uppercase().replace('.', "_")), value);
        }
        command
            .env("KLUIS_RATE_PER_SECOND", "1000000")
            .env("KLUIS_RATE_BURST", "1000000")
            .env("KLUIS_LOG_LEVEL", "warn");
        Self::start("Kluis", command, address).await
    }

    /// The limit program, through sqlx or rusqlite.
    pub async fn limit(databases: &Databases, rusqlite: bool) -> Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("limit").arg("--listen").arg(address.to_string()).args(databases.limit_options());
        if rusqlite {
            command.arg("--rusqlite");
        }
        Self::start(if rusqlite { "rusqlite" } else { "sqlx" }, command, address).await
    }

    async fn start(name: &'static str, mut command: Command, address: SocketAddr) -> Result<Self> {
        let child = command.kill_on_drop(true).spawn()?;
        let program = Self { name, address, child };
        let nobody = Place { tenant: String::new(), authorization: String::new() };
        let ready = Ask { method: Method::GET, path: "/health/ready".to_owned(), body: None };
        let begun = std::time::Instant::now();
        loop {
            if let Ok(mut connection) = Connection::open(address).await
                && let Ok((status, _)) = connection.ask(&nobody, &ready).await
                && status.is_success()
            {
                return Ok(program);
            }
            if begun.elapsed() > START {
                return Err(format!("{name} doesn't answer").into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Processor time of the process so far.
    pub fn processor_time(&self) -> Result<Duration> {
        processor_time(self.child.id().ok_or("the program has ended")?)
    }

    /// Memory that the process holds now, in bytes.
    pub fn memory(&self) -> Result<u64> {
        let id = self.child.id().ok_or("the program has ended")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches("kB").trim().parse::<u64>()? * 1024)
    }

    pub async fn stop(mut self) -> Result<()> {
        self.child.kill().await?;
        Ok(())
    }
}

/// Processor time of all PostgreSQL processes of this machine, ended ones too.
pub fn database_time() -> Result<Duration> {
    let mut all = Duration::ZERO;
    for entry in std::fs::read_dir("/proc")? {
        let Some(id) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // A process may end while we look.
        let Ok(name) = std::fs::read_to_string(format!("/proc/{id}/comm")) else { continue };
        if name.trim() == "postgres" {
            all += processor_time(id).unwrap_or_default();
        }
    }
    Ok(all)
}

/// User and system time, own and of children that were waited for: proc(5), fields 14 to 17, in hundredths of a second.
fn processor_time(id: u32) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').ok_or("no stat")?;
    let ticks = fields.split_whitespace().skip(11).take(4).map(str::parse::<u64>);
    Ok(Duration::from_millis(ticks.sum::<std::result::Result<u64, _>>()? * 10))
}

/// A program that was built into the same directory as this one.
fn beside(name: &str) -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    if path.is_file() { Ok(path) } else { Err(format!("{} isn't built", path.display()).into()) }
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
