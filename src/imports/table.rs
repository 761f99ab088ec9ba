//! Records out of delimited text (RFC 4180 with its real-life faults), piece by piece, each with the line it starts on.
//!
//! Lines are counted as an editor shows them: the header is line 1, a line break inside quotes counts as well. A quote
//! that is never closed costs the record that it stands in, not the rest of the file.
//!
//! Must never: hold more than the pieces not yet read and one record; lose or invent a line.

use std::fmt;

/// A record longer than this many bytes can't be a customer.
pub const LONGEST_RECORD: usize = 256 * 1024;

/// What stands between two fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Delimiter {
    Semicolon,
    Comma,
    Tab,
}

impl Delimiter {
    pub const ALL: [Self; 3] = [Self::Semicolon, Self::Comma, Self::Tab];

    pub const fn byte(self) -> u8 {
        match self {
            Self::Semicolon => b';',
            Self::Comma => b',',
            Self::Tab => b'\t',
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Semicolon => "semicolon",
            Self::Comma => "comma",
            Self::Tab => "tab",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|d| d.name() == name)
    }

    /// The delimiter of a text of which `sample` is the start: the one under which the most records have as many fields
    /// as the header; between equals the one with more fields. One column only: a semicolon, which does no harm.
    pub fn detect(sample: &str) -> Self {
        if let Some(told) = told_by_first_line(sample) {
            return told;
        }
        let best = Self::ALL.into_iter().filter_map(|d| fitness(sample, d).map(|fitness| (fitness, d)));
        // Of equals the last wins; the order of ALL is by how common they are here.
        best.rev().max_by_key(|(fitness, _)| *fitness).map_or(Self::Semicolon, |(_, delimiter)| delimiter)
    }
}

/// Excel's own first line, `sep=;`.
fn told_by_first_line(sample: &str) -> Option<Delimiter> {
    let rest = sample.strip_prefix("sep=")?;
    let byte = *rest.as_bytes().first()?;
    Delimiter::ALL.into_iter().find(|d| d.byte() == byte)
}

const SAMPLE_RECORDS: usize = 200;
/// Per mille of the records that have the header's number of fields, from which on the number of fields decides.
const AGREEMENT: usize = 900;

fn fitness(sample: &str, delimiter: Delimiter) -> Option<(bool, usize, usize)> {
    let mut reader = RecordReader::new(delimiter);
    reader.push(sample);
    let mut header = reader.next();
    if header.is_none() {
        reader.finish();
        header = reader.next();
    }
    let width = header?.fields.len();
    let widths: Vec<usize> =
        std::iter::from_fn(|| reader.next()).take(SAMPLE_RECORDS).map(|r| r.fields.len()).collect();
    let same = widths.iter().filter(|w| **w == width).count();
    let agreement = if widths.is_empty() { 1000 } else { same * 1000 / widths.len() };
    let clear = agreement >= AGREEMENT;
    (width > 1).then_some((clear, if clear { width } else { 0 }, agreement))
}

/// What is wrong with a record as such.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordFault {
    /// A quote is opened and never closed; the record is its first line, read without regard to quotes.
    Quote,
    /// Longer than [`LONGEST_RECORD`]; the fields are gone.
    TooLong,
}

/// One record: the line on which it starts, and its fields as they stand.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    pub line: u64,
    pub fields: Vec<String>,
    pub fault: Option<RecordFault>,
}

impl Record {
    pub fn is_blank(&self) -> bool {
        self.fault.is_none() && self.fields.iter().all(|field| field.trim().is_empty())
    }
}

/// Fields are personal.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record(line {}, {} fields, {:?})", self.line, self.fields.len(), self.fault)
    }
}

/// Reads records from pieces of text.
pub struct RecordReader {
    delimiter: u8,
    pending: String,
    at: usize,
    line: u64,
    ended: bool,
    skipping: bool,
}

impl RecordReader {
    pub const fn new(delimiter: Delimiter) -> Self {
        Self { delimiter: delimiter.byte(), pending: String::new(), at: 0, line: 1, ended: false, skipping: false }
    }

    /// Adds the next piece of text.
    pub fn push(&mut self, text: &str) {
        self.pending.drain(..self.at);
        self.at = 0;
        self.pending.push_str(text);
    }

    /// Says that no more text follows.
    pub const fn finish(&mut self) {
        self.ended = true;
    }

