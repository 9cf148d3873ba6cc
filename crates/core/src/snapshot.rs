//! What a decision reads: one owned, serialisable value per Rollout.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_api::labels;
use tidegate_api::meta::{LabelSelector, ObjectMeta, Time};
use tidegate_api::rollout::{Rollout, WorkloadRef};
use tidegate_api::template::{self, Injected, TemplateDigest};

use crate::traffic::RouterObservation;

/// Everything that a decision about one Rollout may depend on, besides the time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// The Rollout as last observed.
    pub rollout: Rollout,
    /// ReplicaSets of the namespace that carry the pod-template-hash label and are either controlled by this Rollout or
    /// controlled by nobody, in the order of (creation, name).
    #[serde(default)]
    pub replica_sets: Vec<ReplicaSet>,
    /// They were listed live, not taken from a store that a lost event may have left behind.
    #[serde(default)]
    pub replica_sets_are_live: bool,
    /// What was read live one by one, because an irrevocable decision rests on it.
    #[serde(default)]
    pub fresh: BTreeSet<Evidence>,
    /// Live reads of ReplicaSets by name, made because a create met an object of that name.
    #[serde(default)]
    pub live_replica_sets: BTreeMap<String, Observed<ReplicaSet>>,
    /// Services that the spec names.
    #[serde(default)]
    pub services: BTreeMap<String, Observed<Service>>,
    /// The object behind `spec.workloadRef`.
    #[serde(default)]
    pub workload: Observed<Workload>,
    /// Pods of the ReplicaSets that this Rollout controls, listed live because a decision is about single pods.
    #[serde(default)]
    pub pods: Observed<Vec<Pod>>,
    /// Uids of pods whose eviction nobody has answered, and may still be carried out.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub evictions_under_way: BTreeSet<String>,
    /// Services whose switch nobody has answered, each with the version that it was sent for: it may still be carried out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub switches_under_way: BTreeMap<String, String>,
    /// The name of the ReplicaSet that was made last, until a write has shown that the Rollout is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<String>,
    /// What the router of `trafficRouting` does; `Missing`: there is no router for it.
    #[serde(default)]
    pub router: Observed<RouterObservation>,
    /// The uid that a live read of the Rollout found; asked for before a ReplicaSet without a controller is adopted, and
    /// before one is made again.
    #[serde(default)]
    pub live_uid: Observed<String>,
    /// Since when the observed ReplicaSets differ from the counters in the status; `None`: unknown, do not wait any longer.
    #[serde(default)]
    pub counters_changed_at: Option<Timestamp>,
}

impl Snapshot {
    /// A snapshot of a Rollout of which nothing else was read yet.
    #[must_use]
    pub fn of(rollout: Rollout) -> Self {
        Self {
            rollout,
            replica_sets: Vec::new(),
            replica_sets_are_live: false,
            fresh: BTreeSet::new(),
            live_replica_sets: BTreeMap::new(),
            services: BTreeMap::new(),
            workload: Observed::Unread,
            pods: Observed::Unread,
            evictions_under_way: BTreeSet::new(),
            switches_under_way: BTreeMap::new(),
            made: None,
            router: Observed::Unread,
            live_uid: Observed::Unread,
            counters_changed_at: None,
        }
    }

    /// Answers [`Need::Fresh`] for a ReplicaSet.
    pub fn refresh(&mut self, name: &str, live: Observed<ReplicaSet>) {
        self.fresh.insert(Evidence::ReplicaSet(name.to_owned()));
        match (live, self.replica_sets.iter().position(|rs| rs.metadata.name == name)) {
            (Observed::Found(live), Some(index)) => self.replica_sets[index] = live,
            (Observed::Missing, Some(index)) => _ = self.replica_sets.remove(index),
            _ => {}
        }
    }

    /// Answers [`Need::Fresh`] for the Rollout; one that is gone stays as it was.
    pub fn refresh_rollout(&mut self, live: Option<Rollout>) {
        self.fresh.insert(Evidence::Rollout);
        if let Some(live) = live {
            self.rollout = live;
        }
    }

