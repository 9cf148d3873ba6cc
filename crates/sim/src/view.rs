//! What people see of a world.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use tidegate_api::rollout::Rollout;
use tidegate_core::ReplicaSet;
use tidegate_ops::info::{Objects, RolloutInfo};
use tidegate_ops::text::{
    Color, Line, TrafficGroup, groups_by_image_tag, image_tag, render, rollout_lines, traffic_bar,
};

use crate::world::World;

impl World {
    pub(crate) fn objects(&self, resource: &str, namespace: &str) -> Vec<Value> {
        self.server.list(resource, Some(namespace)).into_iter().map(Arc::unwrap_or_clone).collect()
    }

    /// Names of the Rollouts of a namespace.
    #[must_use]
    pub fn rollout_names(&self, namespace: &str) -> Vec<String> {
        let rollouts = self.server.list("rollouts.argoproj.io", Some(namespace));
        rollouts.iter().filter_map(|object| Some(object["metadata"]["name"].as_str()?.to_owned())).collect()
    }

    /// The lines of `get rollout NAME`; `None`: there is none of that name.
    #[must_use]
    pub fn tree(&self, namespace: &str, name: &str) -> Option<Vec<Line>> {
        let object = self.server.get("rollouts.argoproj.io", namespace, name)?;
        let rollout = Rollout::deserialize(&*object).ok()?;
        let (replica_sets, pods) =
            (self.objects("replicasets.apps", namespace), self.objects("pods", namespace));
        let info = RolloutInfo::of(&Objects { rollout: &rollout, replica_sets: &replica_sets, pods: &pods });
        Some(rollout_lines(&info, self.now()))
    }

    /// Which versions answer the requests to a Service, by ready pods behind it.
    #[must_use]
    pub fn traffic_groups(&self, namespace: &str, service: &str) -> Vec<TrafficGroup> {
        let selector = self.server.get("services", namespace, service);
        let selector = selector.as_ref().and_then(|service| service["spec"]["selector"].as_object());
        let mut pods = self.objects("pods", namespace);
        pods.retain(|pod| {
            selector.is_some_and(|s| s.iter().all(|(key, value)| pod["metadata"]["labels"][key] == *value))
        });
        groups_by_image_tag(&pods)
    }

    /// The same as a bar of `width` cells with the shares in words.
    #[must_use]
    pub fn traffic(&self, namespace: &str, service: &str, width: usize) -> Line {
        traffic_bar(&self.traffic_groups(namespace, service), width)
    }

    /// Events about a Rollout in the order in which they were first written: (type, reason, message, count).
    #[must_use]
    pub fn events(&self, namespace: &str, name: &str) -> Vec<(String, String, String, i64)> {
        let mut events = self.objects("events", namespace);
        events.retain(|event| {
            event["involvedObject"]["name"] == name && event["involvedObject"]["kind"] == "Rollout"
        });
        events.sort_by_key(|event| event["metadata"]["name"].as_str().unwrap_or_default().to_owned());
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        events
            .iter()
            .map(|e| {
                (text(&e["type"]), text(&e["reason"]), text(&e["message"]), e["count"].as_i64().unwrap_or(1))
            })
            .collect()
    }

    /// Rollout and ReplicaSets in one line: `Paused CanaryPauseStep  1/8  blue 4/4 stable  yellow 1/1 canary`; sizes are wanted/ready.
    #[must_use]
    pub fn summary(&self, namespace: &str, name: &str) -> String {
        let Some(observation) = self.inspector.observation(namespace, name) else {
            return "no such rollout".into();
        };
        let (status, spec) = (&observation.rollout.status, &observation.rollout.spec);
        let phase = status.phase.as_ref().map_or("-", |phase| phase.as_str());
        let mut parts = vec![[phase, &status.message].join(" ").trim_end().to_owned()];
        let steps =
            spec.strategy.as_ref().and_then(|s| s.canary.as_ref()).map_or(0, |canary| canary.steps.len());
        if let Some(index) = status.current_step_index {
            parts.push(format!("step {index}/{steps}"));
        }
        let mut sets: Vec<&ReplicaSet> = observation.replica_sets.iter().collect();
        sets.sort_by_key(|rs| (rs.revision(), rs.metadata.name.clone()));
        for rs in
            sets.iter().filter(|rs| rs.replicas > 0 || observation.ready.contains_key(&rs.metadata.name))
        {
            let ready = observation.ready.get(&rs.metadata.name).copied().unwrap_or(0);
            let image = rs.images.first().map_or("-", String::as_str);
            let tag = image_tag(image);
            let role = match rs.hash() {
                hash if hash == status.stable_rs => " stable",
                hash if hash == status.current_pod_hash => " canary",
                _ => "",
            };
            parts.push(format!("{tag} {}/{ready}{role}", rs.replicas));
        }
        parts.join("  ")
    }
}

/// Lines without colours, without blanks at their ends.
#[must_use]
pub fn plain(lines: &[Line]) -> String {
    let text = render(lines, Color::Off);
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}
