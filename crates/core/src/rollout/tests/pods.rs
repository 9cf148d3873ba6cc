//! What concerns single pods, and what comes from other objects: restarts, metadata by role, anti-affinity, rollback window,
//! deadline, workload.

#![allow(clippy::needless_pass_by_value, reason = "literals are handed over")]

use serde_json::{Value, json};

use super::paper::Paper;
use super::template;
use crate::snapshot::Evidence;

fn canary(spec: Value) -> Paper {
    let mut all = json!({
        "replicas": 4,
        "selector": {"matchLabels": {"app": "demo"}},
        "template": template("blue"),
        "strategy": {"canary": {}},
    });
    all.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    let mut paper = Paper::new(all);
    paper.settle_with_pods();
    paper
}

fn update(paper: &mut Paper, image: &str) {
    paper.pass_seconds(1);
    paper.edit(json!({"spec": {"template": template(image)}}));
    paper.settle_with_pods();
}

/// Least and most pods during a restart that is due.
fn restart(paper: &mut Paper) -> (usize, usize) {
    paper.pass_seconds(10);
    let at = paper.now();
    paper.edit(json!({"spec": {"restartAt": at.to_string()}}));
    let (mut least, mut most) = (usize::MAX, 0);
    for _ in 0..100 {
        paper.pass_seconds(1);
        paper.step();
        least = least.min(paper.pod_ages().len());
        paper.make_pods();
        most = most.max(paper.pod_ages().len());
        if paper.rollout().status.restarted_at.is_some() && !paper.step() {
            break;
        }
    }
    let oldest: jiff::Timestamp = paper.pod_ages()[0].trim_matches('"').parse().unwrap();
    assert!(oldest >= at, "{oldest} is older than {at}");
    assert!(paper.summary().starts_with("Healthy"), "{}", paper.summary());
    (least, most)
}

#[test]
fn a_restart_keeps_what_max_unavailable_allows() {
    let with = |strategy: Value, replicas: i32| {
        restart(&mut canary(json!({"replicas": replicas, "strategy": {"canary": strategy}})))
    };
    assert_eq!(with(json!({"maxUnavailable": 1}), 4), (3, 4));
    assert_eq!(with(json!({"maxUnavailable": 2}), 10), (8, 10));
    assert_eq!(with(json!({"maxUnavailable": 0, "maxSurge": 1}), 4), (4, 5));
    assert_eq!(with(json!({}), 1), (1, 2));
    assert_eq!(with(json!({"maxUnavailable": 1, "maxSurge": 0}), 1), (1, 2));
    assert_eq!(with(json!({}), 2), (2, 3));
}

#[test]
fn a_restart_changes_no_size_that_only_stays() {
    let mut paper = Paper::new(json!({
        "replicas": 3, "selector": {"matchLabels": {"app": "demo"}}, "template": template("blue"),
        "strategy": {"blueGreen": {"activeService": "active", "autoPromotionEnabled": false}},
    }));
    paper.service("active");
    paper.settle_with_pods();
    update(&mut paper, "green");
    paper.edit(json!({"spec": {"paused": true}}));
    paper.settle_with_pods();
    paper.pass_seconds(10);
    let at = paper.now();
    paper.edit(json!({"spec": {"restartAt": at.to_string()}}));
    let mut most = 0;
    for _ in 0..50 {
        paper.pass_seconds(1);
        paper.step();
        paper.make_pods();
        most = most.max(paper.pod_ages().len());
    }
    assert_eq!(most, 7, "one more for the active version, none for the other");
    assert!(paper.rollout().status.restarted_at.is_some());
    assert_eq!(paper.summary(), "Paused manually paused - | blue 3/3 r1 | green 3/3 r2");
}

