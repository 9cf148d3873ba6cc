//! Several candidates for one Lease, in virtual time.

#![allow(clippy::unwrap_used)]

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::Request;
use jiff::{SignedDuration, Timestamp};
use kube::client::Body;
use serde_json::{Value, json};
use tidegate_controller::{Candidate, Clock, Elector, Gate, Lost, Role, Times, client};
use tidegate_kubesim::{ApiError, ApiServer};
use tokio::time::{Instant, sleep, timeout};
use tower::ServiceExt;

const LOCK: &str = "argo-rollouts-controller-lock";
const LEASES: &str = "leases.coordination.k8s.io";

fn epoch() -> Timestamp {
    "2026-01-01T00:00:00.25Z".parse().unwrap()
}

fn server() -> ApiServer {
    ApiServer::new(tidegate_kubesim::Config { epoch: epoch(), ..Default::default() })
}

/// A candidate whose way to the server leads through `network`.
fn candidate(server: &ApiServer, identity: &str, network: &Gate) -> Elector {
    skewed(server, identity, network, SignedDuration::ZERO)
}

fn skewed(server: &ApiServer, identity: &str, network: &Gate, offset: SignedDuration) -> Elector {
    let candidate = Candidate {
        namespace: "default".to_owned(),
        name: LOCK.to_owned(),
        identity: identity.to_owned(),
        times: Times::default(),
    };
    let clock = Clock { offset, ..Clock::starting_at(epoch()) };
    Elector::new(client(server.clone(), network), candidate, clock)
}

fn lease(server: &ApiServer) -> Arc<Value> {
    server.get(LEASES, "default", LOCK).unwrap()
}

fn holder(server: &ApiServer) -> String {
    lease(server)["spec"]["holderIdentity"].as_str().unwrap().to_owned()
}

fn patch(server: &ApiServer, patch: &Value) {
    server.merge_patch("other", (LEASES, ""), ("default", LOCK), patch).unwrap();
}

async fn pass(seconds: u64) {
    sleep(Duration::from_secs(seconds)).await;
}

/// Whether a write gets through the gate.
async fn passes(gate: &Gate) -> bool {
    let served = tower::service_fn(|_: Request<Body>| async {
        Ok::<_, Infallible>(http::Response::new(Body::empty()))
    });
    let request = Request::patch("/apis/apps/v1/namespaces/a/replicasets/b").body(Body::empty()).unwrap();
    let answer = tower::Layer::layer(gate, served).oneshot(request);
    timeout(Duration::from_millis(1), answer).await.is_ok()
}

#[tokio::test(start_paused = true)]
async fn one_leads_and_the_next_waits_for_its_lease_to_run_out() {
    let (server, start) = (server(), Instant::now());
    let (gate, network) = (Gate::new(), Gate::new());
    let mut first = candidate(&server, "a_1", &network);
    first.acquire(&gate).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    let first = tokio::spawn(async move { first.keep(&gate).await });
    let mut second = candidate(&server, "b_2", &Gate::new());
    let standing = second.standing();
    let second = tokio::spawn(async move { second.acquire(&Gate::new()).await });
    pass(3601).await;
    assert_eq!((holder(&server).as_str(), standing.borrow().role), ("a_1", Role::Standby));
    assert_eq!(lease(&server)["spec"]["acquireTime"], "2026-01-01T00:00:00.250000Z");
    assert_eq!(lease(&server)["spec"]["renewTime"], "2026-01-01T01:00:00.250000Z");
    // It crashes at second 3601, a second after its last renewal.
    first.abort();
    pass(13).await;
    assert_eq!(holder(&server), "a_1");
    timeout(Duration::from_secs(4), second).await.unwrap().unwrap();
    assert_eq!((holder(&server).as_str(), standing.borrow().role), ("b_2", Role::Leader));
    assert_eq!(lease(&server)["spec"]["leaseTransitions"], 1);
}

