use std::sync::atomic::Ordering::Relaxed;

use super::super::context::Context;
use super::super::keystore::{SubjectKeyState, USES_LIMIT};
use super::super::memory::MemoryStore;
use super::super::root::{RecoveryKey, RootKey};
use super::super::{Sealed, Sensitive};
use super::*;

const TENANT: Uuid = Uuid::from_u128(0x7e);
const OTHER: Uuid = Uuid::from_u128(0x0e);
const ROOT: &str = "KLUIS-ROOT-LJNF4-UWS2Y-LJNFX-UWS2M-LJNFL-UWS2F-LJNF2-UWS2C-LJNFW-UWS2A-LJNFK-UWS2W-LJNAX-Y3SL6";
const CONTEXT: Context = Context {
    tenant: TENANT,
    table: "customers",
    part: "identity",
    row: Uuid::from_u128(1),
    subject: Uuid::from_u128(1),
    revision: 1,
    schema: 1,
};

fn root() -> RootKey {
    RootKey::parse(ROOT).unwrap()
}

fn options(batch: usize) -> KeyringOptions {
    KeyringOptions { batch, cached_keys: 1000, ..KeyringOptions::default() }
}

/// Another process over the same store.
async fn another(store: &Arc<MemoryStore>) -> Keyring {
    let ring = Keyring::new(store.clone(), options(4));
    ring.unseal(root()).await.unwrap();
    ring
}

async fn opened() -> (Arc<MemoryStore>, Keyring) {
    let store = Arc::new(MemoryStore::default());
    let ring = Keyring::new(store.clone(), options(4));
    ring.initialise(&root()).await.unwrap();
    ring.create_tenant(TENANT).await.unwrap();
    (store, ring)
}

fn states(store: &MemoryStore) -> [usize; 3] {
    SubjectKeyState::ALL.map(|state| store.with(|t| t.subjects.values().filter(|r| r.state == state).count()))
}

#[tokio::test]
async fn a_value_outlives_the_process() {
    let (store, ring) = opened().await;
    let key = ring.new_subject_key(TENANT).await.unwrap();
    let sealed = Sealed::seal(&key, &CONTEXT, &"canary".to_owned()).unwrap();
    let later = another(&store).await;
    assert!(later.try_cached(TENANT, key.id()).is_none());
    let again = later.subject_key(TENANT, sealed.key_id()).await.unwrap();
    assert_eq!(sealed.open(&again, &CONTEXT).unwrap(), "canary");
    let cached = later.try_cached(TENANT, key.id()).unwrap().unwrap();
    assert_eq!(sealed.open(&cached, &CONTEXT).unwrap(), "canary");
}

#[tokio::test]
async fn the_root_key_is_checked_and_the_store_is_made_once() {
    let store = Arc::new(MemoryStore::default());
    let ring = Keyring::new(store.clone(), options(4));
    assert!(matches!(ring.unseal(root()).await, Err(VaultError::Uninitialised)));
    ring.initialise(&root()).await.unwrap();
    assert!(matches!(ring.initialise(&root()).await, Err(VaultError::AlreadyInitialised)));
    ring.seal();
    assert!(matches!(ring.unseal(RootKey::generate().unwrap()).await, Err(VaultError::WrongKey)));
    assert!(ring.is_sealed());
    ring.unseal(root()).await.unwrap();
    assert!(!ring.is_sealed());
}

#[tokio::test]
async fn a_stop_between_the_steps_of_initialising_is_mended() {
    let (store, ring) = opened().await;
    store.with(|tables| tables.tenants.clear());
    ring.unseal(root()).await.unwrap();
    assert!(ring.system_mac(SystemKey::Token).is_ok());
    // But keys of the installation that went missing beside others are not made anew.
    ring.create_tenant(TENANT).await.unwrap();
    store.with(|tables| tables.tenants.retain(|(tenant, ..), _| *tenant != INSTALLATION));
    assert!(matches!(ring.unseal(root()).await, Err(VaultError::Integrity(_))));
}

