use std::sync::Mutex;

use super::super::context::Context;
use super::super::memory::MemoryStore;
use super::super::root::{RecoveryKey, RootKey};
use super::super::{KeyStore, Sealed, Sensitive};
use super::*;

const TENANT: Uuid = Uuid::from_u128(0x7e);
const LATER: Uuid = Uuid::from_u128(0x1a);
const CONTEXT: Context = Context {
    tenant: TENANT,
    table: "customers",
    part: "identity",
    row: Uuid::from_u128(1),
    subject: Uuid::from_u128(1),
    revision: 1,
    schema: 1,
};

fn ring(store: &Arc<MemoryStore>) -> Keyring {
    Keyring::new(store.clone(), KeyringOptions { batch: 4, cached_keys: 100, ..KeyringOptions::default() })
}

fn same(key: &RootKey) -> RootKey {
    RootKey::parse(&key.to_text()).unwrap()
}

async fn opened(root: &RootKey) -> (Arc<MemoryStore>, Keyring) {
    let store = Arc::new(MemoryStore::default());
    let ring = ring(&store);
    ring.initialise(root).await.unwrap();
    ring.create_tenant(TENANT).await.unwrap();
    (store, ring)
}

struct Made {
    root: Arc<RootKey>,
    recovery: RecoveryKey,
}

impl Made {
    fn new() -> Self {
        Self { root: Arc::new(RootKey::generate().unwrap()), recovery: RecoveryKey::generate().unwrap() }
    }

    fn wanted(&self) -> NewRoot<'_> {
        NewRoot { root: &self.root, recovery: &self.recovery, passphrase: None }
    }
}

/// A key file that somebody may write to.
struct File(Arc<Mutex<String>>);

#[async_trait::async_trait]
impl RootSource for File {
    async fn root_key(&self, _: &dyn KeyStore) -> Result<Option<RootKey>> {
        Ok(Some(RootKey::parse(&self.0.lock().unwrap())?))
    }
}

#[tokio::test]
async fn the_new_root_key_opens_everything_and_the_old_one_nothing() {
    let old = RootKey::generate().unwrap();
    let (store, first) = opened(&old).await;
    first.set_recovery_key(&old, &RecoveryKey::generate().unwrap()).await.unwrap();
    let key = first.new_subject_key(TENANT).await.unwrap();
    let sealed = Sealed::seal(&key, &CONTEXT, &"canary".to_owned()).unwrap();
    let made = Made::new();
    assert_eq!(first.rotate_root(&old, made.wanted()).await.unwrap(), 2);

    // Who was open stays open, and can make tenants.
    assert_eq!(sealed.open(&first.subject_key(TENANT, key.id()).await.unwrap(), &CONTEXT).unwrap(), "canary");
    first.create_tenant(LATER).await.unwrap();
    let second = ring(&store);
    assert!(matches!(second.unseal(same(&old)).await, Err(VaultError::WrongKey)));
    second.unseal(same(&made.root)).await.unwrap();
    assert_eq!(sealed.open(&second.subject_key(TENANT, key.id()).await.unwrap(), &CONTEXT).unwrap(), "canary");
    assert_eq!(second.drill(&made.recovery).await.unwrap().tenants, 2);
    assert!(store.with(|tables| tables.tenants.values().all(|key| key.root_version == 2)));
    assert!(matches!(first.rotate_root(&old, Made::new().wanted()).await, Err(VaultError::WrongKey)));
}

#[tokio::test]
async fn a_ring_that_was_opened_with_the_old_key_reads_its_source_again() {
    let old = RootKey::generate().unwrap();
    let (store, other) = opened(&old).await;
    let ring = ring(&store);
    ring.unseal(same(&old)).await.unwrap();
    let file = Arc::new(Mutex::new(old.to_text().to_string()));
    ring.set_source(Box::new(File(file.clone())));
    let made = Made::new();
    other.rotate_root(&old, made.wanted()).await.unwrap();
    other.create_tenant(LATER).await.unwrap();
    // It was told nothing, and goes on with what it knows.
    ring.new_subject_key(TENANT).await.unwrap();
    // The file has the old key still.
    assert!(matches!(ring.new_subject_key(LATER).await, Err(VaultError::Rotated)));
    *file.lock().unwrap() = made.root.to_text().to_string();
    ring.new_subject_key(LATER).await.unwrap();
    ring.create_tenant(Uuid::from_u128(9)).await.unwrap();
    assert_eq!(ring.rotate(TENANT, KeyKind::Wrap).await.unwrap(), 2);
}

