use proptest::prelude::*;
use proptest::sample::subsequence;

use super::super::root::{RootKey, RootRecord};
use super::*;

fn plan(threshold: u8, count: u8) -> SharePlan {
    SharePlan::new(threshold, count).unwrap()
}

fn sharing(threshold: u8, count: u8) -> Sharing {
    Sharing::make(plan(threshold, count), DateTime::from_timestamp_micros(1_790_000_000_000_000).unwrap()).unwrap()
}

fn record(sharing: &Sharing) -> (RootKey, RootRecord) {
    let root = RootKey::generate().unwrap();
    let mut record = RootRecord::new(&root).unwrap();
    record.set_shares(&root, sharing).unwrap();
    (root, RootRecord::parse(&record.to_json().unwrap()).unwrap())
}

/// As people hand them over.
fn some(sharing: &Sharing, numbers: &[u8]) -> Vec<Share> {
    let text = |number: &u8| sharing.shares()[usize::from(*number) - 1].to_text().to_string();
    Share::parse_several(&numbers.iter().map(text).collect::<Vec<_>>().join("\n")).unwrap()
}

fn faults(record: &RootRecord, shares: &[Share]) -> Vec<ShareFault> {
    match record.open_with_shares(shares) {
        Err(VaultError::Shares(faults)) => faults.faults().to_vec(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn plans_have_bounds() {
    let made = |threshold, count| SharePlan::new(threshold, count).is_some();
    assert!(made(2, 2) && made(3, 5) && made(16, 16));
    assert!(!made(1, 3) && !made(0, 0) && !made(4, 3) && !made(2, 17));
}

#[test]
fn every_fault_is_named_at_once() {
    let (mine, other) = (sharing(3, 5), sharing(3, 5));
    let (_, record) = record(&mine);
    let mut given = some(&mine, &[1, 1]);
    given.extend(some(&other, &[4]));
    // Of the right set, by its own word.
    given.push(Share { set: mine.set(), threshold: 3, number: 2, part: Secret::new([1; 32]) });
    given.push(Share { set: mine.set(), threshold: 3, number: 9, part: Secret::new([1; 32]) });
    let expected = [
        ShareFault::Twice { number: 1 },
        ShareFault::OtherSet { number: 4, set: other.set(), wanted: mine.set() },
        ShareFault::Unknown { number: 2 },
        ShareFault::Unknown { number: 9 },
        ShareFault::TooFew { given: 1, needed: 3 },
    ];
    assert_eq!(faults(&record, &given), expected);
    assert_eq!(faults(&record, &[]), [ShareFault::TooFew { given: 0, needed: 3 }]);
    let message = ShareFaults(expected.into()).message();
    assert_eq!((message.en.lines().count(), message.nl.lines().count()), (5, 5));
    let none = RootRecord::new(&RootKey::generate().unwrap()).unwrap();
    assert_eq!(faults(&none, &some(&mine, &[1, 2, 3])), [ShareFault::None]);
}

#[test]
fn typing_errors_are_named_for_each_share() {
    let sharing = sharing(2, 3);
    let texts: Vec<_> = sharing.shares().iter().map(|share| share.to_text().to_string()).collect();
    let wrong = |text: &str| text.replacen("-SHARE-", "-SHARE-9", 1);
    let given = format!("# of Voorbeeld\n{}\n{}\n\n{}", wrong(&texts[0]), texts[1], &texts[2][..60]);
    let ShareFaults(faults) = Share::parse_several(&given).unwrap_err();
    let places: Vec<_> =
        faults.iter().map(|fault| if let ShareFault::Text { place, .. } = fault { *place } else { 0 }).collect();
    assert_eq!(places, [1, 3], "{faults:?}");
    assert!(Share::parse_several("").is_err() && Share::parse_several("KLUIS-SHARE").is_err());
    assert_eq!(Share::parse_several(&texts.join(" ")).unwrap().len(), 3);
    let before = format!("remember {}", texts[0]);
    assert_eq!(Share::parse_several(&before).unwrap_err().faults().len(), 1);
}

#[test]
fn new_shares_make_the_ones_before_void() {
    let (first, second) = (sharing(2, 3), sharing(2, 3));
    let (root, mut record) = record(&first);
    record.set_shares(&root, &second).unwrap();
    assert_eq!(*record.open_with_shares(&some(&second, &[1, 3])).unwrap().to_text(), *root.to_text());
    assert!(faults(&record, &some(&first, &[1, 2])).iter().any(|fault| matches!(fault, ShareFault::OtherSet { .. })));
    let stranger = RootKey::generate().unwrap();
    assert!(matches!(record.set_shares(&stranger, &first), Err(VaultError::WrongKey)));
}

#[test]
fn shares_outlive_rotations_and_an_old_root_key_learns_nothing() {
    let sharing = sharing(2, 3);
    let (first, mut record) = record(&sharing);
    let (mut old, before) = (RootKey::parse(&first.to_text()).unwrap(), record.clone());
    for version in 2..5 {
        let new = RootKey::generate().unwrap();
        record = RootRecord::parse(&record.next(&old, &new).unwrap().to_json().unwrap()).unwrap();
        assert_eq!(record.version, version);
        assert_eq!(*record.open_with_shares(&some(&sharing, &[3, 1])).unwrap().to_text(), *new.to_text());
        assert!(record.next(&first, &RootKey::generate().unwrap()).is_err());
        old = new;
    }
    // What an old record gives is the old root key.
    assert_eq!(*before.open_with_shares(&some(&sharing, &[1, 2])).unwrap().to_text(), *first.to_text());
    let info = record.shares().unwrap().unwrap();
    assert_eq!((info.set, info.threshold, info.count), (sharing.set(), 2, 3));
}

#[test]
fn whatever_is_changed_in_the_slot_closes_it_and_stops_a_rotation() {
    let sharing = sharing(2, 3);
    let (root, record) = record(&sharing);
    let json: serde_json::Value = serde_json::from_str(&record.to_json().unwrap()).unwrap();
    let other: serde_json::Value =
        serde_json::from_str(&self::record(&self::sharing(2, 3)).1.to_json().unwrap()).unwrap();
    let next = |record: &RootRecord| record.next(&root, &RootKey::generate().unwrap());
    assert!(next(&record).is_ok());
    for field in ["set", "threshold", "made", "public", "prints", "mixer", "ephemeral", "wrapped"] {
        let mut changed = json.clone();
        changed["shares"][field] = match field {
            "threshold" => 3.into(),
            "made" => 1.into(),
            _ => other["shares"][field].clone(),
        };
        let changed = RootRecord::parse(&changed.to_string()).unwrap();
        // Those who have the secret derive the mixer, and need no stored one.
        let opened = changed.open_with_shares(&some(&sharing, &[1, 2]));
        assert_eq!(opened.is_ok(), field == "mixer", "{field}");
        // These two are made anew, and tell a rotation nothing.
        assert_eq!(next(&changed).is_ok(), ["ephemeral", "wrapped"].contains(&field), "{field}");
    }
}

#[test]
fn nothing_of_the_shares_is_in_the_record_or_in_debug() {
    let sharing = sharing(2, 3);
    let json = record(&sharing).1.to_json().unwrap();
    let secrets = sharing.shares().iter().map(|share| &share.part).chain([&sharing.secret]);
    for secret in secrets {
        assert!(!json.contains(&data_encoding::HEXLOWER.encode(&secret[..4])));
    }
    assert_eq!(format!("{:?}", sharing.shares()[1]), format!("Share({} 2)", sharing.set()));
    assert_eq!(format!("{sharing:?}"), "Sharing(SharePlan { threshold: 2, count: 3 })");
}

fn plans() -> impl Strategy<Value = (SharePlan, Vec<u8>)> {
    (2..=16_u8).prop_flat_map(|count| (2..=count, Just(count))).prop_flat_map(|(threshold, count)| {
        let numbers: Vec<u8> = (1..=count).collect();
        let some = subsequence(numbers, usize::from(threshold)..=usize::from(count)).prop_shuffle();
        (Just(SharePlan::new(threshold, count).unwrap()), some)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_of_them_open_if_they_are_enough_and_none_if_not((plan, numbers) in plans()) {
        let sharing = Sharing::make(plan, DateTime::UNIX_EPOCH).unwrap();
        let (root, record) = record(&sharing);
        let given = some(&sharing, &numbers);
        prop_assert_eq!(record.open_with_shares(&given).unwrap().to_text(), root.to_text());
        let needed = usize::from(plan.threshold());
        let fewer = &given[..needed - 1];
        let expected = vec![ShareFault::TooFew { given: needed - 1, needed: plan.threshold() }];
        prop_assert_eq!(faults(&record, fewer), expected);
    }

    #[test]
    fn reading_never_panics(text in "(?s).{0,200}") {
        let _ = Share::parse_several(&text);
        let _ = Share::parse_several(&format!("KLUIS-SHARE-{text}"));
    }

    #[test]
    fn no_edited_character_passes(number in 1..=3_u8, at in 0_usize..80, by in 1_usize..32) {
        const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let sharing = sharing(2, 3);
        let text = sharing.shares()[usize::from(number) - 1].to_text();
        let mut typed: Vec<u8> = text.bytes().filter(u8::is_ascii_alphanumeric).collect();
        let at = at + "KLUISSHARE".len();
        let place = ALPHABET.iter().position(|known| *known == typed[at]).unwrap();
        typed[at] = ALPHABET[(place + by) % 32];
        prop_assert!(Share::parse(std::str::from_utf8(&typed).unwrap()).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2))]

    /// One share less leaves every secret possible: with any part in the place of the last one there is a secret.
    #[test]
    fn too_few_leave_every_secret_possible(guess: [u8; 32]) {
        let sharing = sharing(3, 3);
        let mut parts: Vec<_> = sharing.shares().iter().map(|share| (share.number, share.part.clone())).collect();
        let of = |parts: &[(u8, Secret)]| field::combine(parts.iter().map(|(number, part)| (*number, part))).unwrap();
        // Share 3 that fits shares 1 and 2 and the guess: through 0 instead of 3 it is another point of that polynomial.
        let factor = |x: &Secret| {
            let mut moved = parts.clone();
            moved[2].1 = x.clone();
            of(&moved)
        };
        let (zero, one) = (factor(&Secret::new([0; 32])), factor(&Secret::new([1; 32])));
        let unit = zero[0] ^ one[0];
        prop_assert_ne!(unit, 0);
        // The secret depends on each value of the third share alone, one to one.
        let all: std::collections::BTreeSet<u8> = (0..=255).map(|x| factor(&Secret::new([x; 32]))[0]).collect();
        prop_assert_eq!(all.len(), 256);
        let fitting: Vec<u8> = guess.iter().enumerate().map(|(at, wanted)| {
            (0..=255).find(|x| factor(&Secret::new([*x; 32]))[at] == *wanted).unwrap()
        }).collect();
        parts[2].1.copy_from_slice(&fitting);
        prop_assert_eq!(*of(&parts), guess);
    }
}
