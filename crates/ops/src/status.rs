//! The state of a Rollout as a client may report it: the stored phase, unless the status is older than the spec.

use serde::Serialize;
use tidegate_api::rollout::{CanaryStep, Phase, Rollout, condition_type, reason};

/// A Rollout's state in a word and a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClientStatus {
    /// `Healthy`, `Degraded`, `Progressing`, `Paused`, or what another controller has stored.
    pub phase: Phase,
    /// Why; empty when healthy.
    pub message: String,
}

impl ClientStatus {
    fn new(phase: Phase, message: impl Into<String>) -> Self {
        Self { phase, message: message.into() }
    }

    fn progressing(message: &str) -> Self {
        Self::new(Phase::Progressing, message)
    }
}

/// The state to show: that of the status, except where the controller has not yet reacted to a change.
#[must_use]
pub fn client_status(rollout: &Rollout) -> ClientStatus {
    let status = &rollout.status;
    if !is_spec_observed(rollout) {
        return ClientStatus::progressing("waiting for rollout spec update to be observed");
    }
    if status.controller_pause && status.pause_conditions.is_empty() {
        return ClientStatus::progressing("waiting for rollout to unpause");
    }
    match &status.phase {
        Some(phase) if !phase.as_str().is_empty() => ClientStatus::new(phase.clone(), &status.message),
        _ => computed(rollout),
    }
}

/// Whether the status belongs to the stored spec. A status without a readable `observedGeneration` is trusted.
#[must_use]
pub fn is_spec_observed(rollout: &Rollout) -> bool {
    let observed = rollout.status.observed_generation.parse::<i64>();
    observed.map_or(true, |observed| observed >= rollout.metadata.generation)
}

/// Whether the newest version is the stable one, as far as the status knows.
#[must_use]
pub fn is_fully_promoted(rollout: &Rollout) -> bool {
    let status = &rollout.status;
    !status.stable_rs.is_empty() && status.stable_rs == status.current_pod_hash
}

/// The steps of a canary; none for blue-green.
pub(crate) fn canary_steps(rollout: &Rollout) -> &[CanaryStep] {
    let canary = rollout.spec.strategy.as_ref().and_then(|strategy| strategy.canary.as_ref());
    canary.map_or(&[], |canary| canary.steps.as_slice())
}

/// The controller's own rules for a status that has no phase, the first that applies.
fn computed(rollout: &Rollout) -> ClientStatus {
    halted(rollout).unwrap_or_else(|| match replicas_missing(rollout).or_else(|| strategy_pending(rollout)) {
        Some(message) => ClientStatus::progressing(message),
        None => ClientStatus::new(Phase::Healthy, ""),
    })
}

fn halted(rollout: &Rollout) -> Option<ClientStatus> {
    let (spec, status) = (&rollout.spec, &rollout.status);
    for condition in &status.conditions {
        let word = match condition.reason.as_str() {
            _ if condition.type_ == condition_type::INVALID_SPEC => condition_type::INVALID_SPEC,
            reason::ROLLOUT_ABORTED => reason::ROLLOUT_ABORTED,
            reason::PROGRESS_DEADLINE_EXCEEDED => reason::PROGRESS_DEADLINE_EXCEEDED,
            _ => continue,
        };
        return Some(ClientStatus::new(Phase::Degraded, format!("{word}: {}", condition.message)));
    }
    if spec.paused {
        return Some(ClientStatus::new(Phase::Paused, "manually paused"));
    }
    if let Some(pause) = status.pause_conditions.first() {
        return Some(ClientStatus::new(Phase::Paused, pause.reason.as_str()));
    }
    let restarting = spec.restart_at.is_some() && spec.restart_at != status.restarted_at;
    restarting.then(|| ClientStatus::progressing("rollout is restarting"))
}

fn replicas_missing(rollout: &Rollout) -> Option<&'static str> {
    let status = &rollout.status;
    if status.updated_replicas < rollout.spec.replicas_or_default() {
        Some("more replicas need to be updated")
    } else if status.available_replicas < status.updated_replicas {
        Some("updated replicas are still becoming available")
    } else {
        None
    }
}

fn strategy_pending(rollout: &Rollout) -> Option<&'static str> {
    let status = &rollout.status;
    let strategy = rollout.spec.strategy.as_ref()?;
    if let Some(blue_green) = &strategy.blue_green {
        let active = &status.blue_green.active_selector;
        let run = status.blue_green.post_promotion_analysis_run_status.as_ref();
        let judged = run.is_some_and(|run| run.status.is_completed());
        return if active.is_empty() || *active != status.current_pod_hash {
            Some("active service cutover pending")
        } else if is_fully_promoted(rollout) {
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
    } else if !is_fully_promoted(rollout) {
        Some("waiting for all steps to complete")
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
