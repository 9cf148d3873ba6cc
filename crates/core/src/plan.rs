//! What a decision answers: writes so specific that carrying them out needs no choice.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_api::rollout::Rollout;

use crate::report::Report;
use crate::snapshot::Need;
use crate::traffic::TrafficIntent;

/// The answer of one decision: writes in the order in which they must happen, and when to ask again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Carried out one after the other; the first failure stops the rest.
    pub writes: Vec<Write>,
    /// The next instant at which the same snapshot may be answered differently.
    pub wake_at: Option<Timestamp>,
    /// All such instants, each with its reason.
    #[serde(default)]
    pub timers: Vec<Timer>,
    /// Reads that must be made, live, before planning again (only after a failure).
    pub needs: Vec<Need>,
    /// Try again with the item's back-off: nothing that is watched will tell when it can go on.
    pub retry: bool,
    /// Why it waits.
    pub report: Report,
    /// Events that no write makes true. The same one again is not worth telling.
    pub events: Vec<Event>,
    /// The Rollout that a creation was decided on: its refusal is reported in the status.
    pub basis: Option<Box<Rollout>>,
    /// When this was decided, where an answer to a failure needs it.
    pub decided_at: Option<Timestamp>,
}

/// An instant at which the same snapshot may be answered differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Timer {
    /// A pause with a duration ends.
    PauseEnds(Timestamp),
    /// The progress deadline is exceeded.
    ProgressDeadline(Timestamp),
    /// An object that nobody watches is looked for again.
    LookAgain(Timestamp),
    /// Counters that were allowed to wait are written.
    CountersDue(Timestamp),
    /// A ReplicaSet that nobody needs any more goes to 0.
    ScaleDownDelayEnds(Timestamp),
    /// Pods are due for a restart.
    RestartDue(Timestamp),
    /// Pods that could not be restarted are looked at again.
    RestartGoesOn(Timestamp),
}

impl Timer {
    /// The instant.
    #[must_use]
    pub fn at(self) -> Timestamp {
        match self {
            Self::PauseEnds(at)
            | Self::ProgressDeadline(at)
            | Self::LookAgain(at)
            | Self::CountersDue(at)
            | Self::ScaleDownDelayEnds(at)
            | Self::RestartDue(at)
            | Self::RestartGoesOn(at) => at,
        }
    }

    /// The reason in words.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::PauseEnds(_) => "a pause ends",
            Self::ProgressDeadline(_) => "the progress deadline is exceeded",
            Self::LookAgain(_) => "a missing object is looked for again",
            Self::CountersDue(_) => "counters are written",
            Self::ScaleDownDelayEnds(_) => "a scale-down delay ends",
            Self::RestartDue(_) => "a restart is due",
            Self::RestartGoesOn(_) => "a restart goes on",
        }
    }
}

/// One write, with the events that it makes true.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Write {
    /// What is written.
    pub object: ObjectRef,
    /// How.
    pub request: Request,
    /// What it is for; failures are answered by it.
    pub purpose: Purpose,
    /// Sent after the write has succeeded, in order.
    pub events: Vec<Event>,
}

impl Write {
    /// Which client carries it.
    #[must_use]
    pub fn importance(&self) -> Importance {
        match self.purpose {
            Purpose::Scale { from, to } if to > from => Importance::Traffic,
            Purpose::CreateReplicaSet | Purpose::SwitchService | Purpose::Route => Importance::Traffic,
            _ => Importance::Bookkeeping,
        }
    }
}

/// The one object a write is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectRef {
    /// `Rollout`, `ReplicaSet`, `Service` ...
    pub kind: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}

