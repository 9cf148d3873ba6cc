//! Failures as the API server answers them: `Status` objects.

use serde_json::{Map, Value, json};

use crate::field::Cause;
use crate::resources::Resource;

/// A failed request: what Kubernetes sends as a `Status` object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// The HTTP status code, e.g. `409`.
    pub code: u16,
    /// The machine-readable reason, e.g. `AlreadyExists`; empty when Kubernetes gives none.
    pub reason: String,
    /// The text that a user sees.
    pub message: String,
    /// `details` of the `Status`: name, group, kind, causes; empty when there are none.
    pub details: Map<String, Value>,
}

impl ApiError {
    /// A failure without details.
    pub fn new(code: u16, reason: &str, message: impl Into<String>) -> Self {
        Self { code, reason: reason.to_owned(), message: message.into(), details: Map::new() }
    }

    /// 400 `BadRequest`.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(crate) fn not_found(resource: &Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", resource.id);
        Self::new(404, "NotFound", message).about(resource, name)
    }

    /// 404 for a path that no resource answers.
    pub(crate) fn no_such_path() -> Self {
        let mut error = Self::new(404, "NotFound", "the server could not find the requested resource");
        error.details = Map::new();
        error
    }

    pub(crate) fn method_not_allowed() -> Self {
        Self::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
    }

    pub(crate) fn already_exists(resource: &Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", resource.id);
        Self::new(409, "AlreadyExists", message).about(resource, name)
    }

    /// The same of a name that the server was free to choose: another try may find a better one.
    pub(crate) fn no_name_found(resource: &Resource, name: &str) -> Self {
        let mut error = Self::already_exists(resource, name);
        error.message += ", the server was not able to generate a unique name for the object";
        error.details.insert("retryAfterSeconds".to_owned(), 1.into());
        error
    }

    pub(crate) fn conflict(resource: &Resource, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", resource.id);
        Self::new(409, "Conflict", message).about(resource, name)
    }

    /// 409 of a deletion whose preconditions do not hold: it speaks of the kind, not of the resource.
    pub(crate) fn precondition(resource: &Resource, name: &str, why: &str) -> Self {
        let (group, kind) = (&resource.group, &resource.kind);
        let qualified = if group.is_empty() { kind.clone() } else { format!("{kind}.{group}") };
        let message = format!("Operation cannot be fulfilled on {qualified} \"{name}\": {why}");
        let mut error = Self::new(409, "Conflict", message);
        error.set_details(group, kind, name);
        error
    }

    /// 409 of a write that was based on an older resourceVersion.
    pub(crate) fn stale(resource: &Resource, name: &str) -> Self {
        let why =
            "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(resource, name, why)
    }

    /// The same of an object that waits for its finalizers.
    pub(crate) fn of_a_deleted_object(mut self) -> Self {
        self.message = format!("object is being deleted: {}", self.message);
        self
    }

    pub(crate) fn forbidden(resource: &Resource, name: &str, why: &str) -> Self {
        let message = format!("{} \"{name}\" is forbidden: {why}", resource.id);
        Self::new(403, "Forbidden", message).about(resource, name)
    }

    /// 410: the resourceVersion is older than what the server remembers.
    pub(crate) fn expired(asked: u64, oldest: u64) -> Self {
        Self::new(410, "Expired", format!("too old resource version: {asked} ({oldest})"))
    }

    /// 422 of an object that failed validation; `group` and `kind` as in `ReplicaSet.apps`.
    pub(crate) fn invalid(group: &str, kind: &str, name: &str, causes: &[Cause]) -> Self {
        let qualified = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
        let mut texts: Vec<String> = Vec::new();
        for cause in causes {
            let text = cause.to_string();
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        let all = match texts.as_slice() {
            [one] => one.clone(),
            several => format!("[{}]", several.join(", ")),
        };
        let mut error = Self::new(422, "Invalid", format!("{qualified} \"{name}\" is invalid: {all}"));
        error.set_details(group, kind, name);
        error.details.insert("causes".to_owned(), causes.iter().map(Cause::to_value).collect());
        error
    }

    /// 415 for a body type that the resource does not take.
    pub(crate) fn unsupported_media(accepted: &[&str]) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {}",
            accepted.join(", ")
        );
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// The same of an object that got its name meanwhile.
    pub(crate) fn named(mut self, name: &str) -> Self {
        self.details.insert("name".to_owned(), name.into());
        self
    }

    fn about(mut self, resource: &Resource, name: &str) -> Self {
        self.set_details(&resource.group, &resource.plural, name);
        self
    }

    fn set_details(&mut self, group: &str, kind: &str, name: &str) {
        for (key, value) in [("name", name), ("group", group), ("kind", kind)] {
            if !value.is_empty() {
                self.details.insert(key.to_owned(), value.into());
            }
        }
    }

    /// The `Status` object.
    pub fn to_value(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "code": self.code,
        });
        if !self.reason.is_empty() {
            status["reason"] = self.reason.clone().into();
        }
        if !self.details.is_empty() {
            status["details"] = Value::Object(self.details.clone());
        }
        status
    }
}
