//! The snapshot sorted into roles: which ReplicaSet is new, which is stable, and what the spec says about them.

use std::cmp::Reverse;

use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate_api::hash::{pod_template_hash, step_hash};
use tidegate_api::labels;
use tidegate_api::meta::LabelSelector;
use tidegate_api::rollout::{
    BlueGreenStrategy, CanaryStep, CanaryStrategy, PingPongRole, Rollout, RolloutStatus, TrafficRouting,
    condition_type, reason,
};
use tidegate_api::template::{Injected, template_digest};

use super::arithmetic::{Limits, Shares};
use super::validate::{self, SpecError, Subject};
use crate::plan::ObjectRef;
use crate::snapshot::{Observed, ReplicaSet, Snapshot};

/// What one decision looks at.
pub(super) struct View<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) now: Timestamp,
    /// The wanted pod template, after resolving `workloadRef`.
    pub(super) template: Option<&'a Value>,
    pub(super) selector: Option<&'a LabelSelector>,
    /// Pods wanted; while `spec.replicas` is invalid, what they were before.
    pub(super) replicas: i32,
    /// Hash that a ReplicaSet for the wanted template would get.
    pub(super) wanted_hash: String,
    /// Hash of the steps as they stand in the spec.
    pub(super) step_hash: String,
    /// Owned ReplicaSets, oldest first.
    pub(super) owned: Vec<&'a ReplicaSet>,
    /// The same, newest revision first.
    by_revision: Vec<&'a ReplicaSet>,
    /// Runs the wanted template; while the spec is invalid, the last valid one.
    pub(super) new: Option<&'a ReplicaSet>,
    /// Runs the version that an abort returns to.
    pub(super) stable: Option<&'a ReplicaSet>,
    /// Why the spec cannot be followed.
    pub(super) invalid: Option<SpecError>,
    /// The spec asks for something that routes or gates and that this version does not know.
    is_frozen: bool,
    /// No ReplicaSet could be created for the wanted template, and none is there.
    pub(super) create_failed: bool,
    /// The steps are valid and the ones that the status counts by, even if something else in the spec is not.
    steps_are_trusted: bool,
    /// ReplicaSets have counted pods that are not there any more.
    pub(super) statuses_lag: bool,
}

