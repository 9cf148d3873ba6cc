//! Conditions of a Rollout, in upstream's words.

use jiff::{SignedDuration, Timestamp};
use tidegate_api::meta::Time;
use tidegate_api::rollout::condition_type::{
    AVAILABLE, COMPLETED, HEALTHY, INVALID_SPEC, PAUSED, PROGRESSING, REPLICA_FAILURE,
};
use tidegate_api::rollout::{Condition, ConditionStatus, Rollout, RolloutSpec, RolloutStatus, reason};

use super::decide;
use super::draft::Draft;
use super::phase::phase;
use super::sizes;
use super::view::View;
use crate::plan::{Event, Timer};
use crate::report::Wait;
use crate::snapshot::{Observed, ReplicaSet};

/// After this time a workload that was missing is looked for again; upstream's interval.
const MISSING_WORKLOAD: SignedDuration = SignedDuration::from_secs(20);

/// Brings conditions, phase and message up to the rest of the draft.
pub(super) fn update(view: &View<'_>, new: &ReplicaSet, draft: &mut Draft) {
    let healthy = is_healthy(view, &draft.status);
    let became_unhealthy = !healthy && draft.status.condition_is_true(HEALTHY);
    availability(view, draft);
    health(view, draft, healthy);
    completion(view, new, draft);
    replica_failure(view, draft);
    pause(view, draft);
    // Until a creation succeeds, Progressing tells of the one that failed.
    if !view.create_failed {
        if draft.status.abort {
            aborted(view, new, draft);
        } else {
            progress(view, new, draft, Health { healthy, became_unhealthy });
        }
    }
    say_invalid(view, draft);
}

/// The InvalidSpec condition, and the phase that follows from all conditions.
pub(super) fn say_invalid(view: &View<'_>, draft: &mut Draft) {
    validity(view, draft);
    let (phase, message) = phase(&view.rollout().spec, &draft.status, view.now);
    draft.status.phase = Some(phase);
    draft.status.message = message;
}

/// Sets a condition; `true` when anything but its times changed. A changed condition moves to the end of the list.
pub(super) fn set(
    status: &mut RolloutStatus,
    now: Time,
    type_: &str,
    (value, reason, message): (ConditionStatus, &str, &str),
) -> bool {
    let position = status.conditions.iter().position(|condition| condition.type_ == type_);
    let old = position.map(|at| &status.conditions[at]);
    if old.is_some_and(|c| c.status == value && c.reason == reason && c.message == message) {
        return false;
    }
    let since = old.filter(|c| c.status == value).map_or(now, |c| c.last_transition_time);
    if let Some(at) = position {
        status.conditions.remove(at);
    }
    status.conditions.push(Condition {
        type_: type_.to_owned(),
        status: value,
        last_update_time: now,
        last_transition_time: since,
        reason: reason.to_owned(),
        message: message.to_owned(),
    });
    true
}

fn put(view: &View<'_>, draft: &mut Draft, type_: &str, what: (ConditionStatus, &str, &str)) -> bool {
    set(&mut draft.status, Time::truncated(view.now), type_, what)
}

fn availability(view: &View<'_>, draft: &mut Draft) {
    let n = view.replicas;
    let enough = match (view.blue_green(), decide::active_version(view)) {
        (Some(_), Some(active)) => {
            (active.replicas, active.desired_replicas(), active.status.available_replicas) == (n, Some(n), n)
        }
        (Some(_), None) => false,
        (None, _) => draft.status.available_replicas >= n,
    };
    let message = if enough {
        "Rollout has minimum availability"
    } else {
        "Rollout does not have minimum availability"
    };
    put(view, draft, AVAILABLE, (enough.into(), reason::AVAILABLE, message));
}

fn is_paused(view: &View<'_>, status: &RolloutStatus) -> bool {
    view.rollout().spec.paused || !status.pause_conditions.is_empty()
}

