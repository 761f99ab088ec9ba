//! Configuration: a TOML file, over it the environment, over it flags; each value knows where it came from.
//!
//! Every setting is declared once, in [`settings::SETTINGS`]; the commented file of `kluis init`, `config check`,
//! `config dump` and the names of the environment variables all come from there.
//!
//! Must never: print a secret, guess at an unknown key, start with a value that doesn't parse.

mod reader;
mod render;
mod resolve;
mod settings;
mod typed;

pub use render::{Say, dump, template};
pub use resolve::{ConfigFault, Origin, Resolved, Sources, resolve, strangers};
pub use settings::{SETTINGS, Setting};
pub use typed::{
    AuditConfig, Config, DatabaseConfig, LogFormat, MailConfig, RateConfig, TlsConfig, TransitConfig, UnsealSource,
};
