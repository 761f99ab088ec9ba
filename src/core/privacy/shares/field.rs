//! The mathematics of the shares, by `vsss-rs`: no tables that the cache would tell of, coefficients drawn from all of the
//! field. The numbers of the shares are the points; 0 is the secret's.
//!
//! Must never: go on with less randomness than the polynomials need.

use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};
use ring::rand::{SecureRandom, SystemRandom};
use vsss_rs::Gf256;
use zeroize::Zeroizing;

use super::SharePlan;
use crate::privacy::keys::Secret;
use crate::privacy::{Result, VaultError};

/// Numbers from 1 on, with the part of each.
pub(super) fn split(secret: &Secret, plan: SharePlan) -> Result<Vec<(u8, Secret)>> {
    let (threshold, count) = (usize::from(plan.threshold()), usize::from(plan.count()));
    // A coefficient of each byte's polynomial takes a word.
    let mut random = Drawn::new(secret.len() * (threshold - 1) * WORD)?;
    let parts = Gf256::split_bytes(threshold, count, secret.as_slice(), &mut random);
    let parts = Zeroizing::new(parts.map_err(|_| UNSHARED)?);
    if random.is_short {
        return Err(VaultError::Random);
    }
    parts.iter().zip(1..=plan.count()).map(|(part, number)| numbered(part, number)).collect()
}

fn numbered(part: &[u8], number: u8) -> Result<(u8, Secret)> {
    match part.split_first() {
        Some((found, part)) if *found == number && part.len() == 32 => {
            let mut secret = Secret::default();
            secret.copy_from_slice(part);
            Ok((number, secret))
        }
        _ => Err(UNSHARED),
    }
}

/// What the polynomials through these points are at 0.
pub(super) fn combine<'a>(parts: impl Iterator<Item = (u8, &'a Secret)>) -> Result<Secret> {
    let points: Vec<Vec<u8>> = parts
        .map(|(number, part)| {
            let mut point = Vec::with_capacity(part.len() + 1);
            point.push(number);
            point.extend_from_slice(part.as_slice());
            point
        })
        .collect();
    let points = Zeroizing::new(points);
    let bytes = Zeroizing::new(Gf256::combine_bytes(&*points).map_err(|_| UNSHARED)?);
    let mut secret = Secret::default();
    if bytes.len() != secret.len() {
        return Err(UNSHARED);
    }
    secret.copy_from_slice(&bytes);
    Ok(secret)
}

const UNSHARED: VaultError = VaultError::Integrity("sharing of a secret");
const WORD: usize = 4;

/// Randomness of the system, drawn beforehand: here is where it may fail, and a generator may not.
struct Drawn {
    bytes: Zeroizing<Vec<u8>>,
    at: usize,
    is_short: bool,
}

impl Drawn {
    fn new(length: usize) -> Result<Self> {
        let mut bytes = Zeroizing::new(vec![0; length]);
        SystemRandom::new().fill(&mut bytes).map_err(|_| VaultError::Random)?;
        Ok(Self { bytes, at: 0, is_short: false })
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut word = [0; N];
        match self.bytes.get(self.at..self.at + N) {
            Some(drawn) => word.copy_from_slice(drawn),
            None => self.is_short = true,
        }
        self.at += N;
        word
    }
}

impl TryRng for Drawn {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.take()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.take()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for byte in bytes {
            [*byte] = self.take();
        }
        Ok(())
    }
}

impl TryCryptoRng for Drawn {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_short_of_randomness_is_told() {
        let mut random = Drawn::new(6).unwrap();
        let _ = (random.take::<4>(), random.is_short || random.take::<2>() == [0; 2]);
        assert!(!random.is_short);
        assert_eq!((random.take::<1>(), random.is_short), ([0], true));
    }

    /// `x^2 + x + secret` by hand, over the field of AES: what another program would make of the same shares.
    #[test]
    fn the_field_and_the_points_are_frozen() {
        let times =
            |a: u8, b: u8| (0..8).fold(0_u16, |sum, bit| sum ^ ((u16::from(a) << bit) * u16::from((b >> bit) & 1)));
        let reduced = |wide: u16| {
            (8..16).rev().fold(wide, |w, bit| if (w >> bit) & 1 == 1 { w ^ (0x11b << (bit - 8)) } else { w })
        };
        let at = |x: u8| u8::try_from(reduced(times(x, x))).unwrap() ^ x ^ 0x5a;
        let parts: Vec<_> = [3, 9, 200].map(|x| (x, Secret::new([at(x); 32]))).into();
        assert_eq!(*combine(parts.iter().map(|(number, part)| (*number, part))).unwrap(), [0x5a; 32]);
    }

    /// Two shares of three never bind the secret: over many sharings of one secret, each byte of a share takes all values.
    #[test]
    fn a_share_is_evenly_spread_whatever_the_secret() {
        let plan = SharePlan::new(3, 3).unwrap();
        let mut seen = [[0_u32; 256]; 2];
        for _ in 0..1_000 {
            let parts = split(&Secret::new([0xff; 32]), plan).unwrap();
            for (counts, (_, part)) in seen.iter_mut().zip(&parts) {
                part.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
            }
        }
        // 32,000 bytes over 256 values: 125 each; six standard deviations are 67.
        for counts in seen {
            assert!(counts.iter().all(|count| count.abs_diff(125) < 67), "{counts:?}");
        }
    }
}
