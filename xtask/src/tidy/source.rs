//! Rules about names and text of files, one line at a time.

use super::Finding;
use super::files::is_test;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 7] = ["common", "helper", "helpers", "manager", "misc", "util", "utils"];
/// Folders that are somewhere else on the next machine.
const MACHINE_FOLDERS: [&str; 3] = ["home", "root", "work"];
/// Put together, so that this file does not break its own rule.
const UNFINISHED: [&str; 4] =
    [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("to", "do!"), concat!("unimple", "mented!")];
const SLEEP: &str = concat!("thread::", "sleep");
/// Modules of std that reach outside; pure crates do without.
const OUTSIDE: [&str; 5] = ["env", "fs", "net", "process", "thread"];

/// A file or folder whose name says nothing.
pub(super) fn check_name(path: &str) -> Option<Finding> {
    let stems = path.split('/').map(|part| part.split('.').next().unwrap_or(part));
    let name = stems.into_iter().find(|stem| EMPTY_NAMES.contains(stem))?;
    let what = format!("`{name}` says nothing; name it after what it holds");
    Some(Finding::new(path, 1, "empty-name", what))
}

/// Everything that is wrong with the text of one file.
pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(module_doc(path, text));
    for (number, line) in text.lines().enumerate() {
        let mut find = |rule, what: String| findings.push(Finding::new(path, number + 1, rule, what));
        if let Some(folder) = machine_folder(line) {
            find("machine-path", format!("`/{folder}/` is a place on one machine; write a relative path"));
        }
        if let Some(word) = unfinished(path, line) {
            find("unfinished", format!("`{word}`: finish it, or say in an issue what is missing"));
        }
        if path.ends_with(".rs") && !POLLING.contains(&path) && line.contains(SLEEP) {
            find(
                "real-sleep",
                format!("`{SLEEP}` waits on the real clock; use tokio's, which a test can pause"),
            );
        }
        if let Some(module) = outside(path, line) {
            find("impure", format!("`std::{module}` in a pure crate; pass the value in as an argument"));
        }
    }
    findings
}

/// The places that wait for real processes.
const POLLING: [&str; 2] = ["crates/tidegate/tests/by_hand/playground.rs", "xtask/src/cluster/guarded.rs"];

/// A crate's root and every file that declares modules say what they are for; a leaf may leave that to the doc of its item.
fn module_doc(path: &str, text: &str) -> Option<Finding> {
    let inside = path.strip_prefix("xtask/src/").or_else(|| {
        let (_, rest) = path.strip_prefix("crates/")?.split_once('/')?;
        rest.strip_prefix("src/")
    })?;
    if !inside.ends_with(".rs") || is_test(path) || text.starts_with("//!") {
        return None;
    }
    let is_root = ["lib.rs", "main.rs", "mod.rs"].iter().any(|name| inside.rsplit('/').next() == Some(*name));
    let is_told = text.lines().any(|line| line.starts_with("/// "));
    (is_root || declares_modules(text) || !is_told).then(|| {
        let what = "does not begin with `//!`; say in a sentence or two what the module is for";
        Finding::new(path, 1, "module-doc", what)
    })
}

/// Whether a file has submodules of its own besides its tests.
fn declares_modules(text: &str) -> bool {
    let words = |line: &str| -> Option<bool> {
        let (_, name) = line.split_once("mod ")?;
        let before = line.strip_suffix(name)?.trim_end_matches("mod ").trim();
        let is_item = before.is_empty() || before.starts_with("pub");
        Some(is_item && name.ends_with(';') && name != "tests;")
    };
    text.lines().any(|line| words(line).unwrap_or(false))
}

/// An absolute path below a folder that depends on the machine; relative paths and addresses that contain such a word are not.
fn machine_folder(line: &str) -> Option<&'static str> {
    MACHINE_FOLDERS.into_iter().find(|folder| {
        let wanted = format!("/{folder}/");
        line.match_indices(&wanted).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            before.is_none_or(|c| !(c.is_alphanumeric() || "./_-~*<>{}$".contains(c)))
        })
    })
}

fn unfinished(path: &str, line: &str) -> Option<&'static str> {
    let is_ours = [".rs", ".toml", ".md", ".sh", ".go", ".ts", ".yaml"].iter().any(|it| path.ends_with(it));
    UNFINISHED.into_iter().find(|word| {
        let at = line.find(word);
        at.is_some_and(|at| {
            let is_part = |c: char| c.is_alphanumeric() || c == '_';
            let before = line[..at].chars().next_back();
            let after = line[at + word.len()..].chars().next();
            is_ours && !before.is_some_and(is_part) && !after.is_some_and(is_part)
        })
    })
}

