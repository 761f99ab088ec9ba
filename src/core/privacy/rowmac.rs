//! Row MAC: the plain columns that carry rights, and the sealed values beside them, bound together under the subject's key.
//!
//! An edit in SQL, a value put back from an older revision or moved from another row makes it fail. It doesn't show that a
//! whole row with its MAC was put back: that is the audit log's part.
//!
//! Must never be skipped where a row decides about rights, and must never be compared with `==`.

use uuid::Uuid;

use super::envelope::{NONCE, TAG};
use super::{Algorithm, DataKey, Result, Sealed, VaultError, frame};

/// Length of a row MAC: algorithm (1 byte, as in the envelope of a value), version of the key that made it (3 bytes,
/// big-endian), random nonce (12) and tag (16) of that AEAD over no plaintext, with the columns as additional data. For
/// AES-GCM this is GMAC (NIST SP 800-38D, section 3).
///
/// What stands in front lets a row that was not yet sealed anew be checked with the right key, without trying. The key is
/// the one that seals: a second one for each row would cost as much as opening the row.
pub const LENGTH: usize = 4 + NONCE + TAG;
/// Versions have three bytes.
const VERSIONS: u32 = 1 << 24;

/// Collects the columns of one row. Both sides, writing and checking, must feed the same columns in the same order:
/// let one function per table do it.
pub struct RowMac<'a> {
    key: &'a DataKey,
    message: Vec<u8>,
}

impl<'a> RowMac<'a> {
    pub fn new(key: &'a DataKey, table: &'static str, tenant: Uuid, row: Uuid) -> Self {
        let mut message = Vec::with_capacity(512);
        message.extend_from_slice(b"kluis row");
        frame::put(&mut message, table.as_bytes());
        frame::put(&mut message, tenant.as_bytes());
        frame::put(&mut message, row.as_bytes());
        frame::put(&mut message, key.id().as_bytes());
        Self { key, message }
    }

    #[must_use]
    pub fn bytes(self, label: &'static str, value: Option<&[u8]>) -> Self {
        self.column(label, b'b', value)
    }

    #[must_use]
    pub fn text(self, label: &'static str, value: Option<&str>) -> Self {
        self.column(label, b't', value.map(str::as_bytes))
    }

    /// Whole numbers, and times as microseconds since 1970.
    #[must_use]
    pub fn int(self, label: &'static str, value: Option<i64>) -> Self {
        self.column(label, b'i', value.map(i64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice))
    }

    #[must_use]
    pub fn flag(self, label: &'static str, value: bool) -> Self {
        self.column(label, b'f', Some(&[u8::from(value)]))
    }

    #[must_use]
    pub fn uuid(self, label: &'static str, value: Option<Uuid>) -> Self {
        self.column(label, b'u', value.as_ref().map(|uuid| uuid.as_bytes().as_slice()))
    }

    /// A sealed column, by its fingerprint.
    #[must_use]
    pub fn sealed<T>(self, label: &'static str, value: Option<&Sealed<T>>) -> Self {
        self.column(label, b's', value.map(Sealed::fingerprint).as_ref().map(<[u8; 28]>::as_slice))
    }

    /// Label, type, whether there is a value, value: a missing one differs from an empty one.
    fn column(mut self, label: &'static str, kind: u8, value: Option<&[u8]>) -> Self {
        frame::put(&mut self.message, label.as_bytes());
        self.message.extend_from_slice(&[kind, u8::from(value.is_some())]);
        frame::put(&mut self.message, value.unwrap_or_default());
        self
    }

    /// The MAC to store, made with the newest version of the key.
    pub fn finish(self) -> Result<[u8; LENGTH]> {
        let version = self.key.version();
        if version >= VERSIONS {
            return Err(VaultError::Exhausted("versions of a key"));
        }
        let (nonce, tag) = self.key.tag(&self.message)?;
        let mut mac = [0; LENGTH];
        mac[..4].copy_from_slice(&version.to_be_bytes());
        mac[0] = self.key.algorithm().code();
        mac[4..4 + NONCE].copy_from_slice(&nonce);
        mac[4 + NONCE..].copy_from_slice(&tag);
        Ok(mac)
    }

