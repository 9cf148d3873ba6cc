//! Datadog.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::meta::{is_default, null_default};
use crate::open_enum::open_enum;

/// A query to Datadog, or several that a formula combines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DatadogMetric {
    /// Duration (such as `5m`) of the stretch of time that is asked for, up to the present; default 5m.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    #[schemars(extend("x-stored-default" = "5m"))]
    pub interval: String,
    /// The query; not together with `queries`.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub query: String,
    /// Queries by the names under which `formula` knows them; with `apiVersion: v2` only.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub queries: BTreeMap<String, String>,
    /// Combines `queries` into one result, such as `100 * a / b`; needed where there are several.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub formula: String,
    /// Version of Datadog's metrics API: v1 or v2; default v1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["v1", "v2"], "x-stored-default" = "v1"))]
    pub api_version: Option<DatadogApiVersion>,
    /// Makes one number of each series; with `apiVersion: v2` only. Default last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["avg", "min", "max", "sum", "last", "percentile", "mean", "l2norm", "area"]))]
    pub aggregator: Option<DatadogAggregator>,
    /// The Secret with `api-key`, `app-key` and perhaps `address`; default the controller's own credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<DatadogSecretRef>,
    /// Duration (such as `30s`) that the request may take; default 10s.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    #[schemars(extend("x-stored-default" = "10s"))]
    pub request_timeout: String,
}

open_enum! {
    /// Version of Datadog's metrics API.
    DatadogApiVersion {
        /// Time series; the last value counts.
        V1 = "v1",
        /// Scalars.
        V2 = "v2",
    }
}

open_enum! {
    /// How Datadog makes one number of a series.
    DatadogAggregator {
        /// Average over time.
        Avg = "avg",
        /// Least value.
        Min = "min",
        /// Greatest value.
        Max = "max",
        /// Sum.
        Sum = "sum",
        /// Latest value.
        Last = "last",
        /// Percentile.
        Percentile = "percentile",
        /// Mean.
        Mean = "mean",
        /// Euclidean norm.
        L2Norm = "l2norm",
        /// Area below the curve.
        Area = "area",
    }
}

/// Names the Secret with Datadog's credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DatadogSecretRef {
    /// The Secret's name.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub name: String,
    /// Whether it is in the run's namespace, and not in the controller's; default false.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub namespaced: bool,
}
