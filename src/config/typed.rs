//! The configuration as types; what doesn't parse is a fault that names its key.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use kluis_core::kernel::Phrase;
use zeroize::Zeroizing;

use super::resolve::{ConfigFault, Resolved, Sources, resolve_all};

/// How the vault is opened at start.
#[derive(Debug, Clone, PartialEq, Eq)]
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

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseConfig {
    Sqlite { directory: PathBuf, readers: u32 },
    Postgres { url: Zeroizing<String>, keys_url: Zeroizing<String>, connections: u32 },
}

#[derive(Debug, Clone)]
pub struct TlsConfig {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

#[derive(Debug, Clone)]
pub struct MailConfig {
    pub host: String,
    pub port: u16,
    /// `starttls`, `implicit` or `none`.
    pub tls: String,
    pub user: Option<String>,
    pub password: Option<Zeroizing<String>>,
    pub from: String,
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

const fn p(en: &'static str, nl: &'static str) -> Phrase {
    Phrase { en, nl }
}

struct Reader<'a> {
    resolved: &'a Resolved,
    faults: Vec<ConfigFault>,
}

impl Reader<'_> {
    fn text(&self, key: &str) -> String {
        self.resolved.get(key).unwrap_or_default().to_owned()
    }

    fn optional(&self, key: &str) -> Option<String> {
        self.resolved.get(key).map(str::to_owned)
    }

    fn secret(&self, key: &str) -> Option<Zeroizing<String>> {
        self.optional(key).map(Zeroizing::new)
    }

    fn fault(&mut self, key: &str, en: impl Into<String>, nl: impl Into<String>) {
        self.faults.push(ConfigFault::new(key, en, nl));
    }

    fn parse<T: FromStr>(&mut self, key: &str, instead: T, form: Phrase) -> T {
        let parsed = self.resolved.get(key).and_then(|text| text.parse().ok());
        parsed.unwrap_or_else(|| {
            self.fault(key, format!("must be {}", form.en), format!("moet {} zijn", form.nl));
            instead
        })
    }

    fn positive(&mut self, key: &str) -> u32 {
        let form = p("a number above 0", "een getal boven 0");
        let number: u32 = self.parse(key, 1, form);
        if number == 0 {
            self.fault(key, format!("must be {}", form.en), format!("moet {} zijn", form.nl));
        }
        number
    }

    fn one_of<T: Copy>(&mut self, key: &str, choices: &[(&str, T)]) -> T {
        let text = self.text(key);
        if let Some((_, choice)) = choices.iter().find(|(name, _)| *name == text) {
            return *choice;
        }
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        let names = names.join(", ");
        self.fault(key, format!("must be one of: {names}"), format!("moet een van deze zijn: {names}"));
        choices[0].1
    }

    /// Absent, or a number of days.
    fn days(&mut self, key: &str) -> Option<u32> {
        self.optional(key).map(|_| self.parse(key, 0, p("a number of days", "een aantal dagen")))
    }

    /// In the data directory it would go the same way as the ledger itself.
    fn ledger_copy(&mut self, directory: &std::path::Path) -> Option<PathBuf> {
        const KEY: &str = "erasure.ledger_copy";
        let path = PathBuf::from(self.optional(KEY)?);
        let full = |path: &std::path::Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        if full(&path).starts_with(full(directory)) {
            self.fault(KEY, "must be outside of the data directory", "moet buiten de gegevensmap staan");
        }
        Some(path)
    }

    fn public_url(&mut self) -> String {
        let text = self.text("server.public_url");
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        if !rest.is_some_and(|host| !host.is_empty() && !host.contains(['?', '#', ' '])) {
            self.fault(
                "server.public_url",
                "must start with http:// or https:// and hold no query",
                "moet met http:// of https:// beginnen, zonder zoekdeel",
            );
        }
        text.trim_end_matches('/').to_owned()
    }