#[tokio::test]
async fn sealing_empties_the_ring() {
    let (_, ring) = opened().await;
    let id = ring.new_subject_key(TENANT).await.unwrap().id();
    let clone = ring.clone();
    clone.seal();
    assert!(ring.is_sealed());
    assert!(ring.0.cache.is_empty() && ring.0.opened.load().is_none());
    assert!(matches!(ring.try_cached(TENANT, id), Some(Err(VaultError::Sealed))));
    assert!(matches!(ring.subject_key(TENANT, id).await, Err(VaultError::Sealed)));
    assert!(matches!(ring.subject_keys(TENANT, &[]).await, Err(VaultError::Sealed)));
    assert!(matches!(ring.new_subject_key(TENANT).await, Err(VaultError::Sealed)));
    assert!(matches!(ring.tenant_key(TENANT).await, Err(VaultError::Sealed)));
    assert!(matches!(ring.create_tenant(OTHER).await, Err(VaultError::Sealed)));
    assert!(matches!(ring.system_mac(SystemKey::Token), Err(VaultError::Sealed)));
    assert!(matches!(ring.blind(TENANT, IndexField::Email, "a"), Err(VaultError::Sealed)));
    assert!(matches!(ring.audit_hash(TENANT, TENANT), Err(VaultError::Sealed)));
}

#[tokio::test]
async fn what_is_destroyed_stays_destroyed() {
    let (store, ring) = opened().await;
    let key = ring.new_subject_key(TENANT).await.unwrap();
    let kept = ring.new_subject_key(TENANT).await.unwrap().id();
    let neighbour = another(&store).await;
    neighbour.subject_key(TENANT, key.id()).await.unwrap();
    let wrapped = store.with(|t| t.subjects[&(TENANT, key.id(), 1)].wrapped.unwrap());

    ring.destroy(TENANT, key.id()).await.unwrap();
    ring.destroy(TENANT, key.id()).await.unwrap();
    assert!(ring.try_cached(TENANT, key.id()).is_none());
    assert!(matches!(ring.subject_key(TENANT, key.id()).await, Err(VaultError::Erased)));
    let keys = ring.subject_keys(TENANT, &[key.id(), kept]).await.unwrap();
    assert!(matches!(keys[0], Err(VaultError::Erased)) && keys[1].is_ok());
    // The neighbour still has it cached until it is told.
    neighbour.evict(key.id());
    assert!(matches!(neighbour.subject_key(TENANT, key.id()).await, Err(VaultError::Erased)));
    store.with(|t| assert!(!t.subjects.values().any(|record| record.wrapped == Some(wrapped))));
    assert!(matches!(another(&store).await.subject_key(TENANT, key.id()).await, Err(VaultError::Erased)));
    assert!(matches!(ring.destroy(TENANT, KeyId::from_bytes([0; 16])).await, Err(VaultError::Integrity(_))));
}

#[tokio::test]
async fn a_key_destroyed_during_its_look_up_is_not_cached() {
    let (store, ring) = opened().await;
    let id = ring.new_subject_key(TENANT).await.unwrap().id();
    let neighbour = another(&store).await;
    let evicting = neighbour.clone();
    *store.after_reading.lock().unwrap() = Some(Box::new(move || evicting.evict(id)));
    assert!(neighbour.subject_key(TENANT, id).await.is_ok());
    assert!(neighbour.try_cached(TENANT, id).is_none());
    assert!(neighbour.subject_key(TENANT, id).await.is_ok());
    assert!(neighbour.try_cached(TENANT, id).is_some());
}

#[tokio::test]
async fn keys_come_in_the_order_asked_for_with_one_look_up() {
    let (store, ring) = opened().await;
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push(ring.new_subject_key(TENANT).await.unwrap().id());
    }
    let fresh = another(&store).await;
    fresh.subject_key(TENANT, ids[3]).await.unwrap();
    ids.extend([ids[0], KeyId::from_bytes([9; 16])]);
    let before = store.calls.load(Relaxed);
    let keys = fresh.subject_keys(TENANT, &ids).await.unwrap();
    assert_eq!(store.calls.load(Relaxed), before + 1);
    for (id, key) in ids.iter().zip(&keys).take(11) {
        assert_eq!(key.as_ref().unwrap().id(), *id);
    }
    assert!(matches!(keys[11], Err(VaultError::Integrity(_))));
    fresh.subject_keys(TENANT, &ids[..11]).await.unwrap();
    assert_eq!(store.calls.load(Relaxed), before + 1);
}

