//! Finds Dutch citizen service numbers (burgerservicenummer, formerly sofinummer) where they don't belong.
//!
//! UAVG article 46 forbids processing them without a law that says so, so free texts, custom fields and external ids
//! that hold one are refused. Looked for are nine digits that pass the eleven-test, in one piece or grouped as people
//! write them; beside a word such as `bsn`, eight digits too (the leading zero is often lost) and any grouping. Passed
//! over is what is visibly something else: a longer number, an IBAN, a telephone number, a date, an amount.
//!
//! Must never: say which number it found, or where.

mod scan;

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use zeroize::{Zeroize, Zeroizing};

use self::scan::Group;
use super::TextFault;

/// The fault of a text that holds a citizen service number.
pub const FAULT: TextFault = TextFault::new(
    "bsn",
    "This holds a citizen service number (BSN), which may not be recorded here.",
    "Hierin staat een burgerservicenummer (BSN); dat mag hier niet worden vastgelegd.",
);

/// Whether a citizen service number stands in the text. Linear in the length of the text.
pub fn find(text: &str) -> bool {
    // Full-width digits, exotic blanks and the like in one form.
    let text = if text.is_ascii() { Cow::Borrowed(text) } else { Cow::Owned(text.nfkc().collect()) };
    if text.bytes().filter(u8::is_ascii_digit).count() < 8 {
        return false;
    }
    let text = Zeroizing::new(text.to_lowercase());
    let groups = scan::groups(&text);
    (0..groups.len()).any(|first| starts_at(&groups[first..]))
}

/// `Err` with code `bsn` if a citizen service number stands in the text; fits `Faults::check`.
pub fn refuse(text: &str) -> Result<(), TextFault> {
    if find(text) { Err(FAULT) } else { Ok(()) }
}

/// The eleven-test on nine digits (0 to 9, not characters): nine times the first, eight times the second … twice the
/// eighth, minus the ninth, is a multiple of eleven (Logisch Ontwerp BSN). False for any other count of digits, and for
/// numbers below 10,000,000, which were never given out.
pub(super) fn passes_eleven_test(digits: &[u8]) -> bool {
    let [eight @ .., ninth] = digits else {
        return false;
    };
    if eight.len() != 8 || digits.starts_with(&[0, 0]) {
        return false;
    }
    let sum: u32 = eight.iter().zip((2..=9).rev()).map(|(digit, weight)| u32::from(*digit) * weight).sum();
    sum % 11 == u32::from(*ninth)
}

