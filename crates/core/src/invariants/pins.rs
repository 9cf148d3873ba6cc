//! I2 and I3: pods that a route or a Service sends production traffic to by hash, and the weights of routes.

use std::collections::BTreeMap;

use tidegate_api::labels;
use tidegate_api::rollout::{PingPongRole, TrafficRouting, TrafficWeights, WeightDestination};

use super::{Knowledge, Observation, Violation, violation};
use crate::snapshot::Service;

/// Production traffic that reaches the pods of one version whatever the others do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// Who sends it.
    pub by: String,
    /// To which version.
    pub hash: String,
    /// Ready pods that it needs.
    pub needs: i32,
}

impl Observation {
    /// The version that a Service selects, as it stands; `None`: it selects all, or does not exist.
    pub(super) fn pinned_by(&self, service: &str) -> Option<&str> {
        self.services.get(service)?.selector.get(labels::POD_TEMPLATE_HASH).map(String::as_str)
    }

    /// The Service of the stable version: of a ping-pong pair pong, or ping once it was promoted, in turns.
    pub(super) fn stable_service(&self) -> &str {
        let Some(canary) = self.canary() else { return "" };
        let is_pings_turn = self.rollout.status.canary.stable_ping_pong == Some(PingPongRole::Ping);
        match &canary.ping_pong {
            Some(pair) if is_pings_turn => &pair.ping_service,
            Some(pair) => &pair.pong_service,
            None => &canary.stable_service,
        }
    }

    fn routing(&self) -> Option<&TrafficRouting> {
        self.canary()?.traffic_routing.as_ref()
    }

    /// Ready pods for this share of the traffic: rounded down, less maxUnavailable, but never none.
    fn needed_for(&self, weight: i32, max: i32) -> i32 {
        let replicas = self.rollout.spec.replicas_or_default();
        if weight <= 0 || replicas <= 0 {
            return 0;
        }
        let share = i64::from(weight) * i64::from(replicas) / i64::from(max.max(1));
        let unavailable = replicas - self.promised();
        (i32::try_from(share).unwrap_or(replicas) - unavailable).max(1)
    }

    /// What production traffic is sent to by hash. A canary without a router has no pins: its pods stand behind one selector.
    #[must_use]
    pub fn pins(&self) -> Vec<Pin> {
        if let Some(strategy) = self.blue_green() {
            return self.pins_of_service(&strategy.active_service);
        }
        if self.routing().is_none() {
            return Vec::new();
        }
        let Some(weights) = &self.routed else { return self.pins_of_service(self.stable_service()) };
        self.pins_of_route(weights, "a route")
    }

    /// What the data plane may still send by hash, because it has not confirmed the route that came after. By a Service that is gone it
    /// sends nothing.
    fn unconfirmed_pins(&self) -> Vec<Pin> {
        let arrives = |to: &WeightDestination| {
            to.service_name.is_empty() || self.services.contains_key(&to.service_name)
        };
        let weights = self.unconfirmed.iter().filter(|_| self.routing().is_some());
        let pins = weights.flat_map(|weights| {
            let mut pins = self.pins_of_route(weights, "an earlier route, not known to be over,");
            pins.retain(|pin| destinations(weights).any(|to| arrives(to) && self.reached_by(to) == pin.hash));
            pins
        });
        pins.collect()
    }

    fn pins_of_route(&self, weights: &TrafficWeights, route: &str) -> Vec<Pin> {
        let mut shares: BTreeMap<&str, i32> = BTreeMap::new();
        for destination in destinations(weights) {
            *shares.entry(self.reached_by(destination)).or_default() += destination.weight;
        }
        let max = whole(weights);
        let pin = |(hash, weight): (&str, i32)| Pin {
            by: format!("{route} with weight {weight} of {max}"),
            hash: hash.to_owned(),
            needs: self.needed_for(weight, max),
        };
        shares.into_iter().filter(|(hash, weight)| !hash.is_empty() && *weight > 0).map(pin).collect()
    }