#[tokio::test]
async fn without_a_source_a_ring_says_that_it_needs_the_new_key_and_takes_it() {
    let old = RootKey::generate().unwrap();
    let (store, other) = opened(&old).await;
    let ring = ring(&store);
    ring.unseal(same(&old)).await.unwrap();
    let held = ring.new_subject_key(TENANT).await.unwrap().id();
    let made = Made::new();
    other.rotate_root(&old, made.wanted()).await.unwrap();
    assert!(matches!(ring.create_tenant(LATER).await, Err(VaultError::Rotated)));
    assert_eq!(store.with(|tables| tables.tenants.keys().filter(|(of, ..)| *of == LATER).count()), 0);
    ring.unseal(same(&made.root)).await.unwrap();
    ring.create_tenant(LATER).await.unwrap();
    // Opening an open ring loses nothing that was set aside: the key handed out before is told to the store.
    ring.flush().await.unwrap();
    let state = store.with(|tables| tables.subjects[&(TENANT, held, 1)].state);
    assert_eq!(state, crate::privacy::keystore::SubjectKeyState::Used);
}

#[tokio::test]
async fn a_tenant_that_is_made_at_the_same_moment_is_taken_along() {
    let old = RootKey::generate().unwrap();
    let (store, first) = opened(&old).await;
    let second = ring(&store);
    second.unseal(same(&old)).await.unwrap();
    let late = second.clone();
    *store.before_replacing.lock().unwrap() = Some(Box::new(move || {
        futures_util::FutureExt::now_or_never(late.create_tenant(LATER)).expect("it waits for nothing").unwrap();
    }));
    let made = Made::new();
    first.rotate_root(&old, made.wanted()).await.unwrap();
    let later = ring(&store);
    later.unseal(same(&made.root)).await.unwrap();
    later.new_subject_key(LATER).await.unwrap();
}

#[tokio::test]
async fn a_ring_that_is_sealed_meanwhile_stays_sealed() {
    let old = RootKey::generate().unwrap();
    let (store, ring) = opened(&old).await;
    let sealing = ring.clone();
    *store.before_replacing.lock().unwrap() = Some(Box::new(move || sealing.seal()));
    ring.rotate_root(&old, Made::new().wanted()).await.unwrap();
    assert!(ring.is_sealed());
}

#[tokio::test]
async fn a_passphrase_opens_the_new_root_key_if_it_is_given_again() {
    let old = RootKey::generate().unwrap();
    let (_, ring) = opened(&old).await;
    let passphrase = || Sensitive::new("correct horse battery staple".to_owned());
    assert!(!ring.has_passphrase().await.unwrap());
    ring.set_passphrase(same(&old), passphrase()).await.unwrap();
    assert!(ring.has_passphrase().await.unwrap());
    let made = Made::new();
    ring.rotate_root(&old, NewRoot { passphrase: Some(passphrase()), ..made.wanted() }).await.unwrap();
    let found = super::super::by_hand(passphrase(), &**ring.store()).await.unwrap();
    assert_eq!(*found.to_text(), *made.root.to_text());
    ring.rotate_root(&made.root, Made::new().wanted()).await.unwrap();
    assert!(!ring.has_passphrase().await.unwrap());
}

#[tokio::test]
async fn of_several_keys_the_one_that_fits_is_told_by_its_check() {
    let keys = [(); 3].map(|()| RootKey::generate().unwrap());
    let (store, _) = opened(&keys[1]).await;
    assert_eq!(Keyring::fitting(&*store, &keys).await.unwrap(), 1);
    assert!(matches!(Keyring::fitting(&*store, &keys[2..]).await, Err(VaultError::WrongKey)));
    let text = format!("{}\n{}\n", *keys[0].to_text(), *keys[1].to_text());
    let read = RootKey::parse_several(&text).unwrap();
    assert_eq!(Keyring::fitting(&*store, &read).await.unwrap(), 1);
    assert!(RootKey::parse_several("").is_err());
    assert!(RootKey::parse_several(&text[..text.len() - 3]).is_err());
}

