//! One case per row of the contract's list of checks: a change to a valid Rollout, and the text it must give.
#![expect(clippy::needless_pass_by_value, reason = "cases read best with their json! in place")]

mod canary;
mod references;
mod steps;

use serde_json::{Value, json};

use super::*;

/// The guide's Rollout.
fn base() -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "rollouts-demo", "namespace": "default"},
        "spec": {
            "replicas": 5,
            "revisionHistoryLimit": 2,
            "selector": {"matchLabels": {"app": "rollouts-demo"}},
            "template": {
                "metadata": {"labels": {"app": "rollouts-demo"}},
                "spec": {"containers": [{
                    "name": "rollouts-demo",
                    "image": "argoproj/rollouts-demo:blue",
                    "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
                    "resources": {"requests": {"memory": "32Mi", "cpu": "5m"}},
                }]},
            },
            "strategy": {"canary": {"steps": [
                {"setWeight": 20},
                {"pause": {}},
                {"setWeight": 40},
                {"pause": {"duration": 10}},
                {"setWeight": 60},
                {"pause": {"duration": 10}},
                {"setWeight": 80},
                {"pause": {"duration": 10}},
            ]}},
        },
    })
}

/// The guide's Rollout with a JSON merge patch on its spec.
fn with(change: Value) -> Rollout {
    let mut object = base();
    merge(&mut object["spec"], change);
    serde_json::from_value(object).unwrap()
}

fn merge(target: &mut Value, change: Value) {
    match (target, change) {
        (Value::Object(target), Value::Object(change)) => {
            for (key, value) in change {
                if value.is_null() {
                    target.remove(&key);
                } else {
                    merge(target.entry(key).or_insert(Value::Null), value);
                }
            }
        }
        (target, change) => *target = change,
    }
}

/// The first finding about a Rollout without a `workloadRef`, as text; empty for none.
fn finding(rollout: &Rollout) -> String {
    let template = rollout.spec.template.as_ref();
    text(spec(&Subject { rollout, template, selector: rollout.spec.selector.as_ref() }))
}

fn text(error: Option<SpecError>) -> String {
    error.map(|error| error.to_string()).unwrap_or_default()
}

#[track_caller]
fn check(change: Value, expected: &str) {
    assert_eq!(finding(&with(change)), expected);
}

/// Checks a `workloadRef` that resolved to this.
#[track_caller]
fn check_resolved(change: Value, template: Option<Value>, selector: Value, expected: &str) {
    let mut rollout = with(json!({"selector": null, "template": null, "workloadRef": {"name": "web"}}));
    let mut object = serde_json::to_value(&rollout).unwrap();
    merge(&mut object["spec"], change);
    rollout = serde_json::from_value(object).unwrap();
    let selector: Option<LabelSelector> = serde_json::from_value(selector).unwrap();
    let subject = Subject { rollout: &rollout, template: template.as_ref(), selector: selector.as_ref() };
    assert_eq!(text(spec(&subject)), expected);
}

#[test]
fn the_guide_is_valid() {
    check(json!({}), "");
    assert_eq!(strategy(&with(json!({}))), None);
}

#[test]
fn row_1_replicas() {
    check(json!({"replicas": -1}), "spec.replicas: Invalid value: -1: must be greater than or equal to 0");
    check(json!({"replicas": 0}), "");
    check(json!({"replicas": null}), "");
}

#[test]
fn rows_2_to_4_selector() {
    check(
        json!({"selector": null}),
        "spec.selector: Required value: Rollout has missing field '.spec.selector'",
    );
    let expression = json!({"key": "app", "operator": "In"});
    check(
        json!({"selector": {"matchExpressions": [expression]}}),
        "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
    );
    let expression = json!({"key": "app", "operator": "Is"});
    check(
        json!({"selector": {"matchExpressions": [expression]}}),
        r#"spec.selector.matchExpressions[0].operator: Invalid value: "Is": not a valid selector operator"#,
    );
    let empty = "spec.selector: Invalid value: {}: empty selector is invalid for deployment";
    check(json!({"selector": {"matchLabels": null}}), empty);
    check(json!({"selector": {"matchLabels": null, "matchExpressions": []}}), empty);
    let exists = json!({"matchLabels": null, "matchExpressions": [{"key": "app", "operator": "Exists"}]});
    check(json!({"selector": exists}), "");
}

fn pods(labels: Value) -> Option<Value> {
    Some(json!({"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web"}]}}))
}

