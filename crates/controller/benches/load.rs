//! What a thousand Rollouts cost the controller: bytes kept for each with its two ReplicaSets, and processor time and bytes
//! allocated for each delivery of a watch with the look that follows it.
//!
//! The server is made of prepared bytes, so that all of the memory and nearly all of the time is the controller's. What it
//! serves was made by the controller and the in-memory API server: Rollouts after an update, at rest.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::alloc::System;
use std::convert::Infallible;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame};
use http_body_util::{Either, Full, StreamBody};
use kube::client::Body;
use serde_json::{Value, json};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};
use tidegate_controller::logs::{self, Format};
use tidegate_controller::{Clock, Config, Controller, Gate, Handle, client};
use tidegate_kubesim::ApiServer;
use tokio::time::sleep;
use tower::BoxError;
use tracing::level_filters::LevelFilter;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const ROLLOUTS: usize = 1000;
const TOUCHES: usize = 10;
const EPOCH: &str = "2026-01-01T00:00:00Z";
const KINDS: [&str; 3] = ["rollouts", "replicasets", "services"];

fn main() {
    let objects = block_on(at_rest());
    let server = Server::new(&objects);
    let size = |kind: &str| server.objects(kind).map(String::len).sum::<usize>() / ROLLOUTS;
    println!(
        "{ROLLOUTS} Rollouts; on the wire {} bytes each, {} in ReplicaSets",
        size(KINDS[0]),
        size(KINDS[1])
    );
    block_on(measure(server));
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(work)
}

/// Measures, in order: taking in the lists with the first look at everything, then deliveries of ReplicaSets.
async fn measure(server: Server) {
    let start = Region::new(ALLOCATOR);
    let config =
        Config { event_capacity: ROLLOUTS, ..Config::new(Clock::starting_at(EPOCH.parse().unwrap())) };
    let service = server.clone();
    let service =
        tower::service_fn(move |request| std::future::ready(Ok::<_, Infallible>(service.answer(&request))));
    let controller = Controller::new(config, client(service, &Gate::new())).unwrap();
    let handle = controller.handle();
    let cpu = Cpu::start();
    tokio::spawn(controller.run());
    quiet(&handle).await;
    let plans = handle.metrics().plans;
    assert!(plans >= ROLLOUTS as u64, "{plans} plans");
    assert_eq!(handle.metrics().writes, 0, "nothing is to be done");
    cpu.print("list and first look", ROLLOUTS, &start);
    let kept = |change: Stats| (change.bytes_allocated - change.bytes_deallocated) / ROLLOUTS;
    println!("kept for each Rollout: {} bytes", kept(start.change()));

    touch(&server, &handle, 2000, "one delivery and look").await;
    println!("kept for each Rollout: {} bytes", kept(start.change()));
    let written = Arc::new(AtomicUsize::new(0));
    let log =
        logs::subscriber(Format::Text, LevelFilter::INFO, || EPOCH.parse().unwrap(), Tally(written.clone()));
    let guard = tracing::subscriber::set_default(log);
    touch(&server, &handle, 1_000_000, "the same with its log").await;
    drop(guard);
    println!("its log: {} bytes", written.load(Relaxed) / ROLLOUTS / TOUCHES);

    let region = Region::new(ALLOCATOR);
    let cpu = Cpu::start();
    let text = handle.metrics_text();
    cpu.print("one scrape", 1, &region);
    println!("its text: {} bytes for each Rollout", text.len() / ROLLOUTS);
}

/// Delivers every Rollout's newest ReplicaSet some times, unchanged but for its version.
async fn touch(server: &Server, handle: &Handle, version: usize, what: &str) {
    let plans = handle.metrics().plans;
    let lines = server.touches(version);
    let (cpu, region) = (Cpu::start(), Region::new(ALLOCATOR));
    for line in lines {
        server.send(KINDS[1], &line);
        quiet(handle).await;
    }
    assert_eq!(handle.metrics().plans - plans, (ROLLOUTS * TOUCHES) as u64, "a look for each delivery");
    assert_eq!(handle.metrics().writes, 0, "nothing is to be done");
    cpu.print(what, ROLLOUTS * TOUCHES, &region);
}

