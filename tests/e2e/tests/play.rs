//! Captured runs of upstream, played again on a real control plane with kubectl and the plugin.

use serde_json::{Value, json};
use tidegate_e2e::{ControlPlane, Controller, Place, Start};

use crate::captured::{Moment, Row, as_applied, contract, folder, objects};
use crate::demo::{NAME, is_paused_at, set_image};

/// A captured scenario that is being played again, in a namespace of the same name.
pub(crate) struct Play {
    pub(crate) place: Place,
    scenario: &'static str,
    /// Of the Rollout, and of its only container.
    name: &'static str,
    _controller: Controller,
}

impl Play {
    /// The guide's Rollout.
    pub(crate) fn start(plane: &ControlPlane, scenario: &'static str) -> Self {
        Self::start_with(plane, scenario, NAME)
    }

    /// A Rollout of this name.
    pub(crate) fn start_with(plane: &ControlPlane, scenario: &'static str, name: &'static str) -> Self {
        let place = Place::new(plane, scenario);
        let controller = Start::new(plane, &place, "only").ready();
        Self { place, scenario, name, _controller: controller }
    }

    /// Applies what users had applied at a captured moment, with another image.
    pub(crate) fn deploy(&self, from: (&str, &str), image: &str) {
        let objects = objects(&folder(from.0, from.1));
        // What a Rollout refers to comes before it.
        for kind in ["Service", "Deployment", "Rollout"] {
            for object in objects.iter().filter(|object| object["kind"] == kind) {
                let mut object = as_applied(object);
                let spec = object["spec"].as_object_mut().unwrap();
                match kind {
                    // An address of another cluster.
                    "Service" => spec.retain(|key, _| key == "ports" || key == "selector"),
                    // It has been scaled down since.
                    "Deployment" => _ = spec.insert("replicas".to_owned(), json!(2)),
                    _ => _ = spec.remove("restartAt"),
                }
                if spec.contains_key("template") {
                    spec["template"]["spec"]["containers"][0]["image"] = json!(image);
                }
                self.create(&object);
            }
        }
        self.place.until_phase(self.name, "Healthy");
    }

    /// As the captured runs did: kubectl apply would leave an annotation.
    fn create(&self, object: &Value) {
        let (root, plural) = match object["kind"].as_str().unwrap() {
            "Rollout" => ("apis/argoproj.io/v1alpha1", "rollouts"),
            "Deployment" => ("apis/apps/v1", "deployments"),
            _ => ("api/v1", "services"),
        };
        let path = self.place.path(root, plural);
        self.place.request(http::Method::POST, &path, "application/json", object).unwrap();
    }

    pub(crate) fn image(&self, image: &str) {
        self.place.plugin(&set_image(self.name, image));
    }

    pub(crate) fn paused_at(&self, index: i64) {
        self.place.until(self.name, &format!("it is paused at step {index}"), |rollout| {
            is_paused_at(rollout, index)
        });
    }

    /// Waits until the text of `get rollout` is that of the captured moment, then compares everything.
    #[track_caller]
    pub(crate) fn is_as_captured(&self, moment: &str, rows: &[Row]) {
        let theirs = self.reach(moment);
        self.moment().assert_is(theirs, rows, &self.at(moment));
    }

    /// The same for objects and texts: events tell of another way.
    #[track_caller]
    pub(crate) fn is_in_captured_state(&self, moment: &str) {
        let mut theirs = self.reach(moment);
        let mut ours = self.moment();
        ours.events.clear();
        theirs.events.clear();
        ours.assert_is(theirs, &[], &self.at(moment));
    }

    #[track_caller]
    fn reach(&self, moment: &str) -> Moment {
        let theirs = Moment::read(&folder(self.scenario, moment));
        let mut ours = self.moment();
        self.place.wait(&format!("it is {moment}, which it is not:\n{}", ours.tree), || {
            ours = self.moment();
            ours.tree == theirs.tree && ours.rollout == theirs.rollout
        });
        let complaints = contract::complaints(&self.objects());
        assert!(complaints.is_empty(), "{}: {complaints:#?}", self.at(moment));
        theirs
    }

    fn at(&self, moment: &str) -> String {
        folder(self.scenario, moment).display().to_string()
    }

    fn moment(&self) -> Moment {
        let events = self.place.events(self.name);
        Moment::of(&self.objects(), &self.place.tree(self.name), events)
    }

    fn objects(&self) -> Vec<Value> {
        let mut objects = self.place.replica_sets();
        objects.extend(self.place.list("api/v1", "services"));
        objects.extend(self.place.list("apis/argoproj.io/v1alpha1", "rollouts"));
        objects
    }
}
