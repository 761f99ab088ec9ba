//! The directory of names with 200,000 people in one tenant: memory, type-ahead, pages, changes.
//!
//! `cargo bench -p kluis-core --bench directory`. Besides criterion's figures it prints what a mean hides, the slowest
//! hundredth, and fails beyond the targets: 60 MB, 10 ms at p99.

#![expect(clippy::print_stdout, reason = "figures are for people")]
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a benchmark may stop")]

use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::Criterion;
use kluis_core::kernel::{NameParts, PersonName, split_family};
use kluis_core::privacy::directory::{Directory, NameEntry, TenantDirectory};
use uuid::Uuid;

const PEOPLE: u32 = 200_000;
const FAMILIES: usize = 60_000;
const MEMORY_MAX: usize = 60_000_000;
const P99_MAX: Duration = Duration::from_millis(10);

fn main() {
    let mut random = Random(0x6b6c_7569_7321);
    let people = people(&mut random);
    let before = resident();
    let start = Instant::now();
    let names = Directory::new().begin(Uuid::nil());
    for (id, name) in &people {
        names.fill(*id, entry(name));
    }
    names.complete();
    let filled = start.elapsed();
    let capacity = names.capacity();
    println!("{} people filled in {filled:.2?}", names.len());
    println!("memory: {} MB by capacity, {} MB resident", capacity / 1_000_000, (resident() - before) / 1_000_000);
    assert!(capacity <= MEMORY_MAX, "{capacity} bytes");

    let queries = queries(&people, &mut random);
    for (what, queries) in &queries {
        percentiles(&names, what, queries);
    }
    compare(&names, &people, &queries);
}

fn entry(name: &PersonName) -> NameEntry {
    NameEntry { tokens: name.tokens(), sort_key: name.sort_key() }
}

/// Searches once with each query, and fails beyond the target.
fn percentiles(names: &TenantDirectory, what: &str, queries: &[String]) {
    let mut times: Vec<Duration> = queries.iter().map(|query| time(names, query)).collect();
    times.sort();
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    println!("{what:<28} p50 {:>8.0?}  p99 {:>8.0?}  max {:>8.0?}", at(50), at(99), at(100));
    assert!(at(99) <= P99_MAX, "{what}: {:?}", at(99));
}

fn time(names: &TenantDirectory, query: &str) -> Duration {
    let start = Instant::now();
    black_box(names.search(query, 10, &mut |_| true));
    start.elapsed()
}

