//! Each rule is broken on purpose once, and kept once.

#![allow(clippy::needless_pass_by_value, reason = "literals are handed over")]

mod confirmation;
mod ownership;
mod rest;
mod traffic;

use serde_json::{Value, json};

use super::*;
use crate::plan::Plan;

/// A five-pod Rollout of two versions: (size, ready) of stable `v1` and canary `v2`.
fn world(stable: (i32, i32), canary: (i32, i32), status: Value) -> Observation {
    let strategy = json!({"canary": {"maxUnavailable": 1, "steps": [{"setWeight": 20}, {"pause": {}}]}});
    world_of(strategy, [stable, canary], status)
}

/// The same with another strategy.
fn world_of(strategy: Value, [stable, canary]: [(i32, i32); 2], status: Value) -> Observation {
    let rollout = json!({
        "metadata": {"name": "demo", "namespace": "default", "uid": "uid-1"},
        "spec": {"replicas": 5, "strategy": strategy},
        "status": status,
    });
    let rs = |hash: &str, (size, ready): (i32, i32)| {
        let object = json!({
            "metadata": {"name": format!("demo-{hash}"), "labels": {"rollouts-pod-template-hash": hash},
                "creationTimestamp": format!("2026-11-23T05:00:0{}Z", &hash[1..])},
            "spec": {"replicas": size, "template": {}},
            "status": {"replicas": size, "readyReplicas": ready, "availableReplicas": ready},
        });
        ReplicaSet::parse(&object).unwrap()
    };
    Observation {
        rollout: serde_json::from_value(rollout).unwrap(),
        replica_sets: vec![rs("v1", stable), rs("v2", canary)],
        ready: BTreeMap::from([("demo-v1".into(), stable.1), ("demo-v2".into(), canary.1)]),
        least: BTreeMap::new(),
        services: BTreeMap::new(),
        endpoints: BTreeMap::new(),
        routed: None,
        unconfirmed: Vec::new(),
        lent: None,
    }
}

fn check_write(before: &Observation, after: &Observation) -> Vec<Violation> {
    super::check_write(before, after, (Knowledge::Exact, "2026-11-23T05:00:00Z".parse().unwrap()))
}

fn updating(more: Value) -> Value {
    let mut status = json!({"stableRS": "v1", "currentPodHash": "v2", "currentStepIndex": 0});
    status.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    status
}

fn rules(violations: &[Violation]) -> Vec<&str> {
    violations.iter().map(|violation| violation.rule.as_str()).collect()
}

#[test]
fn i1_ready_pods_stay_above_the_promise() {
    let before = world((5, 5), (0, 0), updating(json!({})));
    assert!(rules(&check_write(&before, &world((4, 5), (1, 0), updating(json!({}))))).is_empty());
    assert_eq!(rules(&check_write(&before, &world((3, 5), (2, 0), updating(json!({}))))), ["I1"]);
}

#[test]
fn i1_blames_us_only_for_what_was_there() {
    let before = world((5, 2), (1, 0), updating(json!({})));
    assert!(check_write(&before, &world((2, 2), (1, 0), updating(json!({})))).is_empty());
    assert_eq!(rules(&check_write(&before, &world((1, 2), (1, 0), updating(json!({}))))), ["I1"]);
}

#[test]
fn i1_a_replica_set_with_ready_pods_is_not_deleted() {
    let before = world((5, 5), (1, 1), updating(json!({})));
    let mut after = before.clone();
    after.replica_sets.pop();
    assert_eq!(rules(&check_write(&before, &after)), ["I1"]);
}

#[test]
fn i1_what_nobody_could_know_is_no_blame_where_publishing_lags() {
    let before = world((4, 4), (1, 1), updating(json!({})));
    let after = world((3, 4), (1, 1), updating(json!({})));
    let lost = |mut observation: Observation| {
        observation.ready.insert("demo-v1".into(), 3);
        observation.ready.insert("demo-v2".into(), 0);
        observation
    };
    let by = |knowledge| keeps_availability(&lost(before.clone()), &lost(after.clone()), knowledge);
    assert_eq!(by(Knowledge::Exact), None, "three of three stay");
    let after = world((2, 4), (1, 1), updating(json!({})));
    let by = |knowledge| keeps_availability(&lost(before.clone()), &lost(after.clone()), knowledge);
    assert!(by(Knowledge::Exact).is_some());
    assert!(by(Knowledge::Published).is_some(), "three published, four promised");
    let after = world((3, 4), (1, 1), updating(json!({})));
    let mut gone = lost(after);
    gone.ready.insert("demo-v1".into(), 2);
    assert!(keeps_availability(&lost(before.clone()), &gone, Knowledge::Exact).is_some());
    assert_eq!(keeps_availability(&lost(before.clone()), &gone, Knowledge::Published), None);
    // Where a status was of an older size, that was to be known.
    let of_older_size = |mut observation: Observation| {
        observation.replica_sets[1].metadata.generation = 2;
        observation.replica_sets[1].status.observed_generation = 1;
        observation
    };
    let (mut before, gone) = (of_older_size(lost(before)), of_older_size(gone));
    before.least.insert("demo-v2".into(), 1);
    assert_eq!(keeps_availability(&before, &gone, Knowledge::Published), None, "it has lost none by it");
    before.least.insert("demo-v2".into(), 0);
    assert!(keeps_availability(&before, &gone, Knowledge::Published).is_some());
}

