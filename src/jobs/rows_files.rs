//! Uploaded files, in sealed pieces in the database: what is in them is personal, so that none ever touches a plain file.
//!
//! Each piece is sealed under the tenant's data key, bound to its file and its place in it: pieces can't be swapped
//! within a file or between files, and one that is missing is noticed.
//!
//! Must never: hold more than one piece in memory, keep a file beyond its time.

use chrono::{DateTime, Utc};
use kluis_core::args;
use kluis_core::kernel::{Id, Problem, ProblemKind, id::Tenant};
use kluis_core::privacy::{Blob, Context, Sealed};
use kluis_core::store::{Row, StoreError};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::Workshop;

kluis_core::kinds! {
    /// An uploaded file.
    JobFile = "fil",
}

/// Bytes of a file in one sealed piece.
pub const PIECE: usize = 1 << 20;

const FILES: &str = "pieces of an upload, handed in and read under the decision about the import that they belong to";
const HOUSEKEEPING: &str = "sealed pieces of an upload; the import that names the file is the recorded change";

/// A whole file: bytes and pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FileSize {
    pub bytes: i64,
    pub pieces: i64,
}

/// Takes a file in, piece by piece.
pub struct FileWriter<'a> {
    workshop: &'a Workshop,
    tenant: Id<Tenant>,
    file: Id<JobFile>,
    buffer: Zeroizing<Vec<u8>>,
    size: FileSize,
}

impl<'a> FileWriter<'a> {
    /// Begins a file that goes away by itself after `expires`.
    pub async fn begin(workshop: &'a Workshop, tenant: Id<Tenant>, expires: DateTime<Utc>) -> Result<Self, Problem> {
        let file = workshop.new_id();
        let mut tx = workshop.db.begin().await?;
        let sql = "INSERT INTO job_files (tenant_id, id, created_at, expires_at) VALUES ($1, $2, $3, $4)";
        tx.execute_without_scope(FILES, sql, args![tenant, file, workshop.clock.now(), expires]).await?;
        tx.commit_without_event(HOUSEKEEPING).await?;
        let buffer = Zeroizing::new(Vec::with_capacity(PIECE));
        Ok(Self { workshop, tenant, file, buffer, size: FileSize { bytes: 0, pieces: 0 } })
    }

    pub async fn push(&mut self, mut bytes: &[u8]) -> Result<(), Problem> {
        while !bytes.is_empty() {
            let room = PIECE - self.buffer.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.buffer.extend_from_slice(now);
            bytes = later;
            if self.buffer.len() == PIECE {
                self.write_piece().await?;
            }
        }
        Ok(())
    }

    /// Writes what is left and says that the file is whole.
    pub async fn finish(mut self) -> Result<(Id<JobFile>, FileSize), Problem> {
        if !self.buffer.is_empty() {
            self.write_piece().await?;
        }
        let mut tx = self.workshop.db.begin().await?;
        let sql = "UPDATE job_files SET size = $3, pieces = $4 WHERE tenant_id = $1 AND id = $2";
        let args = args![self.tenant, self.file, self.size.bytes, self.size.pieces];
        tx.execute_without_scope(FILES, sql, args).await?;
        tx.commit_without_event(HOUSEKEEPING).await?;
        Ok((self.file, self.size))
    }

    async fn write_piece(&mut self) -> Result<(), Problem> {
        let key = self.workshop.keys.tenant_key(self.tenant.uuid()).await?;
        let place = place(self.tenant, self.file, self.size.pieces);
        let sealed = Sealed::<Blob>::seal_bytes(&key, &place, &self.buffer)?;
        let mut tx = self.workshop.db.begin().await?;
        let sql = "INSERT INTO job_file_pieces (tenant_id, file_id, number, content) VALUES ($1, $2, $3, $4)";
        tx.execute_without_scope(FILES, sql, args![self.tenant, self.file, self.size.pieces, &sealed]).await?;
        tx.commit_without_event(HOUSEKEEPING).await?;
        self.size.pieces += 1;
        self.size.bytes += i64::try_from(self.buffer.len()).unwrap_or(i64::MAX);
        self.buffer.clear();
        Ok(())
    }
}

const fn place(tenant: Id<Tenant>, file: Id<JobFile>, number: i64) -> Context {
    Context {
        tenant: tenant.uuid(),
        table: "job_file_pieces",
        part: "content",
        row: file.uuid(),
        subject: tenant.uuid(),
        revision: number,
        schema: 1,
    }
}

/// One piece, counted from 0; `Integrity` if it isn't there or isn't genuine.
pub async fn read_piece(
    workshop: &Workshop,
    tenant: Id<Tenant>,
    file: Id<JobFile>,
    number: i64,
) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let sql = "SELECT content FROM job_file_pieces WHERE tenant_id = $1 AND file_id = $2 AND number = $3";
    let row = workshop.db.fetch_optional_without_scope(FILES, sql, args![tenant, file, number]).await?;
    let sealed = row.as_ref().map(sealed_content).transpose()?.flatten();
    let sealed = sealed.ok_or_else(|| Problem::new(ProblemKind::Integrity))?;
    let key = workshop.keys.tenant_key(tenant.uuid()).await?;
    Ok(sealed.open_bytes(&key, &place(tenant, file, number))?)
}

fn sealed_content(row: &Row) -> Result<Option<Sealed<Blob>>, StoreError> {
    row.sealed(0)
}

/// Removes files whose time is over, and what was handed in by uploads that never came to their end.
pub async fn sweep(
    tx: &mut kluis_core::store::Tx<kluis_core::store::Unaudited>,
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    tx.execute_without_scope(FILES, "DELETE FROM job_files WHERE expires_at < $1", args![now]).await
}

/// Removes one file in the transaction in which it loses its meaning.
pub async fn remove(
    tx: &mut kluis_core::store::Tx<kluis_core::store::Unaudited>,
    tenant: Id<Tenant>,
    file: Uuid,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM job_files WHERE tenant_id = $1 AND id = $2";
    tx.execute_without_scope(FILES, sql, args![tenant, file]).await.map(drop)
}