    fn tls(&mut self) -> Option<TlsConfig> {
        match (self.optional("server.tls_certificate"), self.optional("server.tls_key")) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some(TlsConfig { certificate: certificate.into(), key: key.into() }),
            _ => {
                self.fault(
                    "server.tls_certificate",
                    "goes together with server.tls_key",
                    "hoort samen met server.tls_key",
                );
                None
            }
        }
    }

    fn proxies(&mut self) -> Vec<IpAddr> {
        let text = self.text("server.trusted_proxies");
        let mut proxies = Vec::new();
        for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            match part.parse() {
                Ok(address) => proxies.push(address),
                Err(_) => self.fault(
                    "server.trusted_proxies",
                    "must be addresses separated by commas",
                    "moeten adressen zijn, gescheiden door komma's",
                ),
            }
        }
        proxies
    }

    fn database(&mut self, directory: &std::path::Path) -> DatabaseConfig {
        let connections = self.positive("database.connections");
        match (self.secret("database.url"), self.secret("keys.url")) {
            (None, None) => DatabaseConfig::Sqlite { directory: directory.to_owned(), readers: connections },
            (Some(url), Some(keys_url)) => {
                if url == keys_url {
                    self.fault(
                        "keys.url",
                        "must name another database than database.url",
                        "moet een andere database noemen dan database.url",
                    );
                }
                DatabaseConfig::Postgres { url, keys_url, connections }
            }
            _ => {
                self.fault("keys.url", "goes together with database.url", "hoort samen met database.url");
                DatabaseConfig::Sqlite { directory: directory.to_owned(), readers: connections }
            }
        }
    }

    fn unseal(&mut self, directory: &std::path::Path) -> UnsealSource {
        let file = self.optional("unseal.key_file").map_or_else(|| directory.join("root.key"), PathBuf::from);
        match self.text("unseal.source").as_str() {
            "key-file" => UnsealSource::KeyFile(file),
            "credential" => UnsealSource::Credential,
            "manual" => UnsealSource::Manual,
            "passphrase" => self.need("unseal.passphrase").map_or(UnsealSource::Manual, UnsealSource::Passphrase),
            "environment" => self.need("unseal.root_key").map_or(UnsealSource::Manual, UnsealSource::Environment),
            "transit" if cfg!(feature = "vault-transit") => self
                .transit(directory, true)
                .map_or(UnsealSource::Manual, |transit| UnsealSource::Transit(Box::new(transit))),
            "transit" => {
                let en = "transit is not in this program: build it with the feature vault-transit";
                self.fault(
                    "unseal.source",
                    en,
                    "transit zit niet in dit programma: bouw het met de feature vault-transit",
                );
                UnsealSource::Manual
            }
            _ => {
                self.fault(
                    "unseal.source",
                    "must be key-file, credential, passphrase, environment, transit or manual",
                    "moet key-file, credential, passphrase, environment, transit of manual zijn",
                );
                UnsealSource::Manual
            }
        }
    }

    /// Faults are told once: by the source where it is `needed`, else where its address is set.
    fn transit(&mut self, directory: &std::path::Path, needed: bool) -> Option<TransitConfig> {
        if !needed && (self.text("unseal.source") == "transit" || self.optional("unseal.transit_address").is_none()) {
            return None;
        }
        let address = self.need("unseal.transit_address")?.trim_end_matches('/').to_owned();
        if !is_guarded(&address) {
            self.fault(
                "unseal.transit_address",
                "must be https://host:port; http:// only to this machine, since a token goes there",
                "moet https://host:poort zijn; http:// alleen naar deze machine, want er gaat een token heen",
            );
        }
        for key in ["unseal.transit_mount", "unseal.transit_key"] {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
            let text = self.text(key);
            if text.is_empty() || !text.chars().all(is_plain) || text.contains("..") || text.starts_with('/') {
                self.fault(
                    key,
                    "must be letters, digits, hyphens and underscores",
                    "moet uit letters, cijfers, streepjes en liggende streepjes bestaan",
                );
            }
        }
        Some(TransitConfig {
            address,
            mount: self.text("unseal.transit_mount"),
            key: self.text("unseal.transit_key"),
            namespace: self.optional("unseal.transit_namespace"),
            token: self.need("unseal.transit_token")?,
            authority: self.optional("unseal.transit_ca").map(PathBuf::from),
            file: self.optional("unseal.transit_file").map_or_else(|| directory.join("root.transit"), PathBuf::from),
        })
    }

    fn need(&mut self, key: &str) -> Option<Zeroizing<String>> {
        let value = self.secret(key);
        if value.is_none() {
            self.fault(key, "is needed by unseal.source", "is nodig voor unseal.source");
        }
        value
    }

    fn audit(&mut self) -> AuditConfig {
        let url = self.text("server.public_url");
        let host = url.split_once("://").map_or("", |(_, rest)| rest.split('/').next().unwrap_or_default());
        let origin = self.optional("audit.origin").unwrap_or_else(|| format!("{host}/audit"));
        if origin.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+') {
            self.fault(
                "audit.origin",
                "must be a name without spaces and plus signs",
                "moet een naam zijn zonder spaties en plustekens",
            );
        }
        let witness_url = self.secret("audit.witness_url");
        if witness_url.as_ref().is_some_and(|url| !url.starts_with("https://") && !url.starts_with("http://")) {
            self.fault(
                "audit.witness_url",
                "must start with https:// or http://",
                "moet met https:// of http:// beginnen",
            );
        }
        AuditConfig {
            origin,
            checkpoint_seconds: self.positive("audit.checkpoint_seconds"),
            witness_file: self.optional("audit.witness_file").map(PathBuf::from),
            witness_url,
        }
    }

    fn mail(&mut self) -> Option<MailConfig> {
        let host = self.optional("mail.host")?;
        let tls = self.text("mail.tls");
        if !["starttls", "implicit", "none"].contains(&tls.as_str()) {
            self.fault("mail.tls", "must be starttls, implicit or none", "moet starttls, implicit of none zijn");
        }
        Some(MailConfig {
            host,
            port: self.parse("mail.port", 587, p("a port", "een poort")),
            tls,
            user: self.optional("mail.user"),
            password: self.secret("mail.password"),
            from: self.text("mail.from"),
        })
    }
}

/// Over TLS, or without leaving this machine.
fn is_guarded(address: &str) -> bool {
    let host = |rest: &str| rest.rsplit_once(':').map_or(rest, |(host, _)| host).to_owned();
    let is_bare = |rest: &str| !rest.is_empty() && !rest.contains(['/', '?', '#', '@', ' ']);
    match (address.strip_prefix("https://"), address.strip_prefix("http://")) {
        (Some(rest), _) => is_bare(rest),
        (None, Some(rest)) => is_bare(rest) && ["127.0.0.1", "[::1]", "localhost"].contains(&host(rest).as_str()),
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

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