/// The shape of a write on the wire.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Request {
    /// Create the object; its name is fixed.
    Create {
        /// The whole object.
        body: Value,
    },
    /// RFC 6902 patch; its `test` operations are the guard.
    JsonPatch {
        /// The operations.
        body: Value,
        /// Where it goes.
        subresource: Option<Subresource>,
    },
    /// RFC 7386 patch, guarded by the resourceVersion: the one given, or, when an earlier write of the same plan has
    /// changed the object, the one that this write answered.
    MergePatch {
        /// The members that change.
        body: Value,
        /// The version that the decision was made on.
        resource_version: String,
        /// Where it goes.
        subresource: Option<Subresource>,
    },
    /// Delete exactly this object in exactly this state.
    Delete {
        /// Precondition.
        uid: String,
        /// Precondition.
        resource_version: String,
    },
    /// Ask for the eviction of this pod, which disruption budgets may refuse.
    Evict {
        /// Precondition.
        uid: String,
    },
    /// Have the Rollout's router send the traffic there.
    Route {
        /// Where to.
        intent: Box<TrafficIntent>,
    },
}

/// Endpoint beside an object's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Subresource {
    /// `/status`.
    Status,
}

/// What a write is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Purpose {
    /// A new ReplicaSet.
    CreateReplicaSet,
    /// Another size of a ReplicaSet, or only its desired-replicas annotation (`from` = `to`).
    Scale {
        /// Size before.
        from: i32,
        /// Size after.
        to: i32,
    },
    /// The Rollout's status.
    Status,
    /// Revision and other annotations, minReadySeconds.
    Metadata,
    /// `spec.replicas: 1` where the user gave none.
    DefaultReplicas,
    /// Owner reference added.
    Adopt,
    /// Owner reference removed.
    Release,
    /// An old, idle ReplicaSet beyond the history limit removed.
    CleanUp,
    /// Which ReplicaSet a Service selects.
    SwitchService,
    /// Weights of a router.
    Route,
    /// A pod that is to be restarted.
    Evict,
    /// Labels and annotations of a pod that go with its role.
    PodMetadata,
    /// Size of the Deployment whose template the Rollout uses.
    ScaleWorkload {
        /// Size before.
        from: i32,
        /// Size after.
        to: i32,
    },
}

/// How urgent a write is for traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Importance {
    /// Adds capacity or moves traffic: goes before everything else.
    Traffic,
    /// Everything else.
    Bookkeeping,
}

/// A Kubernetes event about the Rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Normal or Warning.
    #[serde(rename = "type")]
    pub type_: EventType,
    /// Upstream's reason.
    pub reason: String,
    /// Upstream's message.
    pub message: String,
}

impl Event {
    /// A Normal event.
    #[must_use]
    pub fn normal(reason: &str, message: impl Into<String>) -> Self {
        Self { type_: EventType::Normal, reason: reason.into(), message: message.into() }
    }

    /// A Warning event.
    #[must_use]
    pub fn warning(reason: &str, message: impl Into<String>) -> Self {
        Self { type_: EventType::Warning, reason: reason.into(), message: message.into() }
    }
}

/// `type` of a Kubernetes event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventType {
    /// Something happened.
    Normal,
    /// Something a user should look at happened.
    Warning,
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        })
    }
}

/// Why a write did not succeed, as far as the next decision depends on it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WriteError {
    /// 409: the object is not what the decision was made on.
    #[error("the object has changed meanwhile")]
    Conflict,
    /// 409 on create: the name is taken.
    #[error("an object of that name exists")]
    AlreadyExists,
    /// 404.
    #[error("the object is gone")]
    NotFound,
    /// 422: the API server rejects the object.
    #[error("{message}")]
    Invalid {
        /// The API server's text.
        message: String,
        /// Its single findings: (field path, text).
        causes: Vec<(String, String)>,
    },
    /// No answer; the write may or may not have happened.
    #[error("no answer from the API server: {0}")]
    Unanswered(String),
    /// 403: a right is missing, or an admission check says no; the API server's text.
    #[error("{0}")]
    Forbidden(String),
    /// 429 to an eviction: no disruption is allowed now; the API server's text.
    #[error("{0}")]
    Disruption(String),
    /// Any other refusal (429, 500 ...), or a router that cannot do what it shall: the text of who refuses.
    #[error("{0}")]
    Refused(String),
}
