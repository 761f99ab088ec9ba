//! The root key, kept as a ciphertext of HashiCorp Vault's Transit engine: Kluis holds the file, Vault the key, and either
//! alone opens nothing. Read at the start and after a rotation, never for a request.
//!
//! The file has a line for each root key, the wanted one first, as a key file has; what is encrypted is the key's text, so
//! that its checks tell a wrong answer.
//!
//! Must never: write the root key in clear to a disk, log a token or an answer, or follow a redirection with the token.

#[cfg(feature = "vault-transit")]
mod client;

use std::path::Path;

use data_encoding::BASE64;
use kluis_core::privacy::service_fault::ServiceFault;
use kluis_core::privacy::unseal::{SourceFault, replace_text, write_text};
use kluis_core::privacy::{Result as VaultResult, RootKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::config::TransitConfig;

/// More than the ciphertexts of two keys.
const LARGEST: u64 = 8192;

/// What the engine is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Encrypt,
    Decrypt,
    /// Puts a ciphertext under the newest version of its key, without showing what is in it.
    Rewrap,
}

impl Verb {
    #[cfg_attr(not(feature = "vault-transit"), expect(dead_code, reason = "the client says it"))]
    const fn name(self) -> &'static str {
        match self {
            Self::Encrypt => "encrypt",
            Self::Decrypt => "decrypt",
            Self::Rewrap => "rewrap",
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Question<'a> {
    Plaintext(&'a str),
    Ciphertext(&'a str),
}

#[derive(Deserialize)]
struct Answer {
    data: Told,
}

/// One of the two, whatever else stands beside it (the version of the key, in newer versions of Vault).
#[derive(Deserialize)]
struct Told {
    plaintext: Option<Wiped>,
    ciphertext: Option<String>,
}

/// A text that is wiped when it was read.
#[derive(Deserialize)]
#[serde(from = "String")]
struct Wiped(Zeroizing<String>);

impl From<String> for Wiped {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

/// All root keys that stand in the file, the wanted one first.
pub async fn root_keys(config: &TransitConfig) -> VaultResult<Vec<RootKey>> {
    let mut keys = Vec::new();
    for ciphertext in ciphertexts(&config.file)? {
        keys.push(decrypted(config, &ciphertext).await?);
    }
    Ok(keys)
}

/// Writes a new file; refuses to overwrite one.
pub async fn create(config: &TransitConfig, root: &RootKey) -> VaultResult<()> {
    let text = encrypted(config, &[root]).await?;
    Ok(write_text(&config.file, &text)?)
}

/// Puts a file with these keys in place of the one that is there.
pub async fn replace(config: &TransitConfig, keys: &[&RootKey]) -> VaultResult<()> {
    let text = encrypted(config, keys).await?;
    Ok(replace_text(&config.file, &text)?)
}

/// Puts what is in the file under the newest version of Vault's key.
pub async fn rewrap(config: &TransitConfig) -> VaultResult<()> {
    let mut text = String::new();
    for ciphertext in ciphertexts(&config.file)? {
        text.push_str(&ciphertext_of(ask(config, Verb::Rewrap, &Question::Ciphertext(&ciphertext)).await?)?);
        text.push('\n');
    }
    Ok(replace_text(&config.file, &text)?)
}

async fn encrypted(config: &TransitConfig, keys: &[&RootKey]) -> VaultResult<String> {
    let mut text = String::new();
    for key in keys {
        let plain = Zeroizing::new(BASE64.encode(key.to_text().as_bytes()));
        let ciphertext = ciphertext_of(ask(config, Verb::Encrypt, &Question::Plaintext(&plain)).await?)?;
        // Before it is relied upon: what came back opens.
        if decrypted(config, &ciphertext).await?.to_text() != key.to_text() {
            return Err(SourceFault::from(ServiceFault::Garbled).into());
        }
        text.push_str(&ciphertext);
        text.push('\n');
    }
    Ok(text)
}

async fn decrypted(config: &TransitConfig, ciphertext: &str) -> VaultResult<RootKey> {
    let garbled = || SourceFault::from(ServiceFault::Garbled);
    let told = ask(config, Verb::Decrypt, &Question::Ciphertext(ciphertext)).await?;
    let Wiped(encoded) = told.plaintext.ok_or_else(garbled)?;
    let bytes = Zeroizing::new(BASE64.decode(encoded.as_bytes()).map_err(|_| garbled())?);
    Ok(RootKey::parse(std::str::from_utf8(&bytes).map_err(|_| garbled())?)?)
}

fn ciphertext_of(told: Told) -> Result<String, SourceFault> {
    told.ciphertext.filter(|text| is_ciphertext(text)).ok_or_else(|| ServiceFault::Garbled.into())
}

async fn ask(config: &TransitConfig, verb: Verb, question: &Question<'_>) -> Result<Told, SourceFault> {
    let body = Zeroizing::new(serde_json::to_vec(question).map_err(|_| ServiceFault::Garbled)?);
    let answer = post(config, verb, &body).await?;
    let answer: Answer = serde_json::from_slice(&answer).map_err(|_| ServiceFault::Garbled)?;
    Ok(answer.data)
}

#[cfg(feature = "vault-transit")]
async fn post(config: &TransitConfig, verb: Verb, body: &[u8]) -> Result<Zeroizing<Vec<u8>>, ServiceFault> {
    client::post(config, verb, body).await
}

#[cfg(not(feature = "vault-transit"))]
async fn post(_: &TransitConfig, _: Verb, _: &[u8]) -> Result<Zeroizing<Vec<u8>>, ServiceFault> {
    Err(ServiceFault::NotBuilt)
}

/// `vault:v<version>:<base64>`.
fn is_ciphertext(text: &str) -> bool {
    let version = text.strip_prefix("vault:v").and_then(|rest| rest.split_once(':'));
    version.is_some_and(|(version, rest)| {
        version.parse::<u32>().is_ok() && BASE64.decode(rest.as_bytes()).is_ok_and(|bytes| !bytes.is_empty())
    })
}

fn ciphertexts(path: &Path) -> Result<Vec<String>, SourceFault> {
    let fault = |error: std::io::Error| SourceFault::Unreadable(error.kind());
    if std::fs::metadata(path).map_err(fault)?.len() > LARGEST {
        return Err(SourceFault::TooLarge);
    }
    let text = std::fs::read_to_string(path).map_err(fault)?;
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    if lines.is_empty() || !lines.iter().all(|line| is_ciphertext(line)) {
        return Err(ServiceFault::NoCiphertext.into());
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ciphertext_is_told_from_a_key() {
        for good in ["vault:v1:AAAA", "vault:v12:aGVsbG8="] {
            assert!(is_ciphertext(good), "{good}");
        }
        for bad in
            ["", "vault:v1", "vault:v:AAAA", "vault:v1:", "vault:v1:not base64", "KLUIS-ROOT-AAAAA", "vault:x1:AAAA"]
        {
            assert!(!is_ciphertext(bad), "{bad}");
        }
    }

    #[test]
    fn answers_are_read_with_what_stands_beside() {
        let told = |json: &str| serde_json::from_str::<Answer>(json).map(|answer| answer.data);
        let encrypted = told(r#"{"request_id":"x","data":{"ciphertext":"vault:v2:AAAA","key_version":2},"auth":null}"#);
        assert_eq!(ciphertext_of(encrypted.unwrap()).unwrap(), "vault:v2:AAAA");
        let decrypted = told(r#"{"data":{"plaintext":"aGVsbG8="}}"#).unwrap();
        assert_eq!(*decrypted.plaintext.unwrap().0, "aGVsbG8=");
        assert!(ciphertext_of(told(r#"{"data":{"ciphertext":"nothing"}}"#).unwrap()).is_err());
        assert!(told(r#"{"errors":["permission denied"]}"#).is_err());
    }
}
