//! The spec of a routed canary names other Services than its route, or none.

use serde_json::{Value, json};

use super::paper::Paper;
use super::{template, update};
use crate::snapshot::Evidence;

/// Half of the traffic goes to green, by the Services `stable` and `canary`; there are `shop` and `trial` too.
fn paper() -> Paper {
    let mut paper = Paper::new(json!({
        "replicas": 4,
        "selector": {"matchLabels": {"app": "demo"}},
        "template": template("blue"),
        "strategy": {"canary": {"stableService": "stable", "canaryService": "canary",
            "trafficRouting": {"nginx": {"stableIngress": "web"}},
            "steps": [{"setWeight": 50}, {"pause": {}}]}},
    }));
    for name in ["stable", "canary", "shop", "trial"] {
        paper.service(name);
    }
    paper.route();
    paper.settle();
    update(&mut paper, "green");
    paper
}

fn rename(paper: &mut Paper) {
    let services = json!({"stableService": "shop", "canaryService": "trial"});
    paper.edit(json!({"spec": {"strategy": {"canary": services}}}));
}

/// Service and weight of either side.
fn route(paper: &Paper) -> Value {
    let weights = paper.rollout().status.canary.weights.unwrap();
    let [canary, stable] = [weights.canary, weights.stable].map(|to| json!([to.service_name, to.weight]));
    json!({"canary": canary, "stable": stable})
}

#[test]
fn traffic_goes_over_once_its_service_selects_the_same_version() {
    let mut paper = paper();
    assert_eq!(route(&paper), json!({"canary": ["canary", 50], "stable": ["stable", 50]}));
    rename(&mut paper);
    paper.asked.clear();
    paper.settle();
    assert_eq!(route(&paper), json!({"canary": ["trial", 50], "stable": ["shop", 50]}));
    for service in ["shop", "trial"] {
        assert!(paper.asked.contains(&Evidence::Service(service.to_owned())), "{:?}", paper.asked);
    }
}

#[test]
fn traffic_stays_where_the_other_service_is_another_rollouts() {
    let mut paper = paper();
    paper.mark("shop", "other");
    let stable = paper.rollout().status.stable_rs;
    paper.point("shop", &stable);
    rename(&mut paper);
    paper.settle();
    assert_eq!(route(&paper)["stable"], json!(["stable", 50]));
    let report = paper.report();
    let expected = format!("selects version {stable}; traffic still comes by Service/stable");
    assert!(report.contains(&expected), "{report}");
    // Pods of the version that the old Service selects stay as long.
    paper.edit(json!({"spec": {"template": template("red")}}));
    paper.settle();
    assert!(paper.summary().contains("blue 4/4"), "{}", paper.summary());
}

#[test]
fn traffic_goes_to_whoever_answers_where_its_service_is_gone() {
    let mut paper = paper();
    paper.leave_pods("blue", 1);
    rename(&mut paper);
    let mut gone = paper.clone();
    gone.remove_service("stable");
    for paper in [&mut paper, &mut gone] {
        paper.settle_without_pods();
    }
    assert_eq!(route(&paper)["stable"], json!(["stable", 50]), "one of two pods that this needs");
    assert_eq!(route(&gone)["stable"], json!(["shop", 50]), "{} {}", gone.report(), gone.summary());
}

#[test]
fn by_versions_alone_nothing_goes_before_the_route_is_confirmed() {
    let mut paper = Paper::new(json!({
        "replicas": 2,
        "selector": {"matchLabels": {"app": "demo"}},
        "template": template("blue"),
        "strategy": {"canary": {"dynamicStableScale": true, "steps": [{"setWeight": 50}, {"pause": {}}],
            "trafficRouting": {"plugins": {"example/mesh": {}}}}},
    }));
    paper.route();
    paper.settle();
    update(&mut paper, "green");
    assert_eq!(route(&paper), json!({"canary": ["", 50], "stable": ["", 50]}));
    paper.edit(json!({"spec": {"template": template("red")}}));
    for _ in 0..10 {
        paper.step_with_pods();
        // Whatever it was told last it has yet to do.
        paper.verify(false);
    }
    let status = paper.rollout().status;
    let canary = status.canary.weights.unwrap().canary;
    assert_eq!((canary.weight, canary.pod_template_hash), (50, status.current_pod_hash), "it goes to red");
    assert!(paper.summary().contains("green 1/1"), "{}", paper.summary());
    paper.verify(true);
    paper.settle();
    assert!(paper.summary().contains("green 0/0"), "{}", paper.summary());
}
