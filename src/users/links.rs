//! Links that work once and for half an hour.
//!
//! The token stands in the fragment of the address, which browsers send to nobody; the page hands it over in a form.
//! Must never: work twice, outlive its time, or be told apart from one that never was.

use chrono::{DateTime, TimeDelta, Utc};
use kluis_core::kernel::id::User;
use kluis_core::kernel::{Entropy, Id, Problem};
use kluis_core::privacy::Keyring;
use kluis_core::store::{Tx, Unaudited};
use zeroize::Zeroizing;

use super::account::Account;
use super::model::OneTime;
use super::rows::{self, LinkRow};
use super::seal::{self, RowSignature};
use super::token::{Token, TokenKind};

/// How long a link works.
pub const LIFETIME: TimeDelta = TimeDelta::minutes(30);
/// The page that takes links.
pub const PAGE: &str = "/sign-in/link";
const TABLE: &str = "one_time_links";

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkPurpose {
    /// The first user of an installation chooses a password.
    FirstAdministrator,
    /// A new user chooses a password.
    Invitation,
    /// A user chooses a new password.
    PasswordReset,
    /// Signs in without a password; only made by `kluis demo`.
    Demonstration,
}

impl LinkPurpose {
    pub const ALL: [Self; 4] = [Self::FirstAdministrator, Self::Invitation, Self::PasswordReset, Self::Demonstration];

    pub const fn code(self) -> &'static str {
        match self {
            Self::FirstAdministrator => "first_administrator",
            Self::Invitation => "invitation",
            Self::PasswordReset => "password_reset",
            Self::Demonstration => "demonstration",
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.code() == code)
    }
}

/// A link that was just made. It is shown or mailed once; nothing can make its text again.
pub struct OneTimeLink {
    pub user: Id<User>,
    pub purpose: LinkPurpose,
    pub expires_at: DateTime<Utc>,
    token: Token,
}

impl OneTimeLink {
    /// The whole address, for a mail or a terminal.
    pub fn url(&self, public_url: &str) -> Zeroizing<String> {
        Zeroizing::new(format!("{public_url}{PAGE}#{}", *self.token.text()))
    }

    /// The code alone, for whoever types it in.
    pub fn code(&self) -> Zeroizing<String> {
        self.token.text()
    }
}

impl std::fmt::Debug for OneTimeLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OneTimeLink({} for {})", self.purpose.code(), self.user)
    }
}

/// Makes a link in the transaction; unused earlier ones of the same user die.
pub async fn make(
    tx: &mut Tx<Unaudited>,
    keys: &Keyring,
    (entropy, now): (&dyn Entropy, DateTime<Utc>),
    account: &Account,
    purpose: LinkPurpose,
    by: Option<Id<User>>,
) -> Result<OneTimeLink, Problem> {
    let token = Token::new(TokenKind::Link, entropy);
    let mut row = LinkRow {
        token_hash: seal::token_hash(keys, &token)?,
        tenant: account.row.tenant,
        id: Id::<OneTime>::new(now, entropy),
        user: account.row.id,
        purpose: purpose.code().to_owned(),
        created_by: by,
        created_at: now,
        expires_at: now + LIFETIME,
        mac: Vec::new(),
    };
    row.mac = signature(&row).sign(keys)?;
    rows::insert_link(tx, &row).await?;
    // Housekeeping on the way: what has long been over.
    rows::forget_links(tx, now - TimeDelta::days(1)).await?;
    Ok(OneTimeLink { user: account.row.id, purpose, expires_at: row.expires_at, token })
}

/// Uses a link up. `None`: there is none like it, it was used, its time is over, or somebody edited its row.
pub async fn take(
    tx: &mut Tx<Unaudited>,
    keys: &Keyring,
    now: DateTime<Utc>,
    token: &Token,
) -> Result<Option<(Id<User>, LinkPurpose)>, Problem> {
    let Some(row) = rows::take_link(tx, seal::token_hash(keys, token)?, now).await? else { return Ok(None) };
    let Some(purpose) = LinkPurpose::from_code(&row.purpose) else { return Ok(None) };
    if signature(&row).verify(keys, &row.mac).is_err() {
        tracing::error!(link = %row.id, "the row of a one-time link was changed outside the program");
        return Ok(None);
    }
    Ok(Some((row.user, purpose)))
}

fn signature(row: &LinkRow) -> RowSignature {
    RowSignature::new(TABLE)
        .bytes(&row.token_hash)
        .id(row.tenant)
        .id(row.id)
        .id(row.user)
        .text(Some(&row.purpose))
        .int(row.expires_at.timestamp_micros())
}
