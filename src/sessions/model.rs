//! Sessions and API tokens as they are kept, and the rules of their ends.

use chrono::{DateTime, TimeDelta, Utc};
use kluis_core::kernel::Id;
use kluis_core::kernel::id::{Tenant, User};
use kluis_core::privacy::{Keyring, Sealed, VaultError};
use serde::{Deserialize, Serialize};

use crate::users::seal::RowSignature;

kluis_core::kinds! {
    /// A session or an API token.
    Access = "acc",
}

const TABLE: &str = "access_tokens";

/// What a bearer may do with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessKind {
    /// A person who signed in: everything that the person may.
    Session,
    /// Somebody on the way to a session: only the step that is missing.
    Step(Step),
    /// A program: what its scopes leave of what its maker may.
    Api,
}

/// What is still to be done before somebody is signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The password was right; the second factor is missing.
    SecondFactor,
    /// A one-time link was used; a password has to be chosen.
    ChoosePassword,
}

impl AccessKind {
    pub const fn codes(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Session => ("session", None),
            Self::Step(Step::SecondFactor) => ("step", Some("second_factor")),
            Self::Step(Step::ChoosePassword) => ("step", Some("choose_password")),
            Self::Api => ("api", None),
        }
    }

    pub fn from_codes(kind: &str, step: Option<&str>) -> Option<Self> {
        let all = [Self::Session, Self::Step(Step::SecondFactor), Self::Step(Step::ChoosePassword), Self::Api];
        all.into_iter().find(|known| known.codes() == (kind, step))
    }
}

/// Sealed under the user's key: how people tell their sessions and tokens apart.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct AccessLabel {
    pub text: String,
}

/// Longest label; what browsers call themselves is cut to it.
pub const LABEL: usize = 200;

/// The row of a session or token.
#[derive(Clone)]
pub struct AccessRow {
    pub token_hash: [u8; 32],
    /// The tenant that is acted for.
    pub tenant: Id<Tenant>,
    pub id: Id<Access>,
    pub user: Id<User>,
    pub kind: AccessKind,
    pub generation: i64,
    pub label: Option<Sealed<AccessLabel>>,
    /// JSON list of `object:action`.
    pub scopes: Option<String>,
    pub created_at: DateTime<Utc>,
    pub last_used_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub mac: Vec<u8>,
}

impl AccessRow {
    /// Everything that gives rights. The last use isn't among it, and comes lazily.
    fn signature(&self) -> RowSignature {
        let (kind, step) = self.kind.codes();
        RowSignature::new(TABLE)
            .bytes(&self.token_hash)
            .id(self.tenant)
            .id(self.id)
            .id(self.user)
            .text(Some(kind))
            .text(step)
            .int(self.generation)
            .text(self.scopes.as_deref())
            .int(self.created_at.timestamp_micros())
            .int(self.expires_at.timestamp_micros())
    }

    pub fn sign(&mut self, keys: &Keyring) -> Result<(), VaultError> {
        self.mac = self.signature().sign(keys)?;
        Ok(())
    }

    pub fn verify(&self, keys: &Keyring) -> Result<(), VaultError> {
        self.signature().verify(keys, &self.mac)
    }
}

/// How long sessions last.
#[derive(Debug, Clone, Copy)]
pub struct Lifetimes {
    /// A session ends after this time without use.
    pub idle: TimeDelta,
    /// And after this time in any case.
    pub absolute: TimeDelta,
}

impl Lifetimes {
    pub fn new(idle_minutes: u32, hours: u32) -> Self {
        Self { idle: TimeDelta::minutes(i64::from(idle_minutes)), absolute: TimeDelta::hours(i64::from(hours)) }
    }

    /// Whether something that was last used then has ended. Tokens of programs rest as long as they like.
    pub fn is_over(
        self,
        kind: AccessKind,
        expires_at: DateTime<Utc>,
        last_used_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> bool {
        now >= expires_at || (kind == AccessKind::Session && now >= last_used_at + self.idle)
    }
}

/// How long the second factor may take.
pub const SECOND_FACTOR_TIME: TimeDelta = TimeDelta::minutes(5);
/// How long choosing a password may take.
pub const CHOOSE_TIME: TimeDelta = TimeDelta::minutes(15);
/// The longest that an API token may live.
pub const API_LONGEST: TimeDelta = TimeDelta::days(366);
/// The most API tokens that one user may have.
pub const API_MOST: i64 = 100;

#[cfg(test)]
mod tests {
    use kluis_core::kernel::clock::from_micros;

    use super::*;

    #[test]
    fn sessions_end_by_rest_and_by_age_and_tokens_by_age_only() {
        let lifetimes = Lifetimes::new(60, 12);
        let start = from_micros(1_700_000_000_000_000);
        let end = start + TimeDelta::hours(12);
        let minutes = |n| start + TimeDelta::minutes(n);
        for (kind, used, now, over) in [
            (AccessKind::Session, start, minutes(59), false),
            (AccessKind::Session, start, minutes(60), true),
            (AccessKind::Session, minutes(700), minutes(719), false),
            (AccessKind::Session, minutes(719), minutes(720), true),
            (AccessKind::Api, start, minutes(719), false),
            (AccessKind::Api, start, minutes(720), true),
            (AccessKind::Step(Step::SecondFactor), start, minutes(719), false),
        ] {
            assert_eq!(lifetimes.is_over(kind, end, used, now), over, "{kind:?} {used} {now}");
        }
    }

    #[test]
    fn kinds_are_read_back() {
        for kind in [
            AccessKind::Session,
            AccessKind::Step(Step::SecondFactor),
            AccessKind::Step(Step::ChoosePassword),
            AccessKind::Api,
        ] {
            let (code, step) = kind.codes();
            assert_eq!(AccessKind::from_codes(code, step), Some(kind));
        }
        assert_eq!(AccessKind::from_codes("step", None), None);
        assert_eq!(AccessKind::from_codes("session", Some("second_factor")), None);
    }
}
