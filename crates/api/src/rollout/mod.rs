//! The Rollout: what a user asks for (`spec`), and what is known about it (`status`).
//!
//! In reading order: `spec` (common members), `strategy` (blue-green and canary), `steps` (canary steps), `analysis`
//! (references to analysis), `traffic_routing` (routers), `status`, `conditions` (condition types and reasons).

mod analysis;
mod conditions;
mod spec;
mod status;
mod steps;
mod strategy;
#[cfg(test)]
mod tests;
mod traffic_routing;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use analysis::*;
pub use conditions::*;
pub use spec::*;
pub use status::*;
pub use steps::*;
pub use strategy::*;
pub use traffic_routing::*;

use crate::meta::{ObjectMeta, null_default};

/// Group and version of all our resources.
pub const API_VERSION: &str = "argoproj.io/v1alpha1";

/// Kind of a Rollout.
pub const KIND: &str = "Rollout";

/// A workload that changes versions step by step, and goes back where the new one fails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rollout {
    /// Group and version: `argoproj.io/v1alpha1`.
    // Items of a list come without it.
    #[serde(default = "api_version")]
    pub api_version: String,
    /// `Rollout`.
    // Items of a list come without it.
    #[serde(default = "kind")]
    pub kind: String,
    /// Name, namespace, labels, annotations, ...
    #[serde(default)]
    #[schemars(skip)]
    pub metadata: ObjectMeta,
    /// What is asked for.
    pub spec: RolloutSpec,
    /// What the controller, and a few client commands, have recorded.
    #[serde(default, deserialize_with = "null_default")]
    pub status: RolloutStatus,
}

impl Default for Rollout {
    fn default() -> Self {
        Self {
            api_version: api_version(),
            kind: kind(),
            metadata: ObjectMeta::default(),
            spec: RolloutSpec::default(),
            status: RolloutStatus::default(),
        }
    }
}

fn api_version() -> String {
    API_VERSION.to_owned()
}

fn kind() -> String {
    KIND.to_owned()
}
