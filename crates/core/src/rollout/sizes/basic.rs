//! Sizes of a canary without a router: the proportion of pods makes the weight.

use tidegate_api::rollout::RolloutStatus;

use super::{Wish, is_held, pods};
use crate::rollout::arithmetic::{Pods, Split, drain_others, next_sizes, split};
use crate::rollout::view::View;
use crate::snapshot::ReplicaSet;

pub(super) fn wishes<'a>(view: &View<'a>, new: &'a ReplicaSet, status: &RolloutStatus) -> Vec<Wish<'a>> {
    if is_held(view, status) {
        return held_wishes(view, new, status);
    }
    towards(view, new, &Goal { split: split_in_force(view, status), held: false })
}

/// Pods that a ReplicaSet may be made with under this status.
pub(super) fn first_size(view: &View<'_>, status: &RolloutStatus) -> i32 {
    let weight = if view.stable.is_some() { view.weight_in_force(status).unwrap_or(100) } else { 100 };
    let limits = view.limits();
    let running = view.owned.iter().fold(0_i32, |sum, rs| sum.saturating_add(rs.replicas));
    let target = split(view.replicas, limits.max_surge, weight);
    // Stable grows first.
    let reserved = view.stable.map_or(0, |stable| (target.stable - stable.replicas).max(0));
    let room =
        limits.replicas.saturating_add(limits.max_surge).saturating_sub(running).saturating_sub(reserved);
    target.canary.min(room).max(0)
}

/// `spec.replicas` differs from the value that a ReplicaSet in use was last sized for.
fn is_scaling(view: &View<'_>) -> bool {
    view.new
        .into_iter()
        .chain(view.stable)
        .any(|rs| rs.replicas > 0 && rs.desired_replicas() != Some(view.replicas))
}

struct Goal {
    split: Split,
    held: bool,
}

/// Canary and stable pods that steps, promotion and abort ask for.
pub(in crate::rollout) fn split_in_force(view: &View<'_>, status: &RolloutStatus) -> Split {
    match view.weight_in_force(status) {
        Some(weight) => split(view.replicas, view.limits().max_surge, weight),
        None => Split { canary: view.replicas, stable: 0 },
    }
}

/// While nothing may move: all to the only version there is; of two, the present proportion, and no capacity lost.
fn held_wishes<'a>(view: &View<'a>, new: &'a ReplicaSet, status: &RolloutStatus) -> Vec<Wish<'a>> {
    let Some(stable) = view.stable.filter(|stable| stable.hash() != new.hash()) else {
        let is_first_deployment = status.stable_rs.is_empty() && new.replicas == 0;
        let split = Split { canary: view.replicas, stable: 0 };
        return if is_first_deployment {
            Vec::new()
        } else {
            towards(view, new, &Goal { split, held: true })
        };
    };
    let split = held_split(view, new, stable, status);
    let is_there = (new.replicas, stable.replicas) == (split.canary, split.stable);
    if is_there && !is_scaling(view) {
        return Vec::new();
    }
    towards(view, new, &Goal { split, held: true })
}

/// The present proportion carried over to `spec.replicas`. A ReplicaSet whose annotation says that it has been carried over
/// stays as it is, so that doing this pass by pass comes to the same.
fn held_split(view: &View<'_>, new: &ReplicaSet, stable: &ReplicaSet, status: &RolloutStatus) -> Split {
    let n = view.replicas;
    let (canary, kept) = (new.replicas, stable.replicas);
    if canary + kept == 0 {
        let none = Split { canary: 0, stable: n };
        return if view.is_on_hold() { none } else { split_in_force(view, status) };
    }
    let is_carried_over = |rs: &ReplicaSet| rs.desired_replicas() == Some(n);
    // A side that has pods keeps one, where that does not cost the other side its last.
    let at_least_one = |size: i32| i32::from(size > 0 && n > 0 && (n > 1 || view.limits().max_surge > 0));
    match (is_carried_over(new), is_carried_over(stable)) {
        (true, true) => Split { canary, stable: kept.max(n - canary) },
        (true, false) => Split { canary, stable: (n - canary).max(at_least_one(kept)) },
        (false, true) => Split { canary: (n - kept).max(at_least_one(canary)), stable: kept },
        (false, false) => {
            let total = i64::from(canary) + i64::from(kept);
            let share = (i64::from(canary) * i64::from(n) + total / 2) / total;
            let share = i32::try_from(share).unwrap_or(n).max(at_least_one(canary));
            let share = if kept > 0 && n > 1 { share.min(n - 1) } else { share };
            Split { canary: share, stable: (n - share).max(at_least_one(kept)) }
        }
    }
}

fn towards<'a>(view: &View<'a>, new: &'a ReplicaSet, goal: &Goal) -> Vec<Wish<'a>> {
    let limits = view.limits();
    let stable = view.stable.filter(|stable| stable.hash() != new.hash());
    let others: Vec<&ReplicaSet> = view.others().into_iter().filter(|rs| rs.replicas > 0).collect();
    let other_pods: Vec<Pods> = others.iter().map(|rs| pods(view, rs)).collect();
    let sum = other_pods.iter().fold(Pods::default(), |sum, pods| Pods {
        size: sum.size + pods.size,
        available: sum.available + pods.available,
        possible: sum.possible + pods.possible,
        ready: sum.ready + pods.ready,
        leaving: sum.leaving + pods.leaving,
    });
    let stable_pods = stable.map(|stable| pods(view, stable)).unwrap_or_default();
    let new_pods = pods(view, new);
    let next = next_sizes(goal.split, limits, new_pods, stable_pods, sum);
    let available = new_pods.available + stable_pods.available + sum.available;

    let mut wishes = Vec::new();
    let mut wish = |replica_set, size, goal_size| {
        let note_desired = !goal.held || size == goal_size;
        // What has yet to shrink stays as it is for now.
        let is_kept = size > goal_size;
        wishes.push(Wish { note_desired, is_kept, ..Wish::new(replica_set, size) });
    };
    if let Some(stable) = stable {
        wish(stable, next.stable, goal.split.stable);
    }
    wish(new, next.canary, goal.split.canary);
    for (rs, size) in others.into_iter().zip(drain_others(limits, available, &other_pods)) {
        wishes.push(Wish::kept(rs, size));
    }
    wishes
}
