//! A model of scheduler and kubelet: pods run through stages that are data.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Step, Write};
use crate::clock::{after, api_time};
use crate::json::{at, is_terminating, list, name, set, text, uid};
use crate::store::Key;

/// How pods come and go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kubelet {
    /// The node to which every pod is bound, at once.
    pub node: String,
    /// What pods go through that no rule names.
    pub stages: Vec<Stage>,
    /// Exceptions; the first that matches a pod holds.
    pub rules: Vec<PodRule>,
    /// From a pod's deletion until it is gone; never more than its grace period.
    pub termination: Duration,
    /// How long a crashed container waits for its first restart; doubled with each crash, up to five minutes.
    pub back_off: Duration,
}

/// What some pods go through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodRule {
    /// A part of a container's image; empty matches every image.
    pub image: String,
    /// A part of the tag of a container's image; empty matches every tag, and images without one.
    pub tag: String,
    /// A part of the pod's name; empty matches every pod.
    pub pod: String,
    /// The stages, in order.
    pub stages: Vec<Stage>,
}

/// A state that a pod enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// How long after the stage before it; of the first stage, after the pod was bound or its container restarted.
    pub after: Duration,
    /// What the pod is then.
    pub state: PodState,
}

/// What a pod is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PodState {
    /// Running, and ready.
    Ready,
    /// Running, and not ready.
    Unready,
    /// Waiting with `CrashLoopBackOff`; after the back-off the container restarts and the stages begin anew.
    Crashed,
    /// Waiting with `ImagePullBackOff`.
    ImagePullBackOff,
}

const LONGEST_BACK_OFF: Duration = Duration::from_secs(300);

impl Default for Kubelet {
    /// Pods are ready 0.8 s after they are created, and gone 0.1 s after they are deleted.
    fn default() -> Self {
        Self {
            node: "n0".to_owned(),
            stages: vec![Stage { after: Duration::from_millis(800), state: PodState::Ready }],
            rules: Vec::new(),
            termination: Duration::from_millis(100),
            back_off: Duration::from_secs(10),
        }
    }
}

impl Kubelet {
    /// Puts a rule for images that contain `image` before all others, in place of an earlier one for the same `image`.
    pub fn set_image(&mut self, image: &str, stages: Vec<Stage>) {
        self.rules.retain(|rule| rule.image != image || !rule.pod.is_empty() || !rule.tag.is_empty());
        self.rules.insert(0, PodRule { image: image.to_owned(), stages, ..PodRule::default() });
    }

    fn stages_of(&self, pod: &Value) -> &[Stage] {
        let matches = |rule: &&PodRule| {
            let containers = list(pod, &["spec", "containers"]);
            let mut images = containers.iter().map(|container| text(container, &["image"]));
            name(pod).contains(&rule.pod)
                && images.any(|image| image.contains(&rule.image) && tag(image).contains(&rule.tag))
        };
        self.rules.iter().find(matches).map_or(&self.stages, |rule| &rule.stages)
    }
}

/// The tag of an image, or nothing; a `:` before the last `/` is a port.
fn tag(image: &str) -> &str {
    let name = image.split_once('@').map_or(image, |(name, _)| name);
    let name = name.rsplit('/').next().unwrap_or(name);
    name.split_once(':').map_or("", |(_, tag)| tag)
}

/// What the kubelet remembers of a pod: more precise times than the API has.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PodRun {
    stages: Vec<Stage>,
    next: usize,
    /// When the last stage was entered.
    entered: Timestamp,
    state: Option<PodState>,
    started: Timestamp,
    crashes: u32,
    restarts: u32,
    restart_at: Option<Timestamp>,
    terminating_since: Option<Timestamp>,
    ip: String,
}

impl PodRun {
    /// A pod that the kubelet sees for the first time.
    pub(crate) fn new(kubelet: &Kubelet, pod: &Value, ip: impl FnOnce() -> String, now: Timestamp) -> Self {
        let known = text(pod, &["status", "podIP"]);
        Self {
            stages: kubelet.stages_of(pod).to_vec(),
            next: 0,
            entered: now,
            state: None,
            started: now,
            crashes: 0,
            restarts: 0,
            restart_at: None,
            terminating_since: None,
            ip: if known.is_empty() { ip() } else { known.to_owned() },
        }
    }

    /// Enters what is due, and tells when the next stage is.
    fn advance(&mut self, kubelet: &Kubelet, pod: &Value, now: Timestamp) -> Option<Timestamp> {
        if self.stages != kubelet.stages_of(pod) {
            self.stages = kubelet.stages_of(pod).to_vec();
            (self.next, self.entered, self.restart_at) = (0, now, None);
        }
        loop {
            if let Some(at) = self.restart_at {
                if at > now {
                    return Some(at);
                }
                self.restart(at);
            }
            let stage = *self.stages.get(self.next)?;
            let due = after(self.entered, stage.after);
            if due > now {
                return Some(due);
            }
            self.enter(stage.state, due, kubelet);
        }
    }

