//! A cluster on paper: one Rollout and its ReplicaSets, changed only by plans and by the test.

#![allow(clippy::needless_pass_by_value, reason = "literals are handed over")]

mod looks;
mod others;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tidegate_api::rollout::Rollout;

use crate::plan::{Plan, Purpose, Request, Write, WriteError};
use crate::rollout::{after_failure, needs, plan, routing, validate};
use crate::snapshot::{Evidence, Need, Observed, Pod, ReplicaSet, Service, Snapshot, Workload};
use crate::traffic::RouterObservation;

#[derive(Clone)]
pub(super) struct Paper {
    rollout: Value,
    replica_sets: BTreeMap<String, Value>,
    /// Selectors by Service.
    services: BTreeMap<String, Value>,
    /// Pods by name.
    pods: BTreeMap<String, Value>,
    workload: Option<Value>,
    router: Observed<RouterObservation>,
    /// Evictions are refused.
    pub(super) is_guarded: bool,
    /// Pods whose eviction may still arrive.
    pub(super) under_way: BTreeSet<String>,
    /// Services whose switch nobody has answered.
    pub(super) switches: BTreeMap<String, String>,
    /// The router refuses.
    pub(super) is_refusing: bool,
    live: BTreeMap<String, Observed<ReplicaSet>>,
    live_uid: Observed<String>,
    /// Of another Rollout that has the name by now, of which no watch has told.
    successor: Option<String>,
    /// What was made last and has vanished.
    made: Option<String>,
    /// The ReplicaSets were asked for once more.
    pub(super) looks_live: bool,
    /// What was read live for this pass.
    fresh: BTreeSet<Evidence>,
    /// What was ever read live before a plan wrote.
    pub(super) asked: BTreeSet<Evidence>,
    now: Timestamp,
    version: u64,
    uids: u64,
    events: Vec<String>,
    rejection: Option<WriteError>,
    rejected: usize,
}

impl Paper {
    pub(super) fn new(spec: Value) -> Self {
        let rollout = json!({
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Rollout",
            "metadata": {"name": "demo", "namespace": "default", "uid": "uid-1", "generation": 1, "resourceVersion": "1"},
            "spec": spec,
        });
        Self {
            rollout,
            replica_sets: BTreeMap::new(),
            services: BTreeMap::new(),
            pods: BTreeMap::new(),
            workload: None,
            router: Observed::Missing,
            is_guarded: false,
            under_way: BTreeSet::new(),
            switches: BTreeMap::new(),
            is_refusing: false,
            live: BTreeMap::new(),
            live_uid: Observed::Unread,
            successor: None,
            made: None,
            looks_live: false,
            fresh: BTreeSet::new(),
            asked: BTreeSet::new(),
            now: "2026-11-23T05:00:00.25Z".parse().unwrap(),
            version: 1,
            uids: 10,
            events: Vec::new(),
            rejection: None,
            rejected: 0,
        }
    }

    fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::of(self.rollout());
        snapshot.replica_sets = self.replica_sets();
        snapshot.replica_sets.retain(|rs| rs.metadata.controller_uid().is_none_or(|uid| uid == self.uid()));
        snapshot.live_replica_sets.clone_from(&self.live);
        snapshot.live_uid = self.live_uid.clone();
        snapshot.made.clone_from(&self.made);
        snapshot.replica_sets_are_live = self.looks_live;
        snapshot.fresh.clone_from(&self.fresh);
        snapshot.evictions_under_way.clone_from(&self.under_way);
        snapshot.switches_under_way.clone_from(&self.switches);
        let service = |service: &Value| Observed::Found(Service::parse(service).unwrap());
        snapshot.services = self.services.iter().map(|(name, it)| (name.clone(), service(it))).collect();
        snapshot.router = self.router.clone();
        let named = validate::service_refs(&snapshot.rollout).into_iter().map(|(_, name)| name);
        for name in named.chain(routing::routed_services(&snapshot).map(str::to_owned)).collect::<Vec<_>>() {
            snapshot.services.entry(name).or_insert(Observed::Missing);
        }
        let workload = |it: &Value| Observed::Found(Workload::parse(it).unwrap());
        snapshot.workload = self.workload.as_ref().map_or(Observed::Missing, workload);
        snapshot.pods = Observed::Found(self.pods.values().map(|pod| Pod::parse(pod).unwrap()).collect());
        snapshot
    }

    fn uid(&self) -> String {
        self.rollout["metadata"]["uid"].as_str().unwrap().to_owned()
    }

    fn living(&self) -> Observed<String> {
        Observed::Found(self.successor.clone().unwrap_or_else(|| self.uid()))
    }

    pub(super) fn rollout(&self) -> Rollout {
        serde_json::from_value(self.rollout.clone()).unwrap()
    }

    pub(super) fn replica_sets(&self) -> Vec<ReplicaSet> {
        let mut list: Vec<_> = self.replica_sets.values().map(|rs| ReplicaSet::parse(rs).unwrap()).collect();
        list.sort_by(|a, b| a.age_key().cmp(&b.age_key()));
        list
    }

    fn plan(&mut self) -> Plan {
        for _ in 0..3 {
            for need in needs(&self.snapshot(), self.now) {
                match need {
                    Need::LiveUid => self.live_uid = self.living(),
                    Need::ReplicaSets => self.looks_live = true,
                    other => panic!("{other:?} is not read here"),
                }
            }
        }
        for _ in 0..3 {
            let plan = plan(&self.snapshot(), self.now);
            match plan.needs.as_slice() {
                [Need::Fresh(evidence)] if plan.writes.is_empty() => {
                    self.fresh.extend(evidence.iter().cloned());
                    self.asked.extend(evidence.iter().cloned());
                }
                [Need::LiveUid] if plan.writes.is_empty() => self.live_uid = self.living(),
                _ => return plan,
            }
        }
        panic!("the same objects are read again and again");
    }

    /// One pass; whether it wrote anything.
    pub(super) fn step(&mut self) -> bool {
        self.live.clear();
        self.fresh.clear();
        self.live_uid = Observed::Unread;
        let mut plan = self.plan();
        let mut wrote = false;
        for _ in 0..4 {
            let Some((failed, error)) = self.execute(&plan, &mut wrote) else { return wrote };
            plan = after_failure(&plan, failed, &error);
            for need in std::mem::take(&mut plan.needs) {
                let Need::LiveReplicaSet(name) = need else { panic!("{need:?}") };
                let found = ReplicaSet::parse(&self.replica_sets[&name]).unwrap();
                self.live.insert(name, Observed::Found(found));
                plan = self.plan();
            }
        }
        panic!("failures lead nowhere");
    }

    fn execute(&mut self, plan: &Plan, wrote: &mut bool) -> Option<(usize, WriteError)> {
        for (index, write) in plan.writes.iter().enumerate() {
            if let Err(error) = self.apply(write) {
                return Some((index, error));
            }
            *wrote = true;
            self.events.extend(write.events.iter().map(|event| event.reason.clone()));
        }
        None
    }

    fn object(&mut self, write: &Write) -> Result<&mut Value, WriteError> {
        let name = &write.object.name;
        let found = match write.object.kind.as_str() {
            "Rollout" => Some(&mut self.rollout),
            "ReplicaSet" => self.replica_sets.get_mut(name),
            "Service" => self.services.get_mut(name),
            "Pod" => self.pods.get_mut(name),
            "Deployment" => self.workload.as_mut(),
            other => panic!("{other}"),
        };
        found.ok_or(WriteError::NotFound)
    }

    fn apply(&mut self, write: &Write) -> Result<(), WriteError> {
        self.version += 1;
        let version = self.version.to_string();
        let name = write.object.name.as_str();
        match &write.request {
            Request::Create { body } => {
                if self.replica_sets.contains_key(name) {
                    return Err(WriteError::AlreadyExists);
                }
                if let Some(error) = self.rejection.clone() {
                    self.rejected += 1;
                    return Err(error);
                }
                self.uids += 1;
                let mut object = body.clone();
                object["metadata"]["uid"] = json!(format!("uid-{}", self.uids));
                object["metadata"]["creationTimestamp"] = json!(self.now.to_string());
                object["metadata"]["generation"] = json!(1);
                object["metadata"]["resourceVersion"] = json!(version);
                self.replica_sets.insert(name.to_owned(), object);
            }
            Request::JsonPatch { body, .. } => {
                let object = self.object(write)?;
                for operation in body.as_array().unwrap() {
                    json_operation(object, operation)?;
                }
                object["metadata"]["resourceVersion"] = json!(version);
            }
            Request::MergePatch { body, .. } => {
                let object = self.object(write)?;
                merge(object, body);
                object["metadata"]["resourceVersion"] = json!(version);
            }
            Request::Delete { .. } => {
                assert_eq!(write.purpose, Purpose::CleanUp);
                self.replica_sets.remove(name);
            }
            Request::Evict { .. } if self.is_guarded => {
                return Err(WriteError::Disruption("Cannot evict pod".into()));
            }
            Request::Evict { .. } => _ = self.pods.remove(name),
            Request::Route { .. } if self.is_refusing => {
                return Err(WriteError::Refused("cannot route".into()));
            }
            Request::Route { intent } => {
                self.router = Observed::Found(RouterObservation { weights: Some(intent.weights(None)) });
            }
        }
        Ok(())
    }

    /// One pass on a plan that was made before every ReplicaSet's status changed once more; the error it met.
    pub(super) fn step_on_stale(&mut self) -> Option<WriteError> {
        let plan = self.plan();
        for rs in self.replica_sets.values_mut() {
            rs["metadata"]["resourceVersion"] = json!("newer");
        }
        self.execute(&plan, &mut false).map(|(_, error)| error)
    }

    /// Passes until nothing is written any more; all pods become available in between.
    pub(super) fn settle(&mut self) {
        for _ in 0..200 {
            let wrote = self.step();
            let started = self.start_pods();
            if !wrote && !started {
                return;
            }
        }
        panic!("never settles: {}", self.summary());
    }

    /// One pass, after which all pods become available.
    pub(super) fn step_with_pods(&mut self) {
        self.step();
        self.start_pods();
    }

    pub(super) fn settle_without_pods(&mut self) {
        for _ in 0..200 {
            self.stop_pods();
            if !self.step() {
                return;
            }
        }
        panic!("never settles: {}", self.summary());
    }

    fn start_pods(&mut self) -> bool {
        let mut changed = false;
        for rs in self.replica_sets.values_mut() {
            let size = rs["spec"]["replicas"].clone();
            let status = json!({"replicas": size, "readyReplicas": size, "availableReplicas": size, "observedGeneration": 9});
            changed |= rs["status"] != status;
            rs["status"] = status;
        }
        changed
    }

    /// Pods go where sizes shrink, none become available.
    fn stop_pods(&mut self) {
        for rs in self.replica_sets.values_mut() {
            let size = rs["spec"]["replicas"].as_i64().unwrap();
            let had = rs["status"]["availableReplicas"].as_i64().unwrap_or(0).min(size);
            rs["status"] = json!({"replicas": size, "readyReplicas": had, "availableReplicas": had, "observedGeneration": 9});
        }
    }

    pub(super) fn edit(&mut self, patch: Value) {
        merge(&mut self.rollout, &patch);
        let generation = self.rollout["metadata"]["generation"].as_i64().unwrap();
        self.rollout["metadata"]["generation"] = json!(generation + 1);
    }

    pub(super) fn status(&mut self, patch: Value) {
        merge(&mut self.rollout, &json!({"status": patch}));
    }

    pub(super) fn pass_seconds(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    pub(super) fn reject_creates(&mut self, field: &str, text: &str) {
        let causes = vec![(field.into(), text.into())];
        self.rejection = Some(WriteError::Invalid { message: "rejected".into(), causes });
    }

    pub(super) fn refuse_creates(&mut self, text: &str) {
        self.rejection = Some(WriteError::Refused(text.into()));
    }

    pub(super) fn allow_creates(&mut self) {
        self.rejection = None;
    }

    /// Somebody deletes the ReplicaSet of an image.
    pub(super) fn delete(&mut self, image: &str) {
        self.replica_sets.retain(|_, rs| rs["spec"]["template"]["spec"]["containers"][0]["image"] != image);
    }

    /// A Service of the name that selects all pods.
    pub(super) fn service(&mut self, name: &str) {
        self.services.insert(
            name.to_owned(),
            json!({"metadata": {"name": name, "uid": name, "resourceVersion": "1"}, "spec": {"selector": {"app": "demo"}}}),
        );
    }

    /// There is a router, which was not told anything yet.
    pub(super) fn route(&mut self) {
        self.router = Observed::Found(RouterObservation::default());
    }

    /// What the data plane says of the weights.
    pub(super) fn verify(&mut self, verified: bool) {
        let Observed::Found(RouterObservation { weights: Some(weights) }) = &mut self.router else {
            panic!("nothing is routed");
        };
        weights.verified = Some(verified);
    }

    pub(super) fn workload(&mut self, workload: Value) {
        self.workload = Some(workload);
    }

    pub(super) fn the_workload(&mut self) -> &mut Option<Value> {
        &mut self.workload
    }

    /// Makes the pods that sizes ask for, and says how many each ReplicaSet has available.
    pub(super) fn make_pods(&mut self) {
        for (name, rs) in &mut self.replica_sets {
            let uid = rs["metadata"]["uid"].clone();
            let size = usize::try_from(rs["spec"]["replicas"].as_u64().unwrap()).unwrap();
            let own: Vec<String> = self
                .pods
                .iter()
                .filter(|(_, pod)| owner(pod) == &uid)
                .map(|(name, _)| name.clone())
                .collect();
            for surplus in own.iter().skip(size) {
                self.pods.remove(surplus);
            }
            for _ in own.len()..size {
                self.uids += 1;
                let pod = format!("{name}-{}", self.uids);
                let ready =
                    json!([{"type": "Ready", "status": "True", "lastTransitionTime": self.now.to_string()}]);
                let object = json!({
                    "metadata": {"name": pod, "uid": pod, "creationTimestamp": self.now.to_string(),
                        "labels": rs["spec"]["template"]["metadata"]["labels"],
                        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": name, "uid": uid, "controller": true}]},
                    "status": {"conditions": ready},
                });
                self.pods.insert(pod, object);
            }
            let status = json!({"replicas": size, "readyReplicas": size, "availableReplicas": size, "observedGeneration": 9});
            rs["status"] = status;
        }
    }

    /// Sizes of the ReplicaSet of this image at each pass, with pods made in between, until nothing is written.
    pub(super) fn settle_with_pods(&mut self) {
        for _ in 0..200 {
            self.make_pods();
            if !self.step() {
                return;
            }
        }
        panic!("never settles: {}", self.summary());
    }

    /// The ReplicaSet controller has not looked at an image's ReplicaSet since its last change.
    pub(super) fn unobserve(&mut self, image: &str) {
        for rs in self.replica_sets.values_mut() {
            if rs["spec"]["template"]["spec"]["containers"][0]["image"] == image {
                rs["metadata"]["generation"] = json!(10);
            }
        }
    }

    /// The pods of an image become available.
    pub(super) fn start_pods_of(&mut self, image: &str) {
        for rs in self.replica_sets.values_mut() {
            if rs["spec"]["template"]["spec"]["containers"][0]["image"] == image {
                let size = rs["spec"]["replicas"].clone();
                rs["status"] = json!({"replicas": size, "readyReplicas": size, "availableReplicas": size, "observedGeneration": 9});
            }
        }
    }
}

fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else { return *target = patch.clone() };
    if !target.is_object() {
        *target = json!({});
    }
    for (key, value) in patch {
        if value.is_null() {
            target.as_object_mut().unwrap().remove(key);
        } else {
            merge(&mut target[key], value);
        }
    }
}

fn json_operation(object: &mut Value, operation: &Value) -> Result<(), WriteError> {
    let path = operation["path"].as_str().unwrap();
    let value = &operation["value"];
    match operation["op"].as_str().unwrap() {
        "test" if object.pointer(path) == Some(value) => {}
        "test" => return Err(WriteError::Conflict),
        "replace" => *object.pointer_mut(path).unwrap() = value.clone(),
        "add" => {
            let (parent, key) = path.rsplit_once('/').unwrap();
            object.pointer_mut(parent).unwrap()[key.replace("~1", "/")] = value.clone();
        }
        "remove" => {
            let (parent, key) = path.rsplit_once('/').unwrap();
            let parent = object.pointer_mut(parent).and_then(Value::as_object_mut).unwrap();
            parent.remove(&key.replace("~1", "/")).ok_or(WriteError::Conflict)?;
        }
        other => panic!("{other}"),
    }
    Ok(())
}

fn owner(pod: &Value) -> &Value {
    &pod["metadata"]["ownerReferences"][0]["uid"]
}
