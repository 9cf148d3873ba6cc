//! What a test sees of the paper cluster, in a few words.

use jiff::Timestamp;
use serde_json::Value;

use super::Paper;
use crate::rollout::plan;

impl Paper {
    pub(in crate::rollout::tests) fn wake_at(&self) -> Option<Timestamp> {
        plan(&self.snapshot(), self.now).wake_at
    }

    pub(in crate::rollout::tests) fn report(&self) -> String {
        let report = crate::rollout::report(&self.snapshot(), self.now);
        report.waits.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    pub(in crate::rollout::tests) fn events(&self) -> String {
        self.events.join(" ")
    }

    /// Labels of the pods of an image, each pod's values of one key.
    pub(in crate::rollout::tests) fn pod_labels(&self, key: &str) -> Vec<String> {
        self.pods
            .values()
            .map(|pod| pod["metadata"]["labels"][key].as_str().unwrap_or("-").to_owned())
            .collect()
    }

    pub(in crate::rollout::tests) fn pod_ages(&self) -> Vec<String> {
        let mut ages: Vec<String> =
            self.pods.values().map(|pod| pod["metadata"]["creationTimestamp"].to_string()).collect();
        ages.sort();
        ages
    }

    /// Names of the pods, which are their uids too.
    pub(in crate::rollout::tests) fn pod_names(&self) -> Vec<String> {
        self.pods.keys().cloned().collect()
    }

    pub(in crate::rollout::tests) fn template_of(&self, image: &str) -> Value {
        let mut all = self.replica_sets.values().map(|rs| rs["spec"]["template"].clone());
        all.find(|template| template["spec"]["containers"][0]["image"] == image).unwrap()
    }

    /// `service: image` of each Service, `weight/max verified` of the route.
    pub(in crate::rollout::tests) fn traffic(&self) -> String {
        let image = |hash: &str| {
            let found = self.replica_sets().into_iter().find(|rs| rs.hash() == hash);
            found.map_or("-".to_owned(), |rs| rs.images[0].clone())
        };
        let service = |(name, it): (&String, &Value)| {
            let hash = it["spec"]["selector"]["rollouts-pod-template-hash"].as_str().unwrap_or_default();
            format!("{name}: {}", if hash.is_empty() { "any".to_owned() } else { image(hash) })
        };
        let mut parts: Vec<String> = self.services.iter().map(service).collect();
        if let Some(weights) = self.router.found().and_then(|router| router.weights.as_ref()) {
            let canary = &weights.canary;
            parts.push(format!("{} {}", image(&canary.pod_template_hash), canary.weight));
        }
        parts.join(" | ")
    }

    /// `phase message step | image size/available revision | ...`, ReplicaSets by age, foreign ones left out.
    pub(in crate::rollout::tests) fn summary(&self) -> String {
        let rollout = self.rollout();
        let status = &rollout.status;
        let phase = status.phase.as_ref().map_or("-", |phase| phase.as_str());
        let steps = rollout.spec.strategy.and_then(|s| s.canary).map_or(0, |canary| canary.steps.len());
        let step = status.current_step_index.map_or("-".into(), |index| format!("{index}/{steps}"));
        let head = [phase, &status.message, &step].into_iter().filter(|text| !text.is_empty());
        let mut parts = vec![head.collect::<Vec<_>>().join(" ")];
        for rs in
            self.replica_sets().iter().filter(|rs| !rs.images.is_empty() || rs.metadata.uid != "uid-other")
        {
            let image = rs.images.first().map_or("-", String::as_str);
            let revision = rs.revision().unwrap_or(0);
            parts.push(format!("{image} {}/{} r{revision}", rs.replicas, rs.status.available_replicas));
        }
        parts.join(" | ")
    }

    pub(in crate::rollout::tests) fn rejected(&self) -> usize {
        self.rejected
    }
}
