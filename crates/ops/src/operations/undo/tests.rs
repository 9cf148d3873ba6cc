use super::*;

fn rollout(image: &str) -> Value {
    json!({
        "kind": "Rollout",
        "metadata": {"name": "guestbook", "uid": "u1"},
        "spec": {"template": template(image, &json!({"app": "guestbook"}))},
    })
}

fn template(image: &str, labels: &Value) -> Value {
    json!({"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": image}]}})
}

fn replica_set(revision: &str, image: &str) -> Value {
    let labels = json!({"app": "guestbook", "rollouts-pod-template-hash": "abc"});
    json!({
        "metadata": {
            "name": format!("guestbook-{revision}"),
            "annotations": {"rollout.argoproj.io/revision": revision},
            "ownerReferences": [{"uid": "u1", "controller": true}],
        },
        "spec": {"template": template(image, &labels)},
    })
}

fn history() -> Vec<Value> {
    let mut foreign = replica_set("9", "demo:foreign");
    foreign["metadata"]["ownerReferences"][0]["uid"] = json!("u2");
    let garbled = replica_set("x", "demo:garbled");
    vec![
        replica_set("3", "demo:red"),
        foreign,
        replica_set("1", "demo:blue"),
        replica_set("2", "demo:yellow"),
        garbled,
    ]
}

#[track_caller]
fn check(to_revision: i64, image: &str) {
    let operation = undo(&rollout("demo:red"), &history(), to_revision).unwrap();
    assert_eq!(operation.message, "rollout 'guestbook' undo");
    let [patch] = operation.patches.as_slice() else { panic!("one patch expected") };
    assert_eq!(patch.target, Target::rollout("guestbook"));
    let expected = template(image, &json!({"app": "guestbook"}));
    assert_eq!(patch.body, json!([{"op": "replace", "path": "/spec/template", "value": expected}]));
}

#[test]
fn the_default_is_the_previous_revision() {
    check(0, "demo:yellow");
    check(1, "demo:blue");
    check(2, "demo:yellow");
}

#[track_caller]
fn refuses(replica_sets: &[Value], to_revision: i64, error: &str) -> OpError {
    let refused = undo(&rollout("demo:red"), replica_sets, to_revision).unwrap_err();
    assert_eq!(refused.to_string(), error);
    refused
}

#[test]
fn there_must_be_such_a_revision() {
    refuses(&[replica_set("1", "a")], 0, r#"no revision found for rollout "guestbook""#);
    refuses(&history(), -1, r#"no revision found for rollout "guestbook""#);
    refuses(&[], 0, r#"no revision found for rollout "guestbook""#);
    let error = refuses(&history(), 7, "unable to find specified revision 7 in history");
    assert_eq!(error.hint().unwrap(), "revisions in history: 1, 2, 3");
    assert_eq!(undo(&json!({}), &[], 0).unwrap_err(), OpError::InvalidRollout);
}

#[test]
fn a_template_that_is_there_already_is_left_alone() {
    let operation = undo(&rollout("demo:yellow"), &history(), 0).unwrap();
    assert!(operation.is_notice());
    assert_eq!(operation.message, "skipped rollback (current template already matches revision 2)");
}

#[test]
fn what_the_api_server_fills_in_is_no_difference_but_a_removed_annotation_is() {
    let mut target = replica_set("1", "demo:red");
    target["spec"]["template"]["spec"]["restartPolicy"] = json!("Always");
    let newest = replica_set("2", "demo:red");
    assert!(undo(&rollout("demo:red"), &[target.clone(), newest.clone()], 0).unwrap().is_notice());
    target["spec"]["template"]["metadata"]["annotations"] = json!({"note": "old"});
    assert!(!undo(&rollout("demo:red"), &[target, newest], 0).unwrap().is_notice());
}

#[test]
fn nothing_that_the_controller_injected_stays() {
    let own_term = json!({"weight": 1, "podAffinityTerm": {"topologyKey": "zone"}});
    let term = json!({"labelSelector": {"matchExpressions": [{"key": "rollouts-pod-template-hash", "operator": "In"}]}});
    let mut target = replica_set("1", "demo:blue");
    target["metadata"]["annotations"]["rollout.argoproj.io/ephemeral-metadata"] =
        json!(r#"{"labels":{"role":"stable"},"annotations":{"note":"x"}}"#);
    let template = &mut target["spec"]["template"];
    template["metadata"]["labels"]["role"] = json!("stable");
    template["metadata"]["annotations"] = json!({"note": "x"});
    template["spec"]["affinity"]["podAntiAffinity"] = json!({
        "requiredDuringSchedulingIgnoredDuringExecution": [term],
        "preferredDuringSchedulingIgnoredDuringExecution": [own_term, {"weight": 9, "podAffinityTerm": term}],
    });
    let restored = restored_template(&target);
    assert_eq!(restored["metadata"], json!({"labels": {"app": "guestbook"}}));
    let kept = json!({"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [own_term]}});
    assert_eq!(restored["spec"]["affinity"], kept);
    target["spec"]["template"]["spec"]["affinity"]["podAntiAffinity"] =
        json!({"requiredDuringSchedulingIgnoredDuringExecution": [term]});
    assert_eq!(restored_template(&target)["spec"].get("affinity"), None);
}

#[test]
fn with_a_workload_reference_the_workload_changes() {
    let mut rollout = rollout("unused");
    for (kind, path) in [("Deployment", "/spec/template"), ("PodTemplate", "/template")] {
        rollout["spec"] = json!({"workloadRef": {"kind": kind, "name": "web"}});
        let operation = undo(&rollout, &history(), 0).unwrap();
        assert_eq!(operation.patches[0].target.kind.as_str(), kind);
        assert_eq!(operation.patches[0].target.name, "web");
        assert_eq!(operation.patches[0].body[0]["path"], path);
    }
    rollout["spec"] = json!({"workloadRef": {"kind": "Job", "name": "web"}});
    let error = undo(&rollout, &history(), 0).unwrap_err();
    assert_eq!(error.to_string(), "failed restoring revision 0: workload of type Job is not supported");
}
