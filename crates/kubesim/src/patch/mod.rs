//! Patches: JSON patch, JSON merge patch, strategic merge patch.

mod strategic;

use serde_json::Value;

use crate::resources::{Origin, Resource};
use crate::status::ApiError;

pub(crate) use json_patch::merge;

const JSON: &str = "application/json-patch+json";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

/// How a patch's body is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PatchKind {
    Json,
    Merge,
    Strategic,
}

impl PatchKind {
    /// The kind that a Content-Type names, if the resource takes it.
    pub(crate) fn of(content_type: &str, resource: &Resource) -> Result<Self, ApiError> {
        let media = content_type.split(';').next().unwrap_or("").trim();
        match media {
            JSON => Ok(Self::Json),
            MERGE => Ok(Self::Merge),
            STRATEGIC if !resource.is_custom() => Ok(Self::Strategic),
            APPLY | "application/apply-patch+cbor" => Err(ApiError::new(
                415,
                "UnsupportedMediaType",
                "server-side apply is not supported by this simulated API server; send a merge patch",
            )),
            _ if resource.is_custom() => Err(ApiError::unsupported_media(media, &[JSON, MERGE, APPLY])),
            _ => Err(ApiError::unsupported_media(media, &[JSON, MERGE, STRATEGIC, APPLY])),
        }
    }

    /// What the patch makes of `current`.
    pub(crate) fn apply(self, patch: &[u8], current: &Value, resource: &Resource) -> Result<Value, ApiError> {
        let mut patched = current.clone();
        if self == Self::Json {
            apply_json(patch, &mut patched)?;
        } else {
            let patch: Value =
                serde_json::from_slice(patch).map_err(|error| ApiError::bad_request(error.to_string()))?;
            if !patch.is_object() {
                let found = crate::json::kind(&patch);
                let message =
                    format!("json: cannot unmarshal {found} into Go value of type map[string]interface {{}}");
                return Err(ApiError::bad_request(message));
            }
            match &resource.origin {
                Origin::BuiltIn(ty) if self == Self::Strategic => strategic::merge(&mut patched, &patch, *ty),
                _ => merge(&mut patched, &patch),
            }
        }
        Ok(patched)
    }
}

fn apply_json(patch: &[u8], document: &mut Value) -> Result<(), ApiError> {
    let patch: json_patch::Patch =
        serde_json::from_slice(patch).map_err(|error| ApiError::bad_request(error.to_string()))?;
    json_patch::patch(document, &patch).map_err(|_| {
        ApiError::new(422, "Invalid", "the server rejected our request due to an error in our request")
    })
}
