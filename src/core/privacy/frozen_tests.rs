//! What was stored by version 1 of each format opens for ever: the files under `tests/data/frozen`, which were made with
//! other libraries by the descriptions in this folder (`make.py` beside them), and are never made again.

use std::collections::BTreeSet;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::keystore::{IndexVersion, KeyKind, StoredRoot, SubjectKeyRecord, SubjectKeyState, TenantKeyRecord};
use super::memory::MemoryStore;
use super::root::RootRecord;
use super::*;

const STORE: &str = include_str!("../../../tests/data/frozen/v1/store.json");
const ROWS: &str = include_str!("../../../tests/data/frozen/v1/rows.json");
const SHARES: &str = include_str!("../../../tests/data/frozen/v1/shares.json");
const TENANT: Uuid = Uuid::from_u128(0x7e);

/// A key store with everything that may stand in one, and what is sealed and derived under its keys.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Frozen {
    root: String,
    recovery: String,
    passphrase: String,
    record: Value,
    tenant_keys: Vec<TenantKey>,
    subject_keys: Vec<SubjectKey>,
    index_versions: Vec<Index>,
    values: Vec<Sealing>,
    blind: Blind,
    macs: Macs,
    audit_hash: AuditHash,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TenantKey {
    tenant: Uuid,
    kind: String,
    version: u32,
    id: String,
    root_version: u32,
    wrapped: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SubjectKey {
    id: String,
    version: u32,
    wrap_version: u32,
    wrapped: String,
}

#[derive(Deserialize)]
struct Index {
    field: String,
    version: u32,
    bits: u8,
}

#[derive(Deserialize)]
struct Blind {
    normalised: String,
    hashes: Vec<Hash>,
}

#[derive(Deserialize)]
struct Hash {
    field: String,
    version: u32,
    hash: i64,
}

#[derive(Deserialize)]
struct Macs {
    message: String,
    macs: Vec<Mac>,
}

#[derive(Deserialize)]
struct Mac {
    label: String,
    mac: String,
}

#[derive(Deserialize)]
struct AuditHash {
    subject: Uuid,
    hash: String,
}

#[derive(Deserialize)]
struct Shared {
    root: String,
    shares: Vec<String>,
    record: Value,
}

#[derive(Deserialize)]
struct Place {
    tenant: Uuid,
    row: Uuid,
    subject: Uuid,
    part: String,
    revision: i64,
    schema: u16,
}

#[derive(Deserialize)]
struct Sealing {
    key: String,
    #[serde(flatten)]
    place: Place,
    plain: String,
    sealed: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Row {
    algorithm: String,
    secret: String,
    key_id: String,
    key_version: u32,
    place: Place,
    plain: String,
    sealed: String,
    mac: String,
}

fn bytes(hex: &str) -> Vec<u8> {
    HEXLOWER.decode(hex.as_bytes()).unwrap()
}

fn array<const N: usize>(hex: &str) -> [u8; N] {
    bytes(hex).try_into().unwrap()
}

fn wrapped(hex: &str) -> WrappedKey {
    WrappedKey::from_stored_bytes(&bytes(hex)).unwrap()
}

impl Place {
    fn context(&self) -> Context {
        let parts = ["identity", "contact", "text", "totp"];
        let part = parts.into_iter().find(|known| *known == self.part).unwrap();
        let Self { tenant, row, subject, revision, schema, .. } = *self;
        Context { tenant, table: "customers", part, row, subject, revision, schema }
    }
}

fn opens(key: &DataKey, sealed: &str, place: &Place, plain: &str) -> Algorithm {
    let sealed = Sealed::<Value>::from_stored_bytes(bytes(sealed));
    assert_eq!(sealed.open(key, &place.context()).unwrap(), serde_json::from_str::<Value>(plain).unwrap());
    Algorithm::from_code(sealed.as_bytes()[1]).unwrap()
}

fn frozen() -> Frozen {
    serde_json::from_str(STORE).unwrap()
}

/// As it was read from the databases of that time.
fn stored(frozen: &Frozen) -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::default());
    store.with(|tables| {
        tables.root = Some(StoredRoot { revision: 1, record: frozen.record.to_string() });
        for key in &frozen.tenant_keys {
            let kind = KeyKind::from_name(&key.kind).unwrap();
            let (tenant, version, root_version) = (key.tenant, key.version, key.root_version);
            let id = KeyId::from_bytes(array(&key.id));
            let record = TenantKeyRecord { tenant, kind, version, id, root_version, wrapped: wrapped(&key.wrapped) };
            tables.tenants.insert((tenant, kind, version), record);
        }
        for key in &frozen.subject_keys {
            let (id, version, wrap_version) = (KeyId::from_bytes(array(&key.id)), key.version, key.wrap_version);
            let (state, wrapped) = (SubjectKeyState::Used, Some(wrapped(&key.wrapped)));
            let record = SubjectKeyRecord { id, version, wrap_version, state, wrapped };
            tables.subjects.insert((TENANT, id, version), record);
        }
        for Index { field, version, bits } in &frozen.index_versions {
            let field = IndexField::from_name(field).unwrap();
            let index = IndexVersion { field, version: *version, bits: *bits, root_version: 1 };
            tables.indexes.push((TENANT, index));
        }
    });
    store
}

async fn opened() -> (Frozen, Keyring) {
    let frozen = frozen();
    let ring = Keyring::new(stored(&frozen), KeyringOptions::default());
    ring.unseal(RootKey::parse(&frozen.root).unwrap()).await.unwrap();
    (frozen, ring)
}

