//! The captured runs of upstream, played again by our controller: at each captured moment both agree, except where a row of
//! `docs/differences.md` says otherwise; those rows are applied to the captured data here, by their numbers.

#![allow(clippy::unwrap_used, reason = "a test")]

mod captured;

use std::time::Duration;

use captured::{Moment, Row, as_applied, comparable, contract, folder, objects};
use serde_json::{Value, json};
use tidegate_kubesim::{PodState, Stage};
use tidegate_ops::operations::{ContainerImage, PromoteOptions};
use tidegate_sim::view::plain;
use tidegate_sim::{Options, Pace, World, run};

const MINUTE: Duration = Duration::from_secs(60);

/// A captured scenario that is being played again.
struct Play {
    world: World,
    scenario: &'static str,
    /// Of the Rollout, and of its only container.
    name: &'static str,
}

fn play<F: Future<Output = ()>>(scenario: &'static str, act: impl FnOnce(Play) -> F) {
    play_of(scenario, "rollouts-demo", act);
}

fn play_of<F: Future<Output = ()>>(scenario: &'static str, name: &'static str, act: impl FnOnce(Play) -> F) {
    run(Pace::Virtual, Options::default(), |mut world| async move {
        world.prepare().await;
        world.create_namespace(scenario).await.unwrap();
        act(Play { world, scenario, name }).await;
    });
}

impl Play {
    /// Applies what users had applied at a captured moment, with another image.
    async fn deploy(&self, from: (&str, &str), image: &str) {
        for object in objects(&folder(from.0, from.1)) {
            let is_a_users = ["Rollout", "Service", "Deployment"].contains(&object["kind"].as_str().unwrap());
            if !is_a_users {
                continue;
            }
            let mut object = as_applied(&object);
            if object["spec"]["template"].is_object() {
                object["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
            }
            if object["kind"] == "Deployment" {
                object["spec"]["replicas"] = json!(2);
            }
            object["spec"].as_object_mut().unwrap().remove("restartAt");
            self.world.apply(self.scenario, &object.to_string()).await.unwrap();
        }
        self.reach(|rollout| rollout["status"]["phase"] == "Healthy").await;
    }

    async fn image(&self, image: &str) {
        let image = ContainerImage { container: self.name, image };
        self.world.set_image(self.scenario, self.name, &[image]).await.unwrap();
    }

    async fn promote(&self, full: bool) {
        let options = PromoteOptions { full, ..PromoteOptions::default() };
        self.world.promote(self.scenario, self.name, options).await.unwrap();
    }

    async fn reach(&self, reached: impl FnMut(&Value) -> bool) {
        let came = self.world.until(MINUTE, (self.scenario, self.name), reached).await;
        assert!(came, "{}: {}", self.scenario, self.world.summary(self.scenario, self.name));
    }

    async fn healthy(&self) {
        self.reach(|rollout| rollout["status"]["phase"] == "Healthy").await;
    }

    async fn paused(&self) {
        self.reach(|rollout| rollout["status"]["phase"] == "Paused").await;
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
        let folder = folder(self.scenario, moment);
        let at = folder.display().to_string();
        let list = |resource: &str| self.world.server.list(resource, Some(self.scenario));
        let objects = ["replicasets.apps", "services", "rollouts.argoproj.io"].map(list).concat();
        let objects: Vec<Value> = objects.iter().map(|object| (**object).clone()).collect();
        let complaints = contract::complaints(&objects);
        assert!(complaints.is_empty(), "{at}: {complaints:#?}");
        let tree = plain(&self.world.tree(self.scenario, self.name).unwrap());
        let events = self.world.events(self.scenario, self.name);
        let events = events.into_iter().map(|(t, r, m, _)| format!("{t} {r} {m}")).collect();
        Moment::of(&objects, &tree, events).assert_is(Moment::read(&folder), rows, &at);
        let broken = self.world.inspector.violations();
        assert!(broken.is_empty(), "{at}: {broken:?}");
        let (ready, promised) = self.world.inspector.low_water(self.scenario, self.name).unwrap();
        assert!(ready >= promised, "{at}: {ready} ready pods, {promised} promised");
    }
}

/// What upstream's recorder dropped while the retry was captured.
const DROPPED_IN_RETRY: [&str; 1] =
    ["RolloutCompleted Rollout completed update to revision 2 (689bbdb4c4): Full promotion requested"];

/// What it dropped while the routed canary was captured.
const DROPPED_IN_ROUTED_ABORT: [&str; 11] = [
    "ScalingReplicaSet Scaled down ReplicaSet routed-556c8776cf (revision 2) from 2 to 0",
    "RolloutStepCompleted Rollout step 2/4 completed (pause)",
    "RolloutResumed Rollout is resumed",
    "ScalingReplicaSet Scaled up ReplicaSet routed-556c8776cf (revision 2) from 2 to 3",
    "TrafficWeightUpdated Traffic weight updated from 30 to 60",
    "RolloutStepCompleted Rollout step 3/4 completed (setWeight: 60)",
    "RolloutStepCompleted Rollout step 4/4 completed (pause)",
    "ScalingReplicaSet Scaled up ReplicaSet routed-556c8776cf (revision 2) from 3 to 4",
    "TrafficWeightUpdated Traffic weight updated from 60 to 100",
    "RolloutCompleted Rollout completed update to revision 2 (556c8776cf): Completed all 4 canary steps",
    "TrafficWeightUpdated Traffic weight updated from 100 to 0",
];

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
        let rows = [Row::ResumeIsAnEvent, Row::upstream_drops_in_guide(3)];
        play.is_as_captured("04-paused-at-80", &rows).await;
        play.reach(|rollout| rollout["status"]["phase"] == "Healthy").await;
        let rows = [Row::ResumeIsAnEvent, Row::upstream_drops_in_guide(7)];
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
        play.world.abort("guide-abort", play.name).await.unwrap();
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
        play.world.abort("guide-retry", play.name).await.unwrap();
        play.world.pass(Duration::from_secs(3)).await;
        play.world.retry("guide-retry", play.name).await.unwrap();
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
        play.world.undo("guide-undo", play.name, 0).await.unwrap();
        play.paused_at(1).await;
        play.is_as_captured("00-undo-paused", &[Row::SizesOnTheWay, Row::UpstreamReorders]).await;
    });
}