#[test]
fn i4_stable_moves_only_after_every_gate() {
    let done = json!({"stableRS": "v2", "currentPodHash": "v2", "currentStepIndex": 2});
    let after = world((0, 0), (5, 5), done);
    let from = |pods, more| world((0, 0), pods, updating(more));
    assert!(check_write(&from((5, 5), json!({"currentStepIndex": 2})), &after).is_empty());
    assert_eq!(rules(&check_write(&from((5, 4), json!({"currentStepIndex": 2})), &after)), ["I4"]);
    assert_eq!(
        rules(&check_write(&from((5, 5), json!({"currentStepIndex": 2, "abort": true})), &after)),
        ["I4", "I8"]
    );
    let paused = json!({"pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "2026-11-23T05:00:00Z"}],
        "currentStepIndex": 2});
    assert_eq!(rules(&check_write(&from((5, 5), paused), &after)), ["I4"]);
    let halfway =
        world((0, 0), (5, 5), json!({"stableRS": "v2", "currentPodHash": "v2", "currentStepIndex": 1}));
    assert_eq!(rules(&check_write(&from((5, 5), json!({})), &halfway)), ["I4"]);
}

#[test]
fn i4_a_first_version_is_stable_once_the_deployment_is_scaled_down() {
    let first = |stable: &str, lent| {
        let status = json!({"stableRS": stable, "currentPodHash": "v2", "currentStepIndex": 2});
        Observation { lent, ..world((0, 0), (5, 5), status) }
    };
    let found = |after: &Observation| check_write(&first("", after.lent), after);
    assert_eq!(rules(&found(&first("v2", Some(1)))), ["I4"]);
    assert!(found(&first("v2", Some(0))).is_empty());
    assert!(found(&first("v2", None)).is_empty());
    let mut none_wanted = first("v2", Some(1));
    none_wanted.rollout.spec.replicas = Some(0);
    assert!(found(&none_wanted).is_empty(), "nobody answers in its place");
    let invalid = json!({"conditions": [{"type": "InvalidSpec", "status": "True", "reason": "InvalidSpec",
        "lastUpdateTime": "2026-11-23T05:00:00Z", "lastTransitionTime": "2026-11-23T05:00:00Z", "message": ""}],
        "stableRS": "v2", "currentPodHash": "v2", "currentStepIndex": 2});
    let invalid = Observation { lent: Some(1), ..world((0, 0), (5, 5), invalid) };
    assert!(found(&invalid).is_empty(), "whose template it runs is not known");
}

#[test]
fn i5_writes_are_bounded() {
    let most = |strategy: Value, spec: Value| {
        let mut world = world_of(strategy, [(5, 5), (0, 0)], updating(json!({})));
        let mut spec_of_it = json!(world.rollout.spec);
        spec_of_it.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        world.rollout.spec = serde_json::from_value(spec_of_it).unwrap();
        (0..1_000).take_while(|writes| is_bounded(*writes, &world).is_none()).last()
    };
    let steps = json!([{"setWeight": 20}, {"pause": {}}]);
    let canary = |more: Value| {
        let mut canary = json!({"steps": steps});
        canary.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"canary": canary})
    };
    // 20, 6 for each of 2 steps and of 5 pods, 3 for each of 2 ReplicaSets.
    assert_eq!(most(canary(json!({})), json!({})), Some(68));
    assert_eq!(most(canary(json!({"maxSurge": 0})), json!({})), Some(98), "each pod moves by itself");
    assert_eq!(most(canary(json!({"canaryMetadata": {"labels": {}}})), json!({})), Some(136));
    assert_eq!(most(canary(json!({"stableMetadata": {"labels": {}}})), json!({})), Some(136));
    let routing = json!({"maxSurge": 0, "trafficRouting": {"nginx": {"stableIngress": "web"}}});
    assert_eq!(most(canary(routing), json!({})), Some(136));
    assert_eq!(most(canary(json!({})), json!({"restartAt": "2026-11-23T05:00:00Z"})), Some(136));
    assert_eq!(most(json!({"blueGreen": {"activeService": "front"}}), json!({})), Some(112));
}

