//! Building the input of a decision: from the stores where they are enough, by live reads where a need asks for them.

use std::collections::BTreeSet;

use serde_json::Value;
use tidegate_api::labels;
use tidegate_api::rollout::{Rollout, WorkloadRef};
use tidegate_core::{
    Need, ObjectRef, Observed, Pod, ReplicaSet, RouterObservation, Service, Snapshot, Workload,
};

use crate::clients::{Clients, RequestError};
use crate::execute::Answer;
use crate::kind::{self, Kind};
use crate::memory::Memory;
use crate::rate::Priority;
use crate::shell::Shell;
use crate::store::{Key, Slim};
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
    Some(snapshot)
}

/// The same, read live: the Rollout and the ReplicaSets of its namespace. `None`: there is no such Rollout.
///
/// `known` stands in for what cannot be read of the Rollout.
pub(crate) async fn from_api(
    clients: &Clients,
    key: &Key,
    known: Rollout,
) -> Result<Option<Snapshot>, ReadError> {
    let path = kind::ROLLOUT.object(&key.namespace, &key.name);
    let parse =
        |object: &Value| <Rollout as Slim>::parse(object).or_else(|error| known.updated(object).ok_or(error));
    let Some(rollout) = read(clients, &path, parse).await? else { return Ok(None) };
    let mut snapshot = Snapshot::of(rollout);
    let path = format!(
        "{}?labelSelector={}",
        kind::REPLICA_SET.collection(&key.namespace),
        labels::POD_TEMPLATE_HASH
    );
    // A namespace without ReplicaSets has an empty list; none at all is a server that does not know what it serves.
    let found = read(clients, &path, parse_list)
        .await?
        .ok_or_else(|| ReadError::Request { path: path.clone(), message: "not found".to_owned() })?;
    let uid = snapshot.rollout.metadata.uid.as_str();
    let concerned = found
        .into_iter()
        .filter(|replica_set| replica_set.metadata.controller_uid().is_none_or(|owner| owner == uid));
    snapshot.replica_sets = in_order(concerned.collect());
    Ok(Some(snapshot))
}

/// Answers what the stores can answer; the rest is for [`answer_live`].
pub(crate) fn answer_from_stores(world: &World, snapshot: &mut Snapshot, needs: Vec<Need>) -> Vec<Need> {
    let namespace = snapshot.rollout.metadata.namespace.clone();
    let mut rest = Vec::new();
    for need in needs {
        match need {
            Need::Service(name) => {
                let service = world.services.get(&Key::new(&namespace, &name));
                snapshot.services.insert(name, service.map_or(Observed::Missing, Observed::Found));
            }
            live => rest.push(live),
        }
    }
    rest
}

/// Answers needs by live reads.
pub(crate) async fn answer_live(
    shell: &Shell,
    snapshot: &mut Snapshot,
    needs: Vec<Need>,
) -> Result<(), ReadError> {
    let clients = &shell.clients;
    let (namespace, name) =
        (snapshot.rollout.metadata.namespace.clone(), snapshot.rollout.metadata.name.clone());
    for need in needs {
        match need {
            Need::Service(name) => {
                let path = kind::SERVICE.object(&namespace, &name);
                let service = observe(clients, &path, Service::parse).await?;
                snapshot.services.insert(name, service);
            }
            Need::Workload(reference) => {
                snapshot.workload = workload(clients, &namespace, &reference).await?;
            }
            Need::LiveUid => {
                let path = kind::ROLLOUT.object(&namespace, &name);
                let uid =
                    |object: &Value| <String as serde::Deserialize>::deserialize(&object["metadata"]["uid"]);
                snapshot.live_uid = observe(clients, &path, uid).await?;
            }
            Need::Pods(hashes) => {
                let path = format!(
                    "{}?labelSelector={}%20in%20%28{}%29",
                    kind::POD.collection(&namespace),
                    labels::POD_TEMPLATE_HASH,
                    hashes.join("%2C")
                );
                let pods = |list: &Value| {
                    list["items"]
                        .as_array()
                        .into_iter()
                        .flatten()
                        .map(Pod::parse)
                        .collect::<Result<Vec<_>, _>>()
                };
                snapshot.pods = observe(clients, &path, pods).await?;
            }
            Need::Router => snapshot.router = routed(shell, &snapshot.rollout).await?,
            Need::LiveReplicaSet(name) => {
                let path = kind::REPLICA_SET.object(&namespace, &name);
                let replica_set = observe(clients, &path, ReplicaSet::parse).await?;
                snapshot.live_replica_sets.insert(name, replica_set);
            }
        }
    }
    Ok(())
}

/// Puts what a write has answered into the snapshot that it was planned on, so that planning again sees it.
pub(crate) fn absorb(snapshot: &mut Snapshot, object: &ObjectRef, answer: &Answer) {
    match (Kind::written(&object.kind), answer) {
        // What a router does now is for the router to say.
        (_, Answer::Routed) => snapshot.router = Observed::Unread,
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
        _ => {}
    }
}

/// The Services that a snapshot has asked for.
pub(crate) fn services_of(snapshot: &Snapshot) -> BTreeSet<Key> {
    let namespace = &snapshot.rollout.metadata.namespace;
    snapshot.services.keys().map(|name| Key::new(namespace, name)).collect()
}

fn is_visible(snapshot: &Snapshot, replica_set: &ReplicaSet) -> bool {
    replica_set.metadata.controller_uid().is_none_or(|owner| owner == snapshot.rollout.metadata.uid)
}

async fn routed(shell: &Shell, rollout: &Rollout) -> Result<Observed<RouterObservation>, ReadError> {
    let Some(router) = &shell.router else { return Ok(Observed::Missing) };
    router.observe(shell.clients.at(Priority::Traffic), rollout).await.map(Observed::Found)
}

async fn workload(
    clients: &Clients,
    namespace: &str,
    reference: &WorkloadRef,
) -> Result<Observed<Workload>, ReadError> {
    // Other kinds are never asked for.
    let Some(kind) = Kind::workload(&reference.api_version, &reference.kind) else {
        return Ok(Observed::Missing);
    };
    observe(clients, &kind.object(namespace, &reference.name), Workload::parse).await
}

async fn observe<T>(
    clients: &Clients,
    path: &str,
    parse: impl FnOnce(&Value) -> Result<T, serde_json::Error>,
) -> Result<Observed<T>, ReadError> {
    Ok(read(clients, path, parse).await?.map_or(Observed::Missing, Observed::Found))
}

async fn read<T>(
    clients: &Clients,
    path: &str,
    parse: impl FnOnce(&Value) -> Result<T, serde_json::Error>,
) -> Result<Option<T>, ReadError> {
    let failed = |error: RequestError| ReadError::of(path, &error);
    let Some(object) = clients.get(path).await.map_err(failed)? else { return Ok(None) };
    parse(&object).map(Some).map_err(|source| ReadError::Parse { path: path.to_owned(), source })
}

fn parse_list(list: &Value) -> Result<Vec<ReplicaSet>, serde_json::Error> {
    list["items"].as_array().into_iter().flatten().map(ReplicaSet::parse).collect()
}
