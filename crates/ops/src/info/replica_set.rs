use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tidegate_api::labels;
use tidegate_api::rollout::{PingPongRole, Rollout};

use super::PodInfo;
use crate::field;

/// The role of a ReplicaSet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tag {
    /// The new version of a canary.
    Canary,
    /// The version to go back to.
    Stable,
    /// Behind the active Service.
    Active,
    /// Behind the preview Service.
    Preview,
    /// Behind the ping Service.
    Ping,
    /// Behind the pong Service.
    Pong,
}

impl Tag {
    /// The word that is shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Canary => "canary",
            Self::Stable => "stable",
            Self::Active => "active",
            Self::Preview => "preview",
            Self::Ping => "ping",
            Self::Pong => "pong",
        }
    }
}

/// A ReplicaSet of a Rollout and its pods.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplicaSetInfo {
    /// Name.
    pub name: String,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// Its revision; 0 when it has none.
    pub revision: i64,
    /// `Progressing`, `Healthy`, `ReplicaFailure` or `ScaledDown`.
    pub status: &'static str,
    /// Roles, in the order in which they are shown.
    pub tags: Vec<Tag>,
    /// When it may be scaled down.
    pub scale_down: Option<ScaleDown>,
    /// Pods it has.
    pub replicas: i64,
    /// Pods that are available.
    pub available: i64,
    /// Images of its containers, without init containers.
    pub images: Vec<String>,
    /// By creation, then name.
    pub pods: Vec<PodInfo>,
}

/// The annotation `scale-down-deadline`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ScaleDown {
    /// At this time.
    At(Timestamp),
    /// The annotation cannot be read.
    Unreadable,
}

impl ReplicaSetInfo {
    pub(crate) fn of(object: &Value, rollout: &Rollout, pods: &[Value]) -> Self {
        let uid = field::text(object, "/metadata/uid");
        let mut pods: Vec<PodInfo> =
            pods.iter().filter(|pod| field::is_owned_by(pod, uid)).map(PodInfo::of).collect();
        pods.sort_by(|a, b| (a.created, &a.name).cmp(&(b.created, &b.name)));
        Self {
            name: field::text(object, "/metadata/name").to_owned(),
            created: field::created(object),
            revision: field::revision(object).unwrap_or(0),
            status: status(object),
            tags: tags(field::pod_template_hash(object), rollout),
            scale_down: scale_down(object),
            replicas: field::number(object, "/status/replicas"),
            available: field::number(object, "/status/availableReplicas"),
            images: field::list(object, "/spec/template/spec/containers")
                .iter()
                .map(|container| field::text(container, "/image").to_owned())
                .collect(),
            pods,
        }
    }
}

fn status(object: &Value) -> &'static str {
    let desired = object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    let failed = field::list(object, "/status/conditions").iter().any(|condition| {
        field::text(condition, "/type") == "ReplicaFailure" && field::text(condition, "/status") == "True"
    });
    if field::number(object, "/metadata/generation") > field::number(object, "/status/observedGeneration") {
        "Progressing"
    } else if failed {
        "ReplicaFailure"
    } else if field::number(object, "/status/availableReplicas") < desired {
        "Progressing"
    } else if desired == 0 {
        "ScaledDown"
    } else {
        "Healthy"
    }
}

fn scale_down(object: &Value) -> Option<ScaleDown> {
    let deadline = field::annotation(object, labels::SCALE_DOWN_DEADLINE).filter(|text| !text.is_empty())?;
    Some(deadline.parse().map_or(ScaleDown::Unreadable, ScaleDown::At))
}

fn tags(hash: &str, rollout: &Rollout) -> Vec<Tag> {
    if hash.is_empty() {
        return Vec::new();
    }
    let status = &rollout.status;
    let strategy = rollout.spec.strategy.as_ref();
    let mut tags = Vec::new();
    let stable = hash == status.stable_rs;
    if stable {
        tags.push(Tag::Stable);
    }
    if let Some(canary) = strategy.and_then(|strategy| strategy.canary.as_ref()) {
        let newest = !stable && hash == status.current_pod_hash;
        if newest {
            tags.push(Tag::Canary);
        }
        if canary.ping_pong.is_some() && (stable || newest) {
            let ping_is_stable = status.canary.stable_ping_pong == Some(PingPongRole::Ping);
            tags.push(if ping_is_stable == stable { Tag::Ping } else { Tag::Pong });
        }
    } else if strategy.is_some_and(|strategy| strategy.blue_green.is_some()) {
        if hash == status.blue_green.active_selector {
            tags.push(Tag::Active);
        } else if hash == status.blue_green.preview_selector {
            tags.push(Tag::Preview);
        }
    }
    tags
}

#[cfg(test)]
mod tests;
