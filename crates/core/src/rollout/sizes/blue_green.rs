//! Sizes of blue-green: everything that carries or may soon carry the traffic has all its pods.

use tidegate_api::rollout::{BlueGreenStrategy, RolloutStatus};

use super::delay::{self, Aborted, Rules};
use super::{Deadline, Wish, Wishes, carried_over, is_held};
use crate::report::Wait;
use crate::rollout::blue_green;
use crate::rollout::pins::Pin;
use crate::rollout::view::View;
use crate::snapshot::ReplicaSet;

pub(super) fn wishes<'a>(
    view: &View<'a>,
    new: &'a ReplicaSet,
    strategy: &BlueGreenStrategy,
    (status, pins): (&RolloutStatus, &[Pin]),
) -> Wishes<'a> {
    let mut wishes = Wishes::default();
    let n = view.replicas;
    let stable = view.old_stable(status);
    wishes.list.extend(stable.map(|stable| Wish::new(stable, n)));
    let active = view.selected_by(&strategy.active_service);
    let mut others = view.others_beside(stable);
    if let Some(at) = others.iter().position(|rs| Some(rs.hash()) == active) {
        // A newer version has come before the promotion of this one was complete.
        wishes.list.push(Wish::new(others.remove(at), n));
    }
    if stable.is_some() && status.abort {
        let pin = pins.iter().find(|pin| pin.hash == new.hash()).map(|pin| still_active(new, pin));
        let seconds = strategy.abort_scale_down_delay_seconds;
        delay::aborted(view, new, &Aborted { seconds, needed: pin.as_ref() }, &mut wishes);
    } else if is_held(view, status) && !(stable.is_none() && new.hash() == status.stable_rs) {
        let is_retried = view.rollout().status.aborted_at.is_some();
        let deadline = if is_retried { Deadline::Clear } else { Deadline::Keep };
        let size = carried_over(view, new, wanted(view, new, strategy, status));
        wishes.list.push(Wish::kept(new, size).until(deadline));
    } else {
        let fast = delay::is_fast_track(view, status) && active != Some(new.hash());
        let deadline = if fast { Deadline::Keep } else { Deadline::Clear };
        wishes.list.push(Wish::new(new, wanted(view, new, strategy, status)).until(deadline));
    }
    let mut rules = Rules::new(strategy.scale_down_delay_seconds, strategy.scale_down_delay_revision_limit);
    rules.size = Some(n);
    delay::replaced(view, others, &rules, &mut wishes);
    wishes
}

fn still_active(new: &ReplicaSet, pin: &Pin) -> Wait {
    Wait {
        object: format!("ReplicaSet/{}", new.metadata.name),
        field: "spec.replicas".into(),
        because: format!("{} still selects the aborted version", pin.by),
        since: None,
        until: "stable has taken the traffic over".into(),
    }
}

/// Pods that the new version shall have: all, or the number of a preview.
pub(in crate::rollout) fn wanted(
    view: &View<'_>,
    new: &ReplicaSet,
    strategy: &BlueGreenStrategy,
    status: &RolloutStatus,
) -> i32 {
    let active = view.selected_by(&strategy.active_service);
    let is_needed = view.old_stable(status).is_none()
        || active.is_none()
        || active == Some(new.hash())
        || blue_green::is_hurried(view, status)
        || status.blue_green.scale_up_preview_check_point;
    match strategy.preview_replica_count {
        Some(count) if !is_needed => count.max(0),
        _ => view.replicas,
    }
}

/// Pods that a new version is made with.
pub(super) fn first_size(view: &View<'_>, strategy: &BlueGreenStrategy) -> i32 {
    let is_first = view.stable.is_none() || view.selected_by(&strategy.active_service).is_none();
    match strategy.preview_replica_count {
        Some(count) if !is_first => count.max(0),
        _ => view.replicas,
    }
}
