//! What a tenant is, and which rules its place in the tree has to obey.

use chrono::{DateTime, NaiveDate, Utc};
use kluis_core::kernel::company::{BranchNumber, KvkNumber};
use kluis_core::kernel::id::Tenant;
use kluis_core::kernel::{CountryCode, Faults, Id, Phrase, Problem, Text, bsn};
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};

/// What kind of organisation a tenant is; policies speak of kinds.
#[derive(Enum, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum TenantKind {
    /// Headquarters of a network.
    Hq,
    /// A part of the network between headquarters and franchisees.
    Region,
    /// A franchise partner's business.
    Franchisee,
    /// An organisation whose customers are members.
    MemberOrg,
    /// A charity.
    Ngo,
}

impl TenantKind {
    pub const ALL: [Self; 5] = [Self::Hq, Self::Region, Self::Franchisee, Self::MemberOrg, Self::Ngo];

    /// As stored and as policies name it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Hq => "hq",
            Self::Region => "region",
            Self::Franchisee => "franchisee",
            Self::MemberOrg => "member_org",
            Self::Ngo => "ngo",
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Whether a tenant of this kind may stand right below one of kind `parent`; `None` is the top of a tree.
    pub const fn fits_below(self, parent: Option<Self>) -> bool {
        match (self, parent) {
            (Self::Hq, parent) => parent.is_none(),
            (Self::Region | Self::Franchisee, Some(parent)) => matches!(parent, Self::Hq | Self::Region),
            (Self::MemberOrg, Some(parent)) => !matches!(parent, Self::Franchisee),
            (Self::MemberOrg | Self::Ngo, None) => true,
            (Self::Ngo, Some(parent)) => matches!(parent, Self::Hq | Self::Ngo),
            (Self::Region | Self::Franchisee, None) => false,
        }
    }
}

/// Whether a tenant is at work.
#[derive(Enum, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum TenantStatus {
    Active,
    /// Nobody can work for it any more; its records stay until their retention ends.
    Closed,
}

impl TenantStatus {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Closed => "closed",
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Active, Self::Closed].into_iter().find(|status| status.code() == code)
    }
}

/// A tenant to be written: everything that people decide.
#[derive(Object, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, example)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TenantDraft {
    /// Stays what it is once the tenant is made.
    pub kind: TenantKind,
    /// The tenant above it.
    #[oai(validator(max_length = 40))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// Name of the organisation.
    #[oai(validator(min_length = 1, max_length = 200))]
    pub name: String,
    /// ISO 3166-1 alpha-2; phone numbers and postcodes without a country are read as this country's.
    #[oai(validator(min_length = 2, max_length = 2))]
    pub country: String,
    /// Number in the Dutch trade register, eight digits.
    #[oai(validator(max_length = 20))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kvk_number: Option<String>,
    /// Number of the branch in the Dutch trade register, twelve digits.
    #[oai(validator(max_length = 30))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch_number: Option<String>,
    /// First day of the contract with the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract_starts: Option<NaiveDate>,
    /// Last day of the contract; absent while it has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract_ends: Option<NaiveDate>,
    /// Why this tenant may keep special categories of data (GDPR Art. 9(2)); without it the compartment is off.
    #[oai(validator(min_length = 10, max_length = 500))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub special_ground: Option<String>,
}

impl poem_openapi::types::Example for TenantDraft {
    fn example() -> Self {
        Self {
            kind: TenantKind::Franchisee,
            parent_id: Some("ten_01932f5e-8a70-7abc-8def-0123456789ab".to_owned()),
            name: "Voorbeeldvestiging Utrecht".to_owned(),
            country: "NL".to_owned(),
            kvk_number: Some("12345678".to_owned()),
            branch_number: Some("000012345678".to_owned()),
            contract_starts: NaiveDate::from_ymd_opt(2026, 1, 1),
            contract_ends: NaiveDate::from_ymd_opt(2030, 12, 31),
            special_ground: None,
        }
    }
}

/// A draft whose texts were parsed.
#[derive(Clone, PartialEq, Eq)]
pub struct ValidTenant {
    pub kind: TenantKind,
    pub parent: Option<Id<Tenant>>,
    pub name: String,
    pub country: CountryCode,
    pub kvk_number: Option<String>,
    pub branch_number: Option<String>,
    pub contract_starts: Option<NaiveDate>,
    pub contract_ends: Option<NaiveDate>,
    pub special_ground: Option<String>,
}

const NOT_AN_ID: Phrase = Phrase { en: "This isn't the id of a tenant.", nl: "Dit is geen id van een tenant." };
pub(super) const BEFORE_START: Phrase =
    Phrase { en: "The contract ends before it starts.", nl: "Het contract eindigt voordat het begint." };