#[test]
fn row_5_no_template_beside_a_reference() {
    let expected = "spec.template: Internal error: template must be empty for workload reference rollout";
    let change = |metadata: Value| json!({"template": {"metadata": metadata}});
    let selector = json!({"matchLabels": {"app": "web"}});
    let web = || pods(json!({"app": "web"}));
    check_resolved(change(json!({"labels": {"a": "b"}})), web(), selector.clone(), expected);
    check_resolved(change(json!({"annotations": {"a": "b"}})), web(), selector.clone(), expected);
    check_resolved(change(json!({"labels": {}, "annotations": null})), web(), selector.clone(), "");
    check_resolved(json!({"template": {"spec": {"containers": []}}}), web(), selector, "");
}

#[test]
fn row_6_referenced_selector() {
    let web = || pods(json!({"app": "web"}));
    let malformed = json!({"matchExpressions": [{"key": "app", "operator": "In", "values": []}]});
    check_resolved(
        json!({}),
        web(),
        malformed,
        r#"spec.selector: Invalid value: {"matchExpressions":[{"key":"app","operator":"In"}]}: invalid label selector"#,
    );
    check_resolved(
        json!({}),
        web(),
        json!({"matchLabels": {"app": "a b"}}),
        r#"spec.selector: Invalid value: {"matchLabels":{"app":"a b"}}: invalid label selector"#,
    );
    check_resolved(json!({}), web(), json!({"matchLabels": {"app": "web"}}), "");
}

