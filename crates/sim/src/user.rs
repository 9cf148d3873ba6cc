//! What people do to a world: the commands of the guide, over the same patches as the kubectl plugin.

use http::{Method, Request};
use serde::Deserialize;
use serde_json::{Value, json};
use tidegate_api::rollout::Rollout;
use tidegate_ops::operations::{
    ContainerImage, PromoteOptions, abort, is_same_position, pause, promote, restart, retry, set_image, undo,
};
use tidegate_ops::{OpError, Operation, Patch, PatchKind, Subresource, Target, TargetKind};

use crate::apply::no_match;
use crate::world::World;

/// Why a command did not work.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// The operation was refused before anything was sent.
    #[error("{0}")]
    Refused(#[from] OpError),
    /// The API server refused, or did not answer.
    #[error("{}", api_text(.0))]
    Api(#[from] kube::Error),
    /// A manifest or object that cannot be read.
    #[error("{0}")]
    Unreadable(String),
}

impl UserError {
    /// What to do about it, where there is something to say.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused(error) => error.hint(),
            Self::Api(_) | Self::Unreadable(_) => None,
        }
    }

    /// What the API server said about single fields, as (path, text).
    #[must_use]
    pub fn causes(&self) -> Vec<(String, String)> {
        let Self::Api(kube::Error::Api(status)) = self else { return Vec::new() };
        let causes = status.details.iter().flat_map(|details| &details.causes);
        causes.map(|cause| (cause.field.clone(), cause.message.clone())).collect()
    }
}

fn api_text(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        other => other.to_string(),
    }
}

pub(crate) type Outcome = Result<String, UserError>;

/// Where objects of a kind are found.
fn collection(api_version: &str, kind: &str, namespace: &str) -> String {
    let root = if api_version.contains('/') { "/apis" } else { "/api" };
    format!("{root}/{api_version}/namespaces/{namespace}/{}s", kind.to_lowercase())
}

fn rollouts(namespace: &str) -> String {
    collection("argoproj.io/v1alpha1", "Rollout", namespace)
}

impl World {
    pub(crate) async fn request(
        &self,
        method: Method,
        path: String,
        content_type: &str,
        body: &Value,
    ) -> Result<Value, kube::Error> {
        let body = if method == Method::GET { Vec::new() } else { body.to_string().into_bytes() };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", content_type)
            .body(body)
            .map_err(kube::Error::HttpError)?;
        self.user.request(request).await
    }

    pub(crate) async fn get(&self, path: String) -> Result<Value, kube::Error> {
        self.request(Method::GET, path, "application/json", &Value::Null).await
    }

    async fn rollout_value(&self, namespace: &str, name: &str) -> Result<Value, kube::Error> {
        let mut object = self.get(format!("{}/{name}", rollouts(namespace))).await?;
        object["kind"] = json!("Rollout");
        Ok(object)
    }

    async fn rollout(&self, namespace: &str, name: &str) -> Result<Rollout, UserError> {
        let object = self.rollout_value(namespace, name).await?;
        Rollout::deserialize(&object).map_err(|error| UserError::Unreadable(error.to_string()))
    }