#[tokio::test]
async fn the_root_key_comes_out_of_each_slot() {
    let frozen = frozen();
    let store = stored(&frozen);
    for secret in [&frozen.root, &frozen.recovery, &frozen.passphrase] {
        let root = by_hand(Sensitive::new(secret.clone()), &*store).await.unwrap();
        assert_eq!(*root.to_text(), frozen.root);
    }
    assert_eq!(*RecoveryKey::parse(&frozen.recovery).unwrap().to_text(), frozen.recovery);
    let ring = Keyring::new(store, KeyringOptions::default());
    let drill = ring.drill(&RecoveryKey::parse(&frozen.recovery).unwrap()).await.unwrap();
    assert_eq!((drill.tenants, drill.keys), (1, frozen.tenant_keys.len()));
}

#[test]
fn the_root_key_comes_out_of_any_three_of_the_shares() {
    let Shared { root, shares, record } = serde_json::from_str(SHARES).unwrap();
    let record = RootRecord::parse(&record.to_string()).unwrap();
    for numbers in [[0, 1, 2], [4, 2, 0], [1, 3, 4]] {
        let some = numbers.map(|at| shares[at].as_str()).join("\n");
        let opened = record.open_with_shares(&Share::parse_several(&some).unwrap()).unwrap();
        assert_eq!(*opened.to_text(), root);
    }
    for text in &shares {
        assert_eq!(*Share::parse(text).unwrap().to_text(), *text);
    }
    // What it was carried over from opened as well, and it is carried on.
    let (old, new) = (RootKey::parse(&root).unwrap(), RootKey::generate().unwrap());
    let next = record.next(&old, &new).unwrap();
    let three = Share::parse_several(&shares[..3].join(" ")).unwrap();
    assert_eq!(*next.open_with_shares(&three).unwrap().to_text(), *new.to_text());
    assert_eq!(next.shares().unwrap().unwrap().set.to_string(), "VPG6");
}

#[tokio::test]
async fn every_value_opens_under_its_key_and_version() {
    let (frozen, ring) = opened().await;
    let subject = ring.subject_key(TENANT, KeyId::from_bytes(array(&frozen.subject_keys[0].id))).await.unwrap();
    let tenant = ring.tenant_key(TENANT).await.unwrap();
    let user = ring.system_data_key(SystemKey::UserData).await.unwrap();
    let mut seen = BTreeSet::new();
    for value in &frozen.values {
        let key = [("subject", &subject), ("tenant", &tenant), ("user data", &user)]
            .into_iter()
            .find_map(|(name, key)| (name == value.key).then_some(key))
            .unwrap();
        seen.insert((value.key.as_str(), opens(key, &value.sealed, &value.place, &value.plain).name()));
    }
    assert_eq!(seen.len(), 5, "{seen:?}");
}

#[tokio::test]
async fn every_derived_hash_is_the_same() {
    let (frozen, ring) = opened().await;
    let mut fields = BTreeSet::new();
    for Hash { field, version, hash } in &frozen.blind.hashes {
        let field = IndexField::from_name(field).unwrap();
        let hashes = ring.blind_all(TENANT, field, &frozen.blind.normalised).unwrap();
        let same = hashes.iter().find(|made| made.version() == *version).unwrap();
        assert_eq!(same.as_i64(), *hash, "{field:?}");
        fields.insert(field);
    }
    assert_eq!(fields.into_iter().collect::<Vec<_>>(), IndexField::ALL);
    for purpose in SystemKey::ALL {
        let Mac { mac, .. } = frozen.macs.macs.iter().find(|mac| mac.label == purpose.label()).unwrap();
        let made = ring.system_mac(purpose).unwrap().sign(frozen.macs.message.as_bytes());
        assert_eq!(made, array(mac), "{purpose:?}");
    }
    assert_eq!(ring.audit_hash(TENANT, frozen.audit_hash.subject).unwrap(), array(&frozen.audit_hash.hash));
}

#[test]
fn every_kind_of_key_is_frozen_under_both_ciphers() {
    let frozen = frozen();
    let tenants = frozen.tenant_keys.iter().map(|key| (key.kind.as_str(), &key.wrapped));
    let all = tenants.chain(frozen.subject_keys.iter().map(|key| ("subject", &key.wrapped)));
    let kinds: BTreeSet<_> = all.clone().map(|(kind, _)| kind).collect();
    let algorithms: BTreeSet<_> = all.map(|(_, wrapped)| array::<{ wrapped::LENGTH }>(wrapped)[1]).collect();
    let known = KeyKind::ALL.iter().map(|kind| kind.name()).chain(["subject"]);
    assert_eq!(kinds, known.collect());
    assert_eq!(algorithms, Algorithm::ALL.map(Algorithm::code).into());
}

#[test]
fn rows_and_what_is_sealed_in_them_hold_under_both_ciphers() {
    let rows: Vec<Row> = serde_json::from_str(ROWS).unwrap();
    assert_eq!(rows.len(), Algorithm::ALL.len());
    for row in rows {
        let algorithm = Algorithm::from_name(&row.algorithm).unwrap();
        let id = KeyId::from_bytes(array(&row.key_id));
        let key = DataKey::new(id, row.key_version, algorithm, array(&row.secret).into()).unwrap();
        assert_eq!(opens(&key, &row.sealed, &row.place, &row.plain), algorithm);
        let sealed = Sealed::<Value>::from_stored_bytes(bytes(&row.sealed));
        let columns = |revision| {
            RowMac::new(&key, "customers", TENANT, row.place.row)
                .bytes("hash", Some(&[1, 2, 3]))
                .text("status", Some("active"))
                .int("revision", Some(revision))
                .flag("hold", true)
                .uuid("owner", Some(TENANT))
                .sealed("identity", Some(&sealed))
                .text("none", None)
        };
        columns(3).verify(&bytes(&row.mac)).unwrap();
        assert!(columns(4).verify(&bytes(&row.mac)).is_err());
    }
}
