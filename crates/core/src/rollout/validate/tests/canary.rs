//! Rows 18 to 28: the canary strategy besides its steps.

use serde_json::{Value, json};

#[track_caller]
fn check(change: Value, expected: &str) {
    super::check(json!({"strategy": {"canary": change}}), expected);
}

fn alb() -> Value {
    json!({"servicePort": 80, "ingress": "web"})
}

#[test]
fn row_18_room_to_move() {
    let stuck = |surge: &str| {
        format!(
            "spec.strategy.maxSurge: Invalid value: {surge}: MaxSurge and MaxUnavailable both can not be zero"
        )
    };
    // The captured run `invalid`: the later error about the weight does not show.
    check(json!({"maxSurge": 0, "maxUnavailable": 0, "steps": [{"setWeight": 150}]}), &stuck("0"));
    check(json!({"maxSurge": "0%", "maxUnavailable": 0}), &stuck(r#""0%""#));
    check(json!({"maxSurge": "x", "maxUnavailable": "0"}), &stuck(r#""x""#));
    check(json!({"maxSurge": 0}), "");
    check(json!({"maxUnavailable": 0}), "");
    check(json!({"maxSurge": -1, "maxUnavailable": 0}), "");
    check(json!({"maxSurge": "1%", "maxUnavailable": 0}), "");
}

#[test]
fn row_19_two_services() {
    check(
        json!({"stableService": "web", "canaryService": "web"}),
        "spec.strategy.stableService: Invalid value: \"web\": This rollout uses the same service for the stable and \
         canary services, but two different services are required.",
    );
    check(json!({"stableService": "web", "canaryService": "next"}), "");
    check(json!({"stableService": "web"}), "");
}

#[track_caller]
fn check_ping_pong(ping: &str, pong: &str, routing: Value, expected: &str) {
    let services = json!({"pingService": ping, "pongService": pong});
    check(json!({"pingPong": services, "trafficRouting": routing}), expected);
}

#[test]
fn row_20_routers_of_ping_pong() {
    let wrong_router = "spec.strategy.trafficRouting.alb: Invalid value: null: \
                        Ping-pong feature works with the ALB, Istio, and plugin-based traffic routers only";
    check_ping_pong("a", "b", json!({}), wrong_router);
    check_ping_pong("a", "b", json!({"nginx": {"stableIngress": "web"}}), wrong_router);
    check_ping_pong("a", "b", Value::Null, "");
    check_ping_pong("a", "b", json!({"istio": {}}), "");
    check_ping_pong("a", "b", json!({"plugins": {"x/y": {}}}), "");
}

#[test]
fn rows_21_and_22_names_of_ping_pong() {
    let unset = |which: &str| {
        format!(
            "spec.strategy.pingPong.{which}Service: Invalid value: \"\": \
             Ping service and Pong service must to be set to use Ping-Pong feature"
        )
    };
    check_ping_pong("", "b", Value::Null, &unset("ping"));
    check_ping_pong("a", "", Value::Null, &unset("pong"));
    check_ping_pong("", "", Value::Null, &unset("ping"));
    check_ping_pong(
        "a",
        "a",
        Value::Null,
        "spec.strategy.pingPong.pingService: Invalid value: \"a\": This rollout uses the same service for the ping \
         and pong services, but two different services are required.",
    );
}

#[test]
fn row_23_root_service_of_ping_pong() {
    check_ping_pong(
        "a",
        "b",
        json!({"alb": alb()}),
        "spec.strategy.trafficRouting.alb.rootService: Invalid value: \"\": \
         Root service field is required for the configuration with ALB and ping-pong feature enabled",
    );
    check_ping_pong("a", "b", json!({"alb": {"servicePort": 80, "rootService": "root"}}), "");
}

#[test]
fn row_24_services_to_route_to() {
    let unset = |which: &str| {
        format!(
            "spec.strategy.{which}Service: Invalid value: \"\": \
             Canary service and Stable service must to be set to use Traffic Routing"
        )
    };
    let need_services = [
        json!({"alb": alb()}),
        json!({"istio": {"virtualService": {"name": "web"}}}),
        json!({"smi": {}}),
        json!({"apisix": {"route": {"name": "web"}}}),
        json!({"ambassador": {"mappings": ["web"]}}),
        json!({"nginx": {"stableIngress": "web"}}),
        json!({"appMesh": {}}),
        json!({"traefik": {"weightedTraefikServiceName": "web"}}),
    ];
    for routing in need_services {
        let named = |stable: &str, canary: &str| json!({"stableService": stable, "canaryService": canary, "trafficRouting": routing});
        check(json!({"trafficRouting": routing}), &unset("stable"));
        check(named("", "canary"), &unset("stable"));
        check(named("stable", ""), &unset("canary"));
        check(named("stable", "canary"), "");
    }
    let rule = json!({"name": "web", "canarySubsetName": "canary", "stableSubsetName": "stable"});
    check(json!({"trafficRouting": {"istio": {"destinationRule": rule}}}), "");
    check(json!({"trafficRouting": {"plugins": {"x/y": {}}}}), "");
    check(json!({"trafficRouting": {}}), "");
    check_ping_pong("a", "b", json!({"istio": {}, "smi": {}}), &unset("stable"));
}

#[test]
fn rows_25_to_27_scale_down() {
    check(
        json!({"scaleDownDelaySeconds": 30}),
        "spec.strategy.scaleDownDelaySeconds: Invalid value: 30: \
         Canary scaleDownDelaySeconds can only be used with traffic routing",
    );
    check(
        json!({"dynamicStableScale": true}),
        "spec.strategy.dynamicStableScale: Invalid value: true: \
         Canary dynamicStableScale can only be used with traffic routing",
    );
    check(
        json!({"dynamicStableScale": true, "scaleDownDelaySeconds": 30, "trafficRouting": {}}),
        "spec.strategy.dynamicStableScale: Invalid value: true: \
         Canary dynamicStableScale cannot be used with scaleDownDelaySeconds",
    );
    check(json!({"dynamicStableScale": true, "trafficRouting": {}}), "");
    check(json!({"scaleDownDelaySeconds": 30, "trafficRouting": {}}), "");
}

#[test]
fn row_28_max_traffic_weight() {
    let routed = |router: Value| {
        let mut routing = json!({"maxTrafficWeight": 1000});
        super::merge(&mut routing, router);
        json!({"stableService": "stable", "canaryService": "canary", "trafficRouting": routing})
    };
    check(
        routed(json!({"smi": {}})),
        "spec.strategy.trafficRouting.maxTrafficWeight: Invalid value: 1000: \
         Canary maxTrafficWeight in traffic routing only supported in Nginx and Plugins",
    );
    check(routed(json!({"nginx": {"stableIngress": "web"}})), "");
    check(routed(json!({"plugins": {"x/y": {}}})), "");
}

#[test]
fn the_earlier_row_wins() {
    let same = json!({"stableService": "web", "canaryService": "web"});
    let ordered = [
        (json!({"maxSurge": 0, "maxUnavailable": 0}), "spec.strategy.maxSurge:"),
        (same, "spec.strategy.stableService: Invalid value: \"web\": This rollout uses"),
        (json!({"pingPong": {"pingService": "", "pongService": ""}}), "spec.strategy.pingPong.pingService:"),
        (json!({"scaleDownDelaySeconds": 1}), "spec.strategy.scaleDownDelaySeconds:"),
        (json!({"dynamicStableScale": true}), "spec.strategy.dynamicStableScale:"),
        (json!({"steps": [{"setWeight": 101}, {}]}), "spec.strategy.steps[0].setWeight:"),
        (json!({"antiAffinity": {}}), "spec.strategy.antiAffinity:"),
    ];
    for (index, (first, expected)) in ordered.iter().enumerate() {
        for (second, _) in &ordered[index..] {
            let mut change = second.clone();
            super::merge_keeping_nulls(&mut change, first);
            let found = super::finding(&super::with(json!({"strategy": {"canary": change}})));
            assert!(found.starts_with(expected), "{change}: {found}");
        }
    }
}

#[test]
fn unchecked_values_stay_accepted() {
    check(
        json!({
            "maxSurge": -1,
            "abortScaleDownDelaySeconds": -1,
            "scaleDownDelayRevisionLimit": 99,
            "minPodsPerReplicaSet": -1,
            "replicaProgressThreshold": {"type": "Odd", "value": -7},
            "canaryService": "Not A Name",
        }),
        "",
    );
}