    /// `kubectl create namespace`.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn create_namespace(&self, name: &str) -> Outcome {
        let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        self.request(Method::POST, "/api/v1/namespaces".into(), "application/json", &body).await?;
        Ok(format!("namespace/{name} created"))
    }

    /// Creates a namespace that is not there.
    pub(crate) async fn ensure_namespace(&self, name: &str) {
        if self.server.get("namespaces", "", name).is_none() {
            // A name that is none is refused, and so is then what is to stand in it.
            drop(self.create_namespace(name).await);
        }
    }

    /// `kubectl patch rollout NAME --type merge -p PATCH`, on the object or its status.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn patch(&self, namespace: &str, name: &str, patch: &Value, status: bool) -> Outcome {
        let path = format!("{}/{name}{}", rollouts(namespace), if status { "/status" } else { "" });
        self.request(Method::PATCH, path, "application/merge-patch+json", patch).await?;
        Ok(format!("rollout.argoproj.io/{name} patched"))
    }

    /// `kubectl scale rollout NAME --replicas N`, through the scale subresource.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn scale(&self, namespace: &str, name: &str, replicas: i32) -> Outcome {
        let path = format!("{}/{name}/scale", rollouts(namespace));
        let patch = json!({"spec": {"replicas": replicas}});
        self.request(Method::PATCH, path, "application/merge-patch+json", &patch).await?;
        Ok(format!("rollout.argoproj.io/{name} scaled"))
    }

    /// `kubectl delete KIND NAME`.
    ///
    /// # Errors
    /// When the API server refuses, or does not know the kind.
    pub async fn delete(&self, namespace: &str, kind: &str, name: &str, orphan: bool) -> Outcome {
        let (path, kind) = self.object_path(namespace, (kind, name)).await?;
        let policy = if orphan { "Orphan" } else { "Background" };
        let options = json!({"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": policy});
        self.request(Method::DELETE, path, "application/json", &options).await?;
        Ok(format!("{} \"{name}\" deleted", kind.to_lowercase()))
    }

    /// `kubectl patch KIND NAME --type merge -p PATCH`.
    ///
    /// # Errors
    /// When the API server refuses, or does not know the kind.
    pub async fn patch_object(&self, namespace: &str, object: (&str, &str), patch: &Value) -> Outcome {
        let (path, kind) = self.object_path(namespace, object).await?;
        self.request(Method::PATCH, path, "application/merge-patch+json", patch).await?;
        Ok(format!("{}/{} patched", kind.to_lowercase(), object.1))
    }

    /// `kubectl get KIND NAME -o jsonpath=...`: one member; empty where there is none.
    ///
    /// # Errors
    /// When the API server refuses, or does not know the kind.
    pub async fn member(&self, namespace: &str, object: (&str, &str), pointer: &str) -> Outcome {
        let (path, _) = self.object_path(namespace, object).await?;
        Ok(match self.get(path).await?.pointer(pointer) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        })
    }

    /// Where an object is, and its kind, by a name of the kind as people write it.
    async fn object_path(
        &self,
        namespace: &str,
        (kind, name): (&str, &str),
    ) -> Result<(String, &'static str), UserError> {
        let singular = kind.strip_suffix('s').filter(|_| kind != "rs").unwrap_or(kind);
        let (version, kind) = match singular {
            "rollout" | "ro" => ("argoproj.io/v1alpha1", "Rollout"),
            "replicaset" | "rs" => ("apps/v1", "ReplicaSet"),
            "deployment" | "deploy" => ("apps/v1", "Deployment"),
            "service" | "svc" => ("v1", "Service"),
            "configmap" | "cm" => ("v1", "ConfigMap"),
            "podtemplate" => ("v1", "PodTemplate"),
            "poddisruptionbudget" | "pdb" => ("policy/v1", "PodDisruptionBudget"),
            "pod" | "po" => ("v1", "Pod"),
            _ => {
                let why = format!("the server doesn't have a resource type \"{kind}\"");
                return Err(UserError::Unreadable(why));
            }
        };
        let collection = self.collection_of(version, kind).await;
        let path = collection.map(|collection| collection.object(namespace, name));
        path.map(|path| (path, kind)).ok_or_else(|| no_match(version, kind))
    }

    /// The containers of a Rollout's pod template, with their images; init containers are left out.
    ///
    /// # Errors
    /// When the Rollout, or the workload that it refers to, does not exist.
    pub async fn images(&self, namespace: &str, name: &str) -> Result<Vec<(String, String)>, UserError> {
        let (workload, kind) = self.workload(namespace, name).await?;
        let containers = workload.pointer(&format!("{}/spec/containers", kind.template_path()));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let containers = containers.and_then(Value::as_array).into_iter().flatten();
        Ok(containers.map(|container| (text(&container["name"]), text(&container["image"]))).collect())
    }

    /// The object that has a Rollout's pod template.
    async fn workload(&self, namespace: &str, name: &str) -> Result<(Value, TargetKind), UserError> {
        let rollout = self.rollout_value(namespace, name).await?;
        let target = Target::of_template(&rollout)?;
        let kind = target.kind;
        let path = format!("{}/{}", collection(kind.api_version(), kind.as_str(), namespace), target.name);
        let mut workload = self.get(path).await?;
        workload["kind"] = json!(kind.as_str());
        Ok((workload, kind))
    }

    /// `set image NAME CONTAINER=IMAGE ...`.
    ///
    /// # Errors
    /// When the container or the Rollout does not exist, or the API server refuses.
    pub async fn set_image(&self, namespace: &str, name: &str, images: &[ContainerImage<'_>]) -> Outcome {
        let (workload, _) = self.workload(namespace, name).await?;
        self.perform(namespace, set_image(&workload, images)?).await
    }

    /// `promote NAME`.
    ///
    /// # Errors
    /// When the options contradict the Rollout, or the API server refuses.
    pub async fn promote(&self, namespace: &str, name: &str, options: PromoteOptions) -> Outcome {
        let mut before = self.rollout(namespace, name).await?;
        loop {
            match self.perform(namespace, promote(&before, options)?).await {
                Err(UserError::Api(kube::Error::Api(status))) if status.reason == "Conflict" => {
                    let now = self.rollout(namespace, name).await?;
                    if !is_same_position(&before, &now) {
                        return Err(UserError::Api(kube::Error::Api(status)));
                    }
                    before = now;
                }
                outcome => return outcome,
            }
        }
    }

    /// `abort NAME`.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn abort(&self, namespace: &str, name: &str) -> Outcome {
        let rollout = self.rollout(namespace, name).await?;
        self.perform(namespace, abort(&rollout)).await
    }

    /// `retry rollout NAME`.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn retry(&self, namespace: &str, name: &str) -> Outcome {
        self.perform(namespace, retry(name)).await
    }

    /// `restart NAME [--in DELAY]`.
    ///
    /// # Errors
    /// When the delay is none, or the API server refuses.
    pub async fn restart(&self, namespace: &str, name: &str, delay: &str) -> Outcome {
        self.perform(namespace, restart(name, delay, self.now())?).await
    }

    /// `pause NAME`.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn pause(&self, namespace: &str, name: &str) -> Outcome {
        self.perform(namespace, pause(name)).await
    }

    /// `undo NAME [--to-revision N]`.
    ///
    /// # Errors
    /// When there is no such revision, or the API server refuses.
    pub async fn undo(&self, namespace: &str, name: &str, to_revision: i64) -> Outcome {
        let rollout = self.rollout_value(namespace, name).await?;
        let list = self.get(collection("apps/v1", "ReplicaSet", namespace)).await?;
        let replica_sets = list["items"].as_array().cloned().unwrap_or_default();
        self.perform(namespace, undo(&rollout, &replica_sets, to_revision)?).await
    }

    async fn perform(&self, namespace: &str, operation: Operation) -> Outcome {
        for patch in &operation.patches {
            self.send(namespace, patch).await?;
        }
        Ok(operation.message)
    }

    async fn send(&self, namespace: &str, patch: &Patch) -> Result<(), UserError> {
        let kind = patch.target.kind;
        let object =
            format!("{}/{}", collection(kind.api_version(), kind.as_str(), namespace), patch.target.name);
        let path = match patch.subresource {
            Some(Subresource::Status) => format!("{object}/status"),
            None => object,
        };
        let content_type = match patch.kind {
            PatchKind::Merge => "application/merge-patch+json",
            PatchKind::Json => "application/json-patch+json",
        };
        self.request(Method::PATCH, path, content_type, &patch.body).await?;
        Ok(())
    }
}
