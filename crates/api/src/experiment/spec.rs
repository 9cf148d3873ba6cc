//! What is asked of an Experiment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::analysis::Argument;
use crate::meta::{LabelSelector, is_default, null_default};
use crate::rollout::{DryRun, MeasurementRetention, PodMetadata, PodTemplate, TemplateService};

/// What is asked of an Experiment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("required" = ["templates"]))]
pub struct ExperimentSpec {
    /// Pod templates to run beside each other.
    #[serde(default, deserialize_with = "null_default")]
    pub templates: Vec<ExperimentTemplate>,
    /// Duration (such as `30s` or `1h30m`) from the moment at which all pods are available to the end. Default: until its required
    /// analyses are successful, or until it is terminated.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub duration: String,
    /// Seconds without progress after which it has failed; default 600.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress_deadline_seconds: Option<i32>,
    /// Ends the Experiment now; never taken back.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub terminate: bool,
    /// Analyses that judge it; they begin once all pods are available.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub analyses: Vec<ExperimentAnalysis>,
    /// Seconds before its ReplicaSets go to 0 after the end; default 30, 0 = at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_down_delay_seconds: Option<i32>,
    /// Metrics of all analyses that are measured but do not decide.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub dry_run: Vec<DryRun>,
    /// How many measurements of a metric its AnalysisRuns keep.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub measurement_retention: Vec<MeasurementRetention>,
    /// Labels and annotations of its AnalysisRuns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub analysis_run_metadata: Option<PodMetadata>,
}

/// A pod template to run.
///
/// Upstream's `TemplateSpec`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("required" = ["name", "selector", "template"]))]
pub struct ExperimentTemplate {
    /// Name within the Experiment; its ReplicaSet is called `<experiment>-<name>`.
    pub name: String,
    /// Pods; default 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Seconds a new pod must be ready before it counts as available; default 0.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub min_ready_seconds: i32,
    /// Selects its pods; must match the template's labels and must not be empty.
    // Required by the schema; a file under lint may lack it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
    /// The pods to run.
    #[schemars(schema_with = "crate::crd::pod_template")]
    pub template: PodTemplate,
    /// Asks for a Service of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<TemplateService>,
}

/// An analysis that judges an Experiment.
///
/// Upstream's `ExperimentAnalysisTemplateRef`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExperimentAnalysis {
    /// Name within the Experiment; its AnalysisRun is called `<experiment>-<name>`.
    pub name: String,
    /// The template's name.
    pub template_name: String,
    /// Whether it is a ClusterAnalysisTemplate; default false.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub cluster_scope: bool,
    /// Values for the template's arguments; may refer to `{{templates.<name>.podTemplateHash}}` and
    /// `{{templates.<name>.replicaset.name}}`.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub args: Vec<Argument>,
    /// Whether the Experiment lasts until this analysis is done, and no longer; default false.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub required_for_completion: bool,
}
