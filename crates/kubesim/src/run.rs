//! The driver of the controllers: it wakes them by changes and deadlines, and carries out what they want.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::clock::after;
use crate::controllers::kubelet::{self, PodRun};
use crate::controllers::replica_set::Failure;
use crate::controllers::{Step, Write, controller_of, deployment, disruption, garbage, replica_set};
use crate::json::{at, is_terminating, list, set, text, uid};
use crate::selector::LabelSelector;
use crate::server::{ApiServer, Reaction};
use crate::state::{Call, Change, State};
use crate::status::ApiError;
use crate::store::{Key, Place};
use crate::verbs::delete::DeleteOptions;
use crate::verbs::{create, delete, update};

/// One thing that a controller looks after. Their order is the order of work that is due at the same time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    Pod(Key),
    ReplicaSet(Key),
    Deployment(Key),
    Budget(Key),
    Garbage(Place),
}

impl Task {
    fn actor(&self) -> &'static str {
        match self {
            Self::Pod(_) => "kubelet",
            Self::ReplicaSet(_) => "replicaset-controller",
            Self::Deployment(_) => "deployment-controller",
            Self::Budget(_) => "disruption-controller",
            Self::Garbage(_) => "garbage-collector",
        }
    }
}

const BUDGETS: &str = "poddisruptionbudgets.policy";

/// How long a failed write waits for its first retry.
const FIRST_RETRY: Duration = Duration::from_millis(5);
const LAST_RETRY: Duration = Duration::from_secs(1000);

struct Driver {
    server: ApiServer,
    reaction: Reaction,
    due: BTreeMap<Task, Timestamp>,
    queue: BTreeSet<(Timestamp, Task)>,
    /// By uid.
    pods: BTreeMap<String, PodRun>,
    failures: BTreeMap<Task, u32>,
}

/// Runs the controllers until the task is dropped.
pub(crate) async fn run(server: ApiServer, reaction: Reaction) {
    let mut driver = Driver {
        server: server.clone(),
        reaction,
        due: BTreeMap::new(),
        queue: BTreeSet::new(),
        pods: BTreeMap::new(),
        failures: BTreeMap::new(),
    };
    driver.take_over();
    loop {
        driver.take_changes();
        if driver.work() {
            tokio::task::yield_now().await;
            continue;
        }
        match driver.wait() {
            None => server.news().await,
            Some(wait) => tokio::select! {
                biased;
                () = server.news() => {}
                () = tokio::time::sleep(wait) => {}
            },
        }
    }
}

impl Driver {
    /// Looks at everything that exists, as controllers do that start.
    fn take_over(&mut self) {
        let now = self.server.now();
        let places: Vec<Place> = self.server.with(|state| {
            state.inbox = Some(Vec::new());
            let ids: Vec<&String> = state.store.resources().collect();
            ids.iter()
                .flat_map(|id| state.store.list(id, None).map(|(key, _)| ((*id).clone(), key.clone())))
                .collect()
        });
        for (resource, key) in places {
            match resource.as_str() {
                "pods" => self.schedule(Task::Pod(key.clone()), now),
                "replicasets.apps" => self.schedule(Task::ReplicaSet(key.clone()), now),
                "deployments.apps" => self.schedule(Task::Deployment(key.clone()), now),
                BUDGETS => self.schedule(Task::Budget(key.clone()), now),
                _ => {}
            }
            self.schedule(Task::Garbage((resource, key)), now);
        }
    }

    /// Notes that `task` is to be done at `time`, unless it is to be done sooner.
    fn schedule(&mut self, task: Task, time: Timestamp) {
        if let Some(known) = self.due.get(&task) {
            if *known <= time {
                return;
            }
            self.queue.remove(&(*known, task.clone()));
        }
        self.due.insert(task.clone(), time);
        self.queue.insert((time, task));
    }

    fn take_changes(&mut self) {
        let now = self.server.now();
        let (changes, tasks) = self.server.with(|state| {
            let changes = state.inbox.replace(Vec::new()).unwrap_or_default();
            let mut tasks = BTreeSet::new();
            changes.iter().for_each(|change| concerned(state, change, &mut tasks));
            if std::mem::take(&mut state.kubelet_changed) {
                tasks.extend(state.store.list("pods", None).map(|(key, _)| Task::Pod(key.clone())));
            }
            (changes, tasks)
        });
        for change in changes.iter().filter(|change| change.after.is_none()) {
            if let Some(before) = &change.before {
                self.pods.remove(uid(before));
            }
        }
        for task in tasks {
            let lag = match &task {
                Task::Pod(_) => Duration::ZERO,
                Task::ReplicaSet(_) | Task::Deployment(_) | Task::Budget(_) => self.reaction.replica_set,
                Task::Garbage(_) => self.reaction.garbage,
            };
            self.schedule(task, after(now, lag));
        }
    }

