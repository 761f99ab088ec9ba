//! Nothing in the project knows the machine it was written on, nor where packages come from.

use crate::files::Source;

/// Put together here, so that this file doesn't find itself.
fn forbidden() -> Vec<(String, &'static str)> {
    let path = |name: &str| format!("/{name}/");
    let host = |name: &str, end: &str| format!("{name}.{end}");
    vec![
        (path("work"), "a path of one machine"),
        (path("root"), "a path of one machine"),
        (path("Users"), "a path of one machine"),
        (path("home"), "a path of one machine"),
        (host("registry.npmjs", "org"), "a registry's host"),
        (host("registry.yarnpkg", "com"), "a registry's host"),
        (host("crates", "io"), "a registry's host"),
        (host("pypi", "org"), "a registry's host"),
        (host("pythonhosted", "org"), "a registry's host"),
        (host("deb.debian", "org"), "a registry's host"),
        (host("archive.ubuntu", "com"), "a registry's host"),
        (format!("-----BEGIN {}PRIVATE KEY", ""), "a private key"),
        (format!("-----BEGIN {}PRIVATE KEY", "RSA "), "a private key"),
    ]
}

/// Cargo writes the index's address into its lock file by itself.
const WRITTEN_BY_CARGO: &str = "Cargo.lock";

pub fn named(sources: &[Source]) -> Vec<String> {
    let forbidden = forbidden();
    let mut faults = Vec::new();
    for source in sources.iter().filter(|s| s.path != WRITTEN_BY_CARGO) {
        for (at, line) in source.text.lines().enumerate() {
            for (word, what) in &forbidden {
                if line.contains(word.as_str()) {
                    faults.push(format!("{}:{}: {what}", source.path, at + 1));
                }
            }
        }
    }
    faults
}

/// What must be there once there is a server.
const BESIDE_A_SERVER: &[&str] = &[
    "policies/model.conf",
    "policies/policy.csv",
    "policies/invariants.csv",
    "policies/matrix.txt",
    "openapi/kluis.json",
    "README.md",
    "tests/run",
    ".ci/run",
];

pub fn missing(sources: &[Source]) -> Vec<String> {
    let is_there = |path: &str| sources.iter().any(|s| s.path == path);
    if !is_there("src/server.rs") && !is_there("src/server/mod.rs") {
        return Vec::new();
    }
    BESIDE_A_SERVER.iter().filter(|path| !is_there(path)).map(|path| format!("{path} is missing")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_and_registries_are_found() {
        for (word, _) in forbidden() {
            assert_eq!(named(&[Source::new("README.md", &format!("see {word}x"))]).len(), 1, "{word}");
        }
        assert_eq!(named(&[Source::new("README.md", "a /v1/work item, example.org")]).len(), 0);
    }

    #[test]
    fn a_server_wants_its_policy_and_its_document() {
        assert_eq!(missing(&[Source::new("src/lib.rs", "")]).len(), 0);
        assert_eq!(missing(&[Source::new("src/server.rs", "")]).len(), BESIDE_A_SERVER.len());
    }
}
