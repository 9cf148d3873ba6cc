//! The captured runs of upstream, played again by our controller: at each captured moment both agree, except where a row of
//! `docs/differences.md` says otherwise; those rows are applied to the captured data here, by their numbers.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tidegate_ops::operations::{ContainerImage, PromoteOptions};
use tidegate_sim::view::plain;
use tidegate_sim::{Options, Pace, World, run};

const NAME: &str = "rollouts-demo";
const MINUTE: Duration = Duration::from_secs(60);

/// A captured scenario that is being played again.
struct Play {
    world: World,
    scenario: &'static str,
}

fn captured(scenario: &str, moment: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/upstream").join(scenario).join(moment)
}

fn objects(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("objects.yaml")).unwrap();
    serde_yaml_ng::Deserializer::from_str(&text)
        .map(|document| Value::deserialize(document).unwrap())
        .collect()
}

fn play<F: Future<Output = ()>>(scenario: &'static str, act: impl FnOnce(Play) -> F) {
    run(Pace::Virtual, Options::default(), |mut world| async move {
        world.prepare().await;
        world.create_namespace(scenario).await.unwrap();
        act(Play { world, scenario }).await;
    });
}

impl Play {
    /// Applies Rollout and Service of a captured moment, with another image.
    async fn deploy(&self, from: (&str, &str), image: &str) {
        for mut object in objects(&captured(from.0, from.1)) {
            if !["Rollout", "Service"].contains(&object["kind"].as_str().unwrap()) {
                continue;
            }
            object.as_object_mut().unwrap().remove("status");
            object["metadata"] = json!({"name": object["metadata"]["name"]});
            if object["kind"] == "Rollout" {
                object["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
            }
            self.world.apply(self.scenario, &object.to_string()).await.unwrap();
        }
        self.reach(|rollout| rollout["status"]["phase"] == "Healthy").await;
    }

    async fn image(&self, image: &str) {
        let image = ContainerImage { container: NAME, image };
        self.world.set_image(self.scenario, NAME, &[image]).await.unwrap();
    }

    async fn promote(&self, full: bool) {
        let options = PromoteOptions { full, ..PromoteOptions::default() };
        self.world.promote(self.scenario, NAME, options).await.unwrap();
    }

    async fn reach(&self, reached: impl FnMut(&Value) -> bool) {
        let came = self.world.until(MINUTE, (self.scenario, NAME), reached).await;
        assert!(came, "{}: {}", self.scenario, self.world.summary(self.scenario, NAME));
    }

    async fn paused_at(&self, index: i64) {
        self.reach(|rollout| {
            let status = &rollout["status"];
            status["phase"] == "Paused" && status["currentStepIndex"] == index
        })
        .await;
    }

    /// Waits until sizes and counters have come to rest, then compares with the captured moment.
    async fn is_as_captured(&self, moment: &str, rows: &[Row]) {
        self.world.pass(Duration::from_millis(2500)).await;
        let folder = captured(self.scenario, moment);
        let at = folder.display().to_string();
        let captured = objects(&folder);
        let of_kind = |kind: &str| captured.iter().filter(|o| o["kind"] == kind).cloned().collect::<Vec<_>>();

        let ours = self.world.server.list("replicasets.apps", Some(self.scenario));
        let ours: Vec<Value> = ours.iter().map(|rs| replica_set(rs)).collect();
        let theirs: Vec<Value> = of_kind("ReplicaSet").iter().map(replica_set).collect();
        assert_eq!(pretty(&ours), pretty(&theirs), "{at}: ReplicaSets");

        let ours = self.world.server.list("services", Some(self.scenario));
        let ours: Vec<Value> = ours.iter().map(|service| service["spec"]["selector"].clone()).collect();
        let theirs: Vec<Value> =
            of_kind("Service").iter().map(|service| service["spec"]["selector"].clone()).collect();
        assert_eq!(pretty(&ours), pretty(&theirs), "{at}: Services");

        let ours = self.world.server.get("rollouts.argoproj.io", self.scenario, NAME).unwrap();
        assert_eq!(pretty(&rollout(&ours)), pretty(&rollout(&of_kind("Rollout")[0])), "{at}: Rollout");

        let ours = plain(&self.world.tree(self.scenario, NAME).unwrap());
        let theirs = fs::read_to_string(folder.join("get-rollout.txt")).unwrap();
        assert_eq!(tree(&ours), tree(&theirs), "{at}: get rollout");

        let ours = self.world.events(self.scenario, NAME);
        let mut ours: Vec<String> = ours.into_iter().map(|(t, r, m, _)| format!("{t} {r} {m}")).collect();
        let theirs = fs::read_to_string(folder.join("events.txt")).unwrap();
        let mut theirs: Vec<String> = theirs.lines().map(str::to_owned).collect();
        for row in rows {
            row.apply(&mut ours, &mut theirs);
        }
        assert_eq!(ours.join("\n"), theirs.join("\n"), "{at}: events");
        let broken = self.world.inspector.violations();
        assert!(broken.is_empty(), "{at}: {broken:?}");
        let (ready, promised) = self.world.inspector.low_water(self.scenario, NAME).unwrap();
        assert!(ready >= promised, "{at}: {ready} ready pods, {promised} promised");
    }
}

/// Rows of `docs/differences.md` that concern events.
#[derive(Clone, Copy)]
enum Row {
    /// D2: a user's resume is an event of ours only.
    ResumeIsAnEvent,
    /// D3: the abort is told before the sizes that follow from it.
    AbortComesFirst,
    /// D13: sizes on the way of a full promotion depend on the moment at which pods become ready.
    SizesOnTheWay,
    /// D14: upstream's recorder drops what exceeds 25 events about an object.
    UpstreamDrops(&'static [&'static str]),
    /// D14: upstream's recorder sends events of one second in any order.
    UpstreamReorders,
}

