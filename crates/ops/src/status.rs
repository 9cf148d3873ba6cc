//! The state of a Rollout as a client may report it: the stored phase, unless the status is older than the spec.

use serde::Serialize;
use tidegate_api::rollout::{CanaryStep, Phase, Rollout};
use tidegate_core::rollout::phase::phase;

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
        _ => {
            let (phase, message) = phase(&rollout.spec, status, jiff::Timestamp::MAX);
            ClientStatus::new(phase, message)
        }
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
    tidegate_core::rollout::phase::is_fully_promoted(&rollout.status)
}

/// The steps of a canary; none for blue-green.
pub(crate) fn canary_steps(rollout: &Rollout) -> &[CanaryStep] {
    let canary = rollout.spec.strategy.as_ref().and_then(|strategy| strategy.canary.as_ref());
    canary.map_or(&[], |canary| canary.steps.as_slice())
}

#[cfg(test)]
mod tests;