    /// A pod for each Service of a canary without a router: how the traffic is shared between them and others nobody knows. Apart from
    /// [`Self::pins`], because I1 judges all its pods as well.
    fn pins_of_plain_canary(&self) -> Vec<Pin> {
        let Some(canary) = self.canary().filter(|_| self.routing().is_none()) else { return Vec::new() };
        let services = [&canary.stable_service, &canary.canary_service];
        let pins = services.into_iter().flat_map(|service| self.pins_of_service(service));
        pins.map(|pin| Pin { needs: self.promised().clamp(0, 1), ..pin }).collect()
    }

    fn pins_of_service(&self, service: &str) -> Vec<Pin> {
        let pin = |hash: &str| Pin {
            by: format!("Service {service}"),
            hash: hash.to_owned(),
            needs: self.needed_for(1, 1),
        };
        self.pinned_by(service).map(pin).into_iter().collect()
    }

    /// Where a destination's requests arrive: the Service decides, if it selects a version.
    fn reached_by<'a>(&'a self, destination: &'a WeightDestination) -> &'a str {
        self.pinned_by(&destination.service_name).unwrap_or(&destination.pod_template_hash)
    }

    /// The sum of the weights that arrive at a version.
    fn share_of(&self, weights: &TrafficWeights, hash: &str) -> i32 {
        destinations(weights).filter(|to| self.reached_by(to) == hash).map(|to| to.weight).sum()
    }

    /// Ready pods that a Service must select so that its share of production traffic is answered; 0: it has none.
    fn needs_of_service(&self, name: &str) -> i32 {
        if let Some(strategy) = self.blue_green() {
            return if strategy.active_service == name { self.needed_for(1, 1) } else { 0 };
        }
        if self.canary().is_none() {
            return 0;
        }
        match (self.routing(), &self.routed) {
            (Some(_), Some(weights)) => self.needed_for(weight_of_service(weights, name), whole(weights)),
            (Some(_), None) if self.stable_service() == name => self.needed_for(1, 1),
            (Some(_), None) => 0,
            // Which share either Service has is not known: it must not be left without a pod.
            (None, _) => self.needed_for(1, 1).min(1),
        }
    }

    fn endpoints_of(&self, service: &str) -> i32 {
        self.endpoints.get(service).copied().unwrap_or(0)
    }
}

/// All requests to a Rollout.
pub const WHOLE: i64 = 1_000_000;

impl Observation {
    /// The share of production traffic that reaches no ready pod, in parts of [`WHOLE`]. Without pods that are wanted there is none.
    /// What another Rollout manages carries that one's traffic.
    #[must_use]
    pub fn unanswered(&self) -> i64 {
        self.lost(|service| {
            let service = self.services.get(service);
            let owner = service.and_then(|it| it.metadata.annotations.get(labels::MANAGED_BY_ROLLOUTS));
            owner.is_some_and(|owner| *owner != self.rollout.metadata.name)
        })
    }

    /// The same, whoever manages the Services.
    #[must_use]
    pub fn unanswered_by_anyone(&self) -> i64 {
        self.lost(|_| false)
    }

    fn lost(&self, is_foreign: impl Fn(&str) -> bool) -> i64 {
        if self.rollout.spec.replicas_or_default() == 0 {
            return 0;
        }
        let by_service = |service: &str| {
            if is_foreign(service) || self.endpoints_of(service) > 0 { 0 } else { WHOLE }
        };
        if let Some(strategy) = self.blue_green() {
            return by_service(&strategy.active_service);
        }
        let any_ready = self.ready.values().any(|count| *count > 0);
        let routed = self.routing().and(self.routed.as_ref());
        if let (Some(pair), None) = (self.canary().and_then(|canary| canary.ping_pong.as_ref()), routed) {
            // Whose turn it is moves no requests by itself: they go to both. Behind a shared one pods of others may answer.
            let both = (by_service(&pair.ping_service) + by_service(&pair.pong_service)) / 2;
            return if any_ready { both } else { WHOLE };
        }
        if self.routing().is_none() {
            if !self.stable_service().is_empty() {
                return by_service(self.stable_service());
            }
            return if any_ready { 0 } else { WHOLE };
        }
        let Some(weights) = &self.routed else { return by_service(self.stable_service()) };
        let max = i64::from(whole(weights));
        let by_version = |hash: &str| {
            let ready = self.hashed(hash).map_or(0, |rs| self.ready_of(&rs.metadata.name));
            if ready > 0 { 0 } else { WHOLE }
        };
        let lost = destinations(weights).map(|to| {
            let share = match to.service_name.as_str() {
                "" => by_version(&to.pod_template_hash),
                service => by_service(service),
            };
            share * i64::from(to.weight.max(0)) / max
        });
        lost.sum()
    }
}

