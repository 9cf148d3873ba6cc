//! Conditions of a Rollout: their shape, types and reasons.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::meta::Time;

/// One observation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// What is observed, such as `Available` or `Progressing`.
    // See `condition_type`.
    #[serde(rename = "type")]
    pub type_: String,
    /// Whether it holds: `True`, `False` or `Unknown`.
    pub status: ConditionStatus,
    /// When it was last confirmed or changed.
    pub last_update_time: Time,
    /// When `status` last changed.
    pub last_transition_time: Time,
    /// Why, in one word.
    // See `reason`.
    pub reason: String,
    /// Why, for people.
    pub message: String,
}

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// It cannot be told; also what any unknown text is read as.
    #[serde(other)]
    Unknown,
}

impl ConditionStatus {
    /// The text as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

impl From<bool> for ConditionStatus {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

impl JsonSchema for ConditionStatus {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ConditionStatus".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string"})
    }
}

/// Types of conditions.
pub mod condition_type {
    /// Enough pods are available.
    pub const AVAILABLE: &str = "Available";
    /// The update moves on.
    pub const PROGRESSING: &str = "Progressing";
    /// The update is paused.
    pub const PAUSED: &str = "Paused";
    /// The newest version is the stable one.
    pub const COMPLETED: &str = "Completed";
    /// The newest version is stable, complete and available.
    pub const HEALTHY: &str = "Healthy";
    /// The spec is invalid; nothing is done.
    pub const INVALID_SPEC: &str = "InvalidSpec";
    /// A ReplicaSet could not make its pods.
    pub const REPLICA_FAILURE: &str = "ReplicaFailure";
}

/// Reasons of conditions. `ReplicaFailure` takes its reason from the ReplicaSet.
pub mod reason {
    /// Of `InvalidSpec`.
    pub const INVALID_SPEC: &str = "InvalidSpec";
    /// Of `Available`, true and false.
    pub const AVAILABLE: &str = "AvailableReason";
    /// Of `Healthy`, true and false.
    pub const ROLLOUT_HEALTHY: &str = "RolloutHealthy";
    /// Of `Completed`, true and false.
    pub const ROLLOUT_COMPLETED: &str = "RolloutCompleted";
    /// Of `Paused`, true and false, and of `Progressing`.
    pub const ROLLOUT_PAUSED: &str = "RolloutPaused";
    /// Of `Progressing`: the pause is over.
    pub const ROLLOUT_RESUMED: &str = "RolloutResumed";
    /// Of `Progressing`: tried again after an abort.
    pub const ROLLOUT_RETRY: &str = "RolloutRetry";
    /// Of `Progressing`: aborted.
    pub const ROLLOUT_ABORTED: &str = "RolloutAborted";
    /// Of `Progressing`: the new version has a ReplicaSet.
    pub const NEW_REPLICA_SET_CREATED: &str = "NewReplicaSetCreated";
    /// Of `Progressing`: the new version could get no ReplicaSet.
    pub const REPLICA_SET_CREATE_ERROR: &str = "ReplicaSetCreateError";
    /// Of no condition, only of events: a request was refused.
    pub const RECONCILIATION_ERROR: &str = "ReconciliationError";
    /// Of `Progressing`: an existing ReplicaSet runs the new version.
    pub const FOUND_NEW_REPLICA_SET: &str = "FoundNewReplicaSet";
    /// Of `Progressing`: the update is done.
    pub const NEW_REPLICA_SET_AVAILABLE: &str = "NewReplicaSetAvailable";
    /// Of `Progressing`: something moved.
    pub const REPLICA_SET_UPDATED: &str = "ReplicaSetUpdated";
    /// Of `Progressing`: a finished Rollout lost pods.
    pub const REPLICA_SET_NOT_AVAILABLE: &str = "ReplicaSetNotAvailable";
    /// Of `Progressing`: nothing moved for too long.
    pub const PROGRESS_DEADLINE_EXCEEDED: &str = "ProgressDeadlineExceeded";
}
