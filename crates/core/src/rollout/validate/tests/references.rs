//! Objects that the spec names, and what this version cannot do yet.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tidegate_api::rollout::WorkloadRef;

use super::super::{not_yet_supported, service_refs, services, workload, workload_kind_is_supported};
use super::{text, with};
use crate::snapshot::{Observed, Service, Workload};

fn reference(api_version: &str, kind: &str) -> WorkloadRef {
    WorkloadRef { api_version: api_version.into(), kind: kind.into(), name: "web".into(), scale_down: None }
}

#[track_caller]
fn check_workload(reference: &WorkloadRef, template: Value, observed: &Observed<Workload>, expected: &str) {
    let rollout = with(json!({"template": null, "selector": null}));
    let mut object = serde_json::to_value(rollout).unwrap();
    object["spec"]["workloadRef"] = serde_json::to_value(reference).unwrap();
    object["spec"]["template"] = template;
    let rollout = serde_json::from_value(object).unwrap();
    assert_eq!(text(workload(&rollout, observed)), expected);
}

#[test]
fn a_workload_must_exist() {
    let check = |api_version, kind, expected: &str| {
        let reference = reference(api_version, kind);
        assert!(workload_kind_is_supported(&reference));
        check_workload(&reference, Value::Null, &Observed::Missing, expected);
        check_workload(&reference, Value::Null, &Observed::Unread, "");
    };
    check("apps/v1", "Deployment", r#"deployments.apps "default/web" not found"#);
    check("apps/v1beta2", "ReplicaSet", r#"replicasets.apps "default/web" not found"#);
    check("v1", "PodTemplate", r#"podtemplates "default/web" not found"#);
    let found = Workload::parse(&json!({"metadata": {"name": "web"}, "spec": {"template": {}}})).unwrap();
    check_workload(&reference("apps/v1", "Deployment"), Value::Null, &Observed::Found(found), "");
}

#[test]
fn a_workload_must_be_of_a_known_kind() {
    let check = |api_version, kind, shown: &str| {
        let reference = reference(api_version, kind);
        assert!(!workload_kind_is_supported(&reference));
        let expected = format!("workload of type {shown} is not supported");
        for observed in [Observed::Unread, Observed::Missing] {
            check_workload(&reference, Value::Null, &observed, &expected);
        }
    };
    check("apps/v1", "StatefulSet", "apps/StatefulSet");
    check("v1", "Deployment", "/Deployment");
    check("apps/v1", "PodTemplate", "apps/PodTemplate");
    check("", "", "/");
    check("apps/v1/x", "Deployment", "/Deployment");
    check("extensions/v1beta1", "Deployment", "extensions/Deployment");
}

#[test]
fn a_template_beside_the_reference_is_found_first() {
    let template = json!({"metadata": {"labels": {"app": "web"}}});
    let expected = "template must be empty for workload reference rollout";
    check_workload(&reference("apps/v1", "StatefulSet"), template.clone(), &Observed::Missing, expected);
    assert_eq!(
        workload(&with(json!({"template": template})), &Observed::Missing),
        None,
        "without a reference"
    );
}

fn canary_with_services() -> Value {
    json!({"strategy": {"canary": {
        "stableService": "stable",
        "canaryService": "canary",
        "pingPong": {"pingService": "ping", "pongService": "pong"},
    }}})
}

#[test]
fn services_are_named_in_the_order_of_their_check() {
    let check = |change: Value, expected: &[(&str, &str)]| {
        let refs = service_refs(&with(change));
        let refs: Vec<_> = refs.iter().map(|(path, name)| (path.as_str(), name.as_str())).collect();
        assert_eq!(refs, expected);
    };
    check(json!({}), &[]);
    check(json!({"strategy": null}), &[]);
    check(
        canary_with_services(),
        &[
            ("spec.strategy.canary.stableService", "stable"),
            ("spec.strategy.canary.canaryService", "canary"),
            ("spec.strategy.canary.pingPong.pingService", "ping"),
            ("spec.strategy.canary.pingPong.pongService", "pong"),
        ],
    );
    let blue_green = json!({"activeService": "active", "previewService": "preview"});
    check(
        json!({"strategy": {"canary": null, "blueGreen": blue_green}}),
        &[
            ("spec.strategy.blueGreen.activeService", "active"),
            ("spec.strategy.blueGreen.previewService", "preview"),
        ],
    );
}

fn service(selector: Value, annotations: Value) -> Observed<Service> {
    let object =
        json!({"metadata": {"name": "any", "annotations": annotations}, "spec": {"selector": selector}});
    Observed::Found(Service::parse(&object).unwrap())
}

#[track_caller]
fn check_services(change: Value, observed: Vec<(&str, Observed<Service>)>, expected: &str) {
    let rollout = with(change);
    let observed: BTreeMap<_, _> =
        observed.into_iter().map(|(name, service)| (name.to_owned(), service)).collect();
    let template = rollout.spec.template.clone().unwrap();
    assert_eq!(text(services(&rollout, &template, &observed)), expected);
}

#[test]
fn services_must_exist() {
    let mine = || service(json!({"app": "rollouts-demo"}), Value::Null);
    let bad = || service(json!({"app": "x"}), Value::Null);
    let change = canary_with_services;
    check_services(change(), vec![], "");
    check_services(change(), vec![("stable", mine()), ("canary", mine()), ("other", Observed::Missing)], "");
    let missing = |member: &str, name: &str| {
        format!("spec.strategy.canary.{member}: Invalid value: \"{name}\": service \"{name}\" not found")
    };
    check_services(change(), vec![("stable", Observed::Missing)], &missing("stableService", "stable"));
    check_services(
        change(),
        vec![("pong", Observed::Missing), ("canary", Observed::Missing)],
        &missing("canaryService", "canary"),
    );
    // All must exist before any is looked at.
    check_services(
        change(),
        vec![("stable", bad()), ("ping", Observed::Missing)],
        &missing("pingPong.pingService", "ping"),
    );
}

#[test]
fn services_must_select_these_pods_and_be_ours() {
    let blue_green = || json!({"strategy": {"canary": null, "blueGreen": {"activeService": "web"}}});
    let check = |observed, expected: &str| {
        let expected = match expected {
            "" => String::new(),
            detail => format!("spec.strategy.blueGreen.activeService: Invalid value: \"web\": {detail}"),
        };
        check_services(blue_green(), vec![("web", observed)], &expected);
    };
    let unmatched = |label: &str| format!("Service \"web\" has unmatch label \"{label}\" in rollout");
    let managed_by = |name: &str| json!({"argo-rollouts.argoproj.io/managed-by-rollouts": name});
    check(service(Value::Null, Value::Null), "");
    check(service(json!({"app": "rollouts-demo", "rollouts-pod-template-hash": "abc"}), Value::Null), "");
    check(service(json!({"app": "x"}), Value::Null), &unmatched("app"));
    check(service(json!({"app": "rollouts-demo", "tier": "web"}), Value::Null), &unmatched("tier"));
    check(service(json!({"app": "rollouts-demo"}), managed_by("rollouts-demo")), "");
    check(
        service(json!({"app": "rollouts-demo"}), managed_by("other")),
        "Service \"web\" is managed by another Rollout",
    );
    check(service(json!({"app": "x"}), managed_by("other")), &unmatched("app"));
    check_services(
        canary_with_services(),
        vec![("canary", service(json!({"b": "1", "a": "1"}), Value::Null)), ("ping", Observed::Unread)],
        "spec.strategy.canary.canaryService: Invalid value: \"canary\": \
         Service \"canary\" has unmatch label \"a\" in rollout",
    );
}

#[test]
fn what_cannot_be_done_yet_is_said() {
    let check = |spec: Value, expected: &str| {
        let expected = match expected {
            "" => String::new(),
            text => format!("spec.{text} is not supported by this version of Tidegate yet"),
        };
        assert_eq!(text(not_yet_supported(&with(spec), false)), expected);
    };
    let canary = |canary: Value| json!({"strategy": {"canary": canary}});
    let steps = |step: Value| canary(json!({"steps": [{"setWeight": 10}, step]}));
    check(json!({}), "");
    check(steps(json!({"pause": {}})), "");
    check(json!({"strategy": {"canary": null}}), "");
    check(json!({"strategy": {"canary": null, "blueGreen": {"activeService": "a"}}}), "");
    for member in ["prePromotionAnalysis", "postPromotionAnalysis"] {
        check(
            json!({"strategy": {"canary": null, "blueGreen": {"activeService": "a", member: {}}}}),
            &format!("strategy.blueGreen.{member}: Forbidden: analysis"),
        );
    }
    check(canary(json!({"analysis": {}})), "strategy.canary.analysis: Forbidden: background analysis");
    let routed = canary(json!({"trafficRouting": {}}));
    check(routed.clone(), "strategy.canary.trafficRouting: Forbidden: traffic routing");
    assert_eq!(text(not_yet_supported(&with(routed), true)), "");
    let kinds = [
        ("experiment", json!({"templates": []})),
        ("analysis", json!({})),
        ("setHeaderRoute", json!({"name": "a"})),
        ("setMirrorRoute", json!({"name": "a"})),
        ("plugin", json!({"name": "a"})),
    ];
    for (kind, step) in kinds {
        check(
            steps(json!({kind: step})),
            &format!("strategy.canary.steps[1].{kind}: Forbidden: the step {kind}"),
        );
    }
}
