//! The fictitious franchise: who works in it, and how it hangs together.

use kluis_core::kernel::Phrase;

use crate::tenants::model::TenantKind;

/// One tenant of the demonstration.
#[derive(Debug, Clone, Copy)]
pub struct Unit {
    /// Short name by which the demonstration speaks of it.
    pub key: &'static str,
    pub kind: TenantKind,
    pub name: &'static str,
    /// Position of the tenant above it in [`NETWORK`]; the headquarters has none.
    pub parent: Option<usize>,
    /// Town of its customers and first two digits of their postcodes.
    pub town: &'static str,
    pub postcode_region: u32,
    /// Invented number of the trade register: those that start with 99 aren't given out.
    pub kvk_number: &'static str,
    pub branch_number: &'static str,
    /// Blocks of [`super::customers::BLOCK`] customers.
    pub blocks: u32,
}

const fn franchisee(
    (key, name): (&'static str, &'static str),
    parent: usize,
    (town, postcode_region): (&'static str, u32),
    (kvk_number, branch_number): (&'static str, &'static str),
    blocks: u32,
) -> Unit {
    let kind = TenantKind::Franchisee;
    Unit { key, kind, name, parent: Some(parent), town, postcode_region, kvk_number, branch_number, blocks }
}

/// All tenants, parents before children. The franchisees have the names of the branches in the sample export, so that
/// it can be imported into each of them.
pub const NETWORK: &[Unit] = &[
    Unit {
        key: "hq",
        kind: TenantKind::Hq,
        name: "Voorbeeld Wonen Nederland B.V.",
        parent: None,
        town: "Utrecht",
        postcode_region: 35,
        kvk_number: "99000001",
        branch_number: "000099000001",
        blocks: 0,
    },
    Unit {
        key: "noord",
        kind: TenantKind::Region,
        name: "Voorbeeld Wonen Regio Noord",
        parent: Some(0),
        town: "Zwolle",
        postcode_region: 80,
        kvk_number: "99000002",
        branch_number: "000099000002",
        blocks: 0,
    },
    Unit {
        key: "zuid",
        kind: TenantKind::Region,
        name: "Voorbeeld Wonen Regio Zuid",
        parent: Some(0),
        town: "Eindhoven",
        postcode_region: 56,
        kvk_number: "99000003",
        branch_number: "000099000003",
        blocks: 0,
    },
    franchisee(("utrecht", "Utrecht Centrum"), 1, ("Utrecht", 35), ("99000011", "000099000011"), 12),
    franchisee(("amsterdam", "Amsterdam-Zuid"), 1, ("Amsterdam", 10), ("99000012", "000099000012"), 11),
    franchisee(("groningen", "Groningen"), 1, ("Groningen", 97), ("99000013", "000099000013"), 10),
    franchisee(("zwolle", "Zwolle"), 1, ("Zwolle", 80), ("99000014", "000099000014"), 9),
    franchisee(("denhaag", "Den Haag"), 2, ("Den Haag", 25), ("99000015", "000099000015"), 10),
    franchisee(("rotterdam", "Rotterdam Noord"), 2, ("Rotterdam", 30), ("99000016", "000099000016"), 9),
    franchisee(("eindhoven", "Eindhoven"), 2, ("Eindhoven", 56), ("99000017", "000099000017"), 8),
    franchisee(("maastricht", "Maastricht"), 2, ("Maastricht", 62), ("99000018", "000099000018"), 7),
    Unit {
        key: "leden",
        kind: TenantKind::MemberOrg,
        name: "Voorbeeldvereniging Duurzaam Wonen",
        parent: Some(0),
        town: "Utrecht",
        postcode_region: 35,
        kvk_number: "99000021",
        branch_number: "000099000021",
        blocks: 4,
    },
];

/// The roles that the demonstration signs in, and where they work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person {
    /// Role as the policy names it, without its prefix.
    pub role: &'static str,
    /// [`Unit::key`] of the tenant.
    pub unit: &'static str,
    pub name: &'static str,
    pub email: &'static str,
    pub title: Phrase,
}

const fn person(
    role: &'static str,
    unit: &'static str,
    name: &'static str,
    email: &'static str,
    (en, nl): (&'static str, &'static str),
) -> Person {
    Person { role, unit, name, email, title: Phrase { en, nl } }
}

/// Whoever looks around in the demonstration takes one of these four places.
pub const PEOPLE: [Person; 4] = [
    person("hq_analyst", "hq", "Hanna Voorbeeld", "hanna@hq.example", ("HQ analyst", "Analist hoofdkantoor")),
    person("manager", "utrecht", "Mees Voorbeeld", "mees@utrecht.example", ("Franchise manager", "Franchisemanager")),
    person("sales", "utrecht", "Sanne Voorbeeld", "sanne@utrecht.example", ("Franchise sales", "Franchiseverkoop")),
    person("privacy_officer", "hq", "Pim Voorbeeld", "pim@hq.example", ("Privacy officer", "Privacyfunctionaris")),
];

#[cfg(test)]
mod tests {
    use super::super::customers::BLOCK;
    use super::*;

    #[test]
    fn the_network_is_what_the_readme_says() {
        let count = |kind| NETWORK.iter().filter(|unit| unit.kind == kind).count();
        assert_eq!(count(TenantKind::Hq), 1);
        assert_eq!(count(TenantKind::Region), 2);
        assert_eq!(count(TenantKind::Franchisee), 8);
        assert_eq!(count(TenantKind::MemberOrg), 1);
        assert_eq!(NETWORK.iter().map(|unit| unit.blocks).sum::<u32>() * BLOCK, 2_000);
    }

    #[test]
    fn parents_come_first_and_keys_are_once() {
        for (position, unit) in NETWORK.iter().enumerate() {
            assert!(unit.parent.is_none_or(|parent| parent < position), "{}", unit.key);
            assert_eq!(NETWORK.iter().filter(|other| other.key == unit.key).count(), 1);
            assert_eq!((unit.kvk_number.len(), unit.branch_number.len()), (8, 12));
        }
        for person in PEOPLE {
            assert!(NETWORK.iter().any(|unit| unit.key == person.unit));
            assert!(person.email.ends_with(".example"));
        }
    }
}
