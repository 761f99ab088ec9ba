//! The shares' place in the record of the root key, and how it outlives that key.
//!
//! A rotation has the old root key and the new one, but not the secret: its shares are with people. So the new root key is
//! encrypted **to** the secret, as one writes to somebody who isn't there: X25519 (RFC 7748) between a key pair that is used
//! once and the public key of the secret; HKDF-SHA256 makes the key that wraps the root key of it. Wrapping the secret under
//! the root key would do as well, and would let whoever has an old root key open every later one.
//!
//! Into the same derivation goes a second secret, the **mixer**. It is derived from the shared secret too, and kept in the
//! slot, wrapped under the root key. So a stolen key store alone stays closed to a machine that breaks X25519 one day, and
//! an old root key alone stays closed without one: only both together would open a later record.
//!
//! Everything that the slot says (set, threshold, when, public key, prints of the shares) goes into a digest under which the
//! mixer and the root key are wrapped: who changes a word of it, or puts a public key of his own there, breaks the slot,
//! and a rotation refuses to carry it over.
//!
//! Must never: hold the secret, or be carried over unchecked.

use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use ring::agreement::{self, EphemeralPrivateKey, UnparsedPublicKey};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use serde::{Deserialize, Serialize};
use x25519_dalek::{PublicKey, StaticSecret};

use super::{PRINT, Share, ShareFault, ShareFaults, SharePlan, ShareSet, Sharing, combined};
use crate::privacy::keys::{Derivation, Secret};
use crate::privacy::keystore::INSTALLATION;
use crate::privacy::wrapped::{Parent, Place};
use crate::privacy::{Algorithm, KeyId, Result, VaultError, WrappedKey, frame};

/// What the key store says about its shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharesInfo {
    pub set: ShareSet,
    pub threshold: u8,
    pub count: usize,
    pub made: DateTime<Utc>,
}

/// As it stands in the record of the root key. Bytes are in hexadecimal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::privacy) struct SharesSlot {
    set: String,
    threshold: u8,
    /// Microseconds since 1970.
    made: i64,
    /// Public key of the secret.
    public: String,
    /// One per share, in the order of their numbers.
    prints: Vec<String>,
    /// The second secret, under the root key.
    mixer: String,
    /// Public half of the pair that was used once.
    ephemeral: String,
    /// The root key.
    wrapped: String,
}

/// What doesn't change when the slot is carried over.
struct Facts {
    set: ShareSet,
    public: [u8; 32],
    prints: Vec<[u8; PRINT]>,
}

const BROKEN: VaultError = VaultError::Integrity("shares of the root record");

impl SharesSlot {
    pub(in crate::privacy) fn make(root: &Secret, version: u32, sharing: &Sharing) -> Result<Self> {
        let own = Own::of(&sharing.secret)?;
        let prints = sharing.shares.iter().map(|share| share.print().map(|print| HEXLOWER.encode(&print)));
        let mut slot = Self {
            set: HEXLOWER.encode(&sharing.set().0),
            threshold: sharing.plan.threshold(),
            made: sharing.made.timestamp_micros(),
            public: HEXLOWER.encode(own.public().as_bytes()),
            prints: prints.collect::<Result<_>>()?,
            mixer: String::new(),
            ephemeral: String::new(),
            wrapped: String::new(),
        };
        slot.seal(root, version, &own.mixer)?;
        Ok(slot)
    }

    /// The slot for the next root key; its shares stay what they are.
    pub(in crate::privacy) fn carried(&self, old: &Secret, from: u32, root: &Secret, to: u32) -> Result<Self> {
        let place = mixer_place(self.id()?, from);
        let mixer = unwrap(&Parent::new(old)?, &place, &self.mixer).map_err(|_| BROKEN)?;
        let mut next = self.clone();
        next.seal(root, to, &mixer)?;
        Ok(next)
    }

    /// The root key, out of what was handed over; or everything that is wrong with that.
    pub(in crate::privacy) fn open(&self, version: u32, shares: &[Share]) -> Result<Secret> {
        let needed = self.needed(shares)?;
        let own = Own::of(&combined(needed)?)?;
        let (facts, id) = (self.facts()?, self.id()?);
        if own.public().as_bytes() != &facts.public {
            return Err(BROKEN);
        }
        let ephemeral = array(&self.ephemeral)?;
        let agreed = own.private.diffie_hellman(&PublicKey::from(ephemeral));
        if !agreed.was_contributory() {
            return Err(BROKEN);
        }
        let parent = parent(&own.mixer, agreed.as_bytes(), &ephemeral, &facts.public)?;
        unwrap(&parent, &slot_place(id, version), &self.wrapped)
    }