    /// [`VaultError::Integrity`] when it isn't the one of these columns.
    pub fn verify(self, stored: &[u8]) -> Result<()> {
        const WRONG: VaultError = VaultError::Integrity("row");
        let mac: &[u8; LENGTH] = stored.try_into().map_err(|_| WRONG)?;
        let algorithm = Algorithm::from_code(mac[0]).map_err(|_| WRONG)?;
        let version = u32::from_be_bytes([0, mac[1], mac[2], mac[3]]);
        let nonce = std::array::from_fn(|at| mac[4 + at]);
        let tag = std::array::from_fn(|at| mac[4 + NONCE + at]);
        self.key.check((algorithm, version), nonce, &self.message, tag).map_err(|_| WRONG)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use zeroize::Zeroizing;

    use super::super::{Algorithm, Context, KeyId};
    use super::*;

    fn key(byte: u8, version: u32) -> DataKey {
        DataKey::new(KeyId::from_bytes([7; 16]), version, Algorithm::Aes256Gcm, Zeroizing::new([byte; 32])).unwrap()
    }

    fn row(key: &DataKey) -> RowMac<'_> {
        RowMac::new(key, "customers", Uuid::from_u128(1), Uuid::from_u128(2))
    }

    #[test]
    fn the_mac_is_frozen() {
        for stored in [
            "01000001b3cee05103cdc3020a29dfcf54b046ee8685d27e7bb8c05004aaec9d",
            "020000017934bd2a618010a432c1d60653b36d811dfb15d2f465c08f43c4f340",
        ] {
            let stored = data_encoding::HEXLOWER.decode(stored.as_bytes()).unwrap();
            let key = key(1, 1);
            let row = row(&key).int("revision", Some(3)).flag("hold", true).uuid("owner", None);
            assert!(row.verify(&stored).is_ok());
        }
    }

    #[test]
    fn every_change_shows() {
        let key = key(1, 1);
        let context = Context {
            tenant: Uuid::from_u128(1),
            table: "customers",
            part: "contact",
            row: Uuid::from_u128(2),
            subject: Uuid::from_u128(2),
            revision: 1,
            schema: 1,
        };
        let first = Sealed::seal(&key, &context, &1_u8).unwrap();
        let second = Sealed::seal(&key, &context, &1_u8).unwrap();
        let stored = row(&key).int("a", Some(1)).text("b", Some("")).sealed("c", Some(&first)).finish().unwrap();
        let same = || row(&key).int("a", Some(1)).text("b", Some(""));
        assert!(same().sealed("c", Some(&first)).verify(&stored).is_ok());
        let others = [
            same().sealed("c", Some(&second)),
            same().sealed::<u8>("c", None),
            same().sealed("d", Some(&first)),
            same(),
            row(&key).int("a", Some(2)).text("b", Some("")).sealed("c", Some(&first)),
            row(&key).int("a", Some(1)).text("b", None).sealed("c", Some(&first)),
            row(&key).int("a", Some(1)).bytes("b", Some(&[])).sealed("c", Some(&first)),
            row(&key).text("b", Some("")).int("a", Some(1)).sealed("c", Some(&first)),
            RowMac::new(&key, "customers", Uuid::from_u128(1), Uuid::from_u128(3))
                .int("a", Some(1))
                .text("b", Some(""))
                .sealed("c", Some(&first)),
        ];
        for other in others {
            assert!(matches!(other.verify(&stored), Err(VaultError::Integrity(_))));
        }
    }

    #[test]
    fn another_key_or_version_or_length_fails() {
        let (mine, theirs) = (key(1, 1), key(2, 1));
        let stored = row(&mine).finish().unwrap();
        assert!(row(&theirs).verify(&stored).is_err());
        for length in 0..LENGTH {
            assert!(row(&mine).verify(&stored[..length]).is_err());
        }
        let mut other = stored;
        other[3] = 2;
        assert!(row(&mine).verify(&other).is_err());
    }

    #[test]
    fn a_row_from_before_a_rotation_is_checked_with_its_own_version() {
        let stored = row(&key(1, 1)).int("a", Some(1)).finish().unwrap();
        let rotated = key(2, 2).with_older(vec![key(1, 1)]);
        assert!(row(&rotated).int("a", Some(1)).verify(&stored).is_ok());
        assert!(row(&rotated).int("a", Some(2)).verify(&stored).is_err());
        assert_eq!(row(&rotated).finish().unwrap()[..4], [1, 0, 0, 2]);
    }

    #[test]
    fn both_ciphers_make_macs_and_two_are_never_equal() {
        for algorithm in Algorithm::ALL {
            let key = DataKey::new(KeyId::from_bytes([7; 16]), 1, algorithm, Zeroizing::new([1; 32])).unwrap();
            let make = || row(&key).int("revision", Some(3)).flag("hold", true).uuid("owner", None).finish().unwrap();
            assert_ne!(make(), make());
            assert!(row(&key).verify(&make()).is_err());
        }
    }

    proptest! {
        #[test]
        fn a_flipped_bit_shows(value: i64, bit in 0_usize..LENGTH * 8) {
            let key = key(1, 1);
            let mut stored = row(&key).int("a", Some(value)).finish().unwrap();
            stored[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(row(&key).int("a", Some(value)).verify(&stored).is_err());
        }
    }
}
