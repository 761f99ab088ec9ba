//! The configuration as types; what doesn't parse is a fault that names its key.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::reader::{Reader, p};
use super::resolve::{ConfigFault, Resolved, Sources, resolve_all};

/// How the vault is opened at start.
#[derive(Clone, PartialEq, Eq)]
pub enum UnsealSource {
    KeyFile(PathBuf),
    Credential,
    Passphrase(Zeroizing<String>),
    Environment(Zeroizing<String>),
    /// A file that a key service decrypts.
    Transit(Box<TransitConfig>),
    /// It stays sealed until somebody unseals it.
    Manual,
}

impl fmt::Debug for UnsealSource {
    /// Which one it is; what it opens with stays inside.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KeyFile(_) => "KeyFile",
            Self::Credential => "Credential",
            Self::Passphrase(_) => "Passphrase",
            Self::Environment(_) => "Environment",
            Self::Transit(_) => "Transit",
            Self::Manual => "Manual",
        })
    }
}

/// A key of HashiCorp Vault's Transit engine, and the file that is encrypted under it.
#[derive(Clone, PartialEq, Eq)]
pub struct TransitConfig {
    pub address: String,
    pub mount: String,
    pub key: String,
    pub namespace: Option<String>,
    pub token: Zeroizing<String>,
    /// PEM file with the certificate of the authority that is trusted, and no other.
    pub authority: Option<PathBuf>,
    pub file: PathBuf,
}

impl fmt::Debug for TransitConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TransitConfig({} {}/{})", self.address, self.mount, self.key)
    }
}

#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseConfig {
    Sqlite { directory: PathBuf, readers: u32 },
    Postgres { url: Zeroizing<String>, keys_url: Zeroizing<String>, connections: u32 },
}

impl fmt::Debug for DatabaseConfig {
    /// Which one it is; addresses may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite { .. } => "Sqlite",
            Self::Postgres { .. } => "Postgres",
        })
    }
}

#[derive(Debug, Clone)]
pub struct TlsConfig {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

#[derive(Clone)]
pub struct MailConfig {
    pub host: String,
    pub port: u16,
    /// `starttls`, `implicit` or `none`.
    pub tls: String,
    pub user: Option<String>,
    pub password: Option<Zeroizing<String>>,
    pub from: String,
}

impl fmt::Debug for MailConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MailConfig({}:{})", self.host, self.port)
    }
}

/// How the audit log is signed, and who keeps what was signed.
#[derive(Debug, Clone)]
pub struct AuditConfig {
    /// The log's name in checkpoints; a name that a key may have.
    pub origin: String,
    pub checkpoint_seconds: u32,
    pub witness_file: Option<PathBuf>,
    /// May hold a token.
    pub witness_url: Option<Zeroizing<String>>,
}

#[derive(Debug, Clone, Copy)]
pub struct RateConfig {
    pub per_second: u32,
    pub burst: u32,
    pub sign_in_per_minute: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

/// Everything the program was told.
#[derive(Debug, Clone)]
pub struct Config {
    pub listen: SocketAddr,
    pub public_url: String,
    pub tls: Option<TlsConfig>,
    pub trusted_proxies: Vec<IpAddr>,
    pub max_body_bytes: usize,
    pub data_directory: PathBuf,
    pub database: DatabaseConfig,
    pub key_cache: usize,
    pub unseal: UnsealSource,
    /// Whether it opens the vault or not; present once its address is set.
    pub transit: Option<TransitConfig>,
    pub policy_file: Option<PathBuf>,
    /// Where the copy of the erasure ledger is kept.
    pub ledger_copy: Option<PathBuf>,
    /// For how many days backups of the key store are kept.
    pub key_backup_days: Option<u32>,
    pub audit: AuditConfig,
    pub mail: Option<MailConfig>,
    pub session_idle_minutes: u32,
    pub session_hours: u32,
    pub rate: RateConfig,
    pub log_level: String,
    pub log_format: LogFormat,
}

impl Config {
    /// Resolves and parses; gives every fault of both, one per place.
    pub fn load(sources: &Sources<'_>) -> Result<(Resolved, Self), Vec<ConfigFault>> {
        let (resolved, mut faults) = resolve_all(sources);
        match Self::from_resolved(&resolved) {
            Ok(config) if faults.is_empty() => Ok((resolved, config)),
            Ok(_) => Err(faults),
            Err(more) => {
                let fresh: Vec<_> = more.into_iter().filter(|f| faults.iter().all(|g| g.place != f.place)).collect();
                faults.extend(fresh);
                Err(faults)
            }
        }
    }

