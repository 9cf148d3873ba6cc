//! What stands in a world: a Rollout with what belongs to it and what carries its traffic.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;
use tidegate_api::rollout::{Rollout, TrafficWeights};
use tidegate_core::invariants::{Observation, follower};
use tidegate_core::rollout::validate::service_refs;
use tidegate_core::{ReplicaSet, Service, traffic};
use tidegate_kubesim::Change;

use super::{Record, text};
use crate::router;

impl Record {
    /// The Rollout that an object belongs to: through its controllers, or because it is named.
    pub(super) fn rollout_of(&self, object: &Value, kind: &str) -> Option<(String, String)> {
        let namespace = text(&object["metadata"]["namespace"]);
        match kind {
            "Rollout" => Some((namespace, text(&object["metadata"]["name"]))),
            "Service" | "Deployment" => {
                let permission = self.permission_for(object, kind)?;
                Some((namespace, permission.name.clone()))
            }
            "Pod" => self.rollout_of(self.owner_of(object, "ReplicaSet")?, "ReplicaSet"),
            "ReplicaSet" | "ConfigMap" => self.rollout_of(self.owner_of(object, "Rollout")?, "Rollout"),
            _ => None,
        }
    }

    pub(super) fn observation(&self, namespace: &str, name: &str) -> Option<Observation> {
        let rollout = self.rollouts.get(&(namespace.to_owned(), name.to_owned()))?.clone();
        let replica_sets: Vec<ReplicaSet> = in_namespace(&self.replica_sets, namespace)
            .filter(|rs| rs.metadata.controller_uid() == Some(&rollout.metadata.uid))
            .cloned()
            .collect();
        let ready_pods: Vec<&ReadyPod> = in_namespace(&self.ready_pods, namespace).collect();
        let mut ready = BTreeMap::new();
        for owner in ready_pods.iter().flat_map(|pod| &pod.owners) {
            // Pods of a namesake that is gone go as well.
            if let Some(rs) = replica_sets.iter().find(|rs| rs.metadata.uid == *owner) {
                *ready.entry(rs.metadata.name.clone()).or_default() += 1;
            }
        }
        let (routed, lent) = (self.routed(&rollout), self.lent(&rollout));
        let key = (namespace.to_owned(), name.to_owned());
        let earlier = self.unconfirmed.get(&key).into_iter().flatten();
        let unconfirmed: Vec<TrafficWeights> = earlier.map(|(weights, _)| weights.clone()).collect();
        let routes = routed.iter().chain(&unconfirmed);
        let routed_to = routes.flat_map(traffic::services).map(str::to_owned);
        let named = service_refs(&rollout).into_iter().map(|(_, name)| name);
        let services: BTreeMap<String, Service> = named
            .chain(routed_to)
            .filter_map(|name| {
                let key = (namespace.to_owned(), name);
                let service = self.services.get(&key)?.clone();
                Some((key.1, service))
            })
            .collect();
        let selected = |service: &Service| {
            let count = ready_pods.iter().filter(|pod| pod.is_selected_by(&service.selector)).count();
            if service.selector.is_empty() { 0 } else { i32::try_from(count).unwrap_or(i32::MAX) }
        };
        let endpoints = services.iter().map(|(name, service)| (name.clone(), selected(service))).collect();
        let least = replica_sets.iter().filter_map(|rs| {
            let name = rs.metadata.name.clone();
            Some((name.clone(), *self.least.get(&(namespace.to_owned(), name))?))
        });
        let least = least.collect();
        Some(Observation {
            rollout,
            replica_sets,
            ready,
            least,
            services,
            endpoints,
            routed,
            unconfirmed,
            lent,
        })
    }

