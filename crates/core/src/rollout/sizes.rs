//! Which ReplicaSets get which size in this plan, and the writes that make it so.

use serde_json::json;
use tidegate_api::labels;
use tidegate_api::rollout::RolloutStatus;

use super::arithmetic::{Pods, Split, drain_others, next_sizes, split};
use super::view::View;
use crate::plan::{Event, Purpose, Request, Write};
use crate::report::Wait;
use crate::snapshot::ReplicaSet;
use crate::traffic_guard::{self, Resize};

/// Writes that move all ReplicaSets one pass towards what `status` (the one that is about to hold) asks for, and what the
/// traffic guard holds back of them.
pub(super) fn guarded(view: &View<'_>, status: &RolloutStatus) -> (Vec<Write>, Vec<Wait>) {
    let wishes = wishes(view, status);
    let all: Vec<Pods> = view.owned.iter().map(|rs| pods(rs)).collect();
    let place = |rs: &ReplicaSet| view.owned.iter().position(|other| other.metadata.uid == rs.metadata.uid);
    let resizes: Vec<Resize> = wishes
        .iter()
        .filter_map(|wish| Some(Resize { index: place(wish.replica_set)?, size: wish.size }))
        .collect();
    let allowed = traffic_guard::shared_selector(view.limits().min_available(), &all, &resizes);
    let mut writes = Vec::new();
    let mut held_back = Vec::new();
    for (wish, size) in wishes.iter().zip(allowed) {
        if size != wish.size {
            held_back.push(Wait {
                object: format!("ReplicaSet/{}", wish.replica_set.metadata.name),
                field: "spec.replicas".into(),
                because: format!("scaling down to {} would leave too few available pods", wish.size),
                since: None,
                until: "more pods are available".into(),
            });
        }
        writes.extend(resize(view, wish.replica_set, size, wish.note_desired && size == wish.size));
    }
    (writes, held_back)
}

/// Pods that a ReplicaSet may be made with: what the first step asks of it, as far as there is room for it beside everything
/// that runs. Whatever depends on the fate of other pods comes later.
pub(super) fn first_size(view: &View<'_>) -> i32 {
    let rollout = view.rollout();
    let is_abort_pending = rollout.status.abort && rollout.status.aborted_at.is_none();
    if view.create_failed || view.is_frozen() || rollout.spec.paused || is_abort_pending {
        return 0;
    }
    let status = &rollout.status;
    let goes_on = status.current_pod_hash == view.wanted_hash && status.current_step_hash == view.step_hash;
    let weight = match view.steps().first() {
        // It was there before, and somebody has deleted it.
        _ if goes_on => view.weight_in_force(status).unwrap_or(100),
        Some(step) if view.stable.is_some() => step.set_weight.unwrap_or(0),
        _ => 100,
    };
    let limits = view.limits();
    let running = view.owned.iter().fold(0_i32, |sum, rs| sum.saturating_add(rs.replicas));
    let target = split(view.replicas, limits.max_surge, weight);
    // Stable grows first.
    let reserved = view.stable.map_or(0, |stable| (target.stable - stable.replicas).max(0));
    let room =
        limits.replicas.saturating_add(limits.max_surge).saturating_sub(running).saturating_sub(reserved);
    target.canary.min(room).max(0)
}

/// Nothing has to change its size.
pub(super) fn are_settled(view: &View<'_>, status: &RolloutStatus) -> bool {
    wishes(view, status).iter().all(|wish| wish.size == wish.replica_set.replicas)
}

/// The first thing in which the ReplicaSets are not yet as they shall be.
pub(super) fn first_unmet(view: &View<'_>, status: &RolloutStatus) -> Option<Wait> {
    let unmet = |rs: &ReplicaSet, field: &str, is: i32, wanted: i32| Wait {
        object: format!("ReplicaSet/{}", rs.metadata.name),
        field: field.into(),
        because: format!("is {is}"),
        since: None,
        until: format!("it is {wanted}"),
    };
    let wishes = wishes(view, status);
    let sizes = wishes.iter().find(|wish| wish.size != wish.replica_set.replicas);
    sizes.map(|wish| unmet(wish.replica_set, "spec.replicas", wish.replica_set.replicas, wish.size)).or_else(
        || {
            let rs = view.owned.iter().find(|rs| rs.status.available_replicas != rs.replicas)?;
            Some(unmet(rs, "status.availableReplicas", rs.status.available_replicas, rs.replicas))
        },
    )
}

/// A size that a ReplicaSet shall get.
struct Wish<'a> {
    replica_set: &'a ReplicaSet,
    size: i32,
    /// Whether the size is all that the present `spec.replicas` asks of it.
    note_desired: bool,
}

fn wishes<'a>(view: &View<'a>, status: &RolloutStatus) -> Vec<Wish<'a>> {
    if view.is_frozen() {
        return frozen_wishes(view);
    }
    let Some(new) = view.new else {
        // The spec is invalid and what ran it is gone: stable carries everything.
        let stable = view.stable.into_iter();
        return stable.map(|rs| Wish { replica_set: rs, size: view.replicas, note_desired: true }).collect();
    };
    if is_held(view, status) {
        return held_wishes(view, new, status);
    }
    towards(view, new, &Goal { split: split_in_force(view, status), held: false })
}

