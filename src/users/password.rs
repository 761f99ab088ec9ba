//! Passwords: which ones are good enough, and how they are kept.
//!
//! By NIST SP 800-63B: length and guessability count, composition rules don't; there is no forced change. A password is
//! normalised (NFKC), bound to its user and peppered under a key that isn't in the database, then hashed with Argon2id
//! (RFC 9106) with the parameters of OWASP's first choice for servers with little memory.
//!
//! Must never: keep, log or return a password, or take less time for a user that doesn't exist.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use kluis_core::kernel::Phrase;
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// Fewest characters of a password.
pub const SHORTEST: usize = 12;
/// Most characters: NIST asks for at least 64, and something must bound the work.
pub const LONGEST: usize = 128;
/// Length of the salt in bytes, as RFC 9106 section 4 advises.
pub const SALT: usize = 16;

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// What Dutch people build guessable passwords from; the lists of zxcvbn know English and American words and names.
const DUTCH_WORDS: &[&str] = &[
    "kluis",
    "wachtwoord",
    "welkom",
    "geheim",
    "toegang",
    "beheerder",
    "inloggen",
    "aanmelden",
    "gebruiker",
    "computer",
    "lente",
    "zomer",
    "herfst",
    "winter",
    "januari",
    "februari",
    "maart",
    "april",
    "augustus",
    "september",
    "oktober",
    "november",
    "december",
    "maandag",
    "dinsdag",
    "woensdag",
    "donderdag",
    "vrijdag",
    "zaterdag",
    "zondag",
    "vandaag",
    "nederland",
    "holland",
    "oranje",
    "amsterdam",
    "rotterdam",
    "utrecht",
    "eindhoven",
    "groningen",
    "feyenoord",
    "vitesse",
    "voetbal",
    "koning",
    "koningin",
    "schatje",
    "liefje",
    "lieverd",
    "poepie",
    "hallo",
    "doei",
    "knuffel",
    "moppie",
    "vakantie",
    "familie",
    "moeder",
    "vader",
    "zonnetje",
    "vlinder",
    "hondje",
    "poesje",
    "konijn",
    "paard",
    "fiets",
    "boerderij",
    "bloemen",
    "tulpen",
    "molen",
    "sterren",
    "hoofdkantoor",
    "franchise",
    "klanten",
    "verkoop",
    "kantoor",
];

type Fault = (&'static str, Phrase);

const TOO_SHORT: Fault =
    ("too_short", Phrase { en: "Use at least 12 characters.", nl: "Gebruik ten minste 12 tekens." });
const TOO_LONG: Fault =
    ("too_long", Phrase { en: "Use at most 128 characters.", nl: "Gebruik ten hoogste 128 tekens." });
const WEAK: Fault = (
    "weak_password",
    Phrase {
        en: "This password is easy to guess. Several unrelated words make a good one.",
        nl: "Dit wachtwoord is makkelijk te raden. Enkele woorden zonder verband maken een goed wachtwoord.",
    },
);

/// A password as somebody typed it, normalised; wiped when dropped, and never shown.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// What is typed at sign-in: only normalised, since rules may have changed since it was chosen. Anything over the
    /// greatest length is cut, which keeps it wrong.
    pub fn typed(text: &str) -> Self {
        Self(Zeroizing::new(text.nfkc().take(LONGEST + 1).collect()))
    }

    /// A new password, checked offline against length, leaked lists and what others know about the user
    /// (`inputs`: address, names, tenant). Faults: `too_short`, `too_long`, `weak_password`.
    pub fn chosen(text: &str, inputs: &[&str]) -> Result<Self, Fault> {
        let password = Self::typed(text);
        match password.0.chars().count() {
            0..SHORTEST => Err(TOO_SHORT),
            SHORTEST..=LONGEST => password.unguessable(inputs),
            _ => Err(TOO_LONG),
        }
    }

    /// At least 10^8 guesses for whoever knows the inputs: score 3 of zxcvbn (Wheeler, USENIX Security 2016).
    fn unguessable(self, inputs: &[&str]) -> Result<Self, Fault> {
        let words = |input: &&str| input.split(|c: char| !c.is_alphanumeric()).map(str::to_owned).collect::<Vec<_>>();
        let mut known: Vec<Zeroizing<String>> = inputs.iter().flat_map(words).map(Zeroizing::new).collect();
        known.extend(inputs.iter().map(|input| Zeroizing::new((*input).to_owned())));
        let known = known.iter().map(|word| word.as_str()).filter(|word| word.len() > 2);
        let known: Vec<&str> = known.chain(DUTCH_WORDS.iter().copied()).collect();
        let score = zxcvbn::zxcvbn(&self.0, &known).score();
        if score >= zxcvbn::Score::Three { Ok(self) } else { Err(WEAK) }
    }

    /// The bytes that are peppered.
    pub fn expose(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password")
    }
}

/// A password after the pepper: HMAC under a key of the installation over the user's id and the password, so that a hash
/// copied to another user's row, or made without the key, opens nothing.
pub type Peppered = Zeroizing<[u8; 32]>;

/// What a comparison found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Wrong,
    Right,
    /// Right, but hashed with other parameters than today's: hash it anew.
    Outdated,
}

#[derive(Debug, thiserror::Error)]
#[error("the password could not be hashed")]
pub struct HashFailed;

/// Hashes and compares, as many at once as there are processors; the others wait.
#[derive(Clone)]
pub struct Hasher {
    argon: Argon2<'static>,
    permits: Arc<Semaphore>,
    /// Compared with where there is no user or no password, so that the answer takes as long.
    nobody: Arc<str>,
}