/// All steps of a tenant key's rotation, some keys at a time; gives how many were wrapped anew.
async fn rotate_tenant(ring: &Keyring, at_once: u32) -> usize {
    ring.rotate(TENANT, KeyKind::Wrap).await.unwrap();
    let (mut after, mut all) = (None, 0);
    while let Some((last, some)) = ring.rewrap_subject_keys(TENANT, after, at_once).await.unwrap() {
        (after, all) = (Some(last), all + some);
    }
    ring.retire_wrap_keys(TENANT).await.unwrap();
    all
}

fn wrap_versions(store: &MemoryStore) -> Vec<u32> {
    let is_wrap = |(of, kind, _): &&(Uuid, KeyKind, u32)| (*of, *kind) == (TENANT, KeyKind::Wrap);
    store.with(|tables| tables.tenants.keys().filter(is_wrap).map(|place| place.2).collect())
}

#[tokio::test]
async fn a_tenants_key_is_rotated_and_the_old_version_retires_when_nothing_is_under_it() {
    let (store, ring) = opened(&RootKey::generate().unwrap()).await;
    let mut sealed = Vec::new();
    for number in 0..10_u32 {
        let key = ring.new_subject_key(TENANT).await.unwrap();
        sealed.push((key.id(), Sealed::seal(&key, &CONTEXT, &number).unwrap()));
    }
    let (erased, _) = sealed.remove(3);
    ring.destroy(TENANT, erased).await.unwrap();
    let present = store.with(|tables| tables.subjects.len());
    ring.rotate(TENANT, KeyKind::Wrap).await.unwrap();
    assert_eq!(ring.retire_wrap_keys(TENANT).await.unwrap(), 0, "keys are under it");
    assert!(ring.has_old_wrap_keys(TENANT).await.unwrap());
    assert_eq!(rotate_tenant(&ring, 3).await, present - 1, "all but the erased one");
    assert_eq!(wrap_versions(&store), [3]);
    assert!(!ring.has_old_wrap_keys(TENANT).await.unwrap());
    for (number, (id, sealed)) in (0_u32..10).filter(|number| *number != 3).zip(&sealed) {
        let key = ring.subject_key(TENANT, *id).await.unwrap();
        assert_eq!(sealed.open(&key, &CONTEXT).unwrap(), number);
    }
    assert!(matches!(ring.subject_key(TENANT, erased).await, Err(VaultError::Erased)));
}

#[tokio::test]
async fn other_processes_go_on_while_a_tenants_key_is_rotated_and_after() {
    let root = RootKey::generate().unwrap();
    let (store, first) = opened(&root).await;
    let other = ring(&store);
    other.unseal(same(&root)).await.unwrap();
    let known = other.new_subject_key(TENANT).await.unwrap().id();
    rotate_tenant(&first, 100).await;
    // From its cache, from its reserve, and with a batch under a version that is gone.
    other.subject_key(TENANT, known).await.unwrap();
    for _ in 0..9 {
        other.new_subject_key(TENANT).await.unwrap();
    }
    let late = first.new_subject_key(TENANT).await.unwrap().id();
    other.subject_key(TENANT, late).await.unwrap();
    other.reload_tenant(TENANT).await.unwrap();
    other.subject_key(TENANT, known).await.unwrap();
    for _ in 0..9 {
        other.new_subject_key(TENANT).await.unwrap();
    }
    assert_eq!(wrap_versions(&store), [2]);
}

#[tokio::test]
async fn a_key_that_is_destroyed_while_it_is_wrapped_anew_stays_destroyed() {
    let (store, ring) = opened(&RootKey::generate().unwrap()).await;
    let key = ring.new_subject_key(TENANT).await.unwrap().id();
    ring.rotate(TENANT, KeyKind::Wrap).await.unwrap();
    let found = ring.store().subject_keys_below(TENANT, 2, None, 100).await.unwrap();
    ring.destroy(TENANT, key).await.unwrap();
    assert!(ring.store().rewrap_subject_keys(TENANT, 2, &found).await.unwrap());
    assert!(store.with(|tables| tables.subjects[&(TENANT, key, 1)].wrapped.is_none()));
    assert!(matches!(ring.subject_key(TENANT, key).await, Err(VaultError::Erased)));
}
