//! Names of roles. Which roles there are, the policy says; how a name looks, this type says.

use std::fmt;
use std::sync::Arc;

/// The name of a role, without the prefix `role:`: lower-case letters, digits and `_`, at most 40, a letter first.
///
/// So a role can't be called `*`, can't be empty, can't hold a comma, a colon or a line break, and can't be mistaken
/// for a user or a tenant.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Role(Arc<str>);

/// The text isn't a role's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a role")]
pub struct RoleError;

impl Role {
    pub const PREFIX: &'static str = "role:";
    const LONGEST: usize = 40;

    /// Parses the bare name, as the database holds it.
    pub fn parse(name: &str) -> Result<Self, RoleError> {
        let starts = name.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        let rest = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if starts && rest && name.len() <= Self::LONGEST { Ok(Self(name.into())) } else { Err(RoleError) }
    }

    /// Parses the form in policies, `role:sales`.
    pub fn parse_prefixed(text: &str) -> Result<Self, RoleError> {
        text.strip_prefix(Self::PREFIX).ok_or(RoleError).and_then(Self::parse)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in policies.
    pub fn prefixed(&self) -> String {
        format!("{}{}", Self::PREFIX, self.0)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_are_roles() {
        for name in ["sales", "hq_admin", "a", "r2"] {
            assert_eq!(Role::parse(name).map(|role| role.prefixed()), Ok(format!("role:{name}")));
            assert_eq!(Role::parse_prefixed(&format!("role:{name}")), Role::parse(name));
        }
        for wrong in [
            "",
            "*",
            "Sales",
            "2fast",
            "_x",
            "role:sales",
            "user:x",
            "sales,role:admin",
            "sales\n",
            "sales ",
            "säles",
            "a23456789012345678901234567890123456789012",
        ] {
            assert_eq!(Role::parse(wrong), Err(RoleError), "{wrong:?}");
        }
        assert_eq!(Role::parse_prefixed("sales"), Err(RoleError));
        assert_eq!(Role::parse_prefixed("role:role:sales"), Err(RoleError));
    }
}
