//! PodDisruptionBudgets, Leases, Events.

use serde_json::Value;

use super::metadata::qualified_name;
use super::workload::{check_label_selector, check_percentage, not_negative};
use crate::field::Cause;
use crate::json::{at, namespace, text};

/// Adds what is wrong with a PodDisruptionBudget.
pub(super) fn check_budget(object: &Value, causes: &mut Vec<Cause>) {
    let spec = at(object, &["spec"]);
    let [least, most] = ["minAvailable", "maxUnavailable"].map(|key| at(spec, &[key]));
    if !least.is_null() && !most.is_null() {
        let detail = "minAvailable and maxUnavailable cannot be both set";
        causes.push(Cause::invalid("spec", spec, detail));
    }
    for (field, value) in [("spec.minAvailable", least), ("spec.maxUnavailable", most)] {
        check_percentage(value, field, true, causes);
    }
    check_label_selector(at(spec, &["selector"]), "spec.selector", causes);
    let policy = at(spec, &["unhealthyPodEvictionPolicy"]);
    let policies = ["AlwaysAllow", "IfHealthyBudget"];
    if !policy.is_null() && !policies.contains(&policy.as_str().unwrap_or("")) {
        let field = "spec.unhealthyPodEvictionPolicy";
        causes.push(Cause::unsupported(field, policy, &policies.map(str::to_owned)));
    }
}

/// Adds what is wrong with a Lease.
pub(super) fn check_lease(object: &Value, causes: &mut Vec<Cause>) {
    let spec = at(object, &["spec"]);
    let duration = at(spec, &["leaseDurationSeconds"]);
    if duration.as_i64().is_some_and(|seconds| seconds <= 0) {
        causes.push(Cause::invalid("spec.leaseDurationSeconds", duration, "must be greater than 0"));
    }
    not_negative(at(spec, &["leaseTransitions"]), "spec.leaseTransitions", causes);
    if !text(spec, &["preferredHolder"]).is_empty() && text(spec, &["strategy"]).is_empty() {
        let detail = "may only be specified if `strategy` is defined";
        causes.push(Cause::forbidden("spec.preferredHolder", detail));
    }
}

/// Adds what is wrong with an Event. Those with an `eventTime` are of the newer kind and must say more.
pub(super) fn check_event(object: &Value, causes: &mut Vec<Cause>) {
    let (own, about) = (namespace(object), text(object, &["involvedObject", "namespace"]));
    let is_new = !at(object, &["eventTime"]).is_null();
    let fits = match about {
        "" if is_new => matches!(own, "default" | "kube-system"),
        "" => matches!(own, "" | "default"),
        about => is_new || own == about,
    };
    if !fits {
        let field = "involvedObject.namespace";
        causes.push(Cause::invalid(field, &about.into(), "does not match event.namespace"));
    }
    if !is_new {
        return;
    }
    for key in ["reportingComponent", "reportingInstance", "action", "reason"] {
        if text(object, &[key]).is_empty() {
            causes.push(Cause::required(key, ""));
        }
    }
    let component = text(object, &["reportingComponent"]);
    for problem in qualified_name(component) {
        causes.push(Cause::invalid("reportingComponent", &component.into(), &problem));
    }
}