#[tokio::test]
async fn one_tenant_does_not_get_anothers_key() {
    let (store, ring) = opened().await;
    ring.create_tenant(OTHER).await.unwrap();
    let id = ring.new_subject_key(TENANT).await.unwrap().id();
    assert!(matches!(ring.subject_key(OTHER, id).await, Err(VaultError::Integrity(_))));
    assert!(matches!(another(&store).await.subject_key(OTHER, id).await, Err(VaultError::Integrity(_))));
    // Nor does a record that was moved over in the key store open.
    store.with(|t| {
        let mut moved = t.subjects[&(TENANT, id, 1)].clone();
        moved.id = id;
        t.subjects.insert((OTHER, id, 1), moved);
    });
    assert!(matches!(another(&store).await.subject_key(OTHER, id).await, Err(VaultError::Integrity(_))));
}

#[tokio::test]
async fn a_new_subject_needs_no_commit_of_its_own() {
    let (store, ring) = opened().await;
    let mut ids = std::collections::HashSet::new();
    let before = store.calls.load(Relaxed);
    for _ in 0..12 {
        assert!(ids.insert(ring.new_subject_key(TENANT).await.unwrap().id()));
    }
    assert_eq!(store.calls.load(Relaxed) - before, 3);
    // The last batch is only known to be used when the next is made, or at an orderly stop.
    assert_eq!(states(&store), [4, 8, 0]);
    ring.flush().await.unwrap();
    assert_eq!(states(&store), [0, 12, 0]);

    ring.reserve_subject_keys(TENANT, 100).await.unwrap();
    let before = store.calls.load(Relaxed);
    for _ in 0..100 {
        assert!(ids.insert(ring.new_subject_key(TENANT).await.unwrap().id()));
    }
    assert_eq!(store.calls.load(Relaxed), before);
}

