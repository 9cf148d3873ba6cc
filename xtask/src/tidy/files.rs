//! The files that belong to the repository.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Never ours, wherever they are.
const SKIPPED: [&str; 3] = [".git", "target", "node_modules"];

/// Paths below `root`, with slashes, in order: what git tracks or would track, else (no git, no clone) every file.
pub(crate) fn list(root: &Path) -> Result<Vec<String>, String> {
    let mut paths = match tracked(root) {
        Some(paths) => paths,
        None => walked(root)?,
    };
    // Deleted, but not yet committed as such.
    paths.retain(|path| root.join(path).is_file());
    paths.sort();
    paths.dedup();
    Ok(paths)
}

fn tracked(root: &Path) -> Option<Vec<String>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root);
    let output = git.output().ok().filter(|output| output.status.success())?;
    let paths = output.stdout.split(|byte| *byte == 0).filter(|path| !path.is_empty());
    let paths: Vec<String> = paths.map(|path| String::from_utf8_lossy(path).into_owned()).collect();
    (!paths.is_empty()).then_some(paths)
}

/// Every file below `root`, in no order.
pub(crate) fn walked(root: &Path) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let at = root.join(&folder);
        let entries = fs::read_dir(&at).map_err(|error| format!("{}: {error}", at.display()))?;
        for entry in entries {
            let entry = entry.map_err(|error| format!("{}: {error}", at.display()))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && !SKIPPED.contains(&name.as_str()) => folders.push(path),
                Ok(kind) if kind.is_file() => found.push(path),
                _ => {}
            }
        }
    }
    Ok(found)
}

/// Whether a Rust file is only built for tests or measurements.
pub(super) fn is_test(path: &str) -> bool {
    let mut parts = path.split('/').rev();
    let file = parts.next().unwrap_or_default();
    file == "tests.rs"
        || file.ends_with("_tests.rs")
        || parts.any(|part| part == "tests" || part == "benches")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_found_with_and_without_git() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for paths in [list(&root).unwrap(), walked(&root).unwrap()] {
            for file in ["Cargo.toml", "xtask/src/tidy/files.rs", ".cargo/config.toml"] {
                assert!(paths.iter().any(|path| path == file), "{file}");
            }
            assert!(!paths.iter().any(|path| path.starts_with("target/") || path.starts_with(".git/")));
        }
    }

    #[test]
    fn tests_are_told_by_their_place() {
        for path in
            ["crates/a/tests/x.rs", "crates/a/src/b/tests.rs", "crates/a/src/b_tests.rs", "c/benches/d.rs"]
        {
            assert!(is_test(path), "{path}");
        }
        for path in ["crates/a/src/lib.rs", "crates/a/src/contests.rs", "tests.txt"] {
            assert!(!is_test(path), "{path}");
        }
    }
}
