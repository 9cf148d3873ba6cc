//! Blue-green: the captured runs, and what users do to a preview and to the version before it. The active Service never has fewer
//! pods than `spec.replicas`.

use serde_json::Value;
use tidegate_e2e::{Place, Start, Traffic, shared};

use crate::captured::Row;
use crate::demo::{NAME, blue_green, set_image, size};
use crate::play::Play;

#[test]
fn an_update_is_as_captured() {
    let plane = shared();
    let play = Play::start_with(plane, "blue-green", "bg");
    play.deploy(("blue-green", "00-deployed"), "demo:blue");
    let traffic = Traffic::of(&play.place, "bg-active", 3);
    play.is_as_captured("00-deployed", &[Row::SwitchComesFirst]);
    play.image("demo:yellow");
    play.place.until_phase("bg", "Paused");
    play.is_as_captured("01-preview-paused", &[Row::SwitchComesFirst]);
    play.place.plugin("promote bg");
    play.place.until_phase("bg", "Healthy");
    let rows = [Row::SwitchComesFirst, Row::ResumeIsAnEvent];
    play.is_as_captured("02-switched-old-in-delay", &rows);
    play.is_as_captured("03-old-scaled-down", &rows);
    traffic.assert_never_below(3);
}

#[test]
fn an_abort_is_as_captured() {
    let plane = shared();
    let play = Play::start_with(plane, "blue-green-abort", "bg");
    play.deploy(("blue-green-abort", "02-back-healthy"), "demo:yellow");
    let traffic = Traffic::of(&play.place, "bg-active", 3);
    play.image("demo:red");
    play.place.until_phase("bg", "Paused");
    play.place.plugin("abort bg");
    play.is_as_captured("00-aborted-in-delay", &[Row::SwitchComesFirst]);
    play.is_as_captured("01-aborted-after-delay", &[Row::SwitchComesFirst]);
    play.image("demo:yellow");
    play.place.until_phase("bg", "Healthy");
    play.is_as_captured("02-back-healthy", &[Row::SwitchComesFirst]);
    traffic.assert_never_below(3);
}

#[test]
fn a_retry_brings_the_preview_and_an_undo_in_the_delay_is_at_once() {
    let plane = shared();
    let place = Place::new(plane, "bg-undo");
    let _controller = Start::new(plane, &place, "only").ready();
    place.apply(&blue_green("demo:blue", 3));
    let blue = hash(&place.until_phase(NAME, "Healthy"));
    let blue_pods = place.pods(&format!("rollouts-pod-template-hash={blue}"));
    let traffic = Traffic::of(&place, "active", 3);

    place.plugin(&set_image(NAME, "demo:yellow"));
    let yellow = hash(&place.until_phase(NAME, "Paused"));
    place.plugin("abort rollouts-demo");
    place.until_phase(NAME, "Degraded");
    assert_eq!(place.selected_by("active"), blue);
    place.plugin("retry rollout rollouts-demo");
    place.until_phase(NAME, "Paused");
    assert_eq!([place.selected_by("active"), place.selected_by("preview")], [blue.clone(), yellow.clone()]);
    place.plugin("promote rollouts-demo");
    place.until_phase(NAME, "Healthy");
    assert_eq!([place.selected_by("active"), place.selected_by("preview")], [yellow.clone(), yellow.clone()]);
    assert_eq!(size(&place.replica_sets(), "demo:blue"), Some(3));

    place.plugin("undo rollouts-demo");
    let back = place.until(NAME, "the first version is stable", |rollout| {
        rollout["status"]["stableRS"] == blue.as_str() && rollout["status"]["phase"] == "Healthy"
    });
    assert_eq!(back["metadata"]["annotations"]["rollout.argoproj.io/revision"], "3");
    assert_eq!(place.selected_by("active"), blue);
    assert_eq!(place.pods(&format!("rollouts-pod-template-hash={blue}")), blue_pods, "no pod was replaced");
    assert_eq!(size(&place.replica_sets(), "demo:yellow"), Some(3), "the other is in its delay");
    // Before the abort and after the retry; the way back has none. A repeat is counted up.
    let events = place.list("api/v1", "events");
    let paused = events.iter().filter(|event| event["reason"] == "RolloutPaused");
    assert_eq!(paused.map(|event| event["count"].as_i64().unwrap()).sum::<i64>(), 2);
    traffic.assert_never_below(3);
}

fn hash(rollout: &Value) -> String {
    rollout["status"]["currentPodHash"].as_str().unwrap().to_owned()
}
