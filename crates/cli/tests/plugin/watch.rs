//! `get rollout --watch` into a pipe. On a terminal it is the same data, drawn by `ops::text::Screen`.

use serde_json::json;
use tidegate_kubesim::ApiServer;

use crate::process::{ERR, OUT, Running, plugin};
use crate::server::Wire;
use crate::world::World;

const PAUSED: &str = "guide/01-updated-paused-at-20";

fn watch(world: &World, more: &[&str]) -> Running {
    let args = [&["get", "rollout", "rollouts-demo", "--watch"], more].concat();
    let mut watch = Running::start(&mut plugin(&world.folder.0, &args));
    watch.wait_for(OUT, "ready:1/1");
    watch
}

/// The value of a header line in each view that was printed.
fn values(out: &str, label: &str) -> Vec<String> {
    out.lines().filter_map(|line| Some(line.strip_prefix(label)?.trim().to_owned())).collect()
}

#[test]
fn each_changed_view_is_printed_once() {
    let world = World::passing(PAUSED);
    let mut watch = watch(&world, &[]);
    world.patch_status("rollouts-demo", &json!({"currentStepIndex": 2}));
    watch.wait_for(OUT, "2/8");
    // Nothing of this is shown.
    world.patch(("rollouts", ""), "rollouts-demo", json!({"metadata": {"labels": {"a": "b"}}}));
    world.patch_status("rollouts-demo", &json!({"currentStepIndex": 3}));
    watch.wait_for(OUT, "3/8");
    let pod = world.act(|server| server.list("pods", None)[0].clone());
    let name = pod["metadata"]["name"].as_str().unwrap();
    world.patch(("pods", "status"), name, json!({"status": {"phase": "Failed", "containerStatuses": []}}));
    watch.wait_for(OUT, "Failed");
    watch.signal("-INT");
    let outcome = watch.end();
    assert_eq!((outcome.err.as_str(), outcome.code), ("", Some(0)));
    assert_eq!(values(&outcome.out, "  Step:"), ["1/8", "2/8", "3/8", "3/8"]);
    assert!(!outcome.out.contains('\x1b'));
    let views: Vec<&str> = outcome.out.split("\n\nName:").collect();
    assert_eq!(views.len(), 4, "an empty line between views: {}", outcome.out);
}

#[test]
fn it_ends_with_its_time_and_with_its_rollout() {
    let world = World::passing(PAUSED);
    let outcome = watch(&world, &["--timeout-seconds", "1"]).end();
    assert_eq!((outcome.err.as_str(), outcome.code), ("Error: Rollout watch exceeded timeout\n", Some(1)));
    let running = watch(&world, &[]);
    world.delete("rollouts-demo");
    let outcome = running.end();
    let expected =
        "Error: rollout.argoproj.io \"rollouts-demo\" not found\nhint: it was deleted while it was watched\n";
    assert_eq!((outcome.err.as_str(), outcome.code), (expected, Some(1)));
    let outcome = crate::process::run(&mut plugin(&world.folder.0, &["get", "rollout", "nope", "-w"]));
    assert!(outcome.err.starts_with("Error: rollout.argoproj.io \"nope\" not found\n"), "{outcome:?}");
    assert_eq!((outcome.out.as_str(), outcome.code), ("", Some(1)));
}

#[test]
fn it_outlives_its_connection() {
    let world = World::passing(PAUSED);
    let wire = Wire::to(world.address);
    let server = format!("https://{}", wire.address);
    let mut watch = watch(&world, &["--server", &server]);
    wire.cut();
    watch.wait_for(ERR, "trying again\n");
    world.patch_status("rollouts-demo", &json!({"currentStepIndex": 4}));
    wire.mend();
    watch.wait_for(ERR, "the API server answers again\n");
    watch.wait_for(OUT, "4/8");
    // Watches that the server ends, or whose beginning it has forgotten, are no loss.
    world.act(ApiServer::close_watches);
    world.patch_status("rollouts-demo", &json!({"currentStepIndex": 5}));
    watch.wait_for(OUT, "5/8");
    world.act(ApiServer::expire_watches);
    world.patch_status("rollouts-demo", &json!({"currentStepIndex": 6}));
    watch.wait_for(OUT, "6/8");
    watch.signal("-TERM");
    let outcome = watch.end();
    assert_eq!(outcome.code, Some(0));
    assert_eq!(
        outcome.err.lines().filter(|line| line.contains("trying again")).count(),
        1,
        "{}",
        outcome.err
    );
    assert_eq!(values(&outcome.out, "  Step:"), ["1/8", "4/8", "5/8", "6/8"]);
}
