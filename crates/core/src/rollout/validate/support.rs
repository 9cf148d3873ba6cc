//! What this version cannot do yet: said clearly, instead of doing something else. All of it routes traffic or gates an update:
//! without it nothing may be moved.

use tidegate_api::rollout::{BlueGreenStrategy, CanaryStep, CanaryStrategy, Rollout};

use super::SpecError;

/// The first part of the spec that this version cannot follow although it is valid. `has_router`: whether there is one for its
/// `trafficRouting`.
#[must_use]
pub fn not_yet_supported(rollout: &Rollout, has_router: bool) -> Option<SpecError> {
    let strategy = rollout.spec.strategy.as_ref()?;
    let canary = || canary(strategy.canary.as_ref()?, has_router);
    strategy.blue_green.as_ref().and_then(blue_green).or_else(canary)
}

fn blue_green(blue_green: &BlueGreenStrategy) -> Option<SpecError> {
    let members = [
        ("prePromotionAnalysis", "analysis", blue_green.pre_promotion_analysis.is_some()),
        ("postPromotionAnalysis", "analysis", blue_green.post_promotion_analysis.is_some()),
    ];
    first_set("spec.strategy.blueGreen", &members)
}

fn canary(canary: &CanaryStrategy, has_router: bool) -> Option<SpecError> {
    let members = [
        ("trafficRouting", "traffic routing", canary.traffic_routing.is_some() && !has_router),
        ("analysis", "background analysis", canary.analysis.is_some()),
    ];
    first_set("spec.strategy.canary", &members).or_else(|| {
        canary.steps.iter().enumerate().find_map(|(index, step)| {
            let kind = unsupported_kind(step)?;
            Some(not_yet(&format!("spec.strategy.canary.steps[{index}].{kind}"), &format!("the step {kind}")))
        })
    })
}

fn first_set(path: &str, members: &[(&str, &str, bool)]) -> Option<SpecError> {
    let (member, what, _) = members.iter().find(|(_, _, is_set)| *is_set)?;
    Some(not_yet(&format!("{path}.{member}"), what))
}

fn unsupported_kind(step: &CanaryStep) -> Option<&'static str> {
    let kinds = [
        ("experiment", step.experiment.is_some()),
        ("analysis", step.analysis.is_some()),
        ("setHeaderRoute", step.set_header_route.is_some()),
        ("setMirrorRoute", step.set_mirror_route.is_some()),
        ("plugin", step.plugin.is_some()),
    ];
    kinds.into_iter().find_map(|(kind, is_set)| is_set.then_some(kind))
}

fn not_yet(path: &str, what: &str) -> SpecError {
    SpecError::forbidden(path, &format!("{what} is not supported by this version of Tidegate yet"))
}