    /// Answers [`Need::Fresh`] for a Service.
    pub fn refresh_service(&mut self, name: &str, live: Observed<Service>) {
        self.fresh.insert(Evidence::Service(name.to_owned()));
        self.services.insert(name.to_owned(), live);
    }

    /// Whether what is known of an object was read live.
    pub(crate) fn is_fresh(&self, evidence: &Evidence) -> bool {
        let is_listed = matches!(evidence, Evidence::ReplicaSet(_)) && self.replica_sets_are_live;
        is_listed || self.fresh.contains(evidence)
    }
}

/// The outcome of reading an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Observed<T> {
    /// Nobody has looked yet.
    #[default]
    Unread,
    /// It does not exist.
    Missing,
    /// It exists.
    Found(T),
}

impl<T> Observed<T> {
    /// The value, if one was found.
    pub fn found(&self) -> Option<&T> {
        match self {
            Self::Found(value) => Some(value),
            Self::Unread | Self::Missing => None,
        }
    }
}

/// An object that a decision rests on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Evidence {
    /// A ReplicaSet of the Rollout's namespace, by name.
    ReplicaSet(String),
    /// A Service of the Rollout's namespace, by name.
    Service(String),
    /// The Rollout itself.
    Rollout,
}

/// Something that must be read before a decision is possible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Need {
    /// A Service of the Rollout's namespace, by name. A watched copy is enough.
    Service(String),
    /// The object that `spec.workloadRef` names.
    Workload(WorkloadRef),
    /// The Rollout's uid, read live.
    LiveUid,
    /// A ReplicaSet of the Rollout's namespace by name, read live.
    LiveReplicaSet(String),
    /// The pods that carry one of these pod-template hashes (label `rollouts-pod-template-hash`), listed live.
    Pods(Vec<String>),
    /// What the Rollout's router does.
    Router,
    /// Objects that are read live in place of the copies that stores have: before traffic goes to pods, before pods that answer go, and
    /// before a version becomes stable.
    Fresh(Vec<Evidence>),
    /// All ReplicaSets, listed live: before a decision that a lost event must not lead to.
    ReplicaSets,
}

/// What decisions read of an `apps/v1` ReplicaSet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplicaSet {
    /// Name, owner, labels, annotations.
    pub metadata: ObjectMeta,
    /// `spec.replicas`.
    pub replicas: i32,
    /// `spec.minReadySeconds`, seconds.
    #[serde(default)]
    pub min_ready_seconds: i32,
    /// Digest of the pod template in normal form, without what the controller injected.
    pub template_digest: TemplateDigest,
    /// Images of the template's containers.
    #[serde(default)]
    pub images: Vec<String>,
    /// The version that the template's injected anti-affinity keeps away from, by hash.
    #[serde(default)]
    pub keeps_away_from: Option<String>,
    /// Counters and failure as the ReplicaSet controller reports them.
    #[serde(default)]
    pub status: ReplicaSetStatus,
}

/// `status` of a ReplicaSet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReplicaSetStatus {
    /// Pods that exist and are not terminating.
    pub replicas: i32,
    /// Pods that are Ready.
    pub ready_replicas: i32,
    /// Pods that have been Ready for `minReadySeconds`.
    pub available_replicas: i32,
    /// Generation that these numbers belong to.
    pub observed_generation: i64,
    /// Conditions; only `ReplicaFailure` is read.
    #[serde(deserialize_with = "null_is_empty")]
    pub conditions: Vec<ReplicaSetCondition>,
}

fn null_is_empty<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Vec<ReplicaSetCondition>, D::Error> {
    Ok(Option::deserialize(d)?.unwrap_or_default())
}

/// A condition of a ReplicaSet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReplicaSetCondition {
    /// `ReplicaFailure` is the only one there is.
    #[serde(rename = "type")]
    pub type_: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// A word.
    pub reason: String,
    /// A sentence.
    pub message: String,
}

