//! The pod template, as far as it can be judged without the API server, whose answer to the first ReplicaSet says the rest.

use std::collections::BTreeMap;

use serde_json::Value;
use tidegate_api::meta::LabelSelector;

use super::SpecError;

/// Detail of the finding that a Rollout has both a `workloadRef` and a template of its own.
pub(super) const NOT_EMPTY: &str = "template must be empty for workload reference rollout";

/// Kubernetes' checks of a ReplicaSet's template: that there is one, that the selector selects it, that it restarts.
pub(super) fn check(template: Option<&Value>, selector: Option<&LabelSelector>, errors: &mut Vec<SpecError>) {
    let template = template.unwrap_or(&Value::Null);
    let labels = labels(template);
    let is_selected =
        selector.is_some_and(|selector| selector.matches(labels.as_ref().unwrap_or(&BTreeMap::new())));
    if !is_selected {
        let detail = "`selector` does not match template `labels`";
        errors.push(SpecError::invalid("spec.template.metadata.labels", &labels, detail));
    }
    if template.is_null() {
        errors.push(SpecError::required("spec.template.spec.containers", ""));
    }
    match template["spec"]["restartPolicy"].as_str() {
        None | Some("" | "Always") => {}
        Some(other) => {
            errors.push(SpecError::unsupported("spec.template.spec.restartPolicy", other, &["Always"]));
        }
    }
}

/// The labels that the template gives its pods.
pub(super) fn labels(template: &Value) -> Option<BTreeMap<String, String>> {
    let labels = template["metadata"]["labels"].as_object()?;
    Some(labels.iter().map(|(key, value)| (key.clone(), value.as_str().unwrap_or("").to_owned())).collect())
}

/// Whether a template has labels or annotations, which is what counts as having a template at all.
pub(super) fn has_metadata(template: Option<&Value>) -> bool {
    let has = |member: &str| {
        template.is_some_and(|it| it["metadata"][member].as_object().is_some_and(|map| !map.is_empty()))
    };
    has("labels") || has("annotations")
}
