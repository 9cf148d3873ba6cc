//! Pod specs and templates.

use std::collections::BTreeSet;

use serde_json::Value;

use super::metadata::{check_labels, dns_label};
use super::workload::not_negative;
use crate::field::Cause;
use crate::json::{at, list, text};
use crate::quantity;

/// Adds what is wrong with a pod template.
pub(super) fn check_template(template: &Value, path: &str, causes: &mut Vec<Cause>) {
    check_labels(at(template, &["metadata", "labels"]), &format!("{path}.labels"), causes);
    check_spec(at(template, &["spec"]), &format!("{path}.spec"), causes);
}

/// Adds what is wrong with a pod spec.
pub(super) fn check_spec(spec: &Value, path: &str, causes: &mut Vec<Cause>) {
    let volumes = check_volumes(list(spec, &["volumes"]), &format!("{path}.volumes"), causes);
    let containers = list(spec, &["containers"]);
    if containers.is_empty() {
        causes.push(Cause::required(&format!("{path}.containers"), ""));
    }
    let mut names = BTreeSet::new();
    for (kind, containers) in
        [("containers", containers), ("initContainers", list(spec, &["initContainers"]))]
    {
        for (index, container) in containers.iter().enumerate() {
            let path = format!("{path}.{kind}[{index}]");
            check_container(container, &path, &volumes, causes);
            let name = text(container, &["name"]);
            if !name.is_empty() && !names.insert(name) {
                causes.push(Cause::duplicate(&format!("{path}.name"), &name.into()));
            }
        }
    }
    one_of(spec, "restartPolicy", path, &["Always", "OnFailure", "Never"], causes);
    one_of(spec, "dnsPolicy", path, &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"], causes);
    let grace = at(spec, &["terminationGracePeriodSeconds"]);
    not_negative(grace, &format!("{path}.terminationGracePeriodSeconds"), causes);
    let deadline = at(spec, &["activeDeadlineSeconds"]);
    if deadline.as_i64().is_some_and(|seconds| seconds < 1) {
        let detail = "must be between 1 and 2147483647, inclusive";
        causes.push(Cause::invalid(&format!("{path}.activeDeadlineSeconds"), deadline, detail));
    }
}

fn one_of(holder: &Value, field: &str, path: &str, supported: &[&str], causes: &mut Vec<Cause>) {
    let value = text(holder, &[field]);
    if value.is_empty() {
        causes.push(Cause::required(&format!("{path}.{field}"), ""));
    } else if !supported.contains(&value) {
        let mut supported: Vec<String> = supported.iter().map(|&value| value.to_owned()).collect();
        supported.sort();
        causes.push(Cause::unsupported(&format!("{path}.{field}"), &value.into(), &supported));
    }
}

fn check_volumes<'a>(volumes: &'a [Value], path: &str, causes: &mut Vec<Cause>) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    for (index, volume) in volumes.iter().enumerate() {
        let name = text(volume, &["name"]);
        let path = format!("{path}[{index}].name");
        check_name(name, &path, causes);
        if !name.is_empty() && !names.insert(name) {
            causes.push(Cause::duplicate(&path, &name.into()));
        }
    }
    names
}

fn check_name(name: &str, path: &str, causes: &mut Vec<Cause>) {
    if name.is_empty() {
        causes.push(Cause::required(path, ""));
        return;
    }
    for problem in dns_label(name) {
        causes.push(Cause::invalid(path, &name.into(), &problem));
    }
}

fn check_container(container: &Value, path: &str, volumes: &BTreeSet<&str>, causes: &mut Vec<Cause>) {
    check_name(text(container, &["name"]), &format!("{path}.name"), causes);
    let image = text(container, &["image"]);
    if image.is_empty() {
        causes.push(Cause::required(&format!("{path}.image"), ""));
    } else if image.trim() != image {
        let detail = "must not have leading or trailing whitespace";
        causes.push(Cause::invalid(&format!("{path}.image"), &image.into(), detail));
    }
    check_ports(list(container, &["ports"]), &format!("{path}.ports"), causes);
    for (index, variable) in list(container, &["env"]).iter().enumerate() {
        let path = format!("{path}.env[{index}]");
        if text(variable, &["name"]).is_empty() {
            causes.push(Cause::required(&format!("{path}.name"), ""));
        }
        if !text(variable, &["value"]).is_empty() && !at(variable, &["valueFrom"]).is_null() {
            let detail = "may not be specified when `value` is not empty";
            causes.push(Cause::invalid(&format!("{path}.valueFrom"), &"".into(), detail));
        }
    }
    for (index, mount) in list(container, &["volumeMounts"]).iter().enumerate() {
        check_mount(mount, &format!("{path}.volumeMounts[{index}]"), volumes, causes);
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        check_probe(at(container, &[probe]), &format!("{path}.{probe}"), probe, causes);
    }
    one_of(container, "imagePullPolicy", path, &["Always", "IfNotPresent", "Never"], causes);
    one_of(container, "terminationMessagePolicy", path, &["FallbackToLogsOnError", "File"], causes);
    check_resources(at(container, &["resources"]), &format!("{path}.resources"), causes);
}

fn check_mount(mount: &Value, path: &str, volumes: &BTreeSet<&str>, causes: &mut Vec<Cause>) {
    let name = text(mount, &["name"]);
    if name.is_empty() {
        causes.push(Cause::required(&format!("{path}.name"), ""));
    } else if !volumes.contains(name) {
        causes.push(Cause::not_found(&format!("{path}.name"), &name.into()));
    }
    if text(mount, &["mountPath"]).is_empty() {
        causes.push(Cause::required(&format!("{path}.mountPath"), ""));
    }
}

