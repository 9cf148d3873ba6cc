//! Controllers of pods, and what scales them.

use serde_json::{Value, json};

use super::pod::template;
use crate::json::{at, name, set, text, uid};

/// Sets the dependent defaults of an object of this resource; those that are no workload have none.
pub(super) fn set_dependent(object: &mut Value, resource: &str) {
    match resource {
        "replicasets.apps" => {}
        "deployments.apps" => {
            rolling(object, "strategy", &json!({"maxSurge": "25%", "maxUnavailable": "25%"}));
        }
        "daemonsets.apps" => rolling(object, "updateStrategy", &json!({"maxSurge": 0, "maxUnavailable": 1})),
        "statefulsets.apps" => stateful_set(object),
        "replicationcontrollers" => replication_controller(object),
        "jobs.batch" => job(object),
        "cronjobs.batch" => return template(object, &["spec", "jobTemplate", "spec", "template"]),
        "horizontalpodautoscalers.autoscaling" => return autoscaler(object),
        _ => return,
    }
    template(object, &["spec", "template"]);
}

/// What a rolling update is when nothing is said of it.
fn rolling(object: &mut Value, key: &str, default: &Value) {
    let strategy = at(object, &["spec", key]);
    if text(strategy, &["type"]) == "RollingUpdate" && strategy.get("rollingUpdate").is_none() {
        set(object, &["spec", key, "rollingUpdate"], default.clone());
    }
}

fn stateful_set(object: &mut Value) {
    if text(object, &["spec", "updateStrategy", "type"]).is_empty() {
        set(object, &["spec", "updateStrategy", "type"], "RollingUpdate".into());
        rolling(object, "updateStrategy", &json!({}));
    }
    let rolling_update = ["spec", "updateStrategy", "rollingUpdate"];
    if at(object, &rolling_update).is_object() {
        default(object, &[&rolling_update[..], &["partition"]].concat(), json!(0));
    }
}

fn replication_controller(object: &mut Value) {
    let labels = at(object, &["spec", "template", "metadata", "labels"]).clone();
    if !labels.is_null() {
        default(object, &["spec", "selector"], labels.clone());
        default(object, &["metadata", "labels"], labels);
    }
}

fn job(object: &mut Value) {
    let spec = at(object, &["spec"]);
    let is_single = at(spec, &["completions"]).is_null() && at(spec, &["parallelism"]).is_null();
    let retries = if at(spec, &["backoffLimitPerIndex"]).is_null() { 6 } else { i32::MAX };
    let replaces_failed = !at(spec, &["podFailurePolicy"]).is_null();
    if is_single {
        set(object, &["spec", "completions"], json!(1));
    }
    default(object, &["spec", "parallelism"], json!(1));
    default(object, &["spec", "backoffLimit"], json!(retries));
    let policy = if replaces_failed { "Failed" } else { "TerminatingOrFailed" };
    default(object, &["spec", "podReplacementPolicy"], policy.into());
    let labels = at(object, &["spec", "template", "metadata", "labels"]).clone();
    if !labels.is_null() {
        default(object, &["metadata", "labels"], labels);
    }
}

/// Gives a new Job the labels and the selector by which its pods are known.
pub(crate) fn identify_job(object: &mut Value) {
    if at(object, &["spec", "manualSelector"]) == &json!(true) {
        return;
    }
    let (uid, name) = (uid(object).to_owned(), name(object).to_owned());
    for (key, value) in [
        ("batch.kubernetes.io/controller-uid", &uid),
        ("batch.kubernetes.io/job-name", &name),
        ("controller-uid", &uid),
        ("job-name", &name),
    ] {
        set(object, &["spec", "template", "metadata", "labels", key], value.clone().into());
    }
    let selector = json!({"matchLabels": {"batch.kubernetes.io/controller-uid": uid}});
    set(object, &["spec", "selector"], selector);
}

fn autoscaler(object: &mut Value) {
    let target = json!({"type": "Utilization", "averageUtilization": 80});
    let metric = json!({"type": "Resource", "resource": {"name": "cpu", "target": target}});
    default(object, &["spec", "metrics"], json!([metric]));
    if at(object, &["spec", "behavior"]).is_null() {
        return;
    }
    let percent = json!({"type": "Percent", "value": 100, "periodSeconds": 15});
    let pods = json!({"type": "Pods", "value": 4, "periodSeconds": 15});
    for (direction, policies) in
        [("scaleUp", json!([pods, percent.clone()])), ("scaleDown", json!([percent]))]
    {
        default(object, &["spec", "behavior", direction, "policies"], policies);
        default(object, &["spec", "behavior", direction, "selectPolicy"], "Max".into());
    }
    default(object, &["spec", "behavior", "scaleUp", "stabilizationWindowSeconds"], json!(0));
}

/// Sets the value at `path` if there is none.
fn default(object: &mut Value, path: &[&str], value: Value) {
    if at(object, path).is_null() {
        set(object, path, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(resource: &str, mut object: Value, expected: &Value) {
        set_dependent(&mut object, resource);
        assert_eq!(&object, expected);
    }

    #[test]
    fn rolling_updates_have_their_defaults() {
        check(
            "daemonsets.apps",
            json!({"spec": {"updateStrategy": {"type": "RollingUpdate"}}}),
            &json!({"spec": {"updateStrategy":
                {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}}}),
        );
        check(
            "statefulsets.apps",
            json!({"spec": {}}),
            &json!({"spec": {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}}}),
        );
        let recreate = json!({"spec": {"strategy": {"type": "Recreate"}}});
        check("deployments.apps", recreate.clone(), &recreate);
    }

    #[test]
    fn jobs_run_once_unless_they_say_more() {
        check(
            "jobs.batch",
            json!({"spec": {}}),
            &json!({"spec": {"completions": 1, "parallelism": 1, "backoffLimit": 6,
                "podReplacementPolicy": "TerminatingOrFailed"}}),
        );
        check(
            "jobs.batch",
            json!({"spec": {"parallelism": 3, "backoffLimit": 1}}),
            &json!({"spec": {"parallelism": 3, "backoffLimit": 1, "podReplacementPolicy": "TerminatingOrFailed"}}),
        );
    }

    #[test]
    fn autoscalers_look_at_the_processor() {
        let mut object = json!({"spec": {"behavior": {"scaleUp": {"selectPolicy": "Min"}}}});
        set_dependent(&mut object, "horizontalpodautoscalers.autoscaling");
        assert_eq!(object["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"], 80);
        let up = &object["spec"]["behavior"]["scaleUp"];
        assert_eq!((&up["selectPolicy"], up["policies"].as_array().unwrap().len()), (&json!("Min"), 2));
        assert_eq!(object["spec"]["behavior"]["scaleDown"]["selectPolicy"], "Max");
    }
}
