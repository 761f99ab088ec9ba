//! Stored formats: whatever the vault and the audit log authenticate, derive or print under a label of its own has a frozen
//! vector, so that no stored value is forgotten when code changes.

use std::collections::{BTreeMap, BTreeSet};

use crate::files::Source;

/// Which file of the frozen vectors proves each label.
pub const FORMATS: &str = "tests/data/frozen/formats.txt";
const FLOORS: [&str; 2] = ["src/core/privacy/", "src/core/audit/"];
/// What stands before a label in the code. Both ends are quotes.
const LABELLED: [&str; 8] = [
    "b\"kluis",
    ".secret(\"",
    ".mac(\"",
    ".aead(\"",
    ".slot(\"",
    "const SEAL: &str = \"",
    "const KIND: &str = \"",
    "PREFIX: &'static str = \"",
];

fn labels(source: &Source) -> BTreeSet<String> {
    let code = source.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let mut found = BTreeSet::new();
    for before in LABELLED {
        for (at, _) in code.match_indices(before) {
            let start = at + before.find('"').map_or(before.len(), |quote| quote + 1);
            let label = code[start..].split('"').next().unwrap_or_default();
            found.insert(label.trim_end_matches("\\0").trim_end().to_owned());
        }
    }
    found
}

/// Lines of [`FORMATS`]: the file, and after a colon the labels, separated by commas.
fn listed(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(':'));
    lines
        .flat_map(|(file, labels)| labels.split(',').map(|label| (label.trim().to_owned(), file.trim().to_owned())))
        .collect()
}

/// Labels without a vector, lines that nobody needs, vectors that are gone.
pub fn unproven(sources: &[Source]) -> Vec<String> {
    let of = |path: &str| sources.iter().find(|source| source.path == path);
    let Some(formats) = of(FORMATS) else { return vec![format!("{FORMATS} is missing")] };
    let listed = listed(&formats.text);
    let is_code = |source: &&Source| {
        source.is_rust()
            && FLOORS.iter().any(|floor| source.path.starts_with(floor))
            && !source.path.contains("tests.rs")
    };
    let known: BTreeSet<_> = sources.iter().filter(is_code).flat_map(labels).collect();
    let mut faults = Vec::new();
    for label in known.iter().filter(|label| !listed.contains_key(*label)) {
        faults.push(format!("{label:?} has no frozen vector: make one, and name it in {FORMATS}"));
    }
    for (label, file) in &listed {
        if !known.contains(label) {
            faults.push(format!("{FORMATS}: nobody writes {label:?} any more; its values must open all the same"));
        }
        if of(&format!("tests/data/frozen/{file}")).is_none_or(|vector| vector.text.len() < 100) {
            faults.push(format!("{FORMATS}: {file} is gone"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_label_and_a_lost_file_are_found() {
        let code = "a(b\"kluis one\"); b.secret(\"two\", &[]); const KIND: &str = \"three\";\n#[cfg(test)]\nmod tests { b\"kluis no\" }";
        let sources = [
            Source::new("src/core/privacy/x.rs", code),
            Source::new(FORMATS, "# which\nv1/a.json: kluis one, three\nv1/b.json: four\n"),
            Source::new("tests/data/frozen/v1/a.json", &"x".repeat(100)),
        ];
        let faults = unproven(&sources);
        assert_eq!(faults.len(), 3, "{faults:?}");
        assert!(
            faults[0].starts_with("\"two\" has no") && faults[1].contains("\"four\"") && faults[2].contains("b.json")
        );
    }
}