    /// The next record that is there in full; empty lines are passed over but counted. `None` wants more text, or says
    /// that the end was reached.
    #[expect(clippy::should_implement_trait, reason = "`None` isn't the end while more text may come")]
    pub fn next(&mut self) -> Option<Record> {
        loop {
            if self.skipping && !self.skip_line() {
                return None;
            }
            let rest = self.pending.as_bytes().get(self.at..).filter(|rest| !rest.is_empty())?;
            let wait = !self.ended && rest.len() <= LONGEST_RECORD;
            if let Some(scanned) = Scan::new(rest, self.delimiter, self.ended, true).record() {
                if scanned.is_empty() {
                    self.pass(&scanned);
                    continue;
                }
                return Some(self.take(scanned, None));
            }
            if wait {
                return None;
            }
            let literal = Scan::new(rest, self.delimiter, self.ended, false).record();
            if let Some(scanned) = literal {
                return Some(self.take(scanned, Some(RecordFault::Quote)));
            }
            self.skipping = true;
            return Some(Record { line: self.line, fields: Vec::new(), fault: Some(RecordFault::TooLong) });
        }
    }

    const fn pass(&mut self, scanned: &Scanned) {
        self.at += scanned.used;
        self.line += scanned.lines;
    }

    fn take(&mut self, scanned: Scanned, fault: Option<RecordFault>) -> Record {
        let line = self.line;
        self.pass(&scanned);
        // The fields are cut at ASCII characters of a valid text, so that they are valid text themselves.
        let fields = scanned.fields.into_iter().map(|f| String::from_utf8(f).unwrap_or_default()).collect();
        Record { line, fields, fault }
    }

    /// Drops text up to the end of the line; false if that hasn't come yet.
    fn skip_line(&mut self) -> bool {
        let rest = self.pending.as_bytes().get(self.at..).unwrap_or_default();
        let Some(end) = rest.iter().position(|b| matches!(b, b'\n' | b'\r')) else {
            self.at = self.pending.len();
            return self.ended;
        };
        let pair = rest.get(end) == Some(&b'\r') && rest.get(end + 1) == Some(&b'\n');
        self.at += end + 1 + usize::from(pair);
        self.line += 1;
        self.skipping = false;
        true
    }
}

/// The start of one record in bytes.
struct Scan<'a> {
    bytes: &'a [u8],
    delimiter: u8,
    ended: bool,
    quotes: bool,
    at: usize,
    lines: u64,
    fields: Vec<Vec<u8>>,
}

/// One whole record, with the bytes and the lines that it takes.
struct Scanned {
    fields: Vec<Vec<u8>>,
    used: usize,
    lines: u64,
}

impl Scanned {
    fn is_empty(&self) -> bool {
        self.fields.len() == 1 && self.fields.iter().all(Vec::is_empty)
    }
}

enum After {
    Field,
    Record,
    Cut,
}

impl<'a> Scan<'a> {
    const fn new(bytes: &'a [u8], delimiter: u8, ended: bool, quotes: bool) -> Self {
        Self { bytes, delimiter, ended, quotes, at: 0, lines: 0, fields: Vec::new() }
    }

    /// `None` if the bytes end before the record does.
    fn record(mut self) -> Option<Scanned> {
        loop {
            let mut field = Vec::new();
            if self.quotes && self.bytes.get(self.at) == Some(&b'"') && !self.quoted(&mut field) {
                return None;
            }
            let after = self.plain(&mut field);
            self.fields.push(field);
            match after {
                After::Field => {}
                After::Record => return Some(Scanned { fields: self.fields, used: self.at, lines: self.lines }),
                After::Cut => return None,
            }
        }
    }

    /// Reads from an opening to its closing quote; false if that doesn't come.
    fn quoted(&mut self, field: &mut Vec<u8>) -> bool {
        self.at += 1;
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let Some(length) = rest.iter().position(|b| *b == b'"') else { return false };
            let (text, _) = rest.split_at(length);
            field.extend_from_slice(text);
            self.lines += line_breaks(text);
            self.at += length + 1;
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    field.push(b'"');
                    self.at += 1;
                }
                // Whether this quote closes or is the first of two isn't known yet.
                None => return self.ended,
                Some(_) => return true,
            }
        }
    }

    /// Reads up to the end of the field; quotes in here are characters like any other.
    fn plain(&mut self, field: &mut Vec<u8>) -> After {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let stop = |b: &u8| *b == self.delimiter || matches!(b, b'\n' | b'\r');
        let Some(length) = rest.iter().position(stop) else {
            field.extend_from_slice(rest);
            self.at = self.bytes.len();
            self.lines += 1;
            return if self.ended { After::Record } else { After::Cut };
        };
        let (text, end) = rest.split_at(length);
        field.extend_from_slice(text);
        self.at += length + 1;
        match end {
            [b, ..] if *b == self.delimiter => return After::Field,
            [b'\r', b'\n', ..] => self.at += 1,
            [b'\r'] if !self.ended => return After::Cut,
            _ => {}
        }
        self.lines += 1;
        After::Record
    }
}

fn line_breaks(text: &[u8]) -> u64 {
    let mut breaks = 0;
    let mut before = 0;
    for byte in text {
        breaks += u64::from(*byte == b'\r' || (*byte == b'\n' && before != b'\r'));
        before = *byte;
    }
    breaks
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
