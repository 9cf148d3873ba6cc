use super::*;
use crate::clock::parse_time;

fn deployment(replicas: i64) -> Value {
    json!({"metadata": {"name": "web", "namespace": "n", "uid": "d", "generation": 2},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"v": 2}}}})
}

/// A ReplicaSet of version `v` that was made for four pods.
fn replica_set(v: i64, replicas: i64, available: i64) -> Arc<Value> {
    Arc::new(json!({"metadata": {"name": format!("web-{v}"), "namespace": "n", "uid": format!("u{v}"),
            "creationTimestamp": format!("2026-01-0{v}T00:00:00Z"), "labels": {"app": "web"},
            "annotations": {REVISION: v.to_string(), DESIRED: "4", MAX: "5"},
            "ownerReferences": [{"uid": "d", "controller": true}]},
        "spec": {"replicas": replicas,
            "template": {"metadata": {"labels": {"app": "web", HASH: "h"}}, "spec": {"v": v}}},
        "status": {"replicas": replicas, "availableReplicas": available}}))
}

/// The sizes that a look leads to, by name.
fn sizes(deployment: &Value, sets: &[Arc<Value>]) -> Vec<(String, i64)> {
    let now = parse_time("2026-01-05T00:00:00Z").unwrap();
    let sized = |write: Write| match write {
        Write::Merge { key, patch, .. } => Some((key.name, patch["spec"]["replicas"].as_i64().unwrap())),
        _ => None,
    };
    sync(deployment, sets, &[], now).writes.into_iter().filter_map(sized).collect()
}

fn expect(found: &[(String, i64)], expected: &[(&str, i64)]) {
    let found: Vec<(&str, i64)> = found.iter().map(|(name, size)| (name.as_str(), *size)).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_rolling_update_grows_first_and_takes_what_is_available_too_much() {
    let four = deployment(4);
    expect(&sizes(&four, &[replica_set(1, 4, 4), replica_set(2, 0, 0)]), &[("web-2", 1)]);
    expect(&sizes(&four, &[replica_set(1, 4, 4), replica_set(2, 1, 0)]), &[("web-1", 3)]);
    expect(&sizes(&four, &[replica_set(1, 3, 3), replica_set(2, 1, 0)]), &[("web-2", 2)]);
    expect(&sizes(&four, &[replica_set(1, 3, 3), replica_set(2, 2, 0)]), &[]);
    expect(&sizes(&four, &[replica_set(1, 3, 3), replica_set(2, 2, 2)]), &[("web-1", 1)]);
    // Pods that do not work are no loss.
    expect(&sizes(&four, &[replica_set(1, 4, 2), replica_set(2, 1, 1)]), &[("web-1", 2)]);
}

#[test]
fn a_change_of_size_moves_no_pods_from_one_version_to_another() {
    let sets = [replica_set(1, 3, 3), replica_set(2, 2, 2)];
    expect(&sizes(&deployment(8), &sets), &[("web-1", 6), ("web-2", 4)]);
    expect(&sizes(&deployment(0), &sets), &[("web-1", 0), ("web-2", 0)]);
    expect(&sizes(&deployment(0), &[replica_set(1, 0, 0), replica_set(2, 4, 4)]), &[("web-2", 0)]);
}

#[test]
fn names_have_kubernetes_form() {
    let one = hash(&json!({"a": 1, "b": {"c": 2, "d": 3}}));
    assert_eq!(one, hash(&json!({"b": {"d": 3, "c": 2}, "a": 1})));
    assert_ne!(one, hash(&json!({"a": 1})));
    assert!(
        (6..=10).contains(&one.len()) && one.bytes().all(|it| b"bcdfghjklmnpqrstvwxz2456789".contains(&it))
    );
}
