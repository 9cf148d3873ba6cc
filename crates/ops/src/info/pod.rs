use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::field;

/// A pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PodInfo {
    /// Name.
    pub name: String,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// The word that `kubectl get pods` shows.
    pub status: String,
    /// Containers that are ready, without sidecars.
    pub ready: i64,
    /// Containers, without sidecars.
    pub containers: i64,
    /// Restarts of its containers, or, while it initialises, of its init containers.
    pub restarts: i64,
}

impl PodInfo {
    pub(crate) fn of(pod: &Value) -> Self {
        let state = initialising(pod).unwrap_or_else(|| running(pod));
        Self {
            name: field::text(pod, "/metadata/name").to_owned(),
            created: field::created(pod),
            status: deletion(pod).map_or(state.status, ToOwned::to_owned),
            ready: state.ready,
            containers: count(field::list(pod, "/spec/containers")),
            restarts: state.restarts,
        }
    }
}

struct State {
    status: String,
    ready: i64,
    restarts: i64,
}

fn count(list: &[Value]) -> i64 {
    i64::try_from(list.len()).unwrap_or(i64::MAX)
}

fn deletion(pod: &Value) -> Option<&'static str> {
    let deleted = pod.pointer("/metadata/deletionTimestamp").is_some_and(|time| !time.is_null());
    let lost = field::text(pod, "/status/reason") == "NodeLost";
    deleted.then_some(if lost { "Unknown" } else { "Terminating" })
}

/// The phase, or the reason that the kubelet gives for it.
fn phase(pod: &Value) -> &str {
    match field::text(pod, "/status/reason") {
        "" => field::text(pod, "/status/phase"),
        reason => reason,
    }
}

/// `None` once no init container is left to wait for.
fn initialising(pod: &Value) -> Option<State> {
    let mut restarts = 0;
    for (index, container) in field::list(pod, "/status/initContainerStatuses").iter().enumerate() {
        restarts += field::number(container, "/restartCount");
        let terminated = state(container, "terminated");
        if terminated.is_some_and(|end| field::number(end, "/exitCode") == 0) {
            continue;
        }
        let up = container["started"] == Value::Bool(true) && container["ready"] == Value::Bool(true);
        if up && is_sidecar(pod, field::text(container, "/name")) {
            continue;
        }
        let waiting = state(container, "waiting").map_or("", |waiting| field::text(waiting, "/reason"));
        let reason = match terminated {
            Some(end) => end_reason(end),
            None if !waiting.is_empty() && waiting != "PodInitializing" => waiting.to_owned(),
            None => format!("{index}/{}", field::list(pod, "/spec/initContainers").len()),
        };
        return Some(State { status: format!("Init:{reason}"), ready: 0, restarts });
    }
    None
}

fn running(pod: &Value) -> State {
    let mut status = phase(pod).to_owned();
    let (mut ready, mut restarts, mut any_running) = (0, 0, false);
    // Backwards, so that the first container has the last word.
    for container in field::list(pod, "/status/containerStatuses").iter().rev() {
        restarts += field::number(container, "/restartCount");
        let waiting = state(container, "waiting").map_or("", |waiting| field::text(waiting, "/reason"));
        if !waiting.is_empty() {
            status = waiting.to_owned();
        } else if let Some(end) = state(container, "terminated") {
            status = end_reason(end);
        } else if container["ready"] == Value::Bool(true) && state(container, "running").is_some() {
            any_running = true;
            ready += 1;
        }
    }
    if status == "Completed" && any_running {
        "Running".clone_into(&mut status);
    }
    State { status, ready, restarts }
}

fn state<'a>(container: &'a Value, name: &str) -> Option<&'a Value> {
    container.get("state")?.get(name).filter(|state| !state.is_null())
}

fn end_reason(terminated: &Value) -> String {
    let signal = field::number(terminated, "/signal");
    match field::text(terminated, "/reason") {
        "" if signal != 0 => format!("Signal:{signal}"),
        "" => format!("ExitCode:{}", field::number(terminated, "/exitCode")),
        reason => reason.to_owned(),
    }
}

fn is_sidecar(pod: &Value, name: &str) -> bool {
    field::list(pod, "/spec/initContainers").iter().any(|container| {
        field::text(container, "/name") == name && field::text(container, "/restartPolicy") == "Always"
    })
}

#[cfg(test)]
mod tests;
