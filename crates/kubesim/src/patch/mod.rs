//! Patches: JSON patch, JSON merge patch, strategic merge patch.

pub(crate) mod go_text;
mod operations;
mod order;
mod strategic;

use serde_json::Value;

use crate::resources::{Origin, Resource};
use crate::status::ApiError;
use crate::strict::{self, Strictness};

pub(crate) use json_patch::merge;

const JSON: &str = "application/json-patch+json";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

fn media(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or("").trim()
}

/// Whether a Content-Type is that of server-side apply.
pub(crate) fn is_apply(content_type: &str) -> bool {
    media(content_type) == APPLY
}

/// How a patch's body is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PatchKind {
    Json,
    Merge,
    Strategic,
}

impl PatchKind {
    /// The kind that a Content-Type names, if the resource takes it. `applies`: whether applies are served, which are no patches here.
    pub(crate) fn of(content_type: &str, resource: &Resource, applies: bool) -> Result<Self, ApiError> {
        match media(content_type) {
            JSON => Ok(Self::Json),
            MERGE => Ok(Self::Merge),
            STRATEGIC if !resource.is_custom() => Ok(Self::Strategic),
            APPLY | "application/apply-patch+cbor" if !applies => Err(ApiError::new(
                415,
                "UnsupportedMediaType",
                "this embedded API server does not serve server-side apply; apply without --server-side",
            )),
            _ => {
                let strategic = (!resource.is_custom()).then_some(STRATEGIC);
                let apply = applies.then_some(APPLY);
                let accepted: Vec<&str> = [JSON, MERGE].into_iter().chain(strategic).chain(apply).collect();
                Err(ApiError::unsupported_media(&accepted))
            }
        }
    }

    /// Reads a patch, and notes what is to be told of its own members.
    pub(crate) fn parse(self, body: &[u8], strictness: &mut Strictness) -> Result<Patch, ApiError> {
        let parsed = strict::parse(body).map_err(|error| ApiError::bad_request(error.to_string()))?;
        strictness.duplicates = parsed.duplicates;
        if self == Self::Json {
            strictness.is_json_patch = true;
            let patch = serde_json::from_value(parsed.value);
            return patch.map(Patch::Json).map_err(|error| ApiError::bad_request(error.to_string()));
        }
        if !parsed.value.is_object() {
            let found = crate::json::kind(&parsed.value);
            let message =
                format!("json: cannot unmarshal {found} into Go value of type map[string]interface {{}}");
            return Err(ApiError::bad_request(message));
        }
        if self == Self::Strategic {
            strictness.patch = go_text::of(&parsed.value);
            return Ok(Patch::Strategic(parsed.value));
        }
        Ok(Patch::Merge(parsed.value))
    }
}

/// A patch that can be applied.
pub(crate) enum Patch {
    Json(json_patch::Patch),
    Merge(Value),
    Strategic(Value),
}

impl Patch {
    /// What the patch makes of `current`.
    pub(crate) fn apply(&self, current: &Value, resource: &Resource) -> Result<Value, ApiError> {
        let mut patched = current.clone();
        match (self, &resource.origin) {
            (Self::Json(patch), _) => operations::apply(&mut patched, patch)?,
            (Self::Strategic(patch), Origin::BuiltIn(ty)) => strategic::merge(&mut patched, patch, *ty)?,
            (Self::Strategic(patch) | Self::Merge(patch), _) => merge(&mut patched, patch),
        }
        Ok(patched)
    }
}
