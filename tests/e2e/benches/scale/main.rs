//! What a thousand Rollouts cost: all of them created, then all of them updated, by the release build of the controller on a
//! real control plane. The load is that of Argo Rollouts' published figures: one replica, four steps, two pauses of a second.
//!
//! `cargo xtask bench` runs it. Prints one JSON object per phase. `ROLLOUTS` says how many.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement, in real time"
)]

mod cost;

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use cost::{Audit, Process};
use futures::StreamExt;
use http::{Method, Request};
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};
use tidegate_e2e::{ControlPlane, Guarded, User, define, folder, wait_until};

const NAMESPACE: &str = "scale";
/// Requests of the load under way at once.
const CLIENTS: usize = 16;
/// How long a phase may take.
const LIMIT: Duration = Duration::from_secs(900);
/// How long the controller is watched at rest.
const REST: Duration = Duration::from_secs(20);

fn main() {
    let count: usize = std::env::var("ROLLOUTS").ok().and_then(|text| text.parse().ok()).unwrap_or(1000);
    let target = std::env::current_exe().unwrap().ancestors().nth(3).unwrap().to_path_buf();
    let plane = ControlPlane::start(&folder("scale")).unwrap();
    define(&plane).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = runtime.block_on(client(&plane));
    let controller = start(&plane, target.join("release/rollouts-controller"));
    let process = Process::new(controller.id());
    let mut audit = Audit::new(plane.audit_log());
    let load = Load { client, count };
    runtime.block_on(load.begin());
    report(&json!({"phase": "start", "rss_mib": process.rss(), "binary_mib": binary_size(&target)}));
    for (phase, image) in [("create", "demo:blue"), ("update", "demo:yellow")] {
        let (cpu, began) = (process.cpu(), Instant::now());
        audit.skip();
        runtime.block_on(load.send(phase, image));
        let sent = began.elapsed();
        runtime.block_on(load.converged(image));
        let took = began.elapsed();
        runtime.block_on(pause(Duration::from_secs(2)));
        let mut figures = json!({
            "phase": phase, "rollouts": count, "sent_s": sent.as_secs_f64(), "converged_s": took.as_secs_f64(),
            "cpu_s": process.cpu() - cpu, "rss_mib": process.rss(), "peak_mib": process.peak(),
        });
        figures.as_object_mut().unwrap().extend(audit.figures(count));
        report(&figures);
    }
    // What is left of events, and the history of the last minute.
    runtime.block_on(pause(Duration::from_secs(40)));
    audit.skip();
    let cpu = process.cpu();
    runtime.block_on(pause(REST));
    let percent = 100.0 * (process.cpu() - cpu) / REST.as_secs_f64();
    report(
        &json!({"phase": "rest", "cpu_percent": percent, "requests": audit.count(), "rss_mib": process.rss()}),
    );
}

async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

fn report(figures: &Value) {
    println!("{figures}");
}

fn binary_size(target: &std::path::Path) -> f64 {
    let size = std::fs::metadata(target.join("release/rollouts-controller")).unwrap().len();
    #[expect(clippy::cast_precision_loss, reason = "a size in MiB")]
    let size = size as f64 / 1_048_576.0;
    size
}

async fn client(plane: &ControlPlane) -> Client {
    let kubeconfig = Kubeconfig::read_from(plane.kubeconfig(User::Admin)).unwrap();
    let options = KubeConfigOptions::default();
    Client::try_from(kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap()).unwrap()
}

fn start(plane: &ControlPlane, program: PathBuf) -> Guarded {
    let mut command = Command::new(program);
    command.arg("--kubeconfig").arg(plane.kubeconfig(User::Ctl));
    command.args(["--qps=1000", "--burst=2000", "--healthzPort=18080", "--metricsPort=18090"]);
    command.env("POD_NAMESPACE", "default");
    let mut controller =
        Guarded::spawn("rollouts-controller", &command, &plane.folder().join("controller.log")).unwrap();
    let ready = wait_until("the controller leads", LIMIT, || {
        controller.check()?;
        Ok(plane.kubectl(&["get", "lease", "-n", "default", "argo-rollouts-controller-lock"]).is_ok())
    });
    ready.unwrap_or_else(|error| panic!("{error}\n{}", controller.log()));
    controller
}

struct Load {
    client: Client,
    count: usize,
}

impl Load {
    async fn begin(&self) {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
        self.request(Method::POST, "/api/v1/namespaces".to_owned(), "application/json", &namespace).await;
    }

    /// Creates all of them, or gives all of them another image.
    async fn send(&self, phase: &str, image: &str) {
        let base = base();
        let requests = (0..self.count).map(|number| {
            let base = base.clone();
            async move {
                if phase == "create" {
                    self.request(Method::POST, base, "application/json", &rollout(number, image)).await
                } else {
                    let path = "/spec/template/spec/containers/0/image";
                    let patch = json!([{"op": "replace", "path": path, "value": image}]);
                    let path = format!("{base}/{}", name(number));
                    self.request(Method::PATCH, path, "application/json-patch+json", &patch).await
                }
            }
        });
        futures::stream::iter(requests).buffer_unordered(CLIENTS).for_each(|_| async {}).await;
    }

    /// Waits until all of them are Healthy and run this image.
    async fn converged(&self, image: &str) {
        let began = Instant::now();
        loop {
            let healthy = self.healthy(image).await;
            if healthy == self.count {
                return;
            }
            assert!(began.elapsed() < LIMIT, "only {healthy} of {} are healthy", self.count);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    async fn healthy(&self, image: &str) -> usize {
        let (mut healthy, mut token) = (0, String::new());
        loop {
            let path = format!("{}?limit=500&resourceVersion=0{token}", base());
            let list = self.request(Method::GET, path, "application/json", &Value::Null).await;
            healthy += list["items"].as_array().unwrap().iter().filter(|it| is_done(it, image)).count();
            match list["metadata"]["continue"].as_str() {
                Some(next) if !next.is_empty() => token = format!("&continue={next}"),
                _ => return healthy,
            }
        }
    }

    async fn request(&self, method: Method, path: String, content_type: &str, body: &Value) -> Value {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let request = Request::builder().method(method).uri(path).header("content-type", content_type);
        self.client.request(request.body(body).unwrap()).await.unwrap()
    }
}

fn base() -> String {
    format!("/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/rollouts")
}

fn name(number: usize) -> String {
    format!("r{number:05}")
}

fn rollout(number: usize, image: &str) -> Value {
    let name = name(number);
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": name},
        "spec": {
            "replicas": 1, "revisionHistoryLimit": 2, "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {
                // Without the scheduler in the way.
                "nodeName": "n0", "terminationGracePeriodSeconds": 0,
                "containers": [{
                    "name": "c", "image": image, "ports": [{"containerPort": 8080}],
                    "resources": {"requests": {"cpu": "5m", "memory": "32Mi"}},
                }],
            }},
            "strategy": {"canary": {"maxSurge": 1, "maxUnavailable": 0, "steps": [
                {"setWeight": 20}, {"pause": {"duration": "1s"}}, {"setWeight": 60}, {"pause": {"duration": "1s"}},
            ]}},
        },
    })
}

fn is_done(rollout: &Value, image: &str) -> bool {
    let (status, generation) = (&rollout["status"], rollout["metadata"]["generation"].to_string());
    status["phase"] == "Healthy"
        && status["stableRS"] == status["currentPodHash"]
        && status["observedGeneration"] == generation
        && rollout["spec"]["template"]["spec"]["containers"][0]["image"] == image
}
