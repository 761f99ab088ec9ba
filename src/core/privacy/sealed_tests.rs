use proptest::prelude::*;
use serde::Deserialize;
use uuid::Uuid;

use super::super::{Algorithm, KeyId};
use super::*;

const CONTEXT: Context = Context {
    tenant: Uuid::from_u128(0x11),
    table: "customers",
    part: "contact",
    row: Uuid::from_u128(0x22),
    subject: Uuid::from_u128(0x33),
    revision: 7,
    schema: 2,
};

fn key_with(algorithm: Algorithm, byte: u8) -> DataKey {
    DataKey::new(KeyId::from_bytes([0xa1; 16]), 3, algorithm, Zeroizing::new([byte; 32])).unwrap()
}

fn key() -> DataKey {
    key_with(Algorithm::Aes256Gcm, 1)
}

fn is_integrity<T>(result: &Result<T>) -> bool {
    matches!(result, Err(VaultError::Integrity(_)))
}

/// Made with another implementation (Python's `cryptography`), by the description in `envelope.rs` and `keys.rs`.
#[test]
fn the_format_is_frozen() {
    let vectors = [
        (Algorithm::Aes256Gcm, include_str!("vectors/aes-256-gcm.hex")),
        (Algorithm::ChaCha20Poly1305, include_str!("vectors/chacha20-poly1305.hex")),
    ];
    for (algorithm, vector) in vectors {
        let expected = data_encoding::HEXLOWER.decode(vector.trim().as_bytes()).unwrap();
        let key = key_with(algorithm, 1);
        let value = "voorbeeld@example.org".to_owned();
        let sealed = seal_with::<String>(&key, &CONTEXT, [0xb2; 12], |plain| {
            serde_json::to_writer(plain, &value).map_err(|_| VaultError::Unsealable)
        });
        assert_eq!(data_encoding::HEXLOWER.encode(sealed.unwrap().as_bytes()), vector.trim());
        let stored = Sealed::<String>::from_stored_bytes(expected);
        assert_eq!(stored.open(&key, &CONTEXT).unwrap(), value);
        assert_eq!((stored.key_version(), stored.revision(), stored.schema()), (3, 7, 2));
        assert_eq!(stored.key_id(), key.id());
    }
}

#[test]
fn every_field_of_the_context_counts() {
    for algorithm in Algorithm::ALL {
        let key = key_with(algorithm, 1);
        let sealed = Sealed::seal(&key, &CONTEXT, &"canary").unwrap();
        let others = [
            Context { tenant: Uuid::from_u128(0x12), ..CONTEXT },
            Context { table: "customer", ..CONTEXT },
            Context { part: "identity", ..CONTEXT },
            Context { row: Uuid::from_u128(0x23), ..CONTEXT },
            Context { subject: Uuid::from_u128(0x34), ..CONTEXT },
            Context { revision: 8, ..CONTEXT },
            Context { schema: 3, ..CONTEXT },
            // The same letters with another border between table and part.
            Context { table: "customersc", part: "ontact", ..CONTEXT },
            Context { row: CONTEXT.subject, subject: CONTEXT.row, ..CONTEXT },
        ];
        for other in others {
            let opened: Result<String> = Sealed::from_stored_bytes(sealed.as_bytes().to_vec()).open(&key, &other);
            assert!(is_integrity(&opened), "{other:?}");
        }
    }
}

#[test]
fn what_the_envelope_says_is_authenticated() {
    let sealed = Sealed::seal(&key(), &CONTEXT, &1_u8).unwrap();
    for bit in 0..sealed.as_bytes().len() * 8 {
        let mut bytes = sealed.as_bytes().to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let forged = Sealed::<u8>::from_stored_bytes(bytes);
        // Also when the caller believes what the envelope says about revision and schema.
        let context = CONTEXT.of(CONTEXT.part, &forged);
        assert!(is_integrity(&forged.open(&key(), &context)), "bit {bit}");
    }
    for length in 0..sealed.as_bytes().len() {
        let cut = Sealed::<u8>::from_stored_bytes(sealed.as_bytes()[..length].to_vec());
        assert!(is_integrity(&cut.open(&key(), &CONTEXT)));
        let _ = (cut.fingerprint(), cut.key_id(), cut.revision());
    }
}

#[test]
fn another_key_does_not_open_it() {
    let sealed = Sealed::seal(&key(), &CONTEXT, &1_u8).unwrap();
    assert!(is_integrity(&sealed.open(&key_with(Algorithm::Aes256Gcm, 2), &CONTEXT)));
    let other_id = DataKey::new(KeyId::from_bytes([0xa2; 16]), 3, Algorithm::Aes256Gcm, Zeroizing::new([1; 32]));
    assert!(is_integrity(&sealed.open(&other_id.unwrap(), &CONTEXT)));
}

