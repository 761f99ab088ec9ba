//! Shares of a recovery secret: any `threshold` of them open the vault together, fewer tell nothing (Shamir, "How to share a
//! secret", 1979; byte by byte over GF(2^8)).
//!
//! **What is shared** is not the root key: its shares would die with every rotation, and those who hold them would have to
//! be called together for each. It is a secret of its own, which opens a slot in the record of the root key, as the recovery
//! key does; unlike that one the slot is carried over to the next root key without its secret: see `slot`.
//!
//! **How a share is written**: as the other keys are, under `KLUIS-SHARE-`, with a check character in each group of five and
//! five for the whole. The first group is the set that the share is of, the second its number and how many are needed.
//!
//! Must never: leave the secret or a share in memory, show two shares at a time, or say more about shares than their numbers.

mod fault;
mod field;
pub(super) mod slot;
#[cfg(test)]
mod tests;

use std::fmt;

use chrono::{DateTime, Utc};
use data_encoding::BASE32_NOPAD;
use zeroize::Zeroizing;

use super::keys::{self, Derivation, Secret};
use super::{Result, VaultError, keytext};
pub use fault::{ShareFault, ShareFaults};
pub use slot::SharesInfo;

/// Bytes before a share's own: set 3, threshold 1, number 1.
const HEADER: usize = 5;
const LENGTH: usize = HEADER + 32;
/// Bytes by which the key store knows a share again.
const PRINT: usize = 16;

/// How many shares are made, and how many of them are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharePlan {
    threshold: u8,
    count: u8,
}

impl SharePlan {
    /// One share alone would be a recovery key.
    pub const FEWEST: u8 = 2;
    /// More people than this are seldom found again, and the text of all of them is still handed over at once.
    pub const MOST: u8 = 16;

    /// `None` unless 2 or more are needed of at most 16.
    pub const fn new(threshold: u8, count: u8) -> Option<Self> {
        if threshold < Self::FEWEST || threshold > count || count > Self::MOST {
            return None;
        }
        Some(Self { threshold, count })
    }

    pub const fn threshold(self) -> u8 {
        self.threshold
    }

    pub const fn count(self) -> u8 {
        self.count
    }
}

/// Tells shares that were made together from others: 20 random bits, which people see as four letters and digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShareSet([u8; 3]);

impl ShareSet {
    fn random() -> Result<Self> {
        let [first, second, third] = keys::random()?;
        Ok(Self([first, second, third & 0xf0]))
    }

    /// The last four bits are left for another way of sharing.
    fn from_bytes(bytes: [u8; 3]) -> Option<Self> {
        (bytes[2].trailing_zeros() >= 4).then_some(Self(bytes))
    }
}

impl fmt::Display for ShareSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(BASE32_NOPAD.encode(&self.0).get(..4).unwrap_or_default())
    }
}

/// One share, as its holder has it.
pub struct Share {
    set: ShareSet,
    threshold: u8,
    number: u8,
    part: Secret,
}

impl Share {
    pub const PREFIX: &'static str = "KLUIS-SHARE-";

    /// Reads the text form; the fault says in which group a typing error is.
    pub fn parse(text: &str) -> Result<Self, keytext::KeyTextFault> {
        let bytes = keytext::read::<LENGTH>(Self::PREFIX, text)?;
        let [first, second, third, threshold, number, ..] = *bytes;
        // Nothing that this program writes; another version's, perhaps.
        let set = ShareSet::from_bytes([first, second, third]).ok_or(keytext::KeyTextFault::Whole)?;
        if SharePlan::new(threshold, number.max(threshold)).is_none() || number == 0 {
            return Err(keytext::KeyTextFault::Whole);
        }
        let mut part = Secret::default();
        part.copy_from_slice(&bytes[HEADER..]);
        Ok(Self { set, threshold, number, part })
    }

    /// Reads one share after another, and all faults of them; lines that begin with `#` are passed over. At least one.
    pub fn parse_several(text: &str) -> Result<Vec<Self>, ShareFaults> {
        let (mut shares, mut faults) = (Vec::new(), Vec::new());
        for (at, text) in keytext::apart(Self::PREFIX, &without_comments(text)).iter().enumerate() {
            match Self::parse(text) {
                Ok(share) => shares.push(share),
                Err(fault) => faults.push(ShareFault::Text { place: at + 1, fault }),
            }
        }
        if faults.is_empty() { Ok(shares) } else { Err(ShareFaults(faults)) }
    }

    /// The text form, for its holder.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new([0; LENGTH]);
        bytes[..HEADER].copy_from_slice(&self.header());
        bytes[HEADER..].copy_from_slice(self.part.as_slice());
        keytext::write(Self::PREFIX, &bytes)
    }

    pub const fn set(&self) -> ShareSet {
        self.set
    }

    /// Counted from 1.
    pub const fn number(&self) -> u8 {
        self.number
    }

    /// How many shares of the set are needed.
    pub const fn threshold(&self) -> u8 {
        self.threshold
    }

    const fn header(&self) -> [u8; HEADER] {
        let [first, second, third] = self.set.0;
        [first, second, third, self.threshold, self.number]
    }

    /// By what the key store knows this share again: derived from its 256 random bits, so that it tells nothing of them.
    fn print(&self) -> Result<[u8; PRINT]> {
        let derived = Derivation::of(&self.part).secret("share print", &self.header())?;
        Ok(std::array::from_fn(|at| derived[at]))
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Share({} {})", self.set, self.number)
    }
}

/// What is left of a text without the lines that tell people what the others are.
pub(super) fn without_comments(text: &str) -> Zeroizing<String> {
    let mut plain = Zeroizing::new(String::with_capacity(text.len() + 1));
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        plain.push_str(line);
        plain.push('\n');
    }
    plain
}

/// A new secret and all its shares, before the key store knows of them.
pub struct Sharing {
    pub(super) secret: Secret,
    shares: Vec<Share>,
    plan: SharePlan,
    made: DateTime<Utc>,
}

impl Sharing {
    /// Makes a secret and its shares, and proves that the first and the last of them give it back.
    pub fn make(plan: SharePlan, made: DateTime<Utc>) -> Result<Self> {
        let (secret, set, threshold) = (keys::random_secret()?, ShareSet::random()?, plan.threshold);
        let parts = field::split(&secret, plan)?;
        let share = |(number, part)| Share { set, threshold, number, part };
        let shares: Vec<_> = parts.into_iter().map(share).collect();
        let needed = usize::from(threshold);
        for some in [&shares[..needed], &shares[shares.len() - needed..]] {
            if *combined(some)? != *secret {
                return Err(VaultError::Integrity("shares that were just made"));
            }
        }
        Ok(Self { secret, shares, plan, made })
    }

    /// In the order of their numbers.
    pub fn shares(&self) -> &[Share] {
        &self.shares
    }

    pub const fn plan(&self) -> SharePlan {
        self.plan
    }

    pub fn set(&self) -> ShareSet {
        self.shares[0].set
    }
}

impl fmt::Debug for Sharing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sharing({:?})", self.plan)
    }
}

/// The secret that these shares make together: the right one only if they are of one set, different, and enough.
fn combined(shares: &[Share]) -> Result<Secret> {
    field::combine(shares.iter().map(|share| (share.number, &share.part)))
}
