//! Where the traffic of a routed canary goes and shall go: its weights, and the Services by which it comes.
//!
//! Services, confirmation and weights are separate phases: a weight grows only towards a version that its Service selects already,
//! and falls only as far as stable can bear what comes back.

use tidegate_api::rollout::{RolloutStatus, TrafficWeights, WeightDestination};

use super::arithmetic::Shares;
use super::pins::missing_allowed;
use super::sizes;
use super::steps;
use super::view::{View, last_weight};
use crate::plan::{Event, Purpose, Request, Write};
use crate::report::Wait;
use crate::service;
use crate::snapshot::{Observed, ReplicaSet, Snapshot};
use crate::traffic::{self, TrafficIntent};

/// One of the two sides of a canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Stable,
    Canary,
}

impl Role {
    pub(super) const BOTH: [Self; 2] = [Self::Stable, Self::Canary];

    /// Its Service, as the spec names it.
    pub(super) fn service<'a>(self, view: &View<'a>) -> &'a str {
        match self {
            Self::Stable => view.stable_service(),
            Self::Canary => view.canary_service(),
        }
    }

    /// The Service by which its traffic comes now: the spec may name another one, to which the route has yet to go over.
    pub(super) fn present_service<'a>(self, view: &View<'a>) -> &'a str {
        match self.destination(view).filter(|to| to.weight > 0) {
            Some(to) => &to.service_name,
            None => self.service(view),
        }
    }

    /// The weight that is routed to it.
    pub(super) fn weight(self, view: &View<'_>) -> i32 {
        match (self.destination(view), self) {
            (Some(to), _) => in_parts(view, to.weight),
            // A router that was never told anything sends everything there.
            (None, Self::Stable) => view.shares().max_weight,
            (None, Self::Canary) => 0,
        }
    }

    /// Where the router sends its traffic: of a ping-pong pair, whose sides change places, to its Service.
    fn destination<'a>(self, view: &View<'a>) -> Option<&'a WeightDestination> {
        let weights = weights(view)?;
        let (sides, other) = match self {
            Self::Canary => ([&weights.canary, &weights.stable], Self::Stable),
            Self::Stable => ([&weights.stable, &weights.canary], Self::Canary),
        };
        if view.canary().is_none_or(|canary| canary.ping_pong.is_none()) {
            return Some(sides[0]);
        }
        let own = sides.iter().copied().find(|to| to.service_name == self.service(view));
        // Of a pair that has just become one, a side may have no Service yet; what is the other's is not its own.
        let is_others = sides[0].service_name == other.service(view);
        Some(own.unwrap_or(if is_others { sides[1] } else { sides[0] }))
    }

    /// The version to which its traffic goes: the one that its Service selects, or the one that is routed by hash.
    pub(super) fn version<'a>(self, view: &View<'a>) -> Option<&'a str> {
        let service = self.present_service(view);
        if !service.is_empty() {
            return view.selected_by(service);
        }
        Some(self.destination(view)?.pod_template_hash.as_str()).filter(|hash| !hash.is_empty())
    }

    /// Whether its Service is there and selects pods of any version, as one does that somebody has applied anew.
    fn selects_any(self, view: &View<'_>) -> bool {
        let service = self.present_service(view);
        let is_there = view.snapshot.services.get(service).is_some_and(|it| it.found().is_some());
        is_there && view.selected_by(service).is_none()
    }

    /// The version that its traffic is meant for.
    fn wanted<'a>(self, view: &View<'a>) -> Option<&'a str> {
        match self {
            Self::Stable => Some(view.rollout().status.stable_rs.as_str()),
            Self::Canary => view.new.map(ReplicaSet::hash),
        }
    }

    /// Whether its traffic may come by the Service that the spec names: to the same pods, or to those it is meant for, if they bear it.
    fn may_go_over(self, view: &View<'_>) -> bool {
        let (from, to) = (self.present_service(view), self.service(view));
        if from == to {
            return true;
        }
        if to.is_empty() {
            // By the version itself; where its router needs Services, the spec is invalid.
            return view.invalid.is_none();
        }
        let Some(found) = view.snapshot.services.get(to).and_then(Observed::found) else { return false };
        if service::manager(found).is_some_and(|by| by != view.rollout().metadata.name) {
            return false;
        }
        if view.replicas <= 0 {
            return true;
        }
        let is_gone = view.snapshot.services.get(from) == Some(&Observed::Missing);
        let answers = |rs: &ReplicaSet| rs.available() > 0;
        let Some(hash) = view.selected_by(to) else {
            return is_gone && view.owned.iter().any(|rs| answers(rs));
        };
        let arrives = self.weight(view) + weight_of(view, hash, |role| role != self);
        let bears = |rs: &ReplicaSet| self.wanted(view) == Some(hash) && can_bear(view, rs, arrives);
        let takes_over = |rs: &ReplicaSet| bears(rs) || (is_gone && answers(rs));
        self.version(view) == Some(hash) || view.with_hash(hash).is_some_and(takes_over)
    }
}

