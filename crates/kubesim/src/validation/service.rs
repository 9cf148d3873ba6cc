//! Services.

use std::collections::BTreeSet;

use serde_json::Value;

use super::metadata::{check_labels, dns_label, dns_subdomain};
use super::pod::{check_port_name, port_number};
use crate::field::Cause;
use crate::json::{at, list, text};

/// Adds what is wrong with a Service.
pub(super) fn check(object: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    let spec = at(object, &["spec"]);
    let kind = text(spec, &["type"]);
    let kinds = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    if !kinds.contains(&kind) {
        causes.push(Cause::unsupported("spec.type", &kind.into(), &kinds.map(str::to_owned)));
    }
    if list(spec, &["ports"]).is_empty() && kind != "ExternalName" && !is_headless(spec) {
        causes.push(Cause::required("spec.ports", ""));
    }
    check_addresses(spec, causes);
    check_ports(spec, causes);
    check_labels(at(spec, &["selector"]), "spec.selector", causes);
    check_affinity(spec, causes);
    if let Some(old) = old {
        check_change([spec, at(old, &["spec"])], causes);
    }
}

fn is_headless(spec: &Value) -> bool {
    text(spec, &["clusterIP"]) == "None"
}

fn check_affinity(spec: &Value, causes: &mut Vec<Cause>) {
    let affinity = text(spec, &["sessionAffinity"]);
    let has_settings = !at(spec, &["sessionAffinityConfig"]).is_null();
    match affinity {
        "None" if has_settings => {
            let detail = "must not be set when session affinity is None";
            causes.push(Cause::forbidden("spec.sessionAffinityConfig", detail));
        }
        "ClientIP" | "None" => {}
        _ => {
            let supported = ["ClientIP", "None"].map(str::to_owned);
            causes.push(Cause::unsupported("spec.sessionAffinity", &affinity.into(), &supported));
        }
    }
}

/// What belongs to one type of Services and not to another.
fn check_addresses(spec: &Value, causes: &mut Vec<Cause>) {
    let kind = text(spec, &["type"]);
    if matches!(kind, "LoadBalancer" | "NodePort") && is_headless(spec) {
        let detail = format!("may not be set to 'None' for {kind} services");
        causes.push(Cause::invalid("spec.clusterIPs[0]", &"None".into(), &detail));
    }
    if kind == "ExternalName" {
        for key in ["clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            let value = at(spec, &[key]);
            if !value.is_null() && value.as_array().is_none_or(|items| !items.is_empty()) {
                let detail = "may not be set for ExternalName services";
                causes.push(Cause::forbidden(&format!("spec.{key}"), detail));
            }
        }
        let name = text(spec, &["externalName"]).trim_end_matches('.');
        if name.is_empty() {
            causes.push(Cause::required("spec.externalName", ""));
        } else {
            for problem in dns_subdomain(name) {
                causes.push(Cause::invalid("spec.externalName", &name.into(), &problem));
            }
        }
    }
    let has_policy = !at(spec, &["externalTrafficPolicy"]).is_null();
    if has_policy && !matches!(kind, "LoadBalancer" | "NodePort") && list(spec, &["externalIPs"]).is_empty() {
        let detail = "may only be set for externally-accessible services";
        causes.push(Cause::invalid(
            "spec.externalTrafficPolicy",
            at(spec, &["externalTrafficPolicy"]),
            detail,
        ));
    }
}

/// Addresses stay, but for what is or becomes a name for something external.
fn check_change([new, old]: [&Value; 2], causes: &mut Vec<Cause>) {
    let is_external = |spec: &Value| text(spec, &["type"]) == "ExternalName";
    if is_external(new) || is_external(old) || (is_headless(new) && is_headless(old)) {
        return;
    }
    let [is, was] = [new, old].map(|spec| list(spec, &["clusterIPs"]));
    let detail = match (was.first(), is.first()) {
        (Some(_), None) => "primary clusterIP can not be unset",
        (Some(was), Some(is)) if was != is => "may not change once set",
        _ => return,
    };
    causes.push(Cause::invalid("spec.clusterIPs[0]", at(new, &["clusterIPs"]), detail));
}

fn check_ports(spec: &Value, causes: &mut Vec<Cause>) {
    let ports = list(spec, &["ports"]);
    let mut names = BTreeSet::new();
    let mut numbers = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        let path = format!("spec.ports[{index}]");
        let name = text(port, &["name"]);
        if name.is_empty() && ports.len() > 1 {
            causes.push(Cause::required(&format!("{path}.name"), ""));
        } else if !name.is_empty() {
            for problem in dns_label(name) {
                causes.push(Cause::invalid(&format!("{path}.name"), &name.into(), &problem));
            }
            if !names.insert(name) {
                causes.push(Cause::duplicate(&format!("{path}.name"), &name.into()));
            }
        }
        let number = at(port, &["port"]);
        if number.as_i64().unwrap_or(0) == 0 {
            let detail = "must be between 1 and 65535, inclusive";
            causes.push(Cause::invalid(&format!("{path}.port"), &0.into(), detail));
        } else {
            port_number(number, &format!("{path}.port"), causes);
        }
        let target = at(port, &["targetPort"]);
        port_number(target, &format!("{path}.targetPort"), causes);
        if let Some(name) = target.as_str() {
            check_port_name(name, &format!("{path}.targetPort"), causes);
        }
        if text(spec, &["type"]) == "ClusterIP" && at(port, &["nodePort"]).as_i64().unwrap_or(0) != 0 {
            let detail = "may not be used when `type` is 'ClusterIP'";
            causes.push(Cause::forbidden(&format!("{path}.nodePort"), detail));
        }
        let protocol = text(port, &["protocol"]);
        if !["SCTP", "TCP", "UDP"].contains(&protocol) {
            let supported = ["SCTP", "TCP", "UDP"].map(str::to_owned);
            causes.push(Cause::unsupported(&format!("{path}.protocol"), &protocol.into(), &supported));
        }
        let identity = (number.as_i64(), protocol);
        if !numbers.insert(identity) {
            let shown = serde_json::json!({"port": number, "protocol": protocol});
            causes.push(Cause::duplicate(&path, &shown));
        }
    }
}
