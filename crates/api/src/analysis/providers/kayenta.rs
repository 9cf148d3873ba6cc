//! Kayenta, Spinnaker's judge of canaries.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::meta::{is_default, null_default};

/// A canary judgement by Kayenta.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KayentaMetric {
    /// URL with scheme and host.
    pub address: String,
    /// Name of the application.
    pub application: String,
    /// Name of the canary configuration.
    pub canary_config_name: String,
    /// Account from which metrics are read.
    pub metrics_account_name: String,
    /// Account that holds the configuration.
    pub configuration_account_name: String,
    /// Account that stores the results.
    pub storage_account_name: String,
    /// Scores that decide.
    pub threshold: KayentaThreshold,
    /// What is compared with what.
    pub scopes: Vec<KayentaScope>,
    /// Whether the stretch of time without a `start` begins with the run; default false: it is one `interval` of the metric long.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub lookback: bool,
}

/// Scores that decide; below `marginal` a measurement has failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KayentaThreshold {
    /// Score from which a measurement is successful, 0..=100.
    pub pass: i64,
    /// Score from which a measurement is inconclusive, 0..=100.
    pub marginal: i64,
}

/// What is compared with what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KayentaScope {
    /// Name of the scope in the canary configuration.
    pub name: String,
    /// The stable version.
    pub control_scope: KayentaScopeDetail,
    /// The new version.
    pub experiment_scope: KayentaScopeDetail,
}

/// Where and when one of the two versions is looked at.
///
/// Upstream's `ScopeDetail`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KayentaScopeDetail {
    /// What selects the version's metrics, such as a pod-template hash.
    pub scope: String,
    /// Region or location.
    pub region: String,
    /// Seconds between two values.
    pub step: i64,
    /// Beginning, RFC 3339; in both scopes or in none.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub start: String,
    /// End, RFC 3339; in both scopes or in none. Default: when the measurement begins.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub end: String,
}