impl<'a> View<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, now: Timestamp) -> Self {
        let rollout = &snapshot.rollout;
        let (template, selector) = wanted(snapshot);
        let status = &rollout.status;
        let wanted_hash = template
            .map(|template| pod_template_hash(template, status.collision_count).to_string())
            .unwrap_or_default();
        let canary = rollout.spec.strategy.as_ref().and_then(|strategy| strategy.canary.as_ref());
        let step_hash = match canary {
            None => String::new(),
            Some(canary) => step_hash(Some(&json!(canary.steps))),
        };
        let owned = owned(snapshot, selector);
        let mut by_revision = owned.clone();
        by_revision.sort_by_cached_key(|rs| Reverse((rs.revision(), rs.age_key())));
        let has_router = snapshot.router.found().is_some();
        let unsupported = validate::not_yet_supported(rollout, has_router);
        let is_frozen = unsupported.is_some();
        let invalid = invalid(snapshot, template, selector, &owned, &wanted_hash).or(unsupported);
        let running = match (&invalid, template) {
            (None, Some(template)) => running(&owned, &wanted_hash, template),
            _ => None,
        };
        let failure =
            status.condition(condition_type::PROGRESSING).map(|condition| condition.reason.as_str());
        let create_failed =
            invalid.is_none() && running.is_none() && failure == Some(reason::REPLICA_SET_CREATE_ERROR);
        let new = match running {
            None if invalid.is_some() || create_failed => with_hash(&owned, &status.current_pod_hash),
            running => running,
        };
        let steps_are_trusted = (invalid.is_none() && !create_failed)
            || (step_hash == status.current_step_hash && validate::strategy(rollout).is_none());
        let replicas = match rollout.spec.replicas_or_default() {
            n if n >= 0 => n,
            _ => new.and_then(ReplicaSet::desired_replicas).unwrap_or(0),
        };
        Self {
            snapshot,
            now,
            template,
            selector,
            replicas,
            wanted_hash,
            step_hash,
            stable: with_hash(&owned, &status.stable_rs),
            owned,
            by_revision,
            new,
            invalid,
            is_frozen,
            create_failed,
            steps_are_trusted,
            statuses_lag: false,
        }
    }

    pub(super) fn is_frozen(&self) -> bool {
        self.is_frozen
    }

    pub(super) fn rollout(&self) -> &'a Rollout {
        &self.snapshot.rollout
    }

    pub(super) fn object(&self, kind: &str, name: &str) -> ObjectRef {
        let namespace = self.rollout().metadata.namespace.clone();
        ObjectRef { kind: kind.to_owned(), namespace, name: name.to_owned() }
    }

    /// The spec is invalid in a way that leaves no steps to follow.
    pub(super) fn is_on_hold(&self) -> bool {
        !self.steps_are_trusted
    }

    pub(super) fn canary(&self) -> Option<&'a CanaryStrategy> {
        self.rollout().spec.strategy.as_ref()?.canary.as_ref()
    }

    pub(super) fn blue_green(&self) -> Option<&'a BlueGreenStrategy> {
        self.rollout().spec.strategy.as_ref()?.blue_green.as_ref()
    }

    /// Weights are routed, not made by the proportion of pods.
    pub(super) fn is_routed(&self) -> bool {
        self.canary().is_some_and(|canary| canary.traffic_routing.is_some())
    }

    /// Stable shrinks as traffic leaves it.
    pub(super) fn stable_is_dynamic(&self) -> bool {
        self.is_routed() && self.canary().is_some_and(|canary| canary.dynamic_stable_scale)
    }

    pub(super) fn shares(&self) -> Shares {
        let routing = self.canary().and_then(|canary| canary.traffic_routing.as_ref());
        let min_pods = self.canary().and_then(|canary| canary.min_pods_per_replica_set);
        Shares {
            replicas: self.replicas,
            max_weight: routing.map_or(100, TrafficRouting::max_traffic_weight_or_default),
            min_pods: min_pods.unwrap_or(0).max(0),
        }
    }

    /// The Service of the stable version: of a ping-pong pair the one whose turn it is.
    pub(super) fn stable_service(&self) -> &'a str {
        self.canary_services().0
    }

    /// The Service of the new version.
    pub(super) fn canary_service(&self) -> &'a str {
        self.canary_services().1
    }

    fn canary_services(&self) -> (&'a str, &'a str) {
        let Some(canary) = self.canary() else { return ("", "") };
        let Some(pair) = &canary.ping_pong else { return (&canary.stable_service, &canary.canary_service) };
        match self.rollout().status.canary.stable_ping_pong {
            Some(PingPongRole::Ping) => (&pair.ping_service, &pair.pong_service),
            _ => (&pair.pong_service, &pair.ping_service),
        }
    }

    /// The version that a Service selects; `None`: it selects pods of any, or was not found.
    pub(super) fn selected_by(&self, service: &str) -> Option<&'a str> {
        let service = self.snapshot.services.get(service)?.found()?;
        service.selector.get(labels::POD_TEMPLATE_HASH).map(String::as_str).filter(|hash| !hash.is_empty())
    }

    /// The Services by which production traffic comes.
    pub(super) fn services_of_traffic(&self) -> Vec<&'a str> {
        let services = match self.blue_green() {
            Some(strategy) => vec![strategy.active_service.as_str()],
            None => vec![self.stable_service(), self.canary_service()],
        };
        services.into_iter().filter(|service| !service.is_empty()).collect()
    }

    pub(super) fn with_hash(&self, hash: &str) -> Option<&'a ReplicaSet> {
        with_hash(&self.owned, hash)
    }

    /// Stable by this status, where it is another version than the new one.
    pub(super) fn old_stable(&self, status: &RolloutStatus) -> Option<&'a ReplicaSet> {
        let is_new = |rs: &ReplicaSet| self.new.is_some_and(|new| new.hash() == rs.hash());
        self.with_hash(&status.stable_rs).filter(|stable| !is_new(stable))
    }

    /// The new version was made before stable, and not too many versions ago: `spec.rollbackWindow`. Neither an abort nor the
    /// wish for it to be stable is meant then.
    pub(super) fn is_within_rollback_window(&self, status: &RolloutStatus) -> bool {
        let Some(window) = &self.rollout().spec.rollback_window else { return false };
        let (Some(new), Some(stable)) = (self.new, self.old_stable(status)) else { return false };
        let made = |rs: &ReplicaSet| rs.metadata.creation_timestamp;
        let between = self.owned.iter().filter(|rs| made(new) < made(rs) && made(rs) < made(stable)).count();
        !status.abort
            && made(new) < made(stable)
            && usize::try_from(window.revisions).is_ok_and(|revisions| between < revisions)
    }

    pub(super) fn steps(&self) -> &'a [CanaryStep] {
        self.canary().map_or(&[], |canary| &canary.steps)
    }

    /// Index that means "all steps done"; `None` without steps.
    pub(super) fn last_index(&self) -> Option<i32> {
        let count = self.steps().len();
        (count > 0).then(|| i32::try_from(count).unwrap_or(i32::MAX))
    }

    pub(super) fn limits(&self) -> Limits {
        let n = self.replicas;
        let (max_surge, max_unavailable) = match (self.canary(), self.blue_green()) {
            (Some(canary), _) => (canary.max_surge(n), canary.max_unavailable(n)),
            (None, Some(blue_green)) => (n, blue_green.max_unavailable(n)),
            (None, None) => {
                let defaults = CanaryStrategy::default();
                (defaults.max_surge(n), defaults.max_unavailable(n))
            }
        };
        Limits {
            replicas: self.replicas,
            max_surge: max_surge.max(0),
            max_unavailable: max_unavailable.max(0),
        }
    }

    /// The new version is the stable one: no update is under way.
    pub(super) fn is_finished(&self, status: &RolloutStatus) -> bool {
        self.new.is_some_and(|new| !status.stable_rs.is_empty() && new.hash() == status.stable_rs)
    }

    /// Another version is the stable one than before.
    pub(super) fn stable_moves(&self, status: &RolloutStatus) -> bool {
        status.stable_rs != self.rollout().status.stable_rs
    }

    /// Percent of the pods that the new version shall have; `None`: all of them, because there is nothing else to keep.
    pub(super) fn weight_in_force(&self, status: &RolloutStatus) -> Option<i32> {
        if self.is_whole(status) {
            return None;
        }
        if status.abort {
            return Some(0);
        }
        let steps = self.steps_up_to_now(status)?;
        Some(last_weight(steps))
    }

    /// All pods are to be of the new version, whatever the steps say.
    pub(super) fn is_whole(&self, status: &RolloutStatus) -> bool {
        let stable_exists = self.with_hash(&status.stable_rs).is_some();
        !stable_exists || self.is_finished(status) || status.promote_full
    }

    /// The steps up to the current one, which is the last; `None`: all are done, or there are none.
    pub(super) fn steps_up_to_now(&self, status: &RolloutStatus) -> Option<&'a [CanaryStep]> {
        let index = usize::try_from(status.current_step_index.unwrap_or(0)).unwrap_or(0);
        self.steps().get(..=index)
    }

    /// ReplicaSets that are neither new nor stable, newest revision first.
    pub(super) fn others(&self) -> Vec<&'a ReplicaSet> {
        self.others_beside(self.stable)
    }

    /// ReplicaSets that are neither new nor this one, newest revision first.
    pub(super) fn others_beside(&self, stable: Option<&ReplicaSet>) -> Vec<&'a ReplicaSet> {
        let is_role = |rs: &ReplicaSet| {
            self.new.is_some_and(|new| new.metadata.uid == rs.metadata.uid)
                || stable.is_some_and(|stable| stable.metadata.uid == rs.metadata.uid)
        };
        self.by_revision.iter().copied().filter(|rs| !is_role(rs)).collect()
    }

    /// Available pods of the new version that count as "all of `target`".
    pub(super) fn is_enough(&self, available: i32, target: i32) -> bool {
        let threshold = self.canary().and_then(|canary| canary.replica_progress_threshold.as_ref());
        match threshold.filter(|threshold| threshold.value >= 0) {
            None => available == target,
            Some(threshold) if threshold.type_.as_str() == "Percent" => {
                target == 0 || i64::from(available) * 100 >= i64::from(threshold.value) * i64::from(target)
            }
            Some(threshold) => available >= threshold.value.min(target),
        }
    }
}

