//! `get rollout`, without `--watch`.

use crate::process::{plugin, run};
use crate::transcript::Transcript;
use crate::world::{World, fixture};

#[track_caller]
fn check(moment: &str) {
    let world = World::frozen(moment);
    let name = world.act(|server| server.list("rollouts", None)[0]["metadata"]["name"].clone());
    let outcome = run(&mut plugin(&world.folder.0, &["get", "rollout", name.as_str().unwrap()]));
    assert_eq!((outcome.err.as_str(), outcome.code), ("", Some(0)), "{moment}");
    assert_eq!(outcome.out, fixture(moment, "get-rollout.txt"), "{moment}");
}

#[test]
fn captured_moments_are_printed_as_upstream_did() {
    for moment in [
        "guide/01-updated-paused-at-20",
        "guide/05-yellow-stable",
        "guide-abort/01-red-aborted",
        "blue-green/02-switched-old-in-delay",
        "deadline/00-exceeded",
        "invalid/00-invalid-weight",
        "routed-abort/02-aborted-in-delay",
        "workload-ref/01-updated-paused",
    ] {
        check(moment);
    }
}

#[test]
fn it_is_found_by_name_and_namespace() {
    let world = World::frozen("guide/01-updated-paused-at-20");
    let mut transcript = Transcript::default();
    transcript.run(&world, "get rollout rollouts-demo");
    // By its other names, with flags anywhere, and every way to say no.
    let expected = fixture("guide/01-updated-paused-at-20", "get-rollout.txt");
    for line in [
        "get ro rollouts-demo",
        "-n guide get rollouts rollouts-demo --no-color",
        "get rollout --namespace=guide rollouts-demo -w=false",
        "get rollout rollouts-demo --watch=F --timeout-seconds 1",
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!(run(&mut plugin(&world.folder.0, &words)).out, expected, "{line}");
    }
    transcript.about("None of that name.").run(&world, "get rollout nope");
    transcript.about("None in that namespace.").run(&world, "get rollout rollouts-demo -n default");
    // Every request is told, where that is wanted.
    let outcome = run(&mut plugin(&world.folder.0, &["get", "rollout", "rollouts-demo", "-v", "6"]));
    assert_eq!(
        (outcome.out.as_str(), outcome.err.lines().count()),
        (expected.as_str(), 3),
        "{}",
        outcome.err
    );
    assert!(outcome.err.lines().all(|line| line.starts_with("GET https://127.0.0.1:")), "{}", outcome.err);
    transcript.check("get-rollout");
}

#[test]
fn pods_of_others_are_neither_shown_nor_needed() {
    // Without a selector everything in the namespace is read, and only what belongs to the Rollout is shown.
    let world = World::frozen("workload-ref/02-promoted");
    let name = world.act(|server| server.list("rollouts", None)[0]["metadata"]["name"].clone());
    let pod = serde_json::json!({
        "metadata": {"name": "other"}, "spec": {"containers": [{"name": "a", "image": "b"}]},
    });
    let namespace = world.namespace.clone();
    world.act(move |server| server.create("test", "pods", &namespace, pod).unwrap());
    let outcome = run(&mut plugin(&world.folder.0, &["get", "rollout", name.as_str().unwrap()]));
    assert_eq!(outcome.out, fixture("workload-ref/02-promoted", "get-rollout.txt"));
}
