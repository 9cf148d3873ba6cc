//! The blue-green strategy: two full sets of pods, a pause, and one switch.
//!
//! The status records what the Services select; it never runs ahead of them.

use jiff::{SignedDuration, Timestamp};
use tidegate_api::meta::Time;
use tidegate_api::rollout::{BlueGreenStrategy, PauseCondition, PauseReason, RolloutStatus, reason};

use super::draft::Draft;
use super::sizes;
use super::view::View;
use crate::plan::{Event, Timer};
use crate::report::Wait;
use crate::snapshot::{Observed, ReplicaSet};

/// Notes what the Services select, and moves the pause before the switch.
pub(super) fn advance(view: &View<'_>, new: &ReplicaSet, strategy: &BlueGreenStrategy, draft: &mut Draft) {
    note_selectors(view, strategy, draft);
    if draft.status.abort || view.old_stable(&draft.status).is_none() || view.rollout().spec.paused {
        return;
    }
    if draft.status.blue_green.active_selector == new.hash() {
        return;
    }
    if is_hurried(view, &draft.status) {
        draft.end_pauses();
        return;
    }
    if !is_up(view, new, strategy, &draft.status) {
        return draft.waits.extend(sizes::first_unmet(view, &draft.status));
    }
    if !draft.status.blue_green.scale_up_preview_check_point {
        pause(view, strategy, draft);
        check_point(new, strategy, draft);
    }
}

fn note_selectors(view: &View<'_>, strategy: &BlueGreenStrategy, draft: &mut Draft) {
    let blue_green = &mut draft.status.blue_green;
    let services = [
        (&strategy.active_service, &mut blue_green.active_selector),
        (&strategy.preview_service, &mut blue_green.preview_selector),
    ];
    for (service, selector) in services {
        // Of a Service that is gone the last word stands.
        if view.snapshot.services.get(service) != Some(&Observed::Missing) {
            view.selected_by(service).unwrap_or_default().clone_into(selector);
        }
    }
}

/// Neither pause nor preview: a user wants it, or it ran a moment ago.
pub(super) fn is_hurried(view: &View<'_>, status: &RolloutStatus) -> bool {
    status.promote_full || view.is_within_rollback_window(status) || sizes::is_fast_track(view, status)
}

/// The new version has the pods that it shall have before the switch.
fn is_up(view: &View<'_>, new: &ReplicaSet, strategy: &BlueGreenStrategy, status: &RolloutStatus) -> bool {
    let wanted = sizes::wanted_preview(view, new, strategy, status);
    new.replicas >= wanted && new.available() >= wanted
}

fn wants_pause(strategy: &BlueGreenStrategy) -> bool {
    !strategy.auto_promotion_enabled.unwrap_or(true) || strategy.auto_promotion_seconds > 0
}

/// When the pause ends by itself; `None`: a user ends it.
fn pause_end(strategy: &BlueGreenStrategy, begun: Time) -> Option<Timestamp> {
    let by_itself = strategy.auto_promotion_enabled.unwrap_or(true);
    let seconds = SignedDuration::from_secs(i64::from(strategy.auto_promotion_seconds));
    by_itself.then(|| begun.timestamp() + seconds)
}

/// Begins the pause, or ends it. One that has ended is a `controllerPause` without a condition until the switch is made.
fn pause(view: &View<'_>, strategy: &BlueGreenStrategy, draft: &mut Draft) {
    if draft.is_resumed() {
        return;
    }
    if !wants_pause(strategy) {
        // There may be one from before the spec was edited.
        return draft.end_pauses();
    }
    let paused = draft.status.pause_conditions.iter().find(|it| it.reason == PauseReason::BlueGreenPause);
    let begun = paused.map(|condition| condition.start_time);
    let start = begun.unwrap_or(Time::truncated(view.now));
    let end = pause_end(strategy, start);
    if begun.is_some() && end.is_some_and(|end| view.now >= end) {
        draft.status.pause_conditions.clear();
        return draft.event(Event::normal(reason::ROLLOUT_RESUMED, "Rollout is resumed"));
    }
    if begun.is_none() {
        let reason = PauseReason::BlueGreenPause;
        draft.status.pause_conditions.push(PauseCondition { reason, start_time: start });
        draft.status.controller_pause = true;
        draft.event(Event::normal(reason::ROLLOUT_PAUSED, "Rollout is paused (BlueGreenPause)"));
    }
    if let Some(end) = end {
        draft.timer(Timer::PauseEnds(end));
    }
    draft.waits.push(Wait {
        object: format!("Rollout/{}", view.rollout().metadata.name),
        field: "status.pauseConditions".into(),
        because: "paused before the switch (BlueGreenPause)".into(),
        since: Some(start.timestamp()),
        until: end.map_or("it is promoted".into(), |end| end.to_string()),
    });
}