fn is_healthy(view: &View<'_>, status: &RolloutStatus) -> bool {
    let n = view.replicas;
    let is_complete = !is_paused(view, status) && view.is_finished(status);
    if let Some(strategy) = view.blue_green() {
        let (active, preview) = (&status.blue_green.active_selector, &status.blue_green.preview_selector);
        let current = &status.current_pod_hash;
        return is_complete
            && (status.updated_replicas, status.available_replicas) == (n, n)
            && active == current
            && (strategy.preview_service.is_empty() || preview == current);
    }
    // Old pods of a routed canary stay up for a while; the update is complete all the same.
    let is_alone = match view.new.filter(|_| view.is_routed()) {
        Some(new) => new.status.available_replicas == n,
        None => (status.available_replicas, status.replicas) == (n, n),
    };
    is_complete
        && status.updated_replicas == n
        && is_alone
        && (view.is_on_hold() || status.current_step_index == view.last_index())
}

/// What the counters say.
#[derive(Clone, Copy)]
struct Health {
    healthy: bool,
    became_unhealthy: bool,
}

fn health(view: &View<'_>, draft: &mut Draft, healthy: bool) {
    if healthy {
        let what = (ConditionStatus::True, reason::ROLLOUT_HEALTHY, "Rollout is healthy");
        put(view, draft, HEALTHY, what);
    } else if draft.status.condition(HEALTHY).is_some() {
        let what = (ConditionStatus::False, reason::ROLLOUT_HEALTHY, "Rollout is not healthy");
        put(view, draft, HEALTHY, what);
    }
}

fn completion(view: &View<'_>, new: &ReplicaSet, draft: &mut Draft) {
    let completed = view.is_finished(&draft.status);
    let what = (completed.into(), reason::ROLLOUT_COMPLETED, "RolloutCompleted");
    let changed = put(view, draft, COMPLETED, what);
    if changed && !completed {
        let revision = new.revision().unwrap_or(0);
        let hash = new.hash();
        let text = format!("Rollout not completed, started update to revision {revision} ({hash})");
        // It tells the beginning of what the other events of this write go on with.
        draft.events.insert(0, Event::normal("RolloutNotCompleted", text));
    }
}

fn replica_failure(view: &View<'_>, draft: &mut Draft) {
    let failure = view
        .new
        .into_iter()
        .chain(view.owned.iter().copied())
        .flat_map(|rs| &rs.status.conditions)
        .find(|condition| condition.type_ == REPLICA_FAILURE);
    match failure {
        Some(failure) => {
            let value = match failure.status.as_str() {
                "True" => ConditionStatus::True,
                "False" => ConditionStatus::False,
                _ => ConditionStatus::Unknown,
            };
            put(view, draft, REPLICA_FAILURE, (value, &failure.reason, &failure.message));
        }
        None => draft.status.conditions.retain(|condition| condition.type_ != REPLICA_FAILURE),
    }
}

/// While an abort lasts, the Paused condition stays as the abort has found it. Where its change has no event yet, it is one.
fn pause(view: &View<'_>, draft: &mut Draft) {
    if draft.status.abort {
        return;
    }
    let paused = is_paused(view, &draft.status);
    let was_paused = draft.status.condition_is_true(PAUSED);
    if paused || was_paused {
        put(view, draft, PAUSED, (paused.into(), reason::ROLLOUT_PAUSED, "Rollout is paused"));
    }
    if paused && !was_paused && draft.status.pause_conditions.is_empty() {
        draft.event(Event::normal(reason::ROLLOUT_PAUSED, "Rollout is paused (manually paused)"));
    }
    let is_told = draft.events.iter().any(|event| event.reason == reason::ROLLOUT_RESUMED);
    let ended_by_abort = view.rollout().status.aborted_at.is_some();
    if was_paused && !paused && !is_told && !ended_by_abort {
        draft.event(Event::normal(reason::ROLLOUT_RESUMED, "Rollout is resumed"));
    }
}

