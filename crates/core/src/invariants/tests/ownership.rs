//! I9.

use serde_json::{Value, json};
use tidegate_api::rollout::Rollout;

use super::super::{Permission, Touch, Violation, touches_only_ours};

/// What this spec permits, seen as one of the versions that the Rollout had.
fn permission(spec: &Value) -> Permission {
    let rollout = json!({"metadata": {"name": "demo", "namespace": "default", "uid": "uid-1"}, "spec": spec});
    let rollout: Rollout = serde_json::from_value(rollout).unwrap();
    let mut permission = Permission::default();
    permission.extend(&rollout);
    permission
}

fn named() -> Permission {
    permission(&json!({
        "workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "scaleDown": "onsuccess"},
        "strategy": {"canary": {"stableService": "stable", "canaryService": "canary",
            "canaryMetadata": {"labels": {"role": "canary"}, "annotations": {"a/b": "c"}}}},
    }))
}

fn check(before: Option<Value>, after: Option<Value>) -> Option<Violation> {
    let touch = Touch { before: before.as_ref(), after: after.as_ref(), is_eviction: false };
    touches_only_ours(&named(), touch)
}

fn change(before: Value, after: Value) -> bool {
    check(Some(before), Some(after)).is_none()
}

#[test]
fn i9_only_ours_is_touched() {
    let owned = |uid: &str, spec: Value| {
        json!({"kind": "ReplicaSet", "metadata": {"name": "x", "ownerReferences": [{"uid": uid, "controller": true}]},
            "spec": spec})
    };
    let may = |before: Option<Value>, after: Option<Value>| check(before, after).is_none();
    let ours = owned("uid-1", json!({"replicas": 1}));
    assert!(may(Some(ours.clone()), Some(owned("uid-1", json!({"replicas": 2})))));
    assert!(!may(Some(ours.clone()), Some(owned("uid-1", json!({"replicas": 1, "template": {"x": 1}})))));
    assert!(!may(Some(owned("uid-2", json!({"replicas": 1}))), Some(owned("uid-2", json!({"replicas": 2})))));
    assert!(!may(Some(owned("uid-2", json!({}))), None));
    assert!(!may(None, Some(owned("uid-2", json!({})))));
    let orphan = json!({"kind": "ReplicaSet", "metadata": {"name": "x"}, "spec": {"replicas": 1}});
    assert!(may(Some(orphan), Some(ours)));
    let rollout = |replicas: Value, status: &str| json!({"kind": "Rollout", "metadata": {"name": "x"}, "spec": {"replicas": replicas}, "status": {"phase": status}});
    assert!(may(Some(rollout(json!(2), "a")), Some(rollout(json!(2), "b"))));
    assert!(may(Some(rollout(Value::Null, "a")), Some(rollout(json!(1), "a"))));
    assert!(!may(Some(rollout(json!(2), "a")), Some(rollout(json!(1), "a"))));
    let service = json!({"kind": "Service", "metadata": {"name": "x"}});
    assert!(!may(Some(service.clone()), Some(service)));
}

#[test]
fn i9_of_a_service_only_the_version_and_its_mark() {
    let service = |name: &str, hash: &str, owner: &str, port: i32| {
        json!({"kind": "Service", "metadata": {"name": name,
            "annotations": {"argo-rollouts.argoproj.io/managed-by-rollouts": owner}},
            "spec": {"ports": [{"port": port}], "selector": {"app": "demo", "rollouts-pod-template-hash": hash}}})
    };
    assert!(change(service("stable", "v1", "demo", 80), service("stable", "v2", "demo", 80)));
    assert!(change(
        json!({"kind": "Service", "metadata": {"name": "stable"}, "spec": {"ports": [{"port": 80}], "selector": {"app": "demo"}}}),
        service("stable", "v1", "demo", 80)
    ));
    assert!(!change(service("stable", "v1", "demo", 80), service("stable", "v1", "demo", 81)));
    assert!(!change(service("other", "v1", "demo", 80), service("other", "v2", "demo", 80)));
    assert!(!change(service("stable", "v1", "rival", 80), service("stable", "v2", "demo", 80)));
    let mut wider = service("stable", "v1", "demo", 80);
    wider["spec"]["selector"]["app"] = json!("other");
    assert!(!change(service("stable", "v1", "demo", 80), wider));
    assert!(check(Some(service("stable", "v1", "demo", 80)), None).is_some());
}

