//! Prometheus.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Authentication, MetricHeader};
use crate::meta::{is_default, null_default};

/// A query to Prometheus.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PrometheusMetric {
    /// URL with scheme and host; default the controller's environment variable `ARGO_ROLLOUTS_PROMETHEUS_ADDRESS`.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub address: String,
    /// The query, in PromQL.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub query: String,
    /// How to authenticate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authentication: Option<Authentication>,
    /// Seconds that the query may take; default 30.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<i64>,
    /// Whether the server's certificate is taken unseen; default false.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub insecure: bool,
    /// Headers of the request.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub headers: Vec<MetricHeader>,
    /// Asks for a stretch of time; default: for the present.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range_query: Option<PrometheusRangeQuery>,
}

/// A stretch of time to ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PrometheusRangeQuery {
    /// Expression that gives the beginning, such as `now() - duration("1h")`.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub start: String,
    /// Expression that gives the end, such as `now()`.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub end: String,
    /// Duration (such as `1m`) between two values.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub step: String,
}
