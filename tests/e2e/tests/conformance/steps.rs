//! What is asked: first as the controller asks, then as the plugin does.

use serde_json::{Value, json};

use super::exchange::Step;
use super::pods;

const JSON: &str = "application/json";
pub(super) const MERGE: &str = "application/merge-patch+json";
pub(super) const PATCH: &str = "application/json-patch+json";
pub(super) const MANAGER: &str = "fieldManager=rollouts-controller&fieldValidation=Ignore";

const ROLLOUTS: &str = "/apis/argoproj.io/v1alpha1/namespaces/a/rollouts";
const REPLICA_SETS: &str = "/apis/apps/v1/namespaces/a/replicasets";
const EVENTS: &str = "/api/v1/namespaces/a/events";
const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/a/leases";

/// All steps, in order.
pub(super) fn all() -> Vec<Step> {
    let controller =
        [prepare(), watches(), replica_sets(), rollouts(), events_and_leases(), references(), pods::all()];
    [controller.concat(), plugin(), ends()].concat()
}

pub(super) fn step(name: &'static str, method: &'static str, path: &str, body: Value) -> Step {
    Step { name, method, path: path.to_owned(), content_type: JSON, body, events: 0 }
}

pub(super) fn patch(name: &'static str, content_type: &'static str, path: &str, body: Value) -> Step {
    Step { name, method: "PATCH", path: path.to_owned(), content_type, body, events: 0 }
}

pub(super) fn get(name: &'static str, path: &str) -> Step {
    step(name, "GET", path, Value::Null)
}

pub(super) fn watch(name: &'static str, path: &str, events: usize) -> Step {
    Step { events, ..get(name, path) }
}

pub(super) fn template() -> Value {
    json!({
        "metadata": {"labels": {"app": "demo", "rollouts-pod-template-hash": "abc"}},
        "spec": {"containers": [{
            "name": "demo", "image": "demo:blue",
            "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
            "resources": {"requests": {"cpu": "5m", "memory": "32Mi"}},
        }]},
    })
}

fn rollout(name: &str) -> Value {
    let mut template = template();
    template["metadata"]["labels"] = json!({"app": "demo"});
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": name, "labels": {"team": "red"}},
        "spec": {
            "replicas": 5, "selector": {"matchLabels": {"app": "demo"}}, "template": template,
            "strategy": {"canary": {"steps": [{"setWeight": 20}, {"pause": {"duration": "10s"}}, {"pause": {}}]}},
        },
    })
}

fn replica_set(name: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {
            "name": name, "labels": {"app": "demo", "rollouts-pod-template-hash": "abc"},
            "annotations": {"rollout.argoproj.io/revision": "1"},
            "ownerReferences": [{
                "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "demo", "uid": "${rollout.uid}",
                "controller": true, "blockOwnerDeletion": true,
            }],
        },
        "spec": {
            "replicas": 0, "template": template(),
            "selector": {"matchLabels": {"app": "demo", "rollouts-pod-template-hash": "abc"}},
        },
    })
}

fn prepare() -> Vec<Step> {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}});
    vec![
        step("namespace", "POST", "/api/v1/namespaces", namespace),
        step("rollout", "POST", ROLLOUTS, rollout("demo")),
        step("rollout again", "POST", ROLLOUTS, rollout("demo")),
        step("second rollout", "POST", ROLLOUTS, rollout("second")),
    ]
}

