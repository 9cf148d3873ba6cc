//! The next status: what the user asked for, promotion, and what follows from the counters.

use tidegate_api::meta::Time;
use tidegate_api::rollout::{CompletionStatus, RolloutDuration};

use super::conditions;
use super::draft::Draft;
use super::sizes;
use super::steps;
use super::view::View;
use crate::plan::Event;
use crate::report::Wait;
use crate::snapshot::ReplicaSet;

/// Decides the status that follows from the snapshot. Read it as the list of what happens, in order.
pub(super) fn next_status(view: &View<'_>) -> Draft {
    let mut draft = Draft::of(&view.rollout().status);
    let Some(new) = view.new.filter(|_| !view.is_frozen()) else {
        // Nothing runs yet, or by rules that are not known: there is nothing to say but why.
        if view.new.is_some_and(|new| sizes::is_alone(view, new)) {
            count(view, &mut draft);
        }
        observe_generation(view, &mut draft);
        conditions::say_invalid(view, &mut draft);
        return draft;
    };
    let attempt = Attempt::of(view, &draft);
    if view.invalid.is_none() && !view.create_failed {
        reset_if_changed(view, new, &mut draft);
    }
    drop_requests_without_object(view, &mut draft);
    if !view.is_on_hold() {
        keep_index_in_range(view, &mut draft);
    }
    abort(view, &mut draft);
    promote_in_full(view, &mut draft);
    if view.rollout().spec.paused {
        draft.waits.push(paused_by_user(view));
    }
    if !view.is_on_hold() {
        steps::advance(view, &mut draft);
        promote(view, new, &mut draft);
    }
    count(view, &mut draft);
    if let Some(selector) = view.selector {
        draft.status.selector = selector.to_query();
    }
    observe_generation(view, &mut draft);
    attempt.record(view, new, &mut draft);
    conditions::update(view, new, &mut draft);
    draft
}

/// A new template, or other steps: everything that belonged to the update before is forgotten.
fn reset_if_changed(view: &View<'_>, new: &ReplicaSet, draft: &mut Draft) {
    let status = &mut draft.status;
    let template_changed = status.current_pod_hash != new.hash();
    if !template_changed && status.current_step_hash == view.step_hash {
        return;
    }
    let is_update = !status.current_pod_hash.is_empty();
    let returns_to_stable = new.hash() == status.stable_rs;
    // An abort that nobody has acted on yet may be meant for the new version: better abort once too often.
    let is_abort_pending = status.abort && status.aborted_at.is_none();
    status.abort = is_abort_pending && is_update;
    status.aborted_at = None;
    status.promote_full = false;
    status.canary.current_step_analysis_run_status = None;
    status.canary.current_background_analysis_run_status = None;
    status.canary.step_plugin_statuses.clear();
    status.restarted_at = view.rollout().spec.restart_at;
    new.hash().clone_into(&mut status.current_pod_hash);
    status.current_step_hash.clone_from(&view.step_hash);
    // Without a stable version there is nothing to go step by step from.
    let skips_steps = returns_to_stable || view.stable.is_none();
    status.current_step_index = view.last_index().map(|last| if skips_steps { last } else { 0 });
    draft.clear_pauses();
    if template_changed && is_update && returns_to_stable && view.last_index().is_some() {
        draft.event(Event::normal("SkipSteps", "Rollback to stable ReplicaSets"));
    }
}

/// Abort and full promotion mean an update: without one they are dropped.
fn drop_requests_without_object(view: &View<'_>, draft: &mut Draft) {
    if view.is_finished(&draft.status) || view.stable.is_none() {
        draft.status.abort = false;
        draft.status.promote_full = false;
    }
    if !draft.status.abort {
        draft.status.aborted_at = None;
    }
}

/// Users write the index too: what is out of range is taken for the nearest end.
fn keep_index_in_range(view: &View<'_>, draft: &mut Draft) {
    let finished = view.is_finished(&draft.status);
    let index = draft.status.current_step_index;
    draft.status.current_step_index =
        view.last_index().map(|last| if finished { last } else { index.unwrap_or(0).clamp(0, last) });
}

fn abort(view: &View<'_>, draft: &mut Draft) {
    let status = &mut draft.status;
    if status.promote_full && status.aborted_at.is_some() && !view.is_on_hold() {
        // Asked for after the abort was carried out: the later word counts.
        status.abort = false;
        status.aborted_at = None;
    }
    if !status.abort {
        return;
    }
    status.aborted_at.get_or_insert(Time::truncated(view.now));
    status.promote_full = false;
    if !view.is_on_hold() {
        status.current_step_index = view.last_index().map(|_| 0);
    }
    draft.waits.push(aborted(view));
    draft.clear_pauses();
}

fn promote_in_full(view: &View<'_>, draft: &mut Draft) {
    if draft.status.promote_full && !view.is_on_hold() {
        draft.end_pauses();
        draft.status.current_step_index = view.last_index();
    }
}

fn paused_by_user(view: &View<'_>) -> Wait {
    Wait {
        object: format!("Rollout/{}", view.rollout().metadata.name),
        field: "spec.paused".into(),
        because: "paused by a user".into(),
        since: None,
        until: "it is promoted or spec.paused is false".into(),
    }
}

fn aborted(view: &View<'_>) -> Wait {
    let status = &view.rollout().status;
    Wait {
        object: format!("Rollout/{}", view.rollout().metadata.name),
        field: "status.abort".into(),
        because: "the update is aborted".into(),
        since: status.aborted_at.map(Time::timestamp),
        until: "it is retried or superseded".into(),
    }
}

