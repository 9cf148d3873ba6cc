//! Where measurements come from: what each metric provider is told.
//!
//! In reading order: `http` (what the HTTP providers share), then one module per provider.

mod cloud_watch;
mod datadog;
mod http;
mod job;
mod kayenta;
mod prometheus;
mod stores;
mod web;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use cloud_watch::*;
pub use datadog::*;
pub use http::*;
pub use job::*;
pub use kayenta::*;
pub use prometheus::*;
pub use stores::*;
pub use web::*;

use crate::meta::{is_default, null_default};

/// Where the measurements of a metric come from; validation wants exactly one member.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetricProvider {
    /// A query to Prometheus. The result is a number, or a list of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prometheus: Option<PrometheusMetric>,
    /// A canary judgement by Kayenta. Conditions are not used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kayenta: Option<KayentaMetric>,
    /// An HTTP request. The result is what `jsonPath` finds in the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web: Option<WebMetric>,
    /// A query to Datadog. The result is a number, or a list of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub datadog: Option<DatadogMetric>,
    /// A query to Wavefront. The result is a number, or a list of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wavefront: Option<WavefrontMetric>,
    /// A query to New Relic. The result is a map, or a list of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_relic: Option<NewRelicMetric>,
    /// A Job that is run for every measurement: complete = successful. Conditions are not used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<JobMetric>,
    /// Queries to Amazon CloudWatch. The result is a list of objects with `Id`, `Label`, `Values`, ...
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_watch: Option<CloudWatchMetric>,
    /// A query to Graphite. The result is a list of numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub graphite: Option<GraphiteMetric>,
    /// A query to InfluxDB. The result is a list of values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub influxdb: Option<InfluxdbMetric>,
    /// A query to SkyWalking. The result is a map.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skywalking: Option<SkyWalkingMetric>,
    /// Settings of one metric plugin, below its name `<owner>/<name>`; only the plugin knows their meaning.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    #[schemars(schema_with = "crate::crd::free_form")]
    pub plugin: BTreeMap<String, Value>,
}
