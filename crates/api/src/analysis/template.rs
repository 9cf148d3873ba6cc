//! AnalysisTemplate and ClusterAnalysisTemplate: metrics under a name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Argument, Metric};
use crate::meta::{ObjectMeta, is_default, null_default};
use crate::rollout::{API_VERSION, AnalysisTemplateRef, DryRun, MeasurementRetention};

/// Kind of an AnalysisTemplate.
pub const TEMPLATE_KIND: &str = "AnalysisTemplate";
/// Kind of a ClusterAnalysisTemplate.
pub const CLUSTER_TEMPLATE_KIND: &str = "ClusterAnalysisTemplate";

/// Metrics under a name, for Rollouts and Experiments of the same namespace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnalysisTemplate {
    /// Group and version: `argoproj.io/v1alpha1`.
    #[serde(default = "api_version")]
    pub api_version: String,
    /// `AnalysisTemplate`.
    #[serde(default = "template_kind")]
    pub kind: String,
    /// Name, namespace, labels, annotations, ...
    #[serde(default)]
    #[schemars(skip)]
    pub metadata: ObjectMeta,
    /// What to measure and how to judge it.
    pub spec: AnalysisTemplateSpec,
}

/// Metrics under a name, for Rollouts and Experiments of all namespaces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClusterAnalysisTemplate {
    /// Group and version: `argoproj.io/v1alpha1`.
    #[serde(default = "api_version")]
    pub api_version: String,
    /// `ClusterAnalysisTemplate`.
    #[serde(default = "cluster_template_kind")]
    pub kind: String,
    /// Name, labels, annotations, ...
    #[serde(default)]
    #[schemars(skip)]
    pub metadata: ObjectMeta,
    /// What to measure and how to judge it.
    pub spec: AnalysisTemplateSpec,
}

/// What to measure and how to judge it; the same for both kinds of templates.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnalysisTemplateSpec {
    /// What is measured. None is needed where `templates` bring some.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub metrics: Vec<Metric>,
    /// Arguments that metrics refer to as `{{args.<name>}}`. Those without a value must be given by whoever uses the template.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub args: Vec<Argument>,
    /// Metrics that are measured but do not decide.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub dry_run: Vec<DryRun>,
    /// How many measurements of a metric a run keeps.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub measurement_retention: Vec<MeasurementRetention>,
    /// Further templates whose metrics and arguments are added, each once.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub templates: Vec<AnalysisTemplateRef>,
}

pub(super) fn api_version() -> String {
    API_VERSION.to_owned()
}

fn template_kind() -> String {
    TEMPLATE_KIND.to_owned()
}

fn cluster_template_kind() -> String {
    CLUSTER_TEMPLATE_KIND.to_owned()
}

impl Default for AnalysisTemplate {
    fn default() -> Self {
        Self {
            api_version: api_version(),
            kind: template_kind(),
            metadata: ObjectMeta::default(),
            spec: AnalysisTemplateSpec::default(),
        }
    }
}

impl Default for ClusterAnalysisTemplate {
    fn default() -> Self {
        Self {
            api_version: api_version(),
            kind: cluster_template_kind(),
            metadata: ObjectMeta::default(),
            spec: AnalysisTemplateSpec::default(),
        }
    }
}