#[test]
fn i9_of_pods_only_what_goes_with_their_role_and_evictions() {
    let pod = |role: &str, other: &str| {
        json!({"kind": "Pod", "metadata": {"name": "x", "labels": {"role": role, "other": other},
            "annotations": {"a/b": role}}})
    };
    assert!(change(pod("stable", "1"), pod("canary", "1")));
    assert!(!change(pod("stable", "1"), pod("stable", "2")));
    let mut going = pod("stable", "1");
    going["metadata"]["deletionTimestamp"] = json!("2026-11-23T05:00:00Z");
    let touch = |is_eviction| {
        let before = pod("stable", "1");
        let touch = Touch { before: Some(&before), after: Some(&going), is_eviction };
        touches_only_ours(&named(), touch)
    };
    assert_eq!(touch(true), None);
    assert!(touch(false).is_some());
    assert!(check(Some(going.clone()), None).is_some());
}

#[test]
fn i9_of_templates_only_what_goes_with_their_role_and_affinity() {
    let replica_set = |labels: Value, spec: Value| {
        json!({"kind": "ReplicaSet", "metadata": {"name": "x", "ownerReferences": [{"uid": "uid-1", "controller": true}]},
            "spec": {"template": {"metadata": {"labels": labels}, "spec": spec}}})
    };
    let plain = || replica_set(json!({"app": "demo"}), json!({"containers": []}));
    assert!(change(
        plain(),
        replica_set(json!({"app": "demo", "role": "canary"}), json!({"containers": []}))
    ));
    assert!(change(plain(), replica_set(json!({"app": "demo"}), json!({"containers": [], "affinity": {}}))));
    assert!(!change(plain(), replica_set(json!({"app": "other"}), json!({"containers": []}))));
    assert!(!change(plain(), replica_set(json!({"app": "demo"}), json!({"containers": [{"name": "x"}]}))));
}

#[test]
fn i9_of_a_deployment_only_its_size_and_only_if_asked() {
    let deployment = |name: &str, replicas: i32, paused: bool| json!({"kind": "Deployment", "metadata": {"name": name}, "spec": {"replicas": replicas, "paused": paused}});
    assert!(change(deployment("web", 2, false), deployment("web", 0, false)));
    assert!(!change(deployment("web", 2, false), deployment("web", 2, true)));
    assert!(!change(deployment("web", 2, false), deployment("web", 3, false)), "it never grows");
    assert!(!change(deployment("other", 2, false), deployment("other", 0, false)));
    let never =
        permission(&json!({"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}));
    let (before, after) = (deployment("web", 2, false), deployment("web", 0, false));
    let touch = Touch { before: Some(&before), after: Some(&after), is_eviction: false };
    assert!(touches_only_ours(&never, touch).is_some());
}

#[test]
fn i9_of_a_route_only_our_own() {
    let route = |uid: &str| json!({"kind": "ConfigMap", "metadata": {"name": "x", "ownerReferences": [{"uid": uid, "controller": true}]}});
    assert_eq!(check(None, Some(route("uid-1"))), None);
    assert!(check(None, Some(route("uid-2"))).is_some());
}

#[test]
fn i9_what_an_earlier_version_named_may_be_left_in_order() {
    let mut permission = named();
    let now = json!({"metadata": {"name": "demo", "uid": "uid-1"}, "spec": {"strategy": {"canary": {}}}});
    permission.extend(&serde_json::from_value(now).unwrap());
    let service = |selector: Value| json!({"kind": "Service", "metadata": {"name": "stable"}, "spec": {"selector": selector}});
    let (before, after) = (service(json!({"rollouts-pod-template-hash": "v1"})), service(json!({})));
    let touch = Touch { before: Some(&before), after: Some(&after), is_eviction: false };
    assert_eq!(touches_only_ours(&permission, touch), None);
}
