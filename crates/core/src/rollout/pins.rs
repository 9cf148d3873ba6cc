//! What pins a ReplicaSet: traffic that goes to its version by hash, now or by the time when sizes change.

use super::routing::{self, Role};
use super::view::View;
use crate::plan::{Request, Write};

/// Traffic that goes to a version by its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pin {
    pub(super) hash: String,
    /// Ready pods that it needs.
    pub(super) least: i32,
    /// Who sends it there.
    pub(super) by: String,
}

/// A Service, or none; the version that it selects, or that is routed by hash; the weight.
type Destination<'a> = (&'a str, Option<&'a str>, i32);

/// What pins ReplicaSets now, as observed.
pub(super) fn pins(view: &View<'_>) -> Vec<Pin> {
    if view.replicas <= 0 {
        return Vec::new();
    }
    if let Some(strategy) = view.blue_green() {
        let least = view.limits().min_available().max(1);
        let active = view.selected_by(&strategy.active_service);
        let by = || format!("Service/{}", strategy.active_service);
        return active.map(|hash| Pin { hash: hash.to_owned(), least, by: by() }).into_iter().collect();
    }
    if view.is_routed() {
        let mut pins = Vec::new();
        // Before a router was told anything, traffic may come by the Service of either side.
        let untold = (!routing::is_told(view)).then(|| view.shares().max_weight);
        let weight = |role: Role| untold.unwrap_or_else(|| role.weight(view));
        let present = |role: Role| (role.present_service(view), role.version(view), weight(role));
        add(view, Role::BOTH.map(present), &mut pins);
        return pins;
    }
    // How the traffic is shared between these Services and the others nobody knows.
    let least = view.limits().min_available().clamp(0, 1);
    let services = [view.stable_service(), view.canary_service()];
    let pin = |service: &&str| {
        let hash = view.selected_by(service)?.to_owned();
        Some(Pin { hash, least, by: format!("Service/{service}") })
    };
    services.iter().filter_map(pin).collect()
}

/// Adds what the same plan is going to pin: by the time when sizes change, these Services are switched to these versions, and then its
/// route is there.
pub(super) fn add_to_come(
    view: &View<'_>,
    switched: &[(String, String)],
    route: Option<&Write>,
    pins: &mut Vec<Pin>,
) {
    if !view.is_routed() || view.replicas <= 0 {
        return;
    }
    let selected = |service: &str| {
        let to_come = switched.iter().find(|(name, _)| name == service).map(|(_, hash)| hash.as_str());
        to_come.or_else(|| view.selected_by(service))
    };
    let with_services_switched = |role: Role| {
        let service = role.present_service(view);
        let version = if service.is_empty() { role.version(view) } else { selected(service) };
        (service, version, role.weight(view))
    };
    add(view, Role::BOTH.map(with_services_switched), pins);
    if let Some(Request::Route { intent }) = route.map(|route| &route.request) {
        let routed = [&intent.canary, &intent.stable].map(|to| {
            let (service, hash) = (to.service_name.as_str(), to.pod_template_hash.as_str());
            (service, selected(service).or(Some(hash)), to.weight)
        });
        add(view, routed, pins);
    }
}

/// Adds what destinations pin together.
fn add(view: &View<'_>, destinations: [Destination<'_>; 2], pins: &mut Vec<Pin>) {
    for (service, version, weight) in destinations {
        let Some(hash) = version.filter(|_| weight > 0) else { continue };
        let arrives =
            destinations.iter().filter(|(_, version, _)| *version == Some(hash)).map(|to| to.2).sum();
        let least = least(view, arrives);
        match pins.iter_mut().find(|pin| pin.hash == hash) {
            Some(pin) => pin.least = pin.least.max(least),
            None => {
                let by = match service {
                    "" => format!("the route (weight {weight})"),
                    service => format!("Service/{service} (weight {weight})"),
                };
                pins.push(Pin { hash: hash.to_owned(), least, by });
            }
        }
    }
}

/// Ready pods that a share of the traffic needs.
fn least(view: &View<'_>, weight: i32) -> i32 {
    (view.shares().needed(weight) - missing_allowed(view)).max(1)
}

/// Pods that may be missing of what a share needs. Where stable shrinks with its traffic there is nothing to spare.
pub(super) fn missing_allowed(view: &View<'_>) -> i32 {
    if view.stable_is_dynamic() { 0 } else { view.limits().max_unavailable }
}
