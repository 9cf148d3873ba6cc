//! Validation of the built-in types, in Kubernetes' own words.
//!
//! What the controller and the plugin use has rules of its own here, and so have CustomResourceDefinitions. The others are checked as far
//! as OpenAPI goes: types, and members that are required.

mod autoscaler;
mod data;
pub(crate) mod metadata;
mod pod;
mod pod_change;
mod policy;
pub(crate) mod required;
mod service;
mod status;
mod workload;

use serde_json::Value;

use crate::field::Cause;
use crate::json::{at, list, text};

/// Adds what is wrong with a built-in object; `old` is the stored object on an update, `subresource` what is written of it.
pub(crate) fn check(
    object: &Value,
    old: Option<&Value>,
    [resource, subresource]: [&str; 2],
    causes: &mut Vec<Cause>,
) {
    if let (Some(old), "status") = (old, subresource) {
        return status::check(object, old, resource, causes);
    }
    match resource {
        "pods" => match old {
            Some(old) => pod_change::check([object, old].map(|pod| at(pod, &["spec"])), causes),
            None => pod::check_spec(at(object, &["spec"]), "spec", causes),
        },
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
        "configmaps" => data::check_config_map(object, old, causes),
        "secrets" => data::check_secret(object, old, causes),
        "events" => policy::check_event(object, causes),
        "leases.coordination.k8s.io" => policy::check_lease(object, causes),
        "poddisruptionbudgets.policy" => policy::check_budget(object, causes),
        "horizontalpodautoscalers.autoscaling" => autoscaler::check(object, old, causes),
        crate::resources::CRDS => definition(object, causes),
        _ => {}
    }
}

/// Resources that are checked by rules of their own, and not by what OpenAPI calls required.
const WITH_RULES: [&str; 13] = [
    "configmaps",
    "deployments.apps",
    "events",
    "horizontalpodautoscalers.autoscaling",
    "leases.coordination.k8s.io",
    "namespaces",
    "poddisruptionbudgets.policy",
    "pods",
    "podtemplates",
    "replicasets.apps",
    "secrets",
    "services",
    crate::resources::CRDS,
];

/// Whether a built-in type is only checked as far as OpenAPI goes.
pub(crate) fn is_plain(resource: &str) -> bool {
    !WITH_RULES.contains(&resource)
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
