//! Pods and pod templates.

use serde_json::{Value, json};

use crate::json::{at, fields, list, set, text};

/// Sets what the pod template at `path` leaves out.
pub(super) fn template(object: &mut Value, path: &[&str]) {
    let mut template = at(object, path).clone();
    if let Some(pod_spec) = template.get_mut("spec") {
        spec(pod_spec);
        set(object, path, template);
    }
}

/// Sets what a pod spec leaves out.
pub(super) fn spec(spec: &mut Value) {
    for kind in ["containers", "initContainers", "ephemeralContainers"] {
        for container in spec.get_mut(kind).and_then(Value::as_array_mut).into_iter().flatten() {
            if container.get("imagePullPolicy").is_none() {
                set(container, &["imagePullPolicy"], pull_policy(text(container, &["image"])).into());
            }
        }
    }
    for volume in spec.get_mut("volumes").and_then(Value::as_array_mut).into_iter().flatten() {
        if volume.as_object().is_some_and(|volume| volume.keys().all(|key| key == "name")) {
            volume["emptyDir"] = json!({});
        }
        if volume.get("image").is_some() && text(volume, &["image", "pullPolicy"]).is_empty() {
            let policy = pull_policy(text(volume, &["image", "reference"]));
            set(volume, &["image", "pullPolicy"], policy.into());
        }
    }
    // The deprecated name of the same field is kept in step.
    let accounts = ["serviceAccountName", "serviceAccount"].map(|key| text(spec, &[key]).to_owned());
    if let Some(account) = accounts.into_iter().find(|account| !account.is_empty()) {
        spec["serviceAccountName"] = account.clone().into();
        spec["serviceAccount"] = account.into();
    }
}

/// An image without a tag, or with `latest`, is pulled always.
fn pull_policy(image: &str) -> &'static str {
    let name = image.rsplit('/').next().unwrap_or(image);
    if image.is_empty() {
        return "IfNotPresent";
    }
    let is_pinned = name.contains('@') || name.split_once(':').is_some_and(|(_, tag)| tag != "latest");
    if is_pinned { "IfNotPresent" } else { "Always" }
}

/// What Kubernetes' admission adds to a new pod.
pub(crate) fn admit(pod: &mut Value) {
    let qos = qos_class(at(pod, &["spec"]));
    pod["status"] = json!({"phase": "Pending", "qosClass": qos});
    admit_spec(pod);
}

/// Keeps the single address of a pod in step with the list of its addresses.
pub(super) fn addresses(pod: &mut Value) {
    let Some(status) = pod.get_mut("status").filter(|status| status.is_object()) else { return };
    let single = text(status, &["podIP"]).to_owned();
    let first = text(list(status, &["podIPs"]).first().unwrap_or(&Value::Null), &["ip"]).to_owned();
    if single.is_empty() && !first.is_empty() {
        status["podIP"] = first.into();
    } else if single != first {
        status["podIPs"] = json!([{"ip": single}]);
    }
}

/// What it adds to a pod that an update leaves without it; the class of service stays.
pub(crate) fn admit_changed(pod: &mut Value, old: &Value) {
    set(pod, &["status", "qosClass"], at(old, &["status", "qosClass"]).clone());
    admit_spec(pod);
}

fn admit_spec(pod: &mut Value) {
    let Some(spec) = pod.get_mut("spec") else { return };
    for container in spec.get_mut("containers").and_then(Value::as_array_mut).into_iter().flatten() {
        for (resource, limit) in
            at(container, &["resources", "limits"]).as_object().cloned().into_iter().flatten()
        {
            if at(container, &["resources", "requests", &resource]).is_null() {
                set(container, &["resources", "requests", &resource], limit);
            }
        }
    }
    let toleration = |key: &str| json!({"effect": "NoExecute", "key": key, "operator": "Exists", "tolerationSeconds": 300});
    let spec = fields(spec);
    for (key, value) in [
        ("preemptionPolicy", json!("PreemptLowerPriority")),
        ("priority", json!(0)),
        ("tolerations", json!([])),
    ] {
        spec.entry(key.to_owned()).or_insert(value);
    }
    let tolerations = spec.get_mut("tolerations").and_then(Value::as_array_mut);
    if let Some(tolerations) = tolerations {
        for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
            if !tolerations.iter().any(|toleration| text(toleration, &["key"]) == key) {
                tolerations.push(toleration(key));
            }
        }
    }
}

fn qos_class(spec: &Value) -> &'static str {
    let containers = list(spec, &["containers"]);
    let resources =
        |container: &Value, kind: &str, name: &str| !at(container, &["resources", kind, name]).is_null();
    let any = containers.iter().any(|container| {
        ["limits", "requests"]
            .iter()
            .any(|kind| ["cpu", "memory"].iter().any(|name| resources(container, kind, name)))
    });
    let is_guaranteed = containers.iter().all(|container| {
        ["cpu", "memory"].iter().all(|name| {
            let limit = at(container, &["resources", "limits", name]);
            let request = at(container, &["resources", "requests", name]);
            !limit.is_null() && (request.is_null() || request == limit)
        })
    });
    match (any, is_guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_pulled_by_their_tag() {
        for (image, expected) in [
            ("demo", "Always"),
            ("demo:latest", "Always"),
            ("demo:blue", "IfNotPresent"),
            ("registry:5000/demo", "Always"),
            ("registry:5000/demo:1", "IfNotPresent"),
            ("demo@sha256:00", "IfNotPresent"),
        ] {
            assert_eq!(pull_policy(image), expected, "{image}");
        }
    }

    #[test]
    fn quality_of_service_follows_requests_and_limits() {
        let spec = |resources: Value| json!({"containers": [{"resources": resources}]});
        let both = json!({"cpu": "1", "memory": "1Mi"});
        assert_eq!(qos_class(&spec(json!({}))), "BestEffort");
        assert_eq!(qos_class(&spec(json!({"requests": {"cpu": "5m"}}))), "Burstable");
        assert_eq!(qos_class(&spec(json!({"limits": both}))), "Guaranteed");
        assert_eq!(qos_class(&spec(json!({"limits": both, "requests": {"cpu": "2"}}))), "Burstable");
    }
}