fn check_ports(ports: &[Value], path: &str, causes: &mut Vec<Cause>) {
    let mut names = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let name = text(port, &["name"]);
        if !name.is_empty() {
            check_port_name(name, &format!("{path}.name"), causes);
            if !names.insert(name) {
                causes.push(Cause::duplicate(&format!("{path}.name"), &name.into()));
            }
        }
        let number = at(port, &["containerPort"]);
        match number.as_i64() {
            None | Some(0) => causes.push(Cause::required(&format!("{path}.containerPort"), "")),
            Some(_) => port_number(number, &format!("{path}.containerPort"), causes),
        }
        one_of(port, "protocol", &path, &["SCTP", "TCP", "UDP"], causes);
    }
}

/// Adds a cause when `port` is out of range.
pub(super) fn port_number(port: &Value, path: &str, causes: &mut Vec<Cause>) {
    if port.as_i64().is_some_and(|number| !(1..=65535).contains(&number)) {
        causes.push(Cause::invalid(path, port, "must be between 1 and 65535, inclusive"));
    }
}

/// Adds what is wrong with the name of a port (an IANA service name).
pub(super) fn check_port_name(name: &str, path: &str, causes: &mut Vec<Cause>) {
    let mut refuse = |detail: &str| causes.push(Cause::invalid(path, &name.into(), detail));
    if name.len() > 15 {
        refuse("must be no more than 15 bytes");
    }
    if !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
        refuse("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
    }
    if !name.chars().any(|c| c.is_ascii_lowercase()) {
        refuse("must contain at least one letter (a-z)");
    }
    if name.contains("--") {
        refuse("must not contain consecutive hyphens");
    }
    if name.starts_with('-') || name.ends_with('-') {
        refuse("must not begin or end with a hyphen");
    }
}

fn check_probe(probe: &Value, path: &str, kind: &str, causes: &mut Vec<Cause>) {
    if probe.is_null() {
        return;
    }
    if ["exec", "httpGet", "tcpSocket", "grpc"].iter().all(|handler| at(probe, &[handler]).is_null()) {
        causes.push(Cause::required(path, "must specify a handler type"));
    }
    for field in
        ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"]
    {
        not_negative(at(probe, &[field]), &format!("{path}.{field}"), causes);
    }
    let threshold = at(probe, &["successThreshold"]);
    if kind != "readinessProbe" && threshold.as_i64().is_some_and(|threshold| threshold > 1) {
        causes.push(Cause::invalid(&format!("{path}.successThreshold"), threshold, "must be 1"));
    }
}

fn check_resources(resources: &Value, path: &str, causes: &mut Vec<Cause>) {
    let amount = |value: &Value| value.as_str().and_then(quantity::parse);
    for kind in ["limits", "requests"] {
        for (name, value) in at(resources, &[kind]).as_object().into_iter().flatten() {
            if amount(value).is_some_and(|amount| amount < 0) {
                let detail = "must be greater than or equal to 0";
                causes.push(Cause::invalid(&format!("{path}.{kind}.{name}"), value, detail));
            }
        }
    }
    for (name, request) in at(resources, &["requests"]).as_object().into_iter().flatten() {
        let limit = at(resources, &["limits", name]);
        if amount(limit).zip(amount(request)).is_some_and(|(limit, request)| request > limit) {
            let detail =
                format!("must be less than or equal to {name} limit of {}", limit.as_str().unwrap_or(""));
            causes.push(Cause::invalid(&format!("{path}.requests"), request, &detail));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(change: impl FnOnce(&mut Value), expected: &[&str]) {
        let mut spec = json!({"containers": [{"name": "a", "image": "i:1"}]});
        let ty = crate::types::named("io.k8s.api.core.v1.PodSpec").unwrap();
        crate::types::set_defaults(spec.as_object_mut().unwrap(), ty);
        spec["containers"][0]["imagePullPolicy"] = "Always".into();
        change(&mut spec);
        let mut causes = Vec::new();
        check_spec(&spec, "spec", &mut causes);
        assert_eq!(causes.iter().map(Cause::to_string).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn containers_are_checked_in_kubernetes_words() {
        check(|_| {}, &[]);
        check(|spec| spec["containers"] = json!([]), &["spec.containers: Required value"]);
        check(
            |spec| spec["containers"][0]["image"] = "".into(),
            &["spec.containers[0].image: Required value"],
        );
        check(
            |spec| {
                let copy = spec["containers"][0].clone();
                spec["containers"].as_array_mut().unwrap().push(copy);
            },
            &[r#"spec.containers[1].name: Duplicate value: "a""#],
        );
        check(
            |spec| spec["containers"][0]["imagePullPolicy"] = "Sometimes".into(),
            &[
                r#"spec.containers[0].imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never""#,
            ],
        );
        check(
            |spec| spec["terminationGracePeriodSeconds"] = json!(-1),
            &["spec.terminationGracePeriodSeconds: Invalid value: -1: must be greater than or equal to 0"],
        );
    }

    #[test]
    fn ports_mounts_and_resources_are_checked() {
        check(
            |spec| {
                spec["containers"][0]["ports"] = json!([
                    {"name": "http", "containerPort": 70000, "protocol": "TCP"},
                    {"name": "http", "containerPort": 1, "protocol": "TCP"},
                ]);
            },
            &[
                "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
                r#"spec.containers[0].ports[1].name: Duplicate value: "http""#,
            ],
        );
        check(
            |spec| spec["containers"][0]["volumeMounts"] = json!([{"name": "data", "mountPath": "/x"}]),
            &[r#"spec.containers[0].volumeMounts[0].name: Not found: "data""#],
        );
        check(
            |spec| {
                spec["containers"][0]["resources"] =
                    json!({"requests": {"cpu": "2"}, "limits": {"cpu": "500m"}});
            },
            &[
                r#"spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 500m"#,
            ],
        );
    }
}
