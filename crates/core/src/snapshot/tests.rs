use serde_json::json;

use super::*;

fn replica_set(uid: &str, generation: i64, injected: &str) -> Value {
    json!({
        "metadata": {"name": "x", "uid": uid, "generation": generation,
            "annotations": {"rollout.argoproj.io/ephemeral-metadata": injected}},
        "spec": {"template": {"metadata": {"labels": {"role": "canary"}}, "spec": {"containers": []}}},
    })
}

#[test]
fn a_template_is_digested_again_only_where_it_may_have_changed() {
    let first = ReplicaSet::parse(&replica_set("u", 3, "{}")).unwrap();
    let known = first.known_template();
    let digest = |mut object: Value| {
        object["spec"]["template"]["spec"]["containers"] = json!([{"name": "new"}]);
        ReplicaSet::parse_after(&object, Some(&known)).unwrap().template_digest
    };
    // No API server changes a spec without its generation: the old digest proves that the new one was not computed.
    assert_eq!(digest(replica_set("u", 3, "{}")), first.template_digest);
    let injected = r#"{"labels": {"role": "canary"}}"#;
    for changed in [replica_set("u", 4, "{}"), replica_set("v", 3, "{}"), replica_set("u", 3, injected)] {
        assert_ne!(digest(changed.clone()), first.template_digest, "{changed}");
    }
    // An object without a generation proves nothing.
    let known = ReplicaSet::parse(&replica_set("u", 0, "{}")).unwrap().known_template();
    assert!(!known.is_of(&ObjectMeta { uid: "u".into(), ..ObjectMeta::default() }));
}

#[test]
fn what_is_read_live_takes_the_place_of_what_was_known() {
    let rollout = serde_json::from_value(json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "web", "namespace": "shop"}, "spec": {},
    }));
    let replica_set = |name: &str, replicas: i32| {
        let object = json!({"metadata": {"name": name}, "spec": {"replicas": replicas, "template": {}}});
        ReplicaSet::parse(&object).unwrap()
    };
    let mut snapshot = Snapshot::of(rollout.unwrap());
    snapshot.replica_sets = vec![replica_set("a", 1), replica_set("b", 2), replica_set("c", 3)];
    let evidence = Evidence::ReplicaSet("b".to_owned());
    assert!(!snapshot.is_fresh(&evidence));
    snapshot.refresh("b", Observed::Found(replica_set("b", 5)));
    snapshot.refresh("c", Observed::Missing);
    snapshot.refresh("d", Observed::Found(replica_set("d", 7)));
    assert_eq!(snapshot.replica_sets, [replica_set("a", 1), replica_set("b", 5)], "nobody knows of d");
    assert!(snapshot.is_fresh(&evidence) && !snapshot.is_fresh(&Evidence::ReplicaSet("a".to_owned())));
    snapshot.replica_sets_are_live = true;
    assert!(snapshot.is_fresh(&Evidence::ReplicaSet("a".to_owned())));
    assert!(!snapshot.is_fresh(&Evidence::Service("a".to_owned())));
}

#[test]
fn a_pod_is_available_once_it_was_ready_for_long_enough() {
    let pod = |status: &str, deleted: Option<&str>| {
        let ready = json!({"type": "Ready", "status": status, "lastTransitionTime": "2026-01-01T00:00:10Z"});
        let object = json!({
            "metadata": {"name": "x", "deletionTimestamp": deleted}, "status": {"conditions": [ready]},
        });
        Pod::parse(&object).unwrap()
    };
    let at = |second: i64| {
        "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_secs(second)
    };
    assert!(pod("True", None).is_available(0, at(10)));
    assert!(pod("True", None).is_available(0, at(5)), "a clock that is behind");
    assert!(!pod("True", None).is_available(5, at(14)));
    assert!(pod("True", None).is_available(5, at(15)));
    assert!(!pod("False", None).is_available(0, at(60)));
    assert!(!pod("True", Some("2026-01-01T00:00:20Z")).is_available(0, at(60)));
}
