//! What is wrong with a service that keeps the key above the root key; for the operator's terminal and log.
//!
//! Must never carry what the service said: an answer may quote what was sent.

use crate::kernel::Message;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ServiceFault {
    #[error("the key service can't be reached")]
    Unreachable,
    #[error("the key service doesn't answer in time")]
    Slow,
    #[error("the key service's certificate isn't trusted, or it speaks no TLS")]
    Untrusted,
    #[error("the file with the authority's certificate can't be used")]
    Authority,
    #[error("the key service is sealed itself")]
    Sealed,
    #[error("the key service refuses the token: it is unknown, has expired, or may not use this key")]
    Forbidden,
    #[error("the key service has no such engine or key")]
    Unknown,
    #[error("the key service can't decrypt this: it was encrypted under another key, or its version was taken away")]
    Undecryptable,
    #[error("the key service answered {0}")]
    Status(u16),
    #[error("the key service's answer can't be understood")]
    Garbled,
    #[error("the file doesn't hold what a Transit engine encrypts (vault:v1:…)")]
    NoCiphertext,
    #[error("this program was built without vault-transit")]
    NotBuilt,
}

impl ServiceFault {
    /// For the operator's terminal, in both languages.
    pub fn message(self) -> Message {
        let nl = match self {
            Self::Unreachable => "De sleuteldienst is niet bereikbaar.",
            Self::Slow => "De sleuteldienst antwoordt niet op tijd.",
            Self::Untrusted => "Het certificaat van de sleuteldienst wordt niet vertrouwd, of zij spreekt geen TLS.",
            Self::Authority => "Het bestand met het certificaat van de uitgever is niet bruikbaar.",
            Self::Sealed => "De sleuteldienst is zelf gesloten.",
            Self::Forbidden => {
                "De sleuteldienst weigert het token: onbekend, verlopen, of zonder recht op deze sleutel."
            }
            Self::Unknown => "De sleuteldienst heeft zo'n onderdeel of sleutel niet.",
            Self::Undecryptable => {
                "De sleuteldienst kan dit niet ontsleutelen: het is met een andere sleutel versleuteld, of die versie is weg."
            }
            Self::Status(status) => {
                return Message::new(
                    format!("The key service answered {status}."),
                    format!("De sleuteldienst antwoordde {status}."),
                );
            }
            Self::Garbled => "Het antwoord van de sleuteldienst is niet te begrijpen.",
            Self::NoCiphertext => "In het bestand staat niet wat een Transit-onderdeel versleutelt (vault:v1:…).",
            Self::NotBuilt => "Dit programma is gebouwd zonder vault-transit.",
        };
        let en = self.to_string();
        let (first, rest) = en.split_at(1);
        Message::new(format!("{}{rest}.", first.to_uppercase()), nl)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_a_sentence_in_both_languages() {
        for fault in [ServiceFault::Unreachable, ServiceFault::Status(418), ServiceFault::NoCiphertext] {
            let Message { en, nl } = fault.message();
            assert!(en.starts_with("The") && en.ends_with('.') && nl.ends_with('.') && en != nl, "{en} {nl}");
        }
    }
}
