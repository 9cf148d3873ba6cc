use http::Method;
use serde_json::{Value, json};
use std::time::Duration;

use super::*;
use crate::test_server::{Log, Seen, refusal, serve};

fn subject() -> Subject {
    Subject { namespace: "a".into(), name: "guestbook".into(), uid: "u".into(), resource_version: "7".into() }
}

fn clock() -> Clock {
    Clock::starting_at("2026-01-01T00:00:00.7Z".parse().unwrap())
}

/// A recorder whose events go to a server that answers with `answer`.
fn recorder(answer: impl Fn(&Seen) -> (u16, Value) + Send + Sync + 'static) -> (Recorder, Log) {
    let (clients, log) = serve(answer);
    let (recorder, inbox) = Recorder::new(3, clock());
    tokio::spawn(inbox.drain(clients, "rollouts-controller".to_owned()));
    (recorder, log)
}

fn accept(_: &Seen) -> (u16, Value) {
    (201, json!({"kind": "Event"}))
}

async fn settle() {
    tokio::time::sleep(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn writes_an_event_as_kubectl_expects_it() {
    let (recorder, log) = recorder(accept);
    recorder.record(subject(), Event::warning("RolloutAborted", "Rollout aborted update to revision 2"));
    settle().await;
    let seen = log.lock().unwrap().clone();
    assert_eq!(
        seen[0].uri,
        "/api/v1/namespaces/a/events?fieldManager=rollouts-controller&fieldValidation=Ignore"
    );
    let name = seen[0].body["metadata"]["name"].as_str().unwrap().to_owned();
    assert_eq!((&name[..10], name.len()), ("guestbook.", 26));
    let expected = json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": {"name": name, "namespace": "a"},
        "involvedObject": {
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "namespace": "a", "name": "guestbook",
            "uid": "u", "resourceVersion": "7",
        },
        "type": "Warning", "reason": "RolloutAborted", "message": "Rollout aborted update to revision 2",
        "source": {"component": "rollouts-controller"},
        "reportingComponent": "rollouts-controller", "reportingInstance": "",
        "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:00:00Z", "count": 1,
    });
    assert_eq!(seen[0].body, expected);
}

#[tokio::test(start_paused = true)]
async fn repeats_within_an_hour_are_counted_up() {
    let (recorder, log) = recorder(accept);
    for minutes in [0, 30, 50, 61] {
        tokio::time::sleep(Duration::from_secs(60 * minutes)).await;
        recorder.record(subject(), Event::normal("SwitchService", "a"));
        recorder.record(
            Subject { resource_version: "8".into(), ..subject() },
            Event::normal("SwitchService", "b"),
        );
    }
    settle().await;
    let seen = log.lock().unwrap().clone();
    let methods: Vec<Method> = seen.iter().map(|seen| seen.method.clone()).collect();
    let (post, patch) = (Method::POST, Method::PATCH);
    assert_eq!(methods, [&post, &post, &patch, &patch, &patch, &patch, &post, &post].map(Clone::clone));
    let name = seen[0].body["metadata"]["name"].as_str().unwrap();
    assert_eq!(
        seen[4].uri,
        format!("/api/v1/namespaces/a/events/{name}?fieldManager=rollouts-controller&fieldValidation=Ignore")
    );
    assert_eq!(seen[4].content, "application/merge-patch+json");
    assert_eq!(seen[4].body, json!({"count": 3, "lastTimestamp": "2026-01-01T01:20:00Z"}));
    assert_ne!(seen[0].body["metadata"]["name"], seen[1].body["metadata"]["name"]);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_gone_is_created_anew() {
    let (recorder, log) = recorder(|seen| match seen.method {
        Method::PATCH => refusal(404, "NotFound", "events \"x\" not found"),
        _ => accept(seen),
    });
    for _ in 0..2 {
        recorder.record(subject(), Event::normal("SwitchService", "a"));
    }
    settle().await;
    let methods: Vec<Method> = log.lock().unwrap().iter().map(|seen| seen.method.clone()).collect();
    assert_eq!(methods, [Method::POST, Method::PATCH, Method::POST]);
    assert_eq!(recorder.dropped(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_or_is_refused_is_dropped_and_counted() {
    let (recorder, log) = recorder(|seen| match seen.body["message"].as_str() {
        Some("0") => refusal(403, "Forbidden", "no"),
        _ => accept(seen),
    });
    for number in 0..5 {
        recorder.record(subject(), Event::normal("RolloutUpdated", number.to_string()));
    }
    assert_eq!(recorder.dropped(), 2);
    settle().await;
    assert_eq!(recorder.dropped(), 3);
    recorder.record(subject(), Event::normal("RolloutUpdated", "later"));
    settle().await;
    assert_eq!(log.lock().unwrap().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_costs_one_event_each_half_minute() {
    let pending = tower::service_fn(|_: http::Request<kube::client::Body>| {
        std::future::pending::<Result<http::Response<kube::client::Body>, std::convert::Infallible>>()
    });
    let clients = Clients::new(crate::client(pending, &crate::Gate::new()), None);
    let (recorder, inbox) = Recorder::new(3, clock());
    tokio::spawn(inbox.drain(clients, "rollouts-controller".to_owned()));
    recorder.record(subject(), Event::normal("RolloutUpdated", "a"));
    tokio::time::sleep(Duration::from_secs(31)).await;
    assert_eq!(recorder.dropped(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_event_waits_for_a_server_that_restarts_but_not_for_ever() {
    let start = tokio::time::Instant::now();
    let until = move |seconds| start + Duration::from_secs(seconds);
    let (recorder, log) = recorder(move |seen| match tokio::time::Instant::now() {
        now if now < until(10) || now > until(50) => refusal(503, "ServiceUnavailable", "starting"),
        _ => accept(seen),
    });
    recorder.record(subject(), Event::normal("RolloutUpdated", "a"));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!((log.lock().unwrap().len(), recorder.dropped()), (11, 0));
    recorder.record(subject(), Event::normal("RolloutUpdated", "b"));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(recorder.dropped(), 1);
}

/// The names under which an event was sent to a server where the first `taken` are taken, and how many events were dropped.
async fn names_tried(taken: usize) -> (Vec<String>, u64) {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let (recorder, log) = recorder(move |seen| {
        if asked.fetch_add(1, Ordering::Relaxed) < taken {
            refusal(409, "AlreadyExists", "events \"x\" already exists")
        } else {
            accept(seen)
        }
    });
    recorder.record(subject(), Event::normal("RolloutUpdated", "a"));
    settle().await;
    let log = log.lock().unwrap();
    let name = |seen: &Seen| seen.body["metadata"]["name"].as_str().unwrap().to_owned();
    (log.iter().map(name).collect(), recorder.dropped())
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_taken_is_followed_by_the_next_but_not_for_ever() {
    let (names, dropped) = names_tried(2).await;
    assert_eq!((names.len(), dropped), (3, 0));
    assert!(names[0] < names[1] && names[1] < names[2], "{names:?}");
    let (names, dropped) = names_tried(9).await;
    assert_eq!((names.len(), dropped), (3, 1));
}
