//! An API server with the objects of a captured moment, in a thread of its own.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use tidegate_kubesim::listener::Listener;
use tidegate_kubesim::{ApiServer, Config};

type Act = Box<dyn FnOnce(&ApiServer) + Send>;

/// A server and a kubeconfig that leads to it.
pub(crate) struct World {
    pub(crate) folder: Folder,
    pub(crate) address: SocketAddr,
    pub(crate) namespace: String,
    /// What the thread is to do; closed, it ends the server.
    acts: Option<tokio::sync::mpsc::UnboundedSender<Act>>,
    thread: Option<JoinHandle<()>>,
}

/// A folder that is gone with the test.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// How time passes on the server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Time {
    /// It stands still, at the moment at which upstream printed.
    Frozen,
    /// It passes, a day later: no age changes within a test.
    Passing,
}

impl World {
    /// A moment of `fixtures/upstream`, where time stands still.
    pub(crate) fn frozen(moment: &str) -> Self {
        Self::start(Moment::read(moment), Time::Frozen)
    }

    /// The same, a day later, where time passes: watches need that.
    pub(crate) fn passing(moment: &str) -> Self {
        Self::start(Moment::read(moment), Time::Passing)
    }

    /// Without any Rollout.
    pub(crate) fn empty() -> Self {
        Self::start(Moment::empty(), Time::Frozen)
    }

    fn start(moment: Moment, time: Time) -> Self {
        let (acts, mut todo) = tokio::sync::mpsc::unbounded_channel::<Act>();
        let (tell, told) = mpsc::channel();
        let namespace = moment.namespace.clone();
        let thread = std::thread::spawn(move || {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            let runtime = builder.enable_all().start_paused(time == Time::Frozen).build().unwrap();
            runtime.block_on(async {
                let server = moment.server(time);
                let listener = Listener::bind(server.clone(), 0).await.unwrap();
                tell.send((listener.address(), listener.kubeconfig("test"))).unwrap();
                let serving = tokio::spawn(listener.serve());
                while let Some(act) = todo.recv().await {
                    act(&server);
                }
                serving.abort();
            });
        });
        let (address, kubeconfig) = told.recv().unwrap();
        let folder = Folder::new();
        let kubeconfig = kubeconfig.replace("namespace: default", &format!("namespace: {namespace}"));
        folder.write(".kube/config", &kubeconfig);
        Self { folder, address, namespace, acts: Some(acts), thread: Some(thread) }
    }

    pub(crate) fn kubeconfig(&self) -> String {
        fs::read_to_string(self.folder.0.join(".kube/config")).unwrap()
    }

    /// Does something to the server, where its clock is.
    pub(crate) fn act<T: Send + 'static>(&self, act: impl FnOnce(&ApiServer) -> T + Send + 'static) -> T {
        let (tell, told) = mpsc::channel();
        let act: Act = Box::new(move |server| tell.send(act(server)).unwrap());
        assert!(self.acts.as_ref().unwrap().send(act).is_ok(), "the server runs");
        told.recv().unwrap()
    }

    /// Waits until so many watches are open: the one place where a test polls.
    pub(crate) fn wait_for_watches(&self, count: usize) {
        let (_keep, never) = mpsc::channel::<()>();
        for _ in 0..3_000 {
            if self.act(ApiServer::open_watches) >= count {
                return;
            }
            let _ = never.recv_timeout(Duration::from_millis(10));
        }
        panic!("there are no {count} watches");
    }

    /// A Rollout as it is stored.
    pub(crate) fn rollout(&self, name: &str) -> Value {
        self.object("rollouts", name)
    }

    pub(crate) fn object(&self, resource: &'static str, name: &str) -> Value {
        let (namespace, name) = (self.namespace.clone(), name.to_owned());
        let object = self.act(move |server| server.get(resource, &namespace, &name));
        object.expect("the object exists").as_ref().clone()
    }

    /// Changes the status of a Rollout, as a controller would.
    pub(crate) fn patch_status(&self, name: &str, status: &Value) {
        self.patch(("rollouts", "status"), name, json!({ "status": status }));
    }

    pub(crate) fn patch(&self, resource: (&'static str, &'static str), name: &str, patch: Value) {
        let (namespace, name) = (self.namespace.clone(), name.to_owned());
        self.act(move |server| server.merge_patch("test", resource, (&namespace, &name), &patch)).unwrap();
    }

    /// Deletes a Rollout.
    pub(crate) fn delete(&self, name: &str) {
        let (namespace, name) = (self.namespace.clone(), name.to_owned());
        self.act(move |server| server.delete("test", "rollouts", (&namespace, &name), &Value::Null)).unwrap();
    }

    /// The resourceVersion of the latest change: equal before and after a command that changes nothing.
    pub(crate) fn version(&self) -> u64 {
        self.act(ApiServer::resource_version)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.acts = None;
        let ended = self.thread.take().unwrap().join();
        if !std::thread::panicking() {
            ended.unwrap();
        }
    }
}