/// The sum of all weights that are routed: that of the spec may have been edited since.
fn whole(weights: &TrafficWeights) -> i32 {
    destinations(weights).map(|to| to.weight).fold(0_i32, i32::saturating_add).max(1)
}

fn weight_of_service(weights: &TrafficWeights, service: &str) -> i32 {
    destinations(weights).filter(|to| to.service_name == service).map(|to| to.weight).sum()
}

fn destinations(weights: &TrafficWeights) -> impl Iterator<Item = &WeightDestination> {
    [&weights.canary, &weights.stable].into_iter().chain(&weights.additional)
}

/// I2: no write of ours lowers the ready pods of a version below the smaller of what the traffic that is sent to it needs and what
/// was there.
#[must_use]
pub fn keeps_pinned_pods(before: &Observation, after: &Observation, by: Knowledge) -> Option<Violation> {
    let pins = after.pins().into_iter().chain(after.pins_of_plain_canary()).chain(after.unconfirmed_pins());
    pins.into_iter().find_map(|pin| {
        let (was, is) = (before.kept_of(&pin.hash), after.kept_of(&pin.hash));
        let (published, certain) = (before.published_of(&pin.hash), after.certain_of(before, &pin.hash));
        if by == Knowledge::Published && certain >= pin.needs.min(published) {
            return None;
        }
        (is < pin.needs.min(was)).then(|| {
            let Pin { by, hash, needs } = pin;
            violation("I2", format!("ready pods of {hash} fall from {was} to {is}; {by} needs {needs}"))
        })
    })
}

/// I2: a write of ours to a Service never moves production traffic from ready pods to none, or to fewer than its share needs
/// although there were enough.
#[must_use]
pub fn selects_ready_pods(before: &Observation, after: &Observation, by: Knowledge) -> Option<Violation> {
    after.services.iter().find_map(|(name, service)| {
        let old: &Service = before.services.get(name)?;
        if old.selector == service.selector {
            return None;
        }
        let needs = after.needs_of_service(name).max(before.needs_of_service(name));
        let (was, is) = (before.endpoints_of(name), after.endpoints_of(name));
        let worse = is < was && (is == 0 || (was >= needs && is < needs));
        let certain = after.pinned_by(name).map_or(0, |hash| after.certain_of(before, hash));
        if by == Knowledge::Published && certain >= needs.min(was) {
            return None;
        }
        (needs > 0 && worse).then(|| {
            violation("I2", format!("Service {name} selects {is} ready pods after {was}; it needs {needs}"))
        })
    })
}

/// I2: a route of ours never sends more to a version without a ready pod, while another loses that has some.
#[must_use]
pub fn weighs_ready_pods(before: &Observation, after: &Observation, by: Knowledge) -> Option<Violation> {
    let (old, new) = (before.routed.as_ref()?, after.routed.as_ref()?);
    let share = |weights, hash: &str| after.share_of(weights, hash);
    let ready = |hash: &str| after.hashed(hash).map_or(0, |rs| after.ready_of(&rs.metadata.name));
    let is_excused = |hash: &str| by == Knowledge::Published && after.certain_of(before, hash) > 0;
    let hashes = || destinations(old).chain(destinations(new)).map(|it| after.reached_by(it));
    let loses = hashes().any(|hash| share(new, hash) < share(old, hash) && ready(hash) > 0);
    // A Service that selects no version answers with the pods of any.
    let is_answered = |hash: &str| {
        destinations(new).any(|to| {
            let service = &to.service_name;
            to.pod_template_hash == hash
                && after.pinned_by(service).is_none()
                && after.endpoints_of(service) > 0
        })
    };
    let gains = |hash: &&str| {
        share(new, hash) > share(old, hash) && ready(hash) == 0 && !is_answered(hash) && !is_excused(hash)
    };
    let gains = hashes().find(gains)?;
    loses.then(|| {
        let (from, to) = (share(old, gains), share(new, gains));
        violation("I2", format!("the weight of {gains} rises from {from} to {to}, and it has no ready pod"))
    })
}

