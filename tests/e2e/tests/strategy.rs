//! From canary to blue-green and back in mid-update: whoever asks a Service is answered all the time.

use serde_json::json;
use tidegate_e2e::{Place, Start, Traffic, shared};

use crate::demo::{NAME, is_paused_at, service, set_image, size, with_strategy};

#[test]
fn a_strategy_may_change_in_mid_update_and_back() {
    let plane = shared();
    let place = Place::new(plane, "strategy");
    let _controller = Start::new(plane, &place, "only").ready();
    let canary = json!({
        "stableService": "main", "canaryService": "next",
        "steps": [{"setWeight": 25}, {"pause": {}}, {"setWeight": 50}, {"pause": {}}],
    });
    let blue_green = json!({
        "activeService": "main", "previewService": "next", "autoPromotionEnabled": false,
        "scaleDownDelaySeconds": 1,
    });
    let rollout = with_strategy(NAME, "demo:blue", 4, &json!({"canary": canary}));
    place.apply(&[service("main", NAME), service("next", NAME), rollout]);
    let blue = hash(&place.until_phase(NAME, "Healthy"));
    let traffic = Traffic::of(&place, "main", 4);
    place.plugin(&set_image(NAME, "demo:yellow"));
    let yellow = hash(&place.until(NAME, "it is paused", |rollout| is_paused_at(rollout, 1)));
    assert_eq!(services(&place), [blue.clone(), yellow.clone()]);
    traffic.assert_never_below(3);

    // To blue-green: the preview has all its pods, and nobody has promoted it.
    let change = json!({"spec": {"strategy": {"canary": null, "blueGreen": blue_green}}});
    place.kubectl(&format!("patch rollout {NAME} --type=merge -p {change}"));
    place.until(NAME, "it waits for its promotion", |rollout| {
        let pauses = &rollout["status"]["pauseConditions"];
        rollout["status"]["phase"] == "Paused" && pauses[0]["reason"] == "BlueGreenPause"
    });
    assert_eq!(services(&place), [blue.clone(), yellow.clone()]);
    assert_eq!(sizes(&place), [4, 4]);
    place.plugin(&format!("promote {NAME}"));
    place.until_phase(NAME, "Healthy");
    assert_eq!(services(&place), [yellow.clone(), yellow.clone()]);

    // The next update begins as a preview, and goes on as a canary.
    place.wait("the old version is gone", || sizes(&place) == [0, 4]);
    place.plugin(&set_image(NAME, "demo:blue"));
    place.until_phase(NAME, "Paused");
    assert_eq!(services(&place), [yellow.clone(), blue.clone()]);
    let change = json!({"spec": {"strategy": {"blueGreen": null, "canary": canary}}});
    place.kubectl(&format!("patch rollout {NAME} --type=merge -p {change}"));
    place.until(NAME, "it is paused at the first weight", |rollout| is_paused_at(rollout, 1));
    place.wait("a quarter is new", || sizes(&place) == [1, 3]);
    assert_eq!(services(&place), [yellow, blue.clone()]);
    place.plugin(&format!("promote {NAME} --full"));
    let healthy = place.until_phase(NAME, "Healthy");
    assert_eq!(healthy["status"]["stableRS"], blue.as_str());
    place.wait("all is new", || sizes(&place) == [4, 0] && services(&place) == [blue.clone(), blue.clone()]);
    // Pods of one version that are left while the other grows: three, two and, at the end of the canary, the last.
    traffic.assert_never_below(1);
}

fn hash(rollout: &serde_json::Value) -> String {
    rollout["status"]["currentPodHash"].as_str().unwrap().to_owned()
}

/// What they select.
fn services(place: &Place) -> [String; 2] {
    ["main", "next"].map(|service| place.selected_by(service))
}

/// Of blue and yellow.
fn sizes(place: &Place) -> [i64; 2] {
    let replica_sets = place.replica_sets();
    ["demo:blue", "demo:yellow"].map(|image| size(&replica_sets, image).unwrap_or_default())
}