/// What is routed to a Service now.
pub(super) fn weight_at(view: &View<'_>, service: &str) -> i32 {
    let roles = Role::BOTH.into_iter();
    roles.filter(|role| role.present_service(view) == service).map(|role| role.weight(view)).sum()
}

/// What would arrive at a version if this Service selected it: with what goes there by another one.
pub(super) fn weight_by(view: &View<'_>, service: &str, hash: &str) -> i32 {
    match weight_at(view, service) {
        0 => 0,
        by_it => by_it + weight_of(view, hash, |role| role.present_service(view) != service),
    }
}

/// What arrives at stable once its Service selects it, or its traffic comes by that: more than now, where sides change.
pub(super) fn awaited(view: &View<'_>, stable: &str) -> i32 {
    let by_service = match view.stable_service() {
        "" => 0,
        service => weight_by(view, service, stable),
    };
    let by_route = Role::Stable.weight(view) + weight_of(view, stable, |role| role == Role::Canary);
    by_service.max(by_route)
}

/// What is routed to a version by these roles.
fn weight_of(view: &View<'_>, hash: &str, by: impl Fn(Role) -> bool) -> i32 {
    let roles = Role::BOTH.into_iter();
    roles.filter(|role| by(*role) && role.version(view) == Some(hash)).map(|role| role.weight(view)).sum()
}

/// Whether the new version would get more than the steps give it, from stable, if this Service selected it.
pub(super) fn takes_from_stable(
    view: &View<'_>,
    service: &str,
    new: &ReplicaSet,
    status: &RolloutStatus,
) -> bool {
    let is_stables = view.is_routed()
        && new.hash() != status.stable_rs
        && view.selected_by(service) == Some(status.stable_rs.as_str());
    is_stables && weight_by(view, service, new.hash()) > weight_of_steps(view, status)
}

/// Services by which traffic comes, whatever the spec names.
pub(super) fn routed_services(snapshot: &Snapshot) -> impl Iterator<Item = &str> {
    snapshot.router.found().and_then(|router| router.weights.as_ref()).into_iter().flat_map(traffic::services)
}

/// Why traffic does not come yet by the Service that the spec names for it.
pub(super) fn waits_for_services(view: &View<'_>) -> impl Iterator<Item = Wait> {
    let kept = Role::BOTH.into_iter().filter(|role| view.is_routed() && !role.may_go_over(view));
    kept.map(|role| {
        let (from, to) = (role.present_service(view), role.service(view));
        let from = if from.is_empty() { "the route alone".to_owned() } else { format!("Service/{from}") };
        Wait {
            object: format!("Service/{to}"),
            field: "spec.selector".into(),
            because: match view.selected_by(to) {
                Some(hash) => format!("selects version {hash}; traffic still comes by {from}"),
                None => format!("selects no version; traffic still comes by {from}"),
            },
            since: None,
            until: "it is there, and selects the pods that its traffic is meant for".into(),
        }
    })
}

fn weights<'a>(view: &View<'a>) -> Option<&'a TrafficWeights> {
    view.snapshot.router.found()?.weights.as_ref()
}

/// A weight that is routed, in parts of the maximum as it stands, rounded up: the spec may have been edited since.
fn in_parts(view: &View<'_>, weight: i32) -> i32 {
    let whole = weights(view).map_or(0, |weights| {
        let all = [&weights.canary, &weights.stable].into_iter().chain(&weights.additional);
        all.map(|to| i64::from(to.weight)).sum::<i64>()
    });
    let max = view.shares().max_weight;
    if whole <= 0 || whole == i64::from(max) {
        return weight;
    }
    i32::try_from((i64::from(weight) * i64::from(max) + whole - 1) / whole).unwrap_or(max)
}

/// Whether the router was ever told where traffic goes.
pub(super) fn is_told(view: &View<'_>) -> bool {
    weights(view).is_some()
}

/// The canary's weight as it is routed now.
pub(super) fn routed_weight(view: &View<'_>) -> i32 {
    Role::Canary.weight(view)
}

