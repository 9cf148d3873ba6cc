//! Live reads: what a decision needs and no store has, or none that may be trusted.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;
use tidegate_api::labels;
use tidegate_api::rollout::{Rollout, WorkloadRef};
use tidegate_core::{
    Evidence, Need, Observed, Pod, ReplicaSet, RouterObservation, Service, Snapshot, Workload,
};

use crate::clients::{Clients, RequestError};
use crate::kind;
use crate::rate::Priority;
use crate::shell::Shell;
use crate::snapshot::ReadError;
use crate::store::{Key, Slim};
use crate::workloads::Place;
use crate::world::in_order;

/// Objects per answer to a list.
const PAGE: u32 = 100;

/// What a decision about a Rollout reads of it and of the ReplicaSets of its namespace. `None`: there is no such Rollout.
///
/// `known` stands in for what cannot be read of the Rollout.
pub(crate) async fn snapshot(
    clients: &Clients,
    key: &Key,
    known: Rollout,
) -> Result<Option<Snapshot>, ReadError> {
    let parse =
        |object: &Value| <Rollout as Slim>::parse(object).or_else(|error| known.updated(object).ok_or(error));
    let Some(rollout) = read(clients, &rollout_path(key), parse).await? else { return Ok(None) };
    let mut snapshot = Snapshot::of(rollout);
    snapshot.live_uid = Observed::Found(snapshot.rollout.metadata.uid.clone());
    replica_sets(clients, &mut snapshot).await?;
    Ok(Some(snapshot))
}

/// The ReplicaSets that concern the Rollout of a snapshot, as they are now.
async fn replica_sets(clients: &Clients, snapshot: &mut Snapshot) -> Result<(), ReadError> {
    let rollout = &snapshot.rollout.metadata;
    let path = kind::REPLICA_SET.collection(&rollout.namespace);
    let found = list(clients, &path, labels::POD_TEMPLATE_HASH, ReplicaSet::parse).await?;
    let uid = rollout.uid.as_str();
    let concerned = found
        .into_iter()
        .filter(|replica_set| replica_set.metadata.controller_uid().is_none_or(|owner| owner == uid));
    snapshot.replica_sets = in_order(concerned.collect());
    snapshot.replica_sets_are_live = true;
    Ok(())
}

/// The Rollout as it is now, if there is one.
pub(crate) async fn rollout(clients: &Clients, key: &Key) -> Result<Option<Rollout>, ReadError> {
    read(clients, &rollout_path(key), <Rollout as Slim>::parse).await
}

fn rollout_path(key: &Key) -> String {
    kind::ROLLOUT.object(&key.namespace, &key.name)
}

/// Answers needs by live reads.
pub(crate) async fn answer(
    shell: &Shell,
    snapshot: &mut Snapshot,
    needs: Vec<Need>,
) -> Result<(), ReadError> {
    let clients = &shell.clients;
    let key = Key::new(&snapshot.rollout.metadata.namespace, &snapshot.rollout.metadata.name);
    let namespace = key.namespace.as_str();
    for need in needs {
        match need {
            Need::Service(name) => {
                let path = kind::SERVICE.object(namespace, &name);
                let service = observe(clients, &path, Service::parse).await?;
                snapshot.services.insert(name, service);
            }
            Need::Workload(reference) => snapshot.workload = workload(shell, &key, &reference).await?,
            Need::LiveUid => {
                let uid = |object: &Value| String::deserialize(&object["metadata"]["uid"]);
                snapshot.live_uid = observe(clients, &rollout_path(&key), uid).await?;
            }
            Need::Pods(hashes) => {
                snapshot.pods = Observed::Found(pods(clients, snapshot, &hashes).await?);
            }
            Need::ReplicaSets => replica_sets(clients, snapshot).await?,
            Need::Fresh(evidence) => {
                for object in evidence {
                    refresh(clients, snapshot, namespace, object).await?;
                }
            }
            Need::Router => snapshot.router = routed(shell, &snapshot.rollout).await?,
            Need::LiveReplicaSet(name) => {
                let path = kind::REPLICA_SET.object(namespace, &name);
                let replica_set = observe(clients, &path, ReplicaSet::parse).await?;
                snapshot.live_replica_sets.insert(name, replica_set);
            }
        }
    }
    Ok(())
}

