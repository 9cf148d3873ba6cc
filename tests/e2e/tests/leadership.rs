//! Two controllers of which one leads; the leader is frozen, and woken when the other has long taken over.

use std::fs;
use std::time::Duration;

use serde_json::Value;
use tidegate_e2e::{Place, Start, User, shared};

use crate::demo::{NAME, is_paused_at, rollout, set_image, size};

/// Requests of `ctl` in this namespace that changed something, Leases aside.
fn changes(log: &str, namespace: &str) -> Vec<String> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines
        .filter(|line| {
            let object = &line["objectRef"];
            let is_read = ["get", "list", "watch"].iter().any(|verb| line["verb"] == *verb);
            line["user"]["username"] == "ctl"
                && object["namespace"] == namespace
                && object["resource"] != "leases"
                && !is_read
                && line["responseStatus"]["code"].as_i64().is_some_and(|code| code < 300)
        })
        .map(|line| format!("{} {}", line["verb"], line["objectRef"]))
        .collect()
}

#[test]
fn a_leader_that_wakes_too_late_changes_nothing() {
    let plane = shared();
    let place = Place::new(plane, "frozen");
    let quick = |start: Start| {
        let start = start.flag("--leader-election-lease-duration=9s");
        start.flag("--leader-election-renew-deadline=8s").flag("--leader-election-retry-period=500ms")
    };
    // The two are told apart in the audit log by their users.
    let mut first = quick(Start::new(plane, &place, "first")).ready();
    let second = quick(Start::new(plane, &place, "second").kubeconfig(plane.kubeconfig(User::Admin))).start();
    place.apply(&[rollout(NAME, "demo:blue", 1)]);
    place.until_phase(NAME, "Healthy");
    place.plugin(&set_image(NAME, "demo:yellow"));
    place.until(NAME, "it is paused", |rollout| is_paused_at(rollout, 1));

    // Frozen with work in its queue: the promotion that it may or may not have seen.
    place.plugin("promote rollouts-demo");
    first.process.signal("STOP").unwrap();
    place.until_phase(NAME, "Healthy");
    assert_eq!(size(&place.replica_sets(), "demo:yellow"), Some(5));
    place.plugin(&set_image(NAME, "demo:red"));
    place.until(NAME, "the next update is paused", |rollout| is_paused_at(rollout, 1));

    let told_so_far = fs::read_to_string(plane.audit_log()).unwrap().len();
    first.process.signal("CONT").unwrap();
    assert_eq!(first.process.wait(Duration::from_secs(30)), Ok(Some(1)), "{}", first.process.log());
    let log = fs::read_to_string(plane.audit_log()).unwrap();
    assert_eq!(changes(&log[told_so_far..], "frozen"), Vec::<String>::new());
    assert!(!changes(&log, "frozen").is_empty(), "while it led, it did change something");
    assert!(is_paused_at(&place.rollout(NAME), 1));
    assert_eq!(second.stop(), Some(0));
}
