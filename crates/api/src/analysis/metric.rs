//! One thing to measure: when, from where, and how to judge it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::providers::MetricProvider;
use crate::meta::{IntOrString, is_default, null_default};

/// One thing to measure: when, from where, and how to judge it. Every text in it may refer to arguments as `{{args.<name>}}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("required" = ["name", "provider"]))]
pub struct Metric {
    /// Unique within a run.
    pub name: String,
    /// Duration (such as `30s` or `1h30m`) from the end of a measurement to the next one. Default: one measurement only.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub interval: String,
    /// Duration (such as `30s` or `1h30m`) from the start of the run to the first measurement; default 0.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub initial_delay: String,
    /// Measurements to take; those that end in an error do not count. Default 1 without `interval`, no end with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<IntOrString>,
    /// Expression over `result` that is true for a successful measurement, such as `result[0] >= 0.95`. With neither condition
    /// any answer is a success; with both, a measurement for which neither is true is inconclusive.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub success_condition: String,
    /// Expression over `result` that is true for a failed measurement; wins over `successCondition`.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub failure_condition: String,
    /// Failed measurements that are tolerated; one more fails the metric. Default 0, -1 = any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_limit: Option<IntOrString>,
    /// Inconclusive measurements that are tolerated; one more makes the metric inconclusive. Default 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inconclusive_limit: Option<IntOrString>,
    /// Errors in a row that are tolerated; one more ends the metric with an error. Default 4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consecutive_error_limit: Option<IntOrString>,
    /// Successful measurements in a row that make the metric successful at once. Default 0 = off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consecutive_success_limit: Option<IntOrString>,
    /// Where measurements come from: exactly one member.
    // Required by the schema. A file under lint may lack it, and is told so in upstream's words.
    #[serde(default, deserialize_with = "null_default")]
    pub provider: MetricProvider,
}
