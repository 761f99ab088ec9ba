//! A file as a table: bytes in, header and records out, piece by piece. And the preview that a person decides by.
//!
//! Must never: hold more of the file than the piece in hand and one record.

use super::encoding::{Encoding, TextDecoder};
use super::table::{Delimiter, Record, RecordReader};

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Format {
    pub encoding: Encoding,
    pub delimiter: Delimiter,
}

/// Bytes of the start of a file that the delimiter is told from.
pub const SAMPLE_BYTES: usize = 64 * 1024;

impl Format {
    /// `start` is the first [`SAMPLE_BYTES`] of the file, or all of it.
    pub fn detect(encoding: Encoding, start: &[u8]) -> Self {
        let text = encoding.decoder().decode(start, false);
        Self { encoding, delimiter: Delimiter::detect(&text) }
    }
}

/// Reads the header, then one record after the other.
pub struct Source {
    decoder: TextDecoder,
    reader: RecordReader,
    headers: Option<Vec<String>>,
}

impl Source {
    pub fn new(format: Format) -> Self {
        Self { decoder: format.encoding.decoder(), reader: RecordReader::new(format.delimiter), headers: None }
    }

    /// Adds the next bytes of the file; `last` says that these are the last ones.
    pub fn push(&mut self, bytes: &[u8], last: bool) {
        self.reader.push(&self.decoder.decode(bytes, last));
        if last {
            self.reader.finish();
        }
    }

    /// The next record behind the header; blank ones are passed over. `None` wants more bytes, or says that the end was
    /// reached.
    #[expect(clippy::should_implement_trait, reason = "`None` isn't the end while more bytes may come")]
    pub fn next(&mut self) -> Option<Record> {
        loop {
            let record = self.reader.next()?;
            if self.headers.is_none() {
                if !is_separator_line(&record) {
                    self.headers = Some(record.fields.into_iter().map(|header| header.trim().to_owned()).collect());
                }
            } else if !record.is_blank() {
                return Some(record);
            }
        }
    }

    /// The columns' names; known once `next` was asked and enough bytes were there. Empty columns at the end that have no
    /// name are counted, since lines have them too.
    pub fn headers(&self) -> Option<&[String]> {
        self.headers.as_deref()
    }
}

/// Excel's `sep=;` in front of the header.
fn is_separator_line(record: &Record) -> bool {
    let first = record.fields.first().is_some_and(|field| field.starts_with("sep=") && field.len() <= 5);
    record.line == 1 && first && record.fields.iter().skip(1).all(String::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> (Vec<String>, Vec<Record>) {
        let mut source = Source::new(Format::detect(Encoding::Utf8, bytes));
        source.push(bytes, true);
        let records = std::iter::from_fn(|| source.next()).collect();
        (source.headers().unwrap_or_default().to_vec(), records)
    }

    #[test]
    fn the_header_is_the_first_line_that_says_something() {
        let (headers, records) = read(b"\xEF\xBB\xBFsep=,\r\nnaam , plaats\r\nJan,Utrecht\r\n,\r\nPiet,\r\n");
        assert_eq!(headers, ["naam", "plaats"]);
        assert_eq!(records.iter().map(|r| r.line).collect::<Vec<_>>(), [3, 5]);
        assert_eq!(read(b"").0, Vec::<String>::new());
        assert_eq!(read(b"naam;plaats").0, ["naam", "plaats"]);
    }
}
