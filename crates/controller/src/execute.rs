//! Carrying out one write: from a request of a plan to a request on the wire, and from its answer to what decisions know.

use std::collections::BTreeMap;

use http::{Method, Request as HttpRequest, header};
use kube::core::response::{Status, reason};
use serde_json::{Value, json};
use tidegate_core::{Importance, ObjectRef, Request, Subresource, Write, WriteError};

use crate::clients::{Clients, RequestError};
use crate::kind::Kind;
use crate::rate::Priority;
use crate::store::{Mark, version};

/// What a successful write has left.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    /// The object as it is now.
    Object(Value),
    /// Nothing: the object with this uid is gone.
    Gone(String),
    /// Nothing that a store would show: a router has moved traffic, or a pod was told to go.
    Done,
}

impl Answer {
    /// What a store will show once it has caught up.
    pub(crate) fn mark(&self) -> Option<Mark> {
        match self {
            Self::Object(object) => {
                let resource_version = object["metadata"]["resourceVersion"].as_str();
                Some(Mark::Version(version(resource_version.unwrap_or_default())))
            }
            Self::Gone(uid) => Some(Mark::Gone(uid.clone())),
            Self::Done => None,
        }
    }
}

/// The resourceVersions that earlier writes of the same plan have answered.
pub(crate) type Versions = BTreeMap<ObjectRef, String>;

/// The priority of the first of these writes: a plan is carried out in order, so it is as urgent as what waits for it.
pub(crate) fn priority(rest_of_plan: &[Write]) -> Priority {
    match rest_of_plan.iter().map(Write::importance).min() {
        Some(Importance::Traffic) => Priority::Traffic,
        Some(Importance::Bookkeeping) | None => Priority::Bookkeeping,
    }
}

/// Makes one write happen.
pub(crate) async fn carry_out(
    clients: &Clients,
    write: &Write,
    priority: Priority,
    versions: &mut Versions,
    field_manager: &str,
) -> Result<Answer, WriteError> {
    let request = to_http(write, versions, field_manager)?;
    let answer =
        clients.send(priority, request).await.map_err(|error| to_write_error(&write.request, error))?;
    let answer = match &write.request {
        // A finalizer keeps the object, which is answered then with its deletionTimestamp.
        Request::Delete { uid, .. } if answer["metadata"]["deletionTimestamp"].is_null() => {
            Answer::Gone(uid.clone())
        }
        Request::Evict { .. } => Answer::Done,
        _ => Answer::Object(answer),
    };
    if let Answer::Object(object) = &answer
        && let Some(version) = object["metadata"]["resourceVersion"].as_str()
    {
        versions.insert(write.object.clone(), version.to_owned());
    }
    Ok(answer)
}

fn to_http(
    write: &Write,
    versions: &Versions,
    field_manager: &str,
) -> Result<HttpRequest<Vec<u8>>, WriteError> {
    let ObjectRef { kind, namespace, name } = &write.object;
    let kind =
        Kind::written(kind).ok_or_else(|| WriteError::Refused(format!("no place is known for {kind}")))?;
    let (collection, object) = (kind.collection(namespace), kind.object(namespace, name));
    let (method, path, content, body) = match &write.request {
        Request::Create { body } => (Method::POST, collection, "application/json", body.clone()),
        Request::JsonPatch { body, subresource } => {
            (Method::PATCH, object + suffix(*subresource), "application/json-patch+json", body.clone())
        }
        Request::MergePatch { body, resource_version, subresource } => {
            let mut body = body.clone();
            let version = versions.get(&write.object).unwrap_or(resource_version);
            body["metadata"]["resourceVersion"] = Value::from(version.as_str());
            (Method::PATCH, object + suffix(*subresource), "application/merge-patch+json", body)
        }
        Request::Evict { uid } => {
            (Method::POST, object + "/eviction", "application/json", eviction(write, uid))
        }
        // A plan routes only what a router was seen to do.
        Request::Route { .. } => return Err(WriteError::Refused("there is no router".to_owned())),
        Request::Delete { uid, resource_version } => {
            (Method::DELETE, object, "application/json", delete_options(uid, resource_version))
        }
    };
    let uri = if method == Method::DELETE { path } else { path + &written_by(field_manager) };
    HttpRequest::builder()
        .method(method)
        .uri(uri)
        .header(header::CONTENT_TYPE, content)
        .body(body.to_string().into_bytes())
        .map_err(|error| WriteError::Refused(error.to_string()))
}

/// The query of a write. Looking for fields that it does not know costs the API server a good part of a patch, and nobody reads
/// its warnings to a controller.
pub(crate) fn written_by(field_manager: &str) -> String {
    format!("?fieldManager={field_manager}&fieldValidation=Ignore")
}

fn suffix(subresource: Option<Subresource>) -> &'static str {
    match subresource {
        None => "",
        Some(Subresource::Status) => "/status",
    }
}

fn delete_options(uid: &str, resource_version: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "propagationPolicy": "Background",
        "preconditions": { "uid": uid, "resourceVersion": resource_version },
    })
}

fn eviction(write: &Write, uid: &str) -> Value {
    json!({
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": { "name": write.object.name, "namespace": write.object.namespace },
        "deleteOptions": { "preconditions": { "uid": uid } },
    })
}

fn to_write_error(request: &Request, error: RequestError) -> WriteError {
    match error {
        RequestError::Kube(kube::Error::Api(status)) => refusal(request, *status),
        error @ RequestError::Kube(kube::Error::HttpError(_) | kube::Error::BuildRequest(_)) => {
            WriteError::Refused(error.text())
        }
        // The request had left when this went wrong.
        error => WriteError::Unanswered(error.text()),
    }
}

fn refusal(request: &Request, status: Status) -> WriteError {
    let causes: Vec<(String, String)> = status
        .details
        .iter()
        .flat_map(|details| &details.causes)
        .map(|cause| (cause.field.clone(), cause.message.clone()))
        .collect();
    // By code: kube's `is_conflict` and the like miss refusals of proxies, which carry no known reason.
    match (status.code, request) {
        (409, _) if status.reason == reason::ALREADY_EXISTS => WriteError::AlreadyExists,
        (409, _) => WriteError::Conflict,
        (404, _) => WriteError::NotFound,
        // A `test` that fails is answered as a bad patch, without a finding about any field.
        (422, Request::JsonPatch { .. }) if causes.is_empty() => WriteError::Conflict,
        (422, _) => WriteError::Invalid { message: status.message, causes },
        (403, _) => WriteError::Forbidden(status.message),
        (429, Request::Evict { .. }) => WriteError::Disruption(status.message),
        (504, _) => WriteError::Unanswered(status.message),
        _ => WriteError::Refused(status.message),
    }
}

#[cfg(test)]
#[path = "execute_tests.rs"]
mod tests;