fn compare(names: &TenantDirectory, people: &[(Uuid, PersonName)], queries: &[(&'static str, Vec<String>)]) {
    let mut criterion = Criterion::default().configure_from_args();
    for (what, queries) in queries {
        let mut next = queries.iter().cycle();
        criterion.bench_function(&format!("directory/{what}"), |bench| {
            bench.iter(|| names.search(next.next().unwrap(), 10, &mut |_| true));
        });
    }
    let mut next = people.iter().cycle();
    criterion.bench_function("directory/page of 50", |bench| {
        bench.iter(|| {
            let (id, name) = next.next().unwrap();
            names.page_after(Some((&name.sort_key(), *id)), false, 50)
        });
    });
    criterion.bench_function("directory/change a name", |bench| {
        bench.iter(|| {
            let (id, name) = next.next().unwrap();
            names.upsert(*id, entry(name));
        });
    });
}

/// People with given names and prefixes of the sample export, and family names that are as unevenly spread as real ones.
fn people(random: &mut Random) -> Vec<(Uuid, PersonName)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/klanten-nl.csv");
    let sample = std::fs::read_to_string(path).expect("the sample export");
    let rows: Vec<Vec<&str>> = sample.lines().skip(1).map(|row| row.split(';').collect()).collect();
    let given: Vec<&str> = rows.iter().map(|row| row[3]).filter(|name| !name.is_empty()).collect();
    let prefixes: Vec<&str> = rows.iter().map(|row| row[4]).collect();
    let mut families: BTreeSet<String> = rows.iter().map(|row| row[5].to_owned()).filter(|n| !n.is_empty()).collect();
    while families.len() < FAMILIES {
        families.insert(family(random));
    }
    let families: Vec<String> = random.shuffled(families.into_iter().collect());
    let person = |random: &mut Random| {
        let family = &families[random.skewed(families.len())];
        let (own, family) = split_family(family);
        let prefix = if own.is_empty() { prefixes[random.below(prefixes.len())] } else { own.as_str() };
        let given = given[random.below(given.len())];
        let initials = format!("{}{}", &given[..given.ceil_char_boundary(1)], random.letter());
        let parts = NameParts { initials: &initials, given, prefix, family: &family, ..NameParts::default() };
        PersonName::parse(&parts).unwrap()
    };
    (0..PEOPLE)
        .map(|number| (Uuid::from_u128(u128::from(number) << 64 | u128::from(random.next())), person(random)))
        .collect()
}

/// A family name that sounds Dutch and belongs to nobody.
fn family(random: &mut Random) -> String {
    const STARTS: [&str; 24] = [
        "B", "Br", "D", "Dr", "F", "G", "Gr", "H", "K", "Kl", "L", "M", "N", "P", "R", "S", "Sch", "Sl", "St", "T",
        "V", "W", "Z", "Zw",
    ];
    const MIDDLES: [&str; 20] = [
        "aa", "a", "e", "ee", "ei", "eu", "i", "ie", "ij", "o", "oe", "oo", "ou", "u", "ui", "uu", "é", "ö", "y", "oei",
    ];
    const ENDS: [&str; 16] = ["b", "d", "k", "kk", "l", "ll", "m", "n", "nd", "p", "r", "rs", "s", "t", "v", "z"];
    const TAILS: [&str; 16] =
        ["", "a", "berg", "dijk", "en", "er", "huis", "ing", "ink", "ma", "man", "mans", "sen", "stra", "veld", "wijk"];
    let mut name = random.of(&STARTS).to_owned();
    for _ in 0..=random.below(2) {
        name.push_str(random.of(&MIDDLES));
        name.push_str(random.of(&ENDS));
    }
    name + random.of(&TAILS)
}

fn queries(people: &[(Uuid, PersonName)], random: &mut Random) -> Vec<(&'static str, Vec<String>)> {
    const EACH: usize = 1_000;
    let mut kinds: [(&'static str, Vec<String>); 6] = [
        ("one letter", Vec::new()),
        ("three letters", Vec::new()),
        ("family name", Vec::new()),
        ("family name with an error", Vec::new()),
        ("letter by letter, full name", Vec::new()),
        ("four words with errors", Vec::new()),
    ];
    for _ in 0..EACH {
        let (_, name) = &people[random.below(people.len())];
        let (_, other) = &people[random.below(people.len())];
        let beginning = |text: &str, letters: usize| text.chars().take(letters).collect::<String>();
        let full = name.display();
        let letters = 1 + random.below(full.chars().count());
        let wrong = with_error(name.family(), random);
        kinds[0].1.push(beginning(name.family(), 1));
        kinds[1].1.push(beginning(name.family(), 3));
        kinds[2].1.push(name.surname().to_string());
        kinds[4].1.push(beginning(&full, letters));
        kinds[5].1.push(format!("{} {} {wrong} {}", name.given(), other.family(), with_error(other.family(), random)));
        kinds[3].1.push(wrong);
    }
    kinds.into()
}

/// Two letters swapped.
fn with_error(name: &str, random: &mut Random) -> String {
    let mut letters: Vec<char> = name.chars().collect();
    if letters.len() > 1 {
        let at = random.below(letters.len() - 1);
        letters.swap(at, at + 1);
    }
    letters.into_iter().collect()
}

/// Bytes in memory, where the system says so.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = status.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.unwrap_or(0) * 4096
}

/// A small generator (SplitMix64), always from the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % count as u64).unwrap_or(0)
    }

    /// Small numbers far oftener than great ones, as family names are spread: the product of two draws.
    fn skewed(&mut self, count: usize) -> usize {
        let (a, b) = (self.below(count), self.below(count));
        a * b / count
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }

    fn letter(&mut self) -> &'static str {
        self.of(&["A", "B", "C", "D", "E", "G", "H", "J", "K", "L", "M", "P", "R", "S", "T", "W"])
    }

    fn shuffled(&mut self, mut list: Vec<String>) -> Vec<String> {
        for at in (1..list.len()).rev() {
            list.swap(at, self.below(at + 1));
        }
        list
    }
}
