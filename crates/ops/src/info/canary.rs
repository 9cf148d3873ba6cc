use serde::Serialize;
use tidegate_api::rollout::{CanaryStrategy, RolloutStatus, TrafficRouting};

/// How far a canary is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CanaryInfo {
    /// `<index>/<number of steps>`; empty without steps, or before the first index was set.
    pub step: String,
    /// The weight that the steps ask for, 0..=`maxTrafficWeight`.
    pub set_weight: i64,
    /// The weight that the new version has, 0..=`maxTrafficWeight`.
    pub actual_weight: i64,
}

impl CanaryInfo {
    pub(crate) fn of(canary: &CanaryStrategy, status: &RolloutStatus, canary_available: i64) -> Self {
        let set_weight = set_weight(canary, status);
        Self {
            step: match status.current_step_index {
                Some(index) if !canary.steps.is_empty() => format!("{index}/{}", canary.steps.len()),
                _ => String::new(),
            },
            set_weight,
            actual_weight: actual_weight(canary, status, canary_available, set_weight),
        }
    }
}

/// Index of the step being executed; `None` without steps or when all are done.
fn current_step(canary: &CanaryStrategy, status: &RolloutStatus) -> Option<usize> {
    let index = usize::try_from(status.current_step_index.unwrap_or(0)).unwrap_or(0);
    (index < canary.steps.len()).then_some(index)
}

fn max_weight(canary: &CanaryStrategy) -> i64 {
    canary.traffic_routing.as_ref().map_or(100, TrafficRouting::max_traffic_weight_or_default).into()
}

fn set_weight(canary: &CanaryStrategy, status: &RolloutStatus) -> i64 {
    if status.abort {
        return 0;
    }
    match current_step(canary, status) {
        None => max_weight(canary),
        Some(index) => {
            let weight = canary.steps[..=index].iter().rev().find_map(|step| step.set_weight);
            weight.unwrap_or(0).into()
        }
    }
}

fn actual_weight(
    canary: &CanaryStrategy,
    status: &RolloutStatus,
    canary_available: i64,
    set_weight: i64,
) -> i64 {
    let available = i64::from(status.available_replicas);
    if current_step(canary, status).is_none() {
        max_weight(canary)
    } else if available <= 0 {
        0
    } else if canary.traffic_routing.is_none() {
        canary_available * max_weight(canary) / available
    } else {
        status.canary.weights.as_ref().map_or(set_weight, |weights| weights.canary.weight.into())
    }
}
