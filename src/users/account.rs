//! An account in the hand: the row, its roles and its key, checked for integrity when it is read.
//!
//! Must never: be used before [`Account::open`] has verified the MAC.

use chrono::{DateTime, Utc};
use kluis_core::kernel::id::{Tenant, User};
use kluis_core::kernel::{Id, Problem, ProblemKind};
use kluis_core::privacy::{DataKey, Keyring, VaultError};
use kluis_core::store::{Db, Tx, Unaudited};
use serde::Serialize;

use super::model::{Grant, UserContact, UserIdentity, UserRow};
use super::totp::TotpSecret;
use super::{rows, seal};

/// A verified account.
pub struct Account {
    pub row: UserRow,
    pub grants: Vec<Grant>,
    key: DataKey,
    /// The revision at which it was read; a write succeeds only on it.
    read_at: i64,
}

impl Account {
    /// Reads an account, whoever asks; `None` when there is none.
    pub async fn read(db: &Db, keys: &Keyring, id: Id<User>) -> Result<Option<Self>, Problem> {
        match rows::by_id(db, id).await? {
            Some(row) => Self::open(db, keys, row).await.map(Some),
            None => Ok(None),
        }
    }

    /// Adds roles and key to a row, and checks the MAC over all of it.
    pub async fn open(db: &Db, keys: &Keyring, row: UserRow) -> Result<Self, Problem> {
        let key = keys.subject_key(row.tenant.uuid(), row.key).await?;
        let grants = rows::grants(db, row.id).await?;
        if seal::verify(&key, &row, &grants).is_err() {
            // Row and roles were read one after the other: a change in between is no forgery.
            return Self::open_again(db, key, row.id).await;
        }
        let read_at = row.revision;
        Ok(Self { row, grants, key, read_at })
    }

    async fn open_again(db: &Db, key: DataKey, id: Id<User>) -> Result<Self, Problem> {
        let mut tx = db.begin().await?;
        let row = rows::locked(&mut tx, id).await?.ok_or_else(Problem::not_found)?;
        let grants = rows::grants_in(&mut tx, id).await?;
        drop(tx);
        if let Err(error) = seal::verify(&key, &row, &grants) {
            tracing::error!(user = %id, "the row of a user or its roles were changed outside the program");
            return Err(error.into());
        }
        let read_at = row.revision;
        Ok(Self { row, grants, key, read_at })
    }

    /// A new account around a row whose sealed parts were made with `key`.
    pub(super) const fn new(row: UserRow, key: DataKey) -> Self {
        Self { row, grants: Vec::new(), key, read_at: 0 }
    }

    pub fn identity(&self) -> Result<UserIdentity, VaultError> {
        seal::open(&self.key, &self.row, "identity", &self.row.identity)
    }

    pub fn contact(&self) -> Result<UserContact, VaultError> {
        seal::open(&self.key, &self.row, "contact", &self.row.contact)
    }

    /// The secret of the second factor, where one is set up.
    pub fn totp(&self) -> Result<Option<TotpSecret>, VaultError> {
        self.row.totp.as_ref().map(|sealed| seal::open(&self.key, &self.row, "totp", sealed)).transpose()
    }

    /// The secret that is being set up.
    pub fn totp_pending(&self) -> Result<Option<TotpSecret>, VaultError> {
        self.row
            .totp_pending
            .as_ref()
            .map(|sealed| seal::open(&self.key, &self.row, "totp_pending", sealed))
            .transpose()
    }

    pub const fn key(&self) -> &DataKey {
        &self.key
    }

    /// The tenants in which a role is held now, in the order of their ids, each once.
    pub fn tenants(&self, now: DateTime<Utc>) -> Vec<Id<Tenant>> {
        let mut tenants: Vec<_> = self.grants.iter().filter(|grant| grant.is_valid(now)).map(|g| g.tenant).collect();
        tenants.sort_unstable();
        tenants.dedup();
        tenants
    }

    /// The roles that are held in a tenant now.
    pub fn roles_in(&self, tenant: Id<Tenant>, now: DateTime<Utc>) -> impl Iterator<Item = &Grant> {
        self.grants.iter().filter(move |grant| grant.tenant == tenant && grant.is_valid(now))
    }

    /// Counts the revision up; what is sealed from now on belongs to the new one. Call it before a change.
    pub fn change(&mut self, now: DateTime<Utc>) -> &mut UserRow {
        if self.row.revision == self.read_at {
            self.row.revision += 1;
            self.row.updated_at = now;
        }
        &mut self.row
    }

    /// Seals a part at the row's present revision.
    pub fn seal<T: Serialize>(
        &self,
        part: &'static str,
        value: &T,
    ) -> Result<kluis_core::privacy::Sealed<T>, VaultError> {
        seal::seal(&self.key, &self.row, part, value)
    }

    /// Writes a new account.
    pub(super) async fn insert(&mut self, tx: &mut Tx<Unaudited>) -> Result<(), Problem> {
        self.row.mac = seal::mac(&self.key, &self.row, &self.grants)?;
        rows::insert(tx, &self.row).await?;
        for grant in &self.grants {
            rows::insert_grant(tx, self.row.id, grant).await?;
        }
        self.read_at = self.row.revision;
        Ok(())
    }

    /// Writes the changed row, if nobody else has changed it since; otherwise 412.
    pub async fn save(&mut self, tx: &mut Tx<Unaudited>) -> Result<(), Problem> {
        self.row.mac = seal::mac(&self.key, &self.row, &self.grants)?;
        if !rows::update(tx, &self.row, self.read_at).await? {
            return Err(Problem::new(ProblemKind::PreconditionFailed));
        }
        self.read_at = self.row.revision;
        Ok(())
    }
}
