//! What a user can do: one file per operation, each a function from what is stored to patches and a sentence.

mod abort;
mod pause;
mod promote;
mod restart;
mod retry;
mod set_image;
mod undo;

use serde_json::{Value, json};
use tidegate_api::rollout::Rollout;

pub use abort::abort;
pub use pause::pause;
pub use promote::{PromoteOptions, is_same_position, promote};
pub use restart::restart;
pub use retry::retry;
pub use set_image::{ContainerImage, set_image};
pub use undo::undo;

use crate::{OpError, field};

/// What an operation comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// To be sent in this order; the first failure ends it.
    pub patches: Vec<Patch>,
    /// One line for the user, without a line end: what was done once all patches have succeeded, or, without patches, why
    /// there is nothing to do.
    pub message: String,
}

impl Operation {
    fn nothing(message: String) -> Self {
        Self { patches: Vec::new(), message }
    }

    /// There is nothing to do; `message` says why.
    #[must_use]
    pub fn is_notice(&self) -> bool {
        self.patches.is_empty()
    }
}

/// One PATCH request.
#[derive(Clone, Debug, PartialEq)]
pub struct Patch {
    /// The object, in the Rollout's namespace.
    pub target: Target,
    /// The content type.
    pub kind: PatchKind,
    /// The body. A merge patch with `metadata.resourceVersion` is refused with 409 once the object has changed: read it
    /// again, and decide anew if it [`is_same_position`].
    pub body: Value,
    /// Where it is sent, below the object; `None` = to the object itself.
    pub subresource: Option<Subresource>,
    /// If the subresource answers NotFound, the same body goes to the object itself (servers without the subresource).
    pub fallback_to_main: bool,
}

impl Patch {
    /// Path of the request, without a query; `namespace` is the Rollout's.
    #[must_use]
    pub fn path(&self, namespace: &str) -> String {
        let object = self.target.path(namespace);
        match self.subresource {
            Some(Subresource::Status) => format!("{object}/status"),
            None => object,
        }
    }

    /// A merge patch of the object itself.
    fn merge(target: Target, body: Value) -> Self {
        Self { target, kind: PatchKind::Merge, body, subresource: None, fallback_to_main: false }
    }

    /// A merge patch of a Rollout's status.
    fn status(rollout: &str, body: Value) -> Self {
        Self {
            target: Target::rollout(rollout),
            kind: PatchKind::Merge,
            body,
            subresource: Some(Subresource::Status),
            fallback_to_main: true,
        }
    }

    /// A merge patch of a Rollout's status that only applies to the version that was read.
    fn locked_status(rollout: &Rollout, status: &Value) -> Self {
        let meta = &rollout.metadata;
        let mut body = json!({ "status": status });
        if !meta.resource_version.is_empty() {
            body["metadata"] = json!({ "resourceVersion": meta.resource_version });
        }
        Self::status(&meta.name, body)
    }

    /// A JSON patch of the object itself.
    fn json(target: Target, operations: Vec<Value>) -> Self {
        Self {
            target,
            kind: PatchKind::Json,
            body: Value::Array(operations),
            subresource: None,
            fallback_to_main: false,
        }
    }
}

/// The content type of a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchKind {
    /// `application/merge-patch+json`.
    Merge,
    /// `application/json-patch+json`.
    Json,
}

impl PatchKind {
    /// The `Content-Type` of the request.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Merge => "application/merge-patch+json",
            Self::Json => "application/json-patch+json",
        }
    }
}

/// A subresource that patches are sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subresource {
    /// `status`.
    Status,
}

/// An object by kind and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its kind.
    pub kind: TargetKind,
    /// Its name, in the Rollout's namespace.
    pub name: String,
}

impl Target {
    /// A Rollout.
    #[must_use]
    pub fn rollout(name: &str) -> Self {
        Self { kind: TargetKind::Rollout, name: name.to_owned() }
    }

    /// Path of the object on the API server.
    #[must_use]
    pub fn path(&self, namespace: &str) -> String {
        let version = self.kind.api_version();
        let root = if version.contains('/') { "apis" } else { "api" };
        format!("/{root}/{version}/namespaces/{namespace}/{}/{}", self.kind.plural(), self.name)
    }

    /// The object that holds the pod template of a Rollout: the Rollout, or what `spec.workloadRef` names.
    ///
    /// # Errors
    /// When the Rollout has no name, or its reference no name or a kind without a pod template that we know.
    pub fn of_template(rollout: &Value) -> Result<Self, OpError> {
        let Some(reference) = rollout.pointer("/spec/workloadRef").filter(|reference| !reference.is_null())
        else {
            let name = field::text(rollout, "/metadata/name");
            return if name.is_empty() { Err(OpError::InvalidRollout) } else { Ok(Self::rollout(name)) };
        };
        let name = reference.get("name").unwrap_or(&Value::Null);
        let Some(name) = name.as_str() else { return Err(OpError::WorkloadName(name.to_string())) };
        let kind = field::text(reference, "/kind");
        let kind =
            TargetKind::of_workload(kind).ok_or_else(|| OpError::UnsupportedWorkload(kind.to_owned()))?;
        Ok(Self { kind, name: name.to_owned() })
    }
}

/// The kinds that operations change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    /// `argoproj.io/v1alpha1`.
    Rollout,
    /// `apps/v1`.
    Deployment,
    /// `apps/v1`.
    ReplicaSet,
    /// `v1`.
    PodTemplate,
}

impl TargetKind {
    fn of_workload(kind: &str) -> Option<Self> {
        [Self::Deployment, Self::ReplicaSet, Self::PodTemplate]
            .into_iter()
            .find(|known| known.as_str() == kind)
    }

    /// The kind as manifests write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rollout => "Rollout",
            Self::Deployment => "Deployment",
            Self::ReplicaSet => "ReplicaSet",
            Self::PodTemplate => "PodTemplate",
        }
    }

    /// The kind as paths write it.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::Rollout => "rollouts",
            Self::Deployment => "deployments",
            Self::ReplicaSet => "replicasets",
            Self::PodTemplate => "podtemplates",
        }
    }

    /// Group and version as manifests write them.
    #[must_use]
    pub fn api_version(self) -> &'static str {
        match self {
            Self::Rollout => tidegate_api::rollout::API_VERSION,
            Self::Deployment | Self::ReplicaSet => "apps/v1",
            Self::PodTemplate => "v1",
        }
    }

    /// JSON pointer to the pod template.
    #[must_use]
    pub fn template_path(self) -> &'static str {
        match self {
            Self::Rollout | Self::Deployment | Self::ReplicaSet => "/spec/template",
            Self::PodTemplate => "/template",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_go_to_the_object_or_its_status() {
        assert_eq!(
            abort_patch().path("guide"),
            "/apis/argoproj.io/v1alpha1/namespaces/guide/rollouts/x/status"
        );
        let template = Target { kind: TargetKind::PodTemplate, name: "y".to_owned() };
        assert_eq!(template.path("guide"), "/api/v1/namespaces/guide/podtemplates/y");
        let patch = Patch::json(template, Vec::new());
        assert_eq!(patch.path("guide"), "/api/v1/namespaces/guide/podtemplates/y");
        assert_eq!(patch.kind.content_type(), "application/json-patch+json");
    }

    fn abort_patch() -> Patch {
        Patch::status("x", json!({}))
    }
}