#[test]
fn i6_at_rest_nothing_is_left_to_write_and_waiting_has_a_reason() {
    let paused = world((4, 4), (1, 1), updating(json!({"phase": "Paused"})));
    let healthy = world((5, 5), (0, 0), updating(json!({"phase": "Healthy"})));
    let silent = Plan::default();
    assert!(is_at_rest(&silent, &healthy).is_none());
    assert!(is_at_rest(&silent, &paused).is_some());
    let asking = Plan { needs: vec![crate::Need::Router], ..Plan::default() };
    assert!(is_at_rest(&asking, &healthy).is_some());
    let wait = crate::Wait {
        object: "Rollout/demo".into(),
        field: "spec.paused".into(),
        because: "paused by a user".into(),
        since: None,
        until: "it is promoted".into(),
    };
    let mut plan = Plan { report: crate::Report::because(wait), ..Plan::default() };
    assert!(is_at_rest(&plan, &paused).is_none());
    plan.writes.push(crate::Write {
        object: crate::ObjectRef {
            kind: "ReplicaSet".into(),
            namespace: "default".into(),
            name: "demo-v1".into(),
        },
        request: crate::Request::Delete { uid: "u".into(), resource_version: "1".into() },
        purpose: crate::Purpose::CleanUp,
        events: Vec::new(),
    });
    assert!(is_at_rest(&plan, &paused).is_some());
}

#[test]
fn i7_an_abort_ends_on_stable() {
    let aborted = updating(json!({"abort": true}));
    assert!(abort_has_ended(&world((5, 5), (0, 0), aborted.clone())).is_none());
    assert!(abort_has_ended(&world((5, 5), (1, 1), aborted.clone())).is_some());
    assert!(abort_has_ended(&world((4, 4), (0, 0), aborted)).is_some());
    assert!(abort_has_ended(&world((4, 4), (1, 1), updating(json!({})))).is_none());
}

#[test]
fn i8_a_verdict_stands() {
    let aborted = world((5, 5), (0, 0), updating(json!({"abort": true})));
    let undone = world((5, 5), (0, 0), updating(json!({})));
    assert_eq!(rules(&check_write(&aborted, &undone)), ["I8"]);
    let new_template = world((5, 5), (0, 0), updating(json!({"currentPodHash": "v3"})));
    assert!(check_write(&aborted, &new_template).is_empty());
    let promoted =
        world((0, 0), (5, 5), json!({"stableRS": "v2", "currentPodHash": "v2", "currentStepIndex": 2}));
    let back =
        world((0, 0), (5, 5), json!({"stableRS": "v1", "currentPodHash": "v2", "currentStepIndex": 2}));
    assert!(rules(&check_write(&promoted, &back)).contains(&"I8"));
}

#[test]
fn i10_another_beginning_leaves_roles_and_sizes() {
    let role = |pods, status| essence(&world(pods, (0, 0), status)).without_history();
    let stable = |hash: &str| json!({"stableRS": hash, "currentPodHash": hash});
    let mut other = world((0, 0), (5, 5), stable("v2"));
    other.rollout.metadata.annotations.insert("rollout.argoproj.io/revision".into(), "9".into());
    let one = role((5, 5), stable("v1"));
    assert_eq!(
        essence(&other).without_history(),
        one,
        "neither hashes nor idle ReplicaSets nor revisions count"
    );
    assert_ne!(role((4, 4), stable("v1")), one);
    assert_ne!(role((5, 4), stable("v1")), one);
    assert_ne!(role((5, 5), json!({"stableRS": "v1", "currentPodHash": "v2"})), one);
    // What is to go and is not gone is there; and two of a size are two.
    let two = |canary| essence(&world((5, 5), canary, stable("v1"))).without_history();
    assert_ne!(two((0, 1)), one);
    assert_ne!(two((1, 0)), one);
    let mut three = world((5, 5), (1, 1), stable("v1"));
    let mut twin = three.replica_sets[1].clone();
    twin.metadata.name = "demo-v3".into();
    three.replica_sets.push(twin);
    three.ready.insert("demo-v3".into(), 1);
    assert_ne!(essence(&three).without_history(), two((1, 1)));
}

