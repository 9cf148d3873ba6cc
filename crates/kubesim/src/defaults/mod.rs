//! Defaults that depend on other members; the plain ones come from OpenAPI and `data/defaults.txt`.

mod pod;
mod service;
mod workload;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::json::{at, fields, name, set, text};

pub(crate) use pod::{admit as admit_pod, admit_changed as admit_changed_pod};
pub(crate) use service::{allocate_cluster_ip, drop_what_has_no_address, keep_cluster_ip};
pub(crate) use workload::identify_job;

/// Sets the dependent defaults of an object of this resource.
pub(crate) fn set_dependent(object: &mut Value, resource: &str) {
    match resource {
        "pods" => {
            if let Some(spec) = object.get_mut("spec") {
                pod::spec(spec);
                if at(spec, &["terminationGracePeriodSeconds"]).as_i64().is_some_and(|seconds| seconds < 0) {
                    set(spec, &["terminationGracePeriodSeconds"], 1.into());
                }
                fields(spec).entry("enableServiceLinks").or_insert(true.into());
            }
            pod::addresses(object);
        }
        "podtemplates" => pod::template(object, &["template"]),
        "services" => service::set(object),
        "secrets" => secret(object),
        "nodes" => node(object),
        "namespaces" => {
            let name = name(object).to_owned();
            set(object, &["metadata", "labels", "kubernetes.io/metadata.name"], name.into());
        }
        crate::resources::CRDS => definition(object),
        _ => workload::set_dependent(object, resource),
    }
}

/// Texts given in the clear become data in base64.
fn secret(object: &mut Value) {
    let Some(Value::Object(clear)) = fields(object).remove("stringData") else { return };
    for (key, value) in clear {
        let encoded = STANDARD.encode(value.as_str().unwrap_or_default());
        set(object, &["data", &key], encoded.into());
    }
}

fn node(object: &mut Value) {
    if at(object, &["status", "allocatable"]).is_null() {
        let capacity = at(object, &["status", "capacity"]).clone();
        set(object, &["status", "allocatable"], capacity);
    }
}

fn definition(object: &mut Value) {
    let names = at(object, &["spec", "names"]);
    let kind = text(names, &["kind"]).to_owned();
    for (key, default) in [("singular", kind.to_lowercase()), ("listKind", format!("{kind}List"))] {
        if text(object, &["spec", "names", key]).is_empty() {
            set(object, &["spec", "names", key], default.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_given_in_the_clear_are_encoded() {
        let mut object = json!({"data": {"a": "eA==", "b": "eA=="}, "stringData": {"b": "hi"}});
        set_dependent(&mut object, "secrets");
        assert_eq!(object, json!({"data": {"a": "eA==", "b": "aGk="}}));
    }
}
