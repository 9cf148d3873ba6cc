//! Which steps of the canary are done, and what the current one waits for.

use jiff::{SignedDuration, Timestamp};
use tidegate_api::meta::Time;
use tidegate_api::rollout::{CanaryStep, Pause, PauseCondition, PauseReason, RolloutStatus, reason};

use super::draft::Draft;
use super::routing;
use super::sizes;
use super::view::View;
use crate::plan::{Event, Timer};
use crate::report::Wait;
use crate::snapshot::ReplicaSet;

/// Moves the step index over every step that is complete, and begins the pause it arrives at.
pub(super) fn advance(view: &View<'_>, draft: &mut Draft) {
    let Some(new) = view.new.filter(|_| !draft.status.abort && !view.is_finished(&draft.status)) else {
        return;
    };
    let mut resumed = draft.is_resumed();
    if !is_at_pause(view, draft) {
        draft.end_pauses();
    }
    while let Some(index) = draft.status.current_step_index {
        let Some(step) = usize::try_from(index).ok().and_then(|i| view.steps().get(i)) else { return };
        if view.rollout().spec.paused {
            return;
        }
        let complete = match &step.pause {
            Some(pause) => pause_is_over(view, draft, pause, std::mem::take(&mut resumed)),
            None => is_reached(view, new, step, draft),
        };
        if !complete {
            return;
        }
        let count = view.steps().len();
        draft.status.current_step_index = Some(index + 1);
        draft.event(Event::normal(
            "RolloutStepCompleted",
            format!("Rollout step {}/{count} completed ({})", index + 1, step.describe()),
        ));
        if step.pause.is_some() {
            draft.end_pauses();
        }
    }
}

/// Pods, and with them the traffic, are as a step wants them.
fn is_reached(view: &View<'_>, new: &ReplicaSet, step: &CanaryStep, draft: &mut Draft) -> bool {
    if step.set_weight.is_none() && step.set_canary_scale.is_none() {
        return false;
    }
    let traffic = || step.set_weight.and_then(|_| routing::unmet(view, new, &draft.status));
    let unmet = unmet_sizes(view, new, &draft.status).or_else(traffic);
    let is_reached = unmet.is_none();
    draft.waits.extend(unmet);
    is_reached
}

/// A pause that was left by moving the index is over.
fn is_at_pause(view: &View<'_>, draft: &Draft) -> bool {
    let index = draft.status.current_step_index.and_then(|index| usize::try_from(index).ok());
    index.and_then(|index| view.steps().get(index)).is_some_and(|step| step.pause.is_some())
}

/// Whether a pause has ended; begins it where it has not begun.
fn pause_is_over(view: &View<'_>, draft: &mut Draft, pause: &Pause, resumed: bool) -> bool {
    if resumed {
        return true;
    }
    let begun = draft.status.pause_conditions.iter().find(|c| c.reason == PauseReason::CanaryPauseStep);
    let Some(begun) = begun.map(|condition| condition.start_time) else {
        if sizes::are_settled(view, &draft.status) {
            begin_pause(view, draft, pause);
        }
        return false;
    };
    let Some(end) = pause_end(begun, pause) else {
        draft.waits.push(wait_for_pause(view, begun, "it is promoted".into()));
        return false;
    };
    if view.now >= end {
        return true;
    }
    draft.timer(Timer::PauseEnds(end));
    draft.waits.push(wait_for_pause(view, begun, end.to_string()));
    false
}

fn pause_end(begun: Time, pause: &Pause) -> Option<Timestamp> {
    let seconds = pause.seconds()?;
    begun.timestamp().checked_add(SignedDuration::from_secs(seconds)).ok()
}

fn begin_pause(view: &View<'_>, draft: &mut Draft, pause: &Pause) {
    let start_time = Time::truncated(view.now);
    draft.status.pause_conditions.push(PauseCondition { reason: PauseReason::CanaryPauseStep, start_time });
    draft.status.controller_pause = true;
    draft.event(Event::normal(reason::ROLLOUT_PAUSED, "Rollout is paused (CanaryPauseStep)"));
    let until = match pause_end(start_time, pause) {
        Some(end) => {
            draft.timer(Timer::PauseEnds(end));
            end.to_string()
        }
        None => "it is promoted".into(),
    };
    draft.waits.push(wait_for_pause(view, start_time, until));
}

fn wait_for_pause(view: &View<'_>, since: Time, until: String) -> Wait {
    Wait {
        object: format!("Rollout/{}", view.rollout().metadata.name),
        field: "status.pauseConditions".into(),
        because: "paused at a step (CanaryPauseStep)".into(),
        since: Some(since.timestamp()),
        until,
    }
}

/// What is missing before canary and stable have the pods that the step asks for and nothing else is available.
pub(super) fn unmet_sizes(view: &View<'_>, new: &ReplicaSet, status: &RolloutStatus) -> Option<Wait> {
    let mut target = sizes::split_in_force(view, status);
    if let Some((hash, aim)) = sizes::restarted(view, status).surging {
        // One more for a restart is as good.
        let side = if hash == new.hash() { &mut target.canary } else { &mut target.stable };
        *side += i32::from(*side == aim);
    }
    let stable = view.stable.filter(|stable| stable.hash() != new.hash() && !view.stable_is_dynamic());
    let unmet = |object: &str, field: &str, is: i32, wanted: i32| {
        Some(Wait {
            object: format!("ReplicaSet/{object}"),
            field: field.into(),
            because: format!("is {is}"),
            since: None,
            until: format!("it is {wanted}"),
        })
    };
    if new.replicas != target.canary {
        return unmet(&new.metadata.name, "spec.replicas", new.replicas, target.canary);
    }
    let available = new.status.available_replicas;
    if !new.is_observed() || !view.is_enough(available, target.canary) {
        return unmet(&new.metadata.name, "status.availableReplicas", available, target.canary);
    }
    if let Some(stable) = stable {
        let (size, created) = (stable.replicas, stable.status.replicas);
        if size != target.stable {
            return unmet(&stable.metadata.name, "spec.replicas", size, target.stable);
        }
        if created != target.stable {
            return unmet(&stable.metadata.name, "status.replicas", created, target.stable);
        }
    }
    if view.is_routed() {
        return None;
    }
    let others = view.others();
    let other = others.iter().find(|rs| rs.available() > 0)?;
    unmet(&other.metadata.name, "status.availableReplicas", other.available(), 0)
}
