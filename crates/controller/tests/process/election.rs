//! Several processes, of which one works.

use serde_json::json;

use crate::world::{LEASES, LOCK, World};

#[test]
fn one_works_and_the_other_takes_over_at_once() {
    let world = World::new();
    let mut first = world.start(&[]);
    first.logs("Started controller");
    let mut second = world.start(&[]);
    second.logs("New leader elected: ");
    let (head, body) = second.health("/readyz");
    assert!(head.starts_with("http/1.1 200") && body == "ok: standing by\n", "{head}\n{body}");
    world.create_rollout("web:1");
    world.wait_for_image("web:1");
    first.signal("-TERM");
    assert_eq!(first.end().1, Some(0));
    second.logs("Started controller");
    let lease = world.object(LEASES, "argo-rollouts", LOCK);
    assert_eq!(lease["spec"]["leaseTransitions"], 1);
    second.signal("-TERM");
    let (log, code) = second.end();
    assert_eq!((code, world.holder().as_str()), (Some(0), ""), "{log}");
}

#[test]
fn a_standby_that_is_stopped_leaves_the_lease_alone() {
    let world = World::new();
    let mut first = world.start(&[]);
    first.logs("Started controller");
    let holder = world.holder();
    let mut second = world.start(&[]);
    second.logs("New leader elected: ");
    second.signal("-TERM");
    assert_eq!((second.end().1, world.holder()), (Some(0), holder));
}

#[test]
fn a_lost_lease_ends_the_process() {
    let world = World::new();
    let mut controller = world.start_hasty();
    controller.logs("Started controller");
    world.act(|server| {
        let taken = json!({"spec": {"holderIdentity": "somebody_else"}});
        server.merge_patch("test", (LEASES, ""), ("argo-rollouts", LOCK), &taken).unwrap();
    });
    let (log, code) = controller.end();
    assert_eq!(code, Some(1), "{log}");
    let last = r#"level=fatal msg="leader election lost: somebody_else has taken the lease""#;
    assert!(log.ends_with(last), "{log}");
    assert_eq!(world.holder(), "somebody_else");
}

#[test]
fn a_leader_that_was_frozen_changes_nothing_when_it_wakes() {
    let world = World::new();
    let mut first = world.start_hasty();
    first.logs("Started controller");
    world.create_rollout("web:1");
    world.wait_for_image("web:1");
    first.signal("-STOP");
    let mut second = world.start_hasty();
    second.logs("Started controller");
    let holder = world.holder();
    let before = world.object("rollouts.argoproj.io", "default", "web");
    // It sees this when it wakes, and would act on it.
    second.signal("-STOP");
    world.act(|server| {
        let patch =
            json!({"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "web:2"}]}}}});
        server.merge_patch("test", ("rollouts.argoproj.io", ""), ("default", "web"), &patch).unwrap();
    });
    first.signal("-CONT");
    let (log, code) = first.end();
    assert_eq!(code, Some(1), "{log}");
    assert!(
        log.contains("level=fatal msg=\"leader election lost: the lease was not renewed within 4s"),
        "{log}"
    );
    let after = world.object("rollouts.argoproj.io", "default", "web");
    assert_eq!((&after["status"], world.holder()), (&before["status"], holder));
    assert_eq!(world.act(|server| server.list("replicasets", Some("default")).len()), 1);
}