impl ReplicaSet {
    /// Reads the parts that decisions need from a whole object.
    ///
    /// # Errors
    /// When a member has another type than `apps/v1` gives it.
    pub fn parse(object: &Value) -> Result<Self, serde_json::Error> {
        Self::parse_after(object, None)
    }

    /// The same, with what is known of an earlier version: digesting a template takes longer than all the rest.
    ///
    /// # Errors
    /// When a member has another type than `apps/v1` gives it.
    pub fn parse_after(object: &Value, known: Option<&KnownTemplate>) -> Result<Self, serde_json::Error> {
        let metadata = ObjectMeta::deserialize(&object["metadata"])?;
        let template = &object["spec"]["template"];
        let template_digest = match known.filter(|known| known.is_of(&metadata)) {
            Some(known) => known.digest,
            None => {
                let injected = metadata.annotations.get(labels::EPHEMERAL_METADATA);
                let injected = injected.map(|recorded| Injected::recorded(recorded)).unwrap_or_default();
                template::template_digest(template, &injected)
            }
        };
        Ok(Self {
            replicas: Option::<i32>::deserialize(&object["spec"]["replicas"])?.unwrap_or(1),
            min_ready_seconds: Option::<i32>::deserialize(&object["spec"]["minReadySeconds"])?.unwrap_or(0),
            template_digest,
            images: template::images(template).into_iter().map(str::to_owned).collect(),
            keeps_away_from: template::keeps_away_from(template).map(str::to_owned),
            status: Option::deserialize(&object["status"])?.unwrap_or_default(),
            metadata,
        })
    }

    /// What later versions of this object need not find out again.
    #[must_use]
    pub fn known_template(&self) -> KnownTemplate {
        KnownTemplate {
            uid: self.metadata.uid.clone(),
            generation: self.metadata.generation,
            injected: self.metadata.annotations.get(labels::EPHEMERAL_METADATA).cloned(),
            digest: self.template_digest,
        }
    }

    /// The pod-template hash that names it (label `rollouts-pod-template-hash`).
    #[must_use]
    pub fn hash(&self) -> &str {
        self.metadata.labels.get(labels::POD_TEMPLATE_HASH).map_or("", String::as_str)
    }

    /// Its revision (annotation `rollout.argoproj.io/revision`); `None` when absent or not a number.
    #[must_use]
    pub fn revision(&self) -> Option<i64> {
        self.metadata.annotations.get(labels::REVISION)?.parse().ok()
    }

    /// `spec.replicas` of the Rollout when this ReplicaSet was last sized.
    #[must_use]
    pub fn desired_replicas(&self) -> Option<i32> {
        self.metadata.annotations.get(labels::DESIRED_REPLICAS)?.parse().ok()
    }

    /// Its status is about its present size.
    #[must_use]
    pub fn is_observed(&self) -> bool {
        self.status.observed_generation >= self.metadata.generation
    }

    /// Pods that are available for certain. A status from before the last change of size may count pods that are being
    /// deleted: it proves nothing.
    #[must_use]
    pub fn available(&self) -> i32 {
        if self.is_observed() { self.status.available_replicas.min(self.replicas) } else { 0 }
    }

    /// Pods that answer requests, available or not yet, as far as was published: unlike [`Self::available`] it may be of an older
    /// size.
    #[must_use]
    pub fn ready(&self) -> i32 {
        self.status.ready_replicas.max(self.status.available_replicas).min(self.replicas)
    }

    /// Pods that may be available.
    #[must_use]
    pub fn possibly_available(&self) -> i32 {
        if self.is_observed() { self.available() } else { self.replicas }
    }

    /// No pods wanted, none left, and that is no old news.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.replicas == 0 && self.status.replicas == 0 && self.is_observed()
    }

    /// Older first, ties of the one-second grain by name.
    #[must_use]
    pub fn age_key(&self) -> (Option<Timestamp>, &str) {
        (self.metadata.creation_timestamp.map(Time::timestamp), &self.metadata.name)
    }
}

