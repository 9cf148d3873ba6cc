//! Services that are switched, a Deployment that is scaled down, pods that change their role or are evicted, watches of lenders.

use serde_json::{Value, json};

use super::exchange::Step;
use super::steps::{MANAGER, MERGE, PATCH, get, patch, step, template, watch};

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/a/deployments";
const PODS: &str = "/api/v1/namespaces/a/pods";
const BUDGETS: &str = "/apis/policy/v1/namespaces/a/poddisruptionbudgets";

/// After the Deployment `other` and the Service `demo` were made.
pub(super) fn all() -> Vec<Step> {
    [services(), lenders(), pods(), evictions()].concat()
}

fn test(path: &str, value: &str) -> Value {
    json!({"op": "test", "path": path, "value": value})
}

fn add(path: &str, value: &Value) -> Value {
    json!({"op": "add", "path": path, "value": value})
}

fn services() -> Vec<Step> {
    let at = format!("/api/v1/namespaces/a/services/demo?{MANAGER}");
    let selected = "/spec/selector/rollouts-pod-template-hash";
    let mark = "/metadata/annotations/argo-rollouts.argoproj.io~1managed-by-rollouts";
    let (uid, version) = ("/metadata/uid", "/metadata/resourceVersion");
    let mine = test(uid, "${service.uid}");
    let first = json!([
        mine,
        test(version, "${service.version}"),
        add(selected, &json!("abc")),
        test(version, "${service.version}"),
        add("/metadata/annotations", &json!({})),
        add(mark, &json!("demo")),
    ]);
    let switch = |from: &str, to: &str| json!([mine, test(selected, from), add(selected, &json!(to))]);
    let remove = |path: &str| json!({"op": "remove", "path": path});
    let release = json!([mine, test(mark, "demo"), remove(mark), test(selected, "def"), remove(selected)]);
    vec![
        patch("service selects", PATCH, &at, first.clone()),
        patch("service selects by who is late", PATCH, &at, first),
        patch("service switches", PATCH, &at, switch("abc", "def")),
        patch("service switches by who is late", PATCH, &at, switch("abc", "def")),
        patch("another service", PATCH, &at, json!([test(uid, "other"), add(selected, &json!("x"))])),
        patch("service is released", PATCH, &at, release.clone()),
        patch("service is released again", PATCH, &at, release),
        patch("service gone", PATCH, &at.replace("/demo?", "/gone?"), switch("abc", "def")),
    ]
}

fn lenders() -> Vec<Step> {
    let at = format!("{DEPLOYMENTS}/other?{MANAGER}");
    let scale = |from: i64| {
        json!([
            test("/metadata/uid", "${deployment.uid}"),
            {"op": "test", "path": "/spec/replicas", "value": from},
            {"op": "replace", "path": "/spec/replicas", "value": 0},
        ])
    };
    let query = "watch=true&timeoutSeconds=1&allowWatchBookmarks=true";
    let lists = [
        ("list deployments", DEPLOYMENTS),
        ("list all replica sets", "/apis/apps/v1/namespaces/a/replicasets"),
        ("list pod templates", "/api/v1/namespaces/a/podtemplates"),
    ];
    let watched = |name: &'static str, path: &str, from: &str, events: usize| {
        watch(name, &format!("{path}?{query}&resourceVersion=${{{from}.version}}"), events)
    };
    let mut steps = vec![
        patch("deployment is scaled", PATCH, &at, scale(1)),
        patch("deployment is scaled by who is late", PATCH, &at, scale(1)),
        patch("deployment gone", PATCH, &at.replace("/other?", "/gone?"), scale(1)),
        watched("watch deployments", DEPLOYMENTS, "deployment", 1),
        watched("watch pod templates", lists[2].1, "deployment", 1),
    ];
    steps.extend(lists.map(|(name, path)| get(name, &format!("{path}?limit=500"))));
    steps
}

/// A pod as its ReplicaSet makes it; nobody runs it.
fn pod(name: &str, app: &str) -> Value {
    let mut pod = template();
    pod["apiVersion"] = json!("v1");
    pod["kind"] = json!("Pod");
    pod["metadata"]["name"] = json!(name);
    pod["metadata"]["labels"]["app"] = json!(app);
    pod
}

fn pods() -> Vec<Step> {
    let at = format!("{PODS}/demo-1?{MANAGER}");
    let role = |uid: &str, role: &str| json!({"metadata": {"uid": uid, "labels": {"role": role}, "annotations": {"seen": "yes", "gone": null}}});
    let of_version = "labelSelector=rollouts-pod-template-hash%20in%20%28abc%29&limit=100";
    vec![
        step("pod", "POST", PODS, pod("demo-1", "demo")),
        step("second pod", "POST", PODS, pod("demo-2", "demo")),
        step("pod without a budget", "POST", PODS, pod("free", "free")),
        patch("pod changes its role", MERGE, &at, role("${pod.uid}", "stable")),
        patch("another pod of that name", MERGE, &at, role("other", "canary")),
        patch("pod gone", MERGE, &at.replace("demo-1", "gone"), role("${pod.uid}", "stable")),
        get("pods of a version", &format!("{PODS}?{of_version}")),
        get(
            "no pods",
            &format!("{PODS}?labelSelector=rollouts-pod-template-hash%20in%20%28x%2Cy%29&limit=100"),
        ),
    ]
}

fn evictions() -> Vec<Step> {
    let running = json!({"status": {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}],
    }});
    let budget = json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "demo"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "demo"}}},
    });
    let allows = |allowed: i64| {
        json!({"status": {
            "observedGeneration": 1, "disruptionsAllowed": allowed, "currentHealthy": 2, "desiredHealthy": 2 - allowed,
            "expectedPods": 2,
        }})
    };
    let evict = |name: &'static str, pod: &str, uid: &str| {
        let body = json!({
            "apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": "a"},
            "deleteOptions": {"preconditions": {"uid": uid}},
        });
        step(name, "POST", &format!("{PODS}/{pod}/eviction?{MANAGER}"), body)
    };
    let status = |name: &'static str, path: String, body: &Value| patch(name, MERGE, &path, body.clone());
    let of_budget = || format!("{BUDGETS}/demo/status");
    vec![
        status("pod runs", format!("{PODS}/demo-1/status"), &running),
        status("second pod runs", format!("{PODS}/demo-2/status"), &running),
        status("pod without a budget runs", format!("{PODS}/free/status"), &running),
        evict("evict another of that name", "free", "other"),
        evict("evict without a budget", "free", "${pod without a budget.uid}"),
        evict("evict what is gone", "free", "${pod without a budget.uid}"),
        step("budget", "POST", BUDGETS, budget),
        evict("evict before the budget was looked at", "demo-1", "${pod.uid}"),
        status("budget forbids", of_budget(), &allows(0)),
        evict("evict what the budget forbids", "demo-1", "${pod.uid}"),
        status("budget allows", of_budget(), &allows(1)),
        evict("evict what the budget allows", "demo-1", "${pod.uid}"),
        evict("evict one too many", "demo-2", "${second pod.uid}"),
        get("pods that are left", &format!("{PODS}?labelSelector=app%3Ddemo&limit=100")),
    ]
}
