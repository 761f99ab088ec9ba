//! How a key is written for people: on paper, in a file, in a password manager.
//!
//! `KLUIS-ROOT-` and 14 groups of five letters and digits of base32 (RFC 4648). Groups 1 to 13 hold four characters of the
//! key and a check character each, so that a typing error is found in its group; group 14 checks the whole, and the kind.
//! A share (`KLUIS-SHARE-`) has 16 groups: it holds five bytes more.
//! Case, spaces and dashes don't matter; 0, 1 and 8, which base32 doesn't have, are read as O, I and B.
//!
//! Must never be logged, and is never part of an error: faults name positions, not characters.

use data_encoding::BASE32_NOPAD;
use ring::digest;
use zeroize::Zeroizing;

use crate::kernel::Message;

/// Characters of the key in a group.
const CARRIED: usize = 4;
const GROUP: usize = CARRIED + 1;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// What is wrong with a written key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyTextFault {
    #[error("the key begins with {expected}")]
    Prefix { expected: &'static str },
    #[error("the key has {expected} characters after its name, {found} were given")]
    Length { expected: usize, found: usize },
    #[error("there is a typing error in group {group}")]
    Group { group: usize },
    #[error("two groups were swapped, or there are typing errors that can't be placed")]
    Whole,
}

impl KeyTextFault {
    /// For the operator's terminal, in both languages.
    pub fn message(&self) -> Message {
        match self {
            Self::Prefix { expected } => {
                Message::new(format!("The key begins with {expected}."), format!("De sleutel begint met {expected}."))
            }
            Self::Length { expected: total, found } => Message::new(
                format!("The key has {total} letters and digits after its name; {found} were given."),
                format!("De sleutel heeft {total} letters en cijfers na zijn naam; er zijn er {found} gegeven."),
            ),
            Self::Group { group } => Message::new(
                format!("There is a typing error in group {group} of the key."),
                format!("Er zit een typefout in groep {group} van de sleutel."),
            ),
            Self::Whole => Message::new(
                "Groups of the key were swapped or mistyped; which ones can't be told.",
                "Groepen van de sleutel zijn verwisseld of verkeerd getypt; welke is niet te zeggen.",
            ),
        }
    }
}

/// Characters of a whole key of this many bytes: those that hold it fill their groups exactly (32 bytes make 52, 37 make
/// 60), and one group checks the whole.
const fn length(bytes: usize) -> usize {
    ((bytes * 8).div_ceil(5).div_ceil(CARRIED) + 1) * GROUP
}

/// Writes a key with its groups and checks.
pub(super) fn write<const N: usize>(prefix: &'static str, secret: &Zeroizing<[u8; N]>) -> Zeroizing<String> {
    let data = Zeroizing::new(BASE32_NOPAD.encode(secret.as_slice()));
    let mut text = Zeroizing::new(String::with_capacity(prefix.len() + length(N) / GROUP * (GROUP + 1)));
    text.push_str(prefix);
    for (position, carried) in data.as_bytes().chunks(CARRIED).enumerate() {
        text.extend(carried.iter().copied().map(char::from));
        text.push(char::from(check(prefix, position, carried)));
        text.push('-');
    }
    text.extend(whole(prefix, secret.as_slice()).map(char::from));
    text
}

/// Reads a key back, or says where it was mistyped.
pub(super) fn read<const N: usize>(prefix: &'static str, text: &str) -> Result<Zeroizing<[u8; N]>, KeyTextFault> {
    read_plain(prefix, &squeeze(text))
}

/// Reads keys that stand one after the other; at least one.
pub(super) fn read_several<const N: usize>(
    prefix: &'static str,
    text: &str,
) -> Result<Vec<Zeroizing<[u8; N]>>, KeyTextFault> {
    let plain = squeeze(text);
    let length = squeeze(prefix).len() + length(N);
    if plain.is_empty() || !plain.len().is_multiple_of(length) {
        return read_plain(prefix, &plain).map(|key| vec![key]);
    }
    plain.chunks(length).map(|key| read_plain(prefix, key)).collect()
}

/// Cuts a text before each key of a kind, so that each can be read, and its faults told, by itself. At least one piece.
pub(super) fn apart(prefix: &'static str, text: &str) -> Vec<Zeroizing<String>> {
    let (plain, start) = (squeeze(text), squeeze(prefix));
    let mut begins: Vec<_> = plain.windows(start.len()).enumerate().filter(|(_, part)| **part == **start).collect();
    // What stands before the first one is told as its fault.
    if let Some((at, _)) = begins.first_mut() {
        *at = 0;
    }
    let ends = begins.iter().skip(1).map(|(at, _)| *at).chain([plain.len()]);
    let pieces = begins.iter().map(|(at, _)| *at).chain(begins.is_empty().then_some(0)).zip(ends);
    pieces.map(|(begin, end)| Zeroizing::new(plain[begin..end].iter().copied().map(char::from).collect())).collect()
}

