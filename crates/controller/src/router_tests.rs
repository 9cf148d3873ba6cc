use std::sync::Arc;

use http::Request;
use serde_json::{Value, json};
use tidegate_api::rollout::WeightDestination;
use tidegate_core::{Need, ObjectRef, Observed, Plan, Purpose, Snapshot, Write};

use super::*;
use crate::config::Config;
use crate::events::Recorder;
use crate::reconcile::Work;
use crate::shell::{Outcome, Shell};
use crate::store::Key;
use crate::test_server::{Log, Seen, refusal, serve};
use crate::{Clock, live};

/// Keeps the canary's weight in a ConfigMap of the Rollout's name.
struct Shelf;

fn path(rollout: &Rollout) -> String {
    format!("/api/v1/namespaces/a/configmaps/{}", rollout.metadata.name)
}

impl Router for Shelf {
    fn observe<'a>(
        &'a self,
        client: Client,
        rollout: &'a Rollout,
    ) -> BoxFuture<'a, Result<RouterObservation, ReadError>> {
        Box::pin(async move {
            let request = Request::get(path(rollout)).body(Vec::new()).unwrap();
            let found: Value =
                client.request(request).await.map_err(|error| read_error(path(rollout), error))?;
            let weight = found["data"]["canary"].as_str().unwrap().parse().unwrap();
            Ok(RouterObservation { weights: Some(intent(weight).weights(Some(true))) })
        })
    }

    fn route<'a>(
        &'a self,
        client: Client,
        rollout: &'a Rollout,
        intent: &'a TrafficIntent,
    ) -> BoxFuture<'a, Result<(), WriteError>> {
        Box::pin(async move {
            let patch = json!({"data": {"canary": intent.canary.weight.to_string()}});
            let request = Request::patch(path(rollout)).body(patch.to_string().into_bytes()).unwrap();
            client.request::<Value>(request).await.map(|_| ()).map_err(write_error)
        })
    }
}

fn intent(weight: i32) -> TrafficIntent {
    let to = |weight| WeightDestination { weight, ..WeightDestination::default() };
    TrafficIntent {
        max_weight: 100,
        canary: to(weight),
        stable: to(100 - weight),
        removes_managed_routes: false,
    }
}

fn snapshot() -> Box<Snapshot> {
    let rollout =
        json!({"metadata": {"namespace": "a", "name": "x", "uid": "u", "resourceVersion": "3"}, "spec": {}});
    Box::new(Snapshot::of(serde_json::from_value(rollout).unwrap()))
}

fn routing() -> Plan {
    let object = ObjectRef { kind: "Rollout".into(), namespace: "a".into(), name: "x".into() };
    let request = tidegate_core::Request::Route { intent: Box::new(intent(20)) };
    let write = Write { object, request, purpose: Purpose::Route, events: Vec::new() };
    Plan { writes: vec![write], ..Plan::default() }
}

fn shell(
    router: Option<Arc<dyn Router>>,
    answer: impl Fn(&Seen) -> (u16, Value) + Send + Sync + 'static,
) -> (Shell, Log) {
    let (clients, log) = serve(answer);
    let clock = Clock::starting_at("2026-01-01T00:00:10Z".parse().unwrap());
    let (recorder, _) = Recorder::new(100, clock);
    (Shell::new(Config { router, ..Config::new(clock) }, clients, recorder), log)
}

fn shelf() -> Option<Arc<dyn Router>> {
    Some(Arc::new(Shelf))
}

#[tokio::test(start_paused = true)]
async fn what_is_routed_is_asked_of_the_router() {
    let (with, _) = shell(shelf(), |_| (200, json!({"data": {"canary": "20"}})));
    let (without, log) = shell(None, |_| (500, Value::Null));
    let mut seen = snapshot();
    live::answer(&with, &mut seen, vec![Need::Router]).await.unwrap();
    let weights = seen.router.found().unwrap().weights.clone().unwrap();
    assert_eq!((weights.canary.weight, weights.verified), (20, Some(true)));
    live::answer(&without, &mut seen, vec![Need::Router]).await.unwrap();
    assert_eq!((seen.router, log.lock().unwrap().len()), (Observed::Missing, 0));
    let (refusing, _) = shell(shelf(), |_| refusal(403, "Forbidden", "may not get configmaps"));
    let error = live::answer(&refusing, &mut snapshot(), vec![Need::Router]).await.unwrap_err();
    assert!(matches!(&error, ReadError::Forbidden(text) if text == "may not get configmaps"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_route_is_carried_out_by_the_router_and_looked_at_again() {
    let (shell, log) = shell(shelf(), |_| (200, json!({"metadata": {"resourceVersion": "9"}})));
    let (key, mut seen) = (Key::new("a", "x"), snapshot());
    seen.router = Observed::Missing;
    shell.lock().memories.entry(key.clone()).or_default();
    let mut work = Work::on(&shell, &key, seen);
    work.carry_out(&routing()).await.unwrap();
    let requests: Vec<(String, Value)> = log
        .lock()
        .unwrap()
        .iter()
        .map(|seen| (format!("{} {}", seen.method, seen.uri), seen.body.clone()))
        .collect();
    let expected = ("PATCH /api/v1/namespaces/a/configmaps/x".to_owned(), json!({"data": {"canary": "20"}}));
    assert_eq!(requests, [expected]);
    // No watch shows it, so it is not waited for, and the next plan asks the router anew.
    assert_eq!(work.snapshot.router, Observed::Unread);
    assert_eq!(work.outcome(&Plan::default(), false), Outcome::Retry(None));
}

#[tokio::test(start_paused = true)]
async fn a_router_that_cannot_says_why() {
    let key = Key::new("a", "x");
    let failure = async |router, answer: (u16, Value)| {
        let (shell, _) = shell(router, move |_| answer.clone());
        Work::on(&shell, &key, snapshot()).carry_out(&routing()).await.unwrap_err().1
    };
    let refused = |text: &str| WriteError::Refused(text.to_owned());
    assert_eq!(failure(shelf(), refusal(422, "Invalid", "no such route")).await, refused("no such route"));
    assert_eq!(failure(shelf(), refusal(403, "Forbidden", "may not")).await, refused("may not"));
    assert_eq!(failure(shelf(), refusal(409, "Conflict", "changed")).await, WriteError::Conflict);
    assert_eq!(failure(None, (200, Value::Null)).await, refused("there is no router"));
}
