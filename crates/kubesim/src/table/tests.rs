//! Rows, as a real server shows the same objects.

#![allow(clippy::needless_pass_by_value, reason = "JSON is passed as it is written")]

use serde_json::json;

use super::*;
use crate::resources::Registry;

fn cells(resource: &str, object: &Value) -> Value {
    let now = "2026-01-01T01:00:00Z".parse().unwrap();
    let registry = Registry::with_built_ins();
    let resource = registry.named(resource).unwrap();
    let shown = row(object, &resource, now)["cells"].clone();
    assert_eq!(shown.as_array().unwrap().len(), columns(&resource).len(), "{}", resource.id);
    shown
}

fn created(name: &str, rest: Value) -> Value {
    let mut object = json!({"metadata": {"name": name, "creationTimestamp": "2026-01-01T00:00:00Z"}});
    json_patch::merge(&mut object, &rest);
    object
}

#[test]
fn every_listed_resource_is_served_and_fills_its_columns() {
    let registry = Registry::with_built_ins();
    for resource in COLUMNS.keys() {
        assert!(registry.named(resource).is_some(), "{resource}");
    }
    for resource in registry.all() {
        cells(&resource.id, &created("x", json!({})));
    }
}

fn pod(phase: &str, ready: bool, state: Value, restarts: i64) -> Value {
    created(
        "p",
        json!({"spec": {"nodeName": "n0", "containers": [{"name": "a"}]}, "status": {
        "phase": phase, "podIP": "10.0.0.1", "containerStatuses": [
            {"name": "a", "ready": ready, "restartCount": restarts, "state": state,
                "lastState": {"terminated": {"finishedAt": "2026-01-01T00:55:00Z"}}}]}}),
    )
}

#[test]
fn pods_tell_what_their_containers_do() {
    let running = json!({"running": {}});
    for (pod, expected) in [
        (pod("Running", true, running.clone(), 0), ["1/1", "Running", "0"]),
        (pod("Running", false, running.clone(), 0), ["0/1", "Running", "0"]),
        (
            pod("Running", false, json!({"waiting": {"reason": "CrashLoopBackOff"}}), 3),
            ["0/1", "CrashLoopBackOff", "3 (5m ago)"],
        ),
        (
            pod("Pending", false, json!({"waiting": {"reason": "ImagePullBackOff"}}), 0),
            ["0/1", "ImagePullBackOff", "0"],
        ),
        (
            pod("Succeeded", false, json!({"terminated": {"exitCode": 0, "reason": "Completed"}}), 0),
            ["0/1", "Completed", "0"],
        ),
        (pod("Failed", false, json!({"terminated": {"exitCode": 3}}), 0), ["0/1", "ExitCode:3", "0"]),
        (
            created("p", json!({"spec": {"containers": [{"name": "a"}]}, "status": {"phase": "Pending"}})),
            ["0/1", "Pending", "0"],
        ),
    ] {
        assert_eq!(cells("pods", &pod).as_array().unwrap()[1..4], expected);
    }
    let mut going = pod("Running", true, running, 0);
    going["metadata"]["deletionTimestamp"] = "2026-01-01T01:00:00Z".into();
    assert_eq!(
        cells("pods", &going),
        json!(["p", "1/1", "Terminating", "0", "60m", "10.0.0.1", "n0", "<none>", "<none>"])
    );
}

#[test]
fn pods_that_start_tell_how_far_they_are() {
    let pod = created(
        "p",
        json!({"spec": {"containers": [{"name": "a"}],
        "initContainers": [{"name": "i"}, {"name": "j"}]}, "status": {"phase": "Pending",
        "initContainerStatuses": [{"name": "i", "state": {"terminated": {"exitCode": 0}}},
            {"name": "j", "state": {"running": {}}}],
        "containerStatuses": [{"name": "a", "state": {"waiting": {"reason": "PodInitializing"}}}]}}),
    );
    assert_eq!(cells("pods", &pod)[2], "Init:1/2");
}

