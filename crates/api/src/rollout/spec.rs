//! Members of the spec that both strategies share.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Strategy;
use crate::meta::{LabelSelector, Time, is_default, null_default};
use crate::open_enum::open_enum;

/// A pod template exactly as stored: kept as JSON, because the hash depends on what is stored and nothing may be lost.
pub type PodTemplate = Value;

/// What a user asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RolloutSpec {
    /// Pods wanted; default 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Selects the pods and ReplicaSets; immutable once set, and optional only with `workloadRef`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend(
        "x-kubernetes-validations" = [{"rule": "self == oldSelf", "message": ".spec.selector is immutable"}]
    ))]
    pub selector: Option<LabelSelector>,
    /// The pods to run; not together with `workloadRef`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::crd::pod_template")]
    pub template: Option<PodTemplate>,
    /// The Deployment, ReplicaSet or PodTemplate that gives the pod template instead of `template`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload_ref: Option<WorkloadRef>,
    /// Seconds a new pod must be ready before it counts as available; default 0.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub min_ready_seconds: i32,
    /// How far back a rollback skips the steps; default: not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback_window: Option<RollbackWindow>,
    /// How to change versions: `canary` or `blueGreen`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
    /// Old scaled-down ReplicaSets to keep; default 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision_history_limit: Option<i32>,
    /// A user's pause: nothing moves on until it is false again.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub paused: bool,
    /// Seconds without progress after which the Rollout is Degraded; default 600.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress_deadline_seconds: Option<i32>,
    /// Whether exceeding the progress deadline aborts the update; default false.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub progress_deadline_abort: bool,
    /// Pods created before this time (RFC 3339) are restarted once it is reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart_at: Option<Time>,
    /// How many finished AnalysisRuns and Experiments to keep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub analysis: Option<AnalysisHistory>,
}

impl RolloutSpec {
    /// Pods wanted; 1 if absent.
    pub fn replicas_or_default(&self) -> i32 {
        self.replicas.unwrap_or(1)
    }

    /// Old scaled-down ReplicaSets to keep; 10 if absent.
    pub fn revision_history_limit_or_default(&self) -> i32 {
        self.revision_history_limit.unwrap_or(10)
    }

    /// Seconds without progress after which the Rollout is Degraded; 600 if absent.
    pub fn progress_deadline_seconds_or_default(&self) -> i32 {
        self.progress_deadline_seconds.unwrap_or(600)
    }
}

/// Names the object that gives the pod template: a Deployment, ReplicaSet or PodTemplate.
///
/// Upstream's `ObjectRef`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadRef {
    /// Group and version, such as `apps/v1`.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub api_version: String,
    /// Kind, such as `Deployment`.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub kind: String,
    /// Name, in the Rollout's namespace.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub name: String,
    /// When the referenced Deployment is scaled down: `never`, `onsuccess` (once the Rollout is healthy) or `progressively` (as its
    /// pods become ready); default never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_down: Option<WorkloadScaleDown>,
}

open_enum! {
    /// When the Deployment behind a `workloadRef` is scaled down; unknown texts act as `Never`.
    WorkloadScaleDown {
        /// It is left alone.
        Never = "never",
        /// Once the Rollout is healthy.
        OnSuccess = "onsuccess",
        /// As the Rollout's pods become ready.
        Progressively = "progressively",
    }
}

/// How far back a rollback skips the steps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RollbackWindow {
    /// Number of revisions; default 0 = off.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub revisions: i32,
}

/// How many finished AnalysisRuns and, separately, Experiments to keep.
///
/// Upstream's `AnalysisRunStrategy`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnalysisHistory {
    /// Successful ones; default 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub successful_run_history_limit: Option<i32>,
    /// Failed, errored and inconclusive ones; default 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsuccessful_run_history_limit: Option<i32>,
}

impl AnalysisHistory {
    /// Successful runs to keep; 5 if absent.
    pub fn successful_run_history_limit_or_default(&self) -> i32 {
        self.successful_run_history_limit.unwrap_or(5)
    }

    /// Failed, errored and inconclusive runs to keep; 5 if absent.
    pub fn unsuccessful_run_history_limit_or_default(&self) -> i32 {
        self.unsuccessful_run_history_limit.unwrap_or(5)
    }
}
