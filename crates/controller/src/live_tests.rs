use serde_json::json;
use tidegate_core::{ObjectRef, Plan, Purpose, Request, Write};

use super::*;
use crate::Clock;
use crate::config::Config;
use crate::events::Recorder;
use crate::memory::Sight;
use crate::reconcile::{Work, forget_vanished};
use crate::shell::Outcome;
use crate::store::Mark;
use crate::test_server::{Log, Seen, refusal, serve};

fn shell(answer: impl Fn(&Seen) -> (u16, Value) + Send + Sync + 'static) -> (Shell, Log) {
    let (clients, log) = serve(answer);
    let clock = Clock::starting_at("2026-01-01T00:00:10Z".parse().unwrap());
    let (recorder, _) = Recorder::new(100, clock);
    (Shell::new(Config::new(clock), clients, recorder), log)
}

fn owned(name: &str, owner: &str) -> Value {
    json!({"metadata": {
        "namespace": "a", "name": name, "uid": format!("uid-{name}"), "resourceVersion": "7",
        "ownerReferences": [{"apiVersion": "v1", "kind": "Any", "name": "any", "controller": true, "uid": owner}],
    }})
}

/// Of a Rollout with one ReplicaSet of its own and one that nobody owns.
fn snapshot_of_two() -> Box<Snapshot> {
    let rollout = json!({"metadata": {"namespace": "a", "name": "x", "uid": "uid-x"}, "spec": {}});
    let mut snapshot = Box::new(Snapshot::of(serde_json::from_value(rollout).unwrap()));
    for (name, owner) in [("own", "uid-x"), ("stray", "")] {
        let mut set = owned(name, owner);
        set["metadata"]["ownerReferences"][0]["controller"] = json!(!owner.is_empty());
        set["spec"] = json!({"template": {}});
        snapshot.replica_sets.push(ReplicaSet::parse(&set).unwrap());
    }
    snapshot
}

