//! I6 and I7: what must hold once inputs have stopped and nothing happens any more.

use jiff::Timestamp;
use tidegate_api::rollout::condition_type::INVALID_SPEC;
use tidegate_api::rollout::{Phase, Rollout};

use super::{Observation, Violation, violation};
use crate::plan::Plan;
use crate::rollout::validate::service_refs;
use crate::service;
use crate::snapshot::{ReplicaSet, Service};

/// I6: once inputs have stopped and the world is quiet, a second plan has nothing to write, and where the Rollout is not
/// healthy it says what it waits for.
#[must_use]
pub fn is_at_rest(second_plan: &Plan, rest: &Observation) -> Option<Violation> {
    if let Some(need) = second_plan.needs.first() {
        return Some(violation("I6", format!("the second plan still asks for {need:?}")));
    }
    if let Some(write) = second_plan.writes.first() {
        return Some(violation(
            "I6",
            format!("the second plan still writes {}: {:?}", write.object, write.request),
        ));
    }
    let is_healthy = rest.rollout.status.phase == Some(Phase::Healthy);
    let is_silent = !is_healthy && second_plan.report.waits.is_empty();
    is_silent.then(|| violation("I6", "waits, and does not say what for".into()))
}

/// I7: an aborted update that has come to rest has all its traffic and all its pods on stable. What a delay of 0 seconds
/// keeps up stays up, and so does the one pod more that a restart needs that cannot go on.
#[must_use]
pub fn abort_has_ended(rest: &Observation) -> Option<Violation> {
    let status = &rest.rollout.status;
    if !status.abort || status.stable_rs.is_empty() {
        return None;
    }
    let routed = rest.canary().filter(|canary| canary.traffic_routing.is_some());
    let service = routed.map(|_| rest.stable_service()).filter(|service| !service.is_empty());
    if service.is_some_and(|service| !rest.services.contains_key(service)) {
        // Nothing can be sent to stable by a Service that is not there.
        return None;
    }
    if let Some(broken) = traffic_is_on_stable(rest) {
        return Some(broken);
    }
    let replicas = rest.rollout.spec.replicas_or_default();
    let stable = rest.hashed(&status.stable_rs)?;
    if rest.ready_of(&stable.metadata.name) < stable.replicas {
        // What answers in its place stays.
        return None;
    }
    let is_restarting = rest.rollout.spec.restart_at.is_some_and(|at| Some(at) != status.restarted_at);
    rest.replica_sets.iter().find_map(|rs| {
        let is_stable = rs.hash() == status.stable_rs;
        let wanted = if is_stable { replicas } else { 0 };
        let is_successor_there = is_stable && is_restarting && rs.replicas == wanted + 1;
        let is_kept = rs.hash() == status.current_pod_hash && keeps_aborted_pods(rest);
        let stays = is_successor_there || is_kept;
        (rs.replicas != wanted && !stays).then(|| {
            violation(
                "I7",
                format!("aborted, yet {} has {} pods, not {wanted}", rs.metadata.name, rs.replicas),
            )
        })
    })
}

fn keeps_aborted_pods(rest: &Observation) -> bool {
    let routed = rest.canary().filter(|canary| canary.traffic_routing.is_some());
    let delay = match (routed, rest.blue_green()) {
        (Some(canary), _) => canary.abort_scale_down_delay_seconds,
        (None, Some(blue_green)) => blue_green.abort_scale_down_delay_seconds,
        (None, None) => None,
    };
    delay == Some(0)
}

/// Production traffic that goes by hash goes to stable, unless nobody could answer it there, stable bears no more of it, or a Service
/// is another Rollout's.
fn traffic_is_on_stable(rest: &Observation) -> Option<Violation> {
    let stable = &rest.rollout.status.stable_rs;
    let is_others = |it: &Service| service::manager(it).is_some_and(|by| by != rest.rollout.metadata.name);
    if rest.kept_of(stable) == 0 || rest.services.values().any(is_others) {
        return None;
    }
    let stray = rest.pins().into_iter().find(|pin| pin.hash != *stable)?;
    let ready = rest.hashed(stable).map_or(0, |rs| rest.ready_of(&rs.metadata.name));
    let borne_by = rest.canary().map_or(0, |canary| {
        if canary.dynamic_stable_scale { rest.rollout.spec.replicas_or_default() } else { rest.promised() }
    });
    if ready < borne_by {
        return None;
    }
    Some(violation("I7", format!("aborted, yet {} sends to {}", stray.by, stray.hash)))
}

/// I6: no timer of a Rollout at rest is over.
#[must_use]
pub fn nothing_is_overdue(second_plan: &Plan, now: Timestamp) -> Option<Violation> {
    let timer = second_plan.timers.iter().find(|timer| timer.at() <= now)?;
    Some(violation("I6", format!("{} was due at {}, and nothing comes of it", timer.reason(), timer.at())))
}

/// I6: at rest the counters are those of the ReplicaSets, and the latest spec has been looked at.
#[must_use]
pub fn counters_agree(rest: &Observation) -> Option<Violation> {
    let status = &rest.rollout.status;
    let generation = rest.rollout.metadata.generation.to_string();
    if status.observed_generation != generation {
        let seen = &status.observed_generation;
        return Some(violation("I6", format!("generation {generation} is there, {seen} was looked at")));
    }
    // Under an invalid spec nothing is counted.
    let current =
        rest.hashed(&status.current_pod_hash).filter(|_| !status.condition_is_true(INVALID_SPEC))?;
    let sum = |field: fn(&ReplicaSet) -> i32| rest.replica_sets.iter().map(field).sum::<i32>();
    let mut counters = vec![
        ("replicas", status.replicas, sum(|rs| rs.status.replicas)),
        ("updatedReplicas", status.updated_replicas, current.status.replicas),
    ];
    if rest.blue_green().is_none() {
        counters.push(("readyReplicas", status.ready_replicas, sum(|rs| rs.status.ready_replicas)));
        let available = sum(|rs| rs.status.available_replicas);
        counters.push(("availableReplicas", status.available_replicas, available));
    }
    let (name, is, counted) = counters.into_iter().find(|(_, is, counted)| is != counted)?;
    Some(violation("I6", format!("{name} is {is}, and there are {counted}")))
}

/// I6: at rest every Service that is marked by a Rollout is named by it. Traffic may still come by others only where it waits.
#[must_use]
pub fn marks_are_kept<'a>(
    services: impl IntoIterator<Item = &'a Service>,
    rollouts: &[Rollout],
) -> Option<Violation> {
    services.into_iter().find_map(|it| {
        let (manager, name) = (service::manager(it)?, &it.metadata.name);
        let is_managers = |rollout: &&Rollout| {
            (&rollout.metadata.namespace, rollout.metadata.name.as_str()) == (&it.metadata.namespace, manager)
        };
        let names = |rollout: &Rollout| match rollout.status.phase {
            Some(Phase::Healthy) => service_refs(rollout).iter().any(|(_, named)| named == name),
            _ => service::is_named_by(name, rollout),
        };
        let is_named = rollouts.iter().filter(is_managers).any(names);
        let what = format!("Service {name} is marked by {manager}, which does not name it");
        (!is_named).then(|| violation("I6", what))
    })
}