#[test]
fn a_restart_grows_nothing_that_has_yet_to_shrink() {
    let steps = json!([{"setWeight": 100}, {"pause": {}}]);
    let mut paper = canary(json!({"replicas": 2, "strategy": {"canary": {"steps": steps}}}));
    update(&mut paper, "green");
    paper.pass_seconds(10);
    let at = paper.now();
    paper.edit(json!({"spec": {"template": template("blue"), "restartAt": at.to_string()}}));
    paper.status(json!({"restartedAt": null}));
    let mut most = 0;
    for _ in 0..60 {
        paper.pass_seconds(1);
        paper.step();
        most = most.max(paper.replica_sets().iter().map(|rs| rs.replicas).sum());
        paper.make_pods();
    }
    assert!(most <= 4, "{most} pods at once");
    assert_eq!(paper.summary(), "Healthy 2/2 | blue 2/2 r3 | green 0/0 r2");
}

#[test]
fn a_restart_of_no_pods_is_over() {
    let mut paper = canary(json!({"replicas": 0}));
    paper.pass_seconds(10);
    let at = paper.now();
    paper.edit(json!({"spec": {"restartAt": at.to_string()}}));
    paper.settle_with_pods();
    assert_eq!(paper.summary(), "Healthy - | blue 0/0 r1");
}

#[test]
fn a_restart_waits_for_its_time_and_for_disruption_budgets() {
    let mut paper = canary(json!({"strategy": {"canary": {"maxUnavailable": 1}}}));
    let at = paper.now() + jiff::SignedDuration::from_secs(60);
    paper.edit(json!({"spec": {"restartAt": at.to_string()}}));
    paper.settle_with_pods();
    assert_eq!(paper.summary(), "Healthy - | blue 4/4 r1");
    assert!(paper.wake_at().is_some());
    paper.is_guarded = true;
    paper.pass_seconds(61);
    paper.step();
    assert_eq!(paper.pod_ages().len(), 4);
    assert!(paper.report().contains("4 pods are older"), "{}", paper.report());
    assert_eq!(paper.wake_at(), Some(paper.now() + jiff::SignedDuration::from_secs(30)));
}

#[test]
fn an_evicted_pod_does_not_count_before_its_replica_set_says_so() {
    let mut paper = canary(json!({"strategy": {"canary": {"maxUnavailable": 3}}}));
    paper.pass_seconds(10);
    let at = paper.now();
    paper.edit(json!({"spec": {"restartAt": at.to_string()}}));
    let evict = |paper: &mut Paper| while paper.step() {};
    evict(&mut paper);
    assert_eq!(paper.summary(), "Progressing rollout is restarting - | blue 4/4 r1");
    assert_eq!((paper.pod_ages().len(), paper.rollout().status.available_replicas), (1, 1));
    paper.make_pods();
    paper.pass_seconds(1);
    evict(&mut paper);
    // Three new ones are there; the last old one is gone.
    assert!(paper.report().contains("evicted are still counted"), "{}", paper.report());
    assert_eq!(paper.wake_at(), Some(paper.now() + jiff::SignedDuration::from_secs(30)));
    assert_eq!(paper.rollout().status.restarted_at, None);
    // Another version starts from what is there, and does not end the restart either: nobody would look at pods any more.
    paper.edit(json!({"spec": {"template": template("green")}}));
    evict(&mut paper);
    assert_eq!((paper.rollout().status.restarted_at, paper.rollout().status.available_replicas), (None, 3));
    paper.make_pods();
    paper.settle_with_pods();
    assert!(paper.rollout().status.restarted_at.is_some());
    assert_eq!(paper.summary(), "Healthy - | blue 0/0 r1 | green 4/4 r2");
}

#[test]
fn a_pod_whose_eviction_may_still_arrive_counts_as_gone() {
    let mut paper = canary(json!({"strategy": {"canary": {"maxUnavailable": 2}}}));
    paper.pass_seconds(15);
    let at = paper.now();
    paper.edit(json!({"spec": {"restartAt": at.to_string()}}));
    let evicted = |paper: &Paper, under_way: &[&String]| {
        let mut paper = paper.clone();
        paper.under_way = under_way.iter().copied().cloned().collect();
        let before = paper.pod_names();
        while paper.step() {}
        let after = paper.pod_names();
        before.into_iter().filter(|name| !after.contains(name)).collect::<Vec<_>>()
    };
    let names = paper.pod_names();
    let [first, second, third, fourth] = &names[..] else { panic!("{names:?}") };
    assert_eq!(evicted(&paper, &[]), [first, second].map(String::clone));
    // Each is asked again, in its turn, and nothing beside them.
    assert_eq!(evicted(&paper, &[third, fourth]), [third, fourth].map(String::clone));
    assert_eq!(evicted(&paper, &[fourth]), [first, fourth].map(String::clone));
    // Where less may be missing by now, nothing is asked again.
    paper.edit(json!({"spec": {"strategy": {"canary": {"maxUnavailable": 1}}}}));
    assert_eq!(evicted(&paper, &[third, fourth]), Vec::<String>::new());
}