#[test]
fn workloads_count_their_pods() {
    let template =
        json!({"spec": {"containers": [{"name": "a", "image": "i:1"}, {"name": "b", "image": "j:1"}]}});
    let set = created(
        "s",
        json!({"spec": {"replicas": 3, "template": template,
        "selector": {"matchLabels": {"app": "x", "tier": "y"}}}, "status": {"replicas": 2, "readyReplicas": 1}}),
    );
    assert_eq!(cells("rs", &set), json!(["s", 3, 2, 1, "60m", "a,b", "i:1,j:1", "app=x,tier=y"]));
    assert_eq!(cells("deploy", &set), json!(["s", "1/3", 0, 0, "60m", "a,b", "i:1,j:1", "app=x,tier=y"]));
    assert_eq!(cells("sts", &set), json!(["s", "1/3", "60m", "a,b", "i:1,j:1"]));
    let job = created(
        "j",
        json!({"spec": {"completions": 2}, "status": {"succeeded": 1,
        "startTime": "2026-01-01T00:00:00Z", "completionTime": "2026-01-01T00:01:05Z",
        "conditions": [{"type": "Complete", "status": "True"}]}}),
    );
    assert_eq!(cells("jobs", &job), json!(["j", "Complete", "1/2", "65s", "60m", "", "", "<none>"]));
}

#[test]
fn services_tell_their_addresses() {
    let service = |spec: Value| cells("svc", &created("s", json!({"spec": spec})));
    assert_eq!(
        service(json!({"type": "ClusterIP", "clusterIPs": ["10.0.0.1"], "selector": {"a": "b"},
            "ports": [{"port": 80, "protocol": "TCP"}, {"port": 90, "nodePort": 30000, "protocol": "UDP"}]})),
        json!(["s", "ClusterIP", "10.0.0.1", "<none>", "80/TCP,90:30000/UDP", "60m", "a=b"])
    );
    assert_eq!(service(json!({"type": "LoadBalancer"}))[3], "<pending>");
    assert_eq!(service(json!({"type": "ExternalName", "externalName": "x.example"}))[3], "x.example");
}

#[test]
fn events_tell_what_happened_to_whom() {
    let event = json!({"metadata": {"name": "e"}, "type": "Normal", "reason": "R", "message": "m\n", "count": 3,
        "involvedObject": {"kind": "Pod", "name": "p"}, "source": {"component": "c", "host": "h"},
        "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:59:00Z"});
    assert_eq!(
        cells("events", &event),
        json!(["60s", "Normal", "R", "pod/p", "", "c, h", "m", "60m", 3, "e"])
    );
}

#[test]
fn other_resources_show_what_matters_of_them() {
    let hpa = json!({"spec": {"scaleTargetRef": {"kind": "Rollout", "name": "r"}, "minReplicas": 1, "maxReplicas": 9,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 80}}}]},
        "status": {"currentReplicas": 4}});
    assert_eq!(
        cells("hpa", &created("h", hpa)),
        json!(["h", "Rollout/r", "cpu: <unknown>/80%", "1", 9, 4, "60m"])
    );
    assert_eq!(
        cells("secrets", &created("s", json!({"type": "Opaque", "data": {"a": ""}}))),
        json!(["s", "Opaque", 1, "60m"])
    );
    assert_eq!(cells("crds", &created("c", json!({}))), json!(["c", "2026-01-01T00:00:00Z"]));
    let node = json!({"metadata": {"labels": {"node-role.kubernetes.io/worker": ""}}, "status": {
        "conditions": [{"type": "Ready", "status": "True"}], "nodeInfo": {"kubeletVersion": "v1"}}});
    assert_eq!(
        cells("nodes", &created("n", node)).as_array().unwrap()[..5],
        ["n", "Ready", "worker", "60m", "v1"]
    );
}

#[test]
fn custom_columns_take_their_values_by_path() {
    let version = json!({"additionalPrinterColumns": [
        {"name": "Desired", "type": "integer", "jsonPath": ".spec.replicas", "description": "d"},
        {"name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status"},
        {"name": "Size", "type": "integer", "jsonPath": ".spec.size", "priority": 1},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ]});
    let columns = CustomColumns::parse(&version);
    let object = created(
        "r",
        json!({"spec": {"replicas": 3, "size": "big"},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]}}),
    );
    let now = "2026-01-01T00:00:30Z".parse().unwrap();
    assert_eq!(Value::from(columns.cells(&object, now)), json!(["r", 3, "True", null, "30s"]));
    let all = columns.all();
    assert_eq!(all.iter().map(|column| column.priority).collect::<Vec<_>>(), [0, 0, 0, 1, 0]);
    assert_eq!(
        all[2].description,
        "Custom resource definition column (in JSONPath format): .status.conditions[?(@.type==\"Ready\")].status"
    );
    let plain = CustomColumns::parse(&json!({}));
    assert_eq!(Value::from(plain.cells(&object, now)), json!(["r", "30s"]));
}