/// As the controller's watches do.
fn watches() -> Vec<Step> {
    let all = "/apis/argoproj.io/v1alpha1/rollouts";
    let mine = "labelSelector=%21argo-rollouts.argoproj.io%2Fcontroller-instance-id";
    let query = "watch=true&timeoutSeconds=1&allowWatchBookmarks=true";
    vec![
        get("list rollouts", &format!("{all}?limit=500&{mine}")),
        get("first page", &format!("{all}?limit=1&{mine}")),
        get("second page", &format!("{all}?limit=1&{mine}&continue=${{first page.continue}}")),
        watch("watch rollouts", &format!("{all}?{query}&{mine}&resourceVersion=${{namespace.version}}"), 2),
        get("list services", "/api/v1/services?limit=500&labelSelector=none%3Dsuch"),
        get(
            "list in a namespace",
            &format!("{REPLICA_SETS}?limit=500&labelSelector=rollouts-pod-template-hash"),
        ),
        watch(
            "watch services",
            &format!("/api/v1/namespaces/a/services?{query}&resourceVersion=${{namespace.version}}"),
            0,
        ),
        get("watch from no version", &format!("{ROLLOUTS}?{query}&resourceVersion=x")),
    ]
}

fn replica_sets() -> Vec<Step> {
    let object = format!("{REPLICA_SETS}/demo-abc");
    let (create, at) = (format!("{REPLICA_SETS}?{MANAGER}"), format!("{object}?{MANAGER}"));
    let mut invalid = replica_set("invalid");
    invalid["spec"]["template"]["spec"]["containers"][0]["image"] = json!("");
    invalid["spec"]["template"]["spec"]["restartPolicy"] = json!("Never");
    let mut mismatched = replica_set("mismatched");
    mismatched["spec"]["template"]["metadata"]["labels"] = json!({"app": "other"});
    let test = |path: &str, value: Value| json!({"op": "test", "path": path, "value": value});
    let scale = |from: i64, to: i64| {
        let size = json!({"op": "replace", "path": "/spec/replicas", "value": to});
        let noted = "/metadata/annotations/rollout.argoproj.io~1desired-replicas";
        let noted = json!({"op": "add", "path": noted, "value": "5"});
        json!([test("/metadata/uid", json!("${rs.uid}")), test("/spec/replicas", json!(from)), size, noted])
    };
    let revision = |version: &str| {
        json!({"metadata": {
            "resourceVersion": version, "annotations": {"rollout.argoproj.io/revision": "2"},
        }})
    };
    vec![
        step("rs", "POST", &create, replica_set("demo-abc")),
        step("rs again", "POST", &create, replica_set("demo-abc")),
        step("rs invalid", "POST", &create, invalid),
        step("rs mismatched", "POST", &create, mismatched),
        patch("scale", PATCH, &at, scale(0, 2)),
        patch("scale by who is late", PATCH, &at, scale(0, 3)),
        patch(
            "shrink by who is late",
            PATCH,
            &at,
            json!([test("/metadata/resourceVersion", json!("${rs.version}"))]),
        ),
        patch("scale what is gone", PATCH, &format!("{REPLICA_SETS}/gone?{MANAGER}"), scale(0, 2)),
        patch("revision", MERGE, &at, revision("${scale.version}")),
        patch("revision by who is late", MERGE, &at, revision("${scale.version}")),
        patch("nothing", MERGE, &at, revision("${revision.version}")),
        get("rs now", &object),
        get("rs gone", &format!("{REPLICA_SETS}/gone")),
        watch(
            "watch rs",
            &format!("{REPLICA_SETS}?watch=true&timeoutSeconds=1&resourceVersion=${{rs.version}}"),
            2,
        ),
    ]
}

