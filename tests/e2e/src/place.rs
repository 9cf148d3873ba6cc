//! A namespace of one test, and what people do in it.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use http::{Method, Request};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use xtask::cluster::{ControlPlane, User, wait_until};

use crate::LIMIT;
use crate::plane::program;

/// A client with a kubeconfig, for the runtime that it is made in.
pub(crate) async fn client(kubeconfig: &Path) -> Client {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
    let options = KubeConfigOptions::default();
    Client::try_from(Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap()).unwrap()
}

/// What a command came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What it printed.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
    /// Its exit code.
    pub code: Option<i32>,
}

/// A namespace that belongs to one test.
pub struct Place {
    /// Its name.
    pub namespace: String,
    admin: PathBuf,
    runtime: Runtime,
    client: Client,
}

impl Place {
    /// Makes a namespace; its name must be new.
    #[must_use]
    pub fn new(plane: &ControlPlane, namespace: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let admin = plane.kubeconfig(User::Admin);
        let client = runtime.block_on(client(&admin));
        let this = Self { namespace: namespace.to_owned(), admin, runtime, client };
        let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
        this.request(Method::POST, "/api/v1/namespaces", "application/json", &body).unwrap();
        this
    }

    /// One request as admin.
    ///
    /// # Errors
    /// With the API server's status, or what kept it from answering.
    pub fn request(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: &Value,
    ) -> Result<Value, kube::Error> {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let request = Request::builder().method(method).uri(path).header("content-type", content_type);
        self.runtime.block_on(self.client.request(request.body(body).unwrap()))
    }

    /// The kubeconfig of those who act here.
    pub(crate) fn admin(&self) -> &Path {
        &self.admin
    }

    /// Path of a list in this namespace: `apis/apps/v1`, `replicasets`.
    #[must_use]
    pub fn path(&self, root: &str, plural: &str) -> String {
        format!("/{root}/namespaces/{}/{plural}", self.namespace)
    }

    /// An object, if it is there.
    #[must_use]
    pub fn get(&self, root: &str, plural: &str, name: &str) -> Option<Value> {
        let path = format!("{}/{name}", self.path(root, plural));
        match self.request(Method::GET, &path, "application/json", &Value::Null) {
            Ok(object) => Some(object),
            Err(kube::Error::Api(status)) if status.code == 404 => None,
            Err(error) => panic!("{path}: {error}"),
        }
    }

    /// All objects of a list by name, with their kind.
    #[must_use]
    pub fn list(&self, root: &str, plural: &str) -> Vec<Value> {
        let path = self.path(root, plural);
        let list = self.request(Method::GET, &path, "application/json", &Value::Null).unwrap();
        let kind = list["kind"].as_str().unwrap().trim_end_matches("List").to_owned();
        let mut items = list["items"].as_array().unwrap().clone();
        for item in &mut items {
            item["kind"] = json!(kind);
        }
        items
    }

    /// The Rollout of this name.
    #[must_use]
    pub fn rollout(&self, name: &str) -> Value {
        self.get("apis/argoproj.io/v1alpha1", "rollouts", name).unwrap_or_default()
    }

    /// ReplicaSets of this namespace by name.
    #[must_use]
    pub fn replica_sets(&self) -> Vec<Value> {
        self.list("apis/apps/v1", "replicasets")
    }

    /// Names of the pods with this label (`app=demo`) that are not on their way out.
    #[must_use]
    pub fn pods(&self, label: &str) -> BTreeSet<String> {
        let (key, value) = label.split_once('=').unwrap();
        let pods = self.list("api/v1", "pods");
        let staying = pods.iter().filter(|pod| {
            let metadata = &pod["metadata"];
            metadata["labels"][key] == value && metadata["deletionTimestamp"].is_null()
        });
        staying.map(|pod| pod["metadata"]["name"].as_str().unwrap().to_owned()).collect()
    }

