//! Moments of the captured runs of upstream (`fixtures/`), and what of them must agree with ours: sets of objects, texts and
//! events, without times, random names and what depends on them. For tests on the embedded cluster and on a real one.

#![allow(dead_code, reason = "each test binary uses its part")]

pub(crate) mod contract;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};

/// What can be compared of one moment.
pub(crate) struct Moment {
    /// ReplicaSets by name: metadata, spec, status.
    pub(crate) replica_sets: Vec<Value>,
    /// Selectors of Services by name.
    pub(crate) selectors: Vec<Value>,
    /// The Rollout: annotations, spec, and the status with times as `T` and conditions as a set.
    pub(crate) rollout: Value,
    /// The text of `get rollout` without ages, pod suffixes and the widths that follow from them.
    pub(crate) tree: String,
    /// Events as `TYPE REASON MESSAGE`, in order.
    pub(crate) events: Vec<String>,
}

/// Rows of `docs/differences.md` that concern events.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Row {
    /// D2: a user's resume is an event of ours only.
    ResumeIsAnEvent,
    /// D3: the abort is told before the sizes that follow from it.
    AbortComesFirst,
    /// D13: sizes on the way of a full promotion depend on the moment at which pods become ready.
    SizesOnTheWay,
    /// D14: upstream's recorder drops what exceeds 25 events about an object: these, as `REASON MESSAGE`.
    UpstreamDrops(&'static [&'static str]),
    /// D14: upstream's recorder sends events of one second in any order.
    UpstreamReorders,
    /// D197: a first version is complete when its pods are available and its Services select it: it is told of as not complete before
    /// that, and the switch comes before the completion. Of later versions the decision is told before the switch that follows.
    SwitchComesFirst,
    /// What nginx's router tells of its Ingress: the stand-in has none.
    RouterTells,
    /// D213: a change of weights that changes no number is not told.
    NothingToTell,
    /// D205: a Service is not pointed back and forth.
    NoFlapping,
    /// D212: condition Healthy agrees with the phase: an old version in its delay does not count.
    HealthyAgrees,
    /// D226: the first ReplicaSet of a workload is told of like any other, and its revision has no history.
    FirstOfWorkload,
}

/// Folder of a captured moment.
pub(crate) fn folder(scenario: &str, moment: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/upstream").join(scenario).join(moment)
}

/// The objects of a captured moment, as stored.
pub(crate) fn objects(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("objects.yaml")).unwrap();
    let documents = serde_yaml_ng::Deserializer::from_str(&text);
    documents.map(|document| Value::deserialize(document).unwrap()).collect()
}

/// A captured object as a user would apply it: no status, no metadata but the name.
pub(crate) fn as_applied(object: &Value) -> Value {
    let mut object = object.clone();
    object["metadata"] = json!({"name": object["metadata"]["name"]});
    object.as_object_mut().unwrap().remove("status");
    if let Some(selector) = object["spec"]["selector"].as_object_mut() {
        selector.remove("rollouts-pod-template-hash");
    }
    object
}

impl Moment {
    /// A captured one.
    pub(crate) fn read(folder: &Path) -> Self {
        let events = fs::read_to_string(folder.join("events.txt")).unwrap();
        let tree = fs::read_to_string(folder.join("get-rollout.txt")).unwrap();
        Self::of(&objects(folder), &tree, events.lines().map(str::to_owned).collect())
    }

    /// One of objects in the order of a list, the text of `get rollout`, and events in order.
    pub(crate) fn of(objects: &[Value], tree: &str, events: Vec<String>) -> Self {
        let of_kind = |kind: &'static str| objects.iter().filter(move |object| object["kind"] == kind);
        Self {
            replica_sets: of_kind("ReplicaSet")
                .filter(|object| object["metadata"]["ownerReferences"][0]["kind"] == "Rollout")
                .map(replica_set)
                .collect(),
            selectors: of_kind("Service").map(|service| service["spec"]["selector"].clone()).collect(),
            rollout: of_kind("Rollout").next().map(comparable).unwrap_or_default(),
            tree: without_ages(tree),
            events,
        }
    }

    /// Fails where this moment, ours, differs from a captured one in more than these rows; `at` names it.
    #[track_caller]
    pub(crate) fn assert_is(mut self, mut captured: Self, rows: &[Row], at: &str) {
        if rows.iter().any(|row| matches!(row, Row::FirstOfWorkload)) {
            let first =
                captured.replica_sets.iter_mut().find(|it| it["annotations"][HISTORY] == "1").unwrap();
            first["annotations"].as_object_mut().unwrap().remove(HISTORY);
        }
        assert_eq!(pretty(&self.replica_sets), pretty(&captured.replica_sets), "{at}: ReplicaSets");
        assert_eq!(pretty(&self.selectors), pretty(&captured.selectors), "{at}: Services");
        if rows.iter().any(|row| matches!(row, Row::HealthyAgrees)) {
            captured.rollout["status"]["conditions"] = agreeing(&captured.rollout["status"]["conditions"]);
        }
        assert_eq!(pretty(&self.rollout), pretty(&captured.rollout), "{at}: Rollout");
        assert_eq!(self.tree, captured.tree, "{at}: get rollout");
        created_at_once(&self.events, &mut captured.events);
        for row in rows {
            row.apply(&mut self.events, &mut captured.events);
        }
        assert_eq!(self.events.join("\n"), captured.events.join("\n"), "{at}: events");
    }
}

