//! Sizes of a routed canary: pods follow the weights, without regard to surge and unavailability.

use tidegate_api::rollout::{CanaryStep, RolloutStatus, SetCanaryScale};

use super::delay::{self, Aborted, Rules};
use super::{Deadline, Wish, Wishes, carried_over, is_held};
use crate::report::Wait;
use crate::rollout::arithmetic::{Split, WayBack};
use crate::rollout::pins::Pin;
use crate::rollout::routing;
use crate::rollout::view::{View, last_weight};
use crate::snapshot::ReplicaSet;

pub(super) fn wishes<'a>(
    view: &View<'a>,
    new: &'a ReplicaSet,
    (status, pins): (&RolloutStatus, &[Pin]),
) -> Wishes<'a> {
    let mut wishes = Wishes::default();
    let stable = view.old_stable(status);
    let target = split_in_force(view, status);
    let held = is_held(view, status);
    if let Some(stable) = stable {
        wishes.list.push(if held && view.stable_is_dynamic() {
            Wish::kept(stable, carried_over(view, stable, target.stable))
        } else {
            Wish::new(stable, target.stable)
        });
    }
    if status.abort && stable.is_some() {
        aborted(view, new, (status, pins), &mut wishes);
    } else if held && stable.is_some() {
        wishes.list.push(Wish::kept(new, carried_over(view, new, target.canary)));
    } else if !(held && status.stable_rs.is_empty() && new.replicas == 0) {
        wishes.list.push(Wish::new(new, target.canary));
    }
    let canary = view.canary();
    let mut rules = Rules::new(
        canary.and_then(|canary| canary.scale_down_delay_seconds),
        canary.and_then(|canary| canary.scale_down_delay_revision_limit),
    );
    if view.stable_is_dynamic() {
        rules.seconds = 0;
    }
    delay::replaced(view, view.others_beside(stable), &rules, &mut wishes);
    wishes
}

/// The canary of an aborted update: it stays until stable has taken the traffic over, and for its delay.
fn aborted<'a>(
    view: &View<'a>,
    new: &'a ReplicaSet,
    (status, pins): (&RolloutStatus, &[Pin]),
    wishes: &mut Wishes<'a>,
) {
    let seconds = view.canary().and_then(|canary| canary.abort_scale_down_delay_seconds);
    if view.stable_is_dynamic() && seconds.is_none() {
        // It shrinks as traffic leaves it.
        let size = split_in_force(view, status).canary.min(new.replicas);
        return wishes.list.push(Wish::kept(new, size).until(Deadline::Keep));
    }
    let pin = pins.iter().find(|pin| pin.hash == new.hash()).map(|pin| {
        let object = format!("ReplicaSet/{}", new.metadata.name);
        let because = format!("{} still sends traffic to the aborted version", pin.by);
        Wait { object, field: "spec.replicas".into(), because, since: None, until: "it sends none".into() }
    });
    let routed = routing::unmet_abort(view);
    let needed =
        pin.or(routed).or_else(|| routing::unconfirmed(view)).or_else(|| stable_is_incomplete(view, status));
    delay::aborted(view, new, &Aborted { seconds, needed: needed.as_ref() }, wishes);
}

/// Stable does not yet have all its pods back.
fn stable_is_incomplete(view: &View<'_>, status: &RolloutStatus) -> Option<Wait> {
    let stable = view.old_stable(status).filter(|stable| stable.available() < view.replicas)?;
    Some(Wait {
        object: format!("ReplicaSet/{}", stable.metadata.name),
        field: "status.availableReplicas".into(),
        because: format!("is {}", stable.status.available_replicas),
        since: None,
        until: format!("it is {}", view.replicas),
    })
}

/// Canary and stable pods that steps, promotion and abort ask for.
pub(in crate::rollout) fn split_in_force(view: &View<'_>, status: &RolloutStatus) -> Split {
    let shares = view.shares();
    let n = shares.replicas;
    let (scaled, weight) = asked_for(view, status);
    let mut canary = scaled.unwrap_or_else(|| shares.pods(weight));
    let mut stable = if view.old_stable(status).is_some() || view.new.is_none() { n } else { 0 };
    if view.stable_is_dynamic() && stable > 0 {
        let routed = routing::routed_weight(view);
        let max = shares.max_weight;
        let asked = if scaled.is_some() { 0 } else { weight };
        stable = shares
            .pods(max - asked)
            .max(shares.pods(max - routed))
            .max(shares.pods(routing::awaited(view, &status.stable_rs)));
        if status.abort {
            canary = canary.max(shares.exact(routed));
        }
    }
    Split { canary, stable }
}

/// Pods of the canary by number, where a step gives it, or by the weight that sizes go by.
fn asked_for(view: &View<'_>, status: &RolloutStatus) -> (Option<i32>, i32) {
    let max = view.shares().max_weight;
    if view.is_whole(status) {
        return (None, max);
    }
    if status.abort {
        return (None, stage(view, status));
    }
    let Some(steps) = view.steps_up_to_now(status) else { return (None, max) };
    match steps.iter().rev().find_map(|step| step.set_canary_scale.as_ref()) {
        Some(SetCanaryScale { match_traffic_weight: false, replicas: Some(replicas), .. }) => {
            (Some((*replicas).max(0)), 0)
        }
        Some(SetCanaryScale { match_traffic_weight: false, weight: Some(weight), .. }) => (None, *weight),
        _ => (None, last_weight(steps)),
    }
}

/// The weight by which an aborted update is taken back.
pub(in crate::rollout) fn stage(view: &View<'_>, status: &RolloutStatus) -> i32 {
    if !view.stable_is_dynamic() {
        return 0;
    }
    way_back(view, status).stage(view.shares(), weights(view.steps()))
}

fn weights(steps: &[CanaryStep]) -> impl DoubleEndedIterator<Item = i32> {
    steps.iter().filter_map(|step| step.set_weight)
}

/// What the way back from the canary goes by.
pub(in crate::rollout) fn way_back(view: &View<'_>, status: &RolloutStatus) -> WayBack {
    WayBack {
        stable: view.old_stable(status).map_or(0, ReplicaSet::available),
        routed: routing::routed_weight(view),
    }
}
