//! What this version cannot do yet: said clearly, instead of doing something else.

use tidegate_api::rollout::{CanaryStep, Rollout};

use super::SpecError;

/// The first part of the spec that this version cannot follow although it is valid.
#[must_use]
pub fn not_yet_supported(rollout: &Rollout) -> Option<SpecError> {
    let strategy = rollout.spec.strategy.as_ref()?;
    if strategy.blue_green.is_some() {
        return Some(not_yet("blueGreen", "blue-green is"));
    }
    let canary = strategy.canary.as_ref()?;
    if canary.traffic_routing.is_some() {
        return Some(not_yet("canary.trafficRouting", "traffic routing is"));
    }
    if canary.analysis.is_some() {
        return Some(not_yet("canary.analysis", "background analysis is"));
    }
    canary.steps.iter().enumerate().find_map(|(index, step)| {
        let kind = unsupported_kind(step)?;
        Some(not_yet(&format!("canary.steps[{index}].{kind}"), &format!("{kind} steps are")))
    })
}

fn unsupported_kind(step: &CanaryStep) -> Option<&'static str> {
    let kinds = [
        ("experiment", step.experiment.is_some()),
        ("analysis", step.analysis.is_some()),
        ("setCanaryScale", step.set_canary_scale.is_some()),
        ("setHeaderRoute", step.set_header_route.is_some()),
        ("setMirrorRoute", step.set_mirror_route.is_some()),
        ("plugin", step.plugin.is_some()),
    ];
    kinds.into_iter().find_map(|(kind, is_set)| is_set.then_some(kind))
}

fn not_yet(path: &str, what: &str) -> SpecError {
    let detail = format!("{what} not supported by this version of Tidegate yet");
    SpecError::forbidden(&format!("spec.strategy.{path}"), &detail)
}
