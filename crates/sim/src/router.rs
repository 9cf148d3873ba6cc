//! A router that stands in for all others: it keeps weights in a ConfigMap `<rollout>-traffic`.
//!
//! Every world has it unless told otherwise, and follows whatever `trafficRouting` names by it: what decisions do with weights can be
//! seen before any real router is written. It starts from `status.canary.weights` where nothing is kept yet, so that a
//! Rollout whose traffic was routed by another controller is taken over with its weights.

mod stand_in;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate_api::rollout::{Rollout, TrafficWeights, WeightDestination};
use tidegate_core::TrafficIntent;

pub(crate) use stand_in::StandIn;

/// How the router of a world behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Routing {
    /// How long after a change the data plane confirms it; `None`: it cannot be asked.
    pub confirmation: Option<Duration>,
    /// Every so many changes one is refused; `None`: none.
    pub refusal: Option<u64>,
}

/// Name of the ConfigMap that keeps a Rollout's weights.
pub(crate) fn config_map_name(rollout: &str) -> String {
    format!("{rollout}-traffic")
}

fn config_map(rollout: &Rollout, intent: &TrafficIntent, now: Timestamp) -> Value {
    let metadata = &rollout.metadata;
    let mut data = json!({"max": intent.max_weight.to_string(), "changed": now.to_string()});
    for (role, to) in [("canary", &intent.canary), ("stable", &intent.stable)] {
        data[format!("{role}.weight")] = json!(to.weight.to_string());
        data[format!("{role}.service")] = json!(to.service_name);
        data[format!("{role}.hash")] = json!(to.pod_template_hash);
    }
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": config_map_name(&metadata.name),
            "namespace": metadata.namespace,
            "ownerReferences": [{
                "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": metadata.name,
                "uid": metadata.uid, "controller": true, "blockOwnerDeletion": true,
            }],
        },
        "data": data,
    })
}

/// What such a ConfigMap says; `None`: it says nothing.
pub(crate) fn weights_of(config_map: &Value) -> Option<TrafficWeights> {
    let text = |role: &str, key: &str| config_map["data"][format!("{role}.{key}")].as_str();
    let destination = |role: &str| {
        Some(WeightDestination {
            weight: text(role, "weight")?.parse().ok()?,
            service_name: text(role, "service")?.to_owned(),
            pod_template_hash: text(role, "hash")?.to_owned(),
        })
    };
    Some(TrafficWeights {
        canary: destination("canary")?,
        stable: destination("stable")?,
        additional: Vec::new(),
        verified: None,
    })
}
