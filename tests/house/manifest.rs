//! Dependencies: each is named once, in the workspace's manifest, with the reason for it.

use crate::files::Source;

const WORKSPACE: &str = "Cargo.toml";

/// Dependencies of the workspace without a reason: a comment on the line, or a group that is one itself.
pub fn without_reason(manifest: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut inside = false;
    let mut group_is_reason = false;
    for (at, line) in manifest.lines().enumerate() {
        if line.starts_with('[') {
            inside = line.trim() == "[workspace.dependencies]";
        } else if let Some(group) = line.strip_prefix("# ---") {
            group_is_reason = group.contains("fixed by");
        } else if inside && !line.starts_with('#') && line.contains('=') && !line.contains(" # ") && !group_is_reason {
            let name = line.split('=').next().unwrap_or_default().trim();
            faults.push(format!("{WORKSPACE}:{}: why {name}? say it in a comment on its line", at + 1));
        }
    }
    faults
}

/// Members take their dependencies from the workspace, so that a version stands in one place.
pub fn own_versions(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources.iter().filter(|s| s.file_name() == WORKSPACE) {
        let mut inside = false;
        for (at, line) in source.text.lines().enumerate() {
            if line.starts_with('[') {
                let section = line.trim();
                inside = section.ends_with("dependencies]") && !section.contains("workspace");
            } else if inside && line.contains('=') && !line.starts_with('#') {
                let shared = line.contains("workspace = true") || line.contains(".workspace=true");
                if !shared && !line.contains("path = ") {
                    faults.push(format!("{}:{}: take it from the workspace: {}", source.path, at + 1, line.trim()));
                }
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dependency_wants_a_reason() {
        let manifest = "[workspace.dependencies]\n# --- fixed by somebody\na = \"1\"\n# --- others\nb = \"1\" # for b\nc = \"1\"\n[lints]\nd = \"x\"";
        assert_eq!(without_reason(manifest), ["Cargo.toml:6: why c? say it in a comment on its line"]);
    }

    #[test]
    fn versions_stand_in_the_workspace() {
        let faults = |text: &str| own_versions(&[Source::new("src/core/Cargo.toml", text)]).len();
        assert_eq!(faults("[dependencies]\na.workspace = true\nb = { workspace = true }\nc = { path = \"x\" }"), 0);
        assert_eq!(faults("[dev-dependencies]\na = \"1\""), 1);
        assert_eq!(faults("[workspace.dependencies]\na = \"1\""), 0);
    }
}
