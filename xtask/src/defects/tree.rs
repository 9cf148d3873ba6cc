//! A copy of the sources in which every defect of the lists can be switched on.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::list::Defect;
use crate::tidy;

/// The environment variable that names the defect.
pub(super) const SWITCH: &str = "TIDEGATE_DEFECT";
/// Where the copy is, below the repository.
const PLACE: &str = "target/defects";
const MANIFEST: &str = "Cargo.toml";
/// Crates whose unit tests are played, and what these are called in the copy: `--lib` would build those of all crates.
pub(super) const UNITS: [(&str, &str); 2] =
    [("crates/core", "units_core"), ("crates/controller", "units_controller")];
/// What a crate of the copy reads the switch by.
const READER: &str = "deliberate";

/// Makes the copy, or brings it up to date: what has not changed is not written, and so not built again.
pub(super) fn make(root: &Path, defects: &[Defect]) -> Result<PathBuf, String> {
    let tree = root.join(PLACE);
    let mut sources: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for path in tidy::files(root)? {
        let content = fs::read(root.join(&path)).map_err(|error| format!("{path}: {error}"))?;
        sources.insert(path, content);
    }
    switch(&mut sources, defects)?;
    let manifest = sources.get_mut(MANIFEST).ok_or("there is no manifest")?;
    *manifest = set_apart(&String::from_utf8_lossy(manifest)).into_bytes();
    for (folder, test) in UNITS {
        let manifest =
            sources.get_mut(&format!("{folder}/{MANIFEST}")).ok_or("a crate without a manifest")?;
        manifest.extend(format!("\n[[test]]\nname = \"{test}\"\npath = \"src/lib.rs\"\n").bytes());
    }
    for (path, content) in &sources {
        write(&tree.join(path), content)?;
    }
    for path in tidy::files_below(&tree)? {
        if !sources.contains_key(&path) {
            fs::remove_file(tree.join(&path)).map_err(|error| format!("{path}: {error}"))?;
        }
    }
    Ok(tree)
}

