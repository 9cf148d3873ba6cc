//! Defaults that depend on other fields; the plain ones stand in `types.txt`.

use serde_json::{Value, json};

use crate::json::{at, fields, list, set, text};

/// Sets the dependent defaults of an object of this resource.
pub(crate) fn set_dependent(object: &mut Value, resource: &str) {
    match resource {
        "pods" => {
            if let Some(spec) = object.get_mut("spec") {
                pod_spec(spec);
            }
        }
        "replicasets.apps" => workload(object),
        "deployments.apps" => {
            workload(object);
            deployment_strategy(object);
        }
        "podtemplates" => template(object, &["template"]),
        "services" => service(object),
        crate::resources::CRDS => definition(object),
        _ => {}
    }
}

fn workload(object: &mut Value) {
    template(object, &["spec", "template"]);
}

fn template(object: &mut Value, path: &[&str]) {
    let mut template = at(object, path).clone();
    if let Some(spec) = template.get_mut("spec") {
        pod_spec(spec);
        set(object, path, template);
    }
}

fn pod_spec(spec: &mut Value) {
    for kind in ["containers", "initContainers"] {
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
    }
    // The deprecated name of the same field is kept in step.
    if let Some(account) = spec.get("serviceAccountName").cloned() {
        spec["serviceAccount"] = account;
    }
}

/// An image without a tag, or with `latest`, is pulled always.
fn pull_policy(image: &str) -> &'static str {
    let name = image.rsplit('/').next().unwrap_or(image);
    let is_pinned = name.contains('@') || name.split_once(':').is_some_and(|(_, tag)| tag != "latest");
    if is_pinned { "IfNotPresent" } else { "Always" }
}

fn deployment_strategy(object: &mut Value) {
    let strategy = at(object, &["spec", "strategy"]);
    if text(strategy, &["type"]) == "RollingUpdate" && strategy.get("rollingUpdate").is_none() {
        set(
            object,
            &["spec", "strategy", "rollingUpdate"],
            json!({"maxSurge": "25%", "maxUnavailable": "25%"}),
        );
    }
}

fn service(object: &mut Value) {
    let Some(spec) = object.get_mut("spec") else { return };
    for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        let target = at(port, &["targetPort"]);
        if target.is_null() || target == &json!(0) || target == &json!("") {
            port["targetPort"] = at(port, &["port"]).clone();
        }
    }
    let kind = text(spec, &["type"]).to_owned();
    if kind == "ExternalName" {
        return;
    }
    let mut default = |key: &str, value: Value| {
        fields(spec).entry(key.to_owned()).or_insert(value);
    };
    default("internalTrafficPolicy", "Cluster".into());
    default("ipFamilies", json!(["IPv4"]));
    default("ipFamilyPolicy", "SingleStack".into());
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer") {
        default("externalTrafficPolicy", "Cluster".into());
    }
}

/// Gives a Service its address, unless it has or wants none.
pub(crate) fn allocate_cluster_ip(object: &mut Value, allocate: impl FnOnce() -> String) {
    if text(object, &["spec", "type"]) == "ExternalName" {
        return;
    }
    if text(object, &["spec", "clusterIP"]).is_empty() {
        set(object, &["spec", "clusterIP"], allocate().into());
    }
    let ip = at(object, &["spec", "clusterIP"]).clone();
    set(object, &["spec", "clusterIPs"], json!([ip]));
}

/// What Kubernetes' admission adds to a new pod.
pub(crate) fn admit_pod(pod: &mut Value) {
    let qos = qos_class(at(pod, &["spec"]));
    set(pod, &["status", "qosClass"], qos.into());
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
        ("enableServiceLinks", json!(true)),
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