impl Row {
    fn apply(self, ours: &mut Vec<String>, theirs: &mut Vec<String>) {
        match self {
            Self::ResumeIsAnEvent => {
                for events in [ours, theirs] {
                    events.retain(|event| event != "Normal RolloutResumed Rollout is resumed");
                }
            }
            Self::AbortComesFirst => {
                let at = theirs.iter().position(|event| event.contains("RolloutAborted")).unwrap();
                assert!(theirs[at - 1].contains("Scaled up"), "the row is no longer needed");
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
            Self::UpstreamReorders => {
                for events in [ours, theirs] {
                    let set: BTreeSet<String> = events.drain(..).collect();
                    events.extend(set);
                }
            }
        }
    }
}

fn pretty(value: &(impl serde::Serialize + ?Sized)) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

/// What must agree of a ReplicaSet.
fn replica_set(object: &Value) -> Value {
    let metadata = &object["metadata"];
    json!({
        "name": metadata["name"], "labels": metadata["labels"], "annotations": metadata["annotations"],
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
fn rollout(object: &Value) -> Value {
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
    if !status["abortedAt"].is_null() {
        status["abortedAt"] = json!("T");
    }
    json!({"annotations": object["metadata"]["annotations"], "spec": object["spec"], "status": status})
}

/// The text of `get rollout` without ages, pod suffixes and the widths that follow from them.
fn tree(text: &str) -> String {
    let word = |word: &str, is_pod: bool| {
        let is_age = word.ends_with(['s', 'm', 'h']) && word.starts_with(|c: char| c.is_ascii_digit());
        match word.rsplit_once('-') {
            Some((pod, suffix)) if is_pod && suffix.len() == 5 => format!("{pod}-*"),
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

/// What upstream's recorder dropped while the retry was captured.
const DROPPED_IN_RETRY: [&str; 1] =
    ["RolloutCompleted Rollout completed update to revision 2 (689bbdb4c4): Full promotion requested"];

#[test]
fn guide() {
    play("guide", |play| async move {
        play.deploy(("guide", "00-deployed"), "demo:blue").await;
        play.is_as_captured("00-deployed", &[]).await;
        play.image("demo:yellow").await;
        play.paused_at(1).await;
        play.is_as_captured("01-updated-paused-at-20", &[]).await;
        play.promote(false).await;
        play.paused_at(3).await;
        play.is_as_captured("02-promoted-paused-at-40", &[Row::ResumeIsAnEvent]).await;
        play.paused_at(5).await;
        play.is_as_captured("03-paused-at-60", &[Row::ResumeIsAnEvent]).await;
        play.paused_at(7).await;
        let rows = [Row::ResumeIsAnEvent, Row::UpstreamDrops(&DROPPED_IN_GUIDE[..3])];
        play.is_as_captured("04-paused-at-80", &rows).await;
        play.reach(|rollout| rollout["status"]["phase"] == "Healthy").await;
        let rows = [Row::ResumeIsAnEvent, Row::UpstreamDrops(&DROPPED_IN_GUIDE)];
        play.is_as_captured("05-yellow-stable", &rows).await;
    });
}

#[test]
fn guide_finish() {
    play("guide-finish", |mut play| async move {
        play.deploy(("guide-finish", "00-yellow-stable"), "demo:blue").await;
        play.image("demo:yellow").await;
        play.paused_at(1).await;
        play.world.start_controller();
        play.world.pass(Duration::from_secs(1)).await;
        play.promote(false).await;
        play.reach(|rollout| rollout["status"]["phase"] == "Healthy").await;
        play.is_as_captured("00-yellow-stable", &[Row::ResumeIsAnEvent]).await;
    });
}

#[test]
fn guide_abort() {
    play("guide-abort", |play| async move {
        play.deploy(("guide-abort", "00-red-paused-at-20"), "demo:yellow").await;
        play.image("demo:red").await;
        play.paused_at(1).await;
        play.is_as_captured("00-red-paused-at-20", &[]).await;
        play.world.abort("guide-abort", NAME).await.unwrap();
        play.reach(|rollout| {
            rollout["status"]["availableReplicas"] == 5 && rollout["status"]["abort"] == true
        })
        .await;
        play.is_as_captured("01-red-aborted", &[Row::AbortComesFirst]).await;
        play.image("demo:yellow").await;
        play.reach(|rollout| rollout["status"]["phase"] == "Healthy").await;
        play.is_as_captured("02-yellow-again-healthy", &[Row::AbortComesFirst]).await;
    });
}

#[test]
fn guide_retry() {
    play("guide-retry", |play| async move {
        play.deploy(("guide-retry", "00-red-retried"), "demo:yellow").await;
        play.image("demo:red").await;
        play.reach(|rollout| {
            rollout["status"]["updatedReplicas"] == 1 || rollout["status"]["currentStepIndex"] == 0
        })
        .await;
        play.world.pass(Duration::from_millis(200)).await;
        play.world.abort("guide-retry", NAME).await.unwrap();
        play.world.pass(Duration::from_secs(3)).await;
        play.world.retry("guide-retry", NAME).await.unwrap();
        play.paused_at(1).await;
        play.is_as_captured("00-red-retried", &[Row::AbortComesFirst]).await;
        play.promote(true).await;
        play.reach(|rollout| rollout["status"]["phase"] == "Healthy").await;
        let rows = [Row::AbortComesFirst, Row::SizesOnTheWay, Row::UpstreamDrops(&DROPPED_IN_RETRY)];
        play.is_as_captured("01-red-promoted-full", &rows).await;
    });
}

#[test]
fn guide_undo() {
    play("guide-undo", |play| async move {
        // An undo writes the ReplicaSet's template, defaults included, into the Rollout: the manifest is another scenario's.
        play.deploy(("guide-retry", "00-red-retried"), "demo:yellow").await;
        play.image("demo:red").await;
        play.paused_at(1).await;
        play.promote(true).await;
        play.reach(|rollout| rollout["status"]["phase"] == "Healthy").await;
        play.world.undo("guide-undo", NAME, 0).await.unwrap();
        play.paused_at(1).await;
        play.is_as_captured("00-undo-paused", &[Row::SizesOnTheWay, Row::UpstreamReorders]).await;
    });
}

#[test]
fn an_invalid_spec_is_said_in_upstreams_words() {
    run(Pace::Virtual, Options::default(), |mut world| async move {
        world.prepare().await;
        let mut captured = objects(&captured("invalid", "00-invalid-weight"));
        captured.retain(|object| object["kind"] == "Rollout");
        let theirs = captured.remove(0);
        let name = theirs["metadata"]["name"].as_str().unwrap().to_owned();
        let mut object = theirs.clone();
        object.as_object_mut().unwrap().remove("status");
        object["metadata"] = json!({"name": name});
        world.apply("default", &object.to_string()).await.unwrap();
        world.until(MINUTE, ("default", &name), |rollout| rollout["status"]["phase"] == "Degraded").await;
        world.pass(MINUTE).await;
        let ours = world.server.get("rollouts.argoproj.io", "default", &name).unwrap();
        assert_eq!(pretty(&rollout(&ours)["status"]), pretty(&rollout(&theirs)["status"]));
        assert_eq!(world.controller_writes(), 1);
    });
}