/// Makes the new version the stable one when every gate is passed and all its pods are available.
fn promote(view: &View<'_>, new: &ReplicaSet, draft: &mut Draft) {
    if view.is_finished(&draft.status) || draft.status.abort || view.rollout().spec.paused {
        return;
    }
    // An update that nobody has heard of yet cannot be over, however quick its first pods are.
    if draft.status.current_pod_hash != view.rollout().status.current_pod_hash {
        return;
    }
    let available = new.available();
    if available < view.replicas && !view.is_enough(available, view.replicas) {
        if draft.waits.is_empty() {
            draft.waits.push(pods_missing(view, new));
        }
        return;
    }
    let status = &mut draft.status;
    let reason = if view.stable.is_none() {
        "Initial deploy".to_owned()
    } else if status.promote_full {
        "Full promotion requested".to_owned()
    } else if status.current_step_index == view.last_index() {
        format!("Completed all {} canary steps", view.steps().len())
    } else {
        return;
    };
    new.hash().clone_into(&mut status.stable_rs);
    status.promote_full = false;
    status.current_step_index = view.last_index();
    draft.clear_pauses();
    let revision = new.revision().unwrap_or(0);
    draft.event(Event::normal(
        "RolloutCompleted",
        format!("Rollout completed update to revision {revision} ({}): {reason}", new.hash()),
    ));
}

fn pods_missing(view: &View<'_>, new: &ReplicaSet) -> Wait {
    Wait {
        object: format!("ReplicaSet/{}", new.metadata.name),
        field: "status.availableReplicas".into(),
        because: format!("is {}", new.available()),
        since: None,
        until: format!("it is {}", view.replicas),
    }
}

/// Counters as the ReplicaSets report them.
fn count(view: &View<'_>, draft: &mut Draft) {
    let status = &mut draft.status;
    let sum = |field: fn(&ReplicaSet) -> i32| {
        view.owned.iter().fold(0_i32, |sum, rs| sum.saturating_add(field(rs)))
    };
    status.replicas = sum(|rs| rs.status.replicas);
    status.ready_replicas = sum(|rs| rs.status.ready_replicas);
    status.available_replicas = sum(|rs| rs.status.available_replicas);
    status.updated_replicas = view.new.map_or(0, |new| new.status.replicas);
    status.hpa_replicas = status.replicas;
}

fn observe_generation(view: &View<'_>, draft: &mut Draft) {
    let status = &mut draft.status;
    status.observed_generation = view.rollout().metadata.generation.to_string();
    super::view::workload_generation(view.rollout()).clone_into(&mut status.workload_observed_generation);
}

/// The attempt whose duration is recorded, as it stood before this decision.
struct Attempt {
    is_open: bool,
    was_aborted: bool,
    promote_full: bool,
}

impl Attempt {
    fn of(view: &View<'_>, draft: &Draft) -> Self {
        let duration = draft.status.duration.as_ref();
        Self {
            is_open: duration.is_some_and(|d| d.rollout_started_at.is_some() && d.finished_at.is_none()),
            was_aborted: view.rollout().status.aborted_at.is_some(),
            promote_full: draft.status.promote_full,
        }
    }

    /// Keeps `status.duration`: when the attempt began, how long it waited for people, how it ended.
    fn record(self, view: &View<'_>, new: &ReplicaSet, draft: &mut Draft) {
        if view.invalid.is_some() {
            return;
        }
        let before = &view.rollout().status;
        let status = &mut draft.status;
        let now = Time::truncated(view.now);
        let template_changed = before.current_pod_hash != status.current_pod_hash;
        let changed = template_changed || before.current_step_hash != status.current_step_hash;
        let returns_to_stable = changed && new.hash() == before.stable_rs;
        let retried = self.was_aborted && !status.abort;
        let starts = (changed || retried) && !returns_to_stable && (!self.is_open || template_changed);
        let mut is_open = self.is_open;
        if starts {
            status.duration = Some(RolloutDuration { rollout_started_at: Some(now), ..Default::default() });
            is_open = true;
        }
        let finished = view.is_finished(status);
        let Some(duration) = status.duration.as_mut().filter(|_| is_open) else { return };
        if returns_to_stable {
            duration.completion_status = Some(CompletionStatus::RolledBack);
        }
        let waits_for_people = view.rollout().spec.paused || {
            let at = status.current_step_index.and_then(|index| usize::try_from(index).ok());
            let pause = at.and_then(|index| view.steps().get(index)).and_then(|step| step.pause.as_ref());
            !status.pause_conditions.is_empty() && pause.is_some_and(|pause| pause.duration.is_none())
        };
        let ends = status.abort || (finished && new.available() >= view.replicas);
        match duration.manual_pause_started_at {
            None if waits_for_people && !ends => duration.manual_pause_started_at = Some(now),
            Some(since) if !waits_for_people || ends => {
                let waited = now.timestamp().as_second() - since.timestamp().as_second();
                *duration.total_manual_pause_duration_seconds.get_or_insert(0) += waited.max(0);
                duration.manual_pause_started_at = None;
            }
            _ => {}
        }
        if ends {
            duration.finished_at = Some(now);
            let how = match (status.abort, self.promote_full) {
                (true, _) => CompletionStatus::Aborted,
                (false, true) => CompletionStatus::FastPromoted,
                (false, false) => CompletionStatus::Promoted,
            };
            duration.completion_status.get_or_insert(how);
        }
    }
}
