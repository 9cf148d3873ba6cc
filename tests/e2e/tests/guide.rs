//! The captured runs of the guide, played again on a real control plane with kubectl and the plugin: at each moment both agree,
//! except where a row of `docs/differences.md` says otherwise.

use serde_json::json;
use tidegate_e2e::{Controller, Place, Start, shared};

use crate::captured::{Moment, Row, as_applied, folder, objects};
use crate::demo::{NAME, is_paused_at, set_image};

/// A captured scenario that is being played again, in a namespace of the same name.
struct Play {
    place: Place,
    scenario: &'static str,
    _controller: Controller,
}

impl Play {
    fn start(plane: &tidegate_e2e::ControlPlane, scenario: &'static str) -> Self {
        let place = Place::new(plane, scenario);
        let controller = Start::new(plane, &place, "only").ready();
        Self { place, scenario, _controller: controller }
    }

    /// Applies Rollout and Service of a captured moment, with another image.
    fn deploy(&self, from: (&str, &str), image: &str) {
        let objects = objects(&folder(from.0, from.1));
        let mut wanted: Vec<_> = objects
            .iter()
            .filter(|object| object["kind"] == "Rollout" || object["kind"] == "Service")
            .map(as_applied)
            .collect();
        for object in &mut wanted {
            if object["kind"] == "Rollout" {
                object["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
            } else {
                // An address of another cluster.
                let spec = object["spec"].as_object_mut().unwrap();
                spec.retain(|key, _| key == "ports" || key == "selector");
            }
        }
        // As the captured runs did: kubectl apply would leave an annotation.
        for object in &wanted {
            self.create(object);
        }
        self.place.until_phase(NAME, "Healthy");
    }

    fn create(&self, object: &serde_json::Value) {
        let (root, plural) = match object["kind"].as_str().unwrap() {
            "Rollout" => ("apis/argoproj.io/v1alpha1", "rollouts"),
            _ => ("api/v1", "services"),
        };
        let path = self.place.path(root, plural);
        self.place.request(http::Method::POST, &path, "application/json", object).unwrap();
    }

    fn image(&self, image: &str) {
        self.place.plugin(&set_image(NAME, image));
    }

    fn paused_at(&self, index: i64) {
        self.place
            .until(NAME, &format!("it is paused at step {index}"), |rollout| is_paused_at(rollout, index));
    }

    /// Waits until the text of `get rollout` is that of the captured moment, then compares everything.
    #[track_caller]
    fn is_as_captured(&self, moment: &str, rows: &[Row]) {
        let folder = folder(self.scenario, moment);
        let theirs = Moment::read(&folder);
        let mut ours = self.moment();
        self.place.wait(&format!("it is {moment}, which it is not:\n{}", ours.tree), || {
            ours = self.moment();
            ours.tree == theirs.tree && ours.rollout == theirs.rollout
        });
        self.moment().assert_is(Moment::read(&folder), rows, &folder.display().to_string());
    }

    fn moment(&self) -> Moment {
        let mut objects = self.place.replica_sets();
        objects.extend(self.place.list("api/v1", "services"));
        objects.extend(self.place.list("apis/argoproj.io/v1alpha1", "rollouts"));
        Moment::of(&objects, &self.place.tree(NAME), self.place.events(NAME))
    }
}

#[test]
fn the_guide_is_as_captured() {
    let plane = shared();
    let play = Play::start(&plane, "guide");
    play.deploy(("guide", "00-deployed"), "demo:blue");
    play.is_as_captured("00-deployed", &[]);
    play.image("demo:yellow");
    play.paused_at(1);
    play.is_as_captured("01-updated-paused-at-20", &[]);
    play.place.plugin("promote rollouts-demo");
    play.paused_at(3);
    play.is_as_captured("02-promoted-paused-at-40", &[Row::ResumeIsAnEvent]);
    play.paused_at(5);
    play.is_as_captured("03-paused-at-60", &[Row::ResumeIsAnEvent]);
    play.paused_at(7);
    play.is_as_captured("04-paused-at-80", &[Row::ResumeIsAnEvent, Row::upstream_drops_in_guide(3)]);
    play.place.until_phase(NAME, "Healthy");
    play.is_as_captured("05-yellow-stable", &[Row::ResumeIsAnEvent, Row::upstream_drops_in_guide(7)]);
}

#[test]
fn an_abort_is_as_captured() {
    let plane = shared();
    let play = Play::start(&plane, "guide-abort");
    play.deploy(("guide-abort", "00-red-paused-at-20"), "demo:yellow");
    play.image("demo:red");
    play.paused_at(1);
    play.is_as_captured("00-red-paused-at-20", &[]);
    play.place.plugin("abort rollouts-demo");
    play.place.until_phase(NAME, "Degraded");
    play.is_as_captured("01-red-aborted", &[Row::AbortComesFirst]);
    play.image("demo:yellow");
    play.place.until_phase(NAME, "Healthy");
    play.is_as_captured("02-yellow-again-healthy", &[Row::AbortComesFirst]);
}

#[test]
fn an_undo_is_as_captured() {
    let plane = shared();
    let play = Play::start(&plane, "guide-undo");
    play.deploy(("guide-retry", "00-red-retried"), "demo:yellow");
    play.image("demo:red");
    play.paused_at(1);
    play.place.plugin("promote rollouts-demo --full");
    play.place.until_phase(NAME, "Healthy");
    play.place.plugin("undo rollouts-demo");
    play.paused_at(1);
    play.is_as_captured("00-undo-paused", &[Row::SizesOnTheWay, Row::UpstreamReorders]);
}

#[test]
fn a_retry_leads_to_the_end() {
    let plane = shared();
    let play = Play::start(&plane, "guide-retry");
    play.deploy(("guide-retry", "00-red-retried"), "demo:yellow");
    play.image("demo:red");
    play.paused_at(1);
    play.place.plugin("abort rollouts-demo");
    play.place.until_phase(NAME, "Degraded");
    play.place.plugin("retry rollout rollouts-demo");
    play.paused_at(1);
    play.place.plugin("promote rollouts-demo --full");
    play.place.until_phase(NAME, "Healthy");
    let replica_sets = play.place.replica_sets();
    assert_eq!(crate::demo::size(&replica_sets, "demo:red"), Some(5));
    assert_eq!(crate::demo::size(&replica_sets, "demo:yellow"), Some(0));
}
