//! Services of a canary: which version they select, and what that needs.

use serde_json::json;

use super::paper::Paper;
use super::{template, update};

/// No router. Two pods, of which one may be missing; one step, after which green takes stable's Service over with its first pod.
fn paper() -> Paper {
    let mut paper = Paper::new(json!({
        "replicas": 2,
        "selector": {"matchLabels": {"app": "demo"}},
        "template": template("blue"),
        "strategy": {"canary": {"stableService": "stable", "canaryService": "canary", "maxUnavailable": 1,
            "steps": [{"setWeight": 8}]}},
    }));
    for name in ["stable", "canary"] {
        paper.service(name);
    }
    paper.settle();
    paper.edit(json!({"spec": {"template": template("green")}}));
    paper.step();
    paper.step();
    paper
}

#[test]
fn the_stable_service_does_not_go_back_while_news_of_a_size_is_to_come() {
    let mut paper = paper();
    assert_eq!(paper.traffic(), "canary: blue | stable: blue");
    paper.start_pods_of("green");
    paper.step();
    assert_eq!(paper.traffic(), "canary: green | stable: green");
    assert!(paper.summary().ends_with("blue 1/2 r1 | green 2/1 r2"), "{}", paper.summary());
    paper.unobserve("green");
    paper.step();
    assert_eq!(paper.traffic(), "canary: green | stable: green");
}

#[test]
fn the_stable_service_goes_back_to_who_is_there() {
    let mut paper = paper();
    paper.start_pods_of("green");
    paper.step();
    assert_eq!(paper.traffic(), "canary: green | stable: green");
    paper.leave_pods("green", 0);
    paper.step();
    assert_eq!(paper.traffic(), "canary: green | stable: blue");
}

#[test]
fn nothing_shrinks_while_a_switch_may_still_come() {
    let mut paper = paper();
    paper.switches.insert("stable".to_owned(), paper.service_version("stable"));
    paper.status(json!({"abort": true}));
    paper.settle_without_pods();
    assert!(paper.summary().ends_with("blue 2/2 r1 | green 1/0 r2"), "{}", paper.summary());
    let report = paper.report();
    assert!(report.contains("Service/stable spec.selector: nobody answered a switch of it"), "{report}");
    // Somebody has changed it since: what comes now is refused.
    paper.switches.insert("stable".to_owned(), "0".to_owned());
    paper.settle_without_pods();
    assert!(paper.summary().ends_with("blue 2/2 r1 | green 0/0 r2"), "{}", paper.summary());
}

#[test]
fn a_version_that_was_superseded_before_any_was_stable_makes_way() {
    let mut paper = Paper::new(json!({
        "replicas": 4,
        "selector": {"matchLabels": {"app": "demo"}},
        "template": template("blue"),
        "strategy": {"canary": {"stableService": "stable", "canaryService": "canary",
            "maxSurge": 0, "maxUnavailable": 1, "steps": [{"setWeight": 50}]}},
    }));
    for name in ["stable", "canary"] {
        paper.service(name);
    }
    paper.step();
    let blue = paper.replica_sets()[0].hash().to_owned();
    paper.point("stable", &blue);
    paper.start_pods_of("blue");
    paper.edit(json!({"spec": {"template": template("green")}}));
    paper.settle();
    assert!(paper.summary().ends_with("blue 0/0 r1 | green 4/4 r2"), "{}", paper.summary());
    assert_eq!(paper.traffic(), "canary: green | stable: green");
}

#[test]
fn traffic_stays_with_who_answers_where_stables_service_is_gone() {
    let mut paper = Paper::new(json!({
        "replicas": 4,
        "minReadySeconds": 10,
        "selector": {"matchLabels": {"app": "demo"}},
        "template": template("blue"),
        "strategy": {"canary": {"stableService": "stable", "canaryService": "canary",
            "trafficRouting": {"nginx": {"stableIngress": "web"}}, "steps": [{"setWeight": 90}, {"pause": {}}]}},
    }));
    for name in ["stable", "canary"] {
        paper.service(name);
    }
    paper.route();
    paper.settle();
    update(&mut paper, "green");
    assert_eq!(paper.traffic(), "canary: green | stable: blue | green 90");
    paper.remove_service("stable");
    paper.leave_pods_unavailable("green");
    while paper.step() {}
    assert_eq!(paper.traffic(), "canary: green | green 90");
    paper.leave_pods("green", 0);
    paper.settle_without_pods();
    assert_eq!(paper.traffic(), "canary: green | green 0");
}

#[test]
fn a_router_is_not_told_first_of_a_service_that_is_missing() {
    let mut paper = Paper::new(json!({
        "replicas": 2,
        "selector": {"matchLabels": {"app": "demo"}},
        "template": template("blue"),
        "strategy": {"canary": {"pingPong": {"pingService": "ping", "pongService": "pong"},
            "trafficRouting": {"plugins": {"example/mesh": {}}}}},
    }));
    for name in ["ping", "pong"] {
        paper.service(name);
    }
    paper.route();
    while paper.step() {}
    paper.remove_service("ping");
    paper.settle();
    assert_eq!(paper.traffic(), "pong: any");
    paper.service("ping");
    paper.settle();
    assert_eq!(paper.traffic(), "ping: blue | pong: any | blue 0");
}
