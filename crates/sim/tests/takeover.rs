//! Each captured moment of upstream as a world of its own, in which our controller goes on: nothing is restarted, rerouted or made
//! anew, what upstream had begun goes on, and commands work.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

mod captured;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use captured::{contract, folder, objects};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tidegate_kubesim::{PodState, Stage};
use tidegate_ops::operations::{ContainerImage, PromoteOptions};
use tidegate_sim::{Options, Pace, World, run};

const HOUR: Duration = Duration::from_secs(3600);

/// A captured moment.
struct Begin {
    at: String,
    objects: Vec<Value>,
    namespace: String,
    name: String,
    now: Timestamp,
}

impl Begin {
    fn read(scenario: &str, moment: &str) -> Self {
        let folder = folder(scenario, moment);
        let mut objects = objects(&folder);
        objects.retain(|object| !object.is_null());
        let rollout = objects.iter().find(|object| object["kind"] == "Rollout").unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let created: Timestamp = text(&rollout["metadata"]["creationTimestamp"]).parse().unwrap();
        Self {
            at: format!("{scenario}/{moment}"),
            namespace: text(&rollout["metadata"]["namespace"]),
            name: text(&rollout["metadata"]["name"]),
            now: created + age(&folder),
            objects,
        }
    }

    fn rollout(&self) -> &Value {
        self.objects.iter().find(|object| object["kind"] == "Rollout").unwrap()
    }

    /// Why something goes on by itself: a delay of a ReplicaSet, a pause with a duration, a restart.
    fn timer(&self) -> Option<Timer> {
        let (spec, status) = (&self.rollout()["spec"], &self.rollout()["status"]);
        let index = usize::try_from(status["currentStepIndex"].as_u64().unwrap_or(0)).unwrap();
        let step = &spec["strategy"]["canary"]["steps"][index];
        let is_paused = status["pauseConditions"].is_array();
        if is_paused && !step["pause"]["duration"].is_null() {
            return Some(Timer::Pause);
        }
        if spec["restartAt"] != status["restartedAt"] {
            return Some(Timer::Restart);
        }
        let is_delayed = |object: &&Value| {
            object["metadata"]["annotations"]["scale-down-deadline"].is_string()
                && object["spec"]["replicas"] != 0
        };
        self.objects.iter().any(|object| is_delayed(&object)).then_some(Timer::Delay)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timer {
    Delay,
    Pause,
    Restart,
}

/// How old the Rollout was when it was captured, by the text of `get rollout`.
fn age(folder: &Path) -> SignedDuration {
    let tree = fs::read_to_string(folder.join("get-rollout.txt")).unwrap();
    let root = tree.lines().find(|line| line.starts_with('⟳')).unwrap();
    let words = root.split_whitespace().rev();
    let mut ages = words.filter_map(|word| tidegate_api::duration::parse_go_duration(word).ok());
    ages.next().unwrap()
}

/// What must not change by being taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Facts {
    /// ReplicaSet by uid of each pod that is not being deleted.
    pods: BTreeMap<String, String>,
    replica_sets: BTreeMap<String, i64>,
    selectors: BTreeMap<String, String>,
    weights: Vec<(String, i32)>,
    phase: String,
}

impl Facts {
    fn of(world: &World, begin: &Begin) -> Self {
        let namespace = begin.namespace.as_str();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let name = |object: &Value| text(&object["metadata"]["name"]);
        let list = |resource: &str| world.server.list(resource, Some(namespace));
        let observation = world.inspector.observation(namespace, &begin.name).unwrap();
        let weights = observation.routed.iter().flat_map(|weights| [&weights.canary, &weights.stable]);
        let rollout = world.server.get("rollouts.argoproj.io", namespace, &begin.name).unwrap();
        Self {
            pods: list("pods")
                .iter()
                .filter(|pod| pod["metadata"]["deletionTimestamp"].is_null())
                .map(|pod| {
                    (text(&pod["metadata"]["uid"]), text(&pod["metadata"]["ownerReferences"][0]["name"]))
                })
                .collect(),
            replica_sets: list("replicasets.apps")
                .iter()
                .map(|rs| (name(rs), rs["spec"]["replicas"].as_i64().unwrap()))
                .collect(),
            selectors: list("services")
                .iter()
                .map(|it| (name(it), it["spec"]["selector"].to_string()))
                .collect(),
            weights: weights.map(|to| (to.pod_template_hash.clone(), to.weight)).collect(),
            phase: text(&rollout["status"]["phase"]),
        }
    }