    /// Does what is due; tells whether there was anything.
    fn work(&mut self) -> bool {
        let now = self.server.now();
        let mut has_worked = false;
        while let Some((time, task)) = self.queue.first().cloned() {
            if time > now {
                break;
            }
            self.queue.pop_first();
            self.due.remove(&task);
            self.perform(&task, now);
            has_worked = true;
        }
        has_worked
    }

    fn wait(&self) -> Option<Duration> {
        let (time, _) = self.queue.first()?;
        Some(self.server.with(|state| state.clock.until(*time)))
    }

    fn perform(&mut self, task: &Task, now: Timestamp) {
        let result = match task {
            Task::Pod(key) => self.run_pod(key, now),
            Task::ReplicaSet(key) => self.sync_replica_set(key, now),
            Task::Deployment(key) => self.sync_deployment(key, now),
            Task::Budget(key) => self.sync_budget(key, now),
            Task::Garbage(place) => {
                let writes = self.server.with(|state| garbage::collect(&state.store, &state.registry, place));
                self.carry_out(task, Step { writes, wake_at: None })
            }
        };
        match result {
            Ok(wake_at) => {
                self.failures.remove(task);
                if let Some(time) = wake_at {
                    self.schedule(task.clone(), time);
                }
            }
            Err(_) => self.retry(task, now),
        }
    }

    fn retry(&mut self, task: &Task, now: Timestamp) {
        let failures = self.failures.entry(task.clone()).or_default();
        let wait = FIRST_RETRY.saturating_mul(1 << (*failures).min(20)).min(LAST_RETRY);
        *failures += 1;
        self.schedule(task.clone(), after(now, wait));
    }

    fn run_pod(&mut self, key: &Key, now: Timestamp) -> Result<Option<Timestamp>, ApiError> {
        let pods = &mut self.pods;
        let step = self.server.with(|state| {
            let pod = Arc::clone(state.store.get("pods", key)?);
            let (kubelet, identities) = (&state.kubelet, &mut state.identities);
            let run = pods
                .entry(uid(&pod).to_owned())
                .or_insert_with(|| PodRun::new(kubelet, &pod, || identities.pod_ip(), now));
            Some(kubelet::step(&pod, run, kubelet, now))
        });
        self.carry_out(&Task::Pod(key.clone()), step.unwrap_or_default())
    }

    fn sync_replica_set(&mut self, key: &Key, now: Timestamp) -> Result<Option<Timestamp>, ApiError> {
        let task = Task::ReplicaSet(key.clone());
        let seen = self.server.with(|state| {
            let replica_set = Arc::clone(state.store.get("replicasets.apps", key)?);
            let pods = state.store.list("pods", Some(&key.namespace));
            Some((replica_set, pods.map(|(_, pod)| Arc::clone(pod)).collect::<Vec<_>>()))
        });
        let Some((replica_set, pods)) = seen else { return Ok(None) };
        let mut failed = None;
        for write in replica_set::manage(&replica_set, &pods) {
            let reason = if matches!(write, Write::Create { .. }) { "FailedCreate" } else { "FailedDelete" };
            if let Err(error) = self.carry_out_one(&task, write) {
                failed = Some((Failure { reason, message: error.message.clone() }, error));
                break;
            }
        }
        let failure = failed.as_ref().map(|(failure, _)| failure);
        let reported = self.carry_out(&task, replica_set::report(&replica_set, &pods, failure, now));
        failed.map_or(reported, |(_, error)| Err(error))
    }

    fn sync_deployment(&mut self, key: &Key, now: Timestamp) -> Result<Option<Timestamp>, ApiError> {
        let step = self.server.with(|state| {
            let deployment = Arc::clone(state.store.get("deployments.apps", key)?);
            let all = |resource| {
                let objects = state.store.list(resource, Some(&key.namespace));
                objects.map(|(_, object)| Arc::clone(object)).collect::<Vec<_>>()
            };
            Some(deployment::sync(&deployment, &all("replicasets.apps"), &all("pods"), now))
        });
        self.carry_out(&Task::Deployment(key.clone()), step.unwrap_or_default())
    }

