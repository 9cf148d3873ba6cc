use std::sync::{Arc, OnceLock};

use kube::runtime::watcher::Event as WatchEvent;
use serde_json::{Value, json};
use tidegate_core::ObjectRef;

use super::*;
use crate::memory::Sight;
use crate::reconcile::reconcile;
use crate::store::Mark;
use crate::test_server::{Log, Seen, refusal, serve};
use crate::world::object_ref;

const PATIENCE: Duration = Duration::from_secs(5);

fn key() -> Key {
    Key::new("a", "x")
}

fn own() -> ObjectRef {
    object_ref(kind::ROLLOUT, &key())
}

fn rollout(version: u64) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
        "metadata": {
            "namespace": "a", "name": "x", "uid": "uid-x", "generation": 1,
            "resourceVersion": version.to_string(), "creationTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": {
            "replicas": 1, "selector": {"matchLabels": {"app": "x"}}, "strategy": {"canary": {}},
            "template": {
                "metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "c", "image": "i"}]},
            },
        },
    })
}

fn service(version: u64) -> Value {
    json!({
        "metadata": {"namespace": "a", "name": "s", "uid": "uid-s", "resourceVersion": version.to_string()},
        "spec": {"selector": {"app": "x"}},
    })
}

fn apply(object: Value) -> WatchEvent<Watched> {
    WatchEvent::Apply(Watched::new(object))
}

/// A shell that has seen `rollout`, with a server that answers with `answer`. Nothing is queued.
fn shell(
    rollout: &Value,
    answer: impl Fn(&Seen) -> (u16, Value) + Send + Sync + 'static,
) -> (Arc<Shell>, Log) {
    let (clients, log) = serve(answer);
    let clock = Clock::starting_at("2026-01-01T00:00:10Z".parse().unwrap());
    let (recorder, _) = Recorder::new(100, clock);
    let shell = Shell::new(Config { patience: PATIENCE, ..Config::new(clock) }, clients, recorder);
    for kind in [kind::ROLLOUT, kind::REPLICA_SET, kind::SERVICE] {
        shell.deliver(kind, WatchEvent::Init);
        if kind == kind::ROLLOUT {
            shell.deliver(kind, WatchEvent::InitApply(Watched::new(rollout.clone())));
        }
        shell.deliver(kind, WatchEvent::InitDone);
    }
    let started = shell.lock().queue.take(Instant::now());
    assert_eq!(started, Some(key()));
    shell.lock().finish(&key(), Outcome::Settled(None), Instant::now());
    assert!(shell.lock().queue.is_idle());
    (Arc::new(shell), log)
}

fn unknown(_: &Seen) -> (u16, Value) {
    refusal(404, "NotFound", "not found")
}

/// Fails the work on the Rollout once more; answers how long the back-off is.
fn back_off(shell: &Shell) -> Duration {
    let mut state = shell.lock();
    state.finish(&key(), Outcome::Retry(None), Instant::now());
    let wait = state.queue.next_deadline().expect("a retry has a deadline") - Instant::now();
    state.queue.add_again(key(), Instant::now());
    assert_eq!(state.queue.take(Instant::now()), Some(key()));
    wait
}

