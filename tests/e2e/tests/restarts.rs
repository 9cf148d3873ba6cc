//! What a user sees while the API server or the controller comes and goes in mid-update: nothing but a pause.

use serde_json::Value;
use tidegate_e2e::{Controller, Place, Start, alone, shared};

use crate::demo::{NAME, is_paused_at, rollout, set_image, size};

#[test]
fn the_api_server_restarts_in_mid_update() {
    let mut plane = alone();
    let place = Place::new(&plane, "api-restart");
    // A lease outlasts this; that a controller without one ends is told elsewhere.
    let start = Start::new(&plane, &place, "only").flag("--leader-election-lease-duration=120s");
    let mut controller = start.flag("--leader-election-renew-deadline=90s").ready();
    place.apply(&[rollout(NAME, "demo:blue", 1)]);
    place.until_phase(NAME, "Healthy");
    place.plugin(&set_image(NAME, "demo:yellow"));
    place.until(NAME, "it is paused", |rollout| is_paused_at(rollout, 1));
    place.plugin("promote rollouts-demo");
    plane.stop_api_server();
    plane.start_api_server().unwrap();
    place.until_phase(NAME, "Healthy");
    assert_eq!(size(&place.replica_sets(), "demo:yellow"), Some(5));
    controller.until_ready();
    // Not only what was under way goes on.
    place.plugin(&set_image(NAME, "demo:red"));
    place.until(NAME, "the next update is paused", |rollout| is_paused_at(rollout, 1));
}

#[test]
fn the_controller_is_killed_in_every_step() {
    let plane = shared();
    let place = Place::new(plane, "killed");
    let start = || -> Controller {
        let quick = ["--leader-election-lease-duration=7s", "--leader-election-renew-deadline=6s"];
        let start = Start::new(plane, &place, "killed").flag(quick[0]).flag(quick[1]);
        start.flag("--leader-election-retry-period=500ms").ready()
    };
    place.apply(&[rollout(NAME, "demo:blue", 3)]);
    let controller = start();
    place.until(NAME, "the first pods are asked for", |rollout| {
        rollout["status"]["currentPodHash"].is_string()
    });
    controller.kill();
    let controller = start();
    place.until_phase(NAME, "Healthy");
    controller.kill();

    // While nobody looks.
    place.plugin(&set_image(NAME, "demo:yellow"));
    let mut controller = start();
    for index in 0..8 {
        place.until(NAME, &format!("step {index} is reached"), |rollout| {
            let status = &rollout["status"];
            // Until the update has begun, the index is that of the one before.
            let runs = |rs: &Value| rs["spec"]["template"]["spec"]["containers"][0]["image"] == "demo:yellow";
            let hash = |rs: &Value| rs["metadata"]["labels"]["rollouts-pod-template-hash"].clone();
            let new = place.replica_sets().iter().find(|rs| runs(rs)).map(hash);
            new == Some(status["currentPodHash"].clone())
                && status["currentStepIndex"].as_i64() >= Some(index)
        });
        controller.kill();
        if index == 1 {
            place.plugin("promote rollouts-demo");
        }
        controller = start();
    }
    place.until_phase(NAME, "Healthy");
    let replica_sets = place.replica_sets();
    assert_eq!(replica_sets.len(), 2, "{replica_sets:#?}");
    assert_eq!(size(&replica_sets, "demo:yellow"), Some(5));
    assert_eq!(size(&replica_sets, "demo:blue"), Some(0));
    let revision = &place.rollout(NAME)["metadata"]["annotations"]["rollout.argoproj.io/revision"];
    assert_eq!(revision, "2");
    assert_eq!(controller.stop(), Some(0));
}
