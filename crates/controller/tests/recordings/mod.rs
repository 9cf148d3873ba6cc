//! What is told of decisions that met a failure.

use std::sync::{Arc, Mutex};

use tidegate_controller::{Config, OnFailure};
use tidegate_core::{Failure, Recording, rollout};

use crate::world::{CONTROLLER, World, pass};

/// Everything that is told of failures.
fn failures() -> (Arc<Mutex<Vec<Recording>>>, Option<OnFailure>) {
    let told: Arc<Mutex<Vec<Recording>>> = Arc::default();
    let listener = Arc::clone(&told);
    (told, Some(Box::new(move |recording| listener.lock().unwrap().push(recording))))
}

#[tokio::test(start_paused = true)]
async fn a_failed_write_is_told_with_what_it_was_decided_on() {
    let world = World::new();
    let (told, on_failure) = failures();
    let _running = world.start(Config { on_failure, ..world.config() });
    pass(1.0).await;
    world.server.fail_writes(|attempt| {
        let ours = attempt.actor == CONTROLLER && attempt.resource == "replicasets.apps";
        ours.then(|| tidegate_kubesim::ApiError::new(403, "Forbidden", "may not create"))
    });
    world.create_rollout("x");
    pass(2.0).await;
    let recording = told.lock().unwrap().first().cloned().unwrap();
    let Failure::Write { number, error } = &recording.failure else { panic!("{:?}", recording.failure) };
    let plan = recording.plan.as_ref().unwrap();
    assert_eq!(plan.writes[*number].object.kind, "ReplicaSet");
    assert!(error.to_string().contains("may not create"), "{error}");
    assert_eq!(recording.snapshot.rollout.metadata.name, "x");
    let read: Recording = serde_json::from_value(recording.to_safe_json().unwrap()).unwrap();
    assert_eq!(rollout::plan(&read.snapshot, read.now).writes, plan.writes, "it can be decided again");
    assert_eq!(rollout::after_failure(plan, *number, error).writes.len(), 1, "the status says so");
}

#[tokio::test(start_paused = true)]
async fn what_earlier_writes_of_a_plan_changed_is_not_taken_for_what_it_was_decided_on() {
    let world = World::new();
    let (told, on_failure) = failures();
    let _running = world.start(Config { on_failure, ..world.config() });
    world.create_rollout("x");
    pass(10.0).await;
    world.server.fail_writes(|attempt| {
        let ours = attempt.actor == CONTROLLER && attempt.resource == "replicasets.apps";
        let fails = ours && attempt.verb == "patch";
        fails.then(|| tidegate_kubesim::ApiError::new(403, "Forbidden", "may not patch"))
    });
    world.update("x", "demo:2");
    pass(5.0).await;
    let told = told.lock().unwrap();
    let is_later = |it: &&Recording| matches!(it.failure, Failure::Write { number, .. } if number > 0);
    let recording = told.iter().find(is_later).expect("a write after another one failed");
    let decided = rollout::plan(&recording.snapshot, recording.now);
    assert_eq!(Some(&decided), recording.plan.as_ref());
}

#[tokio::test(start_paused = true)]
async fn a_conflict_is_no_failure_to_tell() {
    let world = World::new();
    let (told, on_failure) = failures();
    let running = world.start(Config { on_failure, ..world.config() });
    pass(1.0).await;
    world.server.fail_writes(|attempt| {
        let ours = attempt.actor == CONTROLLER && attempt.resource.starts_with("rollouts");
        ours.then(|| tidegate_kubesim::ApiError::new(409, "Conflict", "changed"))
    });
    world.create_rollout("x");
    pass(5.0).await;
    assert!(running.handle.metrics().failed_writes > 0);
    assert_eq!(*told.lock().unwrap(), []);
}
