//! The next status: what the user asked for, promotion, and what follows from the counters.

use tidegate_api::labels;
use tidegate_api::meta::Time;
use tidegate_api::rollout::{BlueGreenStatus, CanaryStatus, PingPongRole};

use super::attempt::Attempt;
use super::blue_green;
use super::conditions;
use super::draft::Draft;
use super::restart;
use super::routing;
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
        if !view.is_frozen() {
            // What runs is restarted all the same.
            restart::note(view, &mut draft);
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
    count(view, &mut draft);
    conditions::abort_when_late(view, new, &mut draft);
    abort(view, &mut draft);
    promote_in_full(view, &mut draft);
    if view.rollout().spec.paused {
        draft.waits.push(paused_by_user(view));
    }
    follow_strategy(view, new, &mut draft);
    restart::note(view, &mut draft);
    observe_generation(view, &mut draft);
    attempt.record(view, new, &mut draft);
    conditions::update(view, new, &mut draft);
    draft
}

fn follow_strategy(view: &View<'_>, new: &ReplicaSet, draft: &mut Draft) {
    if let Some(strategy) = view.blue_green() {
        draft.status.canary = CanaryStatus::default();
        blue_green::advance(view, new, strategy, draft);
        blue_green::promote(view, new, draft);
        return;
    }
    draft.status.blue_green = BlueGreenStatus::default();
    let routed = view.snapshot.router.found().and_then(|router| router.weights.clone());
    draft.status.canary.weights = routed.filter(|_| view.is_routed());
    if !view.is_on_hold() {
        steps::advance(view, draft);
        promote(view, new, draft);
    }
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
    status.blue_green.scale_up_preview_check_point = false;
    status.blue_green.pre_promotion_analysis_run_status = None;
    status.blue_green.post_promotion_analysis_run_status = None;
    if view.rollout().spec.restart_at.is_some_and(|at| at.timestamp() <= view.now) && !view.statuses_lag {
        // Its pods are younger.
        status.restarted_at = view.rollout().spec.restart_at;
    }
    new.hash().clone_into(&mut status.current_pod_hash);
    status.current_step_hash.clone_from(&view.step_hash);
    // Without a stable version there is nothing to go step by step from.
    let skips_steps = returns_to_stable || view.stable.is_none();
    status.current_step_index = view.last_index().map(|last| if skips_steps { last } else { 0 });
    draft.clear_pauses();
    let has_steps = view.last_index().is_some();
    if template_changed && is_update && has_steps && returns_to_stable {
        draft.event(Event::normal("SkipSteps", "Rollback to stable ReplicaSets"));
    } else if has_steps && new.replicas > 0 && view.is_within_rollback_window(&draft.status) {
        let text = "Rollback to active ReplicaSets within RollbackWindow";
        draft.event(Event::normal("SkipSteps", text));
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
    status.blue_green.scale_up_preview_check_point = false;
    if !view.is_on_hold() {
        status.current_step_index = view.last_index().map(|_| 0);
    }
    draft.waits.push(aborted(view));
    draft.clear_pauses();
}

fn promote_in_full(view: &View<'_>, draft: &mut Draft) {
    let skips_steps = draft.status.promote_full || view.is_within_rollback_window(&draft.status);
    if skips_steps && !view.is_on_hold() {
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
    let status = &draft.status;
    let why = if view.stable.is_none() {
        "Initial deploy".to_owned()
    } else if status.promote_full {
        "Full promotion requested".to_owned()
    } else if status.current_step_index != view.last_index() {
        return;
    } else if view.is_within_rollback_window(status) {
        "Rollback within window".to_owned()
    } else {
        format!("Completed all {} canary steps", view.steps().len())
    };
    // Without steps, and where a user wants it at once, the traffic moves with the promotion.
    let moves_before = view.last_index().is_some() && !status.promote_full || view.stable_is_dynamic();
    if let Some(wait) = routing::unmet(view, new, status).filter(|_| view.stable.is_some() && moves_before) {
        return draft.waits.push(wait);
    }
    make_stable(view, new, &why, draft);
}

/// The new version is the stable one from now on.
pub(super) fn make_stable(view: &View<'_>, new: &ReplicaSet, why: &str, draft: &mut Draft) {
    let status = &mut draft.status;
    new.hash().clone_into(&mut status.stable_rs);
    status.promote_full = false;
    status.current_step_index = view.last_index();
    status.blue_green.scale_up_preview_check_point = false;
    if view.canary().is_some_and(|canary| canary.ping_pong.is_some()) {
        let next = match status.canary.stable_ping_pong {
            Some(PingPongRole::Ping) => PingPongRole::Pong,
            _ => PingPongRole::Ping,
        };
        status.canary.stable_ping_pong = Some(next);
    }
    draft.clear_pauses();
    let revision = new.revision().unwrap_or(0);
    draft.event(Event::normal(
        "RolloutCompleted",
        format!("Rollout completed update to revision {revision} ({}): {why}", new.hash()),
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

/// Counters as the ReplicaSets report them, and the pods that an autoscaler looks at: of blue-green, those that are active.
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
    if let Some(selector) = view.selector {
        status.selector = selector.to_query();
    }
    let Some(active) = active_version(view) else { return };
    status.ready_replicas = active.status.ready_replicas;
    status.available_replicas = active.status.available_replicas;
    status.hpa_replicas = active.status.replicas;
    if let Some(mut selector) = view.selector.cloned() {
        selector.match_labels.insert(labels::POD_TEMPLATE_HASH.to_owned(), active.hash().to_owned());
        status.selector = selector.to_query();
    }
}

/// The ReplicaSet that the active Service of blue-green selects.
pub(super) fn active_version<'a>(view: &View<'a>) -> Option<&'a ReplicaSet> {
    let service = &view.blue_green()?.active_service;
    view.with_hash(view.selected_by(service)?)
}

fn observe_generation(view: &View<'_>, draft: &mut Draft) {
    let status = &mut draft.status;
    status.observed_generation = view.rollout().metadata.generation.to_string();
    super::view::workload_generation(view.rollout()).clone_into(&mut status.workload_observed_generation);
}
