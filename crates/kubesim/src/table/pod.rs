//! Pods and pod templates.

use jiff::Timestamp;
use serde_json::Value;

use super::cells::{Cells, condition, labels, or};
use crate::clock::parse_time;
use crate::json::{at, is_terminating, list, text};

/// What the containers of a pod sum up to.
#[derive(Default)]
struct Summary {
    reason: String,
    ready: usize,
    restarts: i64,
    last_restart: Option<Timestamp>,
}

impl Summary {
    fn count_restarts(&mut self, status: &Value) {
        self.restarts += at(status, &["restartCount"]).as_i64().unwrap_or(0);
        self.last_restart =
            self.last_restart.max(parse_time(text(status, &["lastState", "terminated", "finishedAt"])));
    }
}

pub(super) fn pod(cells: &Cells<'_>) -> Vec<Value> {
    let pod = cells.object;
    let summary = summary(pod);
    let containers = list(pod, &["spec", "containers"]).len()
        + list(pod, &["spec", "initContainers"]).iter().filter(|container| stays(container)).count();
    let mut restarts = summary.restarts.to_string();
    if let Some(time) = summary.last_restart.filter(|_| summary.restarts > 0) {
        restarts += &format!(" ({} ago)", cells.since_time(&time.to_string()));
    }
    vec![
        cells.name(),
        format!("{}/{containers}", summary.ready).into(),
        summary.reason.into(),
        restarts.into(),
        cells.age(),
        cells.text_or_none(&["status", "podIP"]),
        cells.text_or_none(&["spec", "nodeName"]),
        cells.text_or_none(&["status", "nominatedNodeName"]),
        readiness_gates(pod).into(),
    ]
}

pub(super) fn template(cells: &Cells<'_>) -> Vec<Value> {
    let [names, images] = cells.containers(&["template", "spec"]);
    vec![cells.name(), names, images, labels(at(cells.object, &["template", "metadata", "labels"]))]
}

/// Whether an init container runs beside the others.
fn stays(container: &Value) -> bool {
    text(container, &["restartPolicy"]) == "Always"
}

fn summary(pod: &Value) -> Summary {
    let phase = text(pod, &["status", "phase"]);
    let reason = or(text(pod, &["status", "reason"]), phase).to_owned();
    let mut summary = Summary { reason, ..Summary::default() };
    let is_initialized = initialize(pod, &mut summary);
    if is_initialized || condition(pod, "Initialized") == "True" {
        run(pod, &mut summary);
    }
    if is_terminating(pod) && text(pod, &["status", "reason"]) == "NodeLost" {
        summary.reason = "Unknown".to_owned();
    } else if is_terminating(pod) && !matches!(phase, "Succeeded" | "Failed") {
        summary.reason = "Terminating".to_owned();
    }
    summary
}

/// Takes in the init containers; tells whether they are all done.
fn initialize(pod: &Value, summary: &mut Summary) -> bool {
    let specs = list(pod, &["spec", "initContainers"]);
    for (index, status) in list(pod, &["status", "initContainerStatuses"]).iter().enumerate() {
        summary.count_restarts(status);
        let state = at(status, &["state"]);
        let is_sidecar =
            specs.iter().any(|spec| text(spec, &["name"]) == text(status, &["name"]) && stays(spec));
        if at(state, &["terminated", "exitCode"]).as_i64() == Some(0) {
            continue;
        }
        if is_sidecar && at(status, &["started"]) == &Value::Bool(true) {
            summary.ready += usize::from(at(status, &["ready"]) == &Value::Bool(true));
            continue;
        }
        let waiting = text(state, &["waiting", "reason"]);
        summary.reason = match ended(state) {
            Some(reason) => format!("Init:{reason}"),
            None if !matches!(waiting, "" | "PodInitializing") => format!("Init:{waiting}"),
            None => format!("Init:{index}/{}", specs.len()),
        };
        return false;
    }
    true
}

/// Takes in the containers proper.
fn run(pod: &Value, summary: &mut Summary) {
    (summary.restarts, summary.last_restart) = (0, None);
    let mut is_running = false;
    let mut failure = String::new();
    for status in list(pod, &["status", "containerStatuses"]).iter().rev() {
        summary.count_restarts(status);
        let state = at(status, &["state"]);
        let waiting = text(state, &["waiting", "reason"]);
        if !waiting.is_empty() {
            summary.reason = waiting.to_owned();
        } else if let Some(reason) = ended(state) {
            summary.reason.clone_from(&reason);
            if at(state, &["terminated", "exitCode"]).as_i64() != Some(0) {
                failure = reason;
            }
        } else if at(status, &["ready"]) == &Value::Bool(true) && !at(state, &["running"]).is_null() {
            is_running = true;
            summary.ready += 1;
        }
    }
    if summary.reason == "Completed" {
        if is_running && condition(pod, "Ready") == "True" {
            summary.reason = "Running".to_owned();
        } else if !failure.is_empty() {
            summary.reason = failure;
        } else if is_running {
            summary.reason = "NotReady".to_owned();
        }
    }
}

/// Why a container has ended; nothing while it has not.
fn ended(state: &Value) -> Option<String> {
    let terminated = state.get("terminated")?;
    Some(match (text(terminated, &["reason"]), at(terminated, &["signal"]).as_i64().unwrap_or(0)) {
        ("", 0) => format!("ExitCode:{}", at(terminated, &["exitCode"]).as_i64().unwrap_or(0)),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    })
}

fn readiness_gates(pod: &Value) -> String {
    let gates = list(pod, &["spec", "readinessGates"]);
    if gates.is_empty() {
        return "<none>".to_owned();
    }
    let open = gates.iter().filter(|gate| condition(pod, text(gate, &["conditionType"])) == "True").count();
    format!("{open}/{}", gates.len())
}