/// Another version, so that cargo builds the copy's crates beside ours, with the same dependencies.
fn set_apart(manifest: &str) -> String {
    let version = |line: &str| line.starts_with("version = ").then(|| line.trim_end_matches('"').to_owned());
    let lines = manifest.lines().map(|line| version(line).map_or(line.to_owned(), |it| it + "+defects\""));
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

fn write(path: &Path, content: &[u8]) -> Result<(), String> {
    if fs::read(path).is_ok_and(|present| present == content) {
        return Ok(());
    }
    let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
    folder.and_then(|()| fs::write(path, content)).map_err(|error| format!("{}: {error}", path.display()))
}

/// Puts the defects into the sources, and a reader of the switch into each crate that has one.
fn switch(sources: &mut BTreeMap<String, Vec<u8>>, defects: &[Defect]) -> Result<(), String> {
    let mut by_file: BTreeMap<&str, Vec<&Defect>> = BTreeMap::new();
    for defect in defects {
        by_file.entry(&defect.file).or_default().push(defect);
    }
    let mut crates = BTreeSet::new();
    for (file, defects) in by_file {
        let source = sources.get_mut(file).ok_or_else(|| format!("{file} does not exist"))?;
        *source = switched_file(&String::from_utf8_lossy(source), &defects)?.into_bytes();
        let (name, _) = file.split_once("/src/").ok_or_else(|| format!("{file} is in no crate"))?;
        crates.insert(name.to_owned());
    }
    for name in crates {
        let lib = sources.get_mut(&format!("{name}/src/lib.rs"));
        let lib = lib.ok_or_else(|| format!("{name} is no library"))?;
        // What is switched has more parentheses than it needs.
        *lib = format!("#![allow(warnings)]\n{}\nmod {READER};\n", String::from_utf8_lossy(lib)).into_bytes();
        sources.insert(format!("{name}/src/{READER}.rs"), reader().into_bytes());
    }
    Ok(())
}

fn switched_file(source: &str, defects: &[&Defect]) -> Result<String, String> {
    let mut by_place: BTreeMap<(usize, usize), Vec<&Defect>> = BTreeMap::new();
    for defect in defects {
        let place = defect.place(source).map_err(|what| format!("defect {}: {what}", defect.name))?;
        by_place.entry((place.start, place.end)).or_default().push(defect);
    }
    let (mut text, mut done) = (String::new(), 0);
    for ((start, end), defects) in by_place {
        if start < done {
            return Err(format!("defect {} reaches into the text of another", defects[0].name));
        }
        text += &source[done..start];
        text += &switched(&source[start..end], &defects);
        done = end;
    }
    Ok(text + &source[done..])
}

/// Statements stay statements; everything else is an expression, whatever stands around it.
fn switched(find: &str, defects: &[&Defect]) -> String {
    let mut text = String::new();
    for Defect { name, replace, .. } in defects {
        text += &format!("if crate::{READER}::is(\"{name}\") {{ {replace} }} else ");
    }
    text += &format!("{{ {find} }}");
    let is_statement = find.trim_end().ends_with([';', '}']);
    if is_statement { text } else { format!("({text})") }
}

fn reader() -> String {
    format!(
        r#"//! Which deliberate defect is switched on.

use std::sync::OnceLock;

static CHOSEN: OnceLock<Option<String>> = OnceLock::new();

pub(crate) fn is(name: &str) -> bool {{
    CHOSEN.get_or_init(|| std::env::var("{SWITCH}").ok()).as_deref() == Some(name)
}}
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defect(name: &str, find: &str, replace: &str) -> Defect {
        let [name, find, replace] = [name, find, replace].map(str::to_owned);
        Defect { name, find, replace, file: "crates/a/src/b.rs".to_owned(), ..Defect::default() }
    }

    fn switched_in(text: &str, defects: &[Defect]) -> Result<String, String> {
        let mut sources = BTreeMap::from([
            ("crates/a/src/b.rs".to_owned(), text.as_bytes().to_vec()),
            ("crates/a/src/lib.rs".to_owned(), Vec::new()),
        ]);
        switch(&mut sources, defects)?;
        assert!(sources["crates/a/src/deliberate.rs"].starts_with(b"//!"));
        assert_eq!(sources["crates/a/src/lib.rs"], b"#![allow(warnings)]\n\nmod deliberate;\n");
        Ok(String::from_utf8_lossy(&sources["crates/a/src/b.rs"]).into_owned())
    }

    #[test]
    fn each_text_becomes_a_choice() {
        let text =
            switched_in("if a < b { f(); }", &[defect("x", "a < b", "a <= b"), defect("y", "f();", "")]);
        assert_eq!(
            text.unwrap(),
            "if (if crate::deliberate::is(\"x\") { a <= b } else { a < b }) { if crate::deliberate::is(\"y\") {  } else { f(); } }"
        );
    }

    #[test]
    fn the_copy_has_a_version_of_its_own() {
        let manifest = "[workspace.package]\nversion = \"0.1.0\"\n[x]\nserde = { version = \"1\" }\n";
        assert_eq!(set_apart(manifest), manifest.replace("0.1.0", "0.1.0+defects"));
    }

    #[test]
    fn several_may_have_one_place() {
        let text = switched_in("a", &[defect("x", "a", "b"), defect("y", "a", "c")]).unwrap();
        let expected =
            "(if crate::deliberate::is(\"x\") { b } else if crate::deliberate::is(\"y\") { c } else { a })";
        assert_eq!(text, expected);
    }

    #[test]
    fn texts_may_touch_but_not_overlap() {
        assert!(switched_in("f(a, b)", &[defect("x", "«a», b", "c"), defect("y", "a, «b»", "d")]).is_ok());
        let error = switched_in("f(a, b)", &[defect("x", "a, b", "c"), defect("y", "b)", "d")]).unwrap_err();
        assert_eq!(error, "defect y reaches into the text of another");
    }

    #[test]
    fn what_is_not_there_once_is_told() {
        for text in ["a a", "b"] {
            let error = switched_in(text, &[defect("x", "a", "")]).unwrap_err();
            assert!(error.starts_with("defect x: its text is found"), "{error}");
        }
    }
}
