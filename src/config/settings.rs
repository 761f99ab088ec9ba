//! The settings, each declared once.

/// One setting. Its environment variable is `KLUIS_` and the key in capitals with `_` for `.`; with `_FILE` behind
/// it, the value is read from the file that the variable names.
#[derive(Debug)]
pub struct Setting {
    /// `section.name`, as in the TOML file.
    pub key: &'static str,
    /// Empty: there is no default, and the setting may be absent.
    pub default: &'static str,
    /// Masked in every print.
    pub secret: bool,
    pub help: &'static str,
}

const fn open(key: &'static str, default: &'static str, help: &'static str) -> Setting {
    Setting { key, default, secret: false, help }
}

const fn secret(key: &'static str, help: &'static str) -> Setting {
    Setting { key, default: "", secret: true, help }
}

/// All settings, in the order of the file.
pub const SETTINGS: &[Setting] = &[
    open("server.listen", "127.0.0.1:8443", "Address and port to listen on."),
    open(
        "server.public_url",
        "http://127.0.0.1:8443",
        "What people type into their browser; links in mails start with it. With https, cookies are marked Secure.",
    ),
    open(
        "server.tls_certificate",
        "",
        "PEM file with the certificate chain; without it Kluis speaks plain HTTP behind a proxy.",
    ),
    open("server.tls_key", "", "PEM file with the certificate's key."),
    open(
        "server.trusted_proxies",
        "",
        "Addresses of reverse proxies, separated by commas, whose X-Forwarded-For is believed.",
    ),
    open("server.max_body_bytes", "33554432", "Largest body that is accepted, in bytes."),
    open("data.directory", "kluis-data", "Where the embedded databases, the root key and job files stand."),
    secret(
        "database.url",
        "postgres://… for PostgreSQL 15 or newer. Empty: SQLite in the data directory. May hold a password: prefer KLUIS_DATABASE_URL_FILE.",
    ),
    open("database.connections", "8", "Connections to PostgreSQL, or readers of SQLite."),
    secret("keys.url", "postgres://… of the database that holds the wrapped keys. It must not be the data's database."),
    open("keys.cache", "100000", "How many wrapped keys are kept in memory."),
    open(
        "unseal.source",
        "key-file",
        "How the vault is opened at start: key-file, credential, passphrase, environment, or manual.",
    ),
    open("unseal.key_file", "", "The root key's file. Empty: root.key in the data directory."),
    secret("unseal.root_key", "The root key itself, for unseal.source = environment."),
    secret("unseal.passphrase", "The passphrase, for unseal.source = passphrase."),
    open("policy.file", "", "The policy as a file; empty: the policy inside the program."),
    open("mail.host", "", "SMTP server; empty: no mail is sent, and links are given by an administrator."),
    open("mail.port", "587", "SMTP port."),
    open("mail.tls", "starttls", "starttls, implicit, or none (only for a server on this machine)."),
    open("mail.user", "", "SMTP user; empty: no sign-in."),
    secret("mail.password", "SMTP password."),
    open("mail.from", "kluis@localhost", "Sender of mails."),
    open("session.idle_minutes", "60", "A session ends after this time without use."),
    open("session.hours", "12", "A session ends after this time in any case."),
    open("rate.per_second", "50", "Requests per second and token or address."),
    open("rate.burst", "200", "Requests that may come at once."),
    open("rate.sign_in_per_minute", "10", "Sign-in attempts per minute and address, and per account."),
    open("log.level", "info", "error, warn, info, debug or trace, or a tracing filter."),
    open("log.format", "text", "text or json."),
];
