//! Services, endpoints, and ways in.

use std::collections::BTreeSet;

use serde_json::Value;

use super::cells::{Cells, first_of, labels, or, plain};
use crate::json::{at, list, text};

pub(super) fn service(cells: &Cells<'_>) -> Vec<Value> {
    let spec = at(cells.object, &["spec"]);
    let ports: Vec<String> = list(spec, &["ports"]).iter().map(port).collect();
    let address = list(spec, &["clusterIPs"]).first().and_then(Value::as_str).unwrap_or("<none>");
    vec![
        cells.name(),
        text(spec, &["type"]).into(),
        address.into(),
        external_address(cells).into(),
        or(&ports.join(","), "<none>").into(),
        cells.age(),
        labels(at(spec, &["selector"])),
    ]
}

fn port(port: &Value) -> String {
    let (number, protocol) = (at(port, &["port"]), text(port, &["protocol"]));
    match at(port, &["nodePort"]).as_i64() {
        Some(node) if node > 0 => format!("{number}:{node}/{protocol}"),
        _ => format!("{number}/{protocol}"),
    }
}

fn external_address(cells: &Cells<'_>) -> String {
    let mut given: Vec<String> = list(cells.object, &["spec", "externalIPs"]).iter().map(plain).collect();
    match cells.text(&["spec", "type"]) {
        "ClusterIP" | "NodePort" => or(&given.join(","), "<none>").to_owned(),
        "LoadBalancer" => {
            let mut all: Vec<String> = balancer_addresses(cells.object).into_iter().collect();
            all.append(&mut given);
            or(&all.join(","), "<pending>").to_owned()
        }
        "ExternalName" => cells.text(&["spec", "externalName"]).to_owned(),
        _ => "<unknown>".to_owned(),
    }
}

/// The addresses of load balancers, in order.
fn balancer_addresses(object: &Value) -> BTreeSet<String> {
    let ways = list(object, &["status", "loadBalancer", "ingress"]).iter();
    let address = |way: &Value| or(text(way, &["ip"]), text(way, &["hostname"])).to_owned();
    ways.map(address).filter(|address| !address.is_empty()).collect()
}

pub(super) fn ingress(cells: &Cells<'_>) -> Vec<Value> {
    let rules = list(cells.object, &["spec", "rules"]);
    let hosts: Vec<String> = rules
        .iter()
        .take(3)
        .map(|rule| text(rule, &["host"]).to_owned())
        .filter(|host| !host.is_empty())
        .collect();
    let hosts = match (hosts.is_empty(), rules.len()) {
        (true, _) => "*".to_owned(),
        (false, 4..) => format!("{} + {} more...", hosts.join(","), rules.len() - 3),
        (false, _) => hosts.join(","),
    };
    let addresses: Vec<String> = balancer_addresses(cells.object).into_iter().collect();
    let is_secure = !list(cells.object, &["spec", "tls"]).is_empty();
    vec![
        cells.name(),
        cells.text_or_none(&["spec", "ingressClassName"]),
        hosts.into(),
        addresses.join(",").into(),
        if is_secure { "80, 443" } else { "80" }.into(),
        cells.age(),
    ]
}

pub(super) fn endpoints(cells: &Cells<'_>) -> Vec<Value> {
    let mut all = Vec::new();
    for subset in list(cells.object, &["subsets"]) {
        let addresses = list(subset, &["addresses"]).iter().map(|address| text(address, &["ip"]));
        let ports = list(subset, &["ports"]);
        if ports.is_empty() {
            all.extend(addresses.clone().map(str::to_owned));
        }
        for port in ports {
            let number = at(port, &["port"]);
            all.extend(addresses.clone().map(|address| format!("{address}:{number}")));
        }
    }
    vec![cells.name(), first_of(all, 3, "<none>").into(), cells.age()]
}

pub(super) fn endpoint_slice(cells: &Cells<'_>) -> Vec<Value> {
    let port = |port: &Value| match (at(port, &["port"]), port.get("name")) {
        (Value::Null, None) => "*".to_owned(),
        (Value::Null, Some(name)) => plain(name),
        (number, _) => number.to_string(),
    };
    let ports = list(cells.object, &["ports"]).iter().map(port).collect();
    let endpoints = list(cells.object, &["endpoints"]).iter();
    let addresses = endpoints.flat_map(|endpoint| list(endpoint, &["addresses"])).map(plain).collect();
    vec![
        cells.name(),
        cells.text(&["addressType"]).into(),
        first_of(ports, 3, "<unset>").into(),
        first_of(addresses, 3, "<unset>").into(),
        cells.age(),
    ]
}
