//! Where wrapped keys live: a store of its own, never in the data backup. This is all that the keyring needs from it.
//!
//! Must never: see an unwrapped key, know a subject, or share a file, backup or transaction with the data.
//!
//! The database behind it lives on the store floor; the sizes are small: about 150 bytes per subject.

use async_trait::async_trait;
use uuid::Uuid;

use super::{IndexField, KeyId, Result, WrappedKey};

/// The installation's own keys stand under this in place of a tenant.
pub const INSTALLATION: Uuid = Uuid::nil();

/// Bound on the uses of one key. NIST SP 800-38D §8.3 allows 2^32 seals with random nonces; this leaves a factor of four.
pub const USES_LIMIT: u64 = 1 << 30;

/// The root record as stored: check value, recovery and passphrase slots, written by [`super::root`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRoot {
    /// Rises by one with every change; the first is 1.
    pub revision: i64,
    /// JSON; carries wrapped keys and parameters, nothing in clear.
    pub record: String,
}

/// The keys that a tenant, or the installation, has beside those of its subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyKind {
    /// Wraps subject keys.
    Wrap,
    /// Root of the blind-index keys.
    Index,
    /// Hashes subjects in the audit log. Never rotated: a subject's own log must stay one query.
    Audit,
    /// Seals data that belongs to no subject.
    Data,
    /// Root of the installation's MAC keys.
    System,
}

impl KeyKind {
    pub const ALL: [Self; 5] = [Self::Wrap, Self::Index, Self::Audit, Self::Data, Self::System];

    /// As stored and as authenticated; must not change.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wrap => "wrap",
            Self::Index => "index",
            Self::Audit => "audit",
            Self::Data => "data",
            Self::System => "system",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One version of one key of a tenant, wrapped under the root key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantKeyRecord {
    pub tenant: Uuid,
    pub kind: KeyKind,
    pub version: u32,
    pub id: KeyId,
    pub root_version: u32,
    pub wrapped: WrappedKey,
}

/// What became of a subject key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectKeyState {
    /// Made ahead. It may already be in use: the store learns that later (see [`super::keyring`]).
    Reserved,
    Used,
    /// The wrapped key is gone for good; this mark stays.
    Destroyed,
}

impl SubjectKeyState {
    pub const ALL: [Self; 3] = [Self::Reserved, Self::Used, Self::Destroyed];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Used => "used",
            Self::Destroyed => "destroyed",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// One version of a subject's key, wrapped under a version of its tenant's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectKeyRecord {
    pub id: KeyId,
    pub version: u32,
    /// Version of the tenant's [`KeyKind::Wrap`] key.
    pub wrap_version: u32,
    pub state: SubjectKeyState,
    /// `None` exactly when destroyed.
    pub wrapped: Option<WrappedKey>,
}

/// How one field of a tenant is indexed blindly. A field without any is indexed with [`IndexVersion::default_of`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexVersion {
    pub field: IndexField,
    pub version: u32,
    /// Length of the hash; see [`super::blind`] for how it is chosen.
    pub bits: u8,
    /// Version of the tenant's [`KeyKind::Index`] key.
    pub root_version: u32,
}

/// How full the store is, for the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeyCounts {
    pub tenants: u64,
    pub reserved: u64,
    pub used: u64,
    pub destroyed: u64,
}

/// Gives keys as they are wrapped under another root key, all of them and no other.
pub type Rewrap<'a> = dyn Fn(&[TenantKeyRecord]) -> Result<Vec<TenantKeyRecord>> + Send + Sync + 'a;

/// A store of wrapped keys. Every function is one transaction, durable when it returns.
#[async_trait]
pub trait KeyStore: Send + Sync + 'static {
    async fn root(&self) -> Result<Option<StoredRoot>>;

    /// Writes the root record if the stored revision is the one before (none, for the first). `false`: it was another.
    async fn save_root(&self, root: &StoredRoot) -> Result<bool>;

    /// Keys of one tenant, or of all.
    async fn tenant_keys(&self, tenant: Option<Uuid>) -> Result<Vec<TenantKeyRecord>>;

    /// Puts the next root record in place, and every tenant key as `rewrap` wraps it under the root key of that record: all
    /// or nothing, while nobody adds keys. `false`, and nothing written, if the stored revision isn't the one before. What
    /// stood there is wiped, as far as the database can.
    async fn replace_root(&self, root: &StoredRoot, rewrap: &Rewrap<'_>) -> Result<bool>;

    /// All or none: `false`, and nothing written, if one of them (tenant, kind, version) is there already.
    /// [`super::VaultError::Rotated`] if the root key that they are wrapped under has been replaced.
    async fn add_tenant_keys(&self, keys: &[TenantKeyRecord]) -> Result<bool>;

    /// Counts `uses` more of a tenant key. `false`, and nothing counted, if that would pass [`USES_LIMIT`].
    async fn reserve_uses(&self, tenant: Uuid, kind: KeyKind, version: u32, uses: u64) -> Result<bool>;

    /// Adds subject keys that were wrapped under `wrap_version` of the tenant's key, counts as many uses of that, and
    /// marks those that were handed out since as used. `false`, and nothing written, if the uses would pass the limit.
    async fn add_subject_keys(
        &self,
        tenant: Uuid,
        wrap_version: u32,
        keys: &[SubjectKeyRecord],
        used: &[KeyId],
    ) -> Result<bool>;

    /// Keys of a tenant that are wrapped under a version before `below`, in the order of their ids, after one of them;
    /// `most` records at most. Destroyed ones are wrapped under nothing.
    async fn subject_keys_below(
        &self,
        tenant: Uuid,
        below: u32,
        after: Option<(KeyId, u32)>,
        most: u32,
    ) -> Result<Vec<SubjectKeyRecord>>;

    /// Puts keys in place as they are wrapped under `wrap_version`, and counts as many uses of that; one that was destroyed
    /// meanwhile stays destroyed. `false`, and nothing written, if the uses would pass the limit.
    async fn rewrap_subject_keys(&self, tenant: Uuid, wrap_version: u32, keys: &[SubjectKeyRecord]) -> Result<bool>;

    /// Drops the versions of a tenant's [`KeyKind::Wrap`] key before `below` under which no key is wrapped any more; gives
    /// how many. What was dropped is wiped, as far as the database can.
    async fn retire_wrap_keys(&self, tenant: Uuid, below: u32) -> Result<usize>;

    /// Marks reserved keys as used; others stay as they are.
    async fn mark_used(&self, tenant: Uuid, ids: &[KeyId]) -> Result<()>;

    /// All versions of the keys named, in any order; unknown ids are absent.
    async fn subject_keys(&self, tenant: Uuid, ids: &[KeyId]) -> Result<Vec<SubjectKeyRecord>>;

    /// Wipes all versions of a key and leaves the mark. `false` if there is no such key.
    async fn destroy_subject_key(&self, tenant: Uuid, id: KeyId) -> Result<bool>;

    /// Index versions of one tenant, or of all.
    async fn index_versions(&self, tenant: Option<Uuid>) -> Result<Vec<(Uuid, IndexVersion)>>;

    /// `false` if the version is there already.
    async fn add_index_version(&self, tenant: Uuid, index: &IndexVersion) -> Result<bool>;

    /// Forgets the versions of a field below `version`.
    async fn drop_index_versions(&self, tenant: Uuid, field: IndexField, below: u32) -> Result<()>;

    async fn counts(&self) -> Result<KeyCounts>;
}