    fn sync_budget(&mut self, key: &Key, now: Timestamp) -> Result<Option<Timestamp>, ApiError> {
        let step = self.server.with(|state| {
            let budget = Arc::clone(state.store.get(BUDGETS, key)?);
            Some(disruption::sync(&budget, &state.store, now))
        });
        self.carry_out(&Task::Budget(key.clone()), step.unwrap_or_default())
    }

    fn carry_out(&self, task: &Task, step: Step) -> Result<Option<Timestamp>, ApiError> {
        for write in step.writes {
            self.carry_out_one(task, write)?;
        }
        Ok(step.wake_at)
    }

    /// Makes one write. That its object has gone or has been replaced is no failure: the change wakes the controller.
    fn carry_out_one(&self, task: &Task, write: Write) -> Result<(), ApiError> {
        match self.send(task.actor(), write) {
            Err(error) if error.code == 404 || error.reason == "Conflict" => Ok(()),
            result => result,
        }
    }

    fn send(&self, actor: &str, write: Write) -> Result<(), ApiError> {
        let server = &self.server;
        match write {
            Write::Create { resource, namespace, object } => {
                let call = Call::new(actor, "create", "");
                server.write(&call, resource, &namespace, "", |state, resource| {
                    create::create(state, &call, resource, &namespace, object).map(drop)
                })
            }
            Write::Status { resource, key, status } => {
                let call = Call::new(actor, "update", "status");
                self.modify(&call, resource, &key, move |object| set(object, &["status"], status))
            }
            Write::Revision { key, revision } => {
                let call = Call::new(actor, "update", "status");
                let annotation = ["metadata", "annotations", "deployment.kubernetes.io/revision"];
                self.modify(&call, "deployments.apps", &key, move |object| {
                    set(object, &annotation, revision.into());
                })
            }
            Write::Merge { resource, key, patch } => {
                let call = Call::new(actor, "patch", "");
                self.modify(&call, &resource, &key, move |object| crate::patch::merge(object, &patch))
            }
            Write::Bind { key, node } => {
                let call = Call::new("default-scheduler", "create", "binding");
                server.write(&call, "pods", &key.namespace, &key.name, |state, resource| {
                    let pod = state.find(resource, &key)?;
                    let bound = bound(&pod, &node, &state.api_now());
                    state.commit(&call, resource, &key, Some(bound));
                    Ok(())
                })
            }
            Write::Delete { resource, key, options } => {
                let call = Call::new(actor, "delete", "");
                server.write(&call, &resource, &key.namespace, &key.name, |state, resource| {
                    let options = DeleteOptions::parse(&options)?;
                    delete::delete(state, &call, resource, &key, &options).map(drop)
                })
            }
            Write::Finalize { key } => {
                let call = Call::new("namespace-controller", "update", "finalize");
                self.modify(&call, "namespaces", &key, |object| set(object, &["spec"], json!({})))
            }
        }
    }

    fn modify(
        &self,
        call: &Call,
        resource: &str,
        key: &Key,
        change: impl FnOnce(&mut Value),
    ) -> Result<(), ApiError> {
        self.server.write(call, resource, &key.namespace, &key.name, |state, resource| {
            let changed = |current: &Value| {
                let mut object = current.clone();
                change(&mut object);
                Ok(object)
            };
            update::modify(state, call, resource, key, changed).map(drop)
        })
    }
}

fn bound(pod: &Value, node: &str, now: &str) -> Value {
    let mut pod = pod.clone();
    set(&mut pod, &["spec", "nodeName"], node.into());
    let scheduled =
        json!({"type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": now});
    set(&mut pod, &["status", "conditions"], json!([scheduled]));
    pod
}

