//! The directory against a plain list that does the same the slow way.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rapidfuzz::distance::damerau_levenshtein::distance;

use super::*;
use crate::kernel::fold::{index_words, query_words, sort_form};

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn entry(name: &str) -> NameEntry {
    NameEntry { tokens: index_words(name), sort_key: sort_form(name) }
}

fn directory(names: &[&str]) -> TenantDirectory {
    let directory = TenantDirectory::new();
    for (number, name) in (1..).zip(names) {
        directory.upsert(id(number), entry(name));
    }
    directory
}

fn found(directory: &TenantDirectory, query: &str) -> Vec<u128> {
    directory.search(query, 100, &mut |_| true).into_iter().map(|hit| hit.id.as_u128()).collect()
}

#[test]
fn equal_comes_before_beginning_comes_before_error() {
    let names = directory(&["Anna Janssen", "Bo Jansen", "Cas Jansenius", "Dirk Hansen", "Eva Vermeer"]);
    assert_eq!(found(&names, "jansen"), [2, 3, 1, 4]);
    assert_eq!(found(&names, "Jánsen"), [2, 3, 1, 4]);
    assert_eq!(found(&names, "jan"), [1, 2, 3]);
    assert_eq!(found(&names, "vermer"), [5]);
    assert_eq!(found(&names, "veremer"), [5]);
    assert_eq!(found(&names, "eva vermere"), [5]);
    assert_eq!(found(&names, "anna vermeer"), [0_u128; 0]);
    assert_eq!(found(&names, ""), [0_u128; 0]);
    assert_eq!(found(&names, "bon"), [0_u128; 0], "three letters forgive nothing");
}

#[test]
fn a_word_being_typed_may_have_an_error_in_its_beginning() {
    let names = directory(&["Anna Heerschop", "Bo Heerschopper"]);
    assert_eq!(found(&names, "heersh"), [1, 2]);
    assert_eq!(found(&names, "hersch"), [1, 2]);
    assert_eq!(found(&names, "hersch anna"), [0_u128; 0], "the word is finished");
    assert_eq!(found(&names, "heerscop"), [1, 2]);
}

#[test]
fn joined_words_and_prefixes_are_found() {
    let names = directory(&["Anna van der Berg", "Bo O'Brien", "Bakkerij 't Hoekje B.V."]);
    for (query, expected) in [
        ("van der berg", 1),
        ("berg anna", 1),
        ("o'brien", 2),
        ("obrien", 2),
        ("brien", 2),
        ("'t hoek", 3),
        ("bv bakk", 3),
    ] {
        assert_eq!(found(&names, query), [expected], "{query}");
    }
}