    fn enter(&mut self, state: PodState, at: Timestamp, kubelet: &Kubelet) {
        if self.state.is_none() {
            self.started = at;
        }
        self.state = Some(state);
        self.entered = at;
        self.next += 1;
        if state == PodState::Crashed {
            let wait = kubelet.back_off.saturating_mul(1 << self.crashes.min(16)).min(LONGEST_BACK_OFF);
            self.restart_at = Some(after(at, wait.max(Duration::from_millis(1))));
            self.crashes += 1;
        }
    }

    fn restart(&mut self, at: Timestamp) {
        self.restart_at = None;
        self.restarts += 1;
        (self.next, self.entered, self.started) = (0, at, at);
        self.state = Some(PodState::Unready);
    }
}

/// Binds, runs and ends a pod.
pub(crate) fn step(pod: &Value, run: &mut PodRun, kubelet: &Kubelet, now: Timestamp) -> Step {
    if is_terminating(pod) {
        return terminate(pod, run, kubelet, now);
    }
    if text(pod, &["spec", "nodeName"]).is_empty() {
        let bind = Write::Bind { key: Key::of(pod), node: kubelet.node.clone() };
        return Step { writes: vec![bind], wake_at: None };
    }
    let wake_at = run.advance(kubelet, pod, now);
    Step { writes: status_write(pod, run, now).into_iter().collect(), wake_at }
}

fn status_write(pod: &Value, run: &PodRun, now: Timestamp) -> Option<Write> {
    let status = status(pod, run, run.state?, now);
    (at(pod, &["status"]) != &status).then(|| Write::Status { resource: "pods", key: Key::of(pod), status })
}

/// A deleted pod stops being ready at once, and is gone when its time is over.
fn terminate(pod: &Value, run: &mut PodRun, kubelet: &Kubelet, now: Timestamp) -> Step {
    let grace = at(pod, &["metadata", "deletionGracePeriodSeconds"]).as_u64().unwrap_or(0);
    let since = *run.terminating_since.get_or_insert(now);
    let gone_at = after(since, kubelet.termination.min(Duration::from_secs(grace)));
    if gone_at <= now {
        // What finalizers still hold is asked for once: their removal ends the pod.
        let options = json!({"gracePeriodSeconds": 0, "preconditions": {"uid": uid(pod)}});
        let delete = Write::Delete { resource: "pods".to_owned(), key: Key::of(pod), options };
        return Step { writes: Some(delete).filter(|_| grace > 0).into_iter().collect(), wake_at: None };
    }
    if run.state == Some(PodState::Ready) {
        run.state = Some(PodState::Unready);
    }
    Step { writes: status_write(pod, run, now).into_iter().collect(), wake_at: Some(gone_at) }
}

fn status(pod: &Value, run: &PodRun, state: PodState, now: Timestamp) -> Value {
    let mut status = at(pod, &["status"]).clone();
    let is_ready = state == PodState::Ready;
    let phase = if state == PodState::ImagePullBackOff { "Pending" } else { "Running" };
    let known = list(pod, &["status", "conditions"]);
    let condition = |ty: &str, holds: bool| {
        let value = if holds { "True" } else { "False" };
        let same =
            known.iter().find(|known| text(known, &["type"]) == ty && text(known, &["status"]) == value);
        same.cloned().unwrap_or_else(|| {
            json!({"type": ty, "status": value, "lastProbeTime": null, "lastTransitionTime": api_time(now)})
        })
    };
    let conditions = [
        condition("Initialized", true),
        condition("ContainersReady", is_ready),
        condition("Ready", is_ready),
        condition("PodScheduled", true),
    ];
    let containers: Vec<Value> = list(pod, &["spec", "containers"])
        .iter()
        .enumerate()
        .map(|(index, container)| container_status(pod, container, index, run, state))
        .collect();
    for (key, value) in [
        ("phase", json!(phase)),
        ("conditions", json!(conditions)),
        ("containerStatuses", json!(containers)),
        ("hostIP", json!(super::node::ADDRESS)),
        ("podIP", json!(run.ip)),
        ("podIPs", json!([{"ip": run.ip}])),
    ] {
        set(&mut status, &[key], value);
    }
    if text(&status, &["startTime"]).is_empty() {
        set(&mut status, &["startTime"], api_time(run.started).into());
    }
    status
}

