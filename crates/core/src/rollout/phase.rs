//! Phase and message of a Rollout: what spec, conditions and counters come to, in upstream's words. The controller stores it; a
//! client computes it where a status has none.

use jiff::Timestamp;
use tidegate_api::rollout::{Phase, RolloutSpec, RolloutStatus, condition_type, reason};

/// The first that applies at `now`.
#[must_use]
pub fn phase(spec: &RolloutSpec, status: &RolloutStatus, now: Timestamp) -> (Phase, String) {
    if let Some(message) = degraded(status) {
        return (Phase::Degraded, message);
    }
    if spec.paused {
        return (Phase::Paused, "manually paused".into());
    }
    if let Some(pause) = status.pause_conditions.first() {
        return (Phase::Paused, pause.reason.to_string());
    }
    match restarting(spec, status, now)
        .or_else(|| replicas_missing(spec, status))
        .or_else(|| strategy_pending(spec, status))
    {
        Some(message) => (Phase::Progressing, message.into()),
        None => (Phase::Healthy, String::new()),
    }
}

/// The message of a Degraded phase: the first condition, in stored order, that means one.
#[must_use]
pub fn degraded(status: &RolloutStatus) -> Option<String> {
    status.conditions.iter().find_map(|condition| {
        let word = match condition.reason.as_str() {
            _ if condition.type_ == condition_type::INVALID_SPEC => condition_type::INVALID_SPEC,
            reason::ROLLOUT_ABORTED => reason::ROLLOUT_ABORTED,
            reason::PROGRESS_DEADLINE_EXCEEDED => reason::PROGRESS_DEADLINE_EXCEEDED,
            _ => return None,
        };
        Some(format!("{word}: {}", condition.message))
    })
}

/// The newest version is the stable one, as far as the status knows.
#[must_use]
pub fn is_fully_promoted(status: &RolloutStatus) -> bool {
    !status.stable_rs.is_empty() && status.stable_rs == status.current_pod_hash
}

fn restarting(spec: &RolloutSpec, status: &RolloutStatus, now: Timestamp) -> Option<&'static str> {
    is_restart_due(spec, status, now).then_some("rollout is restarting")
}

/// Pods that are older than `spec.restartAt` have to go, and not all have.
#[must_use]
pub fn is_restart_due(spec: &RolloutSpec, status: &RolloutStatus, now: Timestamp) -> bool {
    spec.restart_at != status.restarted_at && spec.restart_at.is_some_and(|at| at.timestamp() <= now)
}

fn replicas_missing(spec: &RolloutSpec, status: &RolloutStatus) -> Option<&'static str> {
    if status.updated_replicas < spec.replicas_or_default() {
        Some("more replicas need to be updated")
    } else if status.available_replicas < status.updated_replicas {
        Some("updated replicas are still becoming available")
    } else {
        None
    }
}

fn strategy_pending(spec: &RolloutSpec, status: &RolloutStatus) -> Option<&'static str> {
    let strategy = spec.strategy.as_ref()?;
    if let Some(blue_green) = &strategy.blue_green {
        let active = &status.blue_green.active_selector;
        let run = status.blue_green.post_promotion_analysis_run_status.as_ref();
        let judged = run.is_some_and(|run| run.status.is_completed());
        return if active.is_empty() || *active != status.current_pod_hash {
            Some("active service cutover pending")
        } else if is_fully_promoted(status) {
            None
        } else if blue_green.post_promotion_analysis.is_some() && !judged {
            Some("waiting for analysis to complete")
        } else {
            Some("waiting for post-promotion verification to complete")
        };
    }
    let canary = strategy.canary.as_ref()?;
    if canary.traffic_routing.is_none() && status.replicas > status.updated_replicas {
        Some("old replicas are pending termination")
    } else if !is_fully_promoted(status) {
        Some("waiting for all steps to complete")
    } else {
        None
    }
}
