//! References from a Rollout to analysis templates, with their arguments.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PodMetadata;
use crate::meta::{is_default, null_default};
use crate::open_enum::open_enum;

/// Templates to run and the arguments to give them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RolloutAnalysis {
    /// Templates whose metrics make up the run.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub templates: Vec<AnalysisTemplateRef>,
    /// Values for the templates' arguments.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub args: Vec<AnalysisArgument>,
    /// Metrics that are measured but do not decide.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub dry_run: Vec<DryRun>,
    /// How many measurements of a metric the run keeps.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub measurement_retention: Vec<MeasurementRetention>,
    /// Labels and annotations of the AnalysisRun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub analysis_run_metadata: Option<PodMetadata>,
}

/// Analysis that runs beside the steps of a canary.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackgroundAnalysis {
    /// What to run.
    #[serde(flatten)]
    pub analysis: RolloutAnalysis,
    /// Index of the step from which it runs, the first being 0; default 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starting_step: Option<i32>,
}

/// Names an AnalysisTemplate or ClusterAnalysisTemplate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnalysisTemplateRef {
    /// The template's name.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub template_name: String,
    /// Whether it is a ClusterAnalysisTemplate; default false.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub cluster_scope: bool,
}

/// A value for an argument of a template.
///
/// Upstream's `AnalysisRunArgument`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnalysisArgument {
    /// The argument's name.
    pub name: String,
    /// The value itself.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub value: String,
    /// Where to find the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_from: Option<ArgumentSource>,
}

/// Where to find the value of an argument.
///
/// Upstream's `ArgumentValueFrom`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ArgumentSource {
    /// The pod-template hash of one of the two versions: `Stable`, or `Latest` for the new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_template_hash_value: Option<PodTemplateHashValue>,
    /// A field of the Rollout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field_ref: Option<FieldRef>,
}

open_enum! {
    /// Which version's pod-template hash an argument takes.
    PodTemplateHashValue {
        /// The stable version's.
        Stable = "Stable",
        /// The new version's.
        Latest = "Latest",
    }
}

/// A field of the Rollout.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FieldRef {
    /// `metadata.*` as in the downward API, any other path (dots and `[i]`) in the Rollout's JSON.
    pub field_path: String,
}

/// Metrics that are measured but do not decide.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DryRun {
    /// A regular expression over metric names, such as `latency` or `.*`.
    pub metric_name: String,
}

/// How many measurements of a metric a run keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MeasurementRetention {
    /// A regular expression over metric names, such as `latency` or `.*`.
    pub metric_name: String,
    /// Measurements to keep, the newest ones; where no rule matches: 10.
    pub limit: i32,
}