fn container_status(pod: &Value, container: &Value, index: usize, run: &PodRun, state: PodState) -> Value {
    let before = list(pod, &["status", "containerStatuses"]).get(index);
    let container_name = text(container, &["name"]);
    let current = match state {
        PodState::Ready | PodState::Unready => json!({"running": {"startedAt": api_time(run.started)}}),
        PodState::Crashed => {
            let message = format!(
                "back-off restarting failed container={container_name} pod={}_{}({})",
                name(pod),
                crate::json::namespace(pod),
                uid(pod)
            );
            json!({"waiting": {"reason": "CrashLoopBackOff", "message": message}})
        }
        PodState::ImagePullBackOff => {
            json!({"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}})
        }
    };
    let last = match (state, before) {
        (PodState::Crashed, _) => json!({"terminated": {
            "exitCode": 1, "reason": "Error", "startedAt": api_time(run.started), "finishedAt": api_time(run.entered),
        }}),
        (_, Some(before)) => at(before, &["lastState"]).clone(),
        (_, None) => json!({}),
    };
    json!({
        "name": container_name, "image": text(container, &["image"]), "imageID": "",
        "ready": state == PodState::Ready, "restartCount": run.restarts, "state": current, "lastState": last,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(seconds: f64) -> Timestamp {
        after(Timestamp::UNIX_EPOCH, Duration::from_secs_f64(seconds))
    }

    fn stage(after: f64, state: PodState) -> Stage {
        Stage { after: Duration::from_secs_f64(after), state }
    }

    /// Runs a pod of `image` and tells its states: when, reason or readiness, restarts.
    fn course(kubelet: &Kubelet, image: &str, until: f64) -> Vec<(f64, String, i64)> {
        let mut pod = json!({"metadata": {"name": "p"}, "spec": {"nodeName": "n0", "containers": [
            {"name": "c", "image": image}]}, "status": {"phase": "Pending"}});
        let mut run = PodRun::new(kubelet, &pod, || "10.88.0.3".to_owned(), time(0.0));
        let mut seen = Vec::new();
        let mut now = time(0.0);
        while now <= time(until) {
            let step = step(&pod, &mut run, kubelet, now);
            for write in step.writes {
                let Write::Status { status, .. } = write else { panic!("only statuses expected") };
                let container = &status["containerStatuses"][0];
                let what = match text(container, &["state", "waiting", "reason"]) {
                    "" => container["ready"].to_string(),
                    reason => reason.to_owned(),
                };
                seen.push((
                    now.as_millisecond() as f64 / 1000.0,
                    what,
                    container["restartCount"].as_i64().unwrap(),
                ));
                pod["status"] = status;
            }
            let Some(next) = step.wake_at else { break };
            now = next;
        }
        seen
    }

    fn check(actual: &[(f64, String, i64)], expected: &[(f64, &str, i64)]) {
        let actual: Vec<_> =
            actual.iter().map(|(at, what, restarts)| (*at, what.as_str(), *restarts)).collect();
        assert_eq!(actual, expected);
    }

    #[test]
    fn pods_run_through_their_stages() {
        let mut kubelet = Kubelet::default();
        check(&course(&kubelet, "demo:1", 100.0), &[(0.8, "true", 0)]);
        kubelet.set_image("never", vec![stage(0.8, PodState::Unready)]);
        check(&course(&kubelet, "never:1", 100.0), &[(0.8, "false", 0)]);
        kubelet.set_image("bad", vec![stage(0.5, PodState::ImagePullBackOff)]);
        check(&course(&kubelet, "bad:1", 100.0), &[(0.5, "ImagePullBackOff", 0)]);
        kubelet.set_image("flaky", vec![stage(1.0, PodState::Ready), stage(5.0, PodState::Unready)]);
        check(&course(&kubelet, "flaky:1", 100.0), &[(1.0, "true", 0), (6.0, "false", 0)]);
    }

    #[test]
    fn crashes_back_off_and_count_restarts() {
        let mut kubelet = Kubelet::default();
        kubelet.set_image("crash", vec![stage(1.0, PodState::Ready), stage(2.0, PodState::Crashed)]);
        check(
            &course(&kubelet, "crash:1", 20.0),
            &[
                (1.0, "true", 0),
                (3.0, "CrashLoopBackOff", 0),
                (13.0, "false", 1),
                (14.0, "true", 1),
                (16.0, "CrashLoopBackOff", 1),
            ],
        );
    }

    #[test]
    fn a_changed_rule_takes_hold_of_running_pods() {
        let mut kubelet = Kubelet::default();
        let pod = json!({"metadata": {"name": "p"}, "spec": {"nodeName": "n0", "containers": [{"image": "demo:1"}]}});
        let mut run = PodRun::new(&kubelet, &pod, String::new, time(0.0));
        assert_eq!(run.advance(&kubelet, &pod, time(5.0)), None);
        assert_eq!(run.state, Some(PodState::Ready));
        kubelet.set_image("demo", vec![stage(2.0, PodState::Unready)]);
        assert_eq!(run.advance(&kubelet, &pod, time(10.0)), Some(time(12.0)));
        assert_eq!(run.state, Some(PodState::Ready));
        run.advance(&kubelet, &pod, time(12.0));
        assert_eq!(run.state, Some(PodState::Unready));
    }
}