fn progress(view: &View<'_>, new: &ReplicaSet, draft: &mut Draft, health: Health) {
    use ConditionStatus::{True, Unknown};
    let name = new.metadata.name.clone();
    let old = draft.status.condition(PROGRESSING).map(|c| c.reason.clone());
    let old = old.as_deref();
    let paused = is_paused(view, &draft.status);
    let finished = view.is_finished(&draft.status);
    if health.healthy {
        let text = format!("ReplicaSet \"{name}\" has successfully progressed.");
        put(view, draft, PROGRESSING, (True, reason::NEW_REPLICA_SET_AVAILABLE, &text));
    } else if paused && !finished {
        put(view, draft, PROGRESSING, (Unknown, reason::ROLLOUT_PAUSED, "Rollout is paused"));
    } else if old == Some(reason::ROLLOUT_ABORTED) {
        put(view, draft, PROGRESSING, (Unknown, reason::ROLLOUT_RETRY, "Retrying Rollout after abort"));
    } else if paused {
        // A finished Rollout stays as it was.
    } else if health.became_unhealthy && finished {
        let text = "Rollout does not have minimum availability";
        put(view, draft, PROGRESSING, (True, reason::REPLICA_SET_NOT_AVAILABLE, text));
    } else if made_progress(view, draft) || health.became_unhealthy {
        let text = format!("ReplicaSet \"{name}\" is progressing.");
        if !put(view, draft, PROGRESSING, (True, reason::REPLICA_SET_UPDATED, &text)) {
            refresh(view, draft);
        }
    } else if old == Some(reason::ROLLOUT_PAUSED) {
        put(view, draft, PROGRESSING, (Unknown, reason::ROLLOUT_RESUMED, "Rollout is resumed"));
    } else if old.is_none() {
        let text = format!("Found new replica set \"{name}\"");
        put(view, draft, PROGRESSING, (True, reason::FOUND_NEW_REPLICA_SET, &text));
    } else if waits_anew(view, draft) {
        refresh(view, draft);
        deadline(view, draft, &name);
    } else {
        deadline(view, draft, &name);
    }
}

fn aborted(view: &View<'_>, new: &ReplicaSet, draft: &mut Draft) {
    let revision = new.revision().unwrap_or(0);
    let mut text = format!("Rollout aborted update to revision {revision}");
    let before = draft.status.condition(PROGRESSING).filter(|c| c.reason == reason::ROLLOUT_ABORTED);
    let reason_before = before.and_then(|c| c.message.strip_prefix(&text)?.strip_prefix(": "));
    if let Some(why) = draft.abort_message.as_deref().or(reason_before) {
        text = format!("{text}: {why}");
    }
    let what = (ConditionStatus::False, reason::ROLLOUT_ABORTED, text.as_str());
    if put(view, draft, PROGRESSING, what) {
        draft.event(Event::warning(reason::ROLLOUT_ABORTED, text));
    }
}

/// Something moved since the status was written last.
fn made_progress(view: &View<'_>, draft: &Draft) -> bool {
    let (before, after) = (&view.rollout().status, &draft.status);
    before.updated_replicas != after.updated_replicas
        || before.replicas - before.updated_replicas > after.replicas - after.updated_replicas
        || before.ready_replicas < after.ready_replicas
        || before.available_replicas < after.available_replicas
        || before.stable_rs != after.stable_rs
        || before.blue_green.active_selector != after.blue_green.active_selector
        || before.blue_green.preview_selector != after.blue_green.preview_selector
        || before.current_step_hash != after.current_step_hash
        || (before.current_step_index.is_some()
            && after.current_step_index.is_some()
            && before.current_step_index != after.current_step_index)
}

/// A wait for pods that has only now begun is not older than what began it.
fn waits_anew(view: &View<'_>, draft: &Draft) -> bool {
    let (before, after) = (&view.rollout().status, &draft.status);
    let is_late = |status: &RolloutStatus| {
        let reason = status.condition(PROGRESSING).map(|condition| condition.reason.as_str());
        reason == Some(reason::PROGRESS_DEADLINE_EXCEEDED)
    };
    !is_late(before)
        && (before.ready_replicas > after.ready_replicas
            || before.available_replicas > after.available_replicas
            || before.canary.weights != after.canary.weights
            || (view.invalid.is_none() && before.condition(INVALID_SPEC).is_some()))
}

fn refresh(view: &View<'_>, draft: &mut Draft) {
    let now = Time::truncated(view.now);
    if let Some(condition) = draft.status.conditions.iter_mut().find(|c| c.type_ == PROGRESSING) {
        condition.last_update_time = now;
    }
}

fn deadline(view: &View<'_>, draft: &mut Draft, name: &str) {
    match deadline_end(view, &draft.status) {
        Some(end) if view.now >= end => {
            let text = timed_out(name);
            let what = (ConditionStatus::False, reason::PROGRESS_DEADLINE_EXCEEDED, text.as_str());
            put(view, draft, PROGRESSING, what);
        }
        Some(end) => draft.timer(Timer::ProgressDeadline(end)),
        None => {}
    }
}

fn timed_out(name: &str) -> String {
    format!("ReplicaSet \"{name}\" has timed out progressing.")
}

