//! The spec of a routed canary names other Services than its route, or none.

use serde_json::{Value, json};

use super::paper::Paper;
use super::{template, update};
use crate::snapshot::Evidence;

/// Half of the traffic goes to green, by the Services `stable` and `canary`; there are `shop` and `trial` too.
fn paper() -> Paper {
    with(&json!({}))
}

fn with(strategy: &Value) -> Paper {
    let mut paper = Paper::new(json!({
        "replicas": 4,
        "selector": {"matchLabels": {"app": "demo"}},
        "template": template("blue"),
        "strategy": {"canary": {"stableService": "stable", "canaryService": "canary",
            "trafficRouting": {"nginx": {"stableIngress": "web"}},
            "steps": [{"setWeight": 50}, {"pause": {}}]}},
    }));
    paper.edit(json!({"spec": {"strategy": {"canary": strategy}}}));
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

/// Strategies in which stable's Service is the canary's: the two change places, or it takes turns with `shop`.
fn with_stable_for_the_canary() -> [Value; 2] {
    let swapped = json!({"stableService": "canary", "canaryService": "stable"});
    let pair = json!({"stableService": null, "canaryService": null,
        "pingPong": {"pingService": "stable", "pongService": "shop"},
        "trafficRouting": {"nginx": null, "plugins": {"example/mesh": {}}}});
    [swapped, pair]
}

/// Service and weight of either side.
fn route(paper: &Paper) -> Value {
    let weights = paper.rollout().status.canary.weights.unwrap();
    let [canary, stable] = [weights.canary, weights.stable].map(|to| json!([to.service_name, to.weight]));
    json!({"canary": canary, "stable": stable})
}

/// Percent of the traffic that comes by Services which select green.
fn arrives_at_green(paper: &Paper) -> i64 {
    let (route, traffic) = (route(paper), paper.traffic());
    let by = |side: &str| {
        let selects = format!("{}: green", route[side][0].as_str().unwrap());
        let weight = route[side][1].as_i64().unwrap();
        if traffic.split(" | ").any(|service| service == selects) { weight } else { 0 }
    };
    by("canary") + by("stable")
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
fn an_invalid_spec_keeps_no_traffic_at_a_service_that_is_gone() {
    let mut paper = paper();
    paper.remove_service("stable");
    paper.edit(
        json!({"spec": {"strategy": {"canary": {"stableService": "shop", "canaryService": "missing"}}}}),
    );
    paper.settle();
    assert!(paper.summary().contains("InvalidSpec"), "{}", paper.summary());
    assert_eq!(route(&paper), json!({"canary": ["canary", 50], "stable": ["shop", 50]}));
}

#[test]
fn a_router_that_needs_services_keeps_those_that_it_has() {
    let mut paper = paper();
    paper.edit(json!({"spec": {"strategy": {"canary": {"stableService": null, "canaryService": null}}}}));
    paper.settle();
    assert!(paper.summary().contains("InvalidSpec"), "{}", paper.summary());
    assert_eq!(route(&paper), json!({"canary": ["canary", 50], "stable": ["stable", 50]}));
}

#[test]
fn without_pods_the_route_goes_over_at_once() {
    let mut paper = paper();
    paper.edit(json!({"spec": {"replicas": 0}}));
    paper.settle();
    rename(&mut paper);
    paper.settle();
    assert_eq!(route(&paper)["stable"][0], "shop");
}

/// Steps until nothing moves; green never gets more than the steps give it.
fn goes_over(paper: &mut Paper) {
    for _ in 0..10 {
        paper.step();
        assert!(arrives_at_green(paper) <= 50, "{} {}", paper.traffic(), route(paper));
    }
    assert_eq!(route(paper), json!({"canary": ["stable", 50], "stable": ["shop", 50]}));
    assert_eq!(arrives_at_green(paper), 50);
}

#[test]
fn a_pair_that_shares_a_name_with_what_was_before_mixes_no_sides() {
    let mut paper = paper();
    let pair = json!({"pingService": "stable", "pongService": "shop"});
    paper.edit(json!({"spec": {"strategy": {"canary": {
        "stableService": null, "canaryService": null, "pingPong": pair,
        "trafficRouting": {"nginx": null, "plugins": {"example/mesh": {}}}}}}}));
    goes_over(&mut paper);
}

#[test]
fn a_service_by_which_stables_traffic_comes_is_not_pointed_at_the_new_version() {
    let mut paper = paper();
    let services = json!({"stableService": "shop", "canaryService": "stable"});
    paper.edit(json!({"spec": {"strategy": {"canary": services}}}));
    goes_over(&mut paper);
}

#[test]
fn where_stable_has_pods_for_its_share_alone_no_side_takes_the_others() {
    let [swapped, pair] = with_stable_for_the_canary();
    for (services, route_then) in [
        (swapped, json!({"canary": ["canary", 50], "stable": ["stable", 50]})),
        (pair, json!({"canary": ["stable", 50], "stable": ["canary", 50]})),
    ] {
        let mut paper = with(&json!({"dynamicStableScale": true}));
        paper.edit(json!({"spec": {"strategy": {"canary": services}}}));
        for _ in 0..10 {
            paper.step();
            assert_eq!(arrives_at_green(&paper), 50, "{} {}", paper.traffic(), route(&paper));
        }
        assert_eq!(route(&paper), route_then);
        assert!(paper.report().contains("traffic still comes by"), "{}", paper.report());
    }
}

#[test]
fn stable_gets_the_pods_that_its_new_service_needs() {
    let [swapped, pair] = with_stable_for_the_canary();
    for (services, route_then) in [
        (swapped, json!({"canary": ["stable", 50], "stable": ["canary", 50]})),
        (pair, json!({"canary": ["stable", 50], "stable": ["shop", 50]})),
    ] {
        let mut paper = with(&json!({"dynamicStableScale": true}));
        assert!(paper.summary().ends_with("blue 2/2 r1 | green 2/2 r2"), "{}", paper.summary());
        paper.edit(json!({"spec": {"strategy": {"canary": services}}}));
        for _ in 0..10 {
            paper.step_with_pods();
            assert!(arrives_at_green(&paper) <= 50, "{} {}", paper.traffic(), route(&paper));
        }
        assert_eq!(route(&paper), route_then);
        assert_eq!(arrives_at_green(&paper), 50, "{}", paper.traffic());
        assert!(paper.summary().ends_with("blue 2/2 r1 | green 2/2 r2"), "{}", paper.summary());
    }
}

#[test]
fn stables_traffic_is_not_sent_to_the_new_version_however_many_pods_that_has() {
    let mut paper =
        with(&json!({"steps": [{"setCanaryScale": {"replicas": 4}}, {"setWeight": 10}, {"pause": {}}]}));
    let status = paper.rollout().status;
    paper.point("trial", &status.current_pod_hash);
    paper.edit(json!({"spec": {"strategy": {"canary": {"stableService": "trial"}}}}));
    for _ in 0..10 {
        paper.step();
        let stable = paper.rollout().status.canary.weights.unwrap().stable;
        assert_eq!((stable.pod_template_hash, stable.weight), (status.stable_rs.clone(), 90));
    }
    assert_eq!(route(&paper)["stable"], json!(["trial", 90]));
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
