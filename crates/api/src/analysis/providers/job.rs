//! A Job of Kubernetes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::rollout::PodMetadata;

/// A Job that is run for every measurement, in the run's namespace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobMetric {
    /// Labels and annotations of the Job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<PodMetadata>,
    /// The Job's spec, as in a `batch/v1` Job.
    #[schemars(schema_with = "crate::crd::job_spec")]
    pub spec: Value,
}