/// The data plane has not confirmed yet what the router was told.
pub(super) fn unconfirmed(view: &View<'_>) -> Option<Wait> {
    let weights = weights(view).filter(|weights| weights.verified == Some(false))?;
    Some(Wait {
        object: format!("Rollout/{}", view.rollout().metadata.name),
        field: "status.canary.weights.verified".into(),
        because: format!("weight {} is not confirmed by the router", weights.canary.weight),
        since: None,
        until: "the router confirms it".into(),
    })
}

/// The canary of an aborted update still has a weight.
pub(super) fn unmet_abort(view: &View<'_>) -> Option<Wait> {
    let weight = routed_weight(view);
    (weight > 0).then(|| Wait {
        object: format!("Rollout/{}", view.rollout().metadata.name),
        field: "status.canary.weights".into(),
        because: format!("weight is {weight}"),
        since: None,
        until: "it is 0".into(),
    })
}

/// What the traffic waits for before it goes where this step wants it.
pub(super) fn unmet(view: &View<'_>, new: &ReplicaSet, status: &RolloutStatus) -> Option<Wait> {
    if !view.is_routed() {
        return None;
    }
    let (wanted, routed) = (weight_of_steps(view, status), routed_weight(view));
    let wait = |field: &str, because: String, until: String| {
        let object = format!("Rollout/{}", view.rollout().metadata.name);
        Some(Wait { object, field: field.into(), because, since: None, until })
    };
    if wanted != routed {
        return wait("status.canary.weights", format!("weight is {routed}"), format!("it is {wanted}"));
    }
    let selected = Role::Canary.version(view);
    if wanted > 0 && selected != Some(new.hash()) {
        let because = format!("its traffic goes to {}", selected.unwrap_or("pods of any version"));
        return wait("spec.strategy.canary.canaryService", because, format!("it goes to {}", new.hash()));
    }
    unconfirmed(view)
}

/// The weight that the current step asks for.
fn weight_of_steps(view: &View<'_>, status: &RolloutStatus) -> i32 {
    if status.promote_full && view.stable_is_dynamic() {
        return view.shares().max_weight;
    }
    match view.steps_up_to_now(status) {
        Some(steps) => last_weight(steps),
        None if view.steps().is_empty() => 0,
        None => view.shares().max_weight,
    }
}

/// The write that moves the routed weights one phase on, and the record of what is routed.
pub(super) fn route(view: &View<'_>, status: &RolloutStatus) -> Option<Write> {
    if !view.is_routed() || view.is_frozen() || status.stable_rs.is_empty() {
        return None;
    }
    let intent = intent(view, view.new?, status);
    let present = weights(view);
    if present.is_none()
        && view.snapshot.services.get(&intent.stable.service_name) == Some(&Observed::Missing)
    {
        // Until a router is told anything, traffic goes where it went before.
        return None;
    }
    let is_there = present.is_some_and(|weights| {
        let verified = weights.verified;
        let present = TrafficWeights { additional: weights.additional.clone(), ..intent.weights(verified) };
        present == *weights
    });
    if is_there {
        return None;
    }
    let to = intent.canary.weight;
    let event = match present.map(|weights| weights.canary.weight) {
        None => Some(format!("Traffic weight updated to {to}")),
        Some(from) if from != to => Some(format!("Traffic weight updated from {from} to {to}")),
        Some(_) => None,
    };
    Some(Write {
        object: view.object("Rollout", &view.rollout().metadata.name),
        request: Request::Route { intent: Box::new(intent) },
        purpose: Purpose::Route,
        events: event.map(|text| Event::normal("TrafficWeightUpdated", text)).into_iter().collect(),
    })
}

/// Where a write that moves the weights sends more than they get now, or by another Service.
pub(super) fn gaining(view: &View<'_>, write: &Write) -> Vec<WeightDestination> {
    let Request::Route { intent } = &write.request else { return Vec::new() };
    let present = || weights(view).into_iter().flat_map(|weights| [&weights.canary, &weights.stable]);
    let share = |hash: &str| -> i32 {
        present().filter(|to| to.pod_template_hash == hash).map(|to| in_parts(view, to.weight)).sum()
    };
    let comes_by = |service: &str| present().any(|to| to.weight > 0 && to.service_name == service);
    let gains = |to: &&WeightDestination| {
        to.weight > share(&to.pod_template_hash) || (to.weight > 0 && !comes_by(&to.service_name))
    };
    [&intent.canary, &intent.stable].into_iter().filter(gains).cloned().collect()
}

