//! Routed traffic: what decisions want of a router, and what they know of it.
//!
//! Weights are shares of a maximum (100, or `maxTrafficWeight`). Which objects a router keeps them in is the router's affair: a
//! decision asks for an intent, and reads back what is routed and whether the data plane has confirmed it.

use serde::{Deserialize, Serialize};
use tidegate_api::rollout::{TrafficWeights, WeightDestination};

/// What a router shall do from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrafficIntent {
    /// The sum of all weights.
    pub max_weight: i32,
    /// Share of the new version, the Service and the ReplicaSet behind it.
    pub canary: WeightDestination,
    /// The same of the stable version.
    pub stable: WeightDestination,
    /// Whether header and mirror routes that a step has made are taken away.
    pub removes_managed_routes: bool,
}

/// Services by which traffic comes: those that have a share of it.
pub fn services(weights: &TrafficWeights) -> impl Iterator<Item = &str> {
    let destinations = [&weights.canary, &weights.stable].into_iter();
    destinations.filter(|to| to.weight > 0 && !to.service_name.is_empty()).map(|to| to.service_name.as_str())
}

impl TrafficIntent {
    /// What `status.canary.weights` records of it once it is routed.
    #[must_use]
    pub fn weights(&self, verified: Option<bool>) -> TrafficWeights {
        TrafficWeights {
            canary: self.canary.clone(),
            stable: self.stable.clone(),
            additional: Vec::new(),
            verified,
        }
    }
}

/// What a router is known to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RouterObservation {
    /// What is routed; `None` before the first intent was carried out. `verified` is absent where the data plane cannot be
    /// asked.
    pub weights: Option<TrafficWeights>,
}
