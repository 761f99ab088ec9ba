//! Addresses, numbers and accounts that have the right form and belong to nobody.
//!
//! - E-mail domains are reserved for examples (RFC 2606, RFC 6761).
//! - Bank accounts have right check digits, and fail the eleven-test that every account of these banks passes.
//! - VAT numbers have right check digits; their nine digits are no citizen service number.
//! - Streets are invented; telephone numbers are drawn from the whole mobile range, as in the sample export.

use super::random::Random;
use super::words;

/// A mobile number; each `number` below ten million has one of its own.
pub fn mobile(number: u32, random: &mut Random) -> String {
    // Multiplying by a number without a factor in common with 10^7 shuffles the last seven digits without collisions.
    let shuffled = (u64::from(number) * 7_654_321 + 1_234_567) % 10_000_000;
    let first = random.pick(&['1', '2', '3', '4', '5', '8']);
    let digits = format!("{first}{shuffled:07}");
    let (start, end) = digits.split_at(4);
    match random.below(4) {
        0 => format!("06-{digits}"),
        1 => format!("+31 6 {digits}"),
        2 => format!("06 {start} {end}"),
        _ => format!("06{digits}"),
    }
}

/// An address at an example domain; `number` keeps it apart from all others.
pub fn email(before_at: &str, number: u32, random: &mut Random) -> String {
    format!("{before_at}.{number}@{}", random.pick(words::DOMAINS))
}

/// `1234 AB`, in the region of the two digits.
pub fn postcode(region: u32, random: &mut Random) -> String {
    // Without the letters of which a pair is never given out (SA, SD, SS), and those that are rare.
    const LETTERS: &[char] =
        &['A', 'B', 'C', 'D', 'E', 'G', 'H', 'J', 'K', 'L', 'M', 'N', 'P', 'R', 'T', 'V', 'W', 'X'];
    let (number, first, second) = (random.below(100), random.pick(LETTERS), random.pick(LETTERS));
    format!("{region:02}{number:02} {first}{second}")
}

pub fn street(random: &mut Random) -> String {
    format!("{}{}", random.pick(words::STREETS), random.pick(words::WAYS))
}

/// A Dutch account number with the check digits of ISO 13616.
pub fn iban(random: &mut Random) -> String {
    let bank = random.pick(&["ABNA", "RABO", "TRIO"]);
    let account = loop {
        let digits = format!("0{:09}", random.below(1_000_000_000));
        if eleven_test(&digits) != 0 {
            break digits;
        }
    };
    let check = 98 - modulo_97(&format!("{bank}{account}NL00"));
    format!("NL{check:02}{bank}{account}")
}

/// A Dutch VAT number as given out since 2020: nine digits, `B`, two digits, so that the whole leaves 1 modulo 97.
pub fn vat_number(random: &mut Random) -> String {
    loop {
        let digits = format!("{:09}", random.below(1_000_000_000));
        // The last digit counts negative in the test of citizen service numbers and VAT numbers of before 2020.
        let last = digits.as_bytes().last().map_or(0, |digit| u32::from(digit - b'0'));
        if (eleven_test(&digits) + 11 * 11 - 2 * last).is_multiple_of(11) {
            continue;
        }
        let fitting = (2..=98).find(|suffix| modulo_97(&format!("NL{digits}B{suffix:02}")) == 1);
        if let Some(suffix) = fitting {
            return format!("NL{digits}B{suffix:02}");
        }
    }
}

/// The weighted sum modulo 11; the first digit weighs as much as there are digits, the last one 1.
fn eleven_test(digits: &str) -> u32 {
    let weights = (1..=u32::try_from(digits.len()).unwrap_or(0)).rev();
    digits.bytes().zip(weights).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum::<u32>() % 11
}

/// ISO 7064 as ISO 13616 uses it: letters count as 10 to 35.
fn modulo_97(text: &str) -> u32 {
    text.chars().filter_map(|letter| letter.to_digit(36)).fold(0, |rest, value| {
        let shifted = if value < 10 { rest * 10 } else { rest * 100 };
        (shifted + value) % 97
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn check_digits_are_right_and_accounts_are_nobodys() {
        let mut random = Random::new(1, 1);
        for _ in 0..1_000 {
            let account = iban(&mut random);
            let turned = format!("{}{}", &account[4..], &account[..4]);
            assert_eq!((account.len(), modulo_97(&turned)), (18, 1), "{account}");
            assert_ne!(eleven_test(&account[8..]), 0, "{account}");
            assert_eq!(modulo_97(&vat_number(&mut random)), 1);
        }
        // The well-known example account passes both tests.
        assert_eq!((modulo_97("ABNA0417164300NL91"), eleven_test("0417164300")), (1, 0));
    }

    #[test]
    fn no_two_numbers_are_alike() {
        let mut random = Random::new(1, 1);
        let digits = |number: u32, random: &mut Random| {
            let all: String = mobile(number, random).chars().filter(char::is_ascii_digit).collect();
            all[all.len() - 7..].to_owned()
        };
        let seen: BTreeSet<_> = (0..20_000).map(|number| digits(number, &mut random)).collect();
        assert_eq!(seen.len(), 20_000);
    }
}