impl TenantDraft {
    /// Parses all texts; every fault is named by its pointer.
    pub fn validate(&self) -> Result<ValidTenant, Problem> {
        let mut faults = Faults::new();
        let parent = self
            .parent_id
            .as_deref()
            .and_then(|text| faults.check("/parentId", Id::parse(text).ok_or(("id", NOT_AN_ID))));
        let name = faults.check("/name", Text::<200>::parse(&self.name));
        faults.check("/name", bsn::refuse(&self.name));
        let country = faults.check("/country", CountryCode::parse(&self.country));
        let kvk_number = self.kvk_number.as_deref().and_then(|t| faults.check("/kvkNumber", KvkNumber::parse(t)));
        let branch_number =
            self.branch_number.as_deref().and_then(|t| faults.check("/branchNumber", BranchNumber::parse(t)));
        let ground = self.special_ground.as_deref();
        let special_ground = ground.and_then(|t| faults.check("/specialGround", Text::<500>::parse(t)));
        faults.check("/specialGround", bsn::refuse(ground.unwrap_or_default()));
        if let (Some(starts), Some(ends)) = (self.contract_starts, self.contract_ends)
            && ends < starts
        {
            faults.add("/contractEnds", "before_start", BEFORE_START);
        }
        faults.into_result()?;
        let (Some(name), Some(country)) = (name, country) else {
            return Err(Problem::invalid(Vec::new()));
        };
        Ok(ValidTenant {
            kind: self.kind,
            parent,
            name: name.expose().to_owned(),
            country,
            kvk_number: kvk_number.map(|number| number.expose().to_owned()),
            branch_number: branch_number.map(|number| number.expose().to_owned()),
            contract_starts: self.contract_starts,
            contract_ends: self.contract_ends,
            special_ground: special_ground.map(|text| text.expose().to_owned()),
        })
    }
}

/// A tenant as it is kept.
#[derive(Clone)]
pub struct TenantRecord {
    pub id: Id<Tenant>,
    pub status: TenantStatus,
    pub valid: ValidTenant,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub revision: i64,
}

impl TenantRecord {
    /// The writable form, which a patch is applied to.
    pub fn draft(&self) -> TenantDraft {
        let valid = &self.valid;
        TenantDraft {
            kind: valid.kind,
            parent_id: valid.parent.map(|id| id.to_string()),
            name: valid.name.clone(),
            country: valid.country.as_str().to_owned(),
            kvk_number: valid.kvk_number.clone(),
            branch_number: valid.branch_number.clone(),
            contract_starts: valid.contract_starts,
            contract_ends: valid.contract_ends,
            special_ground: valid.special_ground.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use poem_openapi::types::Example as _;

    use super::*;

    #[test]
    fn each_kind_has_its_place_in_the_tree() {
        use TenantKind::{Franchisee, Hq, MemberOrg, Ngo, Region};
        for (kind, parents) in [
            (Hq, &[None][..]),
            (Region, &[Some(Hq), Some(Region)]),
            (Franchisee, &[Some(Hq), Some(Region)]),
            (MemberOrg, &[None, Some(Hq), Some(Region), Some(MemberOrg), Some(Ngo)]),
            (Ngo, &[None, Some(Hq), Some(Ngo)]),
        ] {
            for parent in TenantKind::ALL.map(Some).into_iter().chain([None]) {
                assert_eq!(kind.fits_below(parent), parents.contains(&parent), "{kind:?} below {parent:?}");
            }
            assert_eq!(TenantKind::from_code(kind.code()), Some(kind));
        }
    }

    #[test]
    fn all_faults_are_named() {
        let draft = TenantDraft {
            parent_id: Some("cus_x".to_owned()),
            name: " ".to_owned(),
            country: "XX".to_owned(),
            kvk_number: Some("1234".to_owned()),
            branch_number: Some("1234".to_owned()),
            special_ground: Some("bsn 111222333".to_owned()),
            contract_ends: NaiveDate::from_ymd_opt(2025, 12, 31),
            ..TenantDraft::example()
        };
        let problem = draft.validate().err().unwrap();
        let found: Vec<_> = problem.faults.iter().map(|fault| (fault.pointer.as_str(), fault.code)).collect();
        assert_eq!(
            found,
            [
                ("/parentId", "id"),
                ("/name", "required"),
                ("/country", "country"),
                ("/kvkNumber", "kvk_number"),
                ("/branchNumber", "branch_number"),
                ("/specialGround", "bsn"),
                ("/contractEnds", "before_start"),
            ]
        );
        assert!(TenantDraft::example().validate().is_ok());
    }
}