fn pod_names(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.pods.found().unwrap().iter().map(|pod| pod.metadata.name.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn pods_are_listed_page_by_page_and_only_ones_own_count() {
    let (shell, log) = shell(|seen| {
        let (items, token) = if seen.uri.contains("continue=") {
            (json!([owned("third", "uid-own")]), "")
        } else {
            (json!([owned("first", "uid-own"), owned("second", "uid-stray")]), "a/b=")
        };
        (200, json!({"kind": "PodList", "metadata": {"continue": token}, "items": items}))
    });
    let mut snapshot = snapshot_of_two();
    let hashes = vec!["one".to_owned(), "two".to_owned()];
    answer(&shell, &mut snapshot, vec![Need::Pods(hashes)]).await.unwrap();
    assert_eq!(pod_names(&snapshot), ["first", "third"]);
    let uris: Vec<String> = log.lock().unwrap().iter().map(|seen| seen.uri.clone()).collect();
    let first =
        "/api/v1/namespaces/a/pods?labelSelector=rollouts-pod-template-hash%20in%20%28one%2Ctwo%29&limit=100";
    assert_eq!(uris, [first.to_owned(), format!("{first}&continue=a%2Fb%3D")]);
    answer(&shell, &mut snapshot, vec![Need::Pods(Vec::new())]).await.unwrap();
    assert_eq!((pod_names(&snapshot).len(), log.lock().unwrap().len()), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn a_switch_of_a_service_that_is_gone_is_not_waited_for() {
    let (shell, _) = shell(|_| (404, json!({})));
    let (key, mut snapshot) = (Key::new("a", "x"), snapshot_of_two());
    let patience = std::time::Duration::from_secs(5);
    let service = ObjectRef { kind: "Service".into(), namespace: "a".into(), name: "web".into() };
    let now = tokio::time::Instant::now();
    shell.lock().memories.entry(key.clone()).or_default().wrote(service, Mark::Version(100), now);
    tokio::time::advance(patience).await;
    let sight = |snapshot: &Snapshot| {
        forget_vanished(&shell, &key, snapshot);
        let mut state = shell.lock();
        let state = &mut *state;
        let memory = state.memories.get_mut(&key).unwrap();
        memory.sight(&state.world, patience, tokio::time::Instant::now())
    };
    assert_eq!(sight(&snapshot), Sight::Live, "that it was not read proves nothing");
    snapshot.services.insert("web".into(), Observed::Missing);
    assert_eq!(sight(&snapshot), Sight::Stores);
}

fn to_pod(request: Request, purpose: Purpose) -> Plan {
    let object = ObjectRef { kind: "Pod".into(), namespace: "a".into(), name: "first".into() };
    Plan { writes: vec![Write { object, request, purpose, events: Vec::new() }], ..Plan::default() }
}

/// Carries out a plan about a pod: its failure, how the work ends, what is still waited for, and the requests.
async fn on_a_pod(
    plan: Plan,
    answer: (u16, Value),
) -> (Option<tidegate_core::WriteError>, Outcome, Snapshot, Seen) {
    let (shell, log) = shell(move |_| answer.clone());
    let (key, mut snapshot) = (Key::new("a", "x"), snapshot_of_two());
    snapshot.pods = Observed::Found(vec![Pod::parse(&owned("first", "uid-own")).unwrap()]);
    shell.lock().memories.entry(key.clone()).or_default();
    let mut work = Work::on(&shell, &key, snapshot);
    let failure = work.carry_out(&plan).await.err().map(|(_, error)| error);
    let outcome = work.outcome(&Plan::default(), false);
    let snapshot = (*work.snapshot).clone();
    let mut state = shell.lock();
    let state = &mut *state;
    let memory = state.memories.get_mut(&key).unwrap();
    let sight = memory.sight(&state.world, std::time::Duration::from_secs(5), tokio::time::Instant::now());
    assert_eq!(sight, Sight::Stores, "nobody watches pods");
    let seen = log.lock().unwrap()[0].clone();
    (failure, outcome, snapshot, seen)
}

#[tokio::test(start_paused = true)]
async fn members_of_a_pod_are_written_as_it_was_read_and_seen_by_the_next_plan() {
    let request = || Request::MergePatch {
        body: json!({"metadata": {"labels": {"role": "stable"}}}),
        resource_version: "7".into(),
        subresource: None,
    };
    let mut written = owned("first", "uid-own");
    written["metadata"]["labels"] = json!({"role": "stable"});
    let plan = || to_pod(request(), Purpose::PodMetadata);
    let (failure, outcome, snapshot, seen) = on_a_pod(plan(), (200, written)).await;
    assert_eq!((failure, outcome), (None, Outcome::Retry(None)));
    assert_eq!(snapshot.pods.found().unwrap()[0].metadata.labels["role"], "stable");
    assert_eq!(seen.uri.split('?').next(), Some("/api/v1/namespaces/a/pods/first"));
    assert_eq!(seen.content, "application/merge-patch+json");
    assert_eq!(seen.body, json!({"metadata": {"labels": {"role": "stable"}, "resourceVersion": "7"}}));
    let (failure, outcome, ..) = on_a_pod(plan(), refusal(409, "Conflict", "another version")).await;
    assert_eq!((failure, outcome), (Some(tidegate_core::WriteError::Conflict), Outcome::Settled(None)));
}

#[tokio::test(start_paused = true)]
async fn an_eviction_leaves_pods_to_be_read_anew() {
    let plan = || to_pod(Request::Evict { uid: "uid-first".into() }, Purpose::Evict);
    let (failure, outcome, snapshot, seen) =
        on_a_pod(plan(), (201, json!({"kind": "Status", "status": "Success"}))).await;
    assert_eq!((failure, outcome, snapshot.pods), (None, Outcome::Retry(None), Observed::Unread));
    assert_eq!(seen.uri.split('?').next(), Some("/api/v1/namespaces/a/pods/first/eviction"));
    assert_eq!(seen.body["deleteOptions"]["preconditions"]["uid"], "uid-first");
    let text = "Cannot evict pod as it would violate the pod's disruption budget.";
    let (failure, _, snapshot, _) = on_a_pod(plan(), refusal(429, "TooManyRequests", text)).await;
    assert_eq!(failure, Some(tidegate_core::WriteError::Disruption(text.into())));
    assert!(snapshot.pods.found().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_service_and_a_workload_that_were_written_are_seen_by_the_next_plan() {
    let (shell, _) = shell(|seen| {
        let service = json!({"metadata": {"name": "s", "uid": "s"}, "spec": {"selector": {"hash": "two"}}});
        let deployment = json!({"kind": "Deployment", "metadata": {"name": "d", "uid": "d"},
            "spec": {"replicas": 1, "template": {}}});
        (200, if seen.uri.contains("/services/") { service } else { deployment })
    });
    let (key, mut snapshot) = (Key::new("a", "x"), snapshot_of_two());
    let before =
        json!({"kind": "Deployment", "metadata": {"name": "d", "uid": "d"}, "spec": {"replicas": 5}});
    snapshot.workload = Observed::Found(Workload::parse(&before).unwrap());
    let mut work = Work::on(&shell, &key, snapshot);
    let write = |kind: &str, name: &str| Write {
        object: ObjectRef { kind: kind.into(), namespace: "a".into(), name: name.into() },
        request: Request::JsonPatch { body: json!([]), subresource: None },
        purpose: Purpose::SwitchService,
        events: Vec::new(),
    };
    let plan = Plan { writes: vec![write("Service", "s"), write("Deployment", "d")], ..Plan::default() };
    work.carry_out(&plan).await.unwrap();
    assert_eq!(work.snapshot.services["s"].found().unwrap().selector["hash"], "two");
    assert_eq!(work.snapshot.workload.found().unwrap().replicas, Some(1));
}
