use serde_json::json;

use super::*;
use crate::types::named;

fn ty(name: &str) -> TypeId {
    named(&format!("io.k8s.api.{name}")).unwrap()
}

fn merged(mut target: Value, patch: &Value, name: &str) -> Value {
    merge(&mut target, patch, ty(name)).unwrap();
    target
}

/// The code of the refusal.
fn refused(mut target: Value, patch: &Value, name: &str) -> u16 {
    merge(&mut target, patch, ty(name)).unwrap_err().code
}

fn pod(spec: &Value) -> Value {
    json!({"metadata": {"finalizers": ["a", "b"]}, "spec": spec})
}

#[test]
fn lists_merge_by_key_and_directives_hold() {
    let target = json!({"spec": {"template": {"spec": {"containers": [
        {"name": "a", "image": "a:1", "env": [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}]},
        {"name": "b", "image": "b:1"}]}}}});
    let patch = json!({"spec": {"template": {"spec": {"containers": [
        {"name": "a", "image": "a:2", "env": [{"name": "X", "$patch": "delete"}, {"name": "Z", "value": "3"}]},
        {"name": "c", "image": "c:1"}]}}}});
    assert_eq!(
        merged(target, &patch, "apps.v1.ReplicaSet")["spec"]["template"]["spec"]["containers"],
        json!([{"name": "a", "image": "a:2", "env": [{"name": "Z", "value": "3"}, {"name": "Y", "value": "2"}]},
            {"name": "c", "image": "c:1"}, {"name": "b", "image": "b:1"}])
    );
}

#[test]
fn an_order_that_is_set_holds() {
    let containers = json!({"containers": [{"name": "a"}, {"name": "b"}, {"name": "c"}]});
    let names = |pod: &Value| -> Vec<String> {
        let containers = pod["spec"]["containers"].as_array().unwrap();
        containers.iter().map(|container| container["name"].as_str().unwrap().to_owned()).collect()
    };
    for (change, expected) in [
        (json!({"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}), ["b", "a", "c"].as_slice()),
        (
            json!({"$setElementOrder/containers": [{"name": "c"}, {"name": "x"}], "containers": [{"name": "x"}]}),
            &["a", "b", "c", "x"],
        ),
        (json!({"containers": [{"name": "c"}, {"name": "a"}]}), &["b", "c", "a"]),
        (
            json!({"$setElementOrder/containers": [{"name": "c"}, {"name": "b"}],
                "containers": [{"name": "a", "$patch": "delete"}]}),
            &["c", "b"],
        ),
        (json!({"containers": [{"name": "z"}, {"$patch": "replace"}, {"name": "y"}]}), &["z", "y"]),
        (json!({"containers": []}), &["a", "b", "c"]),
    ] {
        let patch = json!({"spec": change});
        assert_eq!(names(&merged(pod(&containers), &patch, "core.v1.Pod")), expected, "{patch}");
    }
    let finalizers =
        json!({"metadata": {"$setElementOrder/finalizers": ["b", "x", "a"], "finalizers": ["x"]}});
    let patched = merged(pod(&json!({})), &finalizers, "core.v1.Pod");
    assert_eq!(patched["metadata"]["finalizers"], json!(["b", "x", "a"]));
}

#[test]
fn sets_atomic_lists_and_maps() {
    let target = json!({"metadata": {"finalizers": ["a", "c"], "labels": {"x": "1", "y": "2"}},
        "spec": {"containers": [{"name": "a", "args": ["1", "2"]}]}});
    let patch = json!({"metadata": {"finalizers": ["b"], "labels": {"x": null, "z": "3"},
        "$deleteFromPrimitiveList/finalizers": ["a"], "annotations": {"none": null}},
        "spec": {"containers": [{"name": "a", "args": ["3"]}]}});
    let patched = merged(target, &patch, "core.v1.Pod");
    assert_eq!(patched["metadata"]["labels"], json!({"y": "2", "z": "3"}));
    assert_eq!(patched["metadata"]["annotations"], json!({}));
    assert_eq!(patched["spec"]["containers"][0]["args"], json!(["3"]));
    assert_eq!(patched["metadata"]["finalizers"], json!(["b", "c"]));
}

#[test]
fn kept_keys_and_replaced_members() {
    let target = json!({"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}});
    let patch = json!({"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}});
    let patched = merged(target.clone(), &patch, "apps.v1.Deployment");
    assert_eq!(patched["spec"]["strategy"], json!({"type": "Recreate"}));
    let patch = json!({"spec": {"strategy": {"$patch": "replace", "type": "Recreate"}}});
    let patched = merged(target, &patch, "apps.v1.Deployment");
    assert_eq!(patched["spec"]["strategy"], json!({"type": "Recreate"}));
    let target = json!({"spec": {"selector": {"matchLabels": {"a": "1"}}}});
    let patch = json!({"spec": {"selector": {"matchLabels": {"b": "2"}}}});
    let patched = merged(target, &patch, "policy.v1.PodDisruptionBudget");
    assert_eq!(patched["spec"]["selector"], json!({"matchLabels": {"b": "2"}}));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let containers = json!({"containers": [{"name": "a"}, {"name": "b"}]});
    for (change, code) in [
        (json!({"$retainKeys": "containers"}), 400),
        (json!({"$retainKeys": [], "containers": []}), 400),
        (json!({"$setElementOrder": []}), 400),
        (json!({"$setElementOrder/containers": "a"}), 500),
        (json!({"$setElementOrder/containers": [{"name": "b"}], "containers": [{"name": "a"}]}), 500),
        (json!({"$setElementOrder/unknown": []}), 500),
        (json!({"containers": [{"image": "x"}]}), 500),
        (json!({"containers": ["a"]}), 500),
        (json!({"containers": [{"$patch": "delete"}]}), 500),
        (json!({"containers": [{"name": "a", "$patch": "merge"}]}), 500),
        (json!({"$patch": "other"}), 500),
    ] {
        let patch = json!({"spec": change});
        assert_eq!(refused(pod(&containers), &patch, "core.v1.Pod"), code, "{patch}");
    }
}
