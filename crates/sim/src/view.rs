//! What people see of a world.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use tidegate_api::labels;
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

    /// Which versions answer the requests that a Rollout's route distributes, by weight and by ready pods behind each Service;
    /// `None`: it has no route.
    #[must_use]
    pub fn routed_groups(&self, namespace: &str, rollout: &str) -> Option<Vec<TrafficGroup>> {
        let weights = self.inspector.observation(namespace, rollout)?.routed?;
        let mut groups: BTreeMap<String, u64> = BTreeMap::new();
        for to in [weights.canary, weights.stable].iter().filter(|to| to.weight > 0) {
            let weight = u64::try_from(to.weight).unwrap_or(0) * 1_000_000;
            let behind = self.traffic_groups(namespace, &to.service_name);
            let pods: u64 = behind.iter().map(|group| group.count).sum();
            if pods == 0 {
                *groups.entry("nobody".to_owned()).or_default() += weight;
            }
            for group in behind.into_iter().filter(|group| group.count > 0) {
                *groups.entry(group.name).or_default() += weight * group.count / pods;
            }
        }
        Some(groups.into_iter().map(|(name, count)| TrafficGroup { name, count }).collect())
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

    /// Rollout and ReplicaSets in one line: `Paused CanaryPauseStep  step 1/8  blue 4/4 stable  yellow 1/1 canary`; sizes are wanted/ready.
    /// A routed canary shows the weight of the new version; a ReplicaSet that waits for its scale-down says `delay`.
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
        if let Some(weights) = &observation.routed {
            parts.push(format!("weight {}", weights.canary.weight));
        }
        let mut sets: Vec<&ReplicaSet> = observation.replica_sets.iter().collect();
        sets.sort_by_key(|rs| (rs.revision(), rs.metadata.name.clone()));
        for rs in
            sets.iter().filter(|rs| rs.replicas > 0 || observation.ready.contains_key(&rs.metadata.name))
        {
            let ready = observation.ready.get(&rs.metadata.name).copied().unwrap_or(0);
            let image = rs.images.first().map_or("-", String::as_str);
            let roles = roles(&observation.rollout, rs).join(",");
            let part = format!("{} {}/{ready} {roles}", image_tag(image), rs.replicas);
            parts.push(part.trim_end().to_owned());
        }
        parts.join("  ")
    }
}

/// What a ReplicaSet is to its Rollout.
fn roles(rollout: &Rollout, rs: &ReplicaSet) -> Vec<&'static str> {
    let status = &rollout.status;
    let is_blue_green = rollout.spec.strategy.as_ref().is_some_and(|strategy| strategy.blue_green.is_some());
    let is_new = rs.hash() == status.current_pod_hash && rs.hash() != status.stable_rs;
    let is_active = is_blue_green && rs.hash() == status.blue_green.active_selector;
    let roles = [
        ("stable", rs.hash() == status.stable_rs),
        ("active", is_active),
        ("canary", is_new && !is_blue_green),
        ("preview", is_new && is_blue_green && !is_active),
        ("delay", rs.metadata.annotations.contains_key(labels::SCALE_DOWN_DEADLINE)),
    ];
    roles.into_iter().filter_map(|(role, holds)| holds.then_some(role)).collect()
}

/// Lines without colours, without blanks at their ends.
#[must_use]
pub fn plain(lines: &[Line]) -> String {
    let text = render(lines, Color::Off);
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}
