//! The key store in a database: the keyring's rules hold over it, and what is destroyed is gone from the files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kluis_core::privacy::keyring::NewRoot;
use kluis_core::privacy::keystore::{KeyKind, KeyStore, SubjectKeyState, TenantKeyRecord, USES_LIMIT};
use kluis_core::privacy::{
    Context, IndexField, KeyId, Keyring, KeyringOptions, RecoveryKey, RootKey, Sealed, SystemKey, VaultError,
};
use kluis_core::store::migrate::{self, Schema};
use kluis_core::store::{Db, DbKeyStore, DbOptions, keystore};
use uuid::Uuid;

use crate::support::postgres_database;

const TENANT: Uuid = Uuid::from_u128(0x7e);
const OTHER: Uuid = Uuid::from_u128(0x0e);
const CONTEXT: Context = Context {
    tenant: TENANT,
    table: "customers",
    part: "identity",
    row: Uuid::from_u128(1),
    subject: Uuid::from_u128(1),
    revision: 1,
    schema: 1,
};

/// An empty key store, and the folder of its file.
struct Keys {
    db: Db,
    store: Arc<DbKeyStore>,
    folder: tempfile::TempDir,
}

impl Keys {
    async fn both() -> [Self; 2] {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = DbOptions::Sqlite { file: folder.path().join("keys.db"), readers: 2 };
        let postgres = DbOptions::Postgres { url: postgres_database("keys").await, connections: 4 };
        [Self::open(&sqlite, folder).await, Self::open(&postgres, tempfile::tempdir().unwrap()).await]
    }

    async fn open(options: &DbOptions, folder: tempfile::TempDir) -> Self {
        let db = Db::open(options).await.unwrap();
        migrate::run(&db, Schema::Keys).await.unwrap();
        Self { store: Arc::new(DbKeyStore::new(db.clone())), db, folder }
    }

    fn ring(&self) -> Keyring {
        Keyring::new(self.store.clone(), KeyringOptions { batch: 8, ..KeyringOptions::default() })
    }

    async fn opened(&self, root: &RootKey) -> Keyring {
        let ring = self.ring();
        ring.unseal(RootKey::parse(&root.to_text()).unwrap()).await.unwrap();
        ring
    }
}

async fn initialised(keys: &Keys) -> (RootKey, Keyring) {
    let root = RootKey::generate().unwrap();
    let ring = keys.ring();
    ring.initialise(&root).await.unwrap();
    ring.create_tenant(TENANT).await.unwrap();
    (root, ring)
}

#[tokio::test]
async fn every_statement_is_prepared() {
    for keys in Keys::both().await {
        for statement in keystore::STATEMENTS {
            keys.db.prepare(statement).await.unwrap();
        }
    }
}

#[tokio::test]
async fn keys_survive_the_process() {
    for keys in Keys::both().await {
        let (root, ring) = initialised(&keys).await;
        assert!(matches!(ring.initialise(&root).await, Err(VaultError::AlreadyInitialised)));
        let mut sealed = Vec::new();
        for number in 0..20_u32 {
            let key = ring.new_subject_key(TENANT).await.unwrap();
            sealed.push(Sealed::seal(&key, &CONTEXT, &number).unwrap());
        }
        let hash = ring.blind(TENANT, IndexField::Email, "jan@example.org").unwrap();
        let tag = ring.system_mac(SystemKey::Token).unwrap().sign(b"x");

        let later = keys.opened(&root).await;
        let ids: Vec<_> = sealed.iter().map(Sealed::key_id).collect();
        let found = later.subject_keys(TENANT, &ids).await.unwrap();
        for (number, (sealed, key)) in sealed.iter().zip(found).enumerate() {
            assert_eq!(sealed.open(&key.unwrap(), &CONTEXT).unwrap() as usize, number);
        }
        assert!(later.subject_key(TENANT, ids[7]).await.is_ok());
        assert_eq!(later.blind(TENANT, IndexField::Email, "jan@example.org").unwrap(), hash);
        assert!(later.system_mac(SystemKey::Token).unwrap().verify(b"x", &tag).is_ok());
        let unknown = later.subject_key(TENANT, KeyId::from_bytes([1; 16])).await;
        assert!(matches!(unknown, Err(VaultError::Integrity(_))));
        assert!(matches!(later.subject_key(OTHER, ids[0]).await, Err(VaultError::UnknownTenant)));
    }
}