    /// As many of these shares as it takes.
    fn needed<'a>(&self, shares: &'a [Share]) -> Result<&'a [Share]> {
        let facts = self.facts()?;
        let mut faults = Vec::new();
        let mut good = 0;
        for (at, share) in shares.iter().enumerate() {
            let number = share.number;
            let print = usize::from(number).checked_sub(1).and_then(|at| facts.prints.get(at));
            if share.set != facts.set {
                faults.push(ShareFault::OtherSet { number, set: share.set, wanted: facts.set });
            } else if shares[..at].iter().any(|before| before.set == share.set && before.number == number) {
                faults.push(ShareFault::Twice { number });
            } else if share.threshold != self.threshold || print != Some(&share.print()?) {
                faults.push(ShareFault::Unknown { number });
            } else {
                good += 1;
            }
        }
        if good < usize::from(self.threshold) {
            faults.push(ShareFault::TooFew { given: good, needed: self.threshold });
        }
        if faults.is_empty() {
            return Ok(&shares[..usize::from(self.threshold)]);
        }
        Err(ShareFaults(faults).into())
    }

    pub(in crate::privacy) fn info(&self) -> Result<SharesInfo> {
        let made = DateTime::from_timestamp_micros(self.made).ok_or(BROKEN)?;
        Ok(SharesInfo { set: self.facts()?.set, threshold: self.threshold, count: self.prints.len(), made })
    }

    fn seal(&mut self, root: &Secret, version: u32, mixer: &Secret) -> Result<()> {
        let (public, id) = (self.facts()?.public, self.id()?);
        let pair = EphemeralPrivateKey::generate(&agreement::X25519, &SystemRandom::new());
        let pair = pair.map_err(|_| VaultError::Random)?;
        let half = pair.compute_public_key().map_err(|_| VaultError::Random)?;
        let ephemeral: [u8; 32] = half.as_ref().try_into().map_err(|_| BROKEN)?;
        let theirs = UnparsedPublicKey::new(&agreement::X25519, public);
        let parent = agreement::agree_ephemeral(pair, &theirs, |agreed| parent(mixer, agreed, &ephemeral, &public));
        let parent = parent.map_err(|_| BROKEN)??;
        self.ephemeral = HEXLOWER.encode(&ephemeral);
        self.wrapped = wrap(&parent, &slot_place(id, version), root)?;
        self.mixer = wrap(&Parent::new(root)?, &mixer_place(id, version), mixer)?;
        Ok(())
    }

    fn facts(&self) -> Result<Facts> {
        let set = ShareSet::from_bytes(array(&self.set)?).ok_or(BROKEN)?;
        let prints = self.prints.iter().map(|print| array(print)).collect::<Result<Vec<_>>>()?;
        let count = u8::try_from(prints.len()).map_err(|_| BROKEN)?;
        SharePlan::new(self.threshold, count).ok_or(BROKEN)?;
        Ok(Facts { set, public: array(&self.public)?, prints })
    }

    /// Digest of the facts.
    fn id(&self) -> Result<KeyId> {
        let Facts { set, public, prints } = self.facts()?;
        let mut facts = b"kluis shares".to_vec();
        frame::put(&mut facts, &set.0);
        frame::put(&mut facts, &[self.threshold]);
        frame::put(&mut facts, &self.made.to_be_bytes());
        frame::put(&mut facts, &public);
        prints.iter().for_each(|print| frame::put(&mut facts, print));
        let digest = digest(&SHA256, &facts);
        Ok(KeyId::from_bytes(std::array::from_fn(|at| digest.as_ref()[at])))
    }
}

/// What is derived from the secret.
struct Own {
    private: StaticSecret,
    mixer: Secret,
}

impl Own {
    fn of(secret: &Secret) -> Result<Self> {
        let derivation = Derivation::of(secret);
        let private = StaticSecret::from(*derivation.secret("shares private", &[])?);
        Ok(Self { private, mixer: derivation.secret("shares mixer", &[])? })
    }

    fn public(&self) -> PublicKey {
        PublicKey::from(&self.private)
    }
}

fn parent(mixer: &Secret, agreed: &[u8], ephemeral: &[u8; 32], public: &[u8; 32]) -> Result<Parent> {
    let detail = [ephemeral.as_slice(), public].concat();
    Parent::new(&Derivation::extracted(mixer, agreed).secret("shares slot", &detail)?)
}

const fn slot_place(id: KeyId, version: u32) -> Place {
    Place { tenant: INSTALLATION, kind: "shares slot", id, version, parent_version: 0 }
}

const fn mixer_place(id: KeyId, version: u32) -> Place {
    Place { tenant: INSTALLATION, kind: "shares mixer", id, version, parent_version: version }
}

fn wrap(parent: &Parent, place: &Place, secret: &Secret) -> Result<String> {
    WrappedKey::wrap(parent, Algorithm::default(), place, secret).map(|wrapped| HEXLOWER.encode(wrapped.as_bytes()))
}

fn unwrap(parent: &Parent, place: &Place, wrapped: &str) -> Result<Secret> {
    let bytes = HEXLOWER.decode(wrapped.as_bytes()).map_err(|_| BROKEN)?;
    Ok(WrappedKey::from_stored_bytes(&bytes)?.unwrap(parent, place)?.0)
}

fn array<const N: usize>(hex: &str) -> Result<[u8; N]> {
    HEXLOWER.decode(hex.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(BROKEN)
}
