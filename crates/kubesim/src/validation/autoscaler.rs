//! HorizontalPodAutoscalers.

use serde_json::Value;

use crate::field::Cause;
use crate::json::{at, list, text};

/// Metrics by their type and the member that describes them.
const METRICS: [(&str, &str); 5] = [
    ("ContainerResource", "containerResource"),
    ("External", "external"),
    ("Object", "object"),
    ("Pods", "pods"),
    ("Resource", "resource"),
];

/// Adds what is wrong with an autoscaler. Of its behaviour only what OpenAPI says is checked.
pub(super) fn check(object: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    let spec = at(object, &["spec"]);
    let number = |key: &str| at(spec, &[key]).as_i64();
    let (least, most) = (number("minReplicas"), number("maxReplicas").unwrap_or(0));
    if let Some(least) = least.filter(|least| *least < 0) {
        let detail = "must be greater than or equal to 0";
        causes.push(Cause::invalid("spec.minReplicas", &least.into(), detail));
    }
    let metrics = list(spec, &["metrics"]);
    let from_outside = |metric: &Value| matches!(text(metric, &["type"]), "Object" | "External");
    if least == Some(0) && !metrics.iter().any(from_outside) {
        let detail =
            "must specify at least one Object or External metric to support scaling to zero replicas";
        causes.push(Cause::forbidden("spec.metrics", detail));
    }
    if most == 0 {
        causes.push(Cause::required("spec.maxReplicas", "must be set and greater than 0"));
    }
    let mut refuse = |detail: &str| causes.push(Cause::invalid("spec.maxReplicas", &most.into(), detail));
    if most < 0 {
        refuse("must be greater than or equal to 1");
    }
    if least.is_some_and(|least| most < least) {
        refuse("must be greater than or equal to `minReplicas`");
    }
    let target = at(spec, &["scaleTargetRef"]);
    check_reference(target, "spec.scaleTargetRef", causes);
    let is_as_before = old.is_some_and(|old| {
        let before = at(old, &["spec", "scaleTargetRef"]);
        ["apiVersion", "kind"].iter().all(|key| text(before, &[key]) == text(target, &[key]))
    });
    let is_core = !text(target, &["apiVersion"]).contains('/');
    if is_core && !is_as_before && text(target, &["kind"]) != "ReplicationController" {
        let field = "spec.scaleTargetRef.apiVersion";
        let shown = at(target, &["apiVersion"]);
        causes.push(Cause::invalid(field, shown, "apiVersion must specify API group"));
    }
    for (index, metric) in metrics.iter().enumerate() {
        check_metric(metric, &format!("spec.metrics[{index}]"), causes);
    }
}

fn check_reference(reference: &Value, path: &str, causes: &mut Vec<Cause>) {
    for key in ["kind", "name"] {
        check_segment(text(reference, &[key]), &format!("{path}.{key}"), causes);
    }
}

/// Adds a cause when `segment` could not stand in a path.
fn check_segment(segment: &str, path: &str, causes: &mut Vec<Cause>) {
    let mut refuse = |detail: &str| causes.push(Cause::invalid(path, &segment.into(), detail));
    if segment == "." || segment == ".." {
        refuse(&format!("may not be '{segment}'"));
    }
    for character in ["/", "%"].into_iter().filter(|character| segment.contains(character)) {
        refuse(&format!("may not contain '{character}'"));
    }
    if segment.is_empty() {
        causes.push(Cause::required(path, ""));
    }
}

fn check_metric(metric: &Value, path: &str, causes: &mut Vec<Cause>) {
    let ty = text(metric, &["type"]);
    let Some((_, own)) = METRICS.iter().find(|(known, _)| *known == ty) else {
        if ty.is_empty() {
            causes.push(Cause::required(&format!("{path}.type"), "must specify a metric source type"));
        }
        let supported = METRICS.map(|(known, _)| known.to_owned());
        causes.push(Cause::unsupported(&format!("{path}.type"), &ty.into(), &supported));
        return;
    };
    let source = at(metric, &[own]);
    if source.is_null() {
        let detail = "must populate information for the given metric source";
        causes.push(Cause::required(&format!("{path}.{own}"), detail));
    } else {
        check_source(source, own, &format!("{path}.{own}"), causes);
    }
    for (_, other) in METRICS.iter().filter(|(_, other)| other != own && metric.get(other).is_some()) {
        let detail = "must populate the given metric source only";
        causes.push(Cause::forbidden(&format!("{path}.{other}"), detail));
    }
}

fn check_source(source: &Value, kind: &str, path: &str, causes: &mut Vec<Cause>) {
    let target = at(source, &["target"]);
    let is_set = |key: &str| target.get(key).is_some();
    let mut required = |field: &str, detail: &str| {
        causes.push(Cause::required(&format!("{path}.{field}"), detail));
    };
    if kind == "resource" || kind == "containerResource" {
        if text(source, &["name"]).is_empty() {
            required("name", "must specify a resource name");
        }
        if kind == "containerResource" && text(source, &["container"]).is_empty() {
            required("container", "must specify a container");
        }
        if !is_set("averageUtilization") && !is_set("averageValue") {
            required(
                "target.averageUtilization",
                "must set either a target raw value or a target utilization",
            );
        }
    } else {
        if text(source, &["metric", "name"]).is_empty() {
            required("metric.name", "must specify a metric name");
        }
        if !is_set("averageValue") && (kind == "pods" || !is_set("value")) {
            required("target.averageValue", "must set either a target value or averageValue");
        }
    }
    let ty = text(target, &["type"]);
    if ty.is_empty() {
        required("target.type", "must specify a metric target type");
    }
    if !["Utilization", "Value", "AverageValue"].contains(&ty) {
        let detail = "must be either Utilization, Value, or AverageValue";
        causes.push(Cause::invalid(&format!("{path}.target.type"), &ty.into(), detail));
    }
    let utilization = at(target, &["averageUtilization"]);
    if utilization.as_i64().is_some_and(|percent| percent < 1) {
        let field = format!("{path}.target.averageUtilization");
        causes.push(Cause::invalid(&field, utilization, "must be greater than 0"));
    }
}