    /// The version that a Service selects, by its hash; empty: any.
    #[must_use]
    pub fn selected_by(&self, service: &str) -> String {
        let service = self.get("api/v1", "services", service).unwrap();
        service["spec"]["selector"]["rollouts-pod-template-hash"].as_str().unwrap_or_default().to_owned()
    }

    /// Events on the Rollout of this name as `TYPE REASON MESSAGE`, in the order in which our controller wrote them.
    #[must_use]
    pub fn events(&self, rollout: &str) -> Vec<String> {
        let events = self.list("api/v1", "events");
        let concerned = events.iter().filter(|event| {
            let object = &event["involvedObject"];
            object["kind"] == "Rollout" && object["name"] == rollout
        });
        let text = |event: &Value, field: &str| event[field].as_str().unwrap_or_default().to_owned();
        let mut events: Vec<(String, String)> = concerned
            .map(|event| {
                let name = event["metadata"]["name"].as_str().unwrap().to_owned();
                let line = ["type", "reason", "message"].map(|field| text(event, field)).join(" ");
                (name, line)
            })
            .collect();
        events.sort();
        events.into_iter().map(|(_, line)| line).collect()
    }

    /// Waits until `reached` likes the Rollout of this name, and answers it.
    #[track_caller]
    pub fn until(&self, name: &str, what: &str, reached: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let came = wait_until(what, LIMIT, || {
            last = self.rollout(name);
            Ok(reached(&last))
        });
        if let Err(error) = came {
            panic!(
                "{}/{name}: {error}; its status is {:#}\n{}",
                self.namespace,
                last["status"],
                self.tree(name)
            );
        }
        last
    }

    /// Waits until its phase is this one, for its present generation.
    #[track_caller]
    pub fn until_phase(&self, name: &str, phase: &str) -> Value {
        self.until(name, &format!("its phase is {phase}"), |rollout| {
            let observed = rollout["status"]["observedGeneration"].as_str().unwrap_or_default();
            let generation = rollout["metadata"]["generation"].to_string();
            rollout["status"]["phase"] == phase && observed == generation
        })
    }

    /// Waits until `reached`.
    #[track_caller]
    pub fn wait(&self, what: &str, mut reached: impl FnMut() -> bool) {
        if let Err(error) = wait_until(what, LIMIT, || Ok(reached())) {
            panic!("{}: {error}", self.namespace);
        }
    }

    /// `kubectl ARGS`, as admin, in this namespace. It must succeed; answers what it printed.
    #[track_caller]
    pub fn kubectl(&self, args: &str) -> String {
        succeeded(args, self.run(Command::new("kubectl"), args, ""))
    }

    /// `kubectl apply -f -` with these objects.
    #[track_caller]
    pub fn apply(&self, objects: &[Value]) {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        succeeded("apply", self.run(Command::new("kubectl"), "apply -f -", &list.to_string()));
    }

    /// `kubectl argo rollouts ARGS`. It must succeed; answers what it printed.
    #[track_caller]
    pub fn plugin(&self, args: &str) -> String {
        succeeded(args, self.try_plugin(args))
    }

    /// The same, whatever comes of it.
    #[must_use]
    pub fn try_plugin(&self, args: &str) -> Outcome {
        self.run(Command::new(program("kubectl-argo-rollouts")), args, "")
    }

    /// What `get rollout` prints.
    #[must_use]
    pub fn tree(&self, name: &str) -> String {
        self.try_plugin(&format!("get rollout {name} --no-color")).stdout
    }

    fn run(&self, mut command: Command, args: &str, input: &str) -> Outcome {
        command.args(args.split_whitespace()).args(["--namespace", &self.namespace]);
        command.env("KUBECONFIG", &self.admin).env("NO_COLOR", "1");
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).expect("only text is written");
        Outcome { stdout: text(output.stdout), stderr: text(output.stderr), code: output.status.code() }
    }
}

#[track_caller]
fn succeeded(args: &str, outcome: Outcome) -> String {
    assert_eq!(outcome.code, Some(0), "{args}: {outcome:?}");
    outcome.stdout
}
