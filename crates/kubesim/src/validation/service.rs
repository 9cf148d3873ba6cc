//! Services.

use std::collections::BTreeSet;

use serde_json::Value;

use super::pod::port_number;
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
    let ports = list(spec, &["ports"]);
    let is_headless = text(spec, &["clusterIP"]) == "None";
    if ports.is_empty() && kind != "ExternalName" && !is_headless {
        causes.push(Cause::required("spec.ports", ""));
    }
    if kind == "ExternalName" && text(spec, &["externalName"]).is_empty() {
        causes.push(Cause::required("spec.externalName", ""));
    }
    check_ports(ports, causes);
    let affinity = text(spec, &["sessionAffinity"]);
    if !["ClientIP", "None"].contains(&affinity) {
        let supported = ["ClientIP", "None"].map(str::to_owned);
        causes.push(Cause::unsupported("spec.sessionAffinity", &affinity.into(), &supported));
    }
    if let Some(old) = old {
        let (was, is) = (text(old, &["spec", "clusterIP"]), text(spec, &["clusterIP"]));
        if !was.is_empty() && was != is && kind != "ExternalName" {
            let field = "spec.clusterIPs[0]";
            causes.push(Cause::invalid(field, &at(spec, &["clusterIPs"]).clone(), "may not change once set"));
        }
    }
}

fn check_ports(ports: &[Value], causes: &mut Vec<Cause>) {
    let mut names = BTreeSet::new();
    let mut numbers = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        let path = format!("spec.ports[{index}]");
        let name = text(port, &["name"]);
        if name.is_empty() && ports.len() > 1 {
            causes.push(Cause::required(&format!("{path}.name"), ""));
        } else if !name.is_empty() && !names.insert(name) {
            causes.push(Cause::duplicate(&format!("{path}.name"), &name.into()));
        }
        let number = at(port, &["port"]);
        if number.as_i64().unwrap_or(0) == 0 {
            let detail = "must be between 1 and 65535, inclusive";
            causes.push(Cause::invalid(&format!("{path}.port"), &0.into(), detail));
        } else {
            port_number(number, &format!("{path}.port"), causes);
        }
        port_number(at(port, &["targetPort"]), &format!("{path}.targetPort"), causes);
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
