//! Building the input of a decision from the stores, and keeping it true to our own writes. What the stores do not have is
//! read in `live`.

use std::collections::BTreeSet;

use tidegate_api::rollout::Rollout;
use tidegate_core::{Need, ObjectRef, Observed, Pod, ReplicaSet, Service, Snapshot, Workload, service};
use tokio::time::Instant;

use crate::clients::RequestError;
use crate::execute::Answer;
use crate::kind::{self, Kind};
use crate::memory::Memory;
use crate::store::{Key, Slim};
use crate::workloads::Place;
use crate::world::{World, in_order};

/// Why an input could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The API server did not answer with an object.
    #[error("{path} could not be read: {message}")]
    Request {
        /// What was asked for.
        path: String,
        /// The API server's or the transport's text.
        message: String,
    },
    /// The API server does not allow it.
    #[error("{0}")]
    Forbidden(String),
    /// The object is not what its kind says.
    #[error("{path} is not what its kind says")]
    Parse {
        /// What was asked for.
        path: String,
        /// What was found.
        source: serde_json::Error,
    },
}

impl ReadError {
    pub(crate) fn of(path: &str, error: &RequestError) -> Self {
        match error.refusal() {
            Some(message) => Self::Forbidden(message.to_owned()),
            None => Self::Request { path: path.to_owned(), message: error.text() },
        }
    }
}

/// What the stores know of a Rollout.
pub(crate) fn from_stores(world: &World, memory: Option<&Memory>, key: &Key) -> Option<Snapshot> {
    let mut snapshot = Snapshot::of(world.rollouts.get(key)?);
    snapshot.replica_sets = world.replica_sets_of(&snapshot.rollout.metadata);
    snapshot.counters_changed_at = memory.and_then(|memory| memory.counters_changed_at);
    let untold = memory.map(|memory| memory.untold(Instant::now())).unwrap_or_default();
    Some(untold.beside(snapshot))
}

/// Answers what the stores can answer; the rest is for [`crate::live::answer`].
pub(crate) fn answer_from_stores(world: &World, snapshot: &mut Snapshot, needs: Vec<Need>) -> Vec<Need> {
    let namespace = snapshot.rollout.metadata.namespace.clone();
    let mut rest = Vec::new();
    for need in needs {
        match need {
            // Where one store is behind, others may be too.
            live if snapshot.replica_sets_are_live => rest.push(live),
            Need::Service(name) => {
                let service = world.services.get(&Key::new(&namespace, &name));
                snapshot.services.insert(name, service.map_or(Observed::Missing, Observed::Found));
            }
            Need::Workload(reference) => match world.workloads.find(&namespace, &reference) {
                Some(workload) => snapshot.workload = workload,
                None => rest.push(Need::Workload(reference)),
            },
            live => rest.push(live),
        }
    }
    rest
}

/// Puts what a write has answered into the snapshot that it was planned on, so that planning again sees it.
pub(crate) fn absorb(snapshot: &mut Snapshot, object: &ObjectRef, answer: &Answer) {
    match (Kind::written(&object.kind), answer) {
        // What has become of it must be read anew.
        (Some(kind::POD), Answer::Done) => snapshot.pods = Observed::Unread,
        (_, Answer::Done) => snapshot.router = Observed::Unread,
        (Some(kind::ROLLOUT), Answer::Object(value)) => {
            let rollout = <Rollout as Slim>::parse(value).ok();
            if let Some(rollout) = rollout.or_else(|| snapshot.rollout.clone().updated(value)) {
                snapshot.rollout = rollout;
            }
        }
        (Some(kind::REPLICA_SET), answer) => {
            let mut replica_sets = std::mem::take(&mut snapshot.replica_sets);
            replica_sets.retain(|replica_set| replica_set.metadata.name != object.name);
            if let Answer::Object(value) = answer
                && let Ok(replica_set) = ReplicaSet::parse(value)
                && is_visible(snapshot, &replica_set)
            {
                replica_sets.push(replica_set);
            }
            snapshot.replica_sets = in_order(replica_sets);
        }
        (Some(kind::SERVICE), Answer::Object(value)) => {
            if let Ok(service) = <Service as Slim>::parse(value) {
                snapshot.services.insert(object.name.clone(), Observed::Found(service));
            }
        }
        (Some(kind::POD), Answer::Object(value)) => {
            if let (Observed::Found(pods), Ok(written)) = (&mut snapshot.pods, Pod::parse(value)) {
                let known = pods.iter_mut().find(|pod| pod.metadata.uid == written.metadata.uid);
                known.into_iter().for_each(|pod| *pod = written.clone());
            }
        }
        (Some(_), Answer::Object(value)) => {
            if let (Observed::Found(workload), Ok(written)) = (&mut snapshot.workload, Workload::parse(value))
                && workload.metadata.uid == written.metadata.uid
            {
                *workload = written;
            }
        }
        _ => {}
    }
}

/// The object whose template the Rollout uses.
pub(crate) fn lender_of(snapshot: &Snapshot) -> Option<Place> {
    let rollout = &snapshot.rollout;
    Place::of(&rollout.metadata.namespace, rollout.spec.workload_ref.as_ref()?)
}

/// The Services that a snapshot has asked for, and those that it will ask for once it knows where the router sends requests.
pub(crate) fn services_of(snapshot: &Snapshot) -> BTreeSet<Key> {
    let namespace = &snapshot.rollout.metadata.namespace;
    let names = snapshot.services.keys().map(String::as_str).chain(service::routed_by(&snapshot.rollout));
    names.map(|name| Key::new(namespace, name)).collect()
}

fn is_visible(snapshot: &Snapshot, replica_set: &ReplicaSet) -> bool {
    replica_set.metadata.controller_uid().is_none_or(|owner| owner == snapshot.rollout.metadata.uid)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_service_by_which_traffic_comes_is_asked_for_before_the_router_is() {
        let to = |service: &str, weight: i32| json!({"serviceName": service, "weight": weight});
        let rollout = json!({
            "metadata": {"namespace": "a", "name": "x"},
            "spec": {"strategy": {"canary": {"stableService": "new", "trafficRouting": {}}}},
            "status": {"canary": {"weights": {"canary": to("idle", 0), "stable": to("old", 100)}}},
        });
        let mut snapshot = Snapshot::of(Rollout::deserialize(rollout).unwrap());
        snapshot.services.insert("new".to_owned(), Observed::Missing);
        let names: Vec<String> = services_of(&snapshot).into_iter().map(|key| key.name).collect();
        assert_eq!(names, ["new", "old"]);
    }
}
