//! `promote`.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::process::{plugin, run};
use crate::server::{Reply, serve_and_record, status};
use crate::transcript::Transcript;
use crate::world::World;

const PAUSED: &str = "guide/01-updated-paused-at-20";

fn pause_conditions(world: &World) -> Value {
    world.rollout("rollouts-demo")["status"]["pauseConditions"].clone()
}

#[test]
fn a_pause_is_ended_once() {
    let world = World::frozen(PAUSED);
    let mut transcript = Transcript::default();
    assert!(pause_conditions(&world).is_array());
    transcript.about("A pause.").run(&world, "promote rollouts-demo");
    assert_eq!(pause_conditions(&world), Value::Null);
    let before = world.version();
    transcript.about("Before the controller has noticed.").run(&world, "promote rollouts-demo");
    assert_eq!(world.version(), before);
    transcript.about("All the rest.").run(&world, "promote rollouts-demo --full");
    assert_eq!(world.rollout("rollouts-demo")["status"]["promoteFull"], json!(true));

    let finished = World::frozen("guide/05-yellow-stable");
    let before = finished.version();
    transcript.about("Nothing to promote.").run(&finished, "promote rollouts-demo");
    transcript.run(&finished, "promote rollouts-demo --full");
    transcript.about("A Rollout that does not exist.").run(&finished, "promote nope");
    let aborted = World::frozen("guide-abort/01-red-aborted");
    transcript.about("An aborted update.").run(&aborted, "promote rollouts-demo");
    assert_eq!(finished.version(), before);
    transcript.check("promote");
}

#[test]
fn old_flags_are_noted_and_work() {
    let mut transcript = Transcript::default();
    let world = World::frozen(PAUSED);
    transcript.run(&world, "promote rollouts-demo -c");
    assert_eq!(world.rollout("rollouts-demo")["status"]["currentStepIndex"], json!(2));
    let world = World::frozen(PAUSED);
    transcript.run(&world, "promote rollouts-demo --skip-all-steps");
    assert_eq!(world.rollout("rollouts-demo")["status"]["currentStepIndex"], json!(8));
    let before = world.version();
    transcript.run(&world, "promote rollouts-demo -c -a");
    let blue_green = World::frozen("blue-green/01-preview-paused");
    let name = blue_green.act(|server| server.list("rollouts", None)[0]["metadata"]["name"].clone());
    transcript.run(&blue_green, &format!("promote {} --skip-current-step", name.as_str().unwrap()));
    assert_eq!(world.version(), before);
    transcript.check("promote-deprecated");
}

/// A server with a Rollout whose status each look finds as in `looks`, the last one for ever; the first patch gets 409.
fn conflicting(looks: [Value; 2]) -> (String, Arc<Mutex<Vec<String>>>) {
    let seen = Mutex::new((looks.into_iter(), Value::Null, false));
    let (address, asked) = serve_and_record(move |head| {
        let mut seen = seen.lock().unwrap();
        if head.starts_with("GET") {
            seen.1 = seen.0.next().unwrap_or(seen.1.take());
            return Reply::Answer(200, "", seen.1.to_string());
        }
        if std::mem::replace(&mut seen.2, true) {
            return Reply::Answer(200, "", "{}".to_owned());
        }
        status(409, "Conflict", "the object has been modified")
    });
    (format!("http://{address}"), asked)
}

fn look(version: &str, step: i32) -> Value {
    json!({
        "metadata": {"name": "x", "uid": "u", "resourceVersion": version, "generation": 1},
        "spec": {"strategy": {"canary": {"steps": [{"pause": {}}, {"pause": {}}]}}},
        "status": {
            "currentPodHash": "b", "stableRS": "a", "currentStepIndex": step, "controllerPause": true,
            "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "2026-11-23T05:27:31Z"}],
        },
    })
}

#[test]
fn counted_pods_do_not_stop_a_promote_and_another_step_does() {
    let mut transcript = Transcript::default();
    let mut promote = |about: &str, looks: [Value; 2]| {
        let (server, asked) = conflicting(looks);
        let outcome = run(&mut plugin("/nowhere".as_ref(), &["promote", "x", "-s", &server]));
        transcript.about(about).note("promote x", &outcome);
        let asked = asked.lock().unwrap();
        asked.iter().filter_map(|head| head.split(' ').next()).collect::<Vec<_>>().join(" ")
    };
    let asked = promote("Only the version has changed meanwhile.", [look("1", 0), look("2", 0)]);
    assert_eq!(asked, "GET PATCH GET PATCH");
    let asked = promote("Another step meanwhile.", [look("1", 0), look("2", 1)]);
    assert_eq!(asked, "GET PATCH GET");
    transcript.check("promote-conflict");
}
