//! An HTTP request.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Authentication, MetricHeader};
use crate::meta::{is_default, null_default};
use crate::open_enum::open_enum;

/// An HTTP request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebMetric {
    /// `GET`, `POST` or `PUT`; default `GET`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<WebMethod>,
    /// Where to send the request.
    pub url: String,
    /// Headers of the request.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub headers: Vec<MetricHeader>,
    /// Body of the request, for `POST` and `PUT`; not together with `jsonBody`.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub body: String,
    /// Body of the request as an object, for `POST` and `PUT`; sent as `application/json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::crd::free_form")]
    pub json_body: Option<Value>,
    /// Seconds that the request may take; default 10.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub timeout_seconds: i64,
    /// Kubernetes JSONPath of the result within the answer, such as `{$.data.rate}`; default the whole answer, `{$}`.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub json_path: String,
    /// Whether the server's certificate is taken unseen; default false.
    #[serde(default, deserialize_with = "null_default", skip_serializing_if = "is_default")]
    pub insecure: bool,
    /// How to authenticate; only `oauth2` is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authentication: Option<Authentication>,
}

open_enum! {
    /// Method of a web metric's request.
    WebMethod {
        /// Without a body.
        Get = "GET",
        /// With a body.
        Post = "POST",
        /// With a body.
        Put = "PUT",
    }
}
