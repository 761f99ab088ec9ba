//! Checkpoints and proofs as they are shown: sizes, hashes and signatures.

use poem_openapi::Object;
use poem_openapi::types::Example;
use serde::{Deserialize, Serialize};

use crate::web::Timestamp;

/// What was signed: how many events the log had, and under which root (RFC 6962).
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(rename_all = "camelCase", example)]
#[serde(rename_all = "camelCase")]
pub struct AuditCheckpointView {
    /// How many events it covers.
    pub size: i64,
    /// When it was signed.
    pub at: Timestamp,
    /// The log's name.
    pub origin: String,
    /// Root of the tree, in base64.
    pub root: String,
    /// The checkpoint itself, a C2SP signed note: keep this elsewhere.
    pub note: String,
    /// The key that it can be checked with, in C2SP's form for verifier keys.
    pub verifier_key: String,
}

/// That a smaller log is the beginning of a larger one (RFC 9162, section 2.1.4).
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(example)]
pub struct ConsistencyProofView {
    /// Size of the smaller log.
    pub from: i64,
    /// Size of the larger log.
    pub to: i64,
    /// The proof, in base64.
    pub hashes: Vec<String>,
}

/// That an event is in the log (RFC 9162, section 2.1.3).
#[derive(Object, Serialize, Deserialize, Clone)]
#[oai(example)]
pub struct InclusionProofView {
    /// Size of the log that it is in.
    pub size: i64,
    /// Its place in the tree: its number, less one.
    pub index: i64,
    /// The hash of its leaf, in base64.
    pub leaf: String,
    /// The proof, in base64.
    pub hashes: Vec<String>,
}

const HASH: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

impl Example for AuditCheckpointView {
    fn example() -> Self {
        let signature = "SiVjL3J4HYVS8ebmmRSvNkSFMfwmsNkM3Bi/7OYxSx3pYRgoCJc4NYxYGFUEu/hoCHnRK5XPPVyzmCO/AzHkZUH7VwM=";
        let origin = "kluis.example/audit".to_owned();
        Self {
            size: 4711,
            at: chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap_or_default().into(),
            note: format!("{origin}\n4711\n{HASH}\n\n\u{2014} {origin} {signature}\n"),
            root: HASH.to_owned(),
            verifier_key: format!("{origin}+4a25632f+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"),
            origin,
        }
    }
}

impl Example for ConsistencyProofView {
    fn example() -> Self {
        Self { from: 4000, to: 4711, hashes: vec![HASH.to_owned()] }
    }
}

impl Example for InclusionProofView {
    fn example() -> Self {
        Self { size: 4711, index: 4710, leaf: HASH.to_owned(), hashes: vec![HASH.to_owned()] }
    }
}