async fn refresh(
    clients: &Clients,
    snapshot: &mut Snapshot,
    namespace: &str,
    object: Evidence,
) -> Result<(), ReadError> {
    match object {
        Evidence::ReplicaSet(name) => {
            let path = kind::REPLICA_SET.object(namespace, &name);
            snapshot.refresh(&name, observe(clients, &path, ReplicaSet::parse).await?);
        }
        Evidence::Rollout => {
            let key = Key::new(namespace, &snapshot.rollout.metadata.name);
            let live = rollout(clients, &key).await?;
            snapshot.refresh_rollout(live);
        }
        Evidence::Service(name) => {
            let path = kind::SERVICE.object(namespace, &name);
            snapshot.refresh_service(&name, observe(clients, &path, Service::parse).await?);
        }
    }
    Ok(())
}

async fn workload(
    shell: &Shell,
    rollout: &Key,
    reference: &WorkloadRef,
) -> Result<Observed<Workload>, ReadError> {
    // Other kinds are never asked for.
    let Some(place) = Place::of(&rollout.namespace, reference) else { return Ok(Observed::Missing) };
    let path = place.kind.object(&place.key.namespace, &place.key.name);
    let Some(object) = read(&shell.clients, &path, |object| Ok(object.clone())).await? else {
        shell.lock().world.workloads.miss(place);
        return Ok(Observed::Missing);
    };
    let workload = Workload::parse(&object).map_err(|source| ReadError::Parse { path, source })?;
    shell.learn(place.kind, object, rollout);
    Ok(Observed::Found(workload))
}

/// The pods of the Rollout's own ReplicaSets: others may carry the same hash.
async fn pods(clients: &Clients, snapshot: &Snapshot, hashes: &[String]) -> Result<Vec<Pod>, ReadError> {
    if hashes.is_empty() {
        return Ok(Vec::new());
    }
    let rollout = &snapshot.rollout.metadata;
    let own: BTreeSet<&str> = snapshot
        .replica_sets
        .iter()
        .filter(|set| set.metadata.controller_uid() == Some(rollout.uid.as_str()))
        .map(|set| set.metadata.uid.as_str())
        .collect();
    let selector = format!("{}%20in%20%28{}%29", labels::POD_TEMPLATE_HASH, hashes.join("%2C"));
    let mut pods = list(clients, &kind::POD.collection(&rollout.namespace), &selector, Pod::parse).await?;
    pods.retain(|pod| pod.metadata.controller_uid().is_some_and(|owner| own.contains(owner)));
    Ok(pods)
}

async fn routed(shell: &Shell, rollout: &Rollout) -> Result<Observed<RouterObservation>, ReadError> {
    let Some(router) = &shell.router else { return Ok(Observed::Missing) };
    router.observe(shell.clients.at(Priority::Traffic), rollout).await.map(Observed::Found)
}

/// All objects of a collection with these labels, page by page.
async fn list<T>(
    clients: &Clients,
    collection: &str,
    selector: &str,
    parse: fn(&Value) -> Result<T, serde_json::Error>,
) -> Result<Vec<T>, ReadError> {
    let path = format!("{collection}?labelSelector={selector}&limit={PAGE}");
    let (mut found, mut token) = (Vec::new(), String::new());
    loop {
        let page = if token.is_empty() { path.clone() } else { format!("{path}&continue={token}") };
        let parse_page = |list: &Value| {
            let items: Result<Vec<T>, _> =
                list["items"].as_array().into_iter().flatten().map(parse).collect();
            Ok((items?, encoded(list["metadata"]["continue"].as_str().unwrap_or_default())))
        };
        // A namespace without such objects has an empty list; none at all is a server that does not know what it serves.
        let (items, next) = read(clients, &page, parse_page)
            .await?
            .ok_or_else(|| ReadError::Request { path: path.clone(), message: "not found".to_owned() })?;
        found.extend(items);
        if next.is_empty() {
            return Ok(found);
        }
        token = next;
    }
}

/// A text as a query carries it.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    let each = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(each).collect()
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

#[cfg(test)]
#[path = "live_tests.rs"]
mod tests;