/// Counts what is written to it.
struct Tally(Arc<AtomicUsize>);

impl Write for Tally {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.fetch_add(bytes.len(), Relaxed);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

async fn quiet(handle: &Handle) {
    loop {
        sleep(Duration::from_millis(1)).await;
        if handle.is_idle() {
            return;
        }
    }
}

/// Processor time of this thread.
struct Cpu(u64);

impl Cpu {
    fn now() -> u64 {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        text.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0)
    }

    fn start() -> Self {
        Self(Self::now())
    }

    fn print(self, what: &str, times: usize, region: &Region<'_, System>) {
        let (nanos, change) = (Self::now() - self.0, region.change());
        println!(
            "{what}: {} us, {} bytes in {} allocations",
            nanos / 1000 / times as u64,
            change.bytes_allocated / times,
            change.allocations / times
        );
    }
}

/// A Rollout after an update and its two ReplicaSets, as a server sends them.
async fn at_rest() -> [Vec<Value>; 2] {
    let epoch = EPOCH.parse().unwrap();
    let server = ApiServer::new(tidegate_kubesim::Config { epoch, ..Default::default() });
    server.create("user", "customresourcedefinitions", "", tidegate_api::crd::rollout_crd()).unwrap();
    server.spawn_controllers();
    let controller =
        Controller::new(Config::new(Clock::starting_at(epoch)), client(server.clone(), &Gate::new()))
            .unwrap();
    tokio::spawn(controller.run());
    server.create("user", "rollouts.argoproj.io", "default", rollout()).unwrap();
    sleep(Duration::from_secs(60)).await;
    let mut changed = (*server.get("rollouts.argoproj.io", "default", "r00000").unwrap()).clone();
    *changed.pointer_mut("/spec/template/spec/containers/0/image").unwrap() = json!("demo:yellow");
    let template = json!({"spec": {"template": changed["spec"]["template"]}});
    server.merge_patch("user", ("rollouts.argoproj.io", ""), ("default", "r00000"), &template).unwrap();
    // Past the look that the progress deadline asks for.
    sleep(Duration::from_secs(3600)).await;
    let objects = KINDS[..2].iter().map(|kind| {
        let list = server.list(if *kind == KINDS[0] { "rollouts.argoproj.io" } else { kind }, None);
        list.iter().map(|object| dressed(object)).collect::<Vec<_>>()
    });
    let objects: Vec<_> = objects.collect();
    assert_eq!((objects[0].len(), objects[1].len()), (1, 2));
    assert_eq!(objects[0][0]["status"]["phase"], "Healthy");
    objects.try_into().unwrap()
}

/// With what real objects carry besides: `managedFields`, and the annotation of client-side apply.
fn dressed(object: &Value) -> Value {
    let mut dressed = object.clone();
    dressed["metadata"]["managedFields"] = json!([
        {"manager": "kubectl-client-side-apply", "operation": "Update", "fieldsV1": fields(&object["spec"])},
        {"manager": "rollouts-controller", "operation": "Update", "fieldsV1": fields(&object["status"])},
    ]);
    let mut applied = object.clone();
    applied.as_object_mut().unwrap().remove("status");
    dressed["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] =
        json!(applied.to_string());
    dressed
}

fn fields(value: &Value) -> Value {
    let members = value.as_object().into_iter().flatten();
    members.map(|(key, value)| (format!("f:{key}"), fields(value))).collect()
}

/// The Rollout of `shared/bench/scale.py`.
fn rollout() -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
        "metadata": {"name": "r00000", "namespace": "default"},
        "spec": {
            "replicas": 1, "revisionHistoryLimit": 2, "selector": {"matchLabels": {"app": "demo"}},
            "strategy": {"canary": {"maxSurge": 1, "maxUnavailable": 0, "steps": [
                {"setWeight": 20}, {"pause": {"duration": "1s"}}, {"setWeight": 60}, {"pause": {"duration": "1s"}}]}},
            "template": {"metadata": {"labels": {"app": "demo"}}, "spec": {
                "nodeName": "n0", "terminationGracePeriodSeconds": 0,
                "containers": [{"name": "c", "image": "demo:blue", "ports": [{"containerPort": 8080}],
                    "resources": {"requests": {"cpu": "5m", "memory": "32Mi"}}}]}},
        },
    })
}