#[tokio::test]
async fn batches_are_counted_and_marked() {
    for keys in Keys::both().await {
        let (_, ring) = initialised(&keys).await;
        for _ in 0..9 {
            ring.new_subject_key(TENANT).await.unwrap();
        }
        let counts = keys.store.counts().await.unwrap();
        assert_eq!((counts.tenants, counts.reserved, counts.used, counts.destroyed), (2, 8, 8, 0));
        ring.flush().await.unwrap();
        assert_eq!(keys.store.counts().await.unwrap().used, 9);
        ring.reserve_subject_keys(TENANT, 4000).await.unwrap();
        assert_eq!(keys.store.counts().await.unwrap().reserved, 4000);
    }
}

#[tokio::test]
async fn the_limit_of_uses_is_kept_and_nothing_is_written_past_it() {
    for keys in Keys::both().await {
        let (_, ring) = initialised(&keys).await;
        let store = &keys.store;
        assert!(store.reserve_uses(TENANT, KeyKind::Wrap, 1, USES_LIMIT - 7).await.unwrap());
        assert!(!store.reserve_uses(TENANT, KeyKind::Wrap, 1, 8).await.unwrap());
        assert!(!store.reserve_uses(TENANT, KeyKind::Wrap, 1, u64::MAX).await.unwrap());
        assert!(matches!(ring.new_subject_key(TENANT).await, Err(VaultError::Exhausted(_))));
        assert_eq!(store.counts().await.unwrap().reserved, 0);
        assert_eq!(ring.rotate(TENANT, KeyKind::Wrap).await.unwrap(), 2);
        assert!(ring.new_subject_key(TENANT).await.is_ok());
    }
}

#[tokio::test]
async fn uses_counted_by_many_at_once_all_count() {
    for keys in Keys::both().await {
        let (_, ring) = initialised(&keys).await;
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let store = keys.store.clone();
                tokio::spawn(
                    async move { store.reserve_uses(TENANT, KeyKind::Data, 1, USES_LIMIT / 10).await.unwrap() },
                )
            })
            .collect();
        let mut granted = 0;
        for task in tasks {
            granted += usize::from(task.await.unwrap());
        }
        assert_eq!(granted, 10);
        drop(ring);
    }
}

#[tokio::test]
async fn what_is_destroyed_is_gone_from_store_and_files() {
    for keys in Keys::both().await {
        let (root, ring) = initialised(&keys).await;
        let key = ring.new_subject_key(TENANT).await.unwrap();
        let kept = ring.new_subject_key(TENANT).await.unwrap();
        let sealed = Sealed::seal(&key, &CONTEXT, &1_u8).unwrap();
        let stored = keys.store.subject_keys(TENANT, &[key.id(), kept.id()]).await.unwrap();
        let wrapped = |id| stored.iter().find(|record| record.id == id).unwrap().wrapped.unwrap();
        let on_disk = |id| in_files(keys.folder.path(), &wrapped(id).as_bytes()[14..62]);
        if matches!(keys.db, Db::Sqlite(_)) {
            assert!(on_disk(key.id()), "the search itself is broken");
        }

        ring.destroy(TENANT, key.id()).await.unwrap();
        assert!(!on_disk(key.id()));
        assert!(matches!(ring.subject_key(TENANT, key.id()).await, Err(VaultError::Erased)));
        let later = keys.opened(&root).await;
        assert!(matches!(later.subject_key(TENANT, sealed.key_id()).await, Err(VaultError::Erased)));
        assert!(later.subject_key(TENANT, kept.id()).await.is_ok());
        let record = keys.store.subject_keys(TENANT, &[key.id()]).await.unwrap().remove(0);
        assert_eq!((record.state, record.wrapped), (SubjectKeyState::Destroyed, None));
        assert_eq!(keys.store.counts().await.unwrap().destroyed, 1);
        assert!(matches!(later.destroy(TENANT, KeyId::from_bytes([1; 16])).await, Err(VaultError::Integrity(_))));
    }
}

