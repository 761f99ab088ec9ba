//! The settings, each declared once.

use kluis_core::kernel::Phrase;

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
    pub help: Phrase,
}

const fn open(key: &'static str, default: &'static str, (en, nl): (&'static str, &'static str)) -> Setting {
    Setting { key, default, secret: false, help: Phrase { en, nl } }
}

const fn secret(key: &'static str, (en, nl): (&'static str, &'static str)) -> Setting {
    Setting { key, default: "", secret: true, help: Phrase { en, nl } }
}

/// All settings, in the order of the file.
pub const SETTINGS: &[Setting] = &[
    open("server.listen", "127.0.0.1:8443", ("Address and port to listen on.", "Adres en poort om op te luisteren.")),
    open(
        "server.public_url",
        "http://127.0.0.1:8443",
        (
            "What people type into their browser; links in mails start with it. With https, cookies are marked Secure.",
            "Wat mensen in hun browser typen; links in mails beginnen ermee. Met https krijgen cookies het kenmerk Secure.",
        ),
    ),
    open(
        "server.tls_certificate",
        "",
        (
            "PEM file with the certificate chain; without it Kluis speaks plain HTTP behind a proxy.",
            "PEM-bestand met de certificaatketen; zonder spreekt Kluis gewoon HTTP achter een proxy.",
        ),
    ),
    open(
        "server.tls_key",
        "",
        ("PEM file with the certificate's key.", "PEM-bestand met de sleutel van het certificaat."),
    ),
    open(
        "server.trusted_proxies",
        "",
        (
            "Addresses of reverse proxies, separated by commas, whose X-Forwarded-For is believed.",
            "Adressen van reverse proxy's, gescheiden door komma's, waarvan X-Forwarded-For wordt geloofd.",
        ),
    ),
    open(
        "server.max_body_bytes",
        "33554432",
        ("Largest body that is accepted, in bytes.", "Grootste inhoud van een verzoek die wordt aangenomen, in bytes."),
    ),
    open(
        "data.directory",
        "kluis-data",
        (
            "Where the embedded databases, the root key and job files stand.",
            "Waar de ingebouwde databases, de hoofdsleutel en bestanden van taken staan.",
        ),
    ),
    secret(
        "database.url",
        (
            "postgres://… for PostgreSQL 15 or newer. Empty: SQLite in the data directory. May hold a password: prefer KLUIS_DATABASE_URL_FILE.",
            "postgres://… voor PostgreSQL 15 of nieuwer. Leeg: SQLite in de gegevensmap. Kan een wachtwoord bevatten: liever KLUIS_DATABASE_URL_FILE.",
        ),
    ),
    open(
        "database.connections",
        "8",
        ("Connections to PostgreSQL, or readers of SQLite.", "Verbindingen met PostgreSQL, of lezers van SQLite."),
    ),
    secret(
        "keys.url",
        (
            "postgres://… of the database that holds the wrapped keys. It must not be the data's database.",
            "postgres://… van de database met de ingepakte sleutels. Dat mag niet de database van de gegevens zijn.",
        ),
    ),
    open(
        "keys.cache",
        "250000",
        (
            "How many wrapped keys are kept in memory, at about 180 bytes each.",
            "Hoeveel ingepakte sleutels in het geheugen blijven, van elk ongeveer 180 bytes.",
        ),
    ),
    open(
        "erasure.ledger_copy",
        "",
        (
            "File outside of the data directory that holds a copy of the erasure ledger; with it, whom somebody has erased stays erased when a backup is restored.",
            "Bestand buiten de gegevensmap met een kopie van het wisregister; daarmee blijft gewist wie gewist is, ook als een reservekopie wordt teruggezet.",
        ),
    ),
    open(
        "erasure.key_backup_days",
        "",
        (
            "For how many days backups of the key store are kept: certificates of erasure then say when the last one has expired.",
            "Hoeveel dagen reservekopieën van de sleutelopslag bewaard blijven: wisbewijzen zeggen dan wanneer de laatste verlopen is.",
        ),
    ),
    open(
        "unseal.source",
        "key-file",
        (
            "How the vault is opened at start: key-file, credential, passphrase, environment, transit (HashiCorp Vault), or \
             manual: it stays sealed until somebody runs kluis unseal.",
            "Hoe de kluis bij het starten opengaat: key-file, credential, passphrase, environment, transit (HashiCorp \
             Vault), of manual: zij blijft gesloten tot iemand kluis unseal uitvoert.",
        ),
    ),
    open(
        "unseal.key_file",
        "",
        (
            "The root key's file. Empty: root.key in the data directory.",
            "Het bestand met de hoofdsleutel. Leeg: root.key in de gegevensmap.",
        ),
    ),
    secret(
        "unseal.root_key",
        (
            "The root key itself, for unseal.source = environment.",
            "De hoofdsleutel zelf, voor unseal.source = environment.",
        ),
    ),
    secret(
        "unseal.passphrase",
        (
            "The passphrase, for unseal.source = passphrase. With manual, kluis init and kluis unseal take it from here, or \
             ask for it; then it has no place in this file.",
            "De wachtwoordzin, voor unseal.source = passphrase. Bij manual nemen kluis init en kluis unseal haar hiervandaan, \
             of vragen erom; in dit bestand hoort zij dan niet.",
        ),
    ),
    open(
        "unseal.transit_address",
        "",
        (
            "For unseal.source = transit: https://host:port of HashiCorp Vault, whose Transit engine decrypts the root key.",
            "Voor unseal.source = transit: https://host:poort van HashiCorp Vault, dat met Transit de hoofdsleutel ontsleutelt.",
        ),
    ),
    open("unseal.transit_mount", "transit", ("Where the Transit engine is mounted.", "Waar Transit gekoppeld is.")),
    open("unseal.transit_key", "kluis", ("Name of the key in it.", "Naam van de sleutel daarin.")),
    open("unseal.transit_namespace", "", ("Namespace in Vault; empty: none.", "Namespace in Vault; leeg: geen.")),
    secret(
        "unseal.transit_token",
        (
            "Token that may encrypt and decrypt with that key, and nothing else.",
            "Token dat met die sleutel mag versleutelen en ontsleutelen, en verder niets.",
        ),
    ),
    open(
        "unseal.transit_ca",
        "",
        (
            "PEM file with the authority of Vault's certificate; empty: those that browsers trust.",
            "PEM-bestand met de uitgever van Vaults certificaat; leeg: die welke browsers vertrouwen.",
        ),
    ),
    open(
        "unseal.transit_file",
        "",
        (
            "The encrypted root key. Empty: root.transit in the data directory.",
            "De versleutelde hoofdsleutel. Leeg: root.transit in de gegevensmap.",
        ),
    ),
    open(
        "policy.file",
        "",
        (
            "The policy as a file; empty: the policy inside the program.",
            "Het toegangsbeleid als bestand; leeg: het beleid in het programma.",
        ),
    ),
    open(
        "audit.origin",
        "",
        (
            "Name of the audit log in its checkpoints: an address without https://. Empty: the host of server.public_url \
             and /audit. Whoever keeps checkpoints knows the log by it.",
            "Naam van het logboek in de controlepunten: een adres zonder https://. Leeg: de host van server.public_url en \
             /audit. Wie controlepunten bewaart, kent het logboek hieraan.",
        ),
    ),
    open(
        "audit.checkpoint_seconds",
        "60",
        (
            "Time between two checkpoints of the audit log, while something happens.",
            "Tijd tussen twee controlepunten van het logboek, zolang er iets gebeurt.",
        ),
    ),
    open(
        "audit.witness_file",
        "",
        (
            "A file to which every checkpoint is added: on another machine, or where this service may only add. Against a \
             log that is put back as it was.",
            "Een bestand waar elk controlepunt aan wordt toegevoegd: op een andere machine, of waar deze dienst alleen mag \
             toevoegen. Tegen een logboek dat wordt teruggezet.",
        ),
    ),
    secret(
        "audit.witness_url",
        (
            "An address to which the newest checkpoint is sent (POST, text/plain). May hold a token: prefer \
             KLUIS_AUDIT_WITNESS_URL_FILE.",
            "Een adres waar het nieuwste controlepunt heen gaat (POST, text/plain). Kan een token bevatten: liever \
             KLUIS_AUDIT_WITNESS_URL_FILE.",
        ),
    ),
    open(
        "mail.host",
        "",
        (
            "SMTP server; empty: no mail is sent, and links are given by an administrator.",
            "SMTP-server; leeg: er gaat geen mail uit, en een beheerder geeft de links.",
        ),
    ),
    open("mail.port", "587", ("SMTP port.", "SMTP-poort.")),
    open(
        "mail.tls",
        "starttls",
        (
            "starttls, implicit, or none (only for a server on this machine).",
            "starttls, implicit of none (alleen voor een server op deze machine).",
        ),
    ),
    open("mail.user", "", ("SMTP user; empty: no sign-in.", "SMTP-gebruiker; leeg: niet aanmelden.")),
    secret("mail.password", ("SMTP password.", "SMTP-wachtwoord.")),
    open("mail.from", "kluis@localhost", ("Sender of mails.", "Afzender van mails.")),
    open(
        "session.idle_minutes",
        "60",
        ("A session ends after this time without use.", "Een sessie eindigt na deze tijd zonder gebruik."),
    ),
    open(
        "session.hours",
        "12",
        ("A session ends after this time in any case.", "Een sessie eindigt in elk geval na deze tijd."),
    ),
    open(
        "rate.per_second",
        "50",
        ("Requests per second and token or address.", "Verzoeken per seconde en per token of adres."),
    ),
    open("rate.burst", "200", ("Requests that may come at once.", "Verzoeken die tegelijk mogen komen.")),
    open(
        "rate.sign_in_per_minute",
        "10",
        (
            "Sign-in attempts per minute and address, and per account.",
            "Aanmeldpogingen per minuut en per adres, en per account.",
        ),
    ),
    open(
        "log.level",
        "info",
        (
            "error, warn, info, debug or trace, or a tracing filter.",
            "error, warn, info, debug of trace, of een filter van tracing.",
        ),
    ),
    open("log.format", "text", ("text or json.", "text of json.")),
];
