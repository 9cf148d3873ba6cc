//! Services.

use serde_json::{Value, json};

use crate::json::{self, at, fields, text};

/// Sets what a Service leaves out.
pub(super) fn set(object: &mut Value) {
    let Some(spec) = object.get_mut("spec") else { return };
    for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        let target = at(port, &["targetPort"]);
        if target.is_null() || target == &json!(0) || target == &json!("") {
            port["targetPort"] = at(port, &["port"]).clone();
        }
    }
    if text(spec, &["sessionAffinity"]) == "ClientIP" {
        let path = ["sessionAffinityConfig", "clientIP", "timeoutSeconds"];
        if at(spec, &path).is_null() {
            json::set(spec, &path, json!(10800));
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
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer") {
        default("externalTrafficPolicy", "Cluster".into());
    }
    if kind == "LoadBalancer" {
        default("allocateLoadBalancerNodePorts", true.into());
    }
}

/// Takes from a Service that becomes a name for something external what was allocated for it, unless that is changed, too.
pub(crate) fn drop_what_has_no_address(object: &mut Value, old: &Value) {
    let is_external = |service: &Value| text(service, &["spec", "type"]) == "ExternalName";
    if !is_external(object) || is_external(old) {
        return;
    }
    for keys in [&["clusterIP", "clusterIPs"][..], &["ipFamilies"], &["ipFamilyPolicy"]] {
        if keys.iter().all(|key| at(object, &["spec", key]) == at(old, &["spec", key])) {
            for key in keys {
                json::set(object, &["spec", key], Value::Null);
            }
        }
    }
}

/// Leaves a Service the address it has, when an update says nothing of it.
pub(crate) fn keep_cluster_ip(object: &mut Value, old: &Value) {
    let is_external = |service: &Value| text(service, &["spec", "type"]) == "ExternalName";
    if is_external(object) || is_external(old) {
        return;
    }
    let ip = at(object, &["spec", "clusterIP"]).clone();
    if ip.as_str().is_some_and(|ip| !ip.is_empty()) {
        // Whoever changes one means the other.
        let [is, was] = [&*object, old].map(|service| at(service, &["spec", "clusterIPs"]));
        if is == was && &ip != at(old, &["spec", "clusterIP"]) {
            json::set(object, &["spec", "clusterIPs"], json!([ip]));
        }
        return keep_families(object, old);
    }
    for key in ["clusterIP", "clusterIPs"] {
        json::set(object, &["spec", key], at(old, &["spec", key]).clone());
    }
    keep_families(object, old);
}

fn keep_families(object: &mut Value, old: &Value) {
    for key in ["ipFamilies", "ipFamilyPolicy"] {
        if at(object, &["spec", key]).is_null() {
            json::set(object, &["spec", key], at(old, &["spec", key]).clone());
        }
    }
}

/// Gives a Service its address, unless it has or wants none.
pub(crate) fn allocate_cluster_ip(object: &mut Value, allocate: impl FnOnce() -> String) {
    if text(object, &["spec", "type"]) == "ExternalName" {
        return;
    }
    if text(object, &["spec", "clusterIP"]).is_empty() {
        json::set(object, &["spec", "clusterIP"], allocate().into());
    }
    let ip = at(object, &["spec", "clusterIP"]).clone();
    json::set(object, &["spec", "clusterIPs"], json!([ip]));
    for (key, value) in [("ipFamilies", json!(["IPv4"])), ("ipFamilyPolicy", "SingleStack".into())] {
        if at(object, &["spec", key]).is_null() {
            json::set(object, &["spec", key], value);
        }
    }
}