/// Whether a citizen service number starts with the first of these groups of digits.
fn starts_at(groups: &[Group<'_>]) -> bool {
    let mut digits = Zeroizing::new(Vec::with_capacity(9));
    for count in 1..=groups.len() {
        let (window, after) = groups.split_at(count);
        let last = &window[count - 1];
        let continues = count == 1 || (last.joint.is_some() && last.joint == window[1].joint);
        if !continues || digits.len() + last.digits.len() > 9 {
            return false;
        }
        digits.extend(last.digits.iter().map(|byte| byte - b'0'));
        if is_number(&digits, window, after.first()) {
            return true;
        }
    }
    false
}

fn is_number(digits: &[u8], window: &[Group<'_>], after: Option<&Group<'_>>) -> bool {
    let (Some(first), Some(last)) = (window.first(), window.last()) else {
        return false;
    };
    // A dot, dash or slash leads on to more digits: part of a longer number.
    let leads_on = |joint: Option<char>| joint.is_some_and(|joint| joint != ' ');
    let after = after.and_then(|group| group.joint);
    if leads_on(first.joint) || leads_on(after) {
        return false;
    }
    match digits.len() {
        8 if first.told_at_once || last.named_at_once => {
            let mut nine = [0; 9];
            nine[1..].copy_from_slice(digits);
            let passes = passes_eleven_test(&nine);
            nine.zeroize();
            passes
        }
        9 if first.told || last.named => passes_eleven_test(digits),
        9 => passes_eleven_test(digits) && stands_alone(window, after),
        _ => false,
    }
}

/// The stricter rule where no word tells: not in one piece with letters, no amount, and if grouped, then as people group
/// such a number (`135 033 597`, `1350.33.597`, `13 50 33 597`) and not within a longer row of groups.
fn stands_alone(window: &[Group<'_>], after: Option<char>) -> bool {
    if window.iter().any(|group| group.other) {
        return false;
    }
    let usual = match window.len() {
        1 => return true,
        3 => true,
        // Four groups with dots are an address on the internet.
        4 => window[1].joint != Some('.'),
        _ => false,
    };
    usual
        && window.iter().all(|group| (2..=4).contains(&group.digits.len()))
        && window[0].joint.is_none()
        && after.is_none()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_found_however_they_are_written() {
        for text in [
            "135033597",
            "BSN 135033597",
            "bsn: 135033597",
            "BSN135033597",
            "bsn-nummer:135033597.",
            "sofinr 135033597 bekend",
            "135.033.597",
            "135-033-597",
            "135 033 597",
            "1350.33.597",
            "1350 33 597",
            "13 50 33 597",
            "135\u{a0}033\u{a0}597",
            "１３５０３３５９７",
            "klant sinds 2019 135033597",
            "135033597, 2019",
            "zie 135033597.",
            "(135033597)",
            "id_135033597",
            "K-135033597",
            "#135033597",
            "tel 06-12348060 en 135033597",
            "NL91ABNA0417164300 135033597",
            "geboren 03-09-1984 135033597",
            "burgerservicenummer: 1 3 5 0 3 3 5 9 7",
            "Het BSN van de klant is 13503 3597",
            "135033597 (bsn)",
            "+31 6 12348060 135 033 597",
            "regel een\nBSN\t135033597",
        ] {
            assert!(find(text), "{text}");
        }
    }

    #[test]
    fn eight_digits_count_beside_a_word_only() {
        // 012345672 passes the test.
        for text in [
            "bsn 12345672",
            "BSN: 12345672",
            "sofi-nummer 12 345 672",
            "bsn is 12345672",
            "B.S.N. 12345672",
            "12345672 (BSN)",
        ] {
            assert!(find(text), "{text}");
        }
        for text in
            ["12345672", "KvK 12345672", "KvK 12345672 (bsn onbekend)", "bsn onbekend, KvK 12345672", "Sofie 12345672"]
        {
            assert!(!find(text), "{text}");
        }
    }

    #[test]
    fn other_numbers_are_passed_over() {
        for text in [
            "",
            "K000001",
            "135033598",
            "BSN 135033598",
            "BSN onbekend",
            "000000000",
            "bsn 00000000",
            "1350335970",
            "0135033597",
            "135033597-12",
            "12.135033597",
            "135033597/2019",
            "135033597135033597",
            "06-12348060",
            "+31 6 12 34 80 60",
            "+31135033597",
            "+49 135033597",
            "0031 135033597",
            "013 503 3597",
            "NL135033597B01",
            "X135033597",
            "135033597e3",
            "a135033597f",
            "€ 135.033.597",
            "EUR 135033597",
            "135033597,50",
            "135033597 euro",
            "1350 33 597 1234",
            "2019-12345",
            "13.50.33.597",
            "PT50 0002 0123 1234 5678 9015 4",
            "belt graag na 18:00",
            "vaste klant sinds 2019",
            "geboren 03-09-1984, verhuisd 12-05-2019",
            "BSN onbekend, geboren 12-03-1956",
        ] {
            assert!(!find(text), "{text}");
        }
    }

    #[test]
    fn the_fault_does_not_repeat_the_number() {
        assert_eq!(refuse("BSN 135033597"), Err(FAULT));
        assert_eq!(refuse("geen nummer"), Ok(()));
        assert_eq!(FAULT.code, "bsn");
    }

    #[test]
    fn a_long_text_is_read_in_linear_time() {
        for piece in ["+1 ", "0", "1 2 3 ", "nl91 ", "bsn ", "12-12-", "(", "é"] {
            assert!(!find(&piece.repeat(50_000)), "{piece}");
        }
    }

    #[test]
    fn the_sample_export_is_judged_as_its_truth_says() {
        let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/klanten-nl");
        let rows = std::fs::read_to_string(format!("{fixtures}.csv")).unwrap();
        let truth = std::fs::read_to_string(format!("{fixtures}.truth.csv")).unwrap();
        let mut found = 0;
        for (row, truth) in rows.lines().zip(truth.lines()).skip(1) {
            let columns: Vec<_> = row.split(';').collect();
            let told = truth.split(',').nth(3) == Some("bsn");
            assert_eq!(find(columns[16]), told, "{truth}");
            assert!(!find(columns[0]), "customer number in {truth}");
            found += usize::from(told);
        }
        assert_eq!(found, 41);
    }

    proptest! {
        #[test]
        fn a_passing_number_is_found_and_any_other_last_digit_is_not(number in 10_000_000_u32..100_000_000) {
            let eight: Vec<u8> = number.to_string().bytes().map(|b| b - b'0').collect();
            let ninth = eight.iter().zip((2..=9).rev()).map(|(d, w)| u32::from(*d) * w).sum::<u32>() % 11;
            for last in 0..10 {
                prop_assert_eq!(find(&format!("nummer {number}{last} van de klant")), last == ninth);
            }
        }

        #[test]
        fn no_text_makes_it_stumble(text in "[0-9 .,+()/€nlbsN:é\n-]{0,60}") {
            let _ = find(&text);
        }
    }
}