/// Adds the tasks that a change concerns.
fn concerned(state: &State, change: &Change, tasks: &mut BTreeSet<Task>) {
    let resource = change.resource.split('/').next().unwrap_or("").to_owned();
    let key = Key::new(&change.namespace, &change.name);
    if resource == "pods" {
        tasks.insert(Task::Pod(key.clone()));
        for pod in [&change.before, &change.after].into_iter().flatten() {
            replica_sets_of(state, pod, tasks);
            let budgets = state.store.list(BUDGETS, Some(&key.namespace));
            let concerned = budgets.filter(|(_, budget)| disruption::covers(budget, pod));
            tasks.extend(concerned.map(|(key, _)| Task::Budget(key.clone())));
        }
        if let (Some(pod), None) = (&change.before, &change.after) {
            // A Deployment that recreates waits for the last pod to be gone.
            let set = controller_of(pod).and_then(|owner| state.store.place_of(text(owner, &["uid"])));
            if let Some(set) = set.and_then(|(resource, key)| state.store.get(resource, key)) {
                deployments_of(state, set, tasks);
            }
        }
    }
    if resource == "replicasets.apps" {
        tasks.insert(Task::ReplicaSet(key.clone()));
        for set in [&change.before, &change.after].into_iter().flatten() {
            deployments_of(state, set, tasks);
        }
    }
    if resource == "deployments.apps" {
        tasks.insert(Task::Deployment(key.clone()));
    }
    if resource == BUDGETS {
        tasks.insert(Task::Budget(key.clone()));
    }
    let needs_collection = change.after.as_ref().is_some_and(|object| {
        is_terminating(object) || !list(object, &["metadata", "ownerReferences"]).is_empty()
    });
    if needs_collection {
        tasks.insert(Task::Garbage((resource, key.clone())));
    }
    let blocked = |object: &Option<Arc<Value>>| -> BTreeSet<String> {
        let owners = object.iter().flat_map(|object| list(object, &["metadata", "ownerReferences"]));
        let blocked = owners.filter(|owner| at(owner, &["blockOwnerDeletion"]) == true);
        blocked.map(|owner| text(owner, &["uid"]).to_owned()).collect()
    };
    for owner in blocked(&change.before).difference(&blocked(&change.after)) {
        tasks.extend(state.store.place_of(owner).cloned().map(Task::Garbage));
    }
    if let (Some(before), None) = (&change.before, &change.after) {
        after_deletion(state, before, &key, tasks);
    }
}

/// What a deletion concerns: dependents, a namespace that empties.
fn after_deletion(state: &State, gone: &Value, key: &Key, tasks: &mut BTreeSet<Task>) {
    tasks.extend(state.store.dependents_of(uid(gone)).cloned().map(Task::Garbage));
    let namespace = Key::new("", &key.namespace);
    if state.store.get("namespaces", &namespace).is_some_and(|namespace| is_terminating(namespace)) {
        tasks.insert(Task::Garbage(("namespaces".to_owned(), namespace)));
    }
}

/// The Deployments that a ReplicaSet concerns: the one that controls it, or those that would adopt it.
fn deployments_of(state: &State, set: &Value, tasks: &mut BTreeSet<Task>) {
    let namespace = crate::json::namespace(set);
    match controller_of(set) {
        Some(owner) if text(owner, &["kind"]) == "Deployment" => {
            tasks.insert(Task::Deployment(Key::new(namespace, text(owner, &["name"]))));
        }
        Some(_) => {}
        None => {
            let labels = at(set, &["metadata", "labels"]);
            let adopts = |it: &Value| LabelSelector::from_spec(at(it, &["spec", "selector"])).matches(labels);
            let found = state.store.list("deployments.apps", Some(namespace));
            tasks.extend(found.filter(|(_, it)| adopts(it)).map(|(key, _)| Task::Deployment(key.clone())));
        }
    }
}

/// The ReplicaSets that a pod concerns: the one that controls it, or those that would adopt it.
fn replica_sets_of(state: &State, pod: &Value, tasks: &mut BTreeSet<Task>) {
    let namespace = crate::json::namespace(pod);
    match controller_of(pod) {
        Some(owner) if text(owner, &["kind"]) == "ReplicaSet" => {
            tasks.insert(Task::ReplicaSet(Key::new(namespace, text(owner, &["name"]))));
        }
        Some(_) => {}
        None => {
            let labels = at(pod, &["metadata", "labels"]);
            let adopts =
                |set: &Value| LabelSelector::from_spec(at(set, &["spec", "selector"])).matches(labels);
            let sets = state.store.list("replicasets.apps", Some(namespace));
            tasks.extend(sets.filter(|(_, set)| adopts(set)).map(|(key, _)| Task::ReplicaSet(key.clone())));
        }
    }
}