#[test]
fn the_successor_stays_while_an_eviction_may_still_arrive() {
    let mut paper = canary(json!({"replicas": 1}));
    paper.pass_seconds(15);
    let at = paper.now();
    paper.edit(json!({"spec": {"restartAt": at.to_string()}}));
    paper.step();
    paper.make_pods();
    paper.under_way = paper.pod_names().into_iter().take(1).collect();
    paper.edit(json!({"spec": {"restartAt": null}}));
    while paper.step() {}
    assert_eq!(paper.replica_sets()[0].replicas, 2);
    assert!(paper.report().contains("nobody answered the eviction of 1"), "{}", paper.report());
    paper.under_way.clear();
    while paper.step() {}
    assert_eq!(paper.replica_sets()[0].replicas, 1);
}

#[test]
fn a_pod_that_is_ready_but_not_yet_available_is_not_evicted() {
    let spec = json!({"minReadySeconds": 30, "strategy": {"canary": {"maxUnavailable": 1}}});
    let mut paper = canary(spec);
    paper.pass_seconds(15);
    let at = paper.now();
    paper.edit(json!({"spec": {"restartAt": at.to_string()}}));
    while paper.step() {}
    assert_eq!(paper.pod_ages().len(), 4);
    paper.pass_seconds(15);
    while paper.step() {}
    assert_eq!(paper.pod_ages().len(), 3);
}

#[test]
fn pods_carry_the_metadata_of_their_role() {
    let roles = json!({
        "canaryMetadata": {"labels": {"role": "canary", "app": "demo"}},
        "stableMetadata": {"labels": {"role": "stable"}},
        "steps": [{"setWeight": 25}, {"pause": {}}],
    });
    let mut paper = canary(json!({"strategy": {"canary": roles}}));
    assert_eq!(paper.pod_labels("role"), ["stable"; 4]);
    update(&mut paper, "green");
    let mut labels = paper.pod_labels("role");
    labels.sort();
    assert_eq!(labels, ["canary", "stable", "stable", "stable"]);
    paper.status(json!({"pauseConditions": null}));
    paper.settle_with_pods();
    assert_eq!(paper.pod_labels("role"), ["stable"; 4]);
    assert_eq!(paper.pod_labels("app"), ["demo"; 4], "a label of the template comes back");
    paper.edit(json!({"spec": {"strategy": {"canary": {"canaryMetadata": null, "stableMetadata": null}}}}));
    paper.settle_with_pods();
    assert_eq!(paper.pod_labels("role"), ["-"; 4]);
    let metadata = &paper.replica_sets()[1].metadata;
    assert!(!metadata.annotations.contains_key("rollout.argoproj.io/ephemeral-metadata"), "{metadata:?}");
}