fn rollouts() -> Vec<Step> {
    let object = format!("{ROLLOUTS}/demo");
    let status = format!("{object}/status?{MANAGER}");
    let body = |version: &str| {
        json!({"metadata": {"resourceVersion": version}, "status": {
            "currentPodHash": "abc", "observedGeneration": "1", "replicas": 2, "phase": "Progressing",
            "canary": {}, "blueGreen": {}, "unknownToAnybody": 1,
            "conditions": [{
                "type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated", "message": "m",
                "lastTransitionTime": "2026-01-01T00:00:00Z", "lastUpdateTime": "2026-01-01T00:00:00Z",
            }],
        }})
    };
    let annotation =
        |value: &str| json!({"metadata": {"annotations": {"rollout.argoproj.io/revision": value}}});
    vec![
        patch("status", MERGE, &status, body("${rollout.version}")),
        patch("status by who is late", MERGE, &status, body("${rollout.version}")),
        patch("status of another type", MERGE, &status, json!({"status": {"replicas": "two"}})),
        patch("status of what is gone", MERGE, &format!("{ROLLOUTS}/gone/status?{MANAGER}"), body("1")),
        patch("annotation", MERGE, &format!("{object}?{MANAGER}"), annotation("1")),
        patch("annotation of another type", MERGE, &object, json!({"metadata": {"annotations": {"a": 1}}})),
        patch("default replicas", MERGE, &object, json!({"spec": {"replicas": 1}})),
        patch("replicas of another type", MERGE, &object, json!({"spec": {"replicas": "many"}})),
        get("rollout now", &object),
        get("rollout gone", &format!("{ROLLOUTS}/gone")),
    ]
}

fn events_and_leases() -> Vec<Step> {
    let event = json!({
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": "demo.1", "namespace": "a"},
        "involvedObject": {
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "namespace": "a", "name": "demo", "uid": "u",
        },
        "type": "Normal", "reason": "RolloutPaused", "message": "m", "source": {"component": "rollouts-controller"},
        "reportingComponent": "rollouts-controller", "reportingInstance": "",
        "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:00:00Z", "count": 1,
    });
    let count = json!({"count": 2, "lastTimestamp": "2026-01-01T00:00:05Z"});
    let lease = |holder: &str, version: Option<&str>| {
        let mut lease = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "lock", "namespace": "a"},
            "spec": {
                "holderIdentity": holder, "leaseDurationSeconds": 15, "leaseTransitions": 0,
                "acquireTime": "2026-01-01T00:00:00.000000Z", "renewTime": "2026-01-01T00:00:00.000000Z",
            },
        });
        if let Some(version) = version {
            lease["metadata"]["resourceVersion"] = json!(version);
        }
        lease
    };
    vec![
        step("event", "POST", &format!("{EVENTS}?{MANAGER}"), event.clone()),
        step("event again", "POST", &format!("{EVENTS}?{MANAGER}"), event),
        patch("event counted up", MERGE, &format!("{EVENTS}/demo.1?{MANAGER}"), count.clone()),
        patch("event that expired", MERGE, &format!("{EVENTS}/gone?{MANAGER}"), count),
        get("no lease", &format!("{LEASES}/lock")),
        step("lease", "POST", LEASES, lease("one", None)),
        step("lease again", "POST", LEASES, lease("two", None)),
        step("renewal", "PUT", &format!("{LEASES}/lock"), lease("one", Some("${lease.version}"))),
        step("taking over", "PUT", &format!("{LEASES}/lock"), lease("two", Some("${renewal.version}"))),
        step(
            "renewal by who is late",
            "PUT",
            &format!("{LEASES}/lock"),
            lease("one", Some("${lease.version}")),
        ),
        get("lease now", &format!("{LEASES}/lock")),
    ]
}

/// What a spec refers to.
fn references() -> Vec<Step> {
    let mut template = template();
    template["metadata"]["labels"] = json!({"app": "other"});
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "other"},
        "spec": {"selector": {"matchLabels": {"app": "other"}}, "template": template},
    });
    let pod_template = json!({
        "apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "other"}, "template": template,
    });
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "demo"},
        "spec": {"clusterIP": "None", "selector": {"app": "demo"}, "ports": [{"port": 80, "targetPort": "http"}]},
    });
    let [deployments, pod_templates, services] = [
        "/apis/apps/v1/namespaces/a/deployments",
        "/api/v1/namespaces/a/podtemplates",
        "/api/v1/namespaces/a/services",
    ];
    vec![
        step("deployment", "POST", deployments, deployment),
        get("deployment now", &format!("{deployments}/other")),
        get("deployment gone", &format!("{deployments}/gone")),
        step("pod template", "POST", pod_templates, pod_template),
        get("pod template now", &format!("{pod_templates}/other")),
        get("service gone", &format!("{services}/demo")),
        step("service", "POST", services, service),
        get("service now", &format!("{services}/demo")),
    ]
}

