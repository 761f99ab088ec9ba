//! Reads the records of an uploaded file out of its sealed pieces, one piece in memory at a time.

use kluis_core::kernel::{Id, Problem, id::Tenant};

use super::source::{Format, Source};
use super::table::Record;
use crate::jobs::Workshop;
use crate::jobs::files::{FileSize, JobFile, read_piece};

/// The records of one file.
pub struct FileReader {
    workshop: Workshop,
    tenant: Id<Tenant>,
    file: Id<JobFile>,
    pieces: i64,
    next: i64,
    source: Source,
}

impl FileReader {
    pub fn new(workshop: Workshop, tenant: Id<Tenant>, file: Id<JobFile>, size: FileSize, format: Format) -> Self {
        Self { workshop, tenant, file, pieces: size.pieces, next: 0, source: Source::new(format) }
    }

    /// The next record behind the header; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Record>, Problem> {
        loop {
            if let Some(record) = self.source.next() {
                return Ok(Some(record));
            }
            if self.next >= self.pieces {
                return Ok(None);
            }
            let piece = read_piece(&self.workshop, self.tenant, self.file, self.next).await?;
            self.next += 1;
            self.source.push(&piece, self.next == self.pieces);
        }
    }

    /// Known once the first record was asked for.
    pub fn headers(&self) -> &[String] {
        self.source.headers().unwrap_or_default()
    }
}