#[tokio::test(start_paused = true)]
async fn our_own_write_coming_back_does_not_end_the_back_off_and_anothers_does() {
    let (shell, _) = shell(&rollout(1), unknown);
    shell.deliver(kind::ROLLOUT, apply(rollout(2)));
    assert_eq!(shell.lock().queue.take(Instant::now()), Some(key()));
    let ms = Duration::from_millis;
    assert_eq!([back_off(&shell), back_off(&shell)], [ms(1), ms(2)]);
    let now = Instant::now();
    shell.lock().memories.get_mut(&key()).unwrap().wrote(own(), Mark::Version(3), now);
    shell.deliver(kind::ROLLOUT, apply(rollout(3)));
    assert_eq!(back_off(&shell), ms(4));
    shell.deliver(kind::ROLLOUT, apply(rollout(4)));
    assert_eq!(back_off(&shell), ms(1));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_a_rollout_that_is_gone() {
    let (shell, _) = shell(&rollout(1), unknown);
    shell.deliver(kind::ROLLOUT, apply(rollout(2)));
    let deadline = Instant::now() + PATIENCE;
    {
        let mut state = shell.lock();
        state.queue.add_at(key(), deadline);
        state.world.asks_for(&key(), [Key::new("a", "s")].into());
        assert_eq!((state.memories.len(), state.queue.len()), (1, 1));
    }
    shell.deliver(kind::ROLLOUT, WatchEvent::Delete(Watched::new(rollout(3))));
    shell.deliver(kind::SERVICE, apply(service(4)));
    let state = shell.lock();
    assert!(state.memories.is_empty() && state.queue.is_empty());
    assert_eq!(state.queue.next_deadline(), None);
}

#[tokio::test(start_paused = true)]
async fn a_rollout_that_goes_during_the_work_on_it_leaves_nothing_either() {
    let mut with_service = rollout(1);
    with_service["spec"]["strategy"]["canary"]["canaryService"] = json!("s");
    let place = Arc::new(OnceLock::<Arc<Shell>>::new());
    let found = place.clone();
    let answer = move |seen: &Seen| {
        let shell = found.get().unwrap();
        shell.deliver(kind::ROLLOUT, WatchEvent::Delete(Watched::new(rollout(5))));
        shell.deliver(kind::SERVICE, apply(service(6)));
        unknown(seen)
    };
    let (shell, log) = shell(&with_service, answer);
    assert!(place.set(shell.clone()).is_ok());
    reconcile(&shell, &key()).await;
    assert!(!log.lock().unwrap().is_empty(), "something was written");
    shell.deliver(kind::SERVICE, apply(service(7)));
    assert!(shell.lock().memories.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_service_that_changes_after_it_was_read_is_heard_of() {
    let mut lent = rollout(1);
    let spec = lent["spec"].as_object_mut().unwrap();
    spec.retain(|member, _| member != "template" && member != "selector");
    spec.insert("workloadRef".into(), json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}));
    lent["spec"]["strategy"]["canary"]["canaryService"] = json!("s");
    let place = Arc::new(OnceLock::<Arc<Shell>>::new());
    let found = place.clone();
    let answer = move |seen: &Seen| {
        // While the workload is read, which comes after the Services.
        if seen.uri.ends_with("/deployments/d") {
            found.get().unwrap().deliver(kind::SERVICE, apply(service(9)));
        }
        unknown(seen)
    };
    let (shell, log) = shell(&lent, answer);
    assert!(place.set(shell.clone()).is_ok());
    reconcile(&shell, &key()).await;
    assert!(log.lock().unwrap().iter().any(|seen| seen.uri.ends_with("/deployments/d")));
    assert_eq!(shell.lock().queue.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_changed_nothing_is_followed_by_a_look_since_no_watch_will_tell() {
    // Its status will say that it is invalid, and nothing else is written.
    let mut invalid = rollout(1);
    invalid["spec"]["strategy"] = json!({});
    let stored = invalid.clone();
    let (shell, log) = shell(&invalid, move |_| (200, stored.clone()));
    let outcome = reconcile(&shell, &key()).await;
    let methods: Vec<http::Method> = log.lock().unwrap().iter().map(|seen| seen.method.clone()).collect();
    assert_eq!((methods, shell.metrics().failed_writes), (vec![http::Method::PATCH], 0));
    assert!(matches!(outcome, Outcome::Retry(_)), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn a_write_to_a_replica_set_that_is_gone_is_not_waited_for_for_ever() {
    let answer = |seen: &Seen| match seen.uri.as_str() {
        uri if uri.contains("/replicasets?") => (200, json!({"kind": "ReplicaSetList", "items": []})),
        uri if uri.ends_with("/rollouts/x") => (200, rollout(1)),
        _ => refusal(500, "InternalError", "no"),
    };
    let (shell, _) = shell(&rollout(1), answer);
    let (replica_set, now) = (object_ref(kind::REPLICA_SET, &Key::new("a", "x-1")), Instant::now());
    shell.lock().memories.entry(key()).or_default().wrote(replica_set, Mark::Version(7), now);
    tokio::time::sleep(PATIENCE).await;
    for _ in 0..2 {
        reconcile(&shell, &key()).await;
    }
    assert_eq!(shell.metrics().live_reads, 1);
    let mut state = shell.lock();
    let state = &mut *state;
    let sight = state.memories.get_mut(&key()).unwrap().sight(&state.world, PATIENCE, Instant::now());
    assert_eq!(sight, Sight::Stores);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_not_there_is_not_an_empty_list() {
    let answer = |seen: &Seen| match seen.uri.as_str() {
        uri if uri.ends_with("/rollouts/x") => (200, rollout(1)),
        _ => unknown(seen),
    };
    let (shell, log) = shell(&rollout(1), answer);
    let now = Instant::now();
    shell.lock().memories.entry(key()).or_default().wrote(own(), Mark::Version(7), now);
    tokio::time::sleep(PATIENCE).await;
    assert_eq!(reconcile(&shell, &key()).await, Outcome::Retry(None));
    assert_eq!((shell.metrics().failed_reads, shell.metrics().plans), (1, 0));
    assert!(log.lock().unwrap().iter().all(|seen| seen.method == http::Method::GET));
}