    /// The size of the Deployment that follows the Rollout's pods.
    fn lent(&self, rollout: &Rollout) -> Option<i32> {
        let name = follower(rollout)?.to_owned();
        let key = ("Deployment".to_owned(), rollout.metadata.namespace.clone(), name);
        let replicas = self.objects.get(&key)?["spec"]["replicas"].as_i64().unwrap_or(1);
        Some(i32::try_from(replicas).unwrap_or(i32::MAX))
    }

    /// The data plane may do what it did before a change until it has confirmed that.
    pub(super) fn note_route(&mut self, key: &(String, String), (change, kind): (&Change, &str)) {
        let Some((_, delay)) = self.confirmation else { return };
        if kind == "Rollout" && change.after.is_none() {
            // What it was routed by goes with it, and is no concern of one that is made in its place.
            self.unconfirmed.remove(key);
        }
        if kind != "ConfigMap" {
            return;
        }
        let changed =
            change.after.as_deref().and_then(|after| after["data"]["changed"].as_str()?.parse().ok());
        let until = changed.and_then(|at: Timestamp| at.checked_add(delay).ok());
        let before = change.before.as_deref().and_then(router::weights_of);
        if let Some(entry) = before.zip(until) {
            self.unconfirmed.entry(key.clone()).or_default().push(entry);
        }
    }

    /// What is confirmed by now is no longer done.
    pub(super) fn confirm(&mut self) {
        // Nobody else's clock: those may be set while it works.
        let Some((clock, _)) = &self.confirmation else { return };
        let now = clock.now();
        self.unconfirmed.retain(|_, earlier| {
            earlier.retain(|(_, until)| now < *until);
            !earlier.is_empty()
        });
    }

    /// What the stand-in router keeps; before it was asked for anything, what another one was told. `None` without a router.
    pub(super) fn routed(&self, rollout: &Rollout) -> Option<TrafficWeights> {
        rollout.spec.strategy.as_ref()?.canary.as_ref()?.traffic_routing.as_ref()?;
        let metadata = &rollout.metadata;
        let name = router::config_map_name(&metadata.name);
        match self.objects.get(&("ConfigMap".to_owned(), metadata.namespace.clone(), name)) {
            Some(object) => router::weights_of(object),
            None => rollout.status.canary.weights.clone(),
        }
    }
}

fn in_namespace<'a, T>(
    objects: &'a BTreeMap<(String, String), T>,
    namespace: &'a str,
) -> impl Iterator<Item = &'a T> {
    let from_there = objects.range((namespace.to_owned(), String::new())..);
    from_there.take_while(move |((of, _), _)| of == namespace).map(|(_, object)| object)
}

/// A pod that can answer.
pub(super) struct ReadyPod {
    /// By uid.
    owners: Vec<String>,
    labels: BTreeMap<String, String>,
}

impl ReadyPod {
    /// `None`: it is not ready, or on its way out.
    pub(super) fn read(pod: &Value) -> Option<Self> {
        let owners = pod["metadata"]["ownerReferences"].as_array().into_iter().flatten();
        let labels = pod["metadata"]["labels"].as_object().into_iter().flatten();
        is_ready(pod).then(|| Self {
            owners: owners.filter_map(|owner| Some(owner["uid"].as_str()?.to_owned())).collect(),
            labels: labels.map(|(key, value)| (key.clone(), text(value))).collect(),
        })
    }

    pub(super) fn is_selected_by(&self, selector: &BTreeMap<String, String>) -> bool {
        selector.iter().all(|(key, value)| self.labels.get(key) == Some(value))
    }
}

/// Keeps what has been read of an object, or forgets it.
pub(super) fn keep<T>(objects: &mut BTreeMap<(String, String), T>, key: (String, String), object: Option<T>) {
    match object {
        Some(object) => _ = objects.insert(key, object),
        None => _ = objects.remove(&key),
    }
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    let mut ready =
        conditions.filter(|condition| condition["type"] == "Ready" && condition["status"] == "True");
    pod["metadata"]["deletionTimestamp"].is_null() && ready.next().is_some()
}
