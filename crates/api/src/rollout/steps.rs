//! The steps of a canary.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{AnalysisArgument, DryRun, PodMetadata, RolloutAnalysis};
use crate::duration::pause_seconds;
use crate::meta::{IntOrString, LabelSelector, is_default, null_default};
use crate::open_enum::open_enum;

/// One step: exactly one member.
///
/// Validation wants it so. Members stand in upstream's order, which the step hash follows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CanaryStep {
    /// Share of the new version: percent, or 0 to `maxTrafficWeight` where that is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_weight: Option<i32>,
    /// Wait for a while, or for a human.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause: Option<Pause>,
    /// Run an Experiment and wait for its success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experiment: Option<ExperimentStep>,
    /// Run an analysis and wait for its success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub analysis: Option<RolloutAnalysis>,
    /// Size of the canary apart from its traffic; with traffic routing only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_canary_scale: Option<SetCanaryScale>,
    /// Route requests with certain headers to the canary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_header_route: Option<SetHeaderRoute>,
    /// Mirror requests to the canary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_mirror_route: Option<SetMirrorRoute>,
    /// Let a step plugin do something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<PluginStep>,
}

impl CanaryStep {
    /// The step in a few words, as events show it: `setWeight: 20`, `pause: 10s` (the duration as written), `invalid`.
    pub fn describe(&self) -> String {
        if let Some(weight) = self.set_weight {
            return format!("setWeight: {weight}");
        }
        if let Some(pause) = &self.pause {
            return match &pause.duration {
                Some(duration) => format!("pause: {duration}"),
                None => "pause".to_owned(),
            };
        }
        if self.experiment.is_some() {
            return "experiment".to_owned();
        }
        if self.analysis.is_some() {
            return "analysis".to_owned();
        }
        if let Some(text) = self.set_canary_scale.as_ref().and_then(SetCanaryScale::describe) {
            return text;
        }
        if let Some(plugin) = &self.plugin {
            return format!("plugin: {}", plugin.name);
        }
        if let Some(route) = &self.set_header_route {
            return format!("setHeaderRoute: {}", route.name);
        }
        if let Some(route) = &self.set_mirror_route {
            return format!("setMirrorRoute: {}", route.name);
        }
        "invalid".to_owned()
    }
}

/// A wait.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pause {
    /// Seconds (`10`), or a duration with units (`10s`, `1h30m`); absent = until a human resumes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<IntOrString>,
}

impl Pause {
    /// How long it lasts, in whole seconds; `None` = until a human resumes. -1 where the duration cannot be read.
    pub fn seconds(&self) -> Option<i64> {
        match self.duration.as_ref()? {
            IntOrString::Int(seconds) => Some(*seconds),
            IntOrString::String(text) => Some(pause_seconds(text).unwrap_or(-1)),
        }
    }
}

/// Size of the canary. If several members are set, `matchTrafficWeight` wins over `replicas`, and that over `weight`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SetCanaryScale {
    /// Percent of `spec.replicas`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<i32>,
    /// Pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Follow the traffic again, as without this step.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub match_traffic_weight: bool,
}

impl SetCanaryScale {
    fn describe(&self) -> Option<String> {
        match (self.weight, self.match_traffic_weight, self.replicas) {
            (Some(weight), ..) => Some(format!("setCanaryScale{{weight: {weight}}}")),
            (None, true, _) => Some("setCanaryScale{matchTrafficWeight: true}".to_owned()),
            (None, false, Some(replicas)) => Some(format!("setCanaryScale{{replicas: {replicas}}}")),
            (None, false, None) => None,
        }
    }
}

/// An Experiment to run.
///
/// Upstream's `RolloutExperimentStep`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExperimentStep {
    /// Versions to run beside each other.
    pub templates: Vec<ExperimentStepTemplate>,
    /// How long it runs, such as `30s` or `1h30m`; absent = until its analyses are done.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub duration: String,
    /// Analyses that judge it.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub analyses: Vec<ExperimentStepAnalysis>,
    /// Metrics that are measured but do not decide.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub dry_run: Vec<DryRun>,
    /// Labels and annotations of its AnalysisRuns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub analysis_run_metadata: Option<PodMetadata>,
    /// Seconds before its ReplicaSets go to 0 after the end; default 30.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_down_delay_seconds: Option<i32>,
}

/// One version that an experiment step runs.
///
/// Upstream's `RolloutExperimentTemplate`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExperimentStepTemplate {
    /// Name within the Experiment.
    pub name: String,
    /// Whose pod template it runs: `stable` or `canary`.
    pub spec_ref: SpecRef,
    /// Pods; default 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Further labels and annotations of its pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<PodMetadata>,
    /// Selector of its ReplicaSet; default the Rollout's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
    /// Share of the traffic while the step runs, in percent; with some routers only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<i32>,
    /// Asks for a Service of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<TemplateService>,
}

open_enum! {
    /// Whose pod template an experiment's template runs.
    SpecRef {
        /// The stable version's.
        Stable = "stable",
        /// The new version's.
        Canary = "canary",
    }
}

/// A Service for an experiment's template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateService {
    /// Its name; default: the name of the template's ReplicaSet.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub name: String,
}

/// One analysis of an experiment step.
///
/// Upstream's `RolloutExperimentStepAnalysisTemplateRef`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExperimentStepAnalysis {
    /// Name within the Experiment.
    pub name: String,
    /// The template's name.
    pub template_name: String,
    /// Whether it is a ClusterAnalysisTemplate; default false.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub cluster_scope: bool,
    /// Values for the template's arguments.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub args: Vec<AnalysisArgument>,
    /// Whether the Experiment lasts until this analysis is done; default false.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub required_for_completion: bool,
}

/// Routes requests with certain headers to the canary.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SetHeaderRoute {
    /// One of `trafficRouting.managedRoutes`.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub name: String,
    /// Headers that must all match; none = the route is removed.
    #[serde(
        rename = "match",
        default,
        deserialize_with = "null_default",
        skip_serializing_if = "is_default"
    )]
    pub match_: Vec<HeaderMatch>,
}

/// One header and what its value must be.
///
/// Upstream's `HeaderRoutingMatch`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeaderMatch {
    /// Name of the header.
    pub header_name: String,
    /// What its value must be.
    // Required by the schema; a file under lint may lack it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required)]
    pub header_value: Option<StringMatch>,
}

/// Matches a text: exactly one member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StringMatch {
    /// The text itself.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub exact: String,
    /// Its beginning.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub prefix: String,
    /// A regular expression.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub regex: String,
}

/// Mirrors requests to the canary.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SetMirrorRoute {
    /// One of `trafficRouting.managedRoutes`.
    pub name: String,
    /// Requests to mirror, any of these; none = the route is removed.
    #[serde(
        rename = "match",
        default,
        deserialize_with = "null_default",
        skip_serializing_if = "is_default"
    )]
    pub match_: Vec<RouteMatch>,
    /// Percent of these requests to mirror; default all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percentage: Option<i32>,
}

/// Requests by method, path and headers, all of which must match.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RouteMatch {
    /// The request's method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<StringMatch>,
    /// The request's path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<StringMatch>,
    /// The request's headers by name.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub headers: BTreeMap<String, StringMatch>,
}

/// Lets a step plugin do something.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PluginStep {
    /// Name of the plugin, as configured in the controller.
    pub name: String,
    /// Any object; only the plugin knows its meaning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::crd::free_form")]
    pub config: Option<Value>,
}
