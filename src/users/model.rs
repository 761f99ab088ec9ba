//! Users as they are kept, and what may be written of them.

use chrono::{DateTime, Utc};
use kluis_core::kernel::id::{Tenant, User};
use kluis_core::kernel::{Email, Faults, Id, Phrase, Problem, Text, bsn};
use kluis_core::privacy::{KeyId, Sealed};
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};

use super::totp::TotpSecret;

kluis_core::kinds! {
    /// A role that a user holds in a tenant.
    RoleGrant = "rol",
    /// A link that works once.
    OneTime = "otl",
}

/// Version of the shape of the sealed parts.
pub const SCHEMA: u16 = 1;

/// Length of a display name.
pub type Name = Text<120>;

/// Sealed part `identity`.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct UserIdentity {
    pub display_name: Name,
}

/// Sealed part `contact`.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct UserContact {
    pub email: Email,
}

/// Whether a user can sign in.
#[derive(Enum, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum UserStatus {
    /// Has no password yet.
    Invited,
    Active,
    /// Can't sign in, and neither can the tokens that they made.
    Disabled,
}

impl UserStatus {
    pub const ALL: [Self; 3] = [Self::Invited, Self::Active, Self::Disabled];

    pub const fn code(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.code() == code)
    }
}

/// A language of the product.
#[derive(Enum, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum UserLanguage {
    En,
    #[default]
    Nl,
}

impl UserLanguage {
    pub const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Nl => "nl",
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        [Self::En, Self::Nl].into_iter().find(|language| language.code() == code)
    }
}

/// A user to be written.
#[derive(Object, Serialize, Deserialize, Clone, PartialEq, Eq)]
#[oai(rename_all = "camelCase", example)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserDraft {
    /// Signs in with it; an address has one account in the whole installation.
    #[oai(validator(min_length = 3, max_length = 254))]
    pub email: String,
    #[oai(validator(min_length = 1, max_length = 120))]
    pub display_name: String,
    /// Of pages and mails.
    pub language: UserLanguage,
}

impl Example for UserDraft {
    fn example() -> Self {
        Self {
            email: "medewerker@vestiging.example".to_owned(),
            display_name: "Medewerker Voorbeeld".to_owned(),
            language: UserLanguage::Nl,
        }
    }
}

/// A draft whose texts were parsed.
pub struct ValidUser {
    pub identity: UserIdentity,
    pub contact: UserContact,
    pub language: UserLanguage,
}

impl UserDraft {
    pub fn validate(&self) -> Result<ValidUser, Problem> {
        let mut faults = Faults::new();
        let email = faults.check("/email", Email::parse(&self.email));
        let display_name = faults.check("/displayName", Name::parse(&self.display_name));
        faults.check("/displayName", bsn::refuse(&self.display_name));
        faults.into_result()?;
        let (Some(email), Some(display_name)) = (email, display_name) else {
            return Err(Problem::invalid(Vec::new()));
        };
        Ok(ValidUser {
            identity: UserIdentity { display_name },
            contact: UserContact { email },
            language: self.language,
        })
    }
}

/// The row of a user.
#[derive(Clone)]
pub struct UserRow {
    /// The home tenant, which manages the account.
    pub tenant: Id<Tenant>,
    pub id: Id<User>,
    pub status: UserStatus,
    pub language: UserLanguage,
    /// The tenant that new sessions act for.
    pub acting_tenant: Id<Tenant>,
    pub email_hash: [u8; 32],
    pub key: KeyId,
    pub identity: Sealed<UserIdentity>,
    pub contact: Sealed<UserContact>,
    /// PHC string.
    pub password: Option<String>,
    pub password_changed_at: Option<DateTime<Utc>>,
    pub totp: Option<Sealed<TotpSecret>>,
    pub totp_pending: Option<Sealed<TotpSecret>>,
    pub totp_step: i64,
    pub generation: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub last_sign_in_at: Option<DateTime<Utc>>,
    pub revision: i64,
    pub mac: Vec<u8>,
}

/// A role in a tenant, with the time in which it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub id: Id<RoleGrant>,
    pub tenant: Id<Tenant>,
    /// Without the prefix `role:`.
    pub role: String,
    pub starts_at: Option<DateTime<Utc>>,
    pub ends_at: Option<DateTime<Utc>>,
    pub granted_by: Option<Id<User>>,
    pub granted_at: DateTime<Utc>,
}

impl Grant {
    /// From its start up to, and without, its end.
    pub fn is_valid(&self, now: DateTime<Utc>) -> bool {
        self.starts_at.is_none_or(|start| start <= now) && self.ends_at.is_none_or(|end| now < end)
    }

    /// The next moment at which its validity changes; a decision must not be kept beyond it.
    pub fn next_change(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        [self.starts_at, self.ends_at].into_iter().flatten().filter(|at| *at > now).min()
    }
}

pub(super) const ENDS_BEFORE: Phrase =
    Phrase { en: "It ends before it starts.", nl: "Het eindigt voordat het begint." };

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use kluis_core::kernel::clock::from_micros;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_grant_counts_from_its_start_up_to_its_end() {
        let now = from_micros(1_700_000_000_000_000);
        let hour = TimeDelta::hours(1);
        let grant = |starts_at, ends_at| Grant {
            id: Id::from_uuid(Uuid::nil()),
            tenant: Id::from_uuid(Uuid::nil()),
            role: "sales".to_owned(),
            starts_at,
            ends_at,
            granted_by: None,
            granted_at: now,
        };
        for (starts, ends, valid, change) in [
            (None, None, true, None),
            (Some(now), None, true, None),
            (Some(now + hour), None, false, Some(now + hour)),
            (None, Some(now), false, None),
            (None, Some(now + hour), true, Some(now + hour)),
            (Some(now - hour), Some(now + hour), true, Some(now + hour)),
            (Some(now + hour), Some(now + hour * 2), false, Some(now + hour)),
        ] {
            let grant = grant(starts, ends);
            assert_eq!((grant.is_valid(now), grant.next_change(now)), (valid, change));
        }
    }

    #[test]
    fn drafts_name_their_faults() {
        let draft = UserDraft { email: "geen adres".into(), display_name: "\u{7}".into(), language: UserLanguage::Nl };
        let faults = draft.validate().err().unwrap().faults;
        let found: Vec<_> = faults.iter().map(|fault| (fault.pointer.as_str(), fault.code)).collect();
        assert_eq!(found, [("/email", "email"), ("/displayName", "control_character")]);
        let draft = UserDraft { display_name: "bsn 111222333".into(), ..UserDraft::example() };
        assert_eq!(draft.validate().err().unwrap().faults[0].code, "bsn");
        assert!(UserDraft::example().validate().is_ok());
    }
}
