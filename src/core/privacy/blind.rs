//! Blind index: finds a sealed value by an exact match without storing anything that could be read back.
//!
//! A hash is HMAC-SHA256 under a key per (tenant, field, version), **cut short on purpose**. A full hash would show which
//! records share a value, and a table of full hashes can be matched with another one. Cut to `b` bits, among `n` records
//! about `n / 2^b` others share each hash: a match may be a coincidence, so the reader decrypts the few candidates and
//! compares. The bound is that of CipherSweet (Paragon Initiative Enterprises, "Blind Index Planning"): at least 2 coincidences on average, so
//! `b <= log2(n / 2)`, and no more than the square root of `n`, so that a look-up stays cheap. That gives 12 bits at
//! 10,000 records, 15 at 100,000, 18 at 1,000,000; see [`bits_for`].
//!
//! Must never be fed what was not normalised, be used across tenants, or be taken as proof of equality.

use ring::hmac;

use super::Result;
use super::keys::{Derivation, Secret};
use super::keystore::IndexVersion;

/// Fields that can be found by an exact match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IndexField {
    /// NFKC, lower case, IDNA.
    Email,
    /// E.164.
    Phone,
    /// Without spaces, upper case.
    Iban,
    /// Postcode, house number and its addition.
    PostcodeHouse,
    /// System and number in it.
    ExternalId,
    /// Chamber of commerce number of an organisation.
    Kvk,
    VatNumber,
}

impl IndexField {
    pub const ALL: [Self; 7] =
        [Self::Email, Self::Phone, Self::Iban, Self::PostcodeHouse, Self::ExternalId, Self::Kvk, Self::VatNumber];

    /// As stored and as derived from; must not change.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Iban => "iban",
            Self::PostcodeHouse => "postcode_house",
            Self::ExternalId => "external_id",
            Self::Kvk => "kvk",
            Self::VatNumber => "vat_number",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }
}

/// A blind hash as the database holds it: version of the index in the upper half, hash in the lower 32 bits.
///
/// The version is in the value so that hashes of two versions can stand in one column while an index is being rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlindHash(i64);

impl BlindHash {
    pub const fn as_i64(self) -> i64 {
        self.0
    }

    pub const fn from_stored(hash: i64) -> Self {
        Self(hash)
    }

    pub const fn version(self) -> u32 {
        let [.., a, b, c, d] = (self.0 >> 32).to_be_bytes();
        u32::from_be_bytes([a, b, c, d])
    }
}

/// Bits of a hash for a tenant of this many records: floor(log2(n / 2)), between 8 and 24.
pub const fn bits_for(records: u64) -> u8 {
    let mut bits = 8;
    while bits < 24 && records / 2 >= 1 << (bits + 1) {
        bits += 1;
    }
    bits
}

impl IndexVersion {
    pub const DEFAULT_BITS: u8 = 15;
    /// More would come close to a full hash.
    pub const MOST_BITS: u8 = 32;

    /// What counts for a field that has no version stored.
    pub const fn default_of(field: IndexField) -> Self {
        Self { field, version: 1, bits: Self::DEFAULT_BITS, root_version: 1 }
    }

    pub(super) fn hash(&self, root: &Secret, normalised: &str) -> Result<BlindHash> {
        let detail = [self.field.name().as_bytes(), b"\0", &self.version.to_be_bytes()].concat();
        let key = Derivation::of(root).mac("blind index", &detail)?;
        let tag = hmac::sign(&key, normalised.as_bytes());
        let first: [u8; 4] = std::array::from_fn(|position| tag.as_ref()[position]);
        let cut = u32::from_be_bytes(first) >> (32 - self.bits.clamp(1, Self::MOST_BITS));
        Ok(BlindHash((i64::from(self.version) << 32) | i64::from(cut)))
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    const EMAIL: IndexVersion = IndexVersion::default_of(IndexField::Email);

    fn hash(index: &IndexVersion, root: u8, value: &str) -> BlindHash {
        index.hash(&Zeroizing::new([root; 32]), value).unwrap()
    }

    #[test]
    fn the_length_follows_the_bound() {
        let bits = [0, 100, 512, 10_000, 100_000, 1_000_000, u64::MAX].map(bits_for);
        assert_eq!(bits, [8, 8, 8, 12, 15, 18, 24]);
        assert_eq!(IndexVersion::DEFAULT_BITS, bits_for(100_000));
    }

    #[test]
    fn it_is_frozen() {
        assert_eq!(hash(&EMAIL, 1, "jan@example.org").as_i64(), 4_294_998_043);
    }

    #[test]
    fn root_field_version_and_value_count() {
        let wide = IndexVersion { bits: 32, ..EMAIL };
        let mine = hash(&wide, 1, "jan@example.org");
        assert_eq!(mine, hash(&wide, 1, "jan@example.org"));
        let others = [
            hash(&wide, 2, "jan@example.org"),
            hash(&wide, 1, "jan@example.com"),
            hash(&IndexVersion { field: IndexField::Phone, ..wide }, 1, "jan@example.org"),
            hash(&IndexVersion { version: 2, ..wide }, 1, "jan@example.org"),
        ];
        for other in others {
            assert_ne!(other.as_i64() & 0xffff_ffff, mine.as_i64() & 0xffff_ffff);
        }
        assert_eq!(hash(&IndexVersion { version: u32::MAX >> 1, ..wide }, 1, "x").version(), u32::MAX >> 1);
    }

    #[test]
    fn a_hash_has_no_more_bits_than_asked_for_and_uses_them() {
        for bits in [1, 8, 15, 32] {
            let index = IndexVersion { bits, ..EMAIL };
            let hashes: Vec<_> = (0..400).map(|n| hash(&index, 1, &format!("p{n}@example.org"))).collect();
            let largest = hashes.iter().map(|hash| hash.as_i64() & 0xffff_ffff).max().unwrap();
            assert!(largest < 1 << bits && largest >= 1 << (bits - 1), "{bits}");
            assert!(hashes.iter().all(|hash| hash.version() == 1));
        }
    }
}