/// The digest of a ReplicaSet's template, and of which version of the object it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownTemplate {
    uid: String,
    generation: i64,
    injected: Option<String>,
    digest: TemplateDigest,
}

impl KnownTemplate {
    /// The generation counts every change of the spec; what was injected is recorded beside it.
    fn is_of(&self, later: &ObjectMeta) -> bool {
        self.generation > 0
            && (self.generation, self.uid.as_str()) == (later.generation, later.uid.as_str())
            && self.injected.as_ref() == later.annotations.get(labels::EPHEMERAL_METADATA)
    }
}

/// What decisions read of a Service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    /// Name and annotations.
    pub metadata: ObjectMeta,
    /// `spec.selector`.
    #[serde(default)]
    pub selector: BTreeMap<String, String>,
}

impl Service {
    /// Reads the parts that decisions need from a whole object.
    ///
    /// # Errors
    /// When a member has another type than `v1` gives it.
    pub fn parse(object: &Value) -> Result<Self, serde_json::Error> {
        Ok(Self {
            metadata: ObjectMeta::deserialize(&object["metadata"])?,
            selector: Option::deserialize(&object["spec"]["selector"])?.unwrap_or_default(),
        })
    }
}

/// What decisions read of a pod.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pod {
    /// Name, owner, labels, annotations, creation.
    pub metadata: ObjectMeta,
    /// Since when it is ready; `None`: it is not.
    #[serde(default)]
    pub ready_since: Option<Time>,
}

impl Pod {
    /// Reads the parts that decisions need from a whole object.
    ///
    /// # Errors
    /// When a member has another type than `v1` gives it.
    pub fn parse(object: &Value) -> Result<Self, serde_json::Error> {
        let conditions = object["status"]["conditions"].as_array();
        let ready = conditions
            .into_iter()
            .flatten()
            .find(|condition| condition["type"] == "Ready" && condition["status"] == "True");
        Ok(Self {
            metadata: ObjectMeta::deserialize(&object["metadata"])?,
            ready_since: match ready {
                Some(ready) => Option::deserialize(&ready["lastTransitionTime"])?,
                None => None,
            },
        })
    }

    /// Ready for `min_ready_seconds` and not being deleted.
    #[must_use]
    pub fn is_available(&self, min_ready_seconds: i32, now: Timestamp) -> bool {
        let long_enough = |since: Time| {
            min_ready_seconds <= 0
                || now.duration_since(since.timestamp()).as_secs() >= i64::from(min_ready_seconds)
        };
        self.metadata.deletion_timestamp.is_none() && self.ready_since.is_some_and(long_enough)
    }
}

/// The pod template and selector that a Deployment, ReplicaSet or PodTemplate lends to a Rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// Its kind.
    #[serde(default)]
    pub kind: String,
    /// `spec.replicas`; a PodTemplate has none.
    #[serde(default)]
    pub replicas: Option<i32>,
    /// Name, generation.
    pub metadata: ObjectMeta,
    /// Its pod template.
    pub template: Value,
    /// Its selector; a PodTemplate has none.
    pub selector: Option<LabelSelector>,
}

impl Workload {
    /// Reads a Deployment, ReplicaSet (`spec.template`, `spec.selector`) or PodTemplate (`template`).
    ///
    /// # Errors
    /// When a member has another type than its kind gives it.
    pub fn parse(object: &Value) -> Result<Self, serde_json::Error> {
        let template = object.get("template").unwrap_or(&object["spec"]["template"]);
        Ok(Self {
            kind: object["kind"].as_str().unwrap_or_default().to_owned(),
            replicas: Option::deserialize(&object["spec"]["replicas"])?,
            metadata: ObjectMeta::deserialize(&object["metadata"])?,
            template: template.clone(),
            selector: Option::deserialize(&object["spec"]["selector"])?,
        })
    }
}

#[cfg(test)]
mod tests;