/// A module of std that a pure crate names outside of its tests and comments.
fn outside(path: &str, line: &str) -> Option<&'static str> {
    let is_pure = super::layers::PURE.iter().any(|name| path.starts_with(&format!("crates/{name}/src/")));
    if !is_pure || is_test(path) || line.trim_start().starts_with("//") {
        return None;
    }
    OUTSIDE.into_iter().find(|module| {
        let at = line.find(&format!("std::{module}"));
        let after = at.and_then(|at| line[at + 5 + module.len()..].chars().next());
        at.is_some() && !after.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<(usize, &'static str)> {
        check(path, text).into_iter().map(|finding| (finding.line, finding.rule)).collect()
    }

    const NONE: [(usize, &str); 0] = [];

    #[test]
    fn names_that_say_nothing_are_found() {
        for path in ["crates/api/src/utils.rs", "crates/api/src/misc/a.rs", "docs/common.md"] {
            assert_eq!(check_name(path).unwrap().rule, "empty-name", "{path}");
        }
        assert_eq!(check_name("crates/api/src/commons.rs"), None);
    }

    #[test]
    fn modules_say_what_they_are_for() {
        let plain = "use std::fmt;\n";
        let told = "use std::fmt;\n/// A thing.\nstruct Thing;\n";
        let documented = "//! Hashes.\nuse std::fmt;\n";
        for path in ["crates/api/src/lib.rs", "crates/api/src/a/mod.rs", "xtask/src/main.rs"] {
            assert_eq!(rules(path, plain), [(1, "module-doc")], "{path}");
            assert_eq!(rules(path, told), [(1, "module-doc")], "{path}");
            assert_eq!(rules(path, documented), NONE, "{path}");
        }
        assert_eq!(rules("crates/api/src/hash.rs", plain), [(1, "module-doc")]);
        assert_eq!(rules("crates/api/src/hash.rs", told), NONE);
        assert_eq!(
            rules("crates/api/src/hash.rs", &format!("{told}pub(crate) mod c;\n")),
            [(1, "module-doc")]
        );
        assert_eq!(rules("crates/api/src/hash.rs", &format!("{told}#[cfg(test)]\nmod tests;\n")), NONE);
        for path in ["crates/api/src/hash/tests.rs", "crates/api/tests/a.rs", "other/a.rs"] {
            assert_eq!(rules(path, plain), NONE, "{path}");
        }
    }

    #[test]
    fn places_on_one_machine_are_found() {
        for folder in MACHINE_FOLDERS {
            assert_eq!(rules("docs/a.md", &format!("ok\nsee /{folder}/x\n")), [(2, "machine-path")]);
            assert_eq!(rules("a.toml", &format!("path = \"/{folder}/x\"\n")), [(1, "machine-path")]);
            assert_eq!(rules("a.md", &format!("../{folder}/x https://example.org/{folder}/x\n")), NONE);
        }
    }

    #[test]
    fn what_is_unfinished_is_found() {
        for word in UNFINISHED {
            assert_eq!(rules("a.rs", &format!("x; // {word} y\n")), [(1, "unfinished")], "{word}");
            assert_eq!(rules("a.json", &format!("{word}\n")), NONE);
        }
        assert_eq!(rules("a.rs", concat!("MAS", "TO", "DON\n")), NONE);
    }

    #[test]
    fn waiting_on_the_real_clock_is_found() {
        let text = format!("std::{SLEEP}(x);\n");
        assert_eq!(rules("crates/sim/tests/a.rs", &text), [(1, "real-sleep")]);
        assert_eq!(rules("a.md", &text), NONE);
    }

    #[test]
    fn pure_crates_stay_inside() {
        for module in OUTSIDE {
            let text = format!("//! Doc.\nuse std::{module}::x;\n");
            assert_eq!(rules("crates/core/src/a.rs", &text), [(2, "impure")]);
            assert_eq!(rules("crates/core/src/a/tests.rs", &text), NONE);
            assert_eq!(rules("crates/controller/src/a.rs", &text), NONE);
        }
        assert_eq!(rules("crates/core/src/a.rs", "//! Doc.\nuse std::iter;\n"), NONE);
    }
}