#[tokio::test(start_paused = true)]
async fn at_rest_a_leader_sends_one_request_per_period() {
    let server = server();
    let gate = Gate::new();
    let mut elector = candidate(&server, "a_1", &Gate::new());
    elector.acquire(&gate).await;
    let count = || server.tallies().values().map(|tally| tally.requests).sum::<u64>();
    let before = count();
    assert!(timeout(Duration::from_secs(100), elector.keep(&gate)).await.is_err());
    assert!((49..=50).contains(&(count() - before)), "{}", count() - before);
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_was_frozen_sends_nothing_when_it_wakes() {
    let (server, gate) = (server(), Gate::new());
    let mut elector = candidate(&server, "a_1", &Gate::new());
    elector.acquire(&gate).await;
    let mut keeping = Box::pin(elector.keep(&gate));
    assert!(timeout(Duration::from_secs(21), &mut keeping).await.is_err());
    assert!(passes(&gate).await);
    // Nobody polls it from here on.
    pass(8).await;
    assert!(passes(&gate).await, "the lease is still good");
    pass(2).await;
    assert!(!passes(&gate).await, "before anything else has run");
    assert_eq!(keeping.await, Lost::Overdue { after: Duration::from_secs(10), error: None });
    assert_eq!(holder(&server), "a_1");
    assert!(gate.is_closed());
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_reaches_nobody_stops_before_others_take_over() {
    let (server, gate, network, start) = (server(), Gate::new(), Gate::new(), Instant::now());
    let mut elector = candidate(&server, "a_1", &network);
    elector.acquire(&gate).await;
    let other = tokio::spawn({
        let mut other = candidate(&server, "b_2", &Gate::new());
        async move { other.acquire(&Gate::new()).await }
    });
    let keeping = async {
        let lost = elector.keep(&gate).await;
        (lost, start.elapsed())
    };
    let cut = async {
        pass(5).await;
        network.close();
    };
    let ((lost, at), ()) = tokio::join!(keeping, cut);
    // The last renewal was at second 4.
    assert_eq!(at, Duration::from_secs(14));
    let error = "cannot update leases.coordination.k8s.io argo-rollouts-controller-lock in namespace default: no \
                 answer within 5s";
    assert_eq!(lost, Lost::Overdue { after: Duration::from_secs(10), error: Some(error.to_owned()) });
    assert_eq!(holder(&server), "a_1");
    assert!(gate.is_closed());
    other.await.unwrap();
    assert!((Duration::from_secs(18)..=Duration::from_secs(22)).contains(&start.elapsed()));
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_is_answered_too_late_ends_the_leadership() {
    let (server, gate, delay) = (server(), Gate::new(), Arc::new(AtomicU64::new(0)));
    let (slow, wait) = (server.clone(), delay.clone());
    let service = tower::service_fn(move |request: Request<Body>| {
        let (answer, wait) = (slow.clone().oneshot(request), wait.load(Ordering::Relaxed));
        async move {
            sleep(Duration::from_secs(wait)).await;
            answer.await
        }
    });
    let times = Times::default();
    let candidate =
        Candidate { namespace: "default".into(), name: LOCK.into(), identity: "a_1".into(), times };
    let mut elector = Elector::new(client(service, &Gate::new()), candidate, Clock::starting_at(epoch()));
    elector.acquire(&gate).await;
    server.fail_writes(|_| Some(ApiError::new(503, "ServiceUnavailable", "away")));
    let keeping = tokio::spawn({
        let gate = gate.clone();
        async move { elector.keep(&gate).await }
    });
    // Tries at 2, 4 and 6 s fail; that at 8 s succeeds, and is answered just when the gate has closed.
    pass(7).await;
    server.allow_writes();
    delay.store(2, Ordering::Relaxed);
    let lost = timeout(Duration::from_secs(60), keeping).await.expect("it does not lead for ever").unwrap();
    assert!(matches!(lost, Lost::Overdue { .. }), "{lost}");
    assert!(!passes(&gate).await);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_given_back_is_taken_at_once() {
    let (server, gate) = (server(), Gate::new());
    let mut first = candidate(&server, "a_1", &Gate::new());
    first.acquire(&gate).await;
    let second = tokio::spawn({
        let mut second = candidate(&server, "b_2", &Gate::new());
        async move { second.acquire(&Gate::new()).await }
    });
    pass(3).await;
    // Somebody writes to it in between.
    patch(&server, &json!({"metadata": {"labels": {"team": "x"}}}));
    first.release().await.unwrap();
    assert_eq!(holder(&server), "");
    assert_eq!(lease(&server)["spec"]["leaseDurationSeconds"], 1);
    timeout(Duration::from_secs(2), second).await.unwrap().unwrap();
    assert_eq!(holder(&server), "b_2");
    assert_eq!(lease(&server)["metadata"]["labels"]["team"], "x");
    // Too late: it is somebody else's.
    first.release().await.unwrap();
    assert_eq!(holder(&server), "b_2");
}

#[tokio::test(start_paused = true)]
async fn what_clocks_show_makes_no_difference() {
    let (server, gate) = (server(), Gate::new());
    let mut first = skewed(&server, "a_1", &Gate::new(), SignedDuration::from_hours(-3));
    first.acquire(&gate).await;
    let first = tokio::spawn(async move { first.keep(&gate).await });
    let second = tokio::spawn({
        let mut second = skewed(&server, "b_2", &Gate::new(), SignedDuration::from_hours(3));
        async move { second.acquire(&Gate::new()).await }
    });
    pass(600).await;
    assert_eq!(holder(&server), "a_1");
    first.abort();
    pass(18).await;
    assert_eq!(holder(&server), "b_2");
    second.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_leader_copes_with_others_who_write_to_its_lease() {
    let (server, gate) = (server(), Gate::new());
    let mut elector = candidate(&server, "a_1", &Gate::new());
    elector.acquire(&gate).await;
    let keeping = tokio::spawn({
        let gate = gate.clone();
        async move { elector.keep(&gate).await }
    });
    pass(3).await;
    patch(&server, &json!({"metadata": {"labels": {"team": "x"}}}));
    pass(30).await;
    server.delete("other", LEASES, ("default", LOCK), &Value::Null).unwrap();
    pass(30).await;
    assert_eq!(holder(&server), "a_1");
    assert!(passes(&gate).await);
    patch(&server, &json!({"spec": {"holderIdentity": "b_2"}}));
    assert_eq!(keeping.await.unwrap(), Lost::Taken { holder: "b_2".to_owned() });
    assert!(gate.is_closed());
}

#[tokio::test(start_paused = true)]
async fn upstreams_leader_is_respected_until_its_lease_runs_out() {
    let server = server();
    let spec = json!({
        "holderIdentity": "argo-rollouts-7d9c_0b5e", "leaseDurationSeconds": 15, "leaseTransitions": 4,
        "acquireTime": "2020-01-01T00:00:00.000000Z", "renewTime": "2020-01-01T00:00:00.000000Z",
    });
    let lease = json!({"metadata": {"name": LOCK}, "spec": spec});
    server.create("upstream", LEASES, "default", lease).unwrap();
    let ours = tokio::spawn({
        let mut ours = candidate(&server, "a_1", &Gate::new());
        async move { ours.acquire(&Gate::new()).await }
    });
    for renewal in 1..10 {
        pass(10).await;
        // A sign of life, whatever its clock says.
        patch(&server, &json!({"spec": {"renewTime": format!("2020-01-01T00:00:0{renewal}.000000Z")}}));
    }
    pass(14).await;
    assert!(!ours.is_finished());
    pass(4).await;
    ours.await.unwrap();
    assert_eq!(
        (holder(&server).as_str(), &self::lease(&server)["spec"]["leaseTransitions"]),
        ("a_1", &json!(5))
    );
}

#[tokio::test(start_paused = true)]
async fn refusals_are_told_and_tried_again() {
    let (server, gate) = (server(), Gate::new());
    server.fail_writes(|attempt| {
        let why = format!("leases is forbidden: {} cannot do that", attempt.actor);
        (attempt.verb == "create").then(|| ApiError::new(403, "Forbidden", why))
    });
    let mut elector = candidate(&server, "a_1", &Gate::new());
    let mut standing = elector.standing();
    let acquiring = tokio::spawn(async move { elector.acquire(&gate).await });
    let told = standing.wait_for(|standing| standing.error.is_some()).await.unwrap().clone();
    let error = told.error.unwrap();
    let start = "cannot create leases.coordination.k8s.io argo-rollouts-controller-lock in namespace default: leases \
                 is forbidden: ";
    assert!(error.starts_with(start), "{error}");
    assert!(
        error.ends_with("; grant the controller the verb create on leases.coordination.k8s.io"),
        "{error}"
    );
    pass(30).await;
    assert!(!acquiring.is_finished());
    server.allow_writes();
    timeout(Duration::from_secs(2), acquiring).await.unwrap().unwrap();
    assert_eq!((standing.borrow().role, &standing.borrow().error), (Role::Leader, &None));
}