fn read_plain<const N: usize>(prefix: &'static str, plain: &[u8]) -> Result<Zeroizing<[u8; N]>, KeyTextFault> {
    let start = squeeze(prefix);
    let body = plain.strip_prefix(start.as_slice()).ok_or(KeyTextFault::Prefix { expected: prefix })?;
    if body.len() != length(N) {
        return Err(KeyTextFault::Length { expected: length(N), found: body.len() });
    }
    let (groups, last) = body.split_at(length(N) - GROUP);
    let mut data = Zeroizing::new(Vec::with_capacity(groups.len()));
    for (position, group) in groups.chunks(GROUP).enumerate() {
        let (carried, control) = group.split_at(CARRIED);
        let known = carried.iter().all(|character| ALPHABET.contains(character));
        if !known || control != [check(prefix, position, carried)] {
            return Err(KeyTextFault::Group { group: position + 1 });
        }
        data.extend_from_slice(carried);
    }
    // 52 characters are 260 bits: the last four must be zero, else the whole is wrong. So it is with 60.
    let bytes = Zeroizing::new(BASE32_NOPAD.decode(&data).map_err(|_| KeyTextFault::Whole)?);
    let mut secret = Zeroizing::new([0; N]);
    if bytes.len() != secret.len() {
        return Err(KeyTextFault::Whole);
    }
    secret.copy_from_slice(&bytes);
    if last == whole(prefix, secret.as_slice()) { Ok(secret) } else { Err(KeyTextFault::Whole) }
}

/// Letters and digits in capitals, as base32 means them; everything else (spaces, dashes, line ends) goes.
fn squeeze(text: &str) -> Zeroizing<Vec<u8>> {
    let known = text.bytes().filter(u8::is_ascii_alphanumeric);
    let mut plain = Zeroizing::new(Vec::with_capacity(text.len()));
    plain.extend(known.map(|character| match character.to_ascii_uppercase() {
        b'0' => b'O',
        b'1' => b'I',
        b'8' => b'B',
        other => other,
    }));
    plain
}

fn check(prefix: &str, position: usize, carried: &[u8]) -> u8 {
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(prefix.as_bytes());
    hash.update(&u64::try_from(position).unwrap_or(u64::MAX).to_be_bytes());
    hash.update(carried);
    ALPHABET[usize::from(hash.finish().as_ref()[0] & 31)]
}

fn whole(prefix: &str, secret: &[u8]) -> [u8; GROUP] {
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(b"kluis key text");
    hash.update(prefix.as_bytes());
    hash.update(secret);
    let hash = hash.finish();
    std::array::from_fn(|position| ALPHABET[usize::from(hash.as_ref()[position] & 31)])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PREFIX: &str = "KLUIS-ROOT-";

    fn written(byte: u8) -> String {
        write(PREFIX, &Zeroizing::new([byte; 32])).to_string()
    }

    #[test]
    fn the_form_is_frozen() {
        assert_eq!(
            written(0x5a),
            "KLUIS-ROOT-LJNF4-UWS2Y-LJNFX-UWS2M-LJNFL-UWS2F-LJNF2-UWS2C-LJNFW-UWS2A-LJNFK-UWS2W-LJNAX-Y3SL6"
        );
    }

    #[test]
    fn sloppy_spelling_is_read() {
        let text = written(0x5a);
        for sloppy in [
            text.to_lowercase(),
            text.replace('-', " "),
            text.replace('-', ""),
            format!("\n  {}\r\n", text.replace('O', "0").replace('I', "1").replace('B', "8")),
        ] {
            assert_eq!(*read::<32>(PREFIX, &sloppy).unwrap(), [0x5a; 32], "{sloppy}");
        }
    }

    #[test]
    fn faults_are_named() {
        let text = written(0x5a);
        let prefix = KeyTextFault::Prefix { expected: PREFIX };
        assert_eq!(read::<32>(PREFIX, "").unwrap_err(), prefix);
        assert_eq!(read::<32>(PREFIX, &text.replace("ROOT", "RECOVERY")).unwrap_err(), prefix);
        assert_eq!(
            read::<32>(PREFIX, &text[..text.len() - 1]).unwrap_err(),
            KeyTextFault::Length { expected: 70, found: 69 }
        );
        let other = write("KLUIS-RECOVERY-", &Zeroizing::new([0x5a; 32]));
        assert_ne!(read::<32>(PREFIX, &other.replace("RECOVERY", "ROOT")), read::<32>(PREFIX, &text));
    }

    proptest! {
        #[test]
        fn it_comes_back(bytes: [u8; 32]) {
            let secret = Zeroizing::new(bytes);
            prop_assert_eq!(*read::<32>(PREFIX, &write(PREFIX, &secret)).unwrap(), bytes);
        }

        #[test]
        fn no_typing_error_passes_and_most_are_placed(bytes: [u8; 32], at in 0_usize..70, by in 1_usize..32) {
            let text = write(PREFIX, &Zeroizing::new(bytes));
            let mut typed = squeeze(&text);
            let at_text = squeeze(PREFIX).len() + at;
            let place = ALPHABET.iter().position(|known| *known == typed[at_text]).unwrap();
            typed[at_text] = ALPHABET[(place + by) % 32];
            let fault = read::<32>(PREFIX, std::str::from_utf8(&typed).unwrap()).unwrap_err();
            let placed = KeyTextFault::Group { group: at / GROUP + 1 };
            prop_assert!(fault == placed || fault == KeyTextFault::Whole);
        }
    }
}
