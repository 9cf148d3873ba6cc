//! AnalysisRun: what to measure this time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AnalysisRunStatus, Argument, Metric};
use crate::meta::{ObjectMeta, is_default, null_default};
use crate::rollout::{DryRun, MeasurementRetention};

/// Kind of an AnalysisRun.
pub const RUN_KIND: &str = "AnalysisRun";

/// Measures metrics and comes to a verdict. Made by Rollouts and Experiments from templates, or by hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnalysisRun {
    /// Group and version: `argoproj.io/v1alpha1`.
    #[serde(default = "super::template::api_version")]
    pub api_version: String,
    /// `AnalysisRun`.
    #[serde(default = "kind")]
    pub kind: String,
    /// Name, namespace, labels, annotations, ...
    #[serde(default)]
    #[schemars(skip)]
    pub metadata: ObjectMeta,
    /// What to measure and how to judge it.
    pub spec: AnalysisRunSpec,
    /// What has been measured, and the verdict.
    // `phase` is required within it, so an absent status must stay absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<AnalysisRunStatus>,
}

impl Default for AnalysisRun {
    fn default() -> Self {
        Self {
            api_version: super::template::api_version(),
            kind: kind(),
            metadata: ObjectMeta::default(),
            spec: AnalysisRunSpec::default(),
            status: None,
        }
    }
}

fn kind() -> String {
    RUN_KIND.to_owned()
}

/// What to measure and how to judge it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("required" = ["metrics"]))]
pub struct AnalysisRunSpec {
    /// What is measured; at least one.
    #[serde(default, deserialize_with = "null_default")]
    pub metrics: Vec<Metric>,
    /// Values of the arguments that metrics refer to as `{{args.<name>}}`.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub args: Vec<Argument>,
    /// Ends the run now; never taken back.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub terminate: bool,
    /// Metrics that are measured but do not decide.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub dry_run: Vec<DryRun>,
    /// How many measurements of a metric the run keeps.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub measurement_retention: Vec<MeasurementRetention>,
    /// When the finished run is deleted; default never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_strategy: Option<TtlStrategy>,
}

/// When a finished run is deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TtlStrategy {
    /// Seconds after its end, whatever its verdict; where no other member applies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_after_completion: Option<i32>,
    /// Seconds after its end, if it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_after_failure: Option<i32>,
    /// Seconds after its end, if it was successful.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_after_success: Option<i32>,
}