/// I2: a route of ours sends no more back to stable than its ready pods can bear, less maxUnavailable, while what loses has some. How
/// much the new version gets the steps say, whatever its pods.
#[must_use]
pub fn stable_bears_what_comes_back(
    before: &Observation,
    after: &Observation,
    by: Knowledge,
) -> Option<Violation> {
    let (old, new) = (before.routed.as_ref()?, after.routed.as_ref()?);
    let service = &new.stable.service_name;
    if after.services.contains_key(service) && after.pinned_by(service).is_none() {
        return any_pods_bear_what_comes_back((old, new), after, by);
    }
    let share = |weights, hash: &str| after.share_of(weights, hash);
    let hash = after.reached_by(&new.stable);
    let version = after.hashed(hash)?;
    let (from, to) = (share(old, hash), share(new, hash));
    let ready = after.ready_of(&version.metadata.name);
    let needs = after.needed_for(to, whole(new));
    let is_known = by == Knowledge::Exact || after.certain_of(before, hash) < needs;
    let loses = |of: &&WeightDestination| {
        let other = after.reached_by(of);
        share(new, other) < share(old, other) && after.kept_of(other) > 0
    };
    let is_overloaded = to > from && ready < needs && is_known && destinations(old).any(|of| loses(&of));
    is_overloaded.then(|| {
        let what = format!("the weight of stable {hash} rises from {from} to {to} of {}", whole(new));
        violation("I2", format!("{what}, and of {needs} ready pods that this needs it has {ready}"))
    })
}

/// The same where stable's Service selects no version: pods of any answer for it, whichever the route names.
fn any_pods_bear_what_comes_back(
    (old, new): (&TrafficWeights, &TrafficWeights),
    after: &Observation,
    by: Knowledge,
) -> Option<Violation> {
    let service = &new.stable.service_name;
    let (from, to) = (weight_of_service(old, service), weight_of_service(new, service));
    let loses = |it: &WeightDestination| {
        let other = &it.service_name;
        weight_of_service(new, other) < weight_of_service(old, other) && after.endpoints_of(other) > 0
    };
    let (ready, needs) = (after.endpoints_of(service), after.needed_for(to, whole(new)));
    let is_overloaded = to > from && ready < needs && by == Knowledge::Exact && destinations(old).any(loses);
    is_overloaded.then(|| {
        let what = format!("the weight of Service {service} rises from {from} to {to} of {}", whole(new));
        violation("I2", format!("{what}, and of {needs} ready pods that this needs it has {ready}"))
    })
}

/// I3: weights that we write, in the status and in the route, are within their range and sum up to it.
#[must_use]
pub fn weights_sum_up(before: &Observation, after: &Observation) -> Option<Violation> {
    let max = after.routing()?.max_traffic_weight_or_default();
    let of_status = |it: &Observation| it.rollout.status.canary.weights.clone();
    let pairs = [
        ("status", of_status(before), of_status(after)),
        ("route", before.routed.clone(), after.routed.clone()),
    ];
    pairs.into_iter().find_map(|(place, old, new)| {
        let numbers =
            |weights: &TrafficWeights| destinations(weights).map(|it| it.weight).collect::<Vec<_>>();
        let new = numbers(&new?);
        // The status tells what is routed, also from before the spec was edited; the route is judged by itself.
        let routed = before.routed.clone().filter(|_| place == "status");
        if old.into_iter().chain(routed).any(|known| numbers(&known) == new) {
            return None;
        }
        let in_range = new.iter().all(|weight| (0..=max).contains(weight));
        let sum: i64 = new.iter().copied().map(i64::from).sum();
        (!in_range || sum != i64::from(max))
            .then(|| violation("I3", format!("the weights in the {place} are {new:?} of {max}")))
    })
}
