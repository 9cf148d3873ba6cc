//! The whole shell against the in-memory API server.

#![allow(clippy::unwrap_used)]

mod lenders;
mod logs;
mod metrics;
mod pods;
mod recordings;
mod release;
mod world;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tidegate_controller::{Config, RateLimit, Scope};
use tidegate_core::{Plan, rollout};
use world::{CONTROLLER, Running, World, pass};

fn rows(rows: &[(&str, i64, i64)]) -> std::collections::BTreeSet<(String, i64, i64)> {
    rows.iter().map(|(image, replicas, ready)| ((*image).to_owned(), *replicas, *ready)).collect()
}

/// What the controller would do now.
async fn second_plan(world: &World, running: &Running, name: &str) -> Plan {
    let snapshot = running.handle.complete_snapshot("default", name).await.unwrap().unwrap();
    rollout::plan(&snapshot, world.clock.now())
}

#[tokio::test(start_paused = true)]
async fn deploys_and_updates() {
    let world = World::new();
    let running = world.start(world.config());
    world.create_rollout("x");
    pass(10.0).await;
    assert_eq!(world.phase("x"), "Healthy");
    assert_eq!(world.replica_sets(), rows(&[("demo:1", 3, 3)]));
    assert_eq!(second_plan(&world, &running, "x").await.writes, []);
    world.update("x", "demo:2");
    pass(10.0).await;
    assert_eq!(world.phase("x"), "Paused");
    pass(60.0).await;
    assert_eq!(world.phase("x"), "Healthy");
    assert_eq!(world.replica_sets(), rows(&[("demo:1", 0, 0), ("demo:2", 3, 3)]));
    assert_eq!(second_plan(&world, &running, "x").await.writes, []);
    assert!(running.handle.is_idle());
    let metrics = running.handle.metrics();
    assert_eq!((metrics.failed_writes, metrics.live_reads, metrics.dropped_events), (0, 0, 0));
    assert_eq!(world.events("x")[0], "RolloutAddedToInformer");
}

#[tokio::test(start_paused = true)]
async fn a_rollout_that_becomes_unreadable_goes_on_with_its_last_readable_spec() {
    let mut crd = tidegate_api::crd::rollout_crd();
    // API servers before Kubernetes 1.36 take numbers that do not fit the format.
    let version = &mut crd["spec"]["versions"][0];
    let spec = &mut version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"];
    assert!(spec["minReadySeconds"].as_object_mut().unwrap().remove("format").is_some());
    let world = World::with_crd(crd);
    let running = world.start(world.config());
    world.create_rollout("x");
    pass(10.0).await;
    world.update("x", "demo:2");
    pass(10.0).await;
    assert_eq!(world.phase("x"), "Paused");
    world.patch("x", &json!({"spec": {"minReadySeconds": 3_000_000_000_u64}}));
    pass(60.0).await;
    assert_eq!(world.phase("x"), "Healthy");
    assert_eq!(world.replica_sets(), rows(&[("demo:1", 0, 0), ("demo:2", 3, 3)]));
    let before = (running.handle.metrics(), world.writes());
    assert_eq!(before.0.failed_writes, 0);
    assert!(world.events("x").iter().any(|reason| reason == "UnreadableRollout"));
    // Past the look that the progress deadline asks for.
    pass(1200.0).await;
    assert!(running.handle.is_idle());
    assert_eq!(world.writes(), before.1);
    world.patch("x", &json!({"spec": {"minReadySeconds": null, "replicas": 2}}));
    pass(10.0).await;
    assert_eq!(world.replica_sets(), rows(&[("demo:1", 0, 0), ("demo:2", 2, 2)]));
}

