//! Amazon CloudWatch.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::meta::{IntOrString, is_default, null_default};

/// Queries to Amazon CloudWatch, with the controller's own AWS credentials and region.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CloudWatchMetric {
    /// Duration (such as `5m`) of the stretch of time that is asked for, up to the present; default 5m.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub interval: String,
    /// The queries.
    pub metric_data_queries: Vec<CloudWatchQuery>,
}

/// One query: a statistic of a metric, or an expression over other queries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CloudWatchQuery {
    /// Name of the query, for expressions and in the result.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub id: String,
    /// Metric math expression, or a Metrics Insights query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
    /// Label of the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// A statistic of a metric.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_stat: Option<CloudWatchStatistic>,
    /// Seconds per value of an expression's result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<IntOrString>,
    /// Whether this query is part of the result; default true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub return_data: Option<bool>,
}

/// A statistic of a metric.
///
/// Upstream's `CloudWatchMetricStat`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CloudWatchStatistic {
    /// The metric.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<CloudWatchSource>,
    /// Seconds per value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<IntOrString>,
    /// The statistic, such as `Sum` or `p99`.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub stat: String,
    /// The unit, such as `Count`; default any.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub unit: String,
}

/// A metric of CloudWatch.
///
/// Upstream's `CloudWatchMetricStatMetric`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CloudWatchSource {
    /// Dimensions that tell it from others of the same name.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub dimensions: Vec<CloudWatchDimension>,
    /// Its name.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub metric_name: String,
    /// Its CloudWatch namespace, such as `AWS/ApplicationELB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// A dimension of a metric.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CloudWatchDimension {
    /// The dimension's name.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub name: String,
    /// The dimension's value.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub value: String,
}
