//! Rows 29 to 44: the steps of a canary.

use serde_json::{Value, json};

const ALB_ROUTES: &str = "SetHeaderRoute match value invalid. ALB supports 'exact' value only";
const NO_VALUE: &str =
    "StringMatch value missed, match value must have one of the following: exact, regex, prefix";
const TWO_VALUES: &str =
    "StringMatch match value must have exactly one of the following: exact, regex, prefix";

/// Checks one step; the expected text is the one after `spec.strategy.`.
#[track_caller]
fn check(step: Value, routing: Value, expected: &str) {
    let canary = json!({
        "stableService": "stable",
        "canaryService": "canary",
        "steps": [step],
        "trafficRouting": routing,
    });
    let expected = if expected.is_empty() { String::new() } else { format!("spec.strategy.{expected}") };
    super::check(json!({"strategy": {"canary": canary}}), &expected);
}

#[track_caller]
fn check_unrouted(step: Value, expected: &str) {
    check(step, Value::Null, expected);
}

/// Routers that have one managed route, `canary-route`.
fn routers(routers: Value) -> Value {
    let mut routing = json!({"managedRoutes": [{"name": "other"}, {"name": "canary-route"}]});
    super::merge(&mut routing, routers);
    routing
}

fn istio() -> Value {
    routers(json!({"istio": {"virtualService": {"name": "web"}}}))
}

fn alb() -> Value {
    routers(json!({"alb": {"servicePort": 80, "ingress": "web"}}))
}

#[test]
fn row_29_one_kind() {
    check_unrouted(
        json!({"setWeight": 10, "pause": {}}),
        "steps[0]: Invalid value: \
         \"step.Experiment: false step.Pause: true step.SetWeight: true step.Analysis: false\": \
         Step must have one of the following set: experiment, setWeight, setCanaryScale, plugin or pause",
    );
    check_unrouted(
        json!({"experiment": {"templates": []}, "analysis": {}}),
        "steps[0]: Invalid value: \
         \"step.Experiment: true step.Pause: false step.SetWeight: false step.Analysis: true\": \
         Step must have one of the following set: experiment, setWeight, setCanaryScale, plugin or pause",
    );
    check(json!({"setCanaryScale": {"replicas": 1}, "pause": {}}), json!({}), "");
}

#[test]
fn row_30_no_kind() {
    check_unrouted(
        json!({}),
        "steps[0]: Invalid value: \"step.Experiment: true step.Pause: true step.SetWeight: true step.Analysis: true \
         step.SetCanaryScale: true step.SetHeaderRoute: true step.SetMirrorRoute: true step.Plugin: true\": \
         Step must have one of the following set: experiment, setWeight, setCanaryScale, plugin or pause",
    );
    check_unrouted(json!({"plugin": {"name": "x/y"}}), "");
    check_unrouted(json!({"analysis": {}}), "");
}

#[test]
fn row_31_weight() {
    let between = |weight: i32, max: i32| {
        format!("steps[0].setWeight: Invalid value: {weight}: SetWeight needs to be between 0 and {max}")
    };
    check_unrouted(json!({"setWeight": -1}), &between(-1, 100));
    check_unrouted(json!({"setWeight": 101}), &between(101, 100));
    check_unrouted(json!({"setWeight": 0}), "");
    check_unrouted(json!({"setWeight": 100}), "");
    let fine = json!({"plugins": {"x/y": {}}, "maxTrafficWeight": 1000});
    check(json!({"setWeight": 1001}), fine.clone(), &between(1001, 1000));
    check(json!({"setWeight": 1000}), fine, "");
}

#[test]
fn row_32_pause() {
    let negative = |seconds: i32| {
        format!("steps[0].pause.duration: Invalid value: {seconds}: Duration needs to be greater than 0")
    };
    let pause = |duration: Value| json!({"pause": {"duration": duration}});
    check_unrouted(pause(json!(-10)), &negative(-10));
    check_unrouted(pause(json!("-1m")), &negative(-60));
    check_unrouted(pause(json!("1d")), &negative(-1));
    check_unrouted(pause(json!("")), &negative(-1));
    for fine in [json!(0), json!("0"), json!("10"), json!("1h30m"), json!("500ms"), Value::Null] {
        check_unrouted(pause(fine), "");
    }
}

#[test]
fn row_33_canary_scale() {
    let step = json!({"setCanaryScale": {"weight": 500}});
    check_unrouted(
        step.clone(),
        "trafficRouting: Required value: SetCanaryScale requires TrafficRouting to be set",
    );
    check(step, json!({}), "");
}

