//! Validation of the built-in types, in Kubernetes' own words.

pub(crate) mod metadata;
mod pod;
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
        "services" => service::check(object, old, causes),
        crate::resources::CRDS => definition(object, causes),
        _ => {}
    }
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