#[test]
fn row_7_template() {
    let mismatch = |labels: &str| {
        format!(
            "spec.template.metadata.labels: Invalid value: {labels}: `selector` does not match template `labels`"
        )
    };
    check(json!({"template": {"metadata": {"labels": {"app": "x"}}}}), &mismatch(r#"{"app":"x"}"#));
    check(
        json!({"template": {"metadata": {"labels": {"app": null, "z": "1", "a": "<2>"}}}}),
        &mismatch(r#"{"a":"\u003c2\u003e","z":"1"}"#),
    );
    check(json!({"template": {"metadata": {"labels": {"app": null}}}}), &mismatch("{}"));
    check(json!({"template": {"metadata": {"labels": null}}}), &mismatch("null"));
    check(json!({"template": null}), &mismatch("null"));
    let without_app =
        json!({"matchLabels": null, "matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]});
    check(
        json!({"template": null, "selector": without_app}),
        "spec.template.spec.containers: Required value",
    );

    let restart = |policy: &str| json!({"template": {"spec": {"restartPolicy": policy}}});
    check(
        restart("Never"),
        r#"spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always""#,
    );
    check(restart("Always"), "");
    check(restart(""), "");

    check_resolved(json!({}), pods(json!({"app": "web"})), Value::Null, &mismatch(r#"{"app":"web"}"#));
    check_resolved(json!({}), None, json!({"matchLabels": {"app": "web"}}), "");
    check_resolved(json!({}), None, Value::Null, "");
}

#[test]
fn rows_8_to_11_seconds_and_limits() {
    let negative = |path: &str, value: i32| {
        format!("spec.{path}: Invalid value: {value}: must be greater than or equal to 0")
    };
    check(json!({"minReadySeconds": -1}), &negative("minReadySeconds", -1));
    check(json!({"revisionHistoryLimit": -2}), &negative("revisionHistoryLimit", -2));
    check(json!({"progressDeadlineSeconds": -3}), &negative("progressDeadlineSeconds", -3));
    let too_short = |seconds: i32| {
        format!(
            "spec.progressDeadlineSeconds: Invalid value: {seconds}: must be greater than minReadySeconds"
        )
    };
    check(json!({"progressDeadlineSeconds": 10, "minReadySeconds": 10}), &too_short(10));
    check(json!({"minReadySeconds": 600}), &too_short(600));
    check(json!({"progressDeadlineSeconds": 0}), &too_short(0));
    check(json!({"progressDeadlineSeconds": 11, "minReadySeconds": 10}), "");
    check(json!({"minReadySeconds": 599}), "");
    check(json!({"revisionHistoryLimit": 0}), "");
}

#[test]
fn rows_12_and_13_one_strategy() {
    let none = "spec.strategy.strategy: Required value: \
                Rollout has missing field '.spec.strategy.canary or .spec.strategy.blueGreen'";
    check(json!({"strategy": null}), none);
    check(json!({"strategy": {"canary": null}}), none);
    check(
        json!({"strategy": {"blueGreen": {"activeService": "a"}}}),
        "spec.strategy.strategy: Invalid value: \"blueGreen: true canary: true\": \
         Multiple Strategies can not be listed",
    );
    check(json!({"strategy": {"canary": {"steps": null}}}), "");
}

/// The spec's strategy replaced by a blue-green one.
fn blue_green(change: Value) -> Value {
    let mut strategy = json!({"activeService": "active", "previewService": "preview"});
    merge(&mut strategy, change);
    json!({"strategy": {"canary": null, "blueGreen": strategy}})
}

#[test]
fn row_14_two_services() {
    let same = |name: &str| {
        format!(
            "spec.strategy.activeService: Invalid value: {name:?}: This rollout uses the same service for the active \
             and preview services, but two different services are required."
        )
    };
    check(blue_green(json!({})), "");
    check(blue_green(json!({"previewService": null})), "");
    check(blue_green(json!({"previewService": "active"})), &same("active"));
    check(blue_green(json!({"previewService": null, "activeService": null})), &same(""));
}

#[test]
fn row_15_revisions_in_delay() {
    let mut change = blue_green(json!({"scaleDownDelayRevisionLimit": 3}));
    check(
        change.clone(),
        "spec.strategy.scaleDownDelayRevisionLimit: Invalid value: 3: \
         This rollout's revision history limit can not be smaller than the rollout's scale down limit",
    );
    change["revisionHistoryLimit"] = json!(3);
    check(change, "");
    let mut change = blue_green(json!({"scaleDownDelayRevisionLimit": 11}));
    change["revisionHistoryLimit"] = Value::Null;
    check(
        change,
        "spec.strategy.scaleDownDelayRevisionLimit: Invalid value: 11: \
         This rollout's revision history limit can not be smaller than the rollout's scale down limit",
    );
}

/// Anti-affinity by (preferred weight, required), and what it must give.
fn anti_affinities() -> Vec<(Value, String)> {
    let preferred =
        |weight: i32| json!({"preferredDuringSchedulingIgnoredDuringExecution": {"weight": weight}});
    let required = json!({"requiredDuringSchedulingIgnoredDuringExecution": {}});
    let mut both = preferred(50);
    merge(&mut both, required.clone());
    let not_one = |is_set: bool| {
        format!(
            "spec.strategy.antiAffinity: Invalid value: \
             \"antiAffinity.PreferredDuringSchedulingIgnoredDuringExecution: {is_set} \
             antiAffinity.RequiredDuringSchedulingIgnoredDuringExecution: {is_set}\": \
             AntiAffinity must have exactly one strategy listed"
        )
    };
    let weight = |weight: i32| {
        format!(
            "spec.strategy.antiAffinity.weight: Invalid value: {weight}: AntiAffinity weight must be between 1-100"
        )
    };
    vec![
        (json!({}), not_one(false)),
        (both, not_one(true)),
        (preferred(0), weight(0)),
        (preferred(101), weight(101)),
        (preferred(1), String::new()),
        (preferred(100), String::new()),
        (required, String::new()),
    ]
}

#[test]
fn rows_16_17_and_45_anti_affinity() {
    for (value, expected) in anti_affinities() {
        check(blue_green(json!({"antiAffinity": value})), &expected);
        check(json!({"strategy": {"canary": {"antiAffinity": value}}}), &expected);
    }
}

#[test]
fn the_earlier_row_wins() {
    let ordered = [
        (json!({"replicas": -1}), "spec.replicas:"),
        (json!({"selector": {"matchLabels": null}}), "spec.selector:"),
        (json!({"template": {"metadata": {"labels": {"app": "x"}}}}), "spec.template.metadata.labels:"),
        (json!({"template": {"spec": {"restartPolicy": "Never"}}}), "spec.template.spec.restartPolicy:"),
        (json!({"minReadySeconds": -1}), "spec.minReadySeconds:"),
        (json!({"revisionHistoryLimit": -1}), "spec.revisionHistoryLimit:"),
        (json!({"progressDeadlineSeconds": -5}), "spec.progressDeadlineSeconds:"),
        (json!({"strategy": null}), "spec.strategy.strategy:"),
    ];
    for (index, (first, expected)) in ordered.iter().enumerate() {
        for (second, _) in &ordered[index..] {
            let mut change = second.clone();
            // Selector and template are checked against each other: keep what the first change says.
            merge_keeping_nulls(&mut change, first);
            let found = finding(&with(change.clone()));
            assert!(found.starts_with(expected), "{change}: {found}");
        }
    }
}

fn merge_keeping_nulls(target: &mut Value, change: &Value) {
    match (target, change) {
        (Value::Object(target), Value::Object(change)) => {
            for (key, value) in change {
                merge_keeping_nulls(target.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (target, change) => *target = change.clone(),
    }
}

#[test]
fn a_strategy_is_judged_alone() {
    let rollout = with(json!({"replicas": -1, "selector": null, "template": null, "minReadySeconds": -1}));
    assert_eq!(strategy(&rollout), None);
    let rollout = with(json!({"replicas": -1, "strategy": {"canary": {"steps": [{"setWeight": 101}]}}}));
    assert_eq!(
        text(strategy(&rollout)),
        "spec.strategy.steps[0].setWeight: Invalid value: 101: SetWeight needs to be between 0 and 100"
    );
}