impl Hasher {
    /// `at_once`: how many processors may hash at the same time.
    pub fn new(at_once: usize) -> Result<Self, HashFailed> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| HashFailed)?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobody = hash_now(&argon, &Zeroizing::new([0; 32]), [0; SALT])?.into();
        Ok(Self { argon, permits: Arc::new(Semaphore::new(at_once.max(1))), nobody })
    }

    /// The PHC string to store.
    pub async fn hash(&self, password: Peppered, salt: [u8; SALT]) -> Result<String, HashFailed> {
        let argon = self.argon.clone();
        self.aside(move || hash_now(&argon, &password, salt)).await?
    }

    /// Compares in the same time whether there is a hash or not; without one it is never right.
    pub async fn verify(&self, password: Peppered, stored: Option<&str>) -> Result<Verdict, HashFailed> {
        let argon = self.argon.clone();
        let exists = stored.is_some();
        let hash = stored.map_or_else(|| self.nobody.clone(), Arc::from);
        let verdict = self.aside(move || verify_now(&argon, &password, &hash)).await??;
        Ok(if exists { verdict } else { Verdict::Wrong })
    }

    /// Runs on a thread of its own: 45 ms of work must not hold up other requests.
    async fn aside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, HashFailed> {
        let permit = self.permits.clone().acquire_owned().await.map_err(|_| HashFailed)?;
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        done.await.map_err(|_| HashFailed)
    }
}

fn hash_now(argon: &Argon2<'_>, password: &Peppered, salt: [u8; SALT]) -> Result<String, HashFailed> {
    let hash = argon.hash_password_with_salt(password.as_slice(), &salt).map_err(|_| HashFailed)?;
    Ok(hash.to_string())
}

fn verify_now(argon: &Argon2<'_>, password: &Peppered, stored: &str) -> Result<Verdict, HashFailed> {
    let hash = PasswordHash::new(stored).map_err(|_| HashFailed)?;
    if argon.verify_password(password.as_slice(), &hash).is_err() {
        return Ok(Verdict::Wrong);
    }
    let params = Params::try_from(&hash).map_err(|_| HashFailed)?;
    let today = argon.params();
    let same = (params.m_cost(), params.t_cost(), params.p_cost()) == (today.m_cost(), today.t_cost(), today.p_cost())
        && hash.algorithm == argon2::ARGON2ID_IDENT;
    Ok(if same { Verdict::Right } else { Verdict::Outdated })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str, inputs: &[&str]) -> Option<&'static str> {
        Password::chosen(text, inputs).err().map(|(code, _)| code)
    }

    #[test]
    fn length_and_guessability_decide_and_composition_does_not() {
        for (text, wanted) in [
            ("", Some("too_short")),
            ("vuurtoren7!", Some("too_short")),
            ("fietspomp wolk anker", None),
            ("correct horse battery staple", None),
            ("zqkvjwmxhpbd", None),
            ("Wachtwoord2026!", Some("weak_password")),
            ("Welkom123456", Some("weak_password")),
            ("zomervakantie", Some("weak_password")),
            ("passwordpassword", Some("weak_password")),
            ("123456789012", Some("weak_password")),
            ("aaaaaaaaaaaaaaaa", Some("weak_password")),
            ("qwertyuiopas", Some("weak_password")),
        ] {
            assert_eq!(code(text, &[]), wanted, "{text}");
        }
        assert_eq!(code(&"fiets wolk ".repeat(12), &[]), Some("too_long"));
        assert_eq!(code("ﬁets ﬂuit ﬁlm", &[]), None, "counted after normalisation");
    }

    #[test]
    fn what_is_known_about_the_user_does_not_count() {
        let inputs = ["vogelzang.hendriksen@voorbeeldbedrijf.example", "Vogelzang Hendriksen"];
        assert_eq!(code("vogelzanghendriksen", &[]), None);
        assert_eq!(code("vogelzanghendriksen", &inputs), Some("weak_password"));
        assert_eq!(code("voorbeeldbedrijf1", &inputs), Some("weak_password"));
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Password::typed("canary canary")), "Password");
    }

    #[tokio::test]
    async fn only_the_same_bytes_open() {
        let hasher = Hasher::new(2).unwrap();
        let stored = hasher.hash(Zeroizing::new([1; 32]), [9; SALT]).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_eq!(hasher.verify(Zeroizing::new([1; 32]), Some(&stored)).await.unwrap(), Verdict::Right);
        assert_eq!(hasher.verify(Zeroizing::new([2; 32]), Some(&stored)).await.unwrap(), Verdict::Wrong);
        assert_eq!(
            hasher.verify(Zeroizing::new([0; 32]), None).await.unwrap(),
            Verdict::Wrong,
            "nobody has a password"
        );
        assert!(hasher.verify(Zeroizing::new([1; 32]), Some("$argon2id$broken")).await.is_err());
    }

    #[tokio::test]
    async fn a_hash_with_other_parameters_is_to_be_made_anew() {
        let weaker = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8 * 1024, 1, 1, None).unwrap());
        let stored = hash_now(&weaker, &Zeroizing::new([1; 32]), [9; SALT]).unwrap();
        let hasher = Hasher::new(1).unwrap();
        assert_eq!(hasher.verify(Zeroizing::new([1; 32]), Some(&stored)).await.unwrap(), Verdict::Outdated);
    }
}