fn plugin() -> Vec<Step> {
    let object = format!("{ROLLOUTS}/second");
    let manager = "fieldManager=kubectl-argo-rollouts";
    let (at, status) = (format!("{object}?{manager}"), format!("{object}/status?{manager}"));
    let image = json!([
        {"op": "test", "path": "/spec/template/spec/containers/0/name", "value": "demo"},
        {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "demo:yellow"},
    ]);
    let not_there =
        json!([{"op": "replace", "path": "/spec/template/spec/containers/7/image", "value": "x"}]);
    vec![
        get("version", "/version/x"),
        get("get rollouts", &format!("{ROLLOUTS}?limit=250")),
        get("get one of them", &format!("{ROLLOUTS}?limit=250&fieldSelector=metadata.name%3Dsecond")),
        get("get replica sets", &format!("{REPLICA_SETS}?limit=250&labelSelector=app%3Ddemo")),
        get("get pods", "/api/v1/namespaces/a/pods?limit=250&labelSelector=app%20in%20%28demo%2Cother%29"),
        get("bad selector", &format!("{ROLLOUTS}?labelSelector=a%20b")),
        get("bad field", &format!("{ROLLOUTS}?fieldSelector=spec.replicas%3D1")),
        watch(
            "watch one",
            &format!(
                "{ROLLOUTS}?watch=true&timeoutSeconds=1&fieldSelector=metadata.name%3Dsecond&resourceVersion=${{rollout.version}}"
            ),
            1,
        ),
        patch("set image", PATCH, &at, image),
        patch("set image of nothing", PATCH, &at, not_there),
        patch("pause", MERGE, &at, json!({"spec": {"paused": true}})),
        patch("abort", MERGE, &status, json!({"status": {"abort": true}})),
        patch("retry", MERGE, &status, json!({"status": {"abort": false}})),
        patch("promote", MERGE, &status, json!({"status": {"pauseConditions": null, "currentStepIndex": 1}})),
        patch("full promotion", MERGE, &status, json!({"status": {"promoteFull": true}})),
        patch("undo", PATCH, &at, json!([{"op": "replace", "path": "/spec/template", "value": template()}])),
        patch("restart", MERGE, &at, json!({"spec": {"restartAt": "2026-01-01T00:00:00Z"}})),
        patch("restart at no time", MERGE, &at, json!({"spec": {"restartAt": "soon"}})),
        patch("no such subresource", MERGE, &format!("{object}/nothing"), json!({})),
        get("scale subresource", &format!("{object}/scale")),
        patch("scale by it", MERGE, &format!("{object}/scale"), json!({"spec": {"replicas": 7}})),
        get("no such resource", "/apis/argoproj.io/v1alpha1/namespaces/a/nothings"),
        get("no such group", "/apis/nothing.io/v1/namespaces/a/nothings"),
    ]
}

fn ends() -> Vec<Step> {
    let object = format!("{REPLICA_SETS}/demo-abc");
    let delete = |uid: &str, version: &str| {
        json!({
            "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background",
            "preconditions": {"uid": uid, "resourceVersion": version},
        })
    };
    vec![
        step("delete another", "DELETE", &object, delete("other", "${nothing.version}")),
        step("delete by who is late", "DELETE", &object, delete("${rs.uid}", "${rs.version}")),
        step("delete", "DELETE", &object, delete("${rs.uid}", "${nothing.version}")),
        step("delete what is gone", "DELETE", &object, delete("${rs.uid}", "${nothing.version}")),
        step("delete rollout", "DELETE", &format!("{ROLLOUTS}/second"), Value::Null),
        watch(
            "watch deletions",
            &format!("{REPLICA_SETS}?watch=true&timeoutSeconds=1&resourceVersion=${{nothing.version}}"),
            1,
        ),
    ]
}
