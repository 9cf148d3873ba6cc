//! The canary strategy besides its steps: rows 18 to 28 and 45 of the contract's list of spec checks.

use tidegate_api::meta::IntOrString;
use tidegate_api::rollout::{CanaryStrategy, TrafficRouting};

use super::{SpecError, steps, strategy};

pub(super) fn check(canary: &CanaryStrategy, errors: &mut Vec<SpecError>) {
    room_to_move(canary, errors);
    two_services(canary, errors);
    ping_pong(canary, errors);
    services_to_route_to(canary, errors);
    scale_down(canary, errors);
    max_traffic_weight(canary, errors);
    for (index, step) in canary.steps.iter().enumerate() {
        steps::check(step, index, canary.traffic_routing.as_ref(), errors);
    }
    strategy::anti_affinity(canary.anti_affinity.as_ref(), errors);
}

fn room_to_move(canary: &CanaryStrategy, errors: &mut Vec<SpecError>) {
    // Of a total of 100, a percentage is itself; what is absent is 25 %.
    let is_zero =
        |value: &Option<IntOrString>| value.as_ref().is_some_and(|it| it.count_or_percent(100, false) == 0);
    if is_zero(&canary.max_surge) && is_zero(&canary.max_unavailable) {
        let detail = "MaxSurge and MaxUnavailable both can not be zero";
        errors.push(SpecError::invalid("spec.strategy.maxSurge", &canary.max_surge, detail));
    }
}

fn two_services(canary: &CanaryStrategy, errors: &mut Vec<SpecError>) {
    if !canary.stable_service.is_empty() && canary.stable_service == canary.canary_service {
        errors.push(SpecError::invalid(
            "spec.strategy.stableService",
            &canary.stable_service,
            "This rollout uses the same service for the stable and canary services, \
             but two different services are required.",
        ));
    }
}

fn ping_pong(canary: &CanaryStrategy, errors: &mut Vec<SpecError>) {
    let Some(services) = &canary.ping_pong else { return };
    let (ping, pong) = (&services.ping_service, &services.pong_service);
    let alb = canary.traffic_routing.as_ref().and_then(|routing| routing.alb.as_ref());
    if let Some(routing) = &canary.traffic_routing
        && alb.is_none()
        && routing.istio.is_none()
        && routing.plugins.is_empty()
    {
        let detail = "Ping-pong feature works with the ALB, Istio, and plugin-based traffic routers only";
        errors.push(SpecError::invalid("spec.strategy.trafficRouting.alb", &routing.alb, detail));
    }
    for (path, name) in
        [("spec.strategy.pingPong.pingService", ping), ("spec.strategy.pingPong.pongService", pong)]
    {
        if name.is_empty() {
            let detail = "Ping service and Pong service must to be set to use Ping-Pong feature";
            errors.push(SpecError::invalid(path, name, detail));
        }
    }
    if ping == pong {
        errors.push(SpecError::invalid(
            "spec.strategy.pingPong.pingService",
            ping,
            "This rollout uses the same service for the ping and pong services, \
             but two different services are required.",
        ));
    }
    if let Some(alb) = alb.filter(|alb| alb.root_service.is_empty()) {
        errors.push(SpecError::invalid(
            "spec.strategy.trafficRouting.alb.rootService",
            &alb.root_service,
            "Root service field is required for the configuration with ALB and ping-pong feature enabled",
        ));
    }
}

fn services_to_route_to(canary: &CanaryStrategy, errors: &mut Vec<SpecError>) {
    let routing = canary.traffic_routing.as_ref();
    if !routing.is_some_and(|routing| needs_services(routing, canary.ping_pong.is_some())) {
        return;
    }
    let services = [
        ("spec.strategy.stableService", &canary.stable_service),
        ("spec.strategy.canaryService", &canary.canary_service),
    ];
    for (path, name) in services {
        if name.is_empty() {
            let detail = "Canary service and Stable service must to be set to use Traffic Routing";
            errors.push(SpecError::invalid(path, name, detail));
        }
    }
}

/// Whether one of the routers tells the versions apart by the stable and the canary Service.
fn needs_services(routing: &TrafficRouting, has_ping_pong: bool) -> bool {
    let routes_to_hosts = routing.istio.as_ref().is_some_and(|istio| istio.destination_rule.is_none());
    (!has_ping_pong && (routing.alb.is_some() || routes_to_hosts))
        || routing.smi.is_some()
        || routing.apisix.is_some()
        || routing.ambassador.is_some()
        || routing.nginx.is_some()
        || routing.app_mesh.is_some()
        || routing.traefik.is_some()
}

fn scale_down(canary: &CanaryStrategy, errors: &mut Vec<SpecError>) {
    let is_routed = canary.traffic_routing.is_some();
    if let Some(delay) = canary.scale_down_delay_seconds.filter(|_| !is_routed) {
        let detail = "Canary scaleDownDelaySeconds can only be used with traffic routing";
        errors.push(SpecError::invalid("spec.strategy.scaleDownDelaySeconds", &delay, detail));
    }
    if !canary.dynamic_stable_scale {
        return;
    }
    let path = "spec.strategy.dynamicStableScale";
    if !is_routed {
        let detail = "Canary dynamicStableScale can only be used with traffic routing";
        errors.push(SpecError::invalid(path, &true, detail));
    }
    if canary.scale_down_delay_seconds.is_some() {
        let detail = "Canary dynamicStableScale cannot be used with scaleDownDelaySeconds";
        errors.push(SpecError::invalid(path, &true, detail));
    }
}

fn max_traffic_weight(canary: &CanaryStrategy, errors: &mut Vec<SpecError>) {
    let Some(routing) = &canary.traffic_routing else { return };
    if let Some(weight) = routing.max_traffic_weight
        && routing.nginx.is_none()
        && routing.plugins.is_empty()
    {
        let detail = "Canary maxTrafficWeight in traffic routing only supported in Nginx and Plugins";
        errors.push(SpecError::invalid("spec.strategy.trafficRouting.maxTrafficWeight", &weight, detail));
    }
}