    /// Gives every fault, not only the first.
    pub fn from_resolved(resolved: &Resolved) -> Result<Self, Vec<ConfigFault>> {
        let mut read = Reader { resolved, faults: Vec::new() };
        let data_directory = PathBuf::from(read.text("data.directory"));
        let config = Self {
            listen: read.parse(
                "server.listen",
                SocketAddr::from(([127, 0, 0, 1], 8443)),
                p("an address with a port", "een adres met een poort"),
            ),
            public_url: read.public_url(),
            tls: read.tls(),
            trusted_proxies: read.proxies(),
            max_body_bytes: read.parse("server.max_body_bytes", 0, p("a number of bytes", "een aantal bytes")),
            database: read.database(&data_directory),
            key_cache: read.parse("keys.cache", 0, p("a number", "een getal")),
            unseal: read.unseal(&data_directory),
            transit: read.transit(&data_directory, false),
            policy_file: read.optional("policy.file").map(PathBuf::from),
            ledger_copy: read.ledger_copy(&data_directory),
            key_backup_days: read.days("erasure.key_backup_days"),
            audit: read.audit(),
            mail: read.mail(),
            session_idle_minutes: read.parse(
                "session.idle_minutes",
                60,
                p("a number of minutes", "een aantal minuten"),
            ),
            session_hours: read.parse("session.hours", 12, p("a number of hours", "een aantal uren")),
            rate: RateConfig {
                per_second: read.positive("rate.per_second"),
                burst: read.positive("rate.burst"),
                sign_in_per_minute: read.positive("rate.sign_in_per_minute"),
            },
            log_level: read.text("log.level"),
            log_format: read.one_of("log.format", &[("text", LogFormat::Text), ("json", LogFormat::Json)]),
            data_directory,
        };
        if read.faults.is_empty() { Ok(config) } else { Err(read.faults) }
    }

    /// The key service, whether it opens the vault or is yet to.
    pub fn transit_config(&self) -> Option<&TransitConfig> {
        match &self.unseal {
            UnsealSource::Transit(config) => Some(config),
            _ => self.transit.as_ref(),
        }
    }

    /// Links start with https: cookies are marked Secure, and browsers are told to stay with TLS.
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::reader::is_guarded;
    use super::super::{Sources, resolve};
    use super::*;

    fn config(flags: &[(&str, &str)]) -> Result<Config, Vec<ConfigFault>> {
        let flags: Vec<_> = flags.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let resolved = resolve(&Sources { file: None, environment: &BTreeMap::new(), flags: &flags })?;
        Config::from_resolved(&resolved)
    }

    #[test]
    fn the_defaults_are_a_configuration() {
        let config = config(&[]).unwrap();
        assert!(config.listen.ip().is_loopback());
        assert_eq!(config.unseal, UnsealSource::KeyFile(PathBuf::from("kluis-data/root.key")));
    }

    #[test]
    fn no_debug_text_holds_a_secret() {
        let flags = [
            ("unseal.source", "passphrase"),
            ("unseal.passphrase", "geheim-geheim"),
            ("database.url", "postgres://kluis:geheim@db/kluis"),
            ("keys.url", "postgres://kluis:geheim@db/keys"),
            ("mail.host", "mail.example"),
            ("mail.from", "crm@kluis.example"),
            ("mail.user", "crm"),
            ("mail.password", "geheim"),
        ];
        let text = format!("{:?}", config(&flags).unwrap());
        assert!(!text.contains("geheim"), "{text}");
    }

    #[test]
    fn all_faults_are_named_at_once() {
        let faults = config(&[
            ("server.listen", "nowhere"),
            ("rate.burst", "0"),
            ("unseal.source", "passphrase"),
            ("database.url", "postgres://one"),
            ("log.format", "xml"),
        ])
        .unwrap_err();
        let places: Vec<_> = faults.iter().map(|f| f.place.as_str()).collect();
        assert_eq!(places, ["server.listen", "keys.url", "unseal.passphrase", "rate.burst", "log.format"]);
    }

    #[test]
    fn a_token_goes_over_tls_or_stays_on_this_machine() {
        for good in ["https://vault.example:8200", "https://vault.example", "http://127.0.0.1:8200", "http://[::1]:1"] {
            assert!(is_guarded(good), "{good}");
        }
        for bad in [
            "http://vault.example:8200",
            "vault.example",
            "https://",
            "https://a/b",
            "http://127.0.0.1@b.example",
            "http://localhost.example:1",
        ] {
            assert!(!is_guarded(bad), "{bad}");
        }
    }

    #[test]
    fn transit_names_all_that_it_lacks() {
        let places = |flags: &[(&str, &str)]| {
            config(flags).unwrap_err().into_iter().map(|fault| fault.place).collect::<Vec<_>>()
        };
        let address = ("unseal.transit_address", "https://vault.example:8200");
        assert_eq!(places(&[address]), ["unseal.transit_token"]);
        let token = ("unseal.transit_token", "s.token");
        let odd = ("unseal.transit_key", "../sys/seal");
        assert_eq!(places(&[address, token, odd]), ["unseal.transit_key"]);
        let config = config(&[address, token]).unwrap();
        let transit = config.transit.unwrap();
        assert_eq!(transit.file, PathBuf::from("kluis-data/root.transit"));
        assert!(!format!("{transit:?}").contains("s.token"));
        let source = ("unseal.source", "transit");
        if cfg!(feature = "vault-transit") {
            assert_eq!(places(&[source]), ["unseal.transit_address"]);
        } else {
            assert_eq!(places(&[source, address, token]), ["unseal.source"]);
        }
    }

    #[test]
    fn keys_never_share_the_data_database() {
        let faults = config(&[("database.url", "postgres://one"), ("keys.url", "postgres://one")]).unwrap_err();
        assert_eq!(faults[0].place, "keys.url");
    }
}
