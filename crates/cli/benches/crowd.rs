//! How long the plugin takes, and how much memory, in a namespace with 1,000 Rollouts, each with a ReplicaSet and a pod.
//!
//! `cargo bench -p tidegate-cli --bench crowd` runs each command a few times, one after the other, and prints the median; memory
//! needs `/usr/bin/time`. With `-- --serve` the server stays, for other tools: the kubeconfig's path is printed.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_kubesim::listener::Listener;
use tidegate_kubesim::{ApiServer, Config};

const ROLLOUTS: usize = 1_000;
const RUNS: usize = 21;

fn main() {
    let wants_server = std::env::args().any(|arg| arg == "--serve");
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("crowd.kubeconfig");
    let kubeconfig = path.clone();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = ApiServer::new(Config::default());
            fill(&server);
            let listener = Listener::bind(server, 0).await.unwrap();
            std::fs::write(&kubeconfig, listener.kubeconfig("crowd")).unwrap();
            tell.send(()).unwrap();
            listener.serve().await;
        });
    });
    told.recv().unwrap();
    if wants_server {
        println!("KUBECONFIG={}", path.display());
        loop {
            std::thread::park();
        }
    }
    println!("{:<42}{:>10}{:>12}", "", "median", "peak memory");
    for line in [
        "version --short",
        "get rollout app-0500",
        "get rollout app-0500 --no-color",
        "list rollouts",
        "status app-0500 -w=false",
    ] {
        measure(&path, line);
    }
    let _ = std::fs::remove_file(&path);
}

#[allow(clippy::disallowed_methods, reason = "a bench looks at the clock")]
fn measure(kubeconfig: &Path, line: &str) {
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-argo-rollouts"));
            let command = command.args(line.split(' ')).env("KUBECONFIG", kubeconfig);
            let began = std::time::Instant::now();
            let status = command.stdout(Stdio::null()).status().unwrap();
            assert!(status.success(), "{line}");
            began.elapsed()
        })
        .collect();
    times.sort();
    let memory =
        peak_memory(kubeconfig, line).map_or("-".to_owned(), |kib| format!("{:.1} MiB", kib / 1024.0));
    println!("{line:<42}{:>7.1} ms{memory:>12}", times[RUNS / 2].as_secs_f64() * 1e3);
}

/// KiB, as GNU time tells them in the last line.
fn peak_memory(kubeconfig: &Path, line: &str) -> Option<f64> {
    let mut command = Command::new("/usr/bin/time");
    command.args(["-f", "%M", env!("CARGO_BIN_EXE_kubectl-argo-rollouts")]).args(line.split(' '));
    let output = command.env("KUBECONFIG", kubeconfig).output().ok()?;
    String::from_utf8(output.stderr).ok()?.lines().last()?.trim().parse().ok()
}

fn fill(server: &ApiServer) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crds/rollouts.argoproj.io.yaml");
    let crd: Value = serde_yaml_ng::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    server.create("bench", "customresourcedefinitions.apiextensions.k8s.io", "", crd).unwrap();
    for number in 0..ROLLOUTS {
        let name = format!("app-{number:04}");
        let labels = json!({"app": name, "rollouts-pod-template-hash": "abc"});
        let spec =
            json!({"containers": [{"name": "web", "image": "demo:blue", "ports": [{"containerPort": 80}]}]});
        let template = json!({"metadata": {"labels": {"app": name}}, "spec": spec});
        let rollout = store(
            server,
            "rollouts",
            json!({
                "metadata": {"name": name, "managedFields": managed_fields()},
                "spec": {
                    "replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template,
                    "strategy": {"canary": {"steps": [{"setWeight": 20}, {"pause": {}}]}},
                },
                "status": {
                    "phase": "Healthy", "stableRS": "abc", "currentPodHash": "abc", "currentStepIndex": 2,
                    "observedGeneration": "1", "replicas": 1, "readyReplicas": 1, "availableReplicas": 1,
                },
            }),
        );
        let replica_set = store(
            server,
            "replicasets",
            json!({
                "metadata": {
                    "name": format!("{name}-abc"), "labels": labels, "ownerReferences": [owner(&rollout, "Rollout")],
                    "managedFields": managed_fields(), "annotations": {"rollout.argoproj.io/revision": "1"},
                },
                "spec": {
                    "replicas": 1, "selector": {"matchLabels": labels},
                    "template": {"metadata": {"labels": labels}, "spec": spec},
                },
                "status": {"replicas": 1, "readyReplicas": 1, "availableReplicas": 1, "observedGeneration": 1},
            }),
        );
        store(
            server,
            "pods",
            json!({
                "metadata": {
                    "name": format!("{name}-abc-12345"), "labels": labels,
                    "ownerReferences": [owner(&replica_set, "ReplicaSet")], "managedFields": managed_fields(),
                },
                "spec": spec,
                "status": {"phase": "Running", "containerStatuses": [{
                    "name": "web", "image": "demo:blue", "imageID": "", "ready": true, "restartCount": 0,
                    "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
                }]},
            }),
        );
    }
}

/// About as much as the API server keeps of who has set which field.
fn managed_fields() -> Value {
    let fields: serde_json::Map<String, Value> =
        (0..40).map(|number| (format!("f:some-field-of-the-object-{number}"), json!({}))).collect();
    let entry = |manager: &str| json!({"manager": manager, "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": fields});
    json!([entry("kubectl-client-side-apply"), entry("rollouts-controller")])
}

fn owner(object: &Value, kind: &str) -> Value {
    let meta = &object["metadata"];
    json!({"apiVersion": "v1", "kind": kind, "name": meta["name"], "uid": meta["uid"], "controller": true})
}

fn store(server: &ApiServer, resource: &str, object: Value) -> Value {
    let name = object["metadata"]["name"].as_str().unwrap().to_owned();
    let status = json!({"status": object["status"]});
    server.create("bench", resource, "default", object).unwrap();
    let stored = server.merge_patch("bench", (resource, "status"), ("default", &name), &status).unwrap();
    stored.as_ref().clone()
}
