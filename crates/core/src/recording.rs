//! A decision that met a failure, as one value that can be saved and decided again.
//!
//! What is saved holds no secrets of users: values of environment variables are replaced, and what `kubectl apply` keeps of the last
//! manifest is left out. Templates of other versions are digests from the start.

use std::any::Any;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_api::template::{Injected, template_digest};

use crate::plan::{Plan, WriteError};
use crate::snapshot::Snapshot;

/// What stands in the place of a value of an environment variable.
pub const REDACTED: &str = "redacted";
/// The whole manifest as a user last applied it.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A decision with all that it was made on, and what it met.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recording {
    /// The instant that it was made for.
    pub now: Timestamp,
    /// What went wrong.
    pub failure: Failure,
    /// What was decided; `None` where nothing could be.
    #[serde(default)]
    pub plan: Option<Plan>,
    /// What it was decided on.
    pub snapshot: Snapshot,
}

/// What went wrong with a decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Failure {
    /// A write of the plan failed.
    Write {
        /// Which one; 0 is the first.
        number: usize,
        /// Why.
        error: WriteError,
    },
    /// Deciding panicked, with this text.
    Panic(String),
    /// The plan asks to be woken in the past, and writes nothing.
    WokenInThePast,
}

/// What a panic said.
#[must_use]
pub fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref().copied());
    text.unwrap_or("a panic without words").to_owned()
}

impl Recording {
    /// As JSON without secrets. A template that is changed by that stays equal to those that it was equal to.
    ///
    /// # Errors
    /// When a member cannot be written as JSON.
    pub fn to_safe_json(&self) -> Result<Value, serde_json::Error> {
        let mut safe = self.clone();
        let (rollout, workload) = (&self.snapshot.rollout.spec.template, self.snapshot.workload.found());
        let templates = rollout.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
        for template in templates.iter().chain(workload.map(|workload| &workload.template)) {
            let digest = |template: &Value| template_digest(template, &Injected::default());
            let mut redacted = template.clone();
            redact(&mut redacted);
            let (before, after) = (digest(template), digest(&redacted));
            let known = safe.snapshot.replica_sets.iter_mut();
            known.filter(|rs| rs.template_digest == before).for_each(|rs| rs.template_digest = after);
        }
        let mut value = serde_json::to_value(&safe)?;
        redact(&mut value);
        Ok(value)
    }
}

/// Takes secrets out, wherever they are.
fn redact(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(redact),
        Value::Object(members) => {
            members.remove(LAST_APPLIED);
            for (name, member) in members {
                if let ("env", Value::Array(variables)) = (name.as_str(), &mut *member) {
                    for variable in variables {
                        if variable["value"].is_string() {
                            variable["value"] = Value::from(REDACTED);
                        }
                    }
                }
                redact(member);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tidegate_api::rollout::Rollout;

    use super::*;
    use crate::snapshot::ReplicaSet;

    fn recording() -> Recording {
        let template = json!({
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "image": "demo:1", "env": [
                {"name": "PASSWORD", "value": "hunter2"},
                {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            ]}]},
        });
        let rollout: Rollout = serde_json::from_value(json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
            "metadata": {
                "name": "web", "namespace": "default", "uid": "u1",
                "annotations": {(LAST_APPLIED): "hunter2", "team": "blue"},
            },
            "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template, "strategy": {"canary": {}}},
        }))
        .unwrap();
        let replica_set = ReplicaSet::parse(&json!({
            "metadata": {"name": "web-1", "namespace": "default", "uid": "u2", "labels": {"app": "web"}},
            "spec": {"replicas": 1, "template": template},
        }))
        .unwrap();
        let mut snapshot = Snapshot::of(rollout);
        snapshot.replica_sets.push(replica_set);
        let failure = Failure::Write { number: 0, error: WriteError::Forbidden("no".to_owned()) };
        Recording { now: Timestamp::UNIX_EPOCH, failure, plan: Some(Plan::default()), snapshot }
    }

    #[test]
    fn no_secret_is_saved_and_equal_templates_stay_equal() {
        let recording = recording();
        let json = recording.to_safe_json().unwrap();
        let text = json.to_string();
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("PASSWORD") && text.contains("\"team\":\"blue\"") && text.contains("fieldRef"));
        let read: Recording = serde_json::from_value(json).unwrap();
        assert_eq!((&read.failure, read.now), (&recording.failure, recording.now));
        let template = serde_json::to_value(&read.snapshot.rollout.spec.template).unwrap();
        let digest = template_digest(&template, &Injected::default());
        assert_eq!(read.snapshot.replica_sets[0].template_digest, digest);
        assert_ne!(recording.snapshot.replica_sets[0].template_digest, digest);
    }

    #[test]
    fn without_secrets_it_is_read_as_it_was() {
        let mut recording = recording();
        recording.snapshot.rollout.metadata.annotations.clear();
        recording.snapshot.rollout.spec.template = None;
        let read: Recording = serde_json::from_value(recording.to_safe_json().unwrap()).unwrap();
        assert_eq!(read, recording);
    }
}