/// A preview with fewer pods gets the rest once nothing else is waited for.
fn check_point(new: &ReplicaSet, strategy: &BlueGreenStrategy, draft: &mut Draft) {
    let is_done = !wants_pause(strategy) || draft.is_resumed();
    if is_done && strategy.preview_replica_count.is_some_and(|count| new.available() == count) {
        draft.status.blue_green.scale_up_preview_check_point = true;
        draft.status.controller_pause = false;
    }
}

/// The version that the preview Service shall select; `None`: it stays.
pub(super) fn preview_target<'v>(view: &View<'_>, new: &'v ReplicaSet) -> Option<&'v str> {
    (!view.rollout().spec.paused).then(|| new.hash())
}

/// The version that the active Service shall select; `None`: it stays.
pub(super) fn active_target<'v>(
    view: &View<'v>,
    new: &'v ReplicaSet,
    strategy: &BlueGreenStrategy,
    status: &RolloutStatus,
) -> Option<&'v str> {
    // What selects a version that is gone selects nothing.
    let active = view.selected_by(&strategy.active_service).filter(|hash| view.with_hash(hash).is_some());
    let stable = view.old_stable(status);
    let n = view.replicas;
    if let Some(stable) = stable.filter(|_| status.abort || active.is_none()) {
        let present = active.and_then(|hash| view.with_hash(hash)).map_or(n, ReplicaSet::possibly_available);
        let needed = view.limits().min_available().min(present).max(i32::from(n > 0));
        if stable.available() >= needed {
            return Some(stable.hash());
        }
    }
    let is_sized = n == 0 || (new.replicas >= n && new.desired_replicas() == Some(n));
    let is_saturated = is_sized && new.available() >= n;
    let may_switch = stable.is_none()
        || active == Some(new.hash())
        || is_hurried(view, status)
        || is_released(strategy, status);
    (!view.rollout().spec.paused && !status.abort && is_saturated && may_switch).then(|| new.hash())
}

/// No pause is left before the switch.
fn is_released(strategy: &BlueGreenStrategy, status: &RolloutStatus) -> bool {
    let is_resumed = status.controller_pause && status.pause_conditions.is_empty();
    let is_past = is_resumed || status.blue_green.scale_up_preview_check_point;
    match strategy.preview_replica_count {
        Some(_) => status.blue_green.scale_up_preview_check_point,
        None => is_past || !wants_pause(strategy),
    }
}

/// Makes the new version the stable one once the active Service selects it and all its pods are available.
pub(super) fn promote(view: &View<'_>, new: &ReplicaSet, draft: &mut Draft) {
    let status = &draft.status;
    if view.is_finished(status) || status.abort || view.rollout().spec.paused {
        return;
    }
    // What the Service selects, not what the status remembers: somebody may have deleted it.
    let service = view.blue_green().map_or("", |strategy| strategy.active_service.as_str());
    let selected = view.selected_by(service);
    if selected != Some(new.hash()) {
        if draft.waits.is_empty() {
            draft.waits.push(Wait {
                object: format!("Service/{service}"),
                field: "spec.selector".into(),
                because: match selected {
                    Some(hash) => format!("selects version {hash}"),
                    None if view.snapshot.services.get(service) == Some(&Observed::Missing) => {
                        "does not exist".into()
                    }
                    None => "selects pods of any version".into(),
                },
                since: None,
                until: format!("it selects version {}", new.hash()),
            });
        }
        return;
    }
    if new.available() < view.replicas {
        return draft.waits.extend(sizes::first_unmet(view, &draft.status));
    }
    let why = if view.stable.is_none() {
        "Initial deploy"
    } else if status.promote_full {
        "Full promotion requested"
    } else if view.is_within_rollback_window(status) {
        "Rollback within window"
    } else {
        "Completed blue-green update"
    };
    super::decide::make_stable(view, new, why, draft);
}
