//! Where a sealed value belongs. A value opens nowhere else: the context is authenticated with it.
//!
//! Must never become optional, and must never hold personal data: ids, names of tables and numbers only.

use uuid::Uuid;

use super::envelope::Header;
use super::{Result, Sealed, frame};

/// The place of a sealed value: all of it is additional authenticated data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    pub tenant: Uuid,
    pub table: &'static str,
    /// Name of the compartment or column.
    pub part: &'static str,
    /// Primary key of the row.
    pub row: Uuid,
    /// Whom the data is about; for data without a subject, the tenant.
    pub subject: Uuid,
    /// Revision of the row at which the value was sealed.
    pub revision: i64,
    /// Version of the shape of what is inside.
    pub schema: u16,
}

impl Context {
    /// The same row, another part, at the revision and with the schema that the stored value says it was sealed with.
    ///
    /// The envelope's words are believed only as far as they are authenticated: a forged one doesn't open, and an old
    /// value put back into a newer row is caught by the row MAC.
    #[must_use]
    pub fn of<T>(self, part: &'static str, sealed: &Sealed<T>) -> Self {
        Self { part, revision: sealed.revision(), schema: sealed.schema(), ..self }
    }

    /// Additional authenticated data: a label, the envelope's header without the nonce, then each field with its length.
    pub(super) fn aad(&self, header: &Header) -> Vec<u8> {
        let mut aad = Vec::with_capacity(192);
        aad.extend_from_slice(b"kluis sealed value");
        aad.extend_from_slice(&header.authenticated());
        frame::put(&mut aad, self.tenant.as_bytes());
        frame::put(&mut aad, self.table.as_bytes());
        frame::put(&mut aad, self.part.as_bytes());
        frame::put(&mut aad, self.row.as_bytes());
        frame::put(&mut aad, self.subject.as_bytes());
        frame::put(&mut aad, &self.revision.to_be_bytes());
        frame::put(&mut aad, &self.schema.to_be_bytes());
        aad
    }

    /// What the envelope says must be what the caller expects, before any key is used.
    pub(super) fn expects(&self, header: &Header) -> Result<()> {
        if header.revision != self.revision {
            return Err(super::VaultError::Integrity("revision of the sealed value"));
        }
        if header.schema != self.schema {
            return Err(super::VaultError::Integrity("schema of the sealed value"));
        }
        Ok(())
    }
}