/// Traffic or gates follow rules that this version does not know: only what is alone may follow `spec.replicas`.
fn frozen_wishes<'a>(view: &View<'a>) -> Vec<Wish<'a>> {
    let alone = view.new.filter(|new| is_alone(view, new)).into_iter();
    alone.map(|rs| Wish { replica_set: rs, size: view.replicas, note_desired: true }).collect()
}

/// The stable version runs, and no other ReplicaSet has pods.
pub(super) fn is_alone(view: &View<'_>, new: &ReplicaSet) -> bool {
    let mut others = view.owned.iter().filter(|rs| rs.metadata.uid != new.metadata.uid);
    view.is_finished(&view.rollout().status) && others.all(|rs| rs.replicas == 0)
}

/// Neither steps nor the user move anything for now: sizes change only with `spec.replicas`.
///
/// An abort overrules it: whoever aborts wants the traffic back on stable.
fn is_held(view: &View<'_>, status: &RolloutStatus) -> bool {
    !status.abort && (view.is_on_hold() || view.rollout().spec.paused)
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
pub(super) fn split_in_force(view: &View<'_>, status: &RolloutStatus) -> Split {
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
    let other_pods: Vec<Pods> = others.iter().map(|rs| pods(rs)).collect();
    let sum = other_pods.iter().fold(Pods::default(), |sum, pods| Pods {
        size: sum.size + pods.size,
        available: sum.available + pods.available,
        possible: sum.possible + pods.possible,
    });
    let stable_pods = stable.map(pods).unwrap_or_default();
    let next = next_sizes(goal.split, limits, pods(new), stable_pods, sum);
    let available = pods(new).available + stable_pods.available + sum.available;

    let mut wishes = Vec::new();
    let mut wish = |replica_set, size, goal_size| {
        let note_desired = !goal.held || size == goal_size;
        wishes.push(Wish { replica_set, size, note_desired });
    };
    if let Some(stable) = stable {
        wish(stable, next.stable, goal.split.stable);
    }
    wish(new, next.canary, goal.split.canary);
    for (rs, size) in others.into_iter().zip(drain_others(limits, available, &other_pods)) {
        wish(rs, size, size);
    }
    wishes
}

fn pods(rs: &ReplicaSet) -> Pods {
    Pods { size: rs.replicas, available: rs.available(), possible: rs.possibly_available() }
}

/// The guarded write of one ReplicaSet's size and of the `spec.replicas` it was made for.
fn resize(view: &View<'_>, rs: &ReplicaSet, size: i32, note_desired: bool) -> Option<Write> {
    let in_use = rs.replicas > 0 || size > 0;
    let outdated = note_desired && in_use && rs.desired_replicas() != Some(view.replicas);
    if size == rs.replicas && !outdated {
        return None;
    }
    let mut patch = vec![
        json!({"op": "test", "path": "/metadata/uid", "value": rs.metadata.uid}),
        json!({"op": "test", "path": "/spec/replicas", "value": rs.replicas}),
    ];
    if size < rs.replicas {
        // What was counted as available must still be so: pods may have come and gone since.
        patch.push(
            json!({"op": "test", "path": "/metadata/resourceVersion", "value": rs.metadata.resource_version}),
        );
    }
    if size != rs.replicas {
        patch.push(json!({"op": "replace", "path": "/spec/replicas", "value": size}));
    }
    if note_desired && rs.desired_replicas() != Some(view.replicas) {
        if rs.metadata.annotations.is_empty() {
            patch.push(json!({"op": "add", "path": "/metadata/annotations", "value": {}}));
        }
        let path = format!("/metadata/annotations/{}", labels::DESIRED_REPLICAS.replace('/', "~1"));
        patch.push(json!({"op": "add", "path": path, "value": view.replicas.to_string()}));
    }
    Some(Write {
        object: view.object("ReplicaSet", &rs.metadata.name),
        request: Request::JsonPatch { body: patch.into(), subresource: None },
        purpose: Purpose::Scale { from: rs.replicas, to: size },
        events: scaling_event((&rs.metadata.name, rs.revision().unwrap_or(0)), rs.replicas, size)
            .into_iter()
            .collect(),
    })
}

/// Tells of another size of a ReplicaSet (name, revision).
pub(super) fn scaling_event((name, revision): (&str, i64), from: i32, to: i32) -> Option<Event> {
    let direction = match to.cmp(&from) {
        std::cmp::Ordering::Greater => "up",
        std::cmp::Ordering::Less => "down",
        std::cmp::Ordering::Equal => return None,
    };
    Some(Event::normal(
        "ScalingReplicaSet",
        format!("Scaled {direction} ReplicaSet {name} (revision {revision}) from {from} to {to}"),
    ))
}
