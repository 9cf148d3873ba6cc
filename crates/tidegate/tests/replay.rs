//! `tidegate replay`, as users meet it: standard output, standard error and exit code of the built binary.
//! `TIDEGATE_ACCEPT=1` writes the golden files anew.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// Runs the command where the inputs of these tests are; standard input is the file named.
fn run(line: &str, input: Option<&str>) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(line.split_whitespace()).current_dir(folder().join("replay"));
    command.env_remove("NO_COLOR").env("TERM", "xterm-256color");
    command.stdin(match input {
        Some(file) => std::fs::File::open(folder().join("replay").join(file)).unwrap().into(),
        None => Stdio::null(),
    });
    let output = command.output().expect("the binary was built for this test");
    let text = |bytes| String::from_utf8(bytes).expect("only text is written");
    let (out, err) = (text(output.stdout), text(output.stderr));
    let code = output.status.code().expect("it is not killed");
    format!("$ tidegate {line}\n--- standard output\n{out}--- standard error\n{err}--- exit code {code}\n")
}

#[track_caller]
#[allow(clippy::disallowed_methods, reason = "a test's own switch")]
fn check(name: &str, line: &str) {
    let path = folder().join("golden/replay").join(name).with_extension("txt");
    let played = run(line, None);
    assert!(!played.contains('\x1b'), "pipes get no escape codes");
    if std::env::var("TIDEGATE_ACCEPT").is_ok_and(|value| value == "1") && std::env::var("CI").is_err() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &played).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(expected, played, "{name}; TIDEGATE_ACCEPT=1 writes it anew");
}

#[test]
fn a_recorded_failure_is_told_with_what_follows() {
    check("forbidden", "replay forbidden.snapshot.json");
    check("exists", "replay exists.snapshot.json");
    check("panic", "replay panic.snapshot.json");
}

#[test]
fn a_bare_snapshot_is_decided_at_any_instant() {
    check("paused", "replay paused.snapshot.json --at 2026-01-01T00:00:30Z");
    check("pause-is-over", "replay paused.snapshot.json --at 2026-01-01T00:10:20Z");
    let piped = run("replay - --at 2026-01-01T00:00:30Z", Some("paused.snapshot.json"));
    let named = run("replay paused.snapshot.json --at 2026-01-01T00:00:30Z", None);
    assert_eq!(piped.split_once('\n').unwrap().1, named.split_once('\n').unwrap().1);
}

#[test]
fn the_decision_itself_is_json() {
    check("json", "replay forbidden.snapshot.json -o json");
}

#[test]
fn wrong_input_is_told_with_its_place() {
    check("no-instant", "replay paused.snapshot.json");
    check("broken", "replay broken.snapshot.json --at 2026-01-01T00:00:30Z");
    check("missing-file", "replay nowhere.json");
    check("no-snapshot", "replay ../../../../crds/rollouts.argoproj.io.yaml");
    check("no-such-time", "replay paused.snapshot.json --at soon");
    check("help", "replay --help");
}
