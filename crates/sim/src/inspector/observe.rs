//! What stands in a world: a Rollout with what belongs to it and what carries its traffic.

use std::collections::BTreeMap;

use serde_json::Value;
use tidegate_api::rollout::{Rollout, TrafficWeights};
use tidegate_core::invariants::Observation;
use tidegate_core::rollout::validate::service_refs;
use tidegate_core::{ReplicaSet, Service};

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
        let replica_sets: Vec<ReplicaSet> = self
            .replica_sets
            .range((namespace.to_owned(), String::new())..)
            .take_while(|((of, _), _)| of == namespace)
            .map(|(_, replica_set)| replica_set)
            .filter(|rs| rs.metadata.controller_uid() == Some(&rollout.metadata.uid))
            .cloned()
            .collect();
        let ready_pods: Vec<&Value> = self.of_kind("Pod", namespace).filter(|pod| is_ready(pod)).collect();
        let mut ready = BTreeMap::new();
        for pod in &ready_pods {
            let owners = pod["metadata"]["ownerReferences"].as_array().into_iter().flatten();
            for owner in owners.filter_map(|owner| owner["name"].as_str()) {
                if replica_sets.iter().any(|rs| rs.metadata.name == owner) {
                    *ready.entry(owner.to_owned()).or_default() += 1;
                }
            }
        }
        let services: BTreeMap<String, Service> = service_refs(&rollout)
            .into_iter()
            .filter_map(|(_, name)| {
                let key = ("Service".to_owned(), namespace.to_owned(), name.clone());
                Some((name, Service::parse(self.objects.get(&key)?).ok()?))
            })
            .collect();
        let selected = |service: &Service| {
            let is_selected = |pod: &Value| {
                service.selector.iter().all(|(k, v)| pod["metadata"]["labels"][k] == v.as_str())
            };
            let count = ready_pods.iter().filter(|pod| is_selected(pod)).count();
            if service.selector.is_empty() { 0 } else { i32::try_from(count).unwrap_or(i32::MAX) }
        };
        let endpoints = services.iter().map(|(name, service)| (name.clone(), selected(service))).collect();
        let routed = self.routed(&rollout);
        Some(Observation { rollout, replica_sets, ready, services, endpoints, routed })
    }

    /// What the stand-in router keeps; before it was asked for anything, what another one was told. `None` without a router.
    fn routed(&self, rollout: &Rollout) -> Option<TrafficWeights> {
        rollout.spec.strategy.as_ref()?.canary.as_ref()?.traffic_routing.as_ref()?;
        let metadata = &rollout.metadata;
        let name = router::config_map_name(&metadata.name);
        match self.objects.get(&("ConfigMap".to_owned(), metadata.namespace.clone(), name)) {
            Some(object) => router::weights_of(object),
            None => rollout.status.canary.weights.clone(),
        }
    }

    fn of_kind<'a>(&'a self, kind: &'a str, namespace: &'a str) -> impl Iterator<Item = &'a Value> {
        let first = (kind.to_owned(), namespace.to_owned(), String::new());
        self.objects
            .range(first..)
            .take_while(move |((k, n, _), _)| k == kind && n == namespace)
            .map(|(_, object)| &**object)
    }
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    let mut ready =
        conditions.filter(|condition| condition["type"] == "Ready" && condition["status"] == "True");
    pod["metadata"]["deletionTimestamp"].is_null() && ready.next().is_some()
}
