//! Which strategy, and what both have in common. The paths lack the strategy's name, as upstream's do.

use tidegate_api::rollout::{AntiAffinity, Rollout};

use super::{SpecError, blue_green, canary};

pub(super) fn check(rollout: &Rollout, errors: &mut Vec<SpecError>) {
    let path = "spec.strategy.strategy";
    let strategy = rollout.spec.strategy.as_ref();
    let blue_green = strategy.and_then(|strategy| strategy.blue_green.as_ref());
    let canary = strategy.and_then(|strategy| strategy.canary.as_ref());
    match (blue_green, canary) {
        (None, None) => errors.push(SpecError::required(
            path,
            "Rollout has missing field '.spec.strategy.canary or .spec.strategy.blueGreen'",
        )),
        (Some(_), Some(_)) => errors.push(SpecError::invalid(
            path,
            "blueGreen: true canary: true",
            "Multiple Strategies can not be listed",
        )),
        (Some(blue_green), None) => {
            blue_green::check(blue_green, rollout.spec.revision_history_limit_or_default(), errors);
        }
        (None, Some(canary)) => canary::check(canary, errors),
    }
}

pub(super) fn anti_affinity(anti_affinity: Option<&AntiAffinity>, errors: &mut Vec<SpecError>) {
    let path = "spec.strategy.antiAffinity";
    let Some(anti_affinity) = anti_affinity else { return };
    let preferred = anti_affinity.preferred_during_scheduling_ignored_during_execution.as_ref();
    let required = anti_affinity.required_during_scheduling_ignored_during_execution.as_ref();
    if preferred.is_some() == required.is_some() {
        let value = format!(
            "antiAffinity.PreferredDuringSchedulingIgnoredDuringExecution: {} \
             antiAffinity.RequiredDuringSchedulingIgnoredDuringExecution: {}",
            preferred.is_some(),
            required.is_some()
        );
        errors.push(SpecError::invalid(path, &value, "AntiAffinity must have exactly one strategy listed"));
    }
    if let Some(weight) =
        preferred.map(|preferred| preferred.weight).filter(|weight| !(1..=100).contains(weight))
    {
        let detail = "AntiAffinity weight must be between 1-100";
        errors.push(SpecError::invalid(&format!("{path}.weight"), &weight, detail));
    }
}