#[test]
fn new_pods_keep_away_from_stable_ones() {
    let affinity = json!({"preferredDuringSchedulingIgnoredDuringExecution": {"weight": 7}});
    let strategy = json!({"antiAffinity": affinity.clone(), "steps": [{"setWeight": 25}, {"pause": {}}]});
    let mut paper = canary(json!({"strategy": {"canary": strategy}}));
    assert_eq!(paper.template_of("blue")["spec"]["affinity"], Value::Null);
    let stable = paper.rollout().status.stable_rs;
    update(&mut paper, "green");
    let term = &paper.template_of("green")["spec"]["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
        [0];
    assert_eq!(term["weight"], 7);
    assert_eq!(
        term["podAffinityTerm"],
        json!({"labelSelector": {"matchExpressions": [
            {"key": "rollouts-pod-template-hash", "operator": "In", "values": [stable]}]},
            "namespaces": ["default"], "topologyKey": "kubernetes.io/hostname"})
    );
    paper.edit(json!({"spec": {"strategy": {"canary": {"antiAffinity": null}}}}));
    paper.settle_with_pods();
    assert_eq!(paper.template_of("green")["spec"]["affinity"], Value::Null);
    paper.edit(json!({"spec": {"strategy": {"canary": {"antiAffinity": affinity}}}}));
    paper.settle_with_pods();
    let terms = &paper.template_of("green")["spec"]["affinity"]["podAntiAffinity"];
    assert_eq!(terms["preferredDuringSchedulingIgnoredDuringExecution"][0]["weight"], 7, "{terms}");
}

#[test]
fn within_the_window_a_rollback_takes_no_steps() {
    let strategy = json!({"canary": {"steps": [{"setWeight": 25}, {"pause": {}}]}});
    let mut paper = canary(json!({"rollbackWindow": {"revisions": 1}, "strategy": strategy}));
    for image in ["green", "red"] {
        update(&mut paper, image);
        paper.status(json!({"promoteFull": true}));
        paper.settle_with_pods();
    }
    // One version lies between: out of the window.
    update(&mut paper, "blue");
    assert!(paper.summary().starts_with("Paused CanaryPauseStep 1/2"), "{}", paper.summary());
    update(&mut paper, "red");
    update(&mut paper, "green");
    assert_eq!(paper.summary(), "Healthy 2/2 | blue 0/0 r4 | green 4/4 r6 | red 0/0 r5");
    update(&mut paper, "red");
    assert_eq!(paper.summary(), "Paused CanaryPauseStep 1/2 | blue 0/0 r4 | green 3/3 r6 | red 1/1 r7");
    paper.status(json!({"abort": true}));
    paper.settle_with_pods();
    update(&mut paper, "blue");
    assert_eq!(paper.summary(), "Healthy 2/2 | blue 4/4 r8 | green 0/0 r6 | red 0/0 r7");
}

#[test]
fn an_update_that_does_not_get_on_is_aborted() {
    let mut paper = canary(json!({
        "progressDeadlineSeconds": 10, "progressDeadlineAbort": true,
        "strategy": {"canary": {"steps": [{"setWeight": 25}, {"pause": {}}]}},
    }));
    paper.edit(json!({"spec": {"template": template("bad")}}));
    paper.settle_without_pods();
    assert!(!paper.looks_live);
    paper.pass_seconds(12);
    paper.settle_without_pods();
    assert!(paper.looks_live, "a store that has missed something must not abort it");
    let name = paper.replica_sets()[1].metadata.name.clone();
    let why = format!("ReplicaSet \"{name}\" has timed out progressing.");
    let message = format!("RolloutAborted: Rollout aborted update to revision 2: {why}");
    assert_eq!(paper.rollout().status.message, message);
    paper.settle();
    assert_eq!(paper.summary(), format!("Degraded {message} 0/2 | blue 4/4 r1 | bad 0/0 r2"));
}

fn deployment(image: &str, generation: i64) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "uid": "uid-web", "generation": generation, "resourceVersion": "5"},
        "spec": {"replicas": 4, "selector": {"matchLabels": {"app": "demo"}}, "template": template(image)},
    })
}

fn referring(scale_down: &str) -> Paper {
    let reference =
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "scaleDown": scale_down});
    let mut paper = Paper::new(json!({
        "replicas": 4, "workloadRef": reference,
        "strategy": {"canary": {"steps": [{"setWeight": 25}, {"pause": {}}]}},
    }));
    paper.workload(deployment("blue", 1));
    paper
}

