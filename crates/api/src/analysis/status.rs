//! What an AnalysisRun has measured, and its verdict.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::meta::{Time, is_default, null_default};
use crate::rollout::AnalysisPhase;

/// What a run has measured, and its verdict; zero values are not written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnalysisRunStatus {
    /// `Running`, or the verdict: `Successful`, `Failed`, `Error` or `Inconclusive`.
    pub phase: AnalysisPhase,
    /// Why the phase is what it is.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub message: String,
    /// One per metric that has been measured, in the order of their first measurement.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub metric_results: Vec<MetricResult>,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// How many metrics there are and how they ended, those of a dry run excepted.
    // Always written, as `{}` if need be.
    #[serde(default, deserialize_with = "null_default")]
    pub run_summary: RunSummary,
    /// How many metrics of a dry run there are and how they ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_run_summary: Option<RunSummary>,
    /// When it came to its verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Time>,
}

/// How many metrics there are and how they ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunSummary {
    /// Metrics of this kind.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub count: i32,
    /// Those that were successful.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub successful: i32,
    /// Those that failed.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub failed: i32,
    /// Those that came to no verdict.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub inconclusive: i32,
    /// Those that could not be measured.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub error: i32,
}

/// The measurements of one metric, and its verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetricResult {
    /// The metric's name.
    pub name: String,
    /// `Pending` or `Running`, or the verdict: `Successful`, `Failed`, `Error` or `Inconclusive`.
    pub phase: AnalysisPhase,
    /// The latest measurements, the newest last; `measurementRetention` says how many (10).
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub measurements: Vec<Measurement>,
    /// What the last measurement before the phase's change said.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub message: String,
    /// Measurements so far, without errors.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub count: i32,
    /// Successful ones.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub successful: i32,
    /// Failed ones.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub failed: i32,
    /// Inconclusive ones.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub inconclusive: i32,
    /// Measurements that ended in an error.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub error: i32,
    /// Errors in a row, up to now.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub consecutive_error: i32,
    /// Successful measurements in a row, up to now.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub consecutive_success: i32,
    /// The metric does not decide.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub dry_run: bool,
    /// What the provider tells about the metric, such as the query with its arguments filled in.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub metadata: BTreeMap<String, String>,
}

/// One measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Measurement {
    /// `Running`, or the verdict: `Successful`, `Failed`, `Error` or `Inconclusive`.
    pub phase: AnalysisPhase,
    /// What went wrong.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub message: String,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When it ended; absent while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// What was measured, as text.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub value: String,
    /// What the provider keeps or tells about it.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub metadata: BTreeMap<String, String>,
    /// When to ask the provider again, for measurements that take time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resume_at: Option<Time>,
}