fn intent(view: &View<'_>, new: &ReplicaSet, status: &RolloutStatus) -> TrafficIntent {
    let max = view.shares().max_weight;
    let wanted = desired_weight(view, new, status);
    let weight = next_weight(view, (new, wanted), status).clamp(0, max);
    let to = |role: Role, weight: i32, wanted: &str| {
        let service = if role.may_go_over(view) { role.service(view) } else { role.present_service(view) };
        WeightDestination {
            weight,
            service_name: service.to_owned(),
            pod_template_hash: next_version(view, (role, service, weight), wanted).to_owned(),
        }
    };
    TrafficIntent {
        max_weight: max,
        canary: to(Role::Canary, weight, new.hash()),
        stable: to(Role::Stable, max - weight, &status.stable_rs),
        removes_managed_routes: wanted == 0 || status.promote_full,
    }
}

/// The version that a side's next weight is recorded for: the one it goes to, until another can take it over.
fn next_version<'v>(view: &View<'v>, (role, service, weight): (Role, &str, i32), wanted: &'v str) -> &'v str {
    let present = if service.is_empty() { role.version(view) } else { view.selected_by(service) };
    let Some(present) = present.filter(|present| *present != wanted && weight > 0) else { return wanted };
    let takes_over = view.with_hash(wanted).is_some_and(|rs| can_bear(view, rs, role.weight(view)));
    if !service.is_empty() || !takes_over { present } else { wanted }
}

/// Whether a version has the pods for a share of the traffic.
pub(super) fn can_bear(view: &View<'_>, rs: &ReplicaSet, weight: i32) -> bool {
    let available = rs.available();
    available > 0 && available + missing_allowed(view) >= view.shares().needed(weight)
}

/// One phase towards the desired weight.
fn next_weight(view: &View<'_>, (new, wanted): (&ReplicaSet, i32), status: &RolloutStatus) -> i32 {
    let routed = routed_weight(view);
    if wanted > routed {
        let is_ready = Role::Canary.version(view) == Some(new.hash()) && unconfirmed(view).is_none();
        return if is_ready { wanted } else { routed };
    }
    let dead = || {
        let canary = Role::Canary.version(view).and_then(|hash| view.with_hash(hash));
        let answers = |rs: &ReplicaSet| rs.possibly_available().max(rs.ready()) > 0;
        !Role::Canary.selects_any(view) && !canary.is_some_and(answers)
    };
    let stable_runs = view.with_hash(&status.stable_rs).is_some_and(|rs| rs.available() > 0);
    if wanted == routed || (stable_runs && dead()) {
        return wanted;
    }
    // Of all pods, stable's are the fewest that answer.
    let goes_there = Role::Stable.version(view) == Some(status.stable_rs.as_str());
    if !goes_there && !Role::Stable.selects_any(view) {
        return routed;
    }
    let stable = view.with_hash(&status.stable_rs).map_or(0, ReplicaSet::available);
    let shares = view.shares();
    let borne = if stable == 0 { 0 } else { shares.bearable(stable + missing_allowed(view)) };
    wanted.max(shares.max_weight - borne).min(routed)
}

/// The weight that steps, promotion or abort ask for, as far as the canary's pods are there.
fn desired_weight(view: &View<'_>, new: &ReplicaSet, status: &RolloutStatus) -> i32 {
    let (shares, routed) = (view.shares(), routed_weight(view));
    if view.is_finished(status) {
        return 0;
    }
    if status.abort {
        return aborted_weight(view, status, shares);
    }
    if view.snapshot.services.get(Role::Canary.present_service(view)) == Some(&Observed::Missing) {
        return 0;
    }
    if new.possibly_available() == 0 {
        return 0;
    }
    if status.promote_full {
        return if view.stable_is_dynamic() { shares.bearable(new.available()) } else { routed };
    }
    if view.is_on_hold() {
        return routed;
    }
    let wanted = weight_of_steps(view, status);
    if wanted <= routed || steps::unmet_sizes(view, new, status).is_none() {
        return wanted;
    }
    let index = status.current_step_index.and_then(|index| usize::try_from(index).ok()).unwrap_or(0);
    let passed = last_weight(&view.steps()[..index.min(view.steps().len())]);
    // Whoever skips steps may have left the pods behind.
    passed.min(routed.max(shares.bearable(new.available())))
}

fn aborted_weight(view: &View<'_>, status: &RolloutStatus, shares: Shares) -> i32 {
    if view.stable_is_dynamic() {
        sizes::way_back(view, status).weight(shares, sizes::stage(view, status))
    } else {
        0
    }
}
