//! Statuses, where their subresource is written.

use serde_json::Value;

use super::metadata::qualified_name;
use super::workload::not_negative;
use crate::field::Cause;
use crate::json::{at, list, text};

/// Adds what is wrong with the status of a built-in object; `old` is what is stored.
pub(super) fn check(object: &Value, old: &Value, resource: &str, causes: &mut Vec<Cause>) {
    let [status, before] = [object, old].map(|object| at(object, &["status"]));
    let counts: &[&str] = match resource {
        "deployments.apps" => &[
            "observedGeneration",
            "replicas",
            "updatedReplicas",
            "readyReplicas",
            "availableReplicas",
            "unavailableReplicas",
            "terminatingReplicas",
            "collisionCount",
        ],
        "replicasets.apps" => &[
            "replicas",
            "fullyLabeledReplicas",
            "readyReplicas",
            "availableReplicas",
            "observedGeneration",
            "terminatingReplicas",
        ],
        "poddisruptionbudgets.policy" => {
            &["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"]
        }
        "horizontalpodautoscalers.autoscaling" => &["currentReplicas", "desiredReplicas"],
        _ => &[],
    };
    for count in counts {
        not_negative(at(status, &[count]), &format!("status.{count}"), causes);
    }
    match resource {
        "deployments.apps" => {
            check_replicas(status, "updatedReplicas", causes);
            check_collisions(status, before, causes);
        }
        "replicasets.apps" => check_replicas(status, "fullyLabeledReplicas", causes),
        "pods" => check_pod([status, before], old, causes),
        _ => {}
    }
}

fn check_replicas(status: &Value, of_this_version: &str, causes: &mut Vec<Cause>) {
    let count = |key: &str| at(status, &[key]).as_i64().unwrap_or(0);
    let mut refuse = |key: &str, detail: &str| {
        causes.push(Cause::invalid(&format!("status.{key}"), &count(key).into(), detail));
    };
    for key in [of_this_version, "readyReplicas", "availableReplicas"] {
        if count(key) > count("replicas") {
            refuse(key, "cannot be greater than status.replicas");
        }
    }
    if count("availableReplicas") > count("readyReplicas") {
        refuse("availableReplicas", "cannot be greater than readyReplicas");
    }
}

fn check_collisions(status: &Value, before: &Value, causes: &mut Vec<Cause>) {
    let [now, before] = [status, before].map(|status| at(status, &["collisionCount"]).as_i64());
    if before.is_some() && now < before {
        let shown = now.unwrap_or(0).into();
        causes.push(Cause::invalid("status.collisionCount", &shown, "cannot be decremented"));
    }
}

fn check_pod([status, before]: [&Value; 2], pod: &Value, causes: &mut Vec<Cause>) {
    for (index, condition) in list(status, &["conditions"]).iter().enumerate() {
        let ty = text(condition, &["type"]);
        if !matches!(ty, "PodScheduled" | "Ready" | "Initialized") {
            for problem in qualified_name(ty) {
                causes.push(Cause::invalid(
                    &format!("status.conditions[{index}].Type"),
                    &ty.into(),
                    &problem,
                ));
            }
        }
    }
    let class = at(status, &["qosClass"]);
    if class != at(before, &["qosClass"]) {
        causes.push(Cause::invalid("status.qosClass", class, "field is immutable"));
    }
    for (index, address) in list(status, &["podIPs"]).iter().enumerate() {
        let ip = text(address, &["ip"]);
        if ip.parse::<std::net::IpAddr>().is_err() {
            let detail = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
            causes.push(Cause::invalid(&format!("status.podIPs[{index}]"), &ip.into(), detail));
        }
    }
    check_restarts([status, before], pod, causes);
}

/// Containers that ended stay ended where the pod does not restart them.
fn check_restarts([status, before]: [&Value; 2], pod: &Value, causes: &mut Vec<Cause>) {
    let policy = text(pod, &["spec", "restartPolicy"]);
    if policy == "Always" {
        return;
    }
    let now = list(status, &["containerStatuses"]);
    for (index, old) in list(before, &["containerStatuses"]).iter().enumerate() {
        let ended = at(old, &["state", "terminated"]);
        let failed = at(ended, &["exitCode"]).as_i64().unwrap_or(0) != 0;
        if ended.is_null() || (failed && policy == "OnFailure") {
            continue;
        }
        let runs = |new: &&Value| {
            text(new, &["name"]) == text(old, &["name"]) && at(new, &["state", "terminated"]).is_null()
        };
        if now.iter().any(|new| runs(&new)) {
            let field = format!("status.containerStatuses[{index}].state");
            causes.push(Cause::forbidden(&field, "may not be transitioned to non-terminated state"));
        }
    }
}