fn header(value: Value) -> Value {
    json!({"setHeaderRoute": {"name": "canary-route", "match": [{"headerName": "x-canary", "headerValue": value}]}})
}

#[test]
fn row_34_routers_of_header_routes() {
    let expected = "steps[0].setHeaderRoute: Invalid value: {\"name\":\"canary-route\",\
                    \"match\":[{\"headerName\":\"x-canary\",\"headerValue\":{\"exact\":\"1\"}}]}: \
                    SetHeaderRoute requires TrafficRouting, supports Istio and ALB and Apisix";
    let step = header(json!({"exact": "1"}));
    check_unrouted(step.clone(), expected);
    check(step.clone(), routers(json!({"smi": {}})), expected);
    check(step.clone(), istio(), "");
    check(step.clone(), alb(), "");
    check(step.clone(), routers(json!({"apisix": {}})), "");
    check(step, routers(json!({"plugins": {"x/y": {}}})), "");
    check(json!({"setHeaderRoute": {"name": "canary-route"}}), istio(), "");
}

#[test]
fn rows_35_to_37_header_matches() {
    let wrong = |value: &str, detail: &str| {
        format!(
            "steps[0].setHeaderRoute.match[0]: Invalid value: \
             {{\"headerName\":\"x-canary\",\"headerValue\":{value}}}: {detail}"
        )
    };
    check(header(json!({"prefix": "a"})), alb(), &wrong(r#"{"prefix":"a"}"#, ALB_ROUTES));
    check(
        header(json!({"exact": "a", "regex": ".*"})),
        alb(),
        &wrong(r#"{"exact":"a","regex":".*"}"#, ALB_ROUTES),
    );
    check(header(json!({})), alb(), &wrong("{}", ALB_ROUTES));
    check(header(json!({})), istio(), &wrong("{}", NO_VALUE));
    let both = header(json!({"regex": ".*", "exact": "a"}));
    check(both, istio(), &wrong(r#"{"exact":"a","regex":".*"}"#, TWO_VALUES));
    check(header(json!({"regex": ".*"})), istio(), "");
    for routing in [alb(), istio()] {
        let expected = format!(
            r#"steps[0].setHeaderRoute.match[0]: Invalid value: {{"headerName":"x-canary"}}: {NO_VALUE}"#
        );
        check(header(Value::Null), routing, &expected);
    }
}

fn mirror(request: Value) -> Value {
    json!({"setMirrorRoute": {"name": "canary-route", "percentage": 35, "match": [request]}})
}

#[test]
fn row_38_routers_of_mirror_routes() {
    let expected = "steps[0].setMirrorRoute: Invalid value: {\"name\":\"canary-route\",\
                    \"match\":[{\"method\":{\"exact\":\"GET\"}}],\"percentage\":35}: \
                    SetMirrorRoute requires TrafficRouting, supports Istio and Plugins";
    let step = mirror(json!({"method": {"exact": "GET"}}));
    check_unrouted(step.clone(), expected);
    check(step.clone(), alb(), expected);
    check(step.clone(), istio(), "");
    check(step, routers(json!({"plugins": {"x/y": {}}})), "");
}

#[test]
fn row_39_mirror_matches() {
    let wrong = |value: &str, detail: &str| {
        format!("steps[0].setMirrorRoute.match[0]: Invalid value: {value}: {detail}")
    };
    check(mirror(json!({"method": {}})), istio(), &wrong(r#"{"method":{}}"#, NO_VALUE));
    check(mirror(json!({"path": {}})), istio(), &wrong(r#"{"path":{}}"#, NO_VALUE));
    check(
        mirror(json!({"path": {"exact": "/", "prefix": "/"}})),
        istio(),
        &wrong(r#"{"path":{"exact":"/","prefix":"/"}}"#, TWO_VALUES),
    );
    check(mirror(json!({"headers": {"x": {}}})), istio(), "");
}

#[test]
fn rows_40_and_41_managed_routes() {
    let missing = "trafficRouting.managedRoutes: Required value: \
                   Rollout has missing field 'spec.strategy.canary.trafficRouting.managedRoutes'";
    let header = json!({"setHeaderRoute": {"name": "new"}});
    let mirror = json!({"setMirrorRoute": {"name": "new"}});
    let unknown = |member: &str| {
        format!(
            "steps[0].{member}: Invalid value: {{\"name\":\"new\"}}: \
             Steps define a route that does not exist in spec.strategy.canary.trafficRouting.managedRoutes"
        )
    };
    for (step, member) in [(header, "setHeaderRoute"), (mirror, "setMirrorRoute")] {
        check(step.clone(), json!({"istio": {}}), missing);
        check(step.clone(), istio(), &unknown(member));
    }
}

#[test]
fn rows_42_and_43_experiment_weights() {
    let template = |name: &str, weight: Value| json!({"name": name, "specRef": "canary", "weight": weight});
    let step = json!({"experiment": {"templates": [template("a", Value::Null), template("b", json!(5))]}});
    let path = "steps[0].experiment.templates[1].weight: Invalid value: 5";
    check_unrouted(
        step.clone(),
        &format!("{path}: Experiment template weight cannot be set unless TrafficRouting is enabled"),
    );
    let wrong_router = format!(
        "{path}: Experiment template weight is only available for TrafficRouting with SMI, ALB, Istio and Plugins \
         at this time"
    );
    check(step.clone(), json!({}), &wrong_router);
    check(step.clone(), json!({"nginx": {"stableIngress": "web"}}), &wrong_router);
    for routing in [json!({"smi": {}}), alb(), istio(), json!({"plugins": {"x/y": {}}})] {
        check(step.clone(), routing, "");
    }
    check_unrouted(json!({"experiment": {"templates": [template("a", Value::Null)]}}), "");
}

#[test]
fn row_44_arguments() {
    let arg = |path: &str| json!({"name": "a", "valueFrom": {"fieldRef": {"fieldPath": path}}});
    let plain = json!({"name": "b", "value": "1"});
    let in_analysis = |path: &str| json!({"analysis": {"args": [plain, arg(path)]}});
    let in_experiment = |path: &str| {
        let analysis = json!({"name": "x", "templateName": "y", "args": [plain, arg(path)]});
        json!({"experiment": {"templates": [], "analyses": [analysis]}})
    };
    let wrong = [
        "metadata",
        "metadataX",
        "metadata.generation",
        "metadata.labels.app",
        "metadata.labels['']",
        "metadata.labels['a b']",
        "metadata.names['a']",
        "metadata.annotations['a/b/c']",
    ];
    for path in wrong {
        let expected = format!(
            "steps[0].analyses: Invalid value: [{{\"name\":\"b\",\"value\":\"1\"}},\
             {{\"name\":\"a\",\"valueFrom\":{{\"fieldRef\":{{\"fieldPath\":\"{path}\"}}}}}}]: \
             Analyses arguments must refer to valid object metadata supported by downwardAPI"
        );
        check_unrouted(in_analysis(path), &expected);
        check_unrouted(in_experiment(path), &expected);
    }
    let fine = [
        "metadata.name",
        "metadata.namespace",
        "metadata.uid",
        "metadata.labels",
        "metadata.annotations",
        "metadata.labels['app']",
        "metadata.labels['example.com/app']",
        "metadata.annotations['Example.com/App']",
        "spec.replicas",
        "",
    ];
    for path in fine {
        check_unrouted(in_analysis(path), "");
        check_unrouted(in_experiment(path), "");
    }
}

#[test]
fn the_earlier_row_wins_within_a_step() {
    let argument = json!({"args": [{"name": "a", "valueFrom": {"fieldRef": {"fieldPath": "metadata.x"}}}]});
    check_unrouted(
        json!({"setWeight": 101, "analysis": argument}),
        "steps[0]: Invalid value: \
         \"step.Experiment: false step.Pause: false step.SetWeight: true step.Analysis: true\": \
         Step must have one of the following set: experiment, setWeight, setCanaryScale, plugin or pause",
    );
    check_unrouted(
        json!({"setWeight": 101, "setCanaryScale": {}}),
        "steps[0].setWeight: Invalid value: 101: SetWeight needs to be between 0 and 100",
    );
    check_unrouted(
        json!({"setMirrorRoute": {"name": "a"}, "setHeaderRoute": {"name": "b"}}),
        "steps[0].setHeaderRoute: Invalid value: {\"name\":\"b\"}: \
         SetHeaderRoute requires TrafficRouting, supports Istio and ALB and Apisix",
    );
    check(
        json!({"setHeaderRoute": {"name": "b"}, "analysis": argument}),
        json!({"istio": {}}),
        "trafficRouting.managedRoutes: Required value: \
         Rollout has missing field 'spec.strategy.canary.trafficRouting.managedRoutes'",
    );
}

#[test]
fn steps_are_checked_one_after_the_other() {
    let steps = json!([{"setWeight": 10}, {"setWeight": 101}, {}]);
    super::check(
        json!({"strategy": {"canary": {"steps": steps}}}),
        "spec.strategy.steps[1].setWeight: Invalid value: 101: SetWeight needs to be between 0 and 100",
    );
}
