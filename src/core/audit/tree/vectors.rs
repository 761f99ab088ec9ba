//! The published vectors of `tests/data/merkle`, all of them, and the published examples of signed notes.

use data_encoding::HEXLOWER;
use ring::digest::{SHA256, digest};
use serde::Deserialize;

use super::{Builder, Checkpoint, Hash, Signer, VerifierKey, base64, leaf, verify_consistency, verify_inclusion};

const INCLUSION: &str = include_str!("../../../../tests/data/merkle/inclusion.json");
const CONSISTENCY: &str = include_str!("../../../../tests/data/merkle/consistency.json");
const FOLDERS: &str = "98 of each, 6 of them right";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Inclusion {
    leaf_idx: u64,
    tree_size: u64,
    root: String,
    leaf_hash: String,
    proof: Option<Vec<String>>,
    want_err: bool,
    file: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Consistency {
    size1: u64,
    size2: u64,
    root1: String,
    root2: String,
    proof: Option<Vec<String>>,
    want_err: bool,
    file: String,
}

/// Roots have any length there, where a root's length isn't what is tested. Ours are hashes: another length is hashed,
/// which keeps the same ones the same and different ones different.
fn root(text: &str) -> Hash {
    let bytes = base64::decode(text).unwrap();
    bytes.clone().try_into().unwrap_or_else(|_| digest(&SHA256, &bytes).as_ref().try_into().unwrap())
}

/// `None` if one isn't a hash: such a proof can't even be handed over.
fn hashes(proof: Option<&Vec<String>>) -> Option<Vec<Hash>> {
    proof.into_iter().flatten().map(|text| base64::hash(text)).collect()
}

#[test]
fn every_published_inclusion_proof_is_judged_right() {
    let vectors: Vec<Inclusion> = serde_json::from_str(INCLUSION).unwrap();
    for vector in &vectors {
        let holds = hashes(vector.proof.as_ref()).zip(base64::hash(&vector.leaf_hash)).is_some_and(|(proof, leaf)| {
            verify_inclusion(vector.leaf_idx, vector.tree_size, &leaf, &proof, &root(&vector.root)).is_ok()
        });
        assert_eq!(holds, !vector.want_err, "{}", vector.file);
    }
    assert_eq!((vectors.len(), vectors.iter().filter(|v| !v.want_err).count()), (98, 6), "{FOLDERS}");
}

#[test]
fn every_published_consistency_proof_is_judged_right() {
    let vectors: Vec<Consistency> = serde_json::from_str(CONSISTENCY).unwrap();
    for vector in &vectors {
        let (old, new) = (root(&vector.root1), root(&vector.root2));
        let holds = hashes(vector.proof.as_ref())
            .is_some_and(|proof| verify_consistency(vector.size1, vector.size2, &proof, &old, &new).is_ok());
        assert_eq!(holds, !vector.want_err, "{}", vector.file);
    }
    assert_eq!((vectors.len(), vectors.iter().filter(|v| !v.want_err).count()), (98, 6), "{FOLDERS}");
}

/// Entries and roots of the reference implementation of Certificate Transparency.
#[test]
fn roots_are_those_of_the_reference() {
    const ENTRIES: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut builder = Builder::new();
    for (entry, root) in ENTRIES.into_iter().zip(ROOTS) {
        builder.push(leaf(&HEXLOWER.decode(entry.as_bytes()).unwrap()));
        assert_eq!(HEXLOWER.encode(&builder.root()), root);
    }
}

/// The example of golang.org/x/mod/sumdb/note (BSD licence): its key, its text, its signature.
#[test]
fn the_note_of_go_is_signed_and_opened() {
    const KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const SEED: &str = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    const TEXT: &str = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem \
                        is.\n";
    const SIGNATURES: [&str; 2] = [
        "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n",
        "\u{2014} EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n",
    ];
    let key: VerifierKey = KEY.parse().unwrap();
    assert_eq!(key.to_string(), KEY);
    let seed = base64::decode(SEED).unwrap()[1..].try_into().unwrap();
    let signer = Signer::new("PeterNeumann", &seed).unwrap();
    assert_eq!(signer.verifier(), &key);
    let note = format!("{TEXT}\n{}", SIGNATURES[0]);
    assert_eq!(signer.sign(TEXT).unwrap(), note);
    assert_eq!(key.open(&note), Ok(TEXT));
    let both = format!("{note}{}", SIGNATURES[1]);
    assert_eq!(key.open(&both), Ok(TEXT), "signed by somebody else as well");
    let other = Signer::new("EnochRoot", &[0; 32]).unwrap();
    assert_eq!(other.verifier().open(&both), Ok(TEXT));
    assert!(other.verifier().open(&note).is_err());
}

/// The examples of C2SP signed-note; the verifier key is that of the first one.
#[test]
fn the_note_of_the_specification_is_opened() {
    const KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    const NOTE: &str = "This is an example message.\n\n\u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2O\
                        NncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
    let key: VerifierKey = KEY.parse().unwrap();
    assert_eq!(key.open(NOTE), Ok("This is an example message.\n"));
    assert!(Checkpoint::open(NOTE, &key).is_err(), "signed, but no checkpoint");
}
