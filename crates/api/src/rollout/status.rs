//! What is known about a Rollout. Written by the controller; `abort`, `promoteFull`, `pauseConditions` and
//! `currentStepIndex` also by users, through client commands.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Condition, ConditionStatus};
use crate::meta::{Time, is_default, null_default};
use crate::open_enum::open_enum;

/// What is known about a Rollout; zero values are not written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RolloutStatus {
    /// The update is aborted; set by users and by failures.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub abort: bool,
    /// When the abort was first seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aborted_at: Option<Time>,
    /// Why the controller pauses; users clear the list to resume.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub pause_conditions: Vec<PauseCondition>,
    /// The controller has paused; with an empty `pauseConditions`: a user has resumed and it is not yet handled.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub controller_pause: bool,
    /// A user wants the new version at once.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub promote_full: bool,
    /// Pod-template hash of the newest ReplicaSet.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub current_pod_hash: String,
    /// Hash of the canary steps; empty for blue-green.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub current_step_hash: String,
    /// Pods of all ReplicaSets.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub replicas: i32,
    /// Pods of the newest ReplicaSet.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub updated_replicas: i32,
    /// Ready pods of all ReplicaSets; of the active one for blue-green.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub ready_replicas: i32,
    /// Available pods of all ReplicaSets; of the active one for blue-green.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub available_replicas: i32,
    /// 0-based index of the step being executed, the number of steps when done; absent without steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_step_index: Option<i32>,
    /// How often the pod-template hash met a foreign ReplicaSet.
    ///
    /// Absent and 0 give different hashes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collision_count: Option<i32>,
    /// Decimal of the `metadata.generation` last acted on.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub observed_generation: String,
    /// Observations, the latest changed last.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub conditions: Vec<Condition>,
    /// Of the canary strategy.
    // Always written.
    #[serde(default, deserialize_with = "null_default")]
    pub canary: CanaryStatus,
    /// Of the blue-green strategy.
    // Always written.
    #[serde(default, deserialize_with = "null_default")]
    pub blue_green: BlueGreenStatus,
    /// Pods an autoscaler counts.
    #[serde(
        rename = "HPAReplicas",
        default,
        deserialize_with = "null_default",
        skip_serializing_if = "is_default"
    )]
    pub hpa_replicas: i32,
    /// Text of the label selector of the pods an autoscaler counts.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub selector: String,
    /// Pod-template hash of the stable ReplicaSet; empty before the first success.
    #[serde(
        rename = "stableRS",
        default,
        deserialize_with = "null_default",
        skip_serializing_if = "is_default"
    )]
    pub stable_rs: String,
    /// The last `spec.restartAt` that was carried out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restarted_at: Option<Time>,
    /// The state in one word: `Healthy`, `Progressing`, `Paused` or `Degraded`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// Why the phase is what it is; empty when healthy.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub message: String,
    /// Decimal generation of the `workloadRef` object last acted on.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub workload_observed_generation: String,
    /// The load balancer of a single ALB Ingress.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alb: Option<AlbStatus>,
    /// The load balancers of several ALB Ingresses.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub albs: Vec<AlbStatus>,
    /// When the update began and ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<RolloutDuration>,
}

impl RolloutStatus {
    /// The condition of type `type_`, one of [`condition_type`](super::condition_type).
    pub fn condition(&self, type_: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.type_ == type_)
    }

    /// Whether the condition of type `type_` exists with status True.
    pub fn condition_is_true(&self, type_: &str) -> bool {
        self.condition(type_).is_some_and(|condition| condition.status == ConditionStatus::True)
    }
}

open_enum! {
    /// The state of a Rollout in one word.
    Phase {
        /// The newest version is stable and complete.
        Healthy = "Healthy",
        /// Aborted, invalid or stuck.
        Degraded = "Degraded",
        /// On the way.
        Progressing = "Progressing",
        /// Waits for a human or a timer.
        Paused = "Paused",
    }
}

/// One reason why the controller pauses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PauseCondition {
    /// Why: `CanaryPauseStep`, `BlueGreenPause`, `InconclusiveAnalysisRun` or `InconclusiveExperiment`.
    pub reason: PauseReason,
    /// Since when.
    pub start_time: Time,
}

open_enum! {
    /// Why the controller pauses.
    PauseReason {
        /// A pause step.
        CanaryPauseStep = "CanaryPauseStep",
        /// Before a blue-green promotion.
        BlueGreenPause = "BlueGreenPause",
        /// An analysis came to no verdict.
        InconclusiveAnalysisRun = "InconclusiveAnalysisRun",
        /// An experiment came to no verdict.
        InconclusiveExperiment = "InconclusiveExperiment",
    }
}

/// Status of the canary strategy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CanaryStatus {
    /// The run of the current analysis step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_step_analysis_run_status: Option<AnalysisRunSummary>,
    /// The background run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_background_analysis_run_status: Option<AnalysisRunSummary>,
    /// Name of the current step's Experiment while it is not finished.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub current_experiment: String,
    /// What was last sent to the router; absent without traffic routing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<TrafficWeights>,
    /// Which of the two ping-pong Services is the stable one: `ping` or `pong`; absent = pong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stable_ping_pong: Option<PingPongRole>,
    /// What the step plugins have reported.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub step_plugin_statuses: Vec<StepPluginStatus>,
}