#[test]
fn the_template_of_a_workload_is_followed() {
    for (scale_down, size) in [("never", 4), ("onsuccess", 0), ("progressively", 0)] {
        let mut paper = referring(scale_down);
        paper.settle();
        assert_eq!(paper.summary(), "Healthy 2/2 | blue 4/4 r1");
        assert_eq!(paper.the_workload().as_ref().unwrap()["spec"]["replicas"], size, "{scale_down}");
    }
    // The first version that becomes available need not be the first.
    let mut paper = referring("onsuccess");
    paper.settle_without_pods();
    paper.workload(deployment("green", 2));
    paper.settle();
    assert_eq!(paper.the_workload().as_ref().unwrap()["spec"]["replicas"], 0);
    let mut paper = referring("never");
    paper.settle();
    paper.workload(deployment("green", 2));
    paper.settle();
    assert_eq!(paper.summary(), "Paused CanaryPauseStep 1/2 | blue 3/3 r1 | green 1/1 r2");
    assert_eq!(paper.rollout().status.workload_observed_generation, "2");
    *paper.the_workload() = None;
    paper.settle();
    assert!(paper.summary().ends_with("2 | blue 3/3 r1 | green 1/1 r2"), "{}", paper.summary());
    assert!(paper.summary().starts_with("Degraded InvalidSpec"), "{}", paper.summary());
    let again = paper.wake_at().map(|at| at.duration_since(paper.now()).as_secs());
    assert_eq!(again, Some(20), "nobody watches what is not there");
}

#[test]
fn a_workload_goes_with_the_first_version_that_the_threshold_lets_through() {
    let mut paper = referring("onsuccess");
    paper.edit(json!({"spec": {"strategy": {"canary": {"replicaProgressThreshold": {"type": "Percent", "value": 75}}}}}));
    paper.settle_without_pods();
    paper.workload(deployment("green", 2));
    paper.settle_without_pods();
    assert_eq!(paper.the_workload().as_ref().unwrap()["spec"]["replicas"], 4);
    paper.start_pods_of("green");
    paper.leave_pods("green", 3);
    while paper.step() {}
    assert_eq!(paper.rollout().status.stable_rs, paper.rollout().status.current_pod_hash);
    assert_eq!(
        paper.the_workload().as_ref().unwrap()["spec"]["replicas"],
        0,
        "nobody would ask for it later"
    );
}

#[test]
fn a_workload_keeps_its_pods_until_others_answer() {
    let mut paper = referring("progressively");
    paper.edit(json!({"spec": {"replicas": 2}}));
    paper.settle_without_pods();
    assert_eq!(paper.the_workload().as_ref().unwrap()["spec"]["replicas"], 4);
    paper.edit(json!({"spec": {"replicas": 0}}));
    paper.settle();
    assert_eq!(paper.the_workload().as_ref().unwrap()["spec"]["replicas"], 4);
    paper.edit(json!({"spec": {"replicas": 2}}));
    paper.settle();
    assert_eq!(paper.the_workload().as_ref().unwrap()["spec"]["replicas"], 0);
}

#[test]
fn a_workload_loses_pods_to_those_that_were_read_live() {
    let mut paper = referring("progressively");
    paper.settle_without_pods();
    paper.asked.clear();
    paper.leave_pods("blue", 1);
    paper.settle_without_pods();
    assert_eq!(paper.the_workload().as_ref().unwrap()["spec"]["replicas"], 3);
    let blue = Evidence::ReplicaSet(paper.replica_sets()[0].metadata.name.clone());
    assert_eq!(paper.asked, std::collections::BTreeSet::from([blue]));
}

#[test]
fn a_wait_for_pods_is_counted_from_when_it_began() {
    let mut paper = canary(json!({
        "progressDeadlineSeconds": 60, "progressDeadlineAbort": true,
        "strategy": {"canary": {"stableService": "stable", "steps": [{"setWeight": 25}, {"pause": {}}, {"setWeight": 50}]}},
    }));
    paper.service("stable");
    paper.settle();
    paper.edit(json!({"spec": {"template": template("green")}}));
    for _ in 0..3 {
        paper.step();
    }
    // Nobody waits for pods while the spec cannot be followed.
    paper.remove_service("stable");
    paper.settle_without_pods();
    paper.pass_seconds(1000);
    paper.service("stable");
    paper.settle_without_pods();
    assert!(!paper.rollout().status.abort, "{}", paper.summary());
    paper.pass_seconds(62);
    paper.settle_without_pods();
    assert!(paper.rollout().status.abort, "{}", paper.summary());
}
