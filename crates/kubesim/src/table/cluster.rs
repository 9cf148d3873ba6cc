//! Nodes, namespaces, events, and what pods read.

use std::collections::BTreeSet;

use serde_json::Value;

use super::cells::{Cells, condition, or, plain};
use crate::json::{at, is_terminating, list, text};

pub(super) fn node(cells: &Cells<'_>) -> Vec<Value> {
    let mut status = match condition(cells.object, "Ready") {
        "True" => "Ready",
        "" => "Unknown",
        _ => "NotReady",
    }
    .to_owned();
    if at(cells.object, &["spec", "unschedulable"]) == &Value::Bool(true) {
        status += ",SchedulingDisabled";
    }
    let info = |key: &str| cells.text(&["status", "nodeInfo", key]);
    let mut kernel = or(info("kernelVersion"), "<unknown>").to_owned();
    if !info("architecture").is_empty() {
        kernel += &format!(" ({})", info("architecture"));
    }
    vec![
        cells.name(),
        status.into(),
        roles(cells.object).into(),
        cells.age(),
        info("kubeletVersion").into(),
        address(cells.object, "InternalIP").into(),
        address(cells.object, "ExternalIP").into(),
        or(info("osImage"), "<unknown>").into(),
        kernel.into(),
        or(info("containerRuntimeVersion"), "<unknown>").into(),
    ]
}

fn roles(node: &Value) -> String {
    let labels = at(node, &["metadata", "labels"]).as_object().into_iter().flatten();
    let role = |(key, value): (&String, &Value)| match key.strip_prefix("node-role.kubernetes.io/") {
        Some(role) => role.to_owned(),
        None if key == "kubernetes.io/role" => plain(value),
        None => String::new(),
    };
    let roles: BTreeSet<String> = labels.map(role).filter(|role| !role.is_empty()).collect();
    or(&roles.into_iter().collect::<Vec<_>>().join(","), "<none>").to_owned()
}

fn address(node: &Value, ty: &str) -> String {
    let mut addresses = list(node, &["status", "addresses"]).iter();
    let found = addresses.find(|address| text(address, &["type"]) == ty);
    found.map_or("<none>", |address| text(address, &["address"])).to_owned()
}

pub(super) fn namespace(cells: &Cells<'_>) -> Vec<Value> {
    vec![cells.name(), cells.text(&["status", "phase"]).into(), cells.age()]
}

pub(super) fn event(cells: &Cells<'_>) -> Vec<Value> {
    let event = cells.object;
    let times = ["firstTimestamp", "eventTime"].map(|key| text(event, &[key]));
    let first = cells.since_time(or(times[0], times[1]));
    let last = or(text(event, &["series", "lastObservedTime"]), text(event, &["lastTimestamp"]));
    let last = if last.is_empty() { first.clone() } else { cells.since_time(last) };
    let count = [&["series", "count"][..], &["count"]].map(|path| cells.number(path));
    let count = count.into_iter().find(|count| *count > 0).unwrap_or(1);
    let (kind, name) = (text(event, &["involvedObject", "kind"]), text(event, &["involvedObject", "name"]));
    let object =
        if name.is_empty() { kind.to_lowercase() } else { format!("{}/{name}", kind.to_lowercase()) };
    let component = or(text(event, &["source", "component"]), text(event, &["reportingComponent"]));
    let host = or(text(event, &["source", "host"]), text(event, &["reportingInstance"]));
    let source = if host.is_empty() { component.to_owned() } else { format!("{component}, {host}") };
    vec![
        last.into(),
        text(event, &["type"]).into(),
        text(event, &["reason"]).into(),
        object.into(),
        text(event, &["involvedObject", "fieldPath"]).into(),
        source.into(),
        text(event, &["message"]).trim().into(),
        first.into(),
        count.into(),
        cells.name(),
    ]
}

fn size(map: &Value) -> usize {
    map.as_object().map_or(0, serde_json::Map::len)
}

pub(super) fn config_map(cells: &Cells<'_>) -> Vec<Value> {
    let count = ["data", "binaryData"].map(|key| size(at(cells.object, &[key])));
    vec![cells.name(), count.iter().sum::<usize>().into(), cells.age()]
}

pub(super) fn secret(cells: &Cells<'_>) -> Vec<Value> {
    vec![cells.name(), cells.text(&["type"]).into(), size(at(cells.object, &["data"])).into(), cells.age()]
}

pub(super) fn service_account(cells: &Cells<'_>) -> Vec<Value> {
    vec![cells.name(), cells.age()]
}

pub(super) fn lease(cells: &Cells<'_>) -> Vec<Value> {
    vec![cells.name(), cells.text(&["spec", "holderIdentity"]).into(), cells.age()]
}

pub(super) fn claim(cells: &Cells<'_>) -> Vec<Value> {
    let is_bound = !cells.text(&["spec", "volumeName"]).is_empty();
    let modes = list(cells.object, &["status", "accessModes"]);
    let known = [
        ("ReadWriteOnce", "RWO"),
        ("ReadOnlyMany", "ROX"),
        ("ReadWriteMany", "RWX"),
        ("ReadWriteOncePod", "RWOP"),
    ];
    let modes: Vec<&str> =
        known.iter().filter(|(mode, _)| modes.contains(&(*mode).into())).map(|(_, short)| *short).collect();
    let phase = if is_terminating(cells.object) { "Terminating" } else { cells.text(&["status", "phase"]) };
    vec![
        cells.name(),
        phase.into(),
        cells.text(&["spec", "volumeName"]).into(),
        if is_bound { cells.text(&["status", "capacity", "storage"]) } else { "" }.into(),
        if is_bound { modes.join(",") } else { String::new() }.into(),
        cells.text(&["spec", "storageClassName"]).into(),
        or(cells.text(&["spec", "volumeAttributesClassName"]), "<unset>").into(),
        cells.age(),
        or(cells.text(&["spec", "volumeMode"]), "<unset>").into(),
    ]
}

pub(super) fn quota(cells: &Cells<'_>) -> Vec<Value> {
    let (mut requests, mut limits) = (Vec::new(), Vec::new());
    for (resource, hard) in at(cells.object, &["status", "hard"]).as_object().into_iter().flatten() {
        let used = match at(cells.object, &["status", "used", resource]) {
            Value::Null => "0".to_owned(),
            used => plain(used),
        };
        let side = if resource.starts_with("limits.") { &mut limits } else { &mut requests };
        side.push(format!("{resource}: {used}/{}", plain(hard)));
    }
    vec![cells.name(), requests.join(", ").into(), limits.join(", ").into(), cells.age()]
}
