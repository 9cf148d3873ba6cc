//! The two strategies.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BackgroundAnalysis, CanaryStep, RolloutAnalysis, TrafficRouting};
use crate::meta::{IntOrString, is_default, null_default};
use crate::open_enum::open_enum;

/// How to change versions; validation wants exactly one of the two.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Strategy {
    /// Two full sets of pods and a switch between them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blue_green: Option<BlueGreenStrategy>,
    /// A growing share of the new version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<CanaryStrategy>,
}

/// Two full sets of pods and a switch between them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("required" = ["activeService"]))]
pub struct BlueGreenStrategy {
    /// Service that is switched at promotion.
    // Required by the schema; a file under lint may lack it.
    #[serde(default, deserialize_with = "null_default")]
    pub active_service: String,
    /// Service that selects the newest ReplicaSet.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub preview_service: String,
    /// Pods of the new version before promotion; default `spec.replicas`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preview_replica_count: Option<i32>,
    /// Whether promotion happens without a human; default true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_promotion_enabled: Option<bool>,
    /// Seconds between the start of the pause and automatic promotion; default 0 = no pause.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub auto_promotion_seconds: i32,
    /// Pods that a restart may make unavailable: a number, or percent of `spec.replicas` (`25%`), rounded down. Default 25%.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_unavailable: Option<IntOrString>,
    /// Seconds before the old ReplicaSet goes to 0 after the switch; default 30, 0 = at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_down_delay_seconds: Option<i32>,
    /// Old ReplicaSets that may stay up during the delay; default unlimited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_down_delay_revision_limit: Option<i32>,
    /// Seconds before the preview goes to 0 after an abort; default 30, 0 = never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abort_scale_down_delay_seconds: Option<i32>,
    /// Analysis before the switch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pre_promotion_analysis: Option<RolloutAnalysis>,
    /// Keeps new pods off nodes of the stable version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anti_affinity: Option<AntiAffinity>,
    /// Analysis after the switch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_promotion_analysis: Option<RolloutAnalysis>,
    /// Labels and annotations of pods while they are the preview.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preview_metadata: Option<PodMetadata>,
    /// Labels and annotations of pods while they are active.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_metadata: Option<PodMetadata>,
}

impl BlueGreenStrategy {
    /// Pods out of `replicas` that a restart may make unavailable: rounded down, at most `replicas`.
    pub fn max_unavailable(&self, replicas: i32) -> i32 {
        count_of(self.max_unavailable.as_ref(), replicas, false).min(replicas)
    }
}

/// A growing share of the new version, by replica counts or by a traffic router.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CanaryStrategy {
    /// Service that selects the new version.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub canary_service: String,
    /// Service that selects the stable version.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub stable_service: String,
    /// What to do on the way from the stable to the new version; none = an ordinary rolling update.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub steps: Vec<CanaryStep>,
    /// Routers; presence alone (even `{}`) means that weights are routed and not made by replica counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traffic_routing: Option<TrafficRouting>,
    /// Pods that may be missing below `spec.replicas`: a number, or percent of them (`25%`), rounded down. Default 25%.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_unavailable: Option<IntOrString>,
    /// Pods allowed above `spec.replicas`, without traffic routing only: a number, or percent of them (`25%`), rounded up. Default
    /// 25%.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_surge: Option<IntOrString>,
    /// Analysis that runs beside the steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub analysis: Option<BackgroundAnalysis>,
    /// Keeps new pods off nodes of the stable version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anti_affinity: Option<AntiAffinity>,
    /// Labels and annotations of pods while they are the canary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary_metadata: Option<PodMetadata>,
    /// Labels and annotations of pods while they are stable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stable_metadata: Option<PodMetadata>,
    /// Seconds before the previous stable ReplicaSet goes to 0; default 30 with traffic routing, otherwise 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_down_delay_seconds: Option<i32>,
    /// Old ReplicaSets that may stay up during the delay; default unlimited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_down_delay_revision_limit: Option<i32>,
    /// Seconds before the canary goes to 0 after an abort; default 30 with traffic routing, 0 = never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abort_scale_down_delay_seconds: Option<i32>,
    /// Whether stable shrinks as traffic leaves it; default false.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub dynamic_stable_scale: bool,
    /// Two Services that take turns as stable and canary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ping_pong: Option<PingPong>,
    /// Floor of a ReplicaSet's non-zero count, at most `spec.replicas`; with traffic routing only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_pods_per_replica_set: Option<i32>,
    /// Available pods that suffice for a step to count as done; default: all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica_progress_threshold: Option<ReplicaProgressThreshold>,
}

impl CanaryStrategy {
    /// Pods allowed above `replicas`: rounded up, 25 % if absent.
    pub fn max_surge(&self, replicas: i32) -> i32 {
        count_of(self.max_surge.as_ref(), replicas, true)
    }

    /// Pods that may be missing below `replicas`: rounded down, 25 % if absent, 1 where surge and this are both 0 (nothing
    /// could move otherwise), and at most `replicas`.
    pub fn max_unavailable(&self, replicas: i32) -> i32 {
        let unavailable = count_of(self.max_unavailable.as_ref(), replicas, false);
        let stuck = unavailable == 0 && self.max_surge(replicas) == 0;
        if stuck { 1.min(replicas) } else { unavailable.min(replicas) }
    }
}

fn count_of(value: Option<&IntOrString>, replicas: i32, round_up: bool) -> i32 {
    let count = match value {
        Some(value) => value.count_or_percent(replicas, round_up),
        None => IntOrString::from("25%").count_or_percent(replicas, round_up),
    };
    count.max(0)
}

/// Keeps new pods off nodes of the stable version; validation wants exactly one of the two.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AntiAffinity {
    /// Where possible, with a weight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_during_scheduling_ignored_during_execution: Option<PreferredAntiAffinity>,
    /// Always.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required_during_scheduling_ignored_during_execution: Option<RequiredAntiAffinity>,
}

/// Anti-affinity where possible.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreferredAntiAffinity {
    /// How much it is preferred, 1 to 100.
    pub weight: i32,
}

/// Anti-affinity always; has no members.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequiredAntiAffinity {}

/// Labels and annotations.
///
/// Upstream's `PodTemplateMetadata` and `AnalysisRunMetadata`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodMetadata {
    /// Labels.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub annotations: BTreeMap<String, String>,
}

/// Two Services that take turns as stable and canary.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("required" = ["pingService", "pongService"]))]
pub struct PingPong {
    /// The Service called ping.
    #[serde(default, deserialize_with = "null_default")]
    pub ping_service: String,
    /// The Service called pong.
    #[serde(default, deserialize_with = "null_default")]
    pub pong_service: String,
}

/// Available pods that suffice for a step to count as done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplicaProgressThreshold {
    /// What `value` counts: `Percent` of the target, or `Pods`.
    #[serde(rename = "type")]
    pub type_: ProgressThresholdType,
    /// Percent of the target, or pods; negative = no threshold.
    pub value: i32,
}

open_enum! {
    /// What the value of a progress threshold counts; unknown texts act as `Pods`.
    ProgressThresholdType {
        /// Percent of the target.
        Percent = "Percent",
        /// Pods.
        Pods = "Pods",
    }
}
