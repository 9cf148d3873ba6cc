//! The Experiment: pod templates that run beside each other for a while, and analyses that judge them.
//!
//! In reading order: `spec` (what is asked for), `status` (what is known about it).

mod spec;
mod status;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use spec::*;
pub use status::*;

use crate::meta::{ObjectMeta, null_default};
use crate::rollout::API_VERSION;

/// Kind of an Experiment.
pub const KIND: &str = "Experiment";

/// Runs pod templates beside each other for a while, and analyses that judge them. Made by experiment steps, or by hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Experiment {
    /// Group and version: `argoproj.io/v1alpha1`.
    #[serde(default = "api_version")]
    pub api_version: String,
    /// `Experiment`.
    #[serde(default = "kind")]
    pub kind: String,
    /// Name, namespace, labels, annotations, ...
    #[serde(default)]
    #[schemars(skip)]
    pub metadata: ObjectMeta,
    /// What is asked for.
    pub spec: ExperimentSpec,
    /// What the controller has recorded.
    #[serde(default, deserialize_with = "null_default")]
    pub status: ExperimentStatus,
}

impl Default for Experiment {
    fn default() -> Self {
        Self {
            api_version: api_version(),
            kind: kind(),
            metadata: ObjectMeta::default(),
            spec: ExperimentSpec::default(),
            status: ExperimentStatus::default(),
        }
    }
}

fn api_version() -> String {
    API_VERSION.to_owned()
}

fn kind() -> String {
    KIND.to_owned()
}
