//! Plays every script under `scenarios/` and compares its transcript. `TIDEGATE_ACCEPT=1` writes what came out instead;
//! `TIDEGATE_ONLY=TEXT` plays those whose path contains TEXT.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::path::{Path, PathBuf};

use tidegate_sim::scenario::{Script, play, play_through};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn scripts(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            scripts(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "txt") {
            found.push(path);
        }
    }
}

#[test]
#[allow(clippy::disallowed_methods, reason = "a test's own switch")]
fn transcripts_are_as_written() {
    let accept =
        std::env::var("TIDEGATE_ACCEPT").is_ok_and(|value| value == "1") && std::env::var("CI").is_err();
    let mut found = Vec::new();
    scripts(&root().join("scenarios"), &mut found);
    assert!(found.len() > 10, "the scripts are where they should be");
    let only = std::env::var("TIDEGATE_ONLY").unwrap_or_default();
    found.retain(|path| path.display().to_string().contains(&only));
    let mut wrong = Vec::new();
    for path in found {
        let text = std::fs::read_to_string(&path).unwrap();
        let script = Script::parse(&text);
        let outcome = script.and_then(|script| {
            let (played, outcome) = play_through(&script, &root());
            if outcome.is_err() && !only.is_empty() {
                println!("{played}");
            }
            outcome.map(|()| played)
        });
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        match outcome {
            Err(error) => wrong.push(format!("{name}: {error}")),
            Ok(played) if played.to_string() == text => {}
            Ok(played) if accept => std::fs::write(&path, played.to_string()).unwrap(),
            Ok(played) => wrong.push(format!("{name}:\n{}", first_difference(&text, &played.to_string()))),
        }
    }
    assert!(wrong.is_empty(), "{}\n\nTIDEGATE_ACCEPT=1 writes the transcripts anew.", wrong.join("\n\n"));
}

fn first_difference(expected: &str, played: &str) -> String {
    let mut lines = expected.lines().zip(played.lines()).enumerate();
    match lines.find(|(_, (a, b))| a != b) {
        Some((number, (a, b))) => format!("line {}:\n- {a}\n+ {b}", number + 1),
        None => format!("{} lines expected, {} played", expected.lines().count(), played.lines().count()),
    }
}

#[test]
fn a_script_is_played_twice_the_same() {
    let text = std::fs::read_to_string(root().join("scenarios/guide/guide.txt")).unwrap();
    let script = Script::parse(&text).unwrap();
    assert_eq!(play(&script, &root()).unwrap(), play(&script, &root()).unwrap());
}

#[test]
fn what_is_no_script_is_refused() {
    let error = Script::parse("$ traffic\nfree text\n").unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 2: `free text` is neither a command (`$ ...`), a comment (`# ...`) nor output (four blanks)"
    );
    let script = Script::parse("$ fly to the moon\n").unwrap();
    let error = play(&script, &root()).unwrap_err().to_string();
    assert!(error.starts_with("line 1, `$ fly to the moon`: no such command"), "{error}");
}

#[test]
fn rollouts_that_must_be_there_at_the_end_are_missed() {
    let broken = |text: &str| play(&Script::parse(text).unwrap(), &root()).unwrap_err().to_string();
    assert_eq!(broken("# rollouts: web\n$ wait 1s\n"), "at the end: Rollout web is not there");
}
