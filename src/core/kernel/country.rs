//! Countries by ISO 3166-1 alpha-2.
//!
//! Must never: hold personal data; a country alone identifies nobody, so this type may be printed.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::TextFault;

/// The officially assigned codes, in alphabetical order (ISO 3166-1, the 249 of 2024).
const CODES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV \
BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR \
GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG \
KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX \
MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG \
SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG \
VI VN VU WF WS YE YT ZA ZM ZW";

const FAULT: TextFault = TextFault::new(
    "country",
    "Use the two letters of a country, such as NL.",
    "Gebruik de twee letters van een land, zoals NL.",
);

/// A country, `NL`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CountryCode(&'static str);

impl CountryCode {
    pub const NL: Self = Self("NL");

    /// Upper or lower case. Fault: `country`.
    pub fn parse(text: &str) -> Result<Self, TextFault> {
        let wanted = text.trim();
        let found = CODES.split_ascii_whitespace().find(|code| code.eq_ignore_ascii_case(wanted));
        found.map(Self).ok_or(FAULT)
    }

    /// Two capitals.
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// Every code, in alphabetical order.
    pub fn all() -> impl Iterator<Item = Self> {
        CODES.split_ascii_whitespace().map(Self)
    }
}

impl fmt::Display for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Serialize for CountryCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

// By hand: derived, the static reference inside would want input that lives as long.
impl<'de> Deserialize<'de> for CountryCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(|_| serde::de::Error::custom("not a country code"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_whole_and_in_order() {
        let all: Vec<_> = CountryCode::all().collect();
        assert_eq!(all.len(), 249);
        assert!(all.is_sorted());
        assert!(all.iter().all(|code| code.as_str().len() == 2));
    }

    #[test]
    fn only_assigned_codes_parse() {
        assert_eq!(CountryCode::parse(" nl "), Ok(CountryCode::NL));
        for wrong in ["", "N", "NLD", "XX", "EU", "UK", "NL BE", "N L"] {
            assert_eq!(CountryCode::parse(wrong), Err(FAULT), "{wrong}");
        }
    }

    #[test]
    fn json_is_the_two_letters() {
        assert_eq!(serde_json::to_string(&CountryCode::NL).unwrap(), "\"NL\"");
        assert_eq!(serde_json::from_str::<CountryCode>("\"NL\"").unwrap(), CountryCode::NL);
        assert!(serde_json::from_str::<CountryCode>("\"QQ\"").is_err());
    }
}
