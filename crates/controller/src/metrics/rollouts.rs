//! Gauges about Rollouts, as they stand in the store.

use tidegate_api::rollout::{Rollout, TrafficRouting, condition_type, reason};

use super::Row;
use super::text::{Samples, Text, Type};

/// Upstream's phases of `rollout_phase`, in the order of the text.
const PHASES: [&str; 6] = ["Abort", "Completed", "Error", "Paused", "Progressing", "Timeout"];

/// What the gauges say of one Rollout.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Summary {
    strategy: &'static str,
    traffic_router: &'static str,
    phase: &'static str,
    available: i32,
    unavailable: i32,
    desired: i32,
    updated: i32,
}

impl Summary {
    pub(crate) fn of(rollout: &Rollout) -> Self {
        let status = &rollout.status;
        Self {
            strategy: strategy(rollout),
            traffic_router: routing(rollout).map_or("", traffic_router),
            phase: phase(rollout),
            available: status.available_replicas,
            unavailable: status.replicas.saturating_sub(status.available_replicas),
            desired: rollout.spec.replicas_or_default(),
            updated: status.updated_replicas,
        }
    }
}

fn strategy(rollout: &Rollout) -> &'static str {
    match &rollout.spec.strategy {
        Some(strategy) if strategy.blue_green.is_some() => "blueGreen",
        Some(strategy) if strategy.canary.is_some() => "canary",
        _ => "none",
    }
}

fn routing(rollout: &Rollout) -> Option<&TrafficRouting> {
    rollout.spec.strategy.as_ref()?.canary.as_ref()?.traffic_routing.as_ref()
}

/// The last one named, in upstream's order. Upstream leaves Apisix, Traefik and plugins empty; these come first here, so
/// that wherever upstream has a value it is the same.
fn traffic_router(routing: &TrafficRouting) -> &'static str {
    let routers = [
        (!routing.plugins.is_empty(), "Plugin"),
        (routing.apisix.is_some(), "Apisix"),
        (routing.traefik.is_some(), "Traefik"),
        (routing.alb.is_some(), "ALB"),
        (routing.ambassador.is_some(), "Ambassador"),
        (routing.istio.is_some(), "Istio"),
        (routing.nginx.is_some(), "Nginx"),
        (routing.smi.is_some(), "SMI"),
        (routing.app_mesh.is_some(), "AppMesh"),
    ];
    routers.iter().rev().find(|(is_used, _)| *is_used).map_or("", |(_, name)| name)
}

/// Upstream's phase of metrics, which is another than `status.phase`.
fn phase(rollout: &Rollout) -> &'static str {
    let status = &rollout.status;
    if status.condition(condition_type::INVALID_SPEC).is_some() {
        return "InvalidSpec";
    }
    match status.condition(condition_type::PROGRESSING).map_or("", |condition| &condition.reason) {
        reason::NEW_REPLICA_SET_AVAILABLE => "Completed",
        reason::ROLLOUT_PAUSED => "Paused",
        reason::REPLICA_SET_CREATE_ERROR => "Error",
        reason::PROGRESS_DEADLINE_EXCEEDED => "Timeout",
        reason::ROLLOUT_ABORTED => "Abort",
        _ => "Progressing",
    }
}

pub(super) fn write_info(text: &mut Text, rows: &[Row]) {
    text.metric("rollout_info", Type::Gauge, "Facts about a Rollout.", |samples| {
        for (key, row) in rows {
            let labels = [
                ("name", &*key.name),
                ("namespace", &*key.namespace),
                ("phase", row.phase),
                ("strategy", row.strategy),
                ("traffic_router", row.traffic_router),
            ];
            samples.put(&labels, 1.0);
        }
    });
    let mut replicas = |name: &str, help: &str, value: fn(&Summary) -> i32| {
        let write = |samples: &mut Samples<'_>| {
            rows.iter().for_each(|(key, row)| samples.put(&key.labels(), f64::from(value(row))));
        };
        text.metric(name, Type::Gauge, help, write);
    };
    replicas("rollout_info_replicas_available", "Pods that are available.", |row| row.available);
    replicas("rollout_info_replicas_desired", "Pods that the spec asks for.", |row| row.desired);
    replicas("rollout_info_replicas_unavailable", "Pods that are not available.", |row| row.unavailable);
    replicas("rollout_info_replicas_updated", "Pods of the newest version.", |row| row.updated);
}

pub(super) fn write_phases(text: &mut Text, rows: &[Row]) {
    let help = "Deprecated, use rollout_info: 1 for the phase that a Rollout is in.";
    text.metric("rollout_phase", Type::Gauge, help, |samples| {
        for (key, row) in rows {
            for phase in PHASES {
                let labels = [
                    ("name", &*key.name),
                    ("namespace", &*key.namespace),
                    ("phase", phase),
                    ("strategy", row.strategy),
                ];
                samples.put(&labels, f64::from(u8::from(row.phase == phase)));
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn rollout(strategy: &Value, conditions: &Value) -> Rollout {
        let object = json!({
            "metadata": {"name": "x", "namespace": "a"},
            "spec": {"strategy": strategy}, "status": {"conditions": conditions},
        });
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn strategies_and_routers() {
        let canary = |routing: Value| json!({"canary": {"trafficRouting": routing}});
        let cases = [
            (json!(null), "none", ""),
            (json!({"blueGreen": {"activeService": "a"}}), "blueGreen", ""),
            (json!({"canary": {}}), "canary", ""),
            (canary(json!({"nginx": {"stableIngress": "i"}})), "canary", "Nginx"),
            (canary(json!({"traefik": {"weightedTraefikServiceName": "t"}})), "canary", "Traefik"),
            (canary(json!({"plugins": {"me/mine": {}}})), "canary", "Plugin"),
            (canary(json!({"plugins": {"me/mine": {}}, "nginx": {"stableIngress": "i"}})), "canary", "Nginx"),
            (canary(json!({"smi": {}, "nginx": {"stableIngress": "i"}})), "canary", "SMI"),
        ];
        for (strategy, name, router) in cases {
            let row = Summary::of(&rollout(&strategy, &json!([])));
            assert_eq!((row.strategy, row.traffic_router), (name, router), "{strategy}");
        }
    }

    #[test]
    fn phases_follow_the_conditions() {
        let condition = |type_: &str, reason: &str| {
            json!([{"type": type_, "status": "True", "reason": reason, "message": "",
                "lastUpdateTime": "2026-01-01T00:00:00Z", "lastTransitionTime": "2026-01-01T00:00:00Z"}])
        };
        let cases = [
            ("Progressing", "NewReplicaSetAvailable", "Completed"),
            ("Progressing", "RolloutPaused", "Paused"),
            ("Progressing", "ReplicaSetCreateError", "Error"),
            ("Progressing", "ProgressDeadlineExceeded", "Timeout"),
            ("Progressing", "RolloutAborted", "Abort"),
            ("Progressing", "ReplicaSetUpdated", "Progressing"),
            ("InvalidSpec", "InvalidSpec", "InvalidSpec"),
            ("Available", "AvailableReason", "Progressing"),
        ];
        for (type_, reason, expected) in cases {
            assert_eq!(
                phase(&rollout(&json!(null), &condition(type_, reason))),
                expected,
                "{type_} {reason}"
            );
        }
    }
}
