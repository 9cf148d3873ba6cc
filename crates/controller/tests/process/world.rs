//! An API server in a thread of its own, whose changes a test can wait for.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_kubesim::listener::Listener;
use tidegate_kubesim::{ApiServer, Config};

use crate::child::{Running, controller};

const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const LOCK: &str = "argo-rollouts-controller-lock";
pub(crate) const LEASES: &str = "leases.coordination.k8s.io";

type Act = Box<dyn FnOnce(&ApiServer) + Send>;

/// A server, a folder with a kubeconfig that leads to it, and news of each change.
pub(crate) struct World {
    folder: PathBuf,
    acts: Option<tokio::sync::mpsc::UnboundedSender<Act>>,
    changes: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl World {
    /// With the definition of Rollouts.
    pub(crate) fn new() -> Self {
        let world = Self::without_rollouts();
        world.install_rollouts();
        world
    }

    /// Without it.
    pub(crate) fn without_rollouts() -> Self {
        let (acts, mut todo) = tokio::sync::mpsc::unbounded_channel::<Act>();
        let (tell, told) = mpsc::channel();
        let (changed, changes) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let namespaces = ["default", "argo-rollouts"].map(str::to_owned).to_vec();
                let server = ApiServer::new(Config { namespaces, ..Config::default() });
                server.spawn_controllers();
                // Nobody listens any more when the test is over.
                server.observe(move |_| _ = changed.send(()));
                let listener = Listener::bind(server.clone(), 0).await.unwrap();
                tell.send(listener.kubeconfig("test")).unwrap();
                let serving = tokio::spawn(listener.serve());
                while let Some(act) = todo.recv().await {
                    act(&server);
                }
                serving.abort();
            });
        });
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("process-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("config"), told.recv().unwrap()).unwrap();
        Self { folder, acts: Some(acts), changes, thread: Some(thread) }
    }

    pub(crate) fn install_rollouts(&self) {
        self.act(|server| {
            let crd = tidegate_api::crd::rollout_crd();
            server.create("test", "customresourcedefinitions.apiextensions.k8s.io", "", crd).unwrap();
        });
    }

    /// A controller for this server, on ports that are free.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let kubeconfig = self.folder.join("config");
        let fixed = ["--healthzPort=0", "--metricsPort=0", "--kubeconfig", kubeconfig.to_str().unwrap()];
        controller(&[&fixed, args].concat())
    }

    pub(crate) fn start(&self, args: &[&str]) -> Running {
        Running::start(&mut self.command(args))
    }

    /// The same with an election in which little time passes.
    pub(crate) fn start_hasty(&self) -> Running {
        self.start(&[
            "--leader-election-lease-duration=5s",
            "--leader-election-renew-deadline=4s",
            "--leader-election-retry-period=300ms",
        ])
    }

    /// Does something to the server, where its clock is.
    pub(crate) fn act<T: Send + 'static>(&self, act: impl FnOnce(&ApiServer) -> T + Send + 'static) -> T {
        let (tell, told) = mpsc::channel();
        let act: Act = Box::new(move |server| tell.send(act(server)).unwrap());
        assert!(self.acts.as_ref().unwrap().send(act).is_ok(), "the server runs");
        told.recv().unwrap()
    }

    /// The server answers nothing before this is dropped.
    pub(crate) fn freeze(&self) -> mpsc::Sender<()> {
        let (hold, held) = mpsc::channel();
        let act: Act = Box::new(move |_| _ = held.recv());
        assert!(self.acts.as_ref().unwrap().send(act).is_ok(), "the server runs");
        hold
    }

    pub(crate) fn kubeconfig(&self) -> String {
        fs::read_to_string(self.folder.join("config")).unwrap()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub(crate) fn object(
        &self,
        resource: &'static str,
        namespace: &'static str,
        name: &'static str,
    ) -> Value {
        let object = self.act(move |server| server.get(resource, namespace, name));
        object.map_or(Value::Null, |object| (*object).clone())
    }

    /// Who holds the lease.
    pub(crate) fn holder(&self) -> String {
        let lease = self.object(LEASES, "argo-rollouts", LOCK);
        lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn create_rollout(&self, image: &str) {
        let rollout = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
            "metadata": {"name": "web"},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": {"app": "web"}},
                "strategy": {"canary": {}},
                "template": {
                    "metadata": {"labels": {"app": "web"}},
                    "spec": {"containers": [{"name": "web", "image": image}]},
                },
            },
        });
        self.act(move |server| server.create("test", "rollouts.argoproj.io", "default", rollout)).unwrap();
    }

    /// Requests of the controller so far: those about the Lease, and all others.
    pub(crate) fn requests(&self) -> (u64, u64) {
        let tallies = self.act(ApiServer::tallies);
        let ours = tallies.iter().filter(|(key, _)| key.actor.starts_with("rollouts-controller/"));
        ours.fold((0, 0), |(lease, others), (key, tally)| match key.resource.as_str() {
            LEASES => (lease + tally.requests, others),
            _ => (lease, others + tally.requests),
        })
    }

    /// Waits until the Rollout is Healthy with this image everywhere.
    #[track_caller]
    pub(crate) fn wait_for_image(&self, image: &str) {
        self.wait_for(|world| {
            let rollout = world.object("rollouts.argoproj.io", "default", "web");
            let wanted = rollout["spec"]["template"]["spec"]["containers"][0]["image"] == image;
            let is_observed = rollout["status"]["observedGeneration"]
                == rollout["metadata"]["generation"].to_string().as_str();
            wanted && is_observed && rollout["status"]["phase"] == "Healthy"
        });
    }

    /// Looks again after every change until `reached`.
    #[track_caller]
    pub(crate) fn wait_for(&self, reached: impl Fn(&Self) -> bool) {
        while !reached(self) {
            self.changes.recv_timeout(PATIENCE).expect("something changes, and leads there");
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.acts = None;
        let ended = self.thread.take().unwrap().join();
        let _ = fs::remove_dir_all(&self.folder);
        if !std::thread::panicking() {
            ended.unwrap();
        }
    }
}