#[test]
fn one_key_opens_both_algorithms_and_all_its_versions() {
    let old = DataKey::new(KeyId::from_bytes([0xa1; 16]), 2, Algorithm::ChaCha20Poly1305, Zeroizing::new([9; 32]));
    let old_value = Sealed::seal(old.as_ref().unwrap(), &CONTEXT, &"old".to_owned()).unwrap();
    let chacha = Sealed::seal(&key_with(Algorithm::ChaCha20Poly1305, 1), &CONTEXT, &"chacha".to_owned()).unwrap();
    assert!(is_integrity(&old_value.open(&key(), &CONTEXT)));
    let rotated = key().with_older(vec![old.unwrap()]);
    assert_eq!(old_value.open(&rotated, &CONTEXT).unwrap(), "old");
    assert_eq!(chacha.open(&rotated, &CONTEXT).unwrap(), "chacha");
    assert_eq!(Sealed::seal(&rotated, &CONTEXT, &1_u8).unwrap().key_version(), 3);
}

#[test]
fn padding_hides_the_length() {
    let length = |text: &str| Sealed::seal(&key(), &CONTEXT, &text).unwrap().as_bytes().len();
    assert_eq!(length(""), length(&"a".repeat(29)));
    assert_eq!(length("x@example.org"), length("somebody.longer@example.org"));
    let lengths: std::collections::BTreeSet<_> = (0..1500).map(|n| length(&"a".repeat(n))).collect();
    let buckets = [32, 64, 128, 256, 512, 1024, 1536];
    assert_eq!(lengths.into_iter().collect::<Vec<_>>(), buckets.map(|bucket| HEADER + bucket + TAG));
}

#[test]
fn equal_values_differ_when_sealed() {
    let seals: Vec<_> = (0..50).map(|_| Sealed::seal(&key(), &CONTEXT, &"same").unwrap()).collect();
    let fingerprints: std::collections::HashSet<_> = seals.iter().map(Sealed::fingerprint).collect();
    assert_eq!(fingerprints.len(), seals.len());
}

#[test]
fn a_value_of_another_shape_is_an_integrity_error_without_words() {
    let sealed = Sealed::seal(&key(), &CONTEXT, &"canary").unwrap();
    let error = Sealed::<u32>::from_stored_bytes(sealed.into_bytes()).open(&key(), &CONTEXT).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("canary"));
}

#[test]
fn bytes_are_sealed_as_they_are() {
    for length in [0, 1, 31, 32, 511, 512, 100_000] {
        let plain: Vec<u8> = (0..length).map(|n: u32| n.to_le_bytes()[0]).collect();
        let sealed = Sealed::seal_bytes(&key(), &CONTEXT, &plain).unwrap();
        assert_eq!(*sealed.open_bytes(&key(), &CONTEXT).unwrap(), plain);
    }
}

#[test]
fn debug_shows_the_length_only() {
    let sealed = Sealed::seal(&key(), &CONTEXT, &"canary").unwrap();
    assert_eq!(format!("{sealed:?}"), "Sealed(92 bytes)");
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Contact {
    emails: Vec<String>,
    phone: Option<String>,
    verified: bool,
    number: i64,
}

fn contacts() -> impl Strategy<Value = Contact> {
    (any::<Vec<String>>(), any::<Option<String>>(), any::<bool>(), any::<i64>())
        .prop_map(|(emails, phone, verified, number)| Contact { emails, phone, verified, number })
}

fn contexts() -> impl Strategy<Value = Context> {
    let names = prop::sample::select(vec!["customers", "interactions", "identity", "contact", ""]);
    (any::<[u128; 3]>(), names.clone(), names, any::<i64>(), any::<u16>()).prop_map(
        |(ids, table, part, revision, schema)| {
            let [tenant, row, subject] = ids.map(Uuid::from_u128);
            Context { tenant, table, part, row, subject, revision, schema }
        },
    )
}

proptest! {
    #[test]
    fn what_was_sealed_comes_back(value in contacts(), context in contexts(), chacha: bool, secret: [u8; 32]) {
        let algorithm = Algorithm::ALL[usize::from(chacha)];
        let key = DataKey::new(KeyId::from_bytes([1; 16]), 1, algorithm, Zeroizing::new(secret)).unwrap();
        let sealed = Sealed::seal(&key, &context, &value).unwrap();
        let stored = Sealed::<Contact>::from_stored_bytes(sealed.as_bytes().to_vec());
        prop_assert_eq!(stored.open(&key, &context).unwrap(), value.clone());
        prop_assert_eq!(stored.open(&key, &Context { revision: 0, schema: 0, ..context }.of(context.part, &stored)).unwrap(), value);
    }

    #[test]
    fn it_opens_in_its_context_only(sealed_in in contexts(), opened_in in contexts()) {
        let sealed = Sealed::seal(&key(), &sealed_in, &"x".to_owned()).unwrap();
        prop_assert_eq!(sealed.open(&key(), &opened_in).is_ok(), sealed_in == opened_in);
    }

    #[test]
    fn the_plaintext_is_nowhere_in_it(text in "[a-z]{8,400}") {
        let sealed = Sealed::seal(&key(), &CONTEXT, &text).unwrap();
        let first = &text.as_bytes()[..8];
        prop_assert!(!sealed.as_bytes().windows(8).any(|part| part == first));
    }
}
