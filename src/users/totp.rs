//! The second factor: time-based one-time passwords (RFC 6238) and codes for whoever has lost the device.
//!
//! SHA-1, 6 digits, 30 seconds: the only form that every authenticator app understands. A code is taken one step early or
//! late, and each step's code works once.
//!
//! Must never: show a secret after its enrolment, or take a step's code twice.

use chrono::{DateTime, Utc};
use data_encoding::BASE32_NOPAD;
use kluis_core::kernel::Entropy;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Bytes of a secret: RFC 4226 section 4 advises 160 bits.
const SECRET: usize = 20;
/// Codes that are given out for a lost device.
pub const RECOVERY_CODES: usize = 10;
/// Crockford's alphabet: nothing in it is mistaken for something else.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CODE_LENGTH: usize = 12;
const GROUP: usize = 4;

/// The secret that the server and the app share. Stored sealed, as base32 text.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct TotpSecret([u8; SECRET]);

impl TotpSecret {
    pub fn new(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; SECRET];
        entropy.fill(&mut bytes);
        Self(bytes)
    }

    /// As people type it into an app.
    pub fn base32(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE32_NOPAD.encode(&self.0))
    }

    /// What a QR code or a link hands to the app (Google's Key URI format).
    pub fn uri(&self, account: &str) -> Zeroizing<String> {
        let account = percent_encode(account);
        let secret = self.base32();
        Zeroizing::new(format!(
            "otpauth://totp/Kluis:{}?secret={}&issuer=Kluis&algorithm=SHA1&digits=6&period=30",
            *account, *secret
        ))
    }

    /// The step of the code, if it is right now and later than `last`, the step that was taken before.
    pub fn check(&self, code: &str, now: DateTime<Utc>, last: i64) -> Option<i64> {
        let digits: Zeroizing<String> = Zeroizing::new(code.chars().filter(|c| !c.is_whitespace()).collect());
        let seconds = u64::try_from(now.timestamp()).ok()?;
        let totp = totp_rs::Builder::new().with_secret(self.0).build().ok()?;
        let step = i64::try_from(totp.check(&digits, seconds)?).ok()?;
        (step > last).then_some(step)
    }

    /// The code of a moment; what an app shows.
    pub fn code(&self, now: DateTime<Utc>) -> Option<String> {
        let seconds = u64::try_from(now.timestamp()).ok()?;
        let totp = totp_rs::Builder::new().with_secret(self.0).build().ok()?;
        Some(totp.generate(seconds).to_string())
    }
}

impl std::fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpSecret")
    }
}

impl Serialize for TotpSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.base32())
    }
}

impl<'de> Deserialize<'de> for TotpSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        let bytes = Zeroizing::new(BASE32_NOPAD.decode(text.as_bytes()).map_err(serde::de::Error::custom)?);
        bytes.as_slice().try_into().map(Self).map_err(|_| serde::de::Error::custom("not a secret"))
    }
}

/// RFC 3986: everything but the unreserved characters.
fn percent_encode(text: &str) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(text.len() * 3));
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&data_encoding::HEXUPPER.encode(&[byte]));
        }
    }
    out
}

/// A code for a lost device: 60 random bits, shown once as `XXXX-XXXX-XXXX`.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct RecoveryCode(String);

impl RecoveryCode {
    pub fn new(entropy: &dyn Entropy) -> Self {
        let mut random = Zeroizing::new([0_u8; CODE_LENGTH]);
        entropy.fill(random.as_mut_slice());
        Self(random.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect())
    }

    /// Any spelling: small letters, spaces, dashes, O for 0, I and L for 1. `None` if it can't be one.
    pub fn parse(text: &str) -> Option<Self> {
        let mut code = Self(String::with_capacity(CODE_LENGTH));
        for c in text.chars().filter(|c| !c.is_whitespace() && *c != '-') {
            let c = match c.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            let known = u8::try_from(c).is_ok_and(|byte| ALPHABET.contains(&byte));
            if !known || code.0.len() == CODE_LENGTH {
                return None;
            }
            code.0.push(c);
        }
        (code.0.len() == CODE_LENGTH).then_some(code)
    }