/// Status of the blue-green strategy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BlueGreenStatus {
    /// Pod-template hash that the preview Service selects.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub preview_selector: String,
    /// Pod-template hash that the active Service selects.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub active_selector: String,
    /// The stage with `previewReplicaCount` pods is passed.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub scale_up_preview_check_point: bool,
    /// The run before the switch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pre_promotion_analysis_run_status: Option<AnalysisRunSummary>,
    /// The run after the switch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_promotion_analysis_run_status: Option<AnalysisRunSummary>,
}

/// An AnalysisRun in short.
///
/// Upstream's `RolloutAnalysisRunStatus`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnalysisRunSummary {
    /// Its name.
    pub name: String,
    /// Its phase: `Pending`, `Running`, or its verdict.
    pub status: AnalysisPhase,
    /// Its message.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub message: String,
}

open_enum! {
    /// How far an AnalysisRun or Experiment is, and its verdict.
    AnalysisPhase {
        /// Not yet begun.
        Pending = "Pending",
        /// Measuring.
        Running = "Running",
        /// Passed.
        Successful = "Successful",
        /// Failed.
        Failed = "Failed",
        /// Could not measure.
        Error = "Error",
        /// Neither passed nor failed.
        Inconclusive = "Inconclusive",
    }
}

impl AnalysisPhase {
    /// Whether there is a verdict, or will be none.
    pub fn is_completed(&self) -> bool {
        matches!(self, Self::Successful | Self::Failed | Self::Error | Self::Inconclusive)
    }
}

/// The weights last sent to a router.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrafficWeights {
    /// Of the new version.
    pub canary: WeightDestination,
    /// Of the stable version.
    pub stable: WeightDestination,
    /// Of experiments' templates.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub additional: Vec<WeightDestination>,
    /// Whether the data plane has confirmed them; absent = cannot be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<bool>,
}

/// A share of the traffic and where it goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WeightDestination {
    /// Percent, or 0 to `maxTrafficWeight` where that is set.
    pub weight: i32,
    /// Name of the Service.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub service_name: String,
    /// Pod-template hash of the ReplicaSet behind it.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub pod_template_hash: String,
}

open_enum! {
    /// One of the two ping-pong Services.
    PingPongRole {
        /// `pingPong.pingService`.
        Ping = "ping",
        /// `pingPong.pongService`.
        Pong = "pong",
    }
}

/// What a step plugin has reported about one operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepPluginStatus {
    /// 0-based index of the step.
    pub index: i32,
    /// Name of the plugin.
    pub name: String,
    /// Why it was called last.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub message: String,
    /// How far it is: `Running`, `Successful`, `Failed` or `Error`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<StepPluginPhase>,
    /// What it is asked to do: `Run`, `Terminate` or `Abort`.
    pub operation: StepPluginOperation,
    /// When the operation began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When it was called last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Time>,
    /// When the operation ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// How long until the next call, such as `30s`.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub backoff: String,
    /// Calls so far.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub executions: i32,
    /// The controller is configured not to call it.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub disabled: bool,
    /// The plugin's own state, any object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::crd::free_form")]
    pub status: Option<Value>,
}

open_enum! {
    /// How far a step plugin's operation is.
    StepPluginPhase {
        /// To be called again.
        Running = "Running",
        /// Done.
        Successful = "Successful",
        /// Failed for good.
        Failed = "Failed",
        /// Failed, to be tried again.
        Error = "Error",
    }
}

open_enum! {
    /// What a step plugin is asked to do.
    StepPluginOperation {
        /// The step.
        Run = "Run",
        /// End a running step early, for a full promotion.
        Terminate = "Terminate",
        /// Undo, for an abort.
        Abort = "Abort",
    }
}

/// A load balancer and its target groups.
///
/// Upstream's `ALBStatus`, whose references are always written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlbStatus {
    /// The load balancer.
    #[serde(default, deserialize_with = "null_default")]
    pub load_balancer: AwsResourceRef,
    /// Target group of the canary Service.
    #[serde(default, deserialize_with = "null_default")]
    pub canary_target_group: AwsResourceRef,
    /// Target group of the stable Service.
    #[serde(default, deserialize_with = "null_default")]
    pub stable_target_group: AwsResourceRef,
    /// The Ingress it belongs to.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub ingress: String,
}

/// Names a resource of AWS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AwsResourceRef {
    /// Its name.
    pub name: String,
    /// Its Amazon resource name.
    pub arn: String,
    /// Its name as metrics show it, the end of the ARN.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub full_name: String,
}

/// When an update began and ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RolloutDuration {
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout_started_at: Option<Time>,
    /// When the pause that waits for a human began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manual_pause_started_at: Option<Time>,
    /// Seconds spent waiting for humans, without the pause that still lasts.
    ///
    /// Absent before the first such pause has ended, and 0 after one of less than a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_manual_pause_duration_seconds: Option<i64>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// How it ended: `Promoted`, `FastPromoted`, `Aborted`, `RolledBack` or `FastRolledBack`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion_status: Option<CompletionStatus>,
}

open_enum! {
    /// How an update ended.
    CompletionStatus {
        /// All steps done.
        Promoted = "Promoted",
        /// A user promoted it in full.
        FastPromoted = "FastPromoted",
        /// Aborted.
        Aborted = "Aborted",
        /// The template went back to an older version.
        RolledBack = "RolledBack",
        /// The template went back to the stable version.
        FastRolledBack = "FastRolledBack",
        /// A newer update took its place; in metrics and logs only.
        Superseded = "Superseded",
    }
}