const HISTORY: &str = "rollout.argoproj.io/revision-history";

/// What upstream's recorder dropped while the guide was captured.
const DROPPED_IN_GUIDE: [&str; 7] = [
    "ScalingReplicaSet Scaled down ReplicaSet rollouts-demo-6866bf49c9 (revision 1) from 2 to 1",
    "ScalingReplicaSet Scaled up ReplicaSet rollouts-demo-85bc7c55bc (revision 2) from 3 to 4",
    "RolloutStepCompleted Rollout step 7/8 completed (setWeight: 80)",
    "RolloutStepCompleted Rollout step 8/8 completed (pause: 10)",
    "ScalingReplicaSet Scaled down ReplicaSet rollouts-demo-6866bf49c9 (revision 1) from 1 to 0",
    "ScalingReplicaSet Scaled up ReplicaSet rollouts-demo-85bc7c55bc (revision 2) from 4 to 5",
    "RolloutCompleted Rollout completed update to revision 2 (85bc7c55bc): Completed all 8 canary steps",
];

impl Row {
    /// What upstream dropped while the guide was captured, up to a moment: the first so many.
    pub(crate) fn upstream_drops_in_guide(count: usize) -> Self {
        Self::UpstreamDrops(&DROPPED_IN_GUIDE[..count])
    }

    fn apply(self, ours: &mut Vec<String>, theirs: &mut Vec<String>) {
        match self {
            Self::ResumeIsAnEvent => {
                for events in [ours, theirs] {
                    events.retain(|event| event != "Normal RolloutResumed Rollout is resumed");
                }
            }
            Self::AbortComesFirst => {
                let at = theirs.iter().position(|event| event.contains("RolloutAborted")).unwrap();
                let follows =
                    |event: &String| event.contains("Scaled up") || event.contains("TrafficWeightUpdated");
                assert!(follows(&theirs[at - 1]), "the row is no longer needed");
                theirs.swap(at - 1, at);
            }
            Self::SizesOnTheWay => {
                for events in [ours, theirs] {
                    let sizes = |event: &String| {
                        event.contains("ScalingReplicaSet") && !event.ends_with("from 0 to 5")
                    };
                    events.retain(|event| !sizes(event));
                }
            }
            Self::UpstreamDrops(dropped) => {
                let missing: Vec<String> =
                    ours.iter().filter(|event| !theirs.contains(event)).cloned().collect();
                let missing: Vec<&str> =
                    missing.iter().map(|event| event.split_once(' ').unwrap().1).collect();
                assert_eq!(missing, dropped, "the events that upstream dropped");
                ours.retain(|event| theirs.contains(event));
            }
            Self::SwitchComesFirst => switch_first(ours, theirs),
            Self::HealthyAgrees => {}
            Self::RouterTells => {
                theirs.retain(|event| !event.contains("CanaryIngress "));
            }
            Self::NothingToTell => {
                theirs.retain(|event| event != "Normal TrafficWeightUpdated Traffic weight updated ");
            }
            Self::NoFlapping => without_flapping(ours, theirs),
            Self::FirstOfWorkload => first_of_workload(ours, theirs),
            Self::UpstreamReorders => {
                for events in [ours, theirs] {
                    let set: BTreeSet<String> = events.drain(..).collect();
                    events.extend(set);
                }
            }
        }
    }
}

/// D197.
fn switch_first(ours: &mut Vec<String>, theirs: &mut [String]) {
    ours.retain(|event| !event.contains(" RolloutNotCompleted ") || theirs.contains(event));
    let is_switch = |event: &String| event.contains(" SwitchService ");
    let at = theirs.iter().position(|event| event.ends_with(": Initial deploy")).unwrap();
    let last = theirs.iter().rposition(|event| is_switch(event) && event.contains(" from '' "));
    theirs[at..=last.unwrap()].rotate_left(1);
    let begun = |event: &String| event.contains(" RolloutNotCompleted ");
    if let Some(at) = theirs.iter().position(begun) {
        assert!(is_switch(&theirs[at - 1]), "the row is no longer needed");
        theirs.swap(at - 1, at);
    }
}

/// D205: each later switch of theirs is one of ours; what the Services select is compared apart from that.
fn without_flapping(ours: &mut Vec<String>, theirs: &mut Vec<String>) {
    let take = |events: &mut Vec<String>| -> Vec<String> {
        let is_later = |event: &mut String| event.contains(" SwitchService ") && !event.contains(" from '' ");
        events.extract_if(.., is_later).collect()
    };
    let (once, mut flapping) = (take(ours), take(theirs));
    flapping.retain(|event| !once.contains(event));
    assert!(flapping.is_empty(), "ours lacks {flapping:?}");
}