#[test]
fn blue_green() {
    play_of("blue-green", "bg", |play| async move {
        play.deploy(("blue-green", "00-deployed"), "demo:blue").await;
        play.is_as_captured("00-deployed", &[Row::SwitchComesFirst]).await;
        play.image("demo:yellow").await;
        play.paused().await;
        play.is_as_captured("01-preview-paused", &[Row::SwitchComesFirst]).await;
        play.promote(false).await;
        play.healthy().await;
        let rows = [Row::SwitchComesFirst, Row::ResumeIsAnEvent];
        play.is_as_captured("02-switched-old-in-delay", &rows).await;
        play.world.pass(Duration::from_secs(30)).await;
        play.is_as_captured("03-old-scaled-down", &rows).await;
    });
}

#[test]
fn blue_green_abort() {
    play_of("blue-green-abort", "bg", |play| async move {
        play.deploy(("blue-green-abort", "02-back-healthy"), "demo:yellow").await;
        play.image("demo:red").await;
        play.paused().await;
        play.world.abort("blue-green-abort", "bg").await.unwrap();
        play.is_as_captured("00-aborted-in-delay", &[Row::SwitchComesFirst]).await;
        play.world.pass(Duration::from_secs(30)).await;
        play.is_as_captured("01-aborted-after-delay", &[Row::SwitchComesFirst]).await;
        play.image("demo:yellow").await;
        play.healthy().await;
        play.is_as_captured("02-back-healthy", &[Row::SwitchComesFirst]).await;
    });
}