/// The weight of the last `setWeight` among these steps; 0 where there is none.
pub(super) fn last_weight(steps: &[CanaryStep]) -> i32 {
    steps.iter().rev().find_map(|step| step.set_weight).unwrap_or(0)
}

fn wanted(snapshot: &Snapshot) -> (Option<&Value>, Option<&LabelSelector>) {
    let spec = &snapshot.rollout.spec;
    if spec.workload_ref.is_none() {
        return (spec.template.as_ref(), spec.selector.as_ref());
    }
    match &snapshot.workload {
        Observed::Found(workload) => {
            (Some(&workload.template), spec.selector.as_ref().or(workload.selector.as_ref()))
        }
        Observed::Unread | Observed::Missing => (None, spec.selector.as_ref()),
    }
}

/// ReplicaSets that this Rollout controls, and one that a create has met by its name.
fn owned<'a>(snapshot: &'a Snapshot, selector: Option<&LabelSelector>) -> Vec<&'a ReplicaSet> {
    let uid = snapshot.rollout.metadata.uid.as_str();
    let mut owned: Vec<&ReplicaSet> = snapshot.replica_sets.iter().collect();
    for live in snapshot.live_replica_sets.values().filter_map(Observed::found) {
        if !owned.iter().any(|rs| rs.metadata.uid == live.metadata.uid) {
            owned.push(live);
        }
    }
    owned.retain(|rs| {
        rs.metadata.controller_uid() == Some(uid)
            && selector.is_none_or(|selector| selector.matches(&rs.metadata.labels))
    });
    owned.sort_by_key(|rs| rs.age_key());
    owned
}