#[test]
fn i10_the_essence_forgets_history_but_not_counts() {
    let one = world((5, 5), (0, 0), updating(json!({"abortedAt": "2026-11-23T05:00:00Z"})));
    let later = world((5, 5), (0, 0), updating(json!({"abortedAt": "2026-11-23T06:00:00Z"})));
    assert_eq!(essence(&one), essence(&later));
    assert_ne!(essence(&one), essence(&world((4, 4), (0, 0), updating(json!({})))));
    let stepped = essence(&world((5, 5), (0, 0), updating(json!({"currentStepIndex": 1}))));
    assert_eq!(essence(&one).difference(&stepped).unwrap(), "step is 0, not 1");
    assert_eq!(essence(&one).difference(&essence(&one)), None);
}

#[test]
fn writes_carry_their_guard() {
    let snapshot = crate::Snapshot::of(world((5, 5), (0, 0), updating(json!({}))).rollout);
    let broken = |purpose, request| {
        let object =
            crate::ObjectRef { kind: "Rollout".into(), namespace: "default".into(), name: "demo".into() };
        let write = crate::Write { object, request, purpose, events: Vec::new() };
        let plan = Plan { writes: vec![write], ..Plan::default() };
        writes_are_guarded(&snapshot, &plan).map(|it| it.text).unwrap_or_default()
    };
    let size = |(from, to), paths: &[&str]| {
        let tests: Vec<Value> = paths.iter().map(|path| json!({"op": "test", "path": path})).collect();
        let request = crate::Request::JsonPatch { body: tests.into(), subresource: None };
        broken(crate::Purpose::Scale { from, to }, request)
    };
    let all = ["/metadata/uid", "/spec/replicas", "/metadata/resourceVersion"];
    assert_eq!(size((2, 3), &all[..2]), "");
    assert!(size((2, 3), &all[1..]).ends_with("2 to 3 pods, and /metadata/uid is not tested"));
    assert!(size((2, 3), &all[..1]).ends_with("/spec/replicas is not tested"));
    assert!(size((3, 2), &all[..2]).ends_with("/metadata/resourceVersion is not tested"));
    assert_eq!(size((3, 2), &all), "");
    let status = |version: &str| {
        let body = json!({"status": {"phase": "Healthy"}});
        let request =
            crate::Request::MergePatch { body, resource_version: version.into(), subresource: None };
        broken(crate::Purpose::Status, request)
    };
    assert_eq!(status("7"), "");
    assert!(status("").ends_with("demo: goes without the version that it was decided on"));
    let patch = |purpose, paths: &[&str]| {
        let tests: Vec<Value> = paths.iter().map(|path| json!({"op": "test", "path": path})).collect();
        broken(purpose, crate::Request::JsonPatch { body: tests.into(), subresource: None })
    };
    let lent = crate::Purpose::ScaleWorkload { from: 3, to: 2 };
    assert!(patch(lent, &all[..2]).ends_with("3 to 2 pods, and /metadata/resourceVersion is not tested"));
    assert_eq!(patch(lent, &all), "");
    assert!(patch(crate::Purpose::Status, &all).ends_with("Status as a request that has no guard"));
    assert!(
        patch(crate::Purpose::SwitchService, &all[..1])
            .ends_with("demo: /metadata/resourceVersion is not tested")
    );
    assert_eq!(patch(crate::Purpose::SwitchService, &all), "");
    let deletion = |uid: &str, version: &str| {
        broken(
            crate::Purpose::CleanUp,
            crate::Request::Delete { uid: uid.into(), resource_version: version.into() },
        )
    };
    assert_eq!(deletion("u", "7"), "");
    assert!(!deletion("u", "").is_empty() && !deletion("", "7").is_empty());
    let evicted = |uid: &str| broken(crate::Purpose::Evict, crate::Request::Evict { uid: uid.into() });
    assert_eq!(evicted("u"), "");
    assert!(evicted("").ends_with("goes without the uid"));
}

#[test]
fn nothing_becomes_stable_unread() {
    let observed = world((5, 5), (5, 5), updating(json!({})));
    let mut snapshot = crate::Snapshot::of(observed.rollout);
    snapshot.replica_sets = observed.replica_sets;
    let request = crate::Request::MergePatch {
        body: json!({"status": {"stableRS": "v2"}}),
        resource_version: "7".into(),
        subresource: None,
    };
    let object =
        crate::ObjectRef { kind: "Rollout".into(), namespace: "default".into(), name: "demo".into() };
    let write = crate::Write { object, request, purpose: crate::Purpose::Status, events: Vec::new() };
    let plan = Plan { writes: vec![write], ..Plan::default() };
    let broken = writes_are_guarded(&snapshot, &plan).unwrap();
    assert!(broken.text.ends_with("v2 becomes stable, and was not read live"), "{broken}");
    snapshot.fresh.insert(crate::snapshot::Evidence::ReplicaSet("demo-v2".into()));
    assert_eq!(writes_are_guarded(&snapshot, &plan), None);
}
