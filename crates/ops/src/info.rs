//! A Rollout with its ReplicaSets and pods, as a user wants to see it: what `get rollout` and the dashboard show.
//!
//! Modules in reading order: `canary` (step and weights), `replica_set`, `pod`, `images`. Nothing here depends on the time;
//! views turn the instants into ages.

mod canary;
mod images;
mod pod;
mod replica_set;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tidegate_api::rollout::Rollout;

pub use canary::CanaryInfo;
pub use images::ImageInfo;
pub use pod::PodInfo;
pub use replica_set::{ReplicaSetInfo, ScaleDown, Tag};

use crate::field;
use crate::status::{ClientStatus, client_status};

/// What the tree is made from; ReplicaSets and pods of others are passed over.
#[derive(Clone, Copy, Debug)]
pub struct Objects<'a> {
    /// The Rollout.
    pub rollout: &'a Rollout,
    /// `apps/v1` ReplicaSets of its namespace.
    pub replica_sets: &'a [Value],
    /// `v1` Pods of its namespace.
    pub pods: &'a [Value],
}

/// A Rollout and what belongs to it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RolloutInfo {
    /// Name.
    pub name: String,
    /// Namespace.
    pub namespace: String,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// Its state.
    pub status: ClientStatus,
    /// How it changes versions.
    pub strategy: StrategyInfo,
    /// Images that run, by name.
    pub images: Vec<ImageInfo>,
    /// Pods by count.
    pub replicas: ReplicaCounts,
    /// From the newest to the oldest.
    pub revisions: Vec<RevisionInfo>,
}

/// How a Rollout changes versions, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum StrategyInfo {
    /// Neither strategy is set, which is invalid.
    None,
    /// Two full sets of pods.
    BlueGreen,
    /// A growing share.
    Canary(CanaryInfo),
}

/// Pods of a Rollout by count, as the status has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ReplicaCounts {
    /// Wanted.
    pub desired: i32,
    /// Existing.
    pub current: i32,
    /// Of the newest version.
    pub updated: i32,
    /// Ready.
    pub ready: i32,
    /// Available.
    pub available: i32,
}

/// What carries one revision number.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RevisionInfo {
    /// The number; 0 for objects that have none.
    pub revision: i64,
    /// By name.
    pub replica_sets: Vec<ReplicaSetInfo>,
}

impl RolloutInfo {
    /// The tree of a Rollout.
    #[must_use]
    pub fn of(objects: &Objects<'_>) -> Self {
        let rollout = objects.rollout;
        let mut replica_sets: Vec<ReplicaSetInfo> = objects
            .replica_sets
            .iter()
            .filter(|replica_set| field::is_owned_by(replica_set, &rollout.metadata.uid))
            .map(|replica_set| ReplicaSetInfo::of(replica_set, rollout, objects.pods))
            .collect();
        replica_sets.sort_by(|a, b| a.name.cmp(&b.name));
        Self {
            name: rollout.metadata.name.clone(),
            namespace: rollout.metadata.namespace.clone(),
            created: rollout.metadata.creation_timestamp.map(Timestamp::from),
            status: client_status(rollout),
            strategy: strategy(rollout, &replica_sets),
            images: images::running(&replica_sets),
            replicas: counts(rollout),
            revisions: revisions(replica_sets),
        }
    }

    /// When the newest of its objects was created. It is at least that late for whoever looks, whatever their clock says.
    #[must_use]
    pub fn newest(&self) -> Option<Timestamp> {
        let replica_sets = self.revisions.iter().flat_map(|revision| &revision.replica_sets);
        let created = replica_sets
            .flat_map(|set| std::iter::once(set.created).chain(set.pods.iter().map(|pod| pod.created)));
        created.chain([self.created]).flatten().max()
    }
}

fn strategy(rollout: &Rollout, replica_sets: &[ReplicaSetInfo]) -> StrategyInfo {
    match rollout.spec.strategy.as_ref().map(|strategy| (&strategy.canary, &strategy.blue_green)) {
        Some((Some(canary), _)) => {
            let of_canary = replica_sets.iter().find(|replica_set| replica_set.tags.contains(&Tag::Canary));
            let available = of_canary.map_or(0, |replica_set| replica_set.available);
            StrategyInfo::Canary(CanaryInfo::of(canary, &rollout.status, available))
        }
        Some((None, Some(_))) => StrategyInfo::BlueGreen,
        Some((None, None)) | None => StrategyInfo::None,
    }
}

fn counts(rollout: &Rollout) -> ReplicaCounts {
    let status = &rollout.status;
    ReplicaCounts {
        desired: rollout.spec.replicas_or_default(),
        current: status.replicas,
        updated: status.updated_replicas,
        ready: status.ready_replicas,
        available: status.available_replicas,
    }
}

fn revisions(replica_sets: Vec<ReplicaSetInfo>) -> Vec<RevisionInfo> {
    let mut by_revision: BTreeMap<i64, Vec<ReplicaSetInfo>> = BTreeMap::new();
    for replica_set in replica_sets {
        by_revision.entry(replica_set.revision).or_default().push(replica_set);
    }
    by_revision
        .into_iter()
        .rev()
        .map(|(revision, replica_sets)| RevisionInfo { revision, replica_sets })
        .collect()
}