fn with_hash<'a>(owned: &[&'a ReplicaSet], hash: &str) -> Option<&'a ReplicaSet> {
    owned.iter().copied().find(|rs| !hash.is_empty() && rs.hash() == hash)
}

/// The ReplicaSet of a template: by hash, else by an equal template, which another release may have hashed otherwise.
fn running<'a>(owned: &[&'a ReplicaSet], hash: &str, template: &Value) -> Option<&'a ReplicaSet> {
    with_hash(owned, hash).or_else(|| {
        if owned.is_empty() {
            return None;
        }
        let digest = template_digest(template, &Injected::default());
        owned.iter().copied().find(|rs| rs.template_digest == digest)
    })
}

fn invalid(
    snapshot: &Snapshot,
    template: Option<&Value>,
    selector: Option<&LabelSelector>,
    owned: &[&ReplicaSet],
    wanted_hash: &str,
) -> Option<SpecError> {
    let rollout = &snapshot.rollout;
    validate::workload(rollout, &snapshot.workload)
        .or_else(|| validate::spec(&Subject { rollout, template, selector }))
        .or_else(|| validate::services(rollout, template?, &snapshot.services))
        .or_else(|| rejected_before(rollout, owned, wanted_hash))
}

/// The API server has refused this very template: its answer stands until the spec changes.
fn rejected_before(rollout: &Rollout, owned: &[&ReplicaSet], wanted_hash: &str) -> Option<SpecError> {
    let condition = rollout.status.condition(condition_type::INVALID_SPEC)?;
    let is_current = rollout.status.observed_generation == rollout.metadata.generation.to_string()
        && workload_generation(rollout) == rollout.status.workload_observed_generation;
    let text = condition.message.split_once(" is invalid: ")?.1;
    // What else could say so of a spec that is valid by our own checks is about other objects.
    let is_about_template = ["spec.template.", "metadata."].iter().any(|start| text.starts_with(start));
    (is_current && is_about_template && with_hash(owned, wanted_hash).is_none()).then(|| SpecError::raw(text))
}

/// Generation of the workload that the Rollout was last woken for; empty without `workloadRef`.
pub(super) fn workload_generation(rollout: &Rollout) -> &str {
    if rollout.spec.workload_ref.is_none() {
        return "";
    }
    rollout.metadata.annotations.get(labels::WORKLOAD_GENERATION).map_or("", String::as_str)
}
