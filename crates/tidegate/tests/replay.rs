//! `tidegate replay`, as users meet it: standard output, standard error and exit code of the built binary.
//! `TIDEGATE_ACCEPT=1` writes the golden files anew.

#![allow(clippy::unwrap_used, reason = "a test")]

mod transcript;

use transcript::{check, folder, run};

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
    let input = std::fs::read(folder().join("replay/paused.snapshot.json")).unwrap();
    let piped = run("replay - --at 2026-01-01T00:00:30Z", &input);
    let named = run("replay paused.snapshot.json --at 2026-01-01T00:00:30Z", b"");
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
