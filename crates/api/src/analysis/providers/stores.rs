//! Metric stores that need little more than an address and a query: Wavefront, New Relic, Graphite, InfluxDB, SkyWalking.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::meta::{is_default, null_default};

/// A query to Wavefront. The token is in the Secret `wavefront-api-tokens` of the controller's namespace, under the address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WavefrontMetric {
    /// Host without a scheme.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub address: String,
    /// The query.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub query: String,
}

/// A query to New Relic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewRelicMetric {
    /// Name of the Secret in the controller's namespace with `personal-api-key`, `account-id` and perhaps `region`; default
    /// `newrelic`.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub profile: String,
    /// The query, in NRQL.
    pub query: String,
    /// Seconds that the query may take; default 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<i64>,
}

/// A query to Graphite.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GraphiteMetric {
    /// URL with scheme and host.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub address: String,
    /// Parameters of the render request, such as `target=...&from=-5min`. Only the first target counts.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub query: String,
}

/// A query to InfluxDB.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InfluxdbMetric {
    /// Name of the Secret in the controller's namespace with `authToken`, `org` and `address`; default `influxdb`.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub profile: String,
    /// The query, in Flux.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub query: String,
}

/// A query to SkyWalking.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkyWalkingMetric {
    /// URL with scheme and host, without `/graphql`.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub address: String,
    /// The query, in GraphQL; `$duration` is filled in.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub query: String,
    /// Duration (such as `5m`) of the stretch of time that is asked for, up to the present.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub interval: String,
}
