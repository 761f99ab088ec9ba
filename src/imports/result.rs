//! The results of an import as a table to save, beside the file that was handed in.
//!
//! Must never: hold a value of a line; line numbers, outcomes, codes and ids only.

use std::io;
use std::sync::Arc;

use futures_util::{Stream, stream};
use kluis_core::kernel::Id;
use kluis_core::kernel::id::{Customer, Job, Tenant};

use crate::app::App;
use crate::jobs::{self, RowResult, Workshop};

/// Results that are read at once.
const PAGE: i64 = 1000;
const HEADER: [&str; 5] = ["line", "outcome", "of_line", "codes", "record_id"];

enum At {
    Start,
    After(i64),
    End,
}

/// The lines of the table, a page of results at a time. The caller holds a decision about the import.
pub fn lines(
    app: &Arc<App>,
    tenant: Id<Tenant>,
    job: Id<Job>,
) -> impl Stream<Item = io::Result<Vec<u8>>> + Send + use<> {
    let workshop = Workshop::of(app);
    stream::try_unfold((workshop, At::Start), move |(workshop, at)| async move {
        let (after, mut writer) = match at {
            At::End => return Ok(None),
            At::Start => {
                let mut writer = csv::Writer::from_writer(Vec::new());
                writer.write_record(HEADER)?;
                (-1, writer)
            }
            At::After(line) => (line, csv::Writer::from_writer(Vec::new())),
        };
        let page = jobs::results(&workshop, tenant, job, after, PAGE).await.map_err(|_| broken())?;
        for row in &page {
            writer.write_record(cells(row))?;
        }
        let next = match page.last() {
            Some(last) if i64::try_from(page.len()) == Ok(PAGE) => At::After(last.line),
            _ => At::End,
        };
        let bytes = writer.into_inner().map_err(|_| broken())?;
        Ok(Some((bytes, (workshop, next))))
    })
}

fn cells(row: &RowResult) -> [String; 5] {
    [
        row.line.to_string(),
        row.outcome.as_str().to_owned(),
        row.of_line.map(|line| line.to_string()).unwrap_or_default(),
        row.codes.join(" "),
        row.record.map(|record| Id::<Customer>::from_uuid(record).to_string()).unwrap_or_default(),
    ]
}

/// The answer has begun: all that is left is to break it off.
fn broken() -> io::Error {
    io::Error::other("the results can't be read")
}
