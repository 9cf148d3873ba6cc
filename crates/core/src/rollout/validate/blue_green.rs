//! The blue-green strategy: rows 14 to 17 of the contract's list of spec checks.

use tidegate_api::rollout::BlueGreenStrategy;

use super::{SpecError, strategy};

pub(super) fn check(
    blue_green: &BlueGreenStrategy,
    revision_history_limit: i32,
    errors: &mut Vec<SpecError>,
) {
    if blue_green.active_service == blue_green.preview_service {
        errors.push(SpecError::invalid(
            "spec.strategy.activeService",
            &blue_green.active_service,
            "This rollout uses the same service for the active and preview services, \
             but two different services are required.",
        ));
    }
    let limit = blue_green.scale_down_delay_revision_limit;
    if let Some(limit) = limit.filter(|limit| *limit > revision_history_limit) {
        errors.push(SpecError::invalid(
            "spec.strategy.scaleDownDelayRevisionLimit",
            &limit,
            "This rollout's revision history limit can not be smaller than the rollout's scale down limit",
        ));
    }
    strategy::anti_affinity(blue_green.anti_affinity.as_ref(), errors);
}