fn in_files(folder: &Path, bytes: &[u8]) -> bool {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<PathBuf>>();
    files.iter().any(|file| std::fs::read(file).unwrap().windows(bytes.len()).any(|part| part == bytes))
}

#[tokio::test]
async fn keys_of_a_tenant_are_added_once_and_together() {
    for keys in Keys::both().await {
        let (_, ring) = initialised(&keys).await;
        let before = keys.store.tenant_keys(None).await.unwrap();
        assert_eq!(before.len(), 6);
        ring.create_tenant(TENANT).await.unwrap();
        assert_eq!(keys.store.tenant_keys(None).await.unwrap(), before);
        let mut batch = keys.store.tenant_keys(Some(TENANT)).await.unwrap();
        assert_eq!(batch.len(), 4);
        batch.iter_mut().for_each(|record| record.version = 2);
        batch[3].version = 1;
        assert!(!keys.store.add_tenant_keys(&batch).await.unwrap());
        assert_eq!(keys.store.tenant_keys(None).await.unwrap(), before);
    }
}

#[tokio::test]
async fn the_root_record_changes_by_one_hand_at_a_time() {
    for keys in Keys::both().await {
        let (root, ring) = initialised(&keys).await;
        let mut stored = keys.store.root().await.unwrap().unwrap();
        assert_eq!(stored.revision, 1);
        let recovery = RecoveryKey::generate().unwrap();
        ring.set_recovery_key(&root, &recovery).await.unwrap();
        assert_eq!(keys.store.root().await.unwrap().unwrap().revision, 2);
        stored.revision = 2;
        assert!(!keys.store.save_root(&stored).await.unwrap());
        let drill = ring.drill(&recovery).await.unwrap();
        assert_eq!((drill.tenants, drill.keys), (1, 6));
    }
}

#[tokio::test]
async fn index_versions_are_kept_per_tenant_and_field() {
    for keys in Keys::both().await {
        let (root, ring) = initialised(&keys).await;
        ring.create_tenant(OTHER).await.unwrap();
        assert_eq!(ring.add_index_version(TENANT, IndexField::Email, 18).await.unwrap(), 2);
        let later = keys.opened(&root).await;
        let versions = |tenant, field| {
            let hashes = later.blind_all(tenant, field, "x").unwrap();
            hashes.into_iter().map(|hash| hash.version()).collect::<Vec<_>>()
        };
        assert_eq!(versions(TENANT, IndexField::Email), [2, 1]);
        assert_eq!(versions(TENANT, IndexField::Phone), [1]);
        assert_eq!(versions(OTHER, IndexField::Email), [1]);
        ring.drop_old_index_versions(TENANT, IndexField::Email).await.unwrap();
        later.reload_tenant(TENANT).await.unwrap();
        assert_eq!(later.blind_all(TENANT, IndexField::Email, "x").unwrap().len(), 1);
    }
}

fn wanted<'a>(root: &'a Arc<RootKey>, recovery: &'a RecoveryKey) -> NewRoot<'a> {
    NewRoot { root, recovery, passphrase: None }
}

#[tokio::test]
async fn the_root_key_is_replaced_at_once_and_what_was_wrapped_under_the_old_one_is_gone() {
    for keys in Keys::both().await {
        let (old, ring) = initialised(&keys).await;
        let key = ring.new_subject_key(TENANT).await.unwrap();
        let sealed = Sealed::seal(&key, &CONTEXT, &7_u32).unwrap();
        let before = keys.store.tenant_keys(None).await.unwrap();
        let on_disk = |key: &TenantKeyRecord| in_files(keys.folder.path(), &key.wrapped.as_bytes()[14..62]);
        assert_eq!(before.iter().all(on_disk), matches!(keys.db, Db::Sqlite(_)), "the search itself");
        let (root, recovery) = (Arc::new(RootKey::generate().unwrap()), RecoveryKey::generate().unwrap());
        assert_eq!(ring.rotate_root(&old, wanted(&root, &recovery)).await.unwrap(), 2);
        assert!(matches!(keys.ring().unseal(old).await, Err(VaultError::WrongKey)));
        let later = keys.opened(&root).await;
        let found = later.subject_key(TENANT, key.id()).await.unwrap();
        assert_eq!(sealed.open(&found, &CONTEXT).unwrap(), 7);
        assert_eq!(later.drill(&recovery).await.unwrap().keys, before.len());
        assert!(!before.iter().any(on_disk));
    }
}