#[tokio::test]
async fn reserved_keys_are_not_handed_out_again_after_a_crash() {
    let (store, ring) = opened().await;
    let handed = ring.new_subject_key(TENANT).await.unwrap().id();
    drop(ring);
    let restarted = another(&store).await;
    let known: Vec<_> = store.with(|t| t.subjects.keys().map(|(_, id, _)| *id).collect());
    for _ in 0..20 {
        assert!(!known.contains(&restarted.new_subject_key(TENANT).await.unwrap().id()));
    }
    assert!(restarted.subject_key(TENANT, handed).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_get_a_key_each() {
    let (_, ring) = opened().await;
    let tasks: Vec<_> = (0..2000)
        .map(|_| {
            let ring = ring.clone();
            tokio::spawn(async move { ring.new_subject_key(TENANT).await.map(|key| key.id()) })
        })
        .collect();
    let mut ids = std::collections::HashSet::new();
    for task in tasks {
        assert!(ids.insert(task.await.unwrap().unwrap()));
    }
}

#[tokio::test]
async fn the_limit_of_uses_refuses_and_a_rotation_helps() {
    let (store, ring) = opened().await;
    let old = ring.new_subject_key(TENANT).await.unwrap().id();
    let limit = |kind| store.with(|t| t.uses.insert((TENANT, kind, 1), USES_LIMIT - 3));
    limit(KeyKind::Wrap);
    while ring.known(TENANT).unwrap().reserve.left() > 0 {
        ring.new_subject_key(TENANT).await.unwrap();
    }
    assert!(matches!(ring.new_subject_key(TENANT).await, Err(VaultError::Exhausted(_))));
    let neighbour = another(&store).await;
    assert_eq!(ring.rotate(TENANT, KeyKind::Wrap).await.unwrap(), 2);
    let new = ring.new_subject_key(TENANT).await.unwrap().id();
    // Another process meets the new version in a record and reads the tenant's keys again.
    assert!(neighbour.subject_keys(TENANT, &[old, new]).await.unwrap().iter().all(Result::is_ok));
    assert!(matches!(ring.rotate(TENANT, KeyKind::Audit).await, Err(VaultError::Exhausted(_))));

    limit(KeyKind::Data);
    let sealed = Sealed::seal(&ring.tenant_key(TENANT).await.unwrap(), &CONTEXT, &1_u8);
    assert!(matches!(sealed, Err(VaultError::Exhausted(_))));
    assert_eq!(ring.rotate(TENANT, KeyKind::Data).await.unwrap(), 2);
    assert!(Sealed::seal(&ring.tenant_key(TENANT).await.unwrap(), &CONTEXT, &1_u8).is_ok());
}

#[tokio::test]
async fn tenant_data_is_counted_ahead_and_survives_a_rotation() {
    let (store, ring) = opened().await;
    let key = ring.tenant_key(TENANT).await.unwrap();
    assert_eq!(store.with(|t| t.uses[&(TENANT, KeyKind::Data, 1)]), SEALS_AT_ONCE);
    let sealed = Sealed::seal(&key, &CONTEXT, &1_u8).unwrap();
    assert_eq!(ring.known(TENANT).unwrap().budget.left(), SEALS_AT_ONCE - 1);
    ring.tenant_key(TENANT).await.unwrap();
    assert_eq!(store.with(|t| t.uses[&(TENANT, KeyKind::Data, 1)]), SEALS_AT_ONCE);
    ring.rotate(TENANT, KeyKind::Data).await.unwrap();
    let rotated = ring.tenant_key(TENANT).await.unwrap();
    assert_eq!(sealed.open(&rotated, &CONTEXT).unwrap(), 1);
}

#[tokio::test]
async fn tenants_made_elsewhere_are_found() {
    let (store, ring) = opened().await;
    let neighbour = another(&store).await;
    ring.create_tenant(OTHER).await.unwrap();
    ring.create_tenant(OTHER).await.unwrap();
    let id = ring.new_subject_key(OTHER).await.unwrap().id();
    assert!(matches!(neighbour.blind(OTHER, IndexField::Email, "a"), Err(VaultError::UnknownTenant)));
    neighbour.ensure_tenant(OTHER).await.unwrap();
    assert_eq!(
        neighbour.blind(OTHER, IndexField::Email, "a").unwrap(),
        ring.blind(OTHER, IndexField::Email, "a").unwrap()
    );
    assert!(neighbour.subject_key(OTHER, id).await.is_ok());
    assert!(matches!(ring.subject_key(Uuid::from_u128(5), id).await, Err(VaultError::UnknownTenant)));
}

#[tokio::test]
async fn an_index_is_rotated_while_both_versions_are_found() {
    let (store, ring) = opened().await;
    ring.create_tenant(OTHER).await.unwrap();
    let hash = |value: &str| ring.blind(TENANT, IndexField::Email, value).unwrap();
    let all = |value: &str| ring.blind_all(TENANT, IndexField::Email, value).unwrap();
    let old = hash("jan@example.org");
    assert_eq!((old.version(), all("jan@example.org")), (1, vec![old]));
    assert_ne!(old, ring.blind(OTHER, IndexField::Email, "jan@example.org").unwrap());
    assert_eq!(ring.add_index_version(TENANT, IndexField::Email, 18).await.unwrap(), 2);
    let new = hash("jan@example.org");
    assert_eq!((new.version(), all("jan@example.org")), (2, vec![new, old]));
    assert_eq!(another(&store).await.blind_all(TENANT, IndexField::Email, "jan@example.org").unwrap(), [new, old]);
    assert_eq!(ring.blind(TENANT, IndexField::Phone, "x").unwrap().version(), 1);
    ring.drop_old_index_versions(TENANT, IndexField::Email).await.unwrap();
    assert_eq!(all("jan@example.org"), [new]);
}

#[tokio::test]
async fn the_audit_hash_is_the_tenants_own() {
    let (store, ring) = opened().await;
    ring.create_tenant(OTHER).await.unwrap();
    let subject = Uuid::from_u128(42);
    let hash = ring.audit_hash(TENANT, subject).unwrap();
    assert_eq!(hash, another(&store).await.audit_hash(TENANT, subject).unwrap());
    assert_ne!(hash, ring.audit_hash(OTHER, subject).unwrap());
    assert_ne!(hash, ring.audit_hash(TENANT, Uuid::from_u128(43)).unwrap());
}

#[tokio::test]
async fn system_keys_are_lasting_and_apart() {
    let (store, ring) = opened().await;
    let tag = ring.system_mac(SystemKey::Token).unwrap().sign(b"x");
    let later = another(&store).await;
    assert!(later.system_mac(SystemKey::Token).unwrap().verify(b"x", &tag).is_ok());
    assert!(later.system_mac(SystemKey::Cursor).unwrap().verify(b"x", &tag).is_err());
    assert!(later.system_mac(SystemKey::Token).unwrap().verify(b"y", &tag).is_err());
    let key = ring.system_data_key(SystemKey::UserData).await.unwrap();
    let sealed = Sealed::seal(&key, &CONTEXT, &1_u8).unwrap();
    assert!(sealed.open(&later.system_data_key(SystemKey::UserData).await.unwrap(), &CONTEXT).is_ok());
    assert!(sealed.open(&later.system_data_key(SystemKey::Token).await.unwrap(), &CONTEXT).is_err());
}

#[tokio::test]
async fn a_drill_proves_the_recovery_key() {
    let (store, ring) = opened().await;
    let recovery = RecoveryKey::generate().unwrap();
    assert!(matches!(ring.drill(&recovery).await, Err(VaultError::WrongKey)));
    ring.set_recovery_key(&root(), &recovery).await.unwrap();
    ring.seal();
    assert_eq!(ring.drill(&recovery).await.unwrap(), Drill { tenants: 1, keys: 6 });
    assert!(ring.is_sealed());
    assert!(matches!(ring.drill(&RecoveryKey::generate().unwrap()).await, Err(VaultError::WrongKey)));
    ring.unseal(recover(&*store, &recovery).await.unwrap()).await.unwrap();
    // A store whose keys are damaged fails the drill.
    store.with(|t| {
        let mut records = t.tenants.values_mut();
        let (first, second) = (records.next().unwrap(), records.next().unwrap());
        std::mem::swap(&mut first.wrapped, &mut second.wrapped);
    });
    assert!(matches!(ring.drill(&recovery).await, Err(VaultError::Integrity(_))));
}

#[tokio::test]
async fn a_damaged_tenant_does_not_close_the_others() {
    let (store, ring) = opened().await;
    ring.create_tenant(OTHER).await.unwrap();
    store.with(|t| {
        let wrapped = t.tenants[&(TENANT, KeyKind::Index, 1)].wrapped;
        t.tenants.get_mut(&(TENANT, KeyKind::Wrap, 1)).unwrap().wrapped = wrapped;
    });
    let later = another(&store).await;
    assert!(later.new_subject_key(OTHER).await.is_ok());
    assert!(matches!(later.new_subject_key(TENANT).await, Err(VaultError::Integrity(_))));
}

#[tokio::test]
async fn a_passphrase_opens_the_ring() {
    let (store, ring) = opened().await;
    let passphrase = Sensitive::new("twelve or more letters".to_owned());
    assert!(ring.set_passphrase(root(), Sensitive::new("short".to_owned())).await.is_err());
    ring.set_passphrase(root(), passphrase.clone()).await.unwrap();
    let source = super::super::UnsealSource::Passphrase(passphrase);
    let key = source.root_key(&*store, &super::super::unseal::ProcessEnvironment).await.unwrap();
    ring.seal();
    ring.unseal(key).await.unwrap();
}

#[tokio::test]
async fn nothing_in_the_store_is_a_key() {
    let (store, ring) = opened().await;
    let key = ring.new_subject_key(TENANT).await.unwrap();
    let secrets = [b"\x5a".repeat(32)];
    let stored: Vec<u8> = store.with(|t| {
        let tenants = t.tenants.values().flat_map(|record| record.wrapped.as_bytes().to_vec());
        let subjects = t.subjects.values().filter_map(|record| record.wrapped).flat_map(|w| w.as_bytes().to_vec());
        tenants.chain(subjects).chain(t.root.as_ref().unwrap().record.bytes()).collect()
    });
    for secret in secrets {
        let hex = data_encoding::HEXLOWER.encode(&secret).into_bytes();
        assert!(!stored.windows(32).any(|part| part == secret) && !stored.windows(64).any(|part| part == hex));
    }
    assert!(!format!("{ring:?} {key:?}").contains("5a5a"));
}
