//! A cluster with a controller on a paused clock.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::header::USER_AGENT;
use http::{HeaderValue, Request, Response};
use http_body::{Body, Frame};
use jiff::Timestamp;
use kube::client::Body as ClientBody;
use serde_json::{Value, json};
use tidegate_controller::{Clock, Config, Controller, Gate, Handle, client};
use tidegate_kubesim::ApiServer;
use tokio::task::JoinHandle;
use tower::{Layer, Service, ServiceExt};

pub(crate) const CONTROLLER: &str = "rollouts-controller";

fn epoch() -> Timestamp {
    "2026-01-01T00:00:00.4Z".parse().unwrap()
}

pub(crate) struct World {
    pub(crate) server: ApiServer,
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
}

pub(crate) struct Running {
    pub(crate) gate: Gate,
    pub(crate) handle: Handle,
    pub(crate) task: JoinHandle<()>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_crd(tidegate_api::crd::rollout_crd())
    }

    /// A cluster with another definition of Rollouts.
    pub(crate) fn with_crd(crd: Value) -> Self {
        let server = ApiServer::new(tidegate_kubesim::Config { epoch: epoch(), ..Default::default() });
        server.create("user", "customresourcedefinitions", "", crd).unwrap();
        server.spawn_controllers();
        Self { server, clock: Clock::starting_at(epoch()), faults: Faults::default() }
    }

    pub(crate) fn config(&self) -> Config {
        Config { survives_panics: false, ..Config::new(self.clock) }
    }

    pub(crate) fn start(&self, config: Config) -> Running {
        let gate = Gate::new();
        let service = self.server.clone().map_request(|mut request: Request<ClientBody>| {
            request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(CONTROLLER));
            request
        });
        let service = Faulty { inner: service, faults: self.faults.clone() };
        let service = config.requests.layer(service);
        let controller = Controller::new(config, client(service, &gate)).unwrap();
        let handle = controller.handle();
        Running { gate, handle, task: tokio::spawn(controller.run()) }
    }

    pub(crate) fn create_rollout(&self, name: &str) {
        self.server.create("user", "rollouts.argoproj.io", "default", rollout(name, "demo:1")).unwrap();
    }

    /// Changes the image of a Rollout.
    pub(crate) fn update(&self, name: &str, image: &str) {
        let template = rollout(name, image)["spec"]["template"].clone();
        self.patch(name, &json!({"spec": {"template": template}}));
    }

    pub(crate) fn patch(&self, name: &str, patch: &Value) {
        self.server.merge_patch("user", ("rollouts.argoproj.io", ""), ("default", name), patch).unwrap();
    }

    pub(crate) fn rollout(&self, name: &str) -> Value {
        self.server.get("rollouts.argoproj.io", "default", name).map_or(Value::Null, |it| (*it).clone())
    }

    pub(crate) fn phase(&self, name: &str) -> String {
        self.rollout(name)["status"]["phase"].as_str().unwrap_or_default().to_owned()
    }

    /// `(image, spec.replicas, ready)` of every ReplicaSet.
    pub(crate) fn replica_sets(&self) -> BTreeSet<(String, i64, i64)> {
        let sets = self.server.list("replicasets", Some("default"));
        let row = |it: &Arc<Value>| {
            let image = it["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap().to_owned();
            let ready = it["status"]["readyReplicas"].as_i64().unwrap_or(0);
            (image, it["spec"]["replicas"].as_i64().unwrap(), ready)
        };
        sets.iter().map(row).collect()
    }

    /// Reasons of all events about a Rollout, in the order in which they happened.
    pub(crate) fn events(&self, name: &str) -> Vec<String> {
        let mut events = self.server.list("events", Some("default"));
        events.retain(|event| event["involvedObject"]["name"] == name);
        events.sort_by_key(|event| event["metadata"]["name"].as_str().unwrap().to_owned());
        events.iter().map(|event| event["reason"].as_str().unwrap().to_owned()).collect()
    }

    /// Changes that the controller has stored, events aside.
    pub(crate) fn writes(&self) -> u64 {
        let tallies = self.server.tallies();
        let ours = tallies.iter().filter(|(key, _)| key.actor == CONTROLLER && key.resource != "events");
        ours.map(|(_, tally)| tally.stored).sum()
    }
}

pub(crate) async fn pass(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}

/// A canary of three pods that pauses once.
pub(crate) fn rollout(name: &str, image: &str) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": name}},
            "strategy": {"canary": {"steps": [{"setWeight": 34}, {"pause": {"duration": "30s"}}]}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "demo", "image": image}]},
            },
        },
    })
}

/// What is wrong between controller and server, by a part of the request's path and query.
#[derive(Clone, Default)]
pub(crate) struct Faults(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    refused: BTreeSet<String>,
    held: BTreeSet<String>,
    sleeping: Vec<Waker>,
}

impl Faults {
    /// Answers 403 to requests whose URI contains `part`.
    pub(crate) fn refuse(&self, part: &str) {
        self.0.lock().unwrap().refused.insert(part.to_owned());
    }

    /// Delivers nothing on watches whose URI contains `part`.
    pub(crate) fn hold(&self, part: &str) {
        self.0.lock().unwrap().held.insert(part.to_owned());
    }

    pub(crate) fn heal(&self) {
        let mut state = self.0.lock().unwrap();
        state.refused.clear();
        state.held.clear();
        state.sleeping.drain(..).for_each(Waker::wake);
    }

    fn is_refused(&self, uri: &str) -> bool {
        self.0.lock().unwrap().refused.iter().any(|part| uri.contains(part.as_str()))
    }
}

#[derive(Clone)]
struct Faulty<S> {
    inner: S,
    faults: Faults,
}

impl<S, B> Service<Request<ClientBody>> for Faulty<S>
where
    S: Service<Request<ClientBody>, Response = Response<B>>,
    S::Future: Send + 'static,
    S::Error: 'static,
    B: Body<Data = bytes::Bytes, Error: Into<tower::BoxError>> + Send + 'static,
{
    type Response = Response<HeldBody<http_body_util::Either<B, http_body_util::Full<bytes::Bytes>>>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ClientBody>) -> Self::Future {
        let uri = format!("{} {}", request.method(), request.uri());
        let faults = self.faults.clone();
        if faults.is_refused(&uri) {
            let status = json!({"kind": "Status", "code": 403, "reason": "Forbidden", "message": "not now"});
            let body = http_body_util::Either::Right(http_body_util::Full::from(status.to_string()));
            let mut response = Response::new(HeldBody { inner: Box::pin(body), uri, faults });
            *response.status_mut() = http::StatusCode::FORBIDDEN;
            return Box::pin(async { Ok(response) });
        }
        let answer = self.inner.call(request);
        Box::pin(async move {
            let wrap = |body| HeldBody { inner: Box::pin(http_body_util::Either::Left(body)), uri, faults };
            Ok(answer.await?.map(wrap))
        })
    }
}

pub(crate) struct HeldBody<B> {
    inner: Pin<Box<B>>,
    uri: String,
    faults: Faults,
}

impl<B: Body> Body for HeldBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        if self.uri.contains("watch=true") {
            let mut state = self.faults.0.lock().unwrap();
            if state.held.iter().any(|part| self.uri.contains(part.as_str())) {
                state.sleeping.push(cx.waker().clone());
                return Poll::Pending;
            }
        }
        self.inner.as_mut().poll_frame(cx)
    }
}
