//! What the providers that speak HTTP share.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::meta::{is_default, null_default};

/// A header of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetricHeader {
    /// The header's name.
    pub key: String,
    /// The header's value.
    pub value: String,
}

/// How to authenticate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Authentication {
    /// Signs requests for Amazon Managed Service for Prometheus.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sigv4: Option<Sigv4>,
    /// A token by OAuth 2.0, client credentials grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oauth2: Option<OAuth2>,
    /// A user name and password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basic_auth: Option<BasicAuth>,
}

/// AWS Signature Version 4; what is absent comes from the controller's own AWS configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sigv4 {
    /// AWS region.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub region: String,
    /// Profile of the AWS configuration.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub profile: String,
    /// Amazon resource name of a role to assume.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub role_arn: String,
}

/// OAuth 2.0, client credentials grant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OAuth2 {
    /// Address that gives tokens.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub token_url: String,
    /// Id of the client.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub client_id: String,
    /// Secret of the client; best given as an argument that comes from a Secret.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub client_secret: String,
    /// Scopes to ask for.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub scopes: Vec<String>,
}

/// A user name and password, both needed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BasicAuth {
    /// The user.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub username: String,
    /// The password; best given as an argument that comes from a Secret.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub password: String,
}