#[tokio::test(start_paused = true)]
async fn rests_without_a_plan_or_a_write() {
    let world = World::new();
    for name in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"] {
        world.create_rollout(name);
    }
    let running = world.start(world.config());
    // The progress deadline of ten minutes may still ask for a look.
    pass(1200.0).await;
    let before = (running.handle.metrics(), world.writes());
    pass(86_400.0).await;
    assert_eq!((running.handle.metrics(), world.writes()), before);
    assert_eq!(running.handle.next_deadline(), None);
    assert_eq!(world.phase("j"), "Healthy");
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_lags_is_waited_for_and_then_read_around() {
    let world = World::new();
    let running = world.start(world.config());
    pass(1.0).await;
    world.faults.hold("replicasets?");
    world.create_rollout("x");
    pass(4.0).await;
    // The ReplicaSet was created and is not seen yet; nothing more is decided.
    let plans = running.handle.metrics().plans;
    assert_eq!(world.server.list("replicasets", None).len(), 1);
    pass(0.5).await;
    assert_eq!((running.handle.metrics().plans, running.handle.metrics().live_reads), (plans, 0));
    pass(60.0).await;
    assert!(running.handle.metrics().live_reads > 0);
    assert_eq!(world.replica_sets(), rows(&[("demo:1", 3, 3)]));
    assert_eq!(world.phase("x"), "Healthy");
    world.faults.heal();
    pass(10.0).await;
    let reads = running.handle.metrics().live_reads;
    pass(600.0).await;
    assert_eq!(running.handle.metrics().live_reads, reads);
    assert_eq!(world.server.list("replicasets", None).len(), 1);
    assert_eq!(running.handle.metrics().failed_writes, 0);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_planned_before_every_required_store_is_complete() {
    let world = World::new();
    world.create_rollout("x");
    world.faults.refuse("/services");
    let running = world.start(world.config());
    pass(60.0).await;
    assert_eq!((running.handle.metrics().plans, world.writes()), (0, 0));
    assert!(!running.handle.is_idle());
    let errors = running.handle.metrics().watch_errors;
    assert!((10..20).contains(&errors), "{errors} errors in a minute");
    world.faults.heal();
    pass(20.0).await;
    assert_eq!(world.phase("x"), "Healthy");
}

#[tokio::test(start_paused = true)]
async fn a_failing_kind_does_not_slow_the_others() {
    let world = World::new();
    let _running = world.start(world.config());
    pass(1.0).await;
    world.faults.refuse("/services");
    world.server.expire_watches();
    world.create_rollout("x");
    pass(5.0).await;
    assert_eq!(world.phase("x"), "Healthy");
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_no_watch_has_shown_is_found_by_the_relist() {
    let world = World::new();
    let _running = world.start(world.config());
    world.create_rollout("x");
    pass(10.0).await;
    world.faults.hold("replicasets?");
    let name = world.server.list("replicasets", None)[0]["metadata"]["name"].as_str().unwrap().to_owned();
    world.server.delete("user", "replicasets", ("default", &name), &json!(null)).unwrap();
    world.server.expire_watches();
    world.faults.heal();
    pass(10.0).await;
    assert_eq!(world.replica_sets(), rows(&[("demo:1", 3, 3)]));
}

#[tokio::test(start_paused = true)]
async fn refused_writes_are_tried_again_with_back_off() {
    let world = World::new();
    let running = world.start(world.config());
    pass(1.0).await;
    world.server.fail_writes(|attempt| {
        let ours = attempt.actor == CONTROLLER && attempt.resource.starts_with("rollouts");
        ours.then(|| tidegate_kubesim::ApiError::new(500, "InternalError", "no"))
    });
    world.create_rollout("x");
    pass(60.0).await;
    let failed = running.handle.metrics().failed_writes;
    assert!((10..40).contains(&failed), "{failed} writes failed in a minute");
    world.server.allow_writes();
    pass(20.0).await;
    assert_eq!(world.phase("x"), "Healthy");
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_is_told_once_by_an_event() {
    let world = World::new();
    let _running = world.start(world.config());
    pass(1.0).await;
    let deny = || {
        world.server.fail_writes(|attempt| {
            let ours = attempt.actor == CONTROLLER && attempt.resource == "rollouts.argoproj.io/status";
            ours.then(|| tidegate_kubesim::ApiError::new(403, "Forbidden", "may not patch status"))
        });
    };
    let told = || world.events("x").iter().filter(|reason| *reason == "ReconciliationError").count();
    deny();
    world.create_rollout("x");
    pass(120.0).await;
    assert_eq!(told(), 1, "{:?}", world.events("x"));
    world.server.allow_writes();
    pass(20.0).await;
    assert_eq!(world.phase("x"), "Healthy");
    assert_eq!(told(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_or_after_any_write_leads_to_the_same_end() {
    for after in [false, true] {
        for n in 1.. {
            let world = World::new();
            world.create_rollout("x");
            let first = world.start(world.config());
            if after {
                first.gate.close_after_write(n);
            } else {
                first.gate.close_before_write(n);
            }
            pass(10.0).await;
            world.update("x", "demo:2");
            pass(60.0).await;
            let crashed = first.gate.is_closed();
            first.task.abort();
            let second = world.start(world.config());
            pass(60.0).await;
            assert_eq!(world.phase("x"), "Healthy", "crash after={after} {n}");
            let expected = rows(&[("demo:1", 0, 0), ("demo:2", 3, 3)]);
            // Crashed before the first revision was made: there is nothing to roll from.
            let short = rows(&[("demo:2", 3, 3)]);
            let end = world.replica_sets();
            assert!(end == expected || (n == 1 && !after && end == short), "after={after} {n}: {end:?}");
            assert_eq!(second_plan(&world, &second, "x").await.writes, []);
            if !crashed {
                assert!(n > 5, "an update takes more than {n} writes");
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_twin_does_no_harm() {
    let world = World::new();
    let (first, second) = (world.start(world.config()), world.start(world.config()));
    pass(1.0).await;
    world.create_rollout("x");
    pass(10.0).await;
    world.update("x", "demo:2");
    pass(60.0).await;
    assert_eq!(world.phase("x"), "Healthy");
    assert_eq!(world.replica_sets(), rows(&[("demo:1", 0, 0), ("demo:2", 3, 3)]));
    let failed = first.handle.metrics().failed_writes + second.handle.metrics().failed_writes;
    assert!((1..50).contains(&failed), "{failed} writes met the twin's");
    assert_eq!(second_plan(&world, &first, "x").await.writes, []);
    assert_eq!(second_plan(&world, &second, "x").await.writes, []);
}

#[tokio::test(start_paused = true)]
async fn replica_sets_without_a_controller_are_adopted() {
    let world = World::new();
    let running = world.start(world.config());
    world.create_rollout("x");
    pass(10.0).await;
    let orphan = json!({"propagationPolicy": "Orphan"});
    world.server.delete("user", "rollouts.argoproj.io", ("default", "x"), &orphan).unwrap();
    pass(10.0).await;
    assert_eq!(running.handle.rollouts(), []);
    assert_eq!(world.replica_sets(), rows(&[("demo:1", 3, 3)]));
    world.create_rollout("x");
    pass(10.0).await;
    let sets = world.server.list("replicasets", None);
    assert_eq!(sets.len(), 1);
    assert_eq!(sets[0]["metadata"]["ownerReferences"][0]["uid"], world.rollout("x")["metadata"]["uid"]);
    assert_eq!(world.phase("x"), "Healthy");
    let appearances = world.events("x").iter().filter(|reason| *reason == "RolloutAddedToInformer").count();
    assert_eq!(appearances, 2);
}

#[tokio::test(start_paused = true)]
async fn a_panic_backs_off_and_does_not_stop_the_others() {
    let world = World::new();
    let mut left = 3;
    let on_plan: tidegate_controller::OnPlan = Box::new(move |snapshot, _, _| {
        if snapshot.rollout.metadata.name == "x" && left > 0 {
            left -= 1;
            panic!("on purpose");
        }
    });
    let running = world.start(Config { on_plan: Some(on_plan), survives_panics: true, ..world.config() });
    world.create_rollout("x");
    world.create_rollout("y");
    pass(20.0).await;
    assert_eq!(running.handle.metrics().panics, 3);
    assert_eq!((world.phase("x"), world.phase("y")), ("Healthy".to_owned(), "Healthy".to_owned()));
}

/// Two controllers that know different things would correct each other without end.
#[tokio::test(start_paused = true)]
async fn what_somebody_else_has_counted_is_corrected_after_a_second() {
    let world = World::new();
    let _running = world.start(world.config());
    world.create_rollout("x");
    pass(10.0).await;
    let ready = || {
        world.server.get("rollouts.argoproj.io", "default", "x").unwrap()["status"]["readyReplicas"].clone()
    };
    let counted = ready();
    let wrong = json!({"status": {"readyReplicas": 0}});
    let place = (("rollouts.argoproj.io", "status"), ("default", "x"));
    world.server.merge_patch("another", place.0, place.1, &wrong).unwrap();
    pass(0.9).await;
    assert_eq!(ready(), 0);
    pass(0.2).await;
    assert_eq!(ready(), counted);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_not_hidden_where_it_is_asked_for() {
    let world = World::new();
    let on_plan: tidegate_controller::OnPlan = Box::new(|_, _, _| panic!("on purpose"));
    let running = world.start(Config { on_plan: Some(on_plan), ..world.config() });
    world.create_rollout("x");
    assert!(running.task.await.unwrap_err().is_panic());
}

#[tokio::test(start_paused = true)]
async fn ends_when_it_is_asked_to() {
    let world = World::new();
    let (stop, shutdown) = tokio::sync::watch::channel(false);
    let running = world.start(Config { shutdown: Some(shutdown), ..world.config() });
    pass(1.0).await;
    assert_eq!(world.server.open_watches(), 3);
    stop.send(true).unwrap();
    running.task.await.unwrap();
    pass(0.1).await;
    assert_eq!(world.server.open_watches(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_has_begun_ends_before_the_controller_does() {
    let world = World::new();
    let (stop, shutdown) = tokio::sync::watch::channel(false);
    // One request a second: a decision and its events take some time.
    let rate_limit = Some(RateLimit { qps: 1.0, burst: 1 });
    let running = world.start(Config { shutdown: Some(shutdown), rate_limit, ..world.config() });
    world.create_rollout("x");
    while world.server.list("replicasets", None).is_empty() {
        pass(0.1).await;
    }
    stop.send(true).unwrap();
    world.create_rollout("y");
    running.task.await.unwrap();
    assert_eq!(world.replica_sets().len(), 1, "nothing was begun for y");
    assert!(!world.rollout("x")["status"].is_null(), "the status follows the creation");
    let events = world.events("x");
    assert!(events.iter().any(|reason| reason == "NewReplicaSetCreated"), "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn what_does_not_end_is_cut_short() {
    let world = World::new();
    let (stop, shutdown) = tokio::sync::watch::channel(false);
    let rate_limit = Some(RateLimit { qps: 0.01, burst: 1 });
    let running = world.start(Config { shutdown: Some(shutdown), rate_limit, ..world.config() });
    world.create_rollout("x");
    pass(60.0).await;
    let began = tokio::time::Instant::now();
    stop.send(true).unwrap();
    running.task.await.unwrap();
    assert_eq!(began.elapsed(), world.config().grace);
    assert!(world.rollout("x")["status"].is_null(), "its turn had not come");
}

#[tokio::test(start_paused = true)]
async fn how_watches_do_is_told() {
    let world = World::new();
    world.faults.refuse("/services");
    let running = world.start(world.config());
    pass(60.0).await;
    let told = running.handle.watches();
    let listed: Vec<(&str, bool)> = told.iter().map(|it| (it.resource.as_str(), it.is_listed)).collect();
    let expected = [("replicasets.apps", true), ("rollouts.argoproj.io", true), ("services", false)];
    assert_eq!(listed, expected);
    let error = told[2].failing.clone().unwrap().error;
    assert_eq!(
        error,
        "cannot list services in all namespaces: not now; grant the controller the verbs list and watch on services"
    );
    world.faults.heal();
    pass(20.0).await;
    assert!(running.handle.watches().iter().all(|it| it.is_listed && it.failing.is_none()));
}

#[tokio::test(start_paused = true)]
async fn serves_its_scope_only() {
    let world = World::new();
    let scope = Scope { namespace: Some("default".into()), instance_id: Some("blue".into()) };
    let _running = world.start(Config { scope, ..world.config() });
    for name in ["x", "y"] {
        world.create_rollout(name);
    }
    world.patch(
        "x",
        &json!({"metadata": {"labels": {"argo-rollouts.argoproj.io/controller-instance-id": "blue"}}}),
    );
    let elsewhere = world::rollout("z", "demo:1");
    world
        .server
        .create("user", "rollouts.argoproj.io", "kube-system", {
            let mut rollout = elsewhere;
            rollout["metadata"]["namespace"] = json!("kube-system");
            rollout["metadata"]["labels"] =
                json!({"argo-rollouts.argoproj.io/controller-instance-id": "blue"});
            rollout
        })
        .unwrap();
    pass(10.0).await;
    assert_eq!(world.phase("x"), "Healthy");
    assert_eq!(
        (world.phase("y"), world.server.list("replicasets", Some("kube-system")).len()),
        (String::new(), 0)
    );
}

/// Every stored change of a short life, with times.
fn trace() -> Vec<String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let world = World::new();
        let trace = Arc::new(Mutex::new(Vec::new()));
        let seen = trace.clone();
        world.server.observe(move |change| seen.lock().unwrap().push(format!("{change:?}")));
        let limit = RateLimit { qps: 5.0, burst: 2 };
        let _running = world.start(Config { rate_limit: Some(limit), workers: 3, ..world.config() });
        for name in ["a", "b", "c", "d", "e"] {
            world.create_rollout(name);
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
        world.update("c", "demo:2");
        world.server.close_watches();
        tokio::time::sleep(Duration::from_secs(120)).await;
        assert_eq!(world.phase("c"), "Healthy");
        trace.lock().unwrap().clone()
    })
}

#[test]
fn the_same_seed_leads_to_the_same_trace() {
    let (first, second) = (trace(), trace());
    assert!(first.len() > 100);
    assert_eq!(first, second);
}