#[test]
fn only_what_is_accepted_counts_towards_the_limit() {
    let names = directory(&["Jan A", "Jan B", "Jan C", "Jan D"]);
    let mut asked = Vec::new();
    let hits = names.search("jan", 2, &mut |id| {
        asked.push(id.as_u128());
        id.as_u128() != 1
    });
    assert_eq!(hits.iter().map(|hit| hit.id.as_u128()).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(asked, [1, 2, 3], "best first, and no more than needed");
}

fn built(all: &Directory, tenant: u128, names: &[&str]) -> Arc<TenantDirectory> {
    let directory = all.begin(id(tenant));
    for (number, name) in (1..).zip(names) {
        directory.fill(id(number), entry(name));
    }
    directory.complete();
    directory
}

#[test]
fn sealing_empties_what_others_still_hold() {
    let all = Directory::new();
    let first = built(&all, 1, &["Anna Berg"]);
    let second = built(&all, 2, &["Bo Berg"]);
    assert_eq!(all.tenants().len(), 2);
    assert!(all.tenant(id(3)).is_none());

    all.forget(id(1));
    assert!(all.tenant(id(1)).is_none() && first.is_empty());
    assert_eq!(found(&second, "berg"), [1]);

    let third = all.begin(id(3));
    all.drop_all();
    assert!(all.tenant(id(2)).is_none() && all.capacity() == 0);
    second.upsert(id(9), entry("Cas Berg"));
    third.fill(id(9), entry("Cas Berg"));
    third.complete();
    assert!(second.is_empty() && third.is_empty(), "nothing comes back after sealing");
    assert!(found(&second, "berg").is_empty() && !third.is_complete());
}

#[test]
fn changes_during_the_filling_win_over_the_rows() {
    let all = Directory::new();
    let names = all.begin(id(1));
    names.fill(id(1), entry("Anna Berg"));
    names.fill(id(2), entry("Bo Berg"));
    // Erased after its row was filled in, erased before, changed before, new.
    all.change(id(1), id(2), None);
    all.change(id(1), id(3), None);
    all.change(id(1), id(4), Some(entry("Dirk Vermeer")));
    all.change(id(1), id(5), Some(entry("Eva Berg")));
    all.change(id(2), id(6), Some(entry("Fay Berg")));
    names.fill(id(3), entry("Cas Berg"));
    names.fill(id(4), entry("Dirk Berg"));
    // A second one fills at the same time and has read the same rows.
    assert!(all.tenant(id(1)).is_none());
    let again = all.begin(id(1));
    for (number, name) in [(1, "Anna Berg"), (2, "Bo Berg"), (3, "Cas Berg"), (4, "Dirk Berg")] {
        again.fill(id(number), entry(name));
    }
    names.complete();
    all.change(id(1), id(1), None);
    again.fill(id(1), entry("Anna Berg"));
    again.complete();
    let ready = all.tenant(id(1)).unwrap();
    assert_eq!(found(&ready, "berg"), [5]);
    assert_eq!(found(&ready, "vermeer"), [4]);
    assert_eq!(all.tenants(), [id(1)]);
}

#[test]
fn many_changes_do_not_pile_up() {
    let names = TenantDirectory::new();
    for round in 0..40 {
        for number in 0..1_000 {
            names.upsert(id(number), entry(&format!("Naam{round} van Geslacht{number}x{round}")));
        }
    }
    let fresh = TenantDirectory::new();
    for number in 0..1_000 {
        fresh.upsert(id(number), entry(&format!("Naam39 van Geslacht{number}x39")));
    }
    assert!(names.capacity() < 3 * fresh.capacity(), "{} against {}", names.capacity(), fresh.capacity());
}

#[test]
fn a_name_takes_at_most_three_hundred_bytes() {
    let names = TenantDirectory::new();
    for number in 0..20_000_u32 {
        // Every third family name is nobody else's.
        let family = if number % 3 == 0 { number } else { number % 1_000 };
        names.upsert(id(u128::from(number)), entry(&format!("Voornaam{} van der Geslacht{family}", number % 500)));
    }
    let each = names.capacity() / names.len();
    assert!(each <= 300, "{each} bytes each");
}

#[test]
fn a_search_text_without_end_is_cut() {
    let names = directory(&["Anna Berg"]);
    assert_eq!(found(&names, &"berg ".repeat(100_000)), [1]);
    assert!(found(&names, &"é".repeat(1_000_000)).is_empty());
}

/// Names from few letters, so that words are near each other, shared and equal.
fn a_name() -> impl Strategy<Value = String> {
    prop::collection::vec("[abcé]{1,3}|[a-c]{3,10}|van|[0-9]{1,2}", 1..4).prop_map(|words| words.join(" "))
}

fn a_file() -> impl Strategy<Value = BTreeMap<u128, String>> {
    prop::collection::btree_map(1_u128..60, a_name(), 0..40)
}

/// The rules of `search`, word by word.
fn fit(query: &str, word: &str, being_typed: bool) -> u32 {
    let (length, letters) = (query.chars().count(), word.chars().collect::<Vec<_>>());
    let errors = distance(query.chars(), word.chars());
    let error_in_beginning =
        || (0..=letters.len()).any(|end| distance(query.chars(), letters[..end].iter().copied()) <= 1);
    match () {
        () if query == word => 5,
        () if word.starts_with(query) => 4,
        () if length >= 4 && errors == 1 => 3,
        () if length >= 6 && being_typed && error_in_beginning() => 2,
        () if length >= 8 && errors == 2 => 1,
        () => 0,
    }
}

fn slow_search(file: &BTreeMap<u128, String>, query: &str) -> Vec<(u128, u32)> {
    let words = query_words(query);
    let score = |name: &str| {
        let tokens = index_words(name);
        let best = |(index, word): (usize, &String)| {
            tokens.iter().map(|token| fit(word, token, index + 1 == words.len())).max().unwrap_or(0)
        };
        let fits: Vec<u32> = words.iter().enumerate().map(best).collect();
        fits.iter().min().filter(|worst| **worst > 0).map(|worst| worst * 256 + fits.iter().sum::<u32>())
    };
    let mut hits: Vec<_> = file.iter().filter_map(|(id, name)| Some((score(name)?, sort_form(name), *id))).collect();
    hits.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| (&a.1, a.2).cmp(&(&b.1, b.2))));
    hits.into_iter().map(|(score, _, id)| (id, score)).collect()
}

