//! What is known about an Experiment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::meta::{Time, is_default, null_default};
use crate::open_enum::open_enum;
use crate::rollout::{AnalysisPhase, Condition};

/// What is known about an Experiment; zero values are not written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExperimentStatus {
    /// `Pending`, `Running`, or the verdict: `Successful`, `Failed`, `Error` or `Inconclusive`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<AnalysisPhase>,
    /// Why the phase is what it is.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub message: String,
    /// When all pods were available for the first time; `duration` counts from here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available_at: Option<Time>,
    /// Observations, the latest changed last.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub conditions: Vec<Condition>,
    /// One per template of the spec.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub template_statuses: Vec<TemplateStatus>,
    /// One per analysis of the spec.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub analysis_runs: Vec<ExperimentAnalysisRun>,
}

/// What is known about one template.
///
/// Its numbers are always written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateStatus {
    /// Name of the template.
    pub name: String,
    /// Pods of its ReplicaSet.
    pub replicas: i32,
    /// Pods that run the template.
    pub updated_replicas: i32,
    /// Ready pods.
    pub ready_replicas: i32,
    /// Available pods.
    pub available_replicas: i32,
    /// How often its name met a foreign ReplicaSet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collision_count: Option<i32>,
    /// The state in one word: `Progressing`, `Running`, `Successful`, `Failed` or `Error`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<TemplatePhase>,
    /// Why.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub message: String,
    /// When it last made progress; the deadline counts from here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_transition_time: Option<Time>,
    /// Its Service.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub service_name: String,
    /// The pod-template hash that its Service selects.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub pod_template_hash: String,
}

open_enum! {
    /// The state of an Experiment's template in one word; upstream's `TemplateStatusCode`.
    TemplatePhase {
        /// Pods are still missing.
        Progressing = "Progressing",
        /// All pods are available.
        Running = "Running",
        /// Ran to the end.
        Successful = "Successful",
        /// Missed its deadline.
        Failed = "Failed",
        /// Could not be set up.
        Error = "Error",
    }
}

/// An AnalysisRun of an Experiment.
///
/// Upstream's `ExperimentAnalysisRunStatus`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExperimentAnalysisRun {
    /// Name of the analysis.
    pub name: String,
    /// Name of its AnalysisRun; empty before it is made.
    pub analysis_run: String,
    /// Its phase: `Pending`, `Running`, or its verdict.
    pub phase: AnalysisPhase,
    /// Its message.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub message: String,
}
