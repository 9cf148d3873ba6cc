//! What this version cannot do yet: said clearly, instead of doing something else.

use tidegate_api::rollout::{CanaryStep, CanaryStrategy, Rollout};

use super::SpecError;

/// A part of the spec that this version cannot follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// What it is.
    pub error: SpecError,
    /// It decides where traffic goes or when an update may go on: without it nothing may be moved.
    pub routes_or_gates: bool,
}

/// The first part of the spec that this version cannot follow although it is valid; routes and gates come first.
#[must_use]
pub fn not_yet_supported(rollout: &Rollout) -> Option<Unsupported> {
    let routes_or_gates = |error| Unsupported { error, routes_or_gates: true };
    let other = |error| Unsupported { error, routes_or_gates: false };
    route_or_gate(rollout).map(routes_or_gates).or_else(|| convenience(rollout).map(other))
}

fn route_or_gate(rollout: &Rollout) -> Option<SpecError> {
    let spec = &rollout.spec;
    let workload =
        [("workloadRef", "taking the template from another workload", spec.workload_ref.is_some())];
    first_set("spec", &workload).or_else(|| {
        let strategy = spec.strategy.as_ref()?;
        first_set("spec.strategy", &[("blueGreen", "blue-green", strategy.blue_green.is_some())])
            .or_else(|| canary(strategy.canary.as_ref()?))
    })
}

fn convenience(rollout: &Rollout) -> Option<SpecError> {
    let spec = &rollout.spec;
    let restarts =
        !rollout.status.current_pod_hash.is_empty() && spec.restart_at != rollout.status.restarted_at;
    let common = [
        ("rollbackWindow", "skipping steps within a rollback window", spec.rollback_window.is_some()),
        ("restartAt", "restarting pods", spec.restart_at.is_some() && restarts),
        ("progressDeadlineAbort", "aborting at the progress deadline", spec.progress_deadline_abort),
    ];
    let metadata = spec.strategy.as_ref().and_then(|strategy| strategy.canary.as_ref()).map(|canary| {
        [
            ("canaryMetadata", "metadata by role", canary.canary_metadata.is_some()),
            ("stableMetadata", "metadata by role", canary.stable_metadata.is_some()),
            ("antiAffinity", "anti-affinity between versions", canary.anti_affinity.is_some()),
        ]
    });
    first_set("spec", &common).or_else(|| first_set("spec.strategy.canary", &metadata?))
}

fn canary(canary: &CanaryStrategy) -> Option<SpecError> {
    let members = [
        ("trafficRouting", "traffic routing", canary.traffic_routing.is_some()),
        ("analysis", "background analysis", canary.analysis.is_some()),
        ("canaryService", "pointing Services at versions", !canary.canary_service.is_empty()),
        ("stableService", "pointing Services at versions", !canary.stable_service.is_empty()),
        ("pingPong", "pointing Services at versions", canary.ping_pong.is_some()),
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
        ("setCanaryScale", step.set_canary_scale.is_some()),
        ("setHeaderRoute", step.set_header_route.is_some()),
        ("setMirrorRoute", step.set_mirror_route.is_some()),
        ("plugin", step.plugin.is_some()),
    ];
    kinds.into_iter().find_map(|(kind, is_set)| is_set.then_some(kind))
}

fn not_yet(path: &str, what: &str) -> SpecError {
    SpecError::forbidden(path, &format!("{what} is not supported by this version of Tidegate yet"))
}