fn slow_order(file: &BTreeMap<u128, String>) -> Vec<(String, Uuid)> {
    let mut order: Vec<_> = file.iter().map(|(number, name)| (sort_form(name), id(*number))).collect();
    order.sort();
    order
}

fn filled(file: &BTreeMap<u128, String>) -> TenantDirectory {
    let names = TenantDirectory::new();
    for (number, name) in file {
        names.upsert(id(*number), entry(name));
    }
    names
}

fn paged(names: &TenantDirectory, descending: bool, count: usize) -> Vec<(String, Uuid)> {
    let mut all: Vec<(String, Uuid)> = Vec::new();
    loop {
        let after = all.last().map(|(key, id)| (key.as_str(), *id));
        let page = names.page_after(after, descending, count);
        if page.is_empty() {
            return all;
        }
        all.extend(page.into_iter().map(|(key, id)| (key.to_string(), id)));
    }
}

proptest! {
    #[test]
    fn search_equals_the_slow_way(file in a_file(), query in a_name()) {
        let names = filled(&file);
        let hits = names.search(&query, usize::MAX, &mut |_| true);
        let hits: Vec<_> = hits.into_iter().map(|hit| (hit.id.as_u128(), hit.score)).collect();
        prop_assert_eq!(hits, slow_search(&file, &query));
    }

    #[test]
    fn a_typing_error_is_forgiven(file in a_file(), word in "[a-z]{4,12}", other in "[a-z]", at in 0_usize..12, kind in 0..4) {
        let names = filled(&file);
        names.upsert(id(1_000), entry(&word));
        let mut letters: Vec<char> = word.chars().collect();
        let at = at % (letters.len() - 1);
        match kind {
            0 => letters.swap(at, at + 1),
            1 => letters[at] = other.chars().next().unwrap(),
            2 => letters.insert(at, other.chars().next().unwrap()),
            _ => drop(letters.remove(at)),
        }
        prop_assume!(letters.len() >= 4);
        let query: String = letters.into_iter().collect();
        prop_assert!(found(&names, &query).contains(&1_000));
    }

    #[test]
    fn pages_are_the_names_sorted_by_key_and_id(file in a_file(), count in 1_usize..9) {
        let names = filled(&file);
        let mut order = slow_order(&file);
        prop_assert_eq!(paged(&names, false, count), order.clone());
        order.reverse();
        prop_assert_eq!(paged(&names, true, count), order);
    }

    #[test]
    fn a_page_goes_on_from_a_name_that_is_gone(file in a_file(), key in "[a-c]{0,4}", number in 0_u128..60) {
        let names = filled(&file);
        let after = (key.clone(), id(number));
        let order = slow_order(&file);
        let next = |descending| {
            let page = names.page_after(Some((&key, id(number))), descending, 3);
            page.into_iter().map(|(key, id)| (key.to_string(), id)).collect::<Vec<_>>()
        };
        let above: Vec<_> = order.iter().filter(|row| **row > after).take(3).cloned().collect();
        let below: Vec<_> = order.iter().rev().filter(|row| **row < after).take(3).cloned().collect();
        prop_assert_eq!(next(false), above);
        prop_assert_eq!(next(true), below);
    }

    #[test]
    fn changes_end_where_a_fresh_directory_starts(
        steps in prop::collection::vec((1_u128..25, prop::option::weighted(0.7, a_name())), 0..120),
        query in a_name(),
    ) {
        let names = TenantDirectory::new();
        let mut file = BTreeMap::new();
        for (number, name) in steps {
            if let Some(name) = name {
                names.upsert(id(number), entry(&name));
                file.insert(number, name);
            } else {
                prop_assert_eq!(names.remove(id(number)), file.remove(&number).is_some());
            }
        }
        let fresh = filled(&file);
        prop_assert_eq!(names.len(), file.len());
        prop_assert_eq!(paged(&names, false, 7), paged(&fresh, false, 7));
        let all = |names: &TenantDirectory| names.search(&query, usize::MAX, &mut |_| true);
        prop_assert_eq!(all(&names), all(&fresh));
        for (number, name) in &file {
            prop_assert_eq!(names.sort_key(id(*number)).map(|key| key.to_string()), Some(sort_form(name)));
        }
    }
}
