//! The captured runs of upstream, played again by our controller: at each captured moment both agree, except where a row of
//! `docs/differences.md` says otherwise; those rows are applied to the captured data here, by their numbers.

#![allow(clippy::unwrap_used, reason = "a test")]

mod captured;

use std::time::Duration;

use captured::{Moment, Row, as_applied, comparable, folder, objects};
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
        for object in objects(&folder(from.0, from.1)) {
            if !["Rollout", "Service"].contains(&object["kind"].as_str().unwrap()) {
                continue;
            }
            let mut object = as_applied(&object);
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
        let folder = folder(self.scenario, moment);
        let at = folder.display().to_string();
        let list = |resource: &str| self.world.server.list(resource, Some(self.scenario));
        let objects = ["replicasets.apps", "services", "rollouts.argoproj.io"].map(list).concat();
        let objects: Vec<Value> = objects.iter().map(|object| (**object).clone()).collect();
        let tree = plain(&self.world.tree(self.scenario, NAME).unwrap());
        let events = self.world.events(self.scenario, NAME);
        let events = events.into_iter().map(|(t, r, m, _)| format!("{t} {r} {m}")).collect();
        Moment::of(&objects, &tree, events).assert_is(Moment::read(&folder), rows, &at);
        let broken = self.world.inspector.violations();
        assert!(broken.is_empty(), "{at}: {broken:?}");
        let (ready, promised) = self.world.inspector.low_water(self.scenario, NAME).unwrap();
        assert!(ready >= promised, "{at}: {ready} ready pods, {promised} promised");
    }
}

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