    /// The one spelling that is hashed.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// As people read it.
    pub fn grouped(&self) -> Zeroizing<String> {
        let groups: Vec<&str> = (0..CODE_LENGTH / GROUP).map(|n| &self.0[n * GROUP..(n + 1) * GROUP]).collect();
        Zeroizing::new(groups.join("-"))
    }
}

impl std::fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecoveryCode")
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use kluis_core::kernel::clock::from_micros;

    use super::*;

    struct Counter;
    impl Entropy for Counter {
        fn fill(&self, bytes: &mut [u8]) {
            for (n, byte) in bytes.iter_mut().enumerate() {
                *byte = u8::try_from(n * 7 % 251).unwrap();
            }
        }
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        from_micros(seconds * 1_000_000)
    }

    #[test]
    fn the_vectors_of_rfc_6238() {
        let secret = TotpSecret(*b"12345678901234567890");
        for (seconds, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")]
        {
            assert_eq!(secret.code(at(seconds)).as_deref(), Some(code));
            assert_eq!(secret.check(code, at(seconds), 0), Some(seconds / 30));
        }
    }

    #[test]
    fn a_code_works_once_and_only_around_its_time() {
        let secret = TotpSecret::new(&Counter);
        let now = at(1_700_000_000);
        let code = secret.code(now).unwrap();
        let step = secret.check(&code, now, 0).unwrap();
        assert_eq!(secret.check(&code, now, step), None, "a replay");
        let spaced = format!("{} {}", &code[..3], &code[3..]);
        assert_eq!(secret.check(&spaced, now + TimeDelta::seconds(30), step - 1), Some(step), "one step late");
        assert_eq!(secret.check(&code, now + TimeDelta::seconds(90), 0), None);
        assert_eq!(secret.check(&code, now - TimeDelta::seconds(90), 0), None);
        for wrong in ["", "12345", "+12345", "1234567", "abcdef", "１２３４５６"] {
            assert_eq!(secret.check(wrong, now, 0), None, "{wrong}");
        }
    }

    #[test]
    fn the_address_of_an_enrolment_is_escaped() {
        let uri = TotpSecret::new(&Counter).uri("a&b=c d@voorbeeld.example");
        assert!(uri.starts_with("otpauth://totp/Kluis:a%26b%3Dc%20d%40voorbeeld.example?secret="), "{}", *uri);
        assert!(uri.ends_with("&issuer=Kluis&algorithm=SHA1&digits=6&period=30"));
    }

    #[test]
    fn secrets_are_read_back_and_not_shown() {
        let secret = TotpSecret::new(&Counter);
        let json = serde_json::to_string(&secret).unwrap();
        assert_eq!(serde_json::from_str::<TotpSecret>(&json).unwrap(), secret);
        assert!(serde_json::from_str::<TotpSecret>("\"MFRGG\"").is_err());
        assert_eq!(format!("{secret:?}{:?}", RecoveryCode::new(&Counter)), "TotpSecretRecoveryCode");
    }

    #[test]
    fn recovery_codes_are_read_in_any_spelling() {
        let code = RecoveryCode::new(&Counter);
        let shown = code.grouped();
        assert_eq!(shown.len(), 14);
        assert_eq!(RecoveryCode::parse(&shown).unwrap(), code);
        assert_eq!(RecoveryCode::parse(&format!(" {} ", shown.to_lowercase().replace('-', " "))).unwrap(), code);
        assert_eq!(RecoveryCode::parse("OIL0-0000-0000"), RecoveryCode::parse("0110 0000 0000"));
        for wrong in ["", "0000-0000", "0000-0000-00000", "UUUU-0000-0000", "é000-0000-0000"] {
            assert_eq!(RecoveryCode::parse(wrong), None, "{wrong}");
        }
    }
}
