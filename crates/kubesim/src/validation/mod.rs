//! Validation of the built-in types, in Kubernetes' own words.
//!
//! Pods, workloads, Services and CustomResourceDefinitions have rules of their own here. The others are checked as far as OpenAPI goes:
//! types, and members that are required.

pub(crate) mod metadata;
mod pod;
pub(crate) mod required;
mod service;
mod workload;

use serde_json::Value;

use crate::field::Cause;
use crate::json::{at, list, text};

/// Adds what is wrong with a built-in object; `old` is the stored object on an update.
pub(crate) fn check(object: &Value, old: Option<&Value>, resource: &str, causes: &mut Vec<Cause>) {
    match resource {
        "pods" if old.is_none() => pod::check_spec(at(object, &["spec"]), "spec", causes),
        "podtemplates" => pod::check_template(at(object, &["template"]), "template", causes),
        "replicasets.apps" | "deployments.apps" => workload::check(object, old, causes),
        "daemonsets.apps" | "statefulsets.apps" | "replicationcontrollers" | "jobs.batch" => {
            pod::check_template(at(object, &["spec", "template"]), "spec.template", causes);
        }
        "cronjobs.batch" => {
            let template = ["spec", "jobTemplate", "spec", "template"];
            pod::check_template(at(object, &template), &template.join("."), causes);
        }
        "services" => service::check(object, old, causes),
        crate::resources::CRDS => definition(object, causes),
        _ => {}
    }
}

/// Whether a built-in type is only checked as far as OpenAPI goes.
pub(crate) fn is_plain(resource: &str) -> bool {
    let has_rules = ["pods", "podtemplates", "replicasets.apps", "deployments.apps", "services"];
    // Kubernetes takes events and leases with less than their schemas ask for.
    let is_lenient = ["events", "leases.coordination.k8s.io", "namespaces", "configmaps", "secrets"];
    !has_rules.contains(&resource) && !is_lenient.contains(&resource) && resource != crate::resources::CRDS
}

fn definition(object: &Value, causes: &mut Vec<Cause>) {
    let (group, plural) = (text(object, &["spec", "group"]), text(object, &["spec", "names", "plural"]));
    let expected = format!("{plural}.{group}");
    if crate::json::name(object) != expected {
        let detail = "must be spec.names.plural+\".\"+spec.group";
        causes.push(Cause::invalid("metadata.name", &crate::json::name(object).into(), detail));
    }
    for (path, value) in [
        ("spec.group", group),
        ("spec.scope", text(object, &["spec", "scope"])),
        ("spec.names.plural", plural),
        ("spec.names.kind", text(object, &["spec", "names", "kind"])),
    ] {
        if value.is_empty() {
            causes.push(Cause::required(path, ""));
        }
    }
    let versions = list(object, &["spec", "versions"]);
    if versions.iter().filter(|version| version.get("storage") == Some(&Value::Bool(true))).count() != 1 {
        let detail = "must have exactly one version marked as storage version";
        causes.push(Cause::invalid("spec.versions", &Value::Array(versions.to_vec()), detail));
    }
    for (index, version) in versions.iter().enumerate() {
        if at(version, &["schema", "openAPIV3Schema"]).is_null() {
            let path = format!("spec.versions[{index}].schema.openAPIV3Schema");
            causes.push(Cause::required(&path, "schemas are required"));
        }
    }
}