#[tokio::test]
async fn keys_under_a_root_key_that_was_replaced_are_refused() {
    for keys in Keys::both().await {
        let (old, ring) = initialised(&keys).await;
        let other = keys.opened(&old).await;
        let (root, recovery) = (Arc::new(RootKey::generate().unwrap()), RecoveryKey::generate().unwrap());
        ring.rotate_root(&old, wanted(&root, &recovery)).await.unwrap();
        assert!(matches!(other.create_tenant(OTHER).await, Err(VaultError::Rotated)));
        assert!(matches!(other.rotate(TENANT, KeyKind::Wrap).await, Err(VaultError::Rotated)));
        assert!(keys.store.tenant_keys(Some(OTHER)).await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tenants_that_are_made_while_the_root_key_is_rotated_are_all_there() {
    for keys in Keys::both().await {
        let (old, ring) = initialised(&keys).await;
        let other = keys.opened(&old).await;
        let making = tokio::spawn(async move {
            let mut made = Vec::new();
            for number in 0..60_u128 {
                let tenant = Uuid::from_u128(0x1000 + number);
                match other.create_tenant(tenant).await {
                    Ok(()) => made.push(tenant),
                    Err(VaultError::Rotated) => break,
                    Err(error) => panic!("{error}"),
                }
            }
            made
        });
        let (mut present, mut versions) = (old, 1);
        for _ in 0..3 {
            let (root, recovery) = (Arc::new(RootKey::generate().unwrap()), RecoveryKey::generate().unwrap());
            versions = ring.rotate_root(&present, wanted(&root, &recovery)).await.unwrap();
            present = RootKey::parse(&root.to_text()).unwrap();
        }
        assert_eq!(versions, 4);
        let made = making.await.unwrap();
        let later = keys.opened(&present).await;
        for tenant in made {
            later.new_subject_key(tenant).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_tenants_key_is_rotated_in_steps_and_retired_at_zero_uses() {
    for keys in Keys::both().await {
        let (root, ring) = initialised(&keys).await;
        let mut sealed = Vec::new();
        for number in 0..30_u32 {
            let key = ring.new_subject_key(TENANT).await.unwrap();
            sealed.push(Sealed::seal(&key, &CONTEXT, &number).unwrap());
        }
        let gone = sealed.pop().unwrap().key_id();
        ring.destroy(TENANT, gone).await.unwrap();
        let old = keys.store.tenant_keys(Some(TENANT)).await.unwrap();
        let old = old.iter().find(|key| key.kind == KeyKind::Wrap).unwrap().wrapped;
        assert_eq!(ring.rotate(TENANT, KeyKind::Wrap).await.unwrap(), 2);
        let (mut after, mut steps) = (None, 0);
        while let Some((last, _)) = ring.rewrap_subject_keys(TENANT, after, 7).await.unwrap() {
            assert_eq!(ring.retire_wrap_keys(TENANT).await.unwrap(), usize::from(steps == 4), "step {steps}");
            (after, steps) = (Some(last), steps + 1);
        }
        assert_eq!(steps, 5, "32 keys in the store, one destroyed");
        assert!(!ring.has_old_wrap_keys(TENANT).await.unwrap());
        assert!(!in_files(keys.folder.path(), &old.as_bytes()[14..62]));
        let later = keys.opened(&root).await;
        for (number, sealed) in sealed.iter().enumerate() {
            let key = later.subject_key(TENANT, sealed.key_id()).await.unwrap();
            assert_eq!(sealed.open(&key, &CONTEXT).unwrap() as usize, number);
        }
        assert!(matches!(later.subject_key(TENANT, gone).await, Err(VaultError::Erased)));
        let under_the_old = keys.store.add_subject_keys(TENANT, 1, &[], &[]).await.unwrap();
        assert!(!under_the_old, "nobody makes keys under a version that is gone");
    }
}