    /// All but sizes and pods, which a timer may change.
    fn routes(&self) -> Facts {
        let replica_sets = self.replica_sets.keys().map(|name| (name.clone(), 0)).collect();
        Facts { pods: BTreeMap::new(), replica_sets, phase: String::new(), ..self.clone() }
    }
}

fn take_over<F: Future<Output = ()>>(begin: &Begin, act: impl FnOnce(World) -> F) {
    let options = Options { epoch: begin.now, ..Options::default() };
    run(Pace::Virtual, options, |mut world| async move {
        world.server.update_kubelet(|kubelet| {
            let after = Duration::from_millis(100);
            kubelet.set_image("bad", vec![Stage { after, state: PodState::ImagePullBackOff }]);
        });
        world.take_over(&begin.objects).await;
        act(world).await;
    });
}

fn is_sound(world: &World, begin: &Begin) {
    assert!(!world.controller_has_ended(), "{}: the controller has ended", begin.at);
    let broken = world.inspector.violations();
    assert!(broken.is_empty(), "{}: {broken:?}", begin.at);
}

/// At once nothing changes; within an hour nothing but what a timer ends.
async fn goes_on(world: &World, begin: &Begin) {
    let before = Facts::of(world, begin);
    let timer = begin.timer();
    world.pass(Duration::from_secs(2)).await;
    if timer != Some(Timer::Restart) {
        assert_eq!(Facts::of(world, begin), before, "{}: after two seconds", begin.at);
    }
    world.pass(HOUR).await;
    let after = Facts::of(world, begin);
    match timer {
        None => assert_eq!(after, before, "{}: after an hour", begin.at),
        Some(Timer::Pause) => assert_eq!(after.phase, "Healthy", "{}: after its pauses", begin.at),
        Some(Timer::Restart | Timer::Delay) => {
            assert_eq!(after.routes(), before.routes(), "{}: after an hour", begin.at);
            let gone = before.pods.iter().filter(|(uid, _)| !after.pods.contains_key(*uid));
            let sizes: BTreeSet<i64> = gone.map(|(_, owner)| after.replica_sets[owner]).collect();
            let may_go = if timer == Some(Timer::Restart) {
                before.replica_sets.values().copied().collect()
            } else {
                BTreeSet::from([0])
            };
            assert!(sizes.is_subset(&may_go), "{}: pods have gone that should stay", begin.at);
        }
    }
    is_sound(world, begin);
}

/// A user goes on from there: the state that the command asks for is reached.
async fn obeys(world: &World, begin: &Begin) {
    let (namespace, name) = (begin.namespace.as_str(), begin.name.as_str());
    let rollout = world.server.get("rollouts.argoproj.io", namespace, name).unwrap();
    let status = &rollout["status"];
    let is_invalid = status["message"].as_str().unwrap_or_default().starts_with("InvalidSpec");
    if is_invalid {
        let valid = json!({"spec": {"strategy": {"canary": {"steps": [], "maxSurge": 1}}}});
        world.patch(namespace, name, &valid, false).await.unwrap();
    } else if status["abort"] == true {
        world.retry(namespace, name).await.unwrap();
        reach(world, begin, "retried", |rollout| rollout["status"]["abort"] != true).await;
    } else if status["phase"] == "Paused" {
        world.promote(namespace, name, PromoteOptions::default()).await.unwrap();
        let index = status["currentStepIndex"].clone();
        let moved = |rollout: &Value| {
            rollout["status"]["currentStepIndex"] != index || rollout["status"]["phase"] == "Healthy"
        };
        reach(world, begin, "promoted", moved).await;
    } else {
        let images = world.images(namespace, name).await.unwrap();
        let image = ContainerImage { container: &images[0].0, image: "demo:green" };
        world.set_image(namespace, name, &[image]).await.unwrap();
        let old = status["currentPodHash"].clone();
        reach(world, begin, "updated", |rollout| rollout["status"]["currentPodHash"] != old).await;
    }
    // A refusal is an answer: what is finished is not promoted.
    world.pass(Duration::from_secs(5)).await;
    let full = PromoteOptions { full: true, ..PromoteOptions::default() };
    drop(world.promote(namespace, name, full).await);
    reach(world, begin, "healthy", |rollout| rollout["status"]["phase"] == "Healthy").await;
    assert!(world.come_to_rest(HOUR).await, "{}: never at rest", begin.at);
    let after = world.server.get("rollouts.argoproj.io", namespace, name).unwrap();
    assert_eq!(after["status"]["stableRS"], after["status"]["currentPodHash"], "{}", begin.at);
    is_sound(world, begin);
}

async fn reach(world: &World, begin: &Begin, what: &str, reached: impl Fn(&Value) -> bool) {
    let is_observed = |rollout: &Value| {
        rollout["status"]["observedGeneration"] == rollout["metadata"]["generation"].to_string().as_str()
    };
    let (namespace, name) = (begin.namespace.as_str(), begin.name.as_str());
    let reached = |rollout: &Value| is_observed(rollout) && reached(rollout);
    let came = world.until(HOUR, (namespace, name), reached).await;
    assert!(came, "{}: never {what}: {}", begin.at, world.summary(namespace, name));
}

#[track_caller]
fn is_taken_over(scenario: &str, moments: &[&str]) {
    for moment in moments {
        let begin = Begin::read(scenario, moment);
        println!("{}", begin.at);
        take_over(&begin, |world| async move { goes_on(&world, &Begin::read(scenario, moment)).await });
        take_over(&begin, |world| async move {
            world.pass(Duration::from_secs(1)).await;
            obeys(&world, &Begin::read(scenario, moment)).await;
        });
    }
}

#[test]
fn the_guide_is_taken_over() {
    let moments = [
        "00-deployed",
        "01-updated-paused-at-20",
        "02-promoted-paused-at-40",
        "03-paused-at-60",
        "04-paused-at-80",
        "05-yellow-stable",
    ];
    is_taken_over("guide", &moments);
    is_taken_over("guide-finish", &["00-yellow-stable"]);
}

#[test]
fn aborted_and_repeated_updates_are_taken_over() {
    is_taken_over("guide-abort", &["00-red-paused-at-20", "01-red-aborted", "02-yellow-again-healthy"]);
    is_taken_over("guide-retry", &["00-red-retried", "01-red-promoted-full"]);
    is_taken_over("guide-undo", &["00-undo-paused"]);
}

#[test]
fn blue_green_is_taken_over() {
    let moments = ["00-deployed", "01-preview-paused", "02-switched-old-in-delay", "03-old-scaled-down"];
    is_taken_over("blue-green", &moments);
    is_taken_over("blue-green-abort", &["00-aborted-in-delay", "01-aborted-after-delay", "02-back-healthy"]);
}

#[test]
fn a_routed_canary_is_taken_over() {
    let moments = [
        "00-deployed",
        "01-paused-at-30",
        "02-aborted-in-delay",
        "03-aborted-after-delay",
        "04-paused-at-60",
        "05-promoted-old-in-delay",
    ];
    is_taken_over("routed-abort", &moments);
}

#[test]
fn a_workload_is_taken_over() {
    is_taken_over("workload-ref", &["00-adopted", "01-updated-paused", "02-promoted"]);
}

#[test]
fn a_restart_is_taken_over() {
    is_taken_over("restart", &["00-in-progress", "01-done"]);
}

#[test]
fn a_missed_deadline_is_taken_over() {
    is_taken_over("deadline", &["00-exceeded"]);
}

#[test]
fn an_invalid_spec_is_taken_over() {
    is_taken_over("invalid", &["00-invalid-weight"]);
}

/// The checks of what is handed back hold for what upstream wrote: they ask for nothing that it does not do itself.
#[test]
fn upstream_keeps_its_own_contract() {
    let root = folder("", "");
    for scenario in fs::read_dir(&root).unwrap() {
        let scenario = scenario.unwrap();
        if !scenario.file_type().unwrap().is_dir() {
            continue;
        }
        for moment in fs::read_dir(scenario.path()).unwrap() {
            let folder = moment.unwrap().path();
            let complaints = contract::complaints(&objects(&folder));
            assert!(complaints.is_empty(), "{}: {complaints:#?}", folder.display());
        }
    }
}