/// D226.
fn first_of_workload(ours: &mut Vec<String>, theirs: &mut [String]) {
    ours.retain(|event| !event.contains(" NewReplicaSetCreated ") || theirs.contains(event));
    let place = |what: &str| theirs.iter().position(|event| event.contains(what)).unwrap();
    let (updated, sized) = (place("RolloutUpdated"), place("(revision 1) from 0 to"));
    theirs[updated..=sized].rotate_right(1);
}

/// The conditions of a Rollout whose phase is Healthy, as they are once its old version is gone.
fn agreeing(conditions: &Value) -> Value {
    let agree = |condition: &Value| {
        let text = condition.as_str().unwrap();
        let healthy = text.replace(
            "\"Healthy\" \"False\" \"RolloutHealthy\" \"Rollout is not healthy\"",
            "\"Healthy\" \"True\" \"RolloutHealthy\" \"Rollout is healthy\"",
        );
        healthy
            .replace("ReplicaSetUpdated", "NewReplicaSetAvailable")
            .replace("is progressing", "has successfully progressed")
    };
    conditions.as_array().unwrap().iter().map(agree).collect()
}

/// D196: a ReplicaSet is made with its first pods, and told of at once; upstream renames the Rollout's revision first, and sizes
/// the ReplicaSet last.
fn created_at_once(ours: &[String], theirs: &mut [String]) {
    for (at, created) in ours.iter().enumerate().filter(|(_, event)| event.contains(" NewReplicaSetCreated "))
    {
        let Some(place) = theirs.iter().position(|event| event == created) else { continue };
        theirs[place - 1..=place].rotate_left(1);
        let Some(sized) = ours.get(at + 1).filter(|event| event.contains(" from 0 to ")) else { continue };
        if let Some(late) = theirs.iter().position(|event| event == sized) {
            theirs[place..=late].rotate_right(1);
        }
    }
}

fn pretty(value: &(impl serde::Serialize + ?Sized)) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

/// What must agree of a ReplicaSet.
fn replica_set(object: &Value) -> Value {
    let metadata = &object["metadata"];
    let mut annotations = metadata["annotations"].clone();
    if !annotations["scale-down-deadline"].is_null() {
        annotations["scale-down-deadline"] = json!("T");
    }
    json!({
        "name": metadata["name"], "labels": metadata["labels"], "annotations": annotations,
        "replicas": object["spec"]["replicas"], "selector": object["spec"]["selector"],
        "template": object["spec"]["template"],
        "status": status_without_generation(&object["status"]),
    })
}

fn status_without_generation(status: &Value) -> Value {
    let mut status = status.clone();
    status.as_object_mut().unwrap().remove("observedGeneration");
    status
}

/// What must agree of a Rollout: spec, annotations, and the status with times as `T` and conditions as a set.
pub(crate) fn comparable(object: &Value) -> Value {
    let mut status = object["status"].clone();
    let mut conditions: Vec<String> = status["conditions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| format!("{} {} {} {}", c["type"], c["status"], c["reason"], c["message"]))
        .collect();
    conditions.sort();
    status["conditions"] = json!(conditions);
    for pause in status["pauseConditions"].as_array_mut().into_iter().flatten() {
        pause["startTime"] = json!("T");
    }
    for (key, value) in status["duration"].as_object_mut().into_iter().flatten() {
        if key.ends_with("At") || key.ends_with("Seconds") {
            *value = json!("T");
        }
    }
    for time in ["abortedAt", "restartedAt"] {
        if !status[time].is_null() {
            status[time] = json!("T");
        }
    }
    let mut spec = object["spec"].clone();
    if !spec["restartAt"].is_null() {
        spec["restartAt"] = json!("T");
    }
    json!({"annotations": object["metadata"]["annotations"], "spec": spec, "status": status})
}

/// The text of `get rollout` without ages, pod suffixes and the widths that follow from them.
fn without_ages(text: &str) -> String {
    let word = |word: &str, is_pod: bool| {
        let is_time =
            |word: &str| word.ends_with(['s', 'm', 'h']) && word.starts_with(|c: char| c.is_ascii_digit());
        let is_age = is_time(word);
        match word.rsplit_once('-') {
            Some((pod, suffix)) if is_pod && suffix.len() == 5 => format!("{pod}-*"),
            // A delay that has passed says so, others say how long they take still.
            _ if word.contains("delay:") && is_time(word.rsplit(':').next().unwrap_or_default()) => {
                format!("{}AGE", &word[..=word.rfind(':').unwrap_or_default()])
            }
            _ if is_age => "AGE".to_owned(),
            _ => word.to_owned(),
        }
    };
    let lines = text.lines().map(|line| {
        let is_pod = line.contains("□");
        line.split_whitespace().map(|part| word(part, is_pod)).collect::<Vec<_>>().join(" ")
    });
    lines.collect::<Vec<_>>().join("\n")
}
