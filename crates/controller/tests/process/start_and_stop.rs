//! From the first line to the last.

use std::net::TcpListener;

use serde_json::json;

use crate::world::{LEASES, LOCK, World};

#[test]
fn starts_works_and_gives_the_lease_back() {
    let world = World::new();
    let mut controller = world.start(&["--istio-api-version=v1", "--logformat=fancy"]);
    for (text, level) in [
        ("Unknown format: fancy. Using text logformat", "warning"),
        ("--istio-api-version has no effect in this version: there is no traffic routing yet", "warning"),
        ("Argo Rollouts controller starting", "info"),
        ("Leaderelection get id ", "info"),
        ("Using leader election lease lock name argo-rollouts-controller-lock", "info"),
        ("I am the new leader: ", "info"),
        ("Starting Controllers", "info"),
        ("Waiting for controller's informer caches to sync", "info"),
        ("Started controller", "info"),
    ] {
        let line = controller.logs(text);
        assert!(line.contains(&format!("\" level={level} msg=")), "{line}");
    }
    let (name, id) = world.holder().split_once('_').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    assert!(!name.is_empty() && id.len() == 36, "{name} {id}");
    world.create_rollout("web:1");
    world.wait_for_image("web:1");
    controller.signal("-TERM");
    let (log, code) = controller.end();
    assert_eq!(code, Some(0), "{log}");
    let lease = world.object(LEASES, "argo-rollouts", LOCK);
    assert_eq!(
        (&lease["spec"]["holderIdentity"], &lease["spec"]["leaseDurationSeconds"]),
        (&json!(""), &json!(1))
    );
    // What happened last before the end is recorded, too.
    let events = world.act(|server| server.list("events", Some("default")));
    assert!(events.iter().any(|event| event["reason"] == "RolloutCompleted"), "{events:#?}");
}

#[test]
fn at_rest_it_renews_its_lease_and_nothing_else() {
    let world = World::new();
    world.create_rollout("web:1");
    let mut controller = world.start_hasty();
    controller.logs("Started controller");
    world.wait_for_image("web:1");
    // Events follow what they tell of.
    let (begun, _) = world.requests();
    world.wait_for(|world| world.requests().0 >= begun + 4);
    let (_, before) = world.requests();
    world.wait_for(|world| world.requests().0 >= begun + 10);
    assert_eq!(world.requests().1, before);
}

#[cfg(target_os = "linux")]
#[test]
fn it_starts_small() {
    let world = World::new();
    let mut controller = world.start(&[]);
    controller.logs("Started controller");
    let memory = controller.memory();
    assert!(memory <= 15 * 1024, "{memory} KiB");
}

#[test]
fn without_an_election_there_is_no_lease() {
    let world = World::new();
    let mut controller = world.start(&["--leader-elect=false", "--logformat=json"]);
    let line: serde_json::Value = serde_json::from_str(&controller.logs("Started controller")).unwrap();
    assert_eq!((&line["level"], &line["msg"]), (&json!("info"), &json!("Started controller")));
    controller.signal("-INT");
    let (log, code) = controller.end();
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(world.object(LEASES, "argo-rollouts", LOCK), json!(null));
}

#[test]
fn a_port_that_is_taken_is_named_with_its_flag() {
    let world = World::new();
    let taken = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    for flag in ["--healthzPort", "--metricsPort"] {
        let (log, code) = world.start(&[&format!("{flag}={port}")]).end();
        let expected = format!(r#"level=fatal msg="port {port} is taken; choose another one with {flag}""#);
        assert!(log.ends_with(&expected) && code == Some(1), "{code:?} {log}");
    }
}

#[test]
fn a_scope_is_kept_and_named() {
    let world = World::new();
    world.create_rollout("web:1");
    let mut controller = world.start(&["--namespaced", "-n=argo-rollouts", "--instance-id", "blue"]);
    assert_eq!(controller.field("namespace"), "argo-rollouts");
    controller.logs("Started controller");
    let lease = world.object(LEASES, "argo-rollouts", "argo-rollouts-controller-lock-blue");
    assert_eq!(lease["spec"]["leaseTransitions"], 0);
    controller.signal("-TERM");
    assert_eq!(controller.end().1, Some(0));
    assert!(world.object("rollouts.argoproj.io", "default", "web")["status"].is_null());
    let agents = world.act(|server| server.tallies().into_keys().map(|key| key.actor).collect::<Vec<_>>());
    let version = concat!("rollouts-controller/v", env!("CARGO_PKG_VERSION"), "+");
    assert!(agents.iter().any(|agent| agent.starts_with(version)), "{agents:?}");
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let world = World::new();
    let mut controller = world.start(&[]);
    controller.logs("Started controller");
    let frozen = world.freeze();
    controller.signal("-TERM");
    controller.logs("stopping: no work is begun any more");
    controller.signal("-TERM");
    let (log, code) = controller.end();
    assert_eq!(code, Some(1), "{log}");
    assert!(log.ends_with(r#"level=warning msg="stopped at once by a second signal""#), "{log}");
    drop(frozen);
    assert_ne!(world.holder(), "", "it runs out by itself");
}
