//! Birth dates, from the spellings that forms and exports use.
//!
//! Must never: be printed; see [`super::text`]. Must never read a clock: today is a parameter.

use chrono::{Datelike, NaiveDate};

use super::text::personal_text;
use super::{REQUIRED, TextFault};

const FAULT: TextFault = TextFault::new(
    "date",
    "This isn't a date; write it as 31-12-1980 or 1980-12-31.",
    "Dit is geen geldige datum; schrijf 31-12-1980 of 1980-12-31.",
);
const FUTURE: TextFault = TextFault::new("date", "This date is still to come.", "Deze datum ligt in de toekomst.");
const TOO_OLD: TextFault = TextFault::new("date", "This date is too long ago.", "Deze datum ligt te ver terug.");

/// Nobody who was born before this year lives.
const FIRST_YEAR: i32 = 1880;

personal_text! {
    /// A birth date in ISO 8601, `1984-09-03`.
    BirthDate
}

impl BirthDate {
    /// Takes `1984-09-03`, and day first with one or two digits: `3-9-1984`, `03/09/1984`, `3.9.1984`. Years have four
    /// digits: with two of them nobody knows the century. Faults: `required`, `date`.
    pub fn parse(text: &str, today: NaiveDate) -> Result<Self, TextFault> {
        let text = text.trim();
        if text.is_empty() {
            return Err(REQUIRED);
        }
        let date = date(text).ok_or(FAULT)?;
        if date > today {
            return Err(FUTURE);
        }
        if date.year() < FIRST_YEAR {
            return Err(TOO_OLD);
        }
        Ok(Self(date.to_string()))
    }

    /// `None` only if what was sealed isn't a date.
    pub fn date(&self) -> Option<NaiveDate> {
        self.0.parse().ok()
    }

    /// Completed years of life (Dutch law counts 29 February as 1 March in other years).
    pub fn age(&self, today: NaiveDate) -> Option<u32> {
        today.years_since(self.date()?)
    }
}

fn date(text: &str) -> Option<NaiveDate> {
    let separator = text.chars().find(|c| !c.is_ascii_digit())?;
    if !matches!(separator, '-' | '/' | '.') {
        return None;
    }
    let parts: Vec<_> = text.split(separator).collect();
    let &[first, second, third] = parts.as_slice() else {
        return None;
    };
    let (year, month, day) = match (first.len(), second.len(), third.len()) {
        (4, 2, 2) if separator == '-' => (first, second, third),
        (1..=2, 1..=2, 4) => (third, second, first),
        _ => return None,
    };
    let all_digits = text.chars().all(|c| c.is_ascii_digit() || c == separator);
    if !all_digits {
        return None;
    }
    NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn parsed(text: &str) -> Result<String, TextFault> {
        BirthDate::parse(text, day("2026-11-22")).map(|date| date.expose().to_owned())
    }

    #[test]
    fn spellings() {
        for text in ["1984-09-03", "03-09-1984", "03/09/1984", "3-9-1984", "3/9/1984", "03.09.1984", " 3-09-1984 "] {
            assert_eq!(parsed(text).as_deref(), Ok("1984-09-03"), "{text}");
        }
        assert_eq!(parsed("29-02-2000").as_deref(), Ok("2000-02-29"));
        assert_eq!(parsed("2026-11-22").as_deref(), Ok("2026-11-22"));
    }

    #[test]
    fn what_is_no_date() {
        for text in [
            "12/34/56",
            "31-02-1980",
            "1980-13-01",
            "29-02-1900",
            "1984/09/03",
            "1984-9-3",
            "03-09/1984",
            "3 sep 1984",
            "+3-09-1984",
            "19840903",
            "--1984",
            "3--1984",
            "0-0-1984",
            "1984-09-03T00:00",
        ] {
            assert_eq!(parsed(text), Err(FAULT), "{text}");
        }
        assert_eq!(parsed("2026-11-23"), Err(FUTURE));
        assert_eq!(parsed("31-12-1879"), Err(TOO_OLD));
        assert_eq!(parsed(""), Err(REQUIRED));
    }

    #[test]
    fn age_counts_completed_years() {
        let born = BirthDate::parse("29-02-2008", day("2026-11-22")).unwrap();
        assert_eq!(born.age(day("2024-02-28")), Some(15));
        assert_eq!(born.age(day("2024-02-29")), Some(16));
        assert_eq!(born.age(day("2025-02-28")), Some(16));
        assert_eq!(born.age(day("2025-03-01")), Some(17));
    }
}