/// An API server of prepared texts. Clones are the same server.
#[derive(Clone)]
struct Server(Arc<Content>);

struct Content {
    lists: [Vec<String>; 3],
    watches: Mutex<[Vec<UnboundedSender<Bytes>>; 3]>,
}

impl Server {
    fn new([rollouts, replica_sets]: &[Vec<Value>; 2]) -> Self {
        let uid = rollouts[0]["metadata"]["uid"].as_str().unwrap();
        let copy = |object: &Value, index: usize| {
            let mut object = object.clone();
            let own = object["metadata"]["uid"].as_str().unwrap().to_owned();
            object["metadata"]["resourceVersion"] = json!("1000");
            let text = object.to_string().replace("r00000", &format!("r{index:05}"));
            text.replace(uid, &numbered(uid, index)).replace(&own, &numbered(&own, index))
        };
        let lists = [rollouts, replica_sets, &Vec::new()]
            .map(|list| (0..ROLLOUTS).flat_map(|index| list.iter().map(move |it| copy(it, index))).collect());
        Self(Arc::new(Content { lists, watches: Mutex::default() }))
    }

    fn objects(&self, kind: &str) -> impl Iterator<Item = &String> {
        self.0.lists[place(kind)].iter()
    }

    fn answer(
        &self,
        request: &Request<Body>,
    ) -> Response<impl HttpBody<Data = Bytes, Error = BoxError> + use<>> {
        let kind = request.uri().path().rsplit('/').next().unwrap_or_default();
        let query = request.uri().query().unwrap_or_default();
        if !KINDS.contains(&kind) {
            return Response::new(Either::Left(Full::from("{}")));
        }
        if !query.contains("watch=true") {
            return Response::new(Either::Left(Full::from(self.page(kind, query))));
        }
        let (sender, receiver) = unbounded();
        self.0.watches.lock().unwrap()[place(kind)].push(sender);
        let frames = receiver.map(|line| Ok::<_, Infallible>(Frame::data(line)));
        Response::new(Either::Right(StreamBody::new(frames)))
    }

    fn page(&self, kind: &str, query: &str) -> String {
        let number = |name: &str| {
            let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
            value.and_then(|value| value.parse::<usize>().ok())
        };
        let (start, limit) = (number("continue").unwrap_or(0), number("limit").unwrap_or(usize::MAX));
        let all = &self.0.lists[place(kind)];
        let end = start.saturating_add(limit).min(all.len());
        let next = if end < all.len() { end.to_string() } else { String::new() };
        format!(
            r#"{{"kind": "List", "apiVersion": "v1", "metadata": {{"resourceVersion": "1000", "continue": "{next}"}}, "items": [{}]}}"#,
            all[start..end].join(",")
        )
    }

    /// For each Rollout some deliveries of one of its ReplicaSets, with nothing changed but the version.
    fn touches(&self, first: usize) -> Vec<Bytes> {
        let old = r#""resourceVersion":"1000""#;
        let portion = |round: usize| {
            let sets = self.0.lists[1].iter().skip(1).step_by(2).enumerate().map(move |(index, text)| {
                let version = first + round * ROLLOUTS + index;
                assert!(text.contains(old));
                let text = text.replace(old, &format!(r#""resourceVersion":"{version}""#));
                format!("{{\"type\":\"MODIFIED\",\"object\":{text}}}\n")
            });
            sets.map(Bytes::from).collect::<Vec<_>>()
        };
        (0..TOUCHES).flat_map(portion).collect()
    }

    fn send(&self, kind: &str, line: &Bytes) {
        for watch in &self.0.watches.lock().unwrap()[place(kind)] {
            _ = watch.unbounded_send(line.clone());
        }
    }
}

fn place(kind: &str) -> usize {
    KINDS.iter().position(|known| *known == kind).unwrap()
}

/// The uid with its last digits replaced.
fn numbered(uid: &str, index: usize) -> String {
    format!("{}{index:06}", &uid[..uid.len() - 6])
}
