//! Reads settings one by one, and gathers what is wrong with each.
//!
//! Must never: stop at the first fault, or put a value into one.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use kluis_core::kernel::Phrase;
use zeroize::Zeroizing;

use super::resolve::{ConfigFault, Resolved};
use super::typed::{AuditConfig, DatabaseConfig, MailConfig, TlsConfig, TransitConfig, UnsealSource};

pub(super) const fn p(en: &'static str, nl: &'static str) -> Phrase {
    Phrase { en, nl }
}

pub(super) struct Reader<'a> {
    pub(super) resolved: &'a Resolved,
    pub(super) faults: Vec<ConfigFault>,
}

impl Reader<'_> {
    pub(super) fn text(&self, key: &str) -> String {
        self.resolved.get(key).unwrap_or_default().to_owned()
    }

    pub(super) fn optional(&self, key: &str) -> Option<String> {
        self.resolved.get(key).map(str::to_owned)
    }

    pub(super) fn secret(&self, key: &str) -> Option<Zeroizing<String>> {
        self.optional(key).map(Zeroizing::new)
    }

    pub(super) fn fault(&mut self, key: &str, en: impl Into<String>, nl: impl Into<String>) {
        self.faults.push(ConfigFault::new(key, en, nl));
    }

    pub(super) fn parse<T: FromStr>(&mut self, key: &str, instead: T, form: Phrase) -> T {
        let parsed = self.resolved.get(key).and_then(|text| text.parse().ok());
        parsed.unwrap_or_else(|| {
            self.fault(key, format!("must be {}", form.en), format!("moet {} zijn", form.nl));
            instead
        })
    }

    pub(super) fn positive(&mut self, key: &str) -> u32 {
        let form = p("a number above 0", "een getal boven 0");
        let number: u32 = self.parse(key, 1, form);
        if number == 0 {
            self.fault(key, format!("must be {}", form.en), format!("moet {} zijn", form.nl));
        }
        number
    }

    pub(super) fn one_of<T: Copy>(&mut self, key: &str, choices: &[(&str, T)]) -> T {
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
    pub(super) fn days(&mut self, key: &str) -> Option<u32> {
        self.optional(key).map(|_| self.parse(key, 0, p("a number of days", "een aantal dagen")))
    }

    /// In the data directory it would go the same way as the ledger itself.
    pub(super) fn ledger_copy(&mut self, directory: &std::path::Path) -> Option<PathBuf> {
        const KEY: &str = "erasure.ledger_copy";
        let path = PathBuf::from(self.optional(KEY)?);
        let full = |path: &std::path::Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        if full(&path).starts_with(full(directory)) {
            self.fault(KEY, "must be outside of the data directory", "moet buiten de gegevensmap staan");
        }
        Some(path)
    }

    pub(super) fn public_url(&mut self) -> String {
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

    pub(super) fn tls(&mut self) -> Option<TlsConfig> {
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

    pub(super) fn proxies(&mut self) -> Vec<IpAddr> {
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

    pub(super) fn database(&mut self, directory: &std::path::Path) -> DatabaseConfig {
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

    pub(super) fn unseal(&mut self, directory: &std::path::Path) -> UnsealSource {
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
    pub(super) fn transit(&mut self, directory: &std::path::Path, needed: bool) -> Option<TransitConfig> {
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

    pub(super) fn need(&mut self, key: &str) -> Option<Zeroizing<String>> {
        let value = self.secret(key);
        if value.is_none() {
            self.fault(key, "is needed by unseal.source", "is nodig voor unseal.source");
        }
        value
    }

    pub(super) fn audit(&mut self) -> AuditConfig {
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

    pub(super) fn mail(&mut self) -> Option<MailConfig> {
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
pub(super) fn is_guarded(address: &str) -> bool {
    let host = |rest: &str| rest.rsplit_once(':').map_or(rest, |(host, _)| host).to_owned();
    let is_bare = |rest: &str| !rest.is_empty() && !rest.contains(['/', '?', '#', '@', ' ']);
    match (address.strip_prefix("https://"), address.strip_prefix("http://")) {
        (Some(rest), _) => is_bare(rest),
        (None, Some(rest)) => is_bare(rest) && ["127.0.0.1", "[::1]", "localhost"].contains(&host(rest).as_str()),
        (None, None) => false,
    }
}
