//! Which encoding a file is in, and its text: UTF-8 with or without a byte order mark, UTF-16 with one, or Windows-1252.
//!
//! Must never: take a byte sequence that is valid UTF-8 for anything else, or hold more of the file than it was handed.

use encoding_rs::{Decoder, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// The encodings that exports come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    #[serde(rename = "utf-8")]
    Utf8,
    /// What Excel calls "Unicode text".
    #[serde(rename = "utf-16le")]
    Utf16Le,
    #[serde(rename = "utf-16be")]
    Utf16Be,
    /// West-European Windows, by the WHATWG table; ISO 8859-1 and 8859-15 files read well enough as this.
    #[serde(rename = "windows-1252")]
    Windows1252,
}

impl Encoding {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Windows1252 => "windows-1252",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Utf8, Self::Utf16Le, Self::Utf16Be, Self::Windows1252].into_iter().find(|e| e.name() == name)
    }

    /// A decoder that drops the byte order mark; bytes that mean nothing become U+FFFD.
    pub fn decoder(self) -> TextDecoder {
        let encoding = match self {
            Self::Utf8 => UTF_8,
            Self::Utf16Le => UTF_16LE,
            Self::Utf16Be => UTF_16BE,
            Self::Windows1252 => WINDOWS_1252,
        };
        TextDecoder(encoding.new_decoder_with_bom_removal())
    }
}

/// Turns pieces of a file into pieces of text; a character may be cut anywhere between two pieces.
pub struct TextDecoder(Decoder);

impl TextDecoder {
    /// `last` says that no more bytes follow.
    pub fn decode(&mut self, bytes: &[u8], last: bool) -> String {
        let room = self.0.max_utf8_buffer_length(bytes.len()).unwrap_or(bytes.len().saturating_mul(3));
        let mut text = String::with_capacity(room);
        // The room suffices by contract, so that everything is read at once.
        let _ = self.0.decode_to_string(bytes, &mut text, last);
        text
    }
}

/// Why a file can't be a table of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotText;

/// Watches a file go by and tells its encoding; holds at most three bytes of it.
#[derive(Debug, Default)]
pub struct Sniffer {
    start: Vec<u8>,
    carry: Vec<u8>,
    characters: u64,
    invalid: u64,
    nul: bool,
}

impl Sniffer {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn push(&mut self, bytes: &[u8]) {
        let wanted = 3 - self.start.len().min(3);
        self.start.extend(bytes.iter().take(wanted));
        self.nul |= bytes.contains(&0);
        if self.carry.is_empty() {
            self.scan(bytes);
            return;
        }
        let mut joined = std::mem::take(&mut self.carry);
        joined.extend_from_slice(bytes);
        self.scan(&joined);
    }

    /// Counts characters beyond ASCII and sequences that aren't UTF-8; keeps a sequence that is cut off at the end.
    fn scan(&mut self, mut bytes: &[u8]) {
        loop {
            let (valid, rest) = match std::str::from_utf8(bytes) {
                Ok(text) => (text, None),
                Err(error) => {
                    let (valid, rest) = bytes.split_at(error.valid_up_to());
                    (std::str::from_utf8(valid).unwrap_or_default(), Some((rest, error.error_len())))
                }
            };
            let beyond = valid.bytes().filter(|b| *b >= 0xC0).count();
            self.characters = self.characters.saturating_add(beyond as u64);
            match rest {
                None => return,
                Some((rest, None)) => {
                    self.carry = rest.to_vec();
                    return;
                }
                Some((rest, Some(length))) => {
                    self.invalid = self.invalid.saturating_add(1);
                    bytes = rest.get(length..).unwrap_or_default();
                }
            }
        }
    }

    /// A file that is UTF-8 but for a few damaged places stays UTF-8, so that those places show as U+FFFD and their rows
    /// as errors, instead of every accented letter turning into two wrong ones.
    pub fn verdict(&self) -> Result<Encoding, NotText> {
        match self.start.as_slice() {
            [0xFF, 0xFE, ..] => return Ok(Encoding::Utf16Le),
            [0xFE, 0xFF, ..] => return Ok(Encoding::Utf16Be),
            _ if self.nul => return Err(NotText),
            [0xEF, 0xBB, 0xBF] => return Ok(Encoding::Utf8),
            _ => {}
        }
        let invalid = self.invalid + u64::from(!self.carry.is_empty());
        Ok(if invalid == 0 || self.characters > invalid { Encoding::Utf8 } else { Encoding::Windows1252 })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sniff(bytes: &[u8]) -> Result<Encoding, NotText> {
        let mut sniffer = Sniffer::new();
        sniffer.push(bytes);
        sniffer.verdict()
    }

    #[test]
    fn encodings_are_told_apart() {
        assert_eq!(sniff("Joëlle;François".as_bytes()), Ok(Encoding::Utf8));
        assert_eq!(sniff(b"plain ascii"), Ok(Encoding::Utf8));
        assert_eq!(sniff(b""), Ok(Encoding::Utf8));
        assert_eq!(sniff(b"\xEF\xBB\xBFnaam"), Ok(Encoding::Utf8));
        assert_eq!(sniff(b"Jo\xEBlle;Fran\xE7ois;\x80 5"), Ok(Encoding::Windows1252));
        assert_eq!(sniff(b"caf\xE9"), Ok(Encoding::Windows1252));
        assert_eq!(sniff(b"\xFF\xFEn\0"), Ok(Encoding::Utf16Le));
        assert_eq!(sniff(b"\xFE\xFF\0n"), Ok(Encoding::Utf16Be));
        assert_eq!(sniff(b"PK\x03\x04\0\0"), Err(NotText));
    }

    #[test]
    fn one_damaged_place_does_not_turn_utf8_into_something_else() {
        let mut bytes = "Zoë, Joëlle en Noëlle".as_bytes().to_vec();
        bytes.push(0xE9);
        assert_eq!(sniff(&bytes), Ok(Encoding::Utf8));
        assert!(Encoding::Utf8.decoder().decode(&bytes, true).ends_with('\u{FFFD}'));
    }

    #[test]
    fn windows_1252_has_its_own_quotes_and_euro() {
        assert_eq!(Encoding::Windows1252.decoder().decode(b"\x80\x93Jo\xEBlle\x94", true), "€“Joëlle”");
        assert_eq!(Encoding::Utf16Le.decoder().decode(b"\xFF\xFEn\0\xEB\0", true), "në");
    }

    proptest! {
        #[test]
        fn valid_utf8_is_utf8_wherever_it_is_cut(text in "[ -~À-ɏ€ऀ-ॿ😀-😎]{0,40}", cut in 1usize..7) {
            let mut sniffer = Sniffer::new();
            let mut decoder = Encoding::Utf8.decoder();
            let mut decoded = String::new();
            for piece in text.as_bytes().chunks(cut) {
                sniffer.push(piece);
                decoded += &decoder.decode(piece, false);
            }
            decoded += &decoder.decode(&[], true);
            prop_assert_eq!(sniffer.verdict(), Ok(Encoding::Utf8));
            prop_assert_eq!(decoded, text);
        }
    }
}