/// When the deadline is exceeded, unless something moves before; `None`: it is not counted now, or is exceeded already.
fn deadline_end(view: &View<'_>, status: &RolloutStatus) -> Option<Timestamp> {
    let end = counted_until(&view.rollout().spec, status)?;
    (!is_paused(view, status) && !waits_by_itself(view, status)).then_some(end)
}

/// When the deadline that is counted by the Progressing condition is over.
fn counted_until(spec: &RolloutSpec, status: &RolloutStatus) -> Option<Timestamp> {
    let condition = status.condition(PROGRESSING)?;
    let others = [reason::PROGRESS_DEADLINE_EXCEEDED, reason::ROLLOUT_PAUSED, reason::ROLLOUT_ABORTED];
    if others.contains(&condition.reason.as_str()) {
        return None;
    }
    let base = condition.last_update_time.timestamp();
    let seconds = spec.progress_deadline_seconds_or_default();
    // Times have a grain of one second: the deadline is over once the next full second has begun.
    base.checked_add(SignedDuration::from_secs(i64::from(seconds) + 1)).ok()
}

/// The deadline may lead to an abort now, if the ReplicaSets are what they seem to be.
pub(super) fn may_be_late(rollout: &Rollout, now: Timestamp) -> bool {
    let (spec, status) = (&rollout.spec, &rollout.status);
    let reason = status.condition(PROGRESSING).map(|condition| condition.reason.as_str());
    spec.progress_deadline_abort
        && !status.abort
        && status.stable_rs != status.current_pod_hash
        && (reason == Some(reason::PROGRESS_DEADLINE_EXCEEDED)
            || counted_until(spec, status).is_some_and(|end| now >= end))
}

/// `spec.progressDeadlineAbort`: an update that does not get on is aborted.
pub(super) fn abort_when_late(view: &View<'_>, new: &ReplicaSet, draft: &mut Draft) {
    let status = &draft.status;
    let is_under_way = view.old_stable(status).is_some() && !status.abort;
    if !view.rollout().spec.progress_deadline_abort
        || !is_under_way
        || made_progress(view, draft)
        || waits_anew(view, draft)
    {
        return;
    }
    let reason = status.condition(PROGRESSING).map(|condition| condition.reason.as_str());
    let is_late = reason == Some(reason::PROGRESS_DEADLINE_EXCEEDED)
        || deadline_end(view, status).is_some_and(|end| view.now >= end);
    if is_late {
        draft.status.abort = true;
        draft.abort_message = Some(timed_out(&new.metadata.name));
    }
}

/// The deadline is about pods; these wait for something else.
fn waits_by_itself(view: &View<'_>, status: &RolloutStatus) -> bool {
    let at = status.current_step_index.and_then(|index| usize::try_from(index).ok());
    let step = at.and_then(|index| view.steps().get(index));
    view.invalid.is_some()
        || step.is_some_and(|s| s.pause.is_some() || s.analysis.is_some() || s.experiment.is_some())
        || sizes::first_unmet(view, status).is_none()
}

fn validity(view: &View<'_>, draft: &mut Draft) {
    let Some(error) = &view.invalid else {
        return draft.status.conditions.retain(|condition| condition.type_ != INVALID_SPEC);
    };
    if view.snapshot.workload == Observed::Missing {
        draft.timer(Timer::LookAgain(view.now + MISSING_WORKLOAD));
    }
    let text = invalid_message(&view.rollout().metadata.name, error);
    draft.waits.push(Wait {
        object: format!("Rollout/{}", view.rollout().metadata.name),
        field: "spec".into(),
        because: text.clone(),
        since: None,
        until: "the spec, or what it refers to, is corrected".into(),
    });
    let is_news = put(view, draft, INVALID_SPEC, (ConditionStatus::True, reason::INVALID_SPEC, &text));
    let runs = !view.rollout().status.current_pod_hash.is_empty();
    if is_news && runs && view.snapshot.workload == Observed::Missing {
        // Whoever has deleted it may not look here.
        draft.event(Event::warning(reason::INVALID_SPEC, text));
    }
}

/// The text of the InvalidSpec condition.
pub(super) fn invalid_message(name: &str, error: &impl std::fmt::Display) -> String {
    format!("The Rollout \"{name}\" is invalid: {error}")
}
