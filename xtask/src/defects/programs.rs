//! The test programs of the copy: built once, run with one defect after the other.

use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::tree::{SWITCH, UNITS};
use crate::chain::{announce, cargo_command};

/// The test of random worlds.
const WORLDS: &str = "worlds";
/// Scenarios, and tests of the whole controller.
const TESTS: [&str; 4] = ["scenarios", "shell", "leader", "process"];
/// A defect may keep a test from coming to its end.
const LIMIT: Duration = Duration::from_secs(900);

/// A test program.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Program {
    name: String,
    path: PathBuf,
    /// The crate that it tests, in which it runs.
    folder: PathBuf,
}

/// All that are played.
pub(super) struct Programs {
    worlds: Program,
    units: Vec<Program>,
    tests: Vec<Program>,
}

/// How worlds went.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    Broken {
        /// The first.
        seed: u64,
        /// The promise that it breaks.
        text: String,
    },
}

impl Programs {
    /// Builds the programs of the copy beside our own.
    pub(super) fn build(root: &Path, tree: &Path) -> Result<Self, String> {
        let mut command = cargo_command();
        command.args(["test", "--workspace", "--no-run", "--test", WORLDS]);
        command.args(UNITS.iter().map(|(_, test)| test).chain(&TESTS).flat_map(|test| ["--test", test]));
        announce("cargo test --workspace --no-run, in a copy with all defects");
        command.args(["--message-format", "json-render-diagnostics"]);
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        command.current_dir(tree).env("CARGO_TARGET_DIR", target).stderr(Stdio::inherit());
        let output = command.output().map_err(|error| format!("cargo: {error}"))?;
        if !output.status.success() {
            return Err("the copy with the defects does not build".to_owned());
        }
        let built = programs(&String::from_utf8_lossy(&output.stdout));
        let named = |name: &str| {
            let found = built.iter().find(|program| program.name == name).cloned();
            found.ok_or_else(|| format!("cargo has built no test `{name}`"))
        };
        let all = |names: &[&str]| names.iter().map(|name| named(name)).collect::<Result<_, _>>();
        Ok(Self { worlds: named(WORLDS)?, units: all(&UNITS.map(|(_, test)| test))?, tests: all(&TESTS)? })
    }

    /// Plays the worlds of these seeds up to the first that breaks a promise.
    pub(super) fn worlds(&self, defect: Option<&str>, seeds: Range<u64>) -> Result<Outcome, String> {
        let mut command = self.worlds.command(defect);
        command.args(["two_thousand", "--nocapture"]);
        command.env("TIDEGATE_SEEDS", format!("{}..{}", seeds.start, seeds.end));
        let (has_passed, text) = finish(&mut command)?;
        match first_broken(&text) {
            Some(broken) => Ok(broken),
            None if has_passed => Ok(Outcome::Passed),
            None => Err(format!("the worlds of {defect:?} fail and do not say why:\n{text}")),
        }
    }

    /// The first unit test that notices a defect.
    pub(super) fn units(&self, defect: &str) -> Result<Option<String>, String> {
        // Log lines carry the name of the crate, which is another one in the copy.
        noticed_by(&self.units, defect, &["--skip", "logs::"])
    }

    /// The first scenario, or test of a whole controller, that notices a defect.
    pub(super) fn tests(&self, defect: &str) -> Result<Option<String>, String> {
        noticed_by(&self.tests, defect, &[])
    }
}

fn noticed_by(programs: &[Program], defect: &str, args: &[&str]) -> Result<Option<String>, String> {
    for program in programs {
        let (has_passed, text) = finish(program.command(Some(defect)).args(args))?;
        if !has_passed {
            let failed =
                text.lines().find_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
            return Ok(Some(format!("{}: {}", program.name, failed.unwrap_or("it does not end"))));
        }
    }
    Ok(None)
}

impl Program {
    fn command(&self, defect: Option<&str>) -> Command {
        let mut command = Command::new(&self.path);
        command.current_dir(&self.folder).env_remove(SWITCH);
        if let Some(defect) = defect {
            command.env(SWITCH, defect);
        }
        command
    }
}

/// The test programs among the messages of a build.
fn programs(messages: &str) -> Vec<Program> {
    let program = |line: &str| {
        let message: Value = serde_json::from_str(line).ok()?;
        Some(Program {
            name: message["target"]["name"]
                .as_str()
                .filter(|_| message["profile"]["test"] == true)?
                .to_owned(),
            path: message["executable"].as_str()?.into(),
            folder: Path::new(message["manifest_path"].as_str()?).parent()?.to_owned(),
        })
    };
    messages.lines().filter_map(program).collect()
}

/// What a program prints, and whether it ends well, and in time.
fn finish(command: &mut Command) -> Result<(bool, String), String> {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut child = child.map_err(|error| format!("{command:?}: {error}"))?;
    let mut stdout = child.stdout.take().ok_or("a program without output")?;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut text = Vec::new();
        let read = stdout.read_to_end(&mut text);
        let _ = sender.send(read.map(|_| String::from_utf8_lossy(&text).into_owned()));
    });
    let text = receiver.recv_timeout(LIMIT);
    if text.is_err() {
        // It may have ended this very moment.
        let _ = child.kill();
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    match text {
        Ok(text) => Ok((status.success(), text.map_err(|error| error.to_string())?)),
        Err(_) => Ok((false, String::new())),
    }
}

/// Of `TIDEGATE_SEED=5 breaks I2: ...`, the one with the smallest seed.
fn first_broken(text: &str) -> Option<Outcome> {
    let broken = |line: &str| {
        let (_, line) = line.split_once("TIDEGATE_SEED=")?;
        let (seed, text) = line.split_once(" breaks ")?;
        Some((seed.parse::<u64>().ok()?, text.to_owned()))
    };
    let (seed, text) = text.lines().filter_map(broken).min()?;
    Some(Outcome::Broken { seed, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_world_counts() {
        let text = "x\ntest a ... TIDEGATE_SEED=12 breaks I1: b\nTIDEGATE_SEED=5 breaks end: c, d\n";
        assert_eq!(first_broken(text), Some(Outcome::Broken { seed: 5, text: "end: c, d".to_owned() }));
        assert_eq!(first_broken("test result: ok"), None);
    }

    #[test]
    fn test_programs_are_told_from_libraries() {
        let messages = r#"{"reason":"compiler-artifact","manifest_path":"a/Cargo.toml","target":{"name":"x"},"profile":{"test":true},"executable":"t/x-1"}
{"reason":"compiler-artifact","manifest_path":"a/Cargo.toml","target":{"name":"y"},"profile":{"test":false},"executable":"t/y"}
{"reason":"build-finished","success":true}"#;
        let expected = Program { name: "x".to_owned(), path: "t/x-1".into(), folder: "a".into() };
        assert_eq!(programs(messages), [expected]);
    }
}
