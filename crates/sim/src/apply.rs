//! `kubectl apply`: objects of any kind that the cluster serves.

use http::Method;
use serde_json::{Value, json};

use crate::manifest;
use crate::user::{Outcome, UserError};
use crate::world::World;

/// Where the cluster keeps the objects of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collection {
    /// `/apis/apps/v1`, without what follows.
    root: String,
    /// `deployments`.
    plural: String,
    /// Whether its objects stand in namespaces.
    pub namespaced: bool,
}

impl Collection {
    /// `deployments.apps`, as the cluster calls it.
    pub(crate) fn resource(&self) -> String {
        let group = self.root.strip_prefix("/apis/").and_then(|rest| rest.split_once('/'));
        group.map_or_else(|| self.plural.clone(), |(group, _)| format!("{}.{group}", self.plural))
    }

    pub(crate) fn object(&self, namespace: &str, name: &str) -> String {
        format!("{}/{name}", self.path(namespace))
    }

    fn path(&self, namespace: &str) -> String {
        if self.namespaced {
            format!("{}/namespaces/{namespace}/{}", self.root, self.plural)
        } else {
            format!("{}/{}", self.root, self.plural)
        }
    }
}

/// What is said about a manifest whose kind the cluster does not serve, as kubectl says it.
pub(crate) fn no_match(version: &str, kind: &str) -> UserError {
    UserError::Unreadable(format!(
        "no matches for kind \"{kind}\" in version \"{version}\"; ensure CRDs are installed first"
    ))
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The objects of a manifest.
fn objects(manifest: &str) -> Result<Vec<Value>, UserError> {
    let reading = manifest::read(manifest);
    match reading.faults.first() {
        Some(fault) => Err(UserError::Unreadable(fault.to_string())),
        None => Ok(reading.documents.iter().map(manifest::Node::to_value).collect()),
    }
}

/// `deployment.apps/web`.
fn in_words(object: &Value) -> String {
    let (version, name) = (text(object, "/apiVersion"), text(object, "/metadata/name"));
    let group = version.split_once('/').map_or(String::new(), |(group, _)| format!(".{group}"));
    format!("{}{group}/{name}", text(object, "/kind").to_lowercase())
}

impl World {
    /// The collection of a kind, by discovery; `None`: the cluster does not serve it.
    pub async fn collection_of(&self, api_version: &str, kind: &str) -> Option<Collection> {
        let root = if api_version.contains('/') { "/apis" } else { "/api" };
        let root = format!("{root}/{api_version}");
        let served = self.get(root.clone()).await.ok()?;
        let mut resources = served["resources"].as_array().into_iter().flatten();
        let resource =
            resources.find(|resource| resource["kind"] == kind && !text(resource, "/name").contains('/'))?;
        Some(Collection {
            root,
            plural: text(resource, "/name").to_owned(),
            namespaced: resource["namespaced"] == true,
        })
    }

    /// `kubectl apply -f`: creates each object of the manifest, or merges it into what is there.
    ///
    /// # Errors
    /// When the manifest is no YAML, or the API server refuses an object.
    pub async fn apply(&self, namespace: &str, manifest: &str) -> Outcome {
        let mut lines = Vec::new();
        for object in objects(manifest)? {
            lines.push(self.apply_object(namespace, object).await?);
        }
        Ok(lines.join("\n"))
    }

    /// `kubectl replace -f`: each object becomes what the manifest says, and loses what the manifest does not say.
    ///
    /// # Errors
    /// When the manifest is no YAML, or the API server refuses an object or has none of that name.
    pub async fn replace(&self, namespace: &str, manifest: &str) -> Outcome {
        let mut lines = Vec::new();
        for object in objects(manifest)? {
            lines.push(self.replace_object(namespace, object).await?);
        }
        Ok(lines.join("\n"))
    }

    /// The same for one object; `namespace` counts where it names none.
    ///
    /// # Errors
    /// When the cluster does not serve its kind, has none of that name, or refuses it.
    pub async fn replace_object(&self, namespace: &str, object: Value) -> Outcome {
        let (path, object) = self.addressed(namespace, object).await?;
        let at = format!("{path}/{}", text(&object, "/metadata/name"));
        self.request(Method::PUT, at, "application/json", &object).await?;
        Ok(format!("{} replaced", in_words(&object)))
    }

    /// `kubectl apply` of one object; `namespace` counts where it names none.
    ///
    /// # Errors
    /// When the cluster does not serve its kind, or refuses it.
    pub async fn apply_object(&self, namespace: &str, object: Value) -> Outcome {
        let (path, object) = self.addressed(namespace, object).await?;
        let at = format!("{path}/{}", text(&object, "/metadata/name"));
        let done = match self.get(at.clone()).await {
            Err(kube::Error::Api(status)) if status.code == 404 => {
                self.request(Method::POST, path, "application/json", &object).await?;
                "created"
            }
            Err(error) => return Err(error.into()),
            Ok(before) => {
                let after = self.request(Method::PATCH, at, "application/merge-patch+json", &object).await?;
                let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
                if version(&before) == version(&after) { "unchanged" } else { "configured" }
            }
        };
        Ok(format!("{} {done}", in_words(&object)))
    }

    /// `kubectl create --dry-run=server --validate=strict`: whether the API server would take the object. One that is there
    /// already is no reason against it.
    ///
    /// # Errors
    /// When it would not.
    pub async fn try_object(&self, namespace: &str, object: Value) -> Result<(), UserError> {
        let (path, object) = self.addressed(namespace, object).await?;
        let path = format!("{path}?dryRun=All&fieldValidation=Strict");
        match self.request(Method::POST, path, "application/json", &object).await {
            Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => Ok(()),
            answer => Ok(answer.map(drop)?),
        }
    }

    /// The path of an object's collection, and the object with its namespace.
    async fn addressed(&self, namespace: &str, mut object: Value) -> Result<(String, Value), UserError> {
        let (version, kind) = (text(&object, "/apiVersion"), text(&object, "/kind"));
        let Some(collection) = self.collection_of(version, kind).await else {
            return Err(no_match(version, kind));
        };
        if !object["metadata"].is_object() {
            return Err(UserError::Unreadable(format!("a {kind} without metadata has no name")));
        }
        if collection.namespaced && text(&object, "/metadata/namespace").is_empty() {
            object["metadata"]["namespace"] = json!(namespace);
        }
        let path = collection.path(text(&object, "/metadata/namespace"));
        Ok((path, object))
    }
}