/// What was captured of a moment.
struct Moment {
    namespace: String,
    objects: Vec<Value>,
    printed_at: Timestamp,
}

pub(crate) fn fixture(moment: &str, file: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/upstream");
    fs::read_to_string(folder.join(moment).join(file)).unwrap()
}

impl Moment {
    fn empty() -> Self {
        let printed_at = "2026-11-23T05:27:31Z".parse().unwrap();
        Self { namespace: "default".to_owned(), objects: Vec::new(), printed_at }
    }

    fn read(moment: &str) -> Self {
        let text = fixture(moment, "objects.yaml");
        let objects: Vec<Value> = serde_yaml_ng::Deserializer::from_str(&text)
            .map(|object| Value::deserialize(object).unwrap())
            .collect();
        let rollout = objects.iter().find(|object| object["kind"] == "Rollout").unwrap();
        let namespace = rollout["metadata"]["namespace"].as_str().unwrap().to_owned();
        // The printed age after the Rollout's creation, in the middle of that second.
        let printed = fixture(moment, "get-rollout.txt");
        let row = printed.lines().find(|line| line.starts_with('⟳')).unwrap();
        let age =
            row.split_whitespace().rfind(|word| word.starts_with(|c: char| c.is_ascii_digit())).unwrap();
        let age: i64 = age.strip_suffix('s').unwrap().parse().unwrap();
        let printed_at = created(rollout) + SignedDuration::from_millis(age * 1000 + 500);
        Self { namespace, objects, printed_at }
    }

    /// Stores the objects, each at the time at which it was created; owners get new uids, and owned objects follow.
    fn server(self, time: Time) -> ApiServer {
        let oldest = self.objects.iter().map(created).min().unwrap_or(self.printed_at);
        let epoch = if time == Time::Frozen { oldest } else { oldest - SignedDuration::from_secs(1) };
        let namespaces = vec!["default".to_owned(), self.namespace.clone()];
        let server = ApiServer::new(Config { epoch, namespaces, ..Config::default() });
        install_crd(&server);
        let mut uids = BTreeMap::new();
        let kinds = ["Rollout", "Deployment", "ReplicaSet", "Service", "Pod"];
        for kind in kinds {
            for object in self.objects.iter().filter(|object| object["kind"] == kind) {
                server.set_clock_offset(created(object).duration_since(epoch));
                store(&server, object, &mut uids);
            }
        }
        // The plugin reads no others; kubesim knows no Ingresses.
        let is_left_out = |object: &&Value| !kinds.iter().any(|kind| object["kind"] == *kind);
        assert!(self.objects.iter().filter(is_left_out).all(|object| object["kind"] == "Ingress"));
        let later = if time == Time::Frozen { SignedDuration::ZERO } else { SignedDuration::from_hours(24) };
        server.set_clock_offset(self.printed_at.duration_since(epoch) + later);
        server
    }
}

fn created(object: &Value) -> Timestamp {
    object["metadata"]["creationTimestamp"].as_str().unwrap().parse().unwrap()
}

fn install_crd(server: &ApiServer) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crds/rollouts.argoproj.io.yaml");
    let crd: Value = serde_yaml_ng::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    server.create("test", "customresourcedefinitions.apiextensions.k8s.io", "", crd).unwrap();
}

/// Creation strips the status, and gives an uid.
fn store(server: &ApiServer, object: &Value, uids: &mut BTreeMap<String, Value>) {
    let resource = match object["kind"].as_str().unwrap() {
        "Rollout" => "rollouts",
        "Deployment" => "deployments",
        "ReplicaSet" => "replicasets",
        "Service" => "services",
        _ => "pods",
    };
    let text = |member: &str| object["metadata"][member].as_str().unwrap().to_owned();
    let mut new = object.clone();
    for member in ["uid", "resourceVersion", "creationTimestamp", "generation"] {
        new["metadata"].as_object_mut().unwrap().remove(member);
    }
    for owner in new["metadata"]["ownerReferences"].as_array_mut().into_iter().flatten() {
        owner["uid"] = uids[owner["uid"].as_str().unwrap()].clone();
    }
    let namespace = text("namespace");
    let stored = server.create("test", resource, &namespace, new).unwrap();
    uids.insert(text("uid"), stored["metadata"]["uid"].clone());
    if !object["status"].is_null() && resource != "services" {
        let patch = json!({ "status": object["status"] });
        server.merge_patch("test", (resource, "status"), (&namespace, &text("name")), &patch).unwrap();
    }
}