#[test]
fn routed_abort() {
    play_of("routed-abort", "routed", |play| async move {
        let rows = [Row::RouterTells, Row::NothingToTell, Row::NoFlapping];
        play.deploy(("routed-abort", "00-deployed"), "demo:blue").await;
        play.is_as_captured("00-deployed", &rows).await;
        play.image("demo:yellow").await;
        play.paused_at(1).await;
        play.is_as_captured("01-paused-at-30", &rows).await;
        play.world.abort("routed-abort", "routed").await.unwrap();
        let rows = [Row::RouterTells, Row::NothingToTell, Row::NoFlapping, Row::AbortComesFirst];
        play.is_as_captured("02-aborted-in-delay", &rows).await;
        play.world.pass(Duration::from_secs(30)).await;
        let mut rows = rows.to_vec();
        rows.push(Row::UpstreamDrops(&DROPPED_IN_ROUTED_ABORT[..1]));
        play.is_as_captured("03-aborted-after-delay", &rows).await;
        play.world.retry("routed-abort", "routed").await.unwrap();
        play.paused_at(1).await;
        play.promote(false).await;
        play.paused_at(3).await;
        *rows.last_mut().unwrap() = Row::UpstreamDrops(&DROPPED_IN_ROUTED_ABORT[..6]);
        play.is_as_captured("04-paused-at-60", &rows).await;
        play.promote(false).await;
        play.healthy().await;
        *rows.last_mut().unwrap() = Row::UpstreamDrops(&DROPPED_IN_ROUTED_ABORT);
        rows.push(Row::HealthyAgrees);
        play.is_as_captured("05-promoted-old-in-delay", &rows).await;
    });
}

#[test]
fn workload_ref() {
    play_of("workload-ref", "ref", |play| async move {
        play.deploy(("workload-ref", "00-adopted"), "demo:blue").await;
        play.world.pass(Duration::from_secs(3)).await;
        play.is_as_captured("00-adopted", &[Row::FirstOfWorkload]).await;
        play.image("demo:yellow").await;
        play.paused_at(1).await;
        play.is_as_captured("01-updated-paused", &[Row::FirstOfWorkload]).await;
        play.promote(false).await;
        play.healthy().await;
        let rows = [Row::FirstOfWorkload, Row::ResumeIsAnEvent, Row::SizesOnTheWay];
        play.is_as_captured("02-promoted", &rows).await;
    });
}

#[test]
fn restart() {
    play_of("restart", "restarting", |play| async move {
        play.deploy(("restart", "01-done"), "demo:blue").await;
        play.world.pass(Duration::from_secs(1)).await;
        play.world.restart("restart", "restarting", "").await.unwrap();
        // The moment in progress is passed through: pods go one at a time.
        play.reach(|rollout| rollout["status"]["message"] == "rollout is restarting").await;
        play.healthy().await;
        play.is_as_captured("01-done", &[]).await;
    });
}

#[test]
fn deadline() {
    play_of("deadline", "late", |play| async move {
        play.deploy(("deadline", "00-exceeded"), "demo:blue").await;
        play.world.server.update_kubelet(|kubelet| {
            let after = Duration::from_millis(300);
            kubelet.set_image("bad", vec![Stage { after, state: PodState::ImagePullBackOff }]);
        });
        play.image("bad:1").await;
        play.reach(|rollout| rollout["status"]["phase"] == "Degraded").await;
        play.is_as_captured("00-exceeded", &[]).await;
    });
}

#[test]
fn an_invalid_spec_is_said_in_upstreams_words() {
    run(Pace::Virtual, Options::default(), |mut world| async move {
        world.prepare().await;
        let mut captured = objects(&folder("invalid", "00-invalid-weight"));
        captured.retain(|object| object["kind"] == "Rollout");
        let theirs = captured.remove(0);
        let name = theirs["metadata"]["name"].as_str().unwrap().to_owned();
        world.apply("default", &as_applied(&theirs).to_string()).await.unwrap();
        world.until(MINUTE, ("default", &name), |rollout| rollout["status"]["phase"] == "Degraded").await;
        world.pass(MINUTE).await;
        let ours = world.server.get("rollouts.argoproj.io", "default", &name).unwrap();
        assert_eq!(comparable(&ours)["status"], comparable(&theirs)["status"]);
        assert_eq!(world.controller_writes(), 1);
    });
}
